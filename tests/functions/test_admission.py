"""Admission through the real functions: windows, the hourly limit, the mix, leases of calls that died."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.functions.harness import START, World, signed_token
from tests.functions.problems import problem
from tollgate import ids, metering
from tollgate.metering import Action, Call
from tollgate.store import admission

PATH = "/api/ai/parse-resume"
TEXT = {"text": "Asha Rao, engineer"}
MIDNIGHT = datetime(2026, 11, 30, 18, 30, tzinfo=UTC)  # the first of December begins in India


def a_call(world: World, action: Action = Action.PARSE_RESUME, **fields: object) -> Call:
    """A call as `ask` makes it, for the store itself."""
    given: dict[str, object] = {"user_id": world.user, "request_id": ids.token(8), "action": action, "at": world.now}
    return Call(**{**given, **fields})  # type: ignore[arg-type]  # -- the fields are Call's own


def used(world: World) -> int:
    count: int = world.get("/api/subscription/usage").json["resumesUsed"]
    return count


# Windows


def test_a_month_ends_at_midnight_in_india_and_not_a_second_earlier(world: World) -> None:
    world.post(PATH, TEXT)
    world.at(MIDNIGHT - timedelta(seconds=1))
    problem(world.post(PATH, TEXT), 403, "usage_limit_reached", resetDate="2026-12-01")
    world.at(MIDNIGHT)
    assert world.post(PATH, TEXT).json["usage"] == {
        "limitType": "resumes",
        "used": 1,
        "limit": 1,
        "remaining": 0,
        "resetDate": "2027-01-01",
    }


def test_a_unit_taken_before_midnight_and_given_back_after_it_returns_to_its_own_month(world: World) -> None:
    world.at(MIDNIGHT - timedelta(seconds=1))
    old = admission.admit(a_call(world))
    world.at(MIDNIGHT + timedelta(seconds=2))
    assert world.post(PATH, TEXT).status == 200
    admission.give_back(old, admission.Ended(rows=[], micro_usd=0, chosen=None))
    assert used(world) == 1
    problem(world.post(PATH, TEXT), 403, "usage_limit_reached")
    item = world.item() or {}
    assert item["resumesGenerated"] == {"N": "1"}


def test_counters_of_passed_hours_are_cleared_away_by_the_way_and_those_of_a_month_wait_for_its_history(
    world: World,
) -> None:
    world.post(PATH, TEXT)
    world.at(MIDNIGHT + timedelta(hours=5))
    world.post(PATH, TEXT)
    names = {name for name in world.item() or {} if "#" in name and name != "resumes#pass"}
    assert {name for name in names if not name.startswith("spent#")} == {
        "resumes#2026-11",
        "resumes#2026-12",
        f"rate#{int(world.now.timestamp()) // 3600}",
    }


def test_a_plan_that_ended_is_noticed_by_the_clock_alone(world: World) -> None:
    world.buy("premium", "monthly")
    world.post(PATH, TEXT)
    world.at(datetime(2026, 12, 23, 10, 19, 59, tzinfo=UTC))
    assert world.post(PATH, TEXT).json["meta"]["aiService"] == "gpt4o"
    world.at(datetime(2026, 12, 23, 10, 20, tzinfo=UTC))
    # What was used this month still counts, now against the free plan's one resume.
    problem(world.post(PATH, TEXT), 403, "usage_limit_reached", used=1, limit=1)
    world.at(datetime(2027, 1, 5, tzinfo=UTC))
    reply = world.post(PATH, TEXT)
    assert (reply.status, reply.json["meta"]["aiService"], reply.headers["ratelimit-limit"]) == (200, "gemini", "10")
    assert world.steps == ["UpdateItem", "UpdateItem", "UpdateItem", "gemini", "TransactWriteItems"]


def test_a_plan_bought_ahead_begins_by_the_clock_alone(world: World) -> None:
    world.buy("premium", "monthly")
    world.buy("pro", "monthly")
    world.post(PATH, TEXT)
    world.at(datetime(2026, 12, 23, 10, 20, tzinfo=UTC))
    reply = world.post(PATH, TEXT)
    assert (reply.status, reply.headers["ratelimit-limit"]) == (200, "100")
    assert world.usage()[-1]["metadata"]["routedBy"] == "mix"


def test_a_purchase_counts_from_the_very_next_call(world: World) -> None:
    world.post(PATH, TEXT)
    problem(world.post(PATH, TEXT), 403, "usage_limit_reached")
    world.buy("one-time", "one-time")
    assert world.post(PATH, TEXT).json["usage"] == {
        "limitType": "resumes",
        "used": 1,
        "limit": 1,
        "remaining": 0,
        "resetDate": None,
    }
    told = problem(world.post(PATH, TEXT), 403, "usage_limit_reached", resetDate=None)
    upgrade = told["upgrade"]
    assert isinstance(upgrade, dict)
    assert upgrade["pricePaise"] > 0


@pytest.mark.parametrize("first", ["parse", "buy", "prefer"])
def test_an_address_that_comes_with_a_later_token_is_kept(world: World, first: str) -> None:
    silent = signed_token({"sub": world.user, "exp": 4_000_000_000})
    if first == "parse":
        world.post(PATH, TEXT, token=silent)
    elif first == "prefer":
        world.call("PUT", "/api/account/preferences", {"notifications": {"usageAlerts": False}}, token=silent)
    else:
        made = world.post("/api/subscription/create-order", {"tier": "pro", "plan": "monthly"}, token=silent).json
        paid = world.pay(made["orderId"])
        world.webhook(world.events(paid["razorpay_payment_id"])["order.paid"])
    assert "email" not in (world.item() or {})
    world.at(MIDNIGHT)
    assert world.post(PATH, TEXT).status == 200
    assert (world.item() or {})["email"] == {"S": f"{world.user}@example.com"}


# The hourly limit


def test_the_hourly_limit_refuses_with_the_time_to_wait_and_takes_nothing(world: World) -> None:
    world.buy("one-time", "one-time")
    for _ in range(20):
        done = admission.admit(a_call(world, Action.ENHANCE_CONTENT))
        admission.settle(done, admission.Ended(rows=[], micro_usd=0, chosen=None), done.service)
    before = world.item()
    reply = world.post(PATH, TEXT)
    problem(reply, 429, "rate_limited", limit=20, retryAfter=2400)
    told = {name: reply.headers[name] for name in reply.headers if name.startswith(("ratelimit", "retry"))}
    assert told == {
        "retry-after": "2400",
        "ratelimit-limit": "20",
        "ratelimit-remaining": "0",
        "ratelimit-reset": "2400",
    }
    assert world.steps == ["UpdateItem"]
    assert world.item() == before
    world.at(START.replace(minute=59, second=59))
    assert world.post(PATH, TEXT).headers["retry-after"] == "1"
    world.at(START.replace(hour=11, minute=0))
    reply = world.post(PATH, TEXT)
    assert (reply.status, reply.headers["ratelimit-remaining"]) == (200, "19")


def test_the_hourly_count_carries_over_a_change_of_plan(world: World) -> None:
    world.post(PATH, TEXT)
    world.buy("pro", "monthly")
    assert world.post(PATH, TEXT).headers["ratelimit-remaining"] == "98"


def test_what_is_given_back_is_a_call_of_the_hour_too(world: World) -> None:
    world.fail("500")
    world.post(PATH, TEXT)
    assert world.post(PATH, TEXT).headers["ratelimit-remaining"] == "9"


# The mix


def services(world: World, calls: int) -> list[str]:
    return [world.post(PATH, TEXT).json["meta"]["aiService"] for _ in range(calls)]


@pytest.mark.parametrize(("tier", "plan"), [("pro", "monthly"), ("student", "quarterly")])
def test_of_ten_calls_exactly_three_go_to_gpt4o_block_after_block(world: World, tier: str, plan: str) -> None:
    world.buy(tier, plan)
    asked = services(world, 30)
    assert [asked[at : at + 10].count("gpt4o") for at in (0, 10, 20)] == [3, 3, 3]
    assert world.upstream() == {"gpt4o": 9, "gemini": 21}


def test_a_call_that_was_given_back_does_not_count_in_the_mix(world: World) -> None:
    world.buy("pro", "monthly")
    asked = services(world, 4)
    world.fail("refusal", at="gemini")
    problem(world.post(PATH, TEXT), 422, "content_refused")
    asked += services(world, 6)
    assert asked.count("gpt4o") == 3


def test_a_failover_counts_as_what_answered_and_is_repaid_in_the_next_block(world: World) -> None:
    world.buy("pro", "monthly")
    world.fail("badjson", at="gemini")
    first = services(world, 10)
    assert first.count("gpt4o") == 4
    assert services(world, 10).count("gpt4o") == 2
    assert services(world, 10).count("gpt4o") == 3


def test_calls_under_a_preference_are_not_part_of_the_mix(world: World) -> None:
    world.buy("pro", "monthly")
    asked = services(world, 5)
    world.post("/api/subscription/ai-preference", {"preference": "gpt4o"})
    assert set(services(world, 4)) == {"gpt4o"}
    world.post("/api/subscription/ai-preference", {"preference": "auto"})
    asked += services(world, 5)
    assert asked.count("gpt4o") == 3


# Leases


def crash(world: World, action: Action = Action.PARSE_RESUME) -> Call:
    """A call that is admitted and never heard of again."""
    call = a_call(world, action)
    admission.admit(call)
    return call


def leases(world: World) -> list[str]:
    return [name for name in world.item() or {} if name.startswith("lease#")]


@pytest.mark.parametrize("wait", [timedelta(seconds=91), timedelta(hours=3), timedelta(days=2)])
def test_what_a_crash_left_taken_is_given_back_by_the_next_call(world: World, wait: timedelta) -> None:
    world.buy("pro", "monthly")
    crash(world)
    assert used(world) == 1
    world.at(world.now + wait)
    assert world.post(PATH, TEXT).status == 200
    assert leases(world) == []
    assert used(world) == 1
    assert [row["errorMessage"] for row in world.usage()] == ["lost", None]


@pytest.mark.parametrize("wait", [timedelta(seconds=91), timedelta(hours=3), timedelta(days=2)])
def test_a_crash_on_the_last_unit_does_not_cost_it(world: World, wait: timedelta) -> None:
    crash(world)
    problem(world.post(PATH, TEXT), 403, "usage_limit_reached")
    world.at(world.now + wait)
    reply = world.post(PATH, TEXT)
    assert reply.status == 200, reply.body
    assert (used(world), leases(world)) == (1, [])
    problem(world.post(PATH, TEXT), 403, "usage_limit_reached")


def test_a_lease_of_the_month_before_gives_nothing_to_this_one(world: World) -> None:
    world.at(MIDNIGHT - timedelta(seconds=30))
    crash(world)
    world.at(MIDNIGHT + timedelta(days=3))
    assert world.post(PATH, TEXT).status == 200
    assert (used(world), leases(world)) == (1, [])
    problem(world.post(PATH, TEXT), 403, "usage_limit_reached")


def test_a_lease_of_the_pass_before_gives_nothing_to_this_one(world: World) -> None:
    world.buy("one-time", "one-time")
    crash(world)
    world.later(minutes=10)
    world.buy("one-time", "one-time")
    assert world.post(PATH, TEXT).status == 200
    assert leases(world) == []
    problem(world.post(PATH, TEXT), 403, "usage_limit_reached")


def test_a_lease_of_a_pass_that_another_plan_has_replaced_gives_back_to_no_pass(world: World) -> None:
    world.buy("one-time", "one-time")
    crash(world)
    world.later(minutes=10)
    world.buy("pro", "monthly")
    assert world.post(PATH, TEXT).status == 200
    assert leases(world) == []
    assert (world.item() or {})["resumes#pass"] == {"N": "0"}


def test_a_lease_that_may_still_be_alive_is_left_alone(world: World) -> None:
    world.buy("pro", "monthly")
    crash(world)
    world.at(world.now + timedelta(seconds=metering.LEASE_SECONDS - 1))
    world.post(PATH, TEXT)
    assert len(leases(world)) == 1
    assert used(world) == 2


def test_a_call_that_ends_after_it_was_taken_for_dead_is_logged_and_gives_nothing_back_twice(world: World) -> None:
    world.buy("pro", "monthly")
    late = admission.admit(a_call(world))
    world.later(seconds=100)
    world.post(PATH, TEXT)
    before = used(world)
    admission.give_back(late, admission.Ended(rows=[], micro_usd=0, chosen=None))
    assert used(world) == before == 1


# Retries


@pytest.mark.parametrize("tier", ["free", "pro"])
def test_an_admission_that_is_sent_twice_counts_once(world: World, tier: str) -> None:
    if tier == "pro":
        world.buy("pro", "monthly")
    call = a_call(world)
    first, again = admission.admit(call), admission.admit(call)
    assert used(world) == 1
    assert (first.lease, first.usage()) == (again.lease, again.usage())
    assert (world.item() or {})[f"rate#{int(world.now.timestamp()) // 3600}"] == {"N": "1"}


def test_giving_back_twice_gives_back_once(world: World) -> None:
    world.buy("pro", "monthly")
    kept, failed = admission.admit(a_call(world)), admission.admit(a_call(world))
    ended = admission.Ended(rows=[], micro_usd=0, chosen=None)
    for _ in range(3):
        admission.give_back(failed, ended)
    assert used(world) == 1
    assert leases(world) == [kept.call.lease]


def test_a_settled_call_cannot_be_given_back(world: World) -> None:
    admitted = admission.admit(a_call(world))
    ended = admission.Ended(rows=[], micro_usd=0, chosen=None)
    admission.settle(admitted, ended, admitted.service)
    admission.give_back(admitted, ended)
    assert used(world) == 1
