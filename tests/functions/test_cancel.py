"""POST /api/subscription/cancel: nothing renews any more, access stays until the end."""

import pytest

from tests.functions.harness import World
from tests.functions.problems import fields, problem

PATH = "/api/subscription/cancel"


def test_cancelling_keeps_access_until_the_period_ends(world: World) -> None:
    world.buy("pro", "monthly")
    reply = world.post(PATH, {"reason": "too expensive"})
    assert (reply.status, reply.json) == (
        200,
        {
            "message": "Cancelled. You keep your plan until 2026-12-23T10:20:00Z.",
            "endDate": "2026-12-23T10:20:00Z",
        },
    )
    assert (world.steps[0], world.steps[-1], world.steps.count("TransactWriteItems")) == (
        "GetItem",
        "TransactWriteItems",
        1,
    )
    shown = world.get("/api/subscription/status").json
    assert (shown["tier"], shown["status"], shown["autoRenew"]) == ("pro", "cancelled", False)
    world.later(days=30)
    assert world.get("/api/subscription/status").json["tier"] == "free"


def test_the_reason_and_the_time_are_written_down_with_the_period(world: World) -> None:
    world.buy("pro", "monthly")
    world.later(days=2)
    world.post(PATH, {"reason": "found a job"})
    (period,) = world.rows("SubscriptionsTable")
    assert (period["cancelReason"], period["cancelledAt"]) == ("found a job", "2026-11-25T10:20:00Z")
    assert world.get("/api/subscription/history").json[0]["status"] == "cancelled"


@pytest.mark.parametrize("raw", [b"", b"{}"])
def test_nobody_has_to_say_why(world: World, raw: bytes) -> None:
    world.buy("premium", "yearly")
    assert world.post(PATH, raw=raw).json["endDate"] == "2027-11-23T10:20:00Z"


def test_cancelling_twice_says_the_same(world: World) -> None:
    world.buy("pro", "monthly")
    first = world.post(PATH)
    world.later(days=1)
    again = world.post(PATH)
    assert (again.status, again.json) == (200, first.json)
    assert world.rows("SubscriptionsTable")[0]["cancelledAt"] == "2026-11-23T10:20:00Z"


def test_all_of_an_unbroken_access_is_cancelled_and_its_last_end_told(world: World) -> None:
    world.buy("pro", "monthly")
    world.buy("pro", "monthly")
    assert world.post(PATH).json["endDate"] == "2027-01-23T10:20:00Z"
    assert all("cancelledAt" in each for each in world.rows("SubscriptionsTable"))


def test_what_is_cancelled_can_be_bought_again(world: World) -> None:
    world.buy("pro", "monthly")
    world.post(PATH)
    world.later(days=3)
    world.buy("pro", "monthly")
    shown = world.get("/api/subscription/status").json
    assert (shown["status"], shown["endDate"]) == ("active", "2027-01-23T10:20:00Z")


def test_a_lifetime_plan_has_nothing_that_renews(world: World) -> None:
    world.buy("lifetime", "lifetime")
    assert world.post(PATH).json == {"message": "Cancelled. Your plan has no end and nothing renews.", "endDate": None}
    assert world.get("/api/subscription/status").json["tier"] == "lifetime"


def test_without_a_paid_plan_there_is_nothing_to_cancel(world: World) -> None:
    problem(world.post(PATH), 403, "subscription_required")
    world.buy("pro", "monthly")
    world.later(days=30)
    before = world.item()
    problem(world.post(PATH), 403, "subscription_required")
    assert world.item() == before


@pytest.mark.parametrize("reason", [7, ["x"], "x" * 501, {"why": "x"}])
def test_a_reason_is_a_text_of_at_most_five_hundred_characters(world: World, reason: object) -> None:
    world.buy("pro", "monthly")
    before = world.item()
    reply = world.post(PATH, {"reason": reason})
    problem(reply, 422, "invalid_request")
    assert fields(reply) == ["reason"]
    assert world.item() == before
