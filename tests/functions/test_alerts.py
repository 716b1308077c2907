"""Usage alerts: queued once at 80 % and at 100 % of a quota, in every window anew."""

from typing import Any

from tests.functions.harness import World
from tollgate.store.dynamodb import from_item

RESUME = {"resume": "Asha Rao\nSkills\nPython, AWS", "jobDescription": "We look for a Python engineer who knows AWS."}


def queued(world: World) -> list[tuple[str, Any]]:
    rows = [from_item(item) for item in world.raw.scan(TableName="NoticesTable")["Items"]]
    return sorted((row["kind"], row["facts"]["used"]) for row in rows if row["userId"] == world.user)


def match(world: World, times: int) -> None:
    for _ in range(times):
        assert world.post("/api/ai/job-match", RESUME).status == 200


def test_an_alert_is_queued_at_eighty_and_at_a_hundred_per_cent_and_not_in_between(world: World) -> None:
    world.buy("pro", "monthly")
    match(world, 7)
    assert queued(world) == []
    match(world, 1)
    assert queued(world) == [("usage_80", 8)]
    match(world, 1)
    assert queued(world) == [("usage_80", 8)]
    match(world, 1)
    assert queued(world) == [("usage_100", 10), ("usage_80", 8)]


def test_the_next_window_alerts_anew(world: World) -> None:
    world.buy("one-time", "one-time")
    match(world, 3)
    world.later(days=1)
    match(world, 3)
    assert queued(world) == [("usage_100", 3), ("usage_100", 3), ("usage_80", 3)][:2]


def test_a_mark_reached_again_after_a_give_back_is_told_once(world: World) -> None:
    assert world.post("/api/ai/parse-resume", {"text": "Asha Rao, engineer"}).status == 200
    first = world.raw.scan(TableName="NoticesTable")["Items"]
    assert queued(world) == [("usage_100", 1)]
    world.post("/api/ai/parse-resume", {"text": "Asha Rao, engineer"})
    assert world.raw.scan(TableName="NoticesTable")["Items"] == first


def test_whoever_wants_no_alerts_gets_none(world: World) -> None:
    world.call("PUT", "/api/account/preferences", {"notifications": {"usageAlerts": False}})
    assert world.post("/api/ai/parse-resume", {"text": "Asha Rao, engineer"}).status == 200
    assert queued(world) == []


def test_an_alert_costs_no_request_of_its_own(world: World) -> None:
    world.post("/api/ai/parse-resume", {"text": "Asha Rao, engineer"})
    assert [step for step in world.steps if step not in {"gemini", "openai"}] == ["UpdateItem", "TransactWriteItems"]
