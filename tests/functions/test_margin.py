"""The margin of a period: what its buyer paid, net, against what their AI calls cost; and the guard on it."""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tests.functions.harness import World
from tests.functions.problems import problem
from tollgate.config import settings

TEXT = {"text": "Asha Rao\nasha@example.com\nSkills\nPython, AWS"}


@contextmanager
def guarded(**variables: str) -> Iterator[None]:
    """The guard with other settings than the default."""
    before = dict(os.environ)
    os.environ.update(variables)
    settings.cache_clear()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        settings.cache_clear()


def margins(world: World) -> list[dict[str, object]]:
    reply = world.get(f"/api/admin/margin?userId={world.user}", token=world.token("boss", role="admin"))
    assert reply.status == 200
    periods: list[dict[str, object]] = reply.json["periods"]
    return periods


def test_the_margin_follows_from_price_tax_fee_and_the_usage_log(world: World) -> None:
    world.buy("premium", "monthly")
    for _ in range(3):
        assert world.post("/api/ai/parse-resume", TEXT).status == 200
    (period,) = margins(world)
    spent = sum(row["costMicroUsd"] for row in world.usage())
    assert spent > 0
    assert period["aiCostMicroUsd"] == spent == world.bill()
    assert period["paidPaise"] == 24_900
    assert period["gstPaise"] == 24_900 - 21_102  # 249 / 1.18 = 211.02
    assert period["feePaise"] == 588  # 2.36 % of 249, rounded up
    assert period["netPaise"] == 24_900 - 3_798 - 588
    assert period["aiCostPaise"] == -(-spent * 9_000 // 1_000_000)


def test_each_period_has_its_own_cost(world: World) -> None:
    world.buy("one-time", "one-time")
    world.post("/api/ai/parse-resume", TEXT)
    world.later(minutes=1)
    world.buy("premium", "monthly")
    world.post("/api/ai/parse-resume", TEXT)
    world.post("/api/ai/parse-resume", TEXT)
    premium, one_time = margins(world)
    assert premium["aiCostMicroUsd"] == 2 * int(str(one_time["aiCostMicroUsd"]))


def test_a_failed_call_costs_its_period_too(world: World) -> None:
    world.buy("premium", "monthly")
    world.fail("badjson")
    problem(world.post("/api/ai/parse-resume", TEXT), 503, "provider_unavailable")
    assert margins(world)[0]["aiCostMicroUsd"] == sum(row["costMicroUsd"] for row in world.usage()) == world.bill() > 0


def test_enforcing_routes_a_loss_to_gemini_instead_of_refusing_it(world: World) -> None:
    world.buy("premium", "monthly")
    with guarded(MARGIN_GUARD="enforce", USD_INR_PAISE="90000000"):
        services = [world.post("/api/ai/parse-resume", TEXT).json["meta"]["aiService"] for _ in range(3)]
    assert services == ["gpt4o", "gemini", "gemini"]


def test_what_enforcing_sent_to_gemini_is_not_owed_by_the_mix_when_a_new_period_begins(world: World) -> None:
    world.buy("pro", "monthly")
    path = "/api/ai/enhance-content"
    body = {"section": "Work", "content": "- Responsible for billing of 40 shops"}
    asked = [world.post(path, body).json["meta"]["aiService"] for _ in range(4)]
    with guarded(MARGIN_GUARD="enforce", USD_INR_PAISE="900000000"):
        assert {world.post(path, body).json["meta"]["aiService"] for _ in range(12)} == {"gemini"}
    asked += [world.post(path, body).json["meta"]["aiService"] for _ in range(16)]
    assert [asked[:10].count("gpt4o"), asked[10:].count("gpt4o")] == [3, 3]
    assert Counter(row["metadata"]["routedBy"] for row in world.usage() if row["success"]) == {"mix": 20, "guard": 12}


def test_a_provider_that_is_down_does_not_make_enforcing_refuse(world: World) -> None:
    world.buy("premium", "monthly")
    with guarded(MARGIN_GUARD="enforce", USD_INR_PAISE="90000000"):
        assert world.post("/api/ai/parse-resume", TEXT).json["meta"]["aiService"] == "gpt4o"
        world.fail("503", at="gemini")
        assert world.post("/api/ai/parse-resume", TEXT).json["meta"]["aiService"] == "gpt4o"


def test_reporting_changes_no_route(world: World) -> None:
    world.buy("premium", "monthly")
    with guarded(MARGIN_GUARD="report", USD_INR_PAISE="90000000"):
        services = [world.post("/api/ai/parse-resume", TEXT).json["meta"]["aiService"] for _ in range(3)]
        assert margins(world)[0]["flagged"] is True
    assert services == ["gpt4o", "gpt4o", "gpt4o"]


def test_whoever_paid_nothing_has_no_margin_to_guard(world: World) -> None:
    with guarded(MARGIN_GUARD="enforce", USD_INR_PAISE="90000000"):
        assert world.post("/api/ai/parse-resume", TEXT).json["meta"]["aiService"] == "gemini"
    assert margins(world) == []


def test_margins_are_for_administrators(world: World) -> None:
    problem(world.get("/api/admin/margin?userId=x"), 403, "forbidden")
    problem(world.get("/api/admin/margin", token=world.token("boss", role="admin")), 422, "invalid_request")
    problem(world.get("/api/admin/margin?userId=nobody", token=world.token("boss", role="admin")), 404, "not_found")
