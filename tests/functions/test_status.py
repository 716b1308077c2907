"""GET /api/subscription/status: what is in force by the record and the clock alone; no job has run."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.functions.harness import START, World
from tests.functions.problems import problem

PATH = "/api/subscription/status"
FREE: dict[str, object] = {
    "tier": "free",
    "plan": "lifetime",
    "status": "active",
    "startDate": None,
    "endDate": None,
    "daysRemaining": None,
    "autoRenew": False,
    "features": [],
    "scheduled": [],
    "creditBalance": 0,
}


def test_a_newcomer_has_the_free_plan_and_no_record(world: World) -> None:
    reply = world.get(PATH)
    assert (reply.status, reply.json) == (200, FREE)
    assert world.steps == ["GetItem"]
    assert world.item() is None


def test_a_bought_plan_shows_from_when_until_when_and_what_it_opens(world: World) -> None:
    world.buy("pro", "monthly")
    assert world.get(PATH).json == {
        "tier": "pro",
        "plan": "monthly",
        "status": "active",
        "startDate": "2026-11-23T10:20:00Z",
        "endDate": "2026-12-23T10:20:00Z",
        "daysRemaining": 30,
        "autoRenew": False,
        "features": ["ats-score", "job-match", "cover-letter", "all-templates", "portfolio", "unlimited-resumes"],
        "scheduled": [],
        "creditBalance": 0,
    }
    assert world.steps == ["GetItem"]


@pytest.mark.parametrize(
    ("tier", "plan", "end"),
    [
        ("one-time", "one-time", "2026-12-23T10:20:00Z"),
        ("student", "quarterly", "2027-02-23T10:20:00Z"),
        ("pro", "monthly", "2026-12-23T10:20:00Z"),
        ("premium", "yearly", "2027-11-23T10:20:00Z"),
    ],
)
def test_a_plan_runs_up_to_its_last_second_and_not_at_its_end(world: World, tier: str, plan: str, end: str) -> None:
    world.buy(tier, plan)
    over = datetime.fromisoformat(end)
    world.at(over - timedelta(milliseconds=500))
    before = world.get(PATH).json
    assert (before["tier"], before["endDate"], before["daysRemaining"]) == (tier, end, 1)
    world.at(over)
    assert world.get(PATH).json == FREE


def test_days_remaining_counts_a_begun_day_whole(world: World) -> None:
    world.buy("pro", "monthly")
    for hours, days in ((0, 30), (1, 30), (24, 29), (24 * 29, 1), (24 * 30 - 1, 1)):
        world.at(START + timedelta(hours=hours))
        assert world.get(PATH).json["daysRemaining"] == days


def test_a_lifetime_plan_has_no_end_and_does_not_age(world: World) -> None:
    world.buy("lifetime", "lifetime")
    world.at(datetime(2096, 2, 29, tzinfo=UTC))
    shown = world.get(PATH).json
    assert (shown["tier"], shown["endDate"], shown["daysRemaining"]) == ("lifetime", None, None)


def test_months_are_calendar_months_in_india(world: World) -> None:
    world.at(datetime(2027, 1, 30, 19, 0, tzinfo=UTC))  # half past midnight on the 31st in India
    world.buy("pro", "monthly")
    assert world.get(PATH).json["endDate"] == "2027-02-27T19:00:00Z"
    world.buy("pro", "monthly")
    assert world.get(PATH).json["endDate"] == "2027-03-30T19:00:00Z"


def test_renewing_the_same_tier_extends_it_from_its_end(world: World) -> None:
    world.buy("pro", "monthly")
    world.later(days=20)
    extended = world.buy("pro", "yearly")
    assert (extended["status"], extended["startDate"]) == ("scheduled", "2026-12-23T10:20:00Z")
    shown = world.get(PATH).json
    assert (shown["startDate"], shown["endDate"]) == ("2026-11-23T10:20:00Z", "2027-12-23T10:20:00Z")
    assert (shown["plan"], shown["scheduled"]) == ("monthly", [])
    world.at(datetime(2026, 12, 23, 10, 20, tzinfo=UTC))
    shown = world.get(PATH).json
    assert (shown["tier"], shown["plan"], shown["status"]) == ("pro", "yearly", "active")


def test_an_upgrade_begins_at_once_and_replaces_what_ran(world: World) -> None:
    world.buy("student", "quarterly")
    world.later(days=46)  # exactly half of the 92 days until 23 February
    bought = world.buy("premium", "monthly")
    assert (bought["amount"], bought["credit"]) == (24900 - 4950, 4950)
    shown = world.get(PATH).json
    assert (shown["tier"], shown["scheduled"], shown["creditBalance"]) == ("premium", [], 0)
    newest, oldest = world.get("/api/subscription/history").json
    assert (newest["tier"], newest["status"]) == ("premium", "active")
    assert (oldest["tier"], oldest["status"], oldest["endDate"]) == ("student", "replaced", "2027-01-08T10:20:00Z")


def test_credit_that_a_price_cannot_absorb_stays_on_the_account(world: World) -> None:
    world.buy("premium", "yearly")
    order = world.order("lifetime", "lifetime")
    assert order["breakdown"] | {"endsAt": None} == {
        "price": 49900,
        "credit": 49800,
        "payable": 100,
        "creditLeft": 249_000 - 49_800,
        "startsAt": "2026-11-23T10:20:00Z",
        "endsAt": None,
    }
    assert world.verify(world.pay(order["orderId"])).status == 200
    assert world.get(PATH).json["creditBalance"] == 199_200


def test_a_lower_plan_is_bought_ahead_and_begins_by_the_clock(world: World) -> None:
    world.buy("premium", "monthly")
    ahead = world.buy("student", "quarterly")
    assert ahead["status"] == "scheduled"
    shown = world.get(PATH).json
    assert (shown["tier"], shown["endDate"]) == ("premium", "2026-12-23T10:20:00Z")
    assert shown["scheduled"] == [
        {
            "subscriptionId": ahead["subscriptionId"],
            "tier": "student",
            "plan": "quarterly",
            "startDate": "2026-12-23T10:20:00Z",
            "endDate": "2027-03-23T10:20:00Z",
        }
    ]
    world.at(datetime(2026, 12, 23, 10, 19, 59, 900_000, tzinfo=UTC))
    assert world.get(PATH).json["tier"] == "premium"
    world.at(datetime(2026, 12, 23, 10, 20, tzinfo=UTC))
    shown = world.get(PATH).json
    assert (shown["tier"], shown["status"], shown["scheduled"]) == ("student", "active", [])


def test_a_pass_is_bought_again_only_once_its_resume_is_spent(world: World) -> None:
    first = world.buy("one-time", "one-time")
    again = {"tier": "one-time", "plan": "one-time"}
    problem(world.post("/api/subscription/create-order", again), 409, "conflict")
    world.post("/api/ai/parse-resume", {"text": "Asha Rao, engineer"})
    world.later(days=3)
    second = world.buy("one-time", "one-time")
    assert second["subscriptionId"] != first["subscriptionId"]
    assert (second["startDate"], second["endDate"]) == ("2026-11-26T10:20:00Z", "2026-12-26T10:20:00Z")
    shown = world.get("/api/subscription/usage").json
    assert (shown["resumesUsed"], shown["resumesLimit"], shown["resetDate"]) == (0, 1, "2026-12-01")
    problem(world.post("/api/subscription/create-order", again), 409, "conflict")


def test_after_the_end_the_same_plan_starts_anew(world: World) -> None:
    world.buy("pro", "monthly")
    world.later(days=40)
    bought = world.buy("pro", "monthly")
    assert (bought["startDate"], bought["credit"]) == ("2027-01-02T10:20:00Z", 0)
    assert world.get(PATH).json["startDate"] == "2027-01-02T10:20:00Z"
