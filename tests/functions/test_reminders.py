"""send_reminders: whose plan ends within a week hears of it 7, 3 and 1 days before, each once, whatever happens to the run."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from tests.functions import harness, jobs
from tests.functions.harness import World
from tests.unit.factories import a_subscription, india
from tollgate import reminders
from tollgate.store import due, dynamodb, subscriptions, users
from tollgate.store.dynamodb import to_item
from tollgate.subscriptions import Subscription

type Json = dict[str, Any]

JOB = "SendReminders"
ASKS = frozenset({"query", "get_item"})
END = date(2026, 12, 23)  # of a month bought at the harness's START


def run(world: World, seconds: float | None = None) -> Json:
    return jobs.run(world, JOB, seconds)


def on(world: World, days: int, hour: int = 9) -> Json:
    """A run so many days before the end, at that hour in India."""
    world.at(india(f"{END - timedelta(days=days)} {hour:02}:00:00"))
    return run(world)


@pytest.fixture(autouse=True)
def _alone(world: World) -> None:
    """Nothing of earlier tests ends within the time of these."""
    forget_all(world)


def forget_all(world: World) -> None:
    """End whatever runs."""
    world.at(harness.START + timedelta(days=3650))
    jobs.run(world, "ExpireSubscriptions")
    world.at(harness.START)


def told(world: World, user: str | None = None) -> dict[int, Json]:
    """The facts of the reminders that were queued for a user, by the mark that they are for."""
    found: dict[int, Json] = {}
    for period in world.rows("SubscriptionsTable", user):
        for mark in reminders.DAYS:
            key = {"id": {"S": f"{user or world.user}#reminder#{period['subscriptionId']}#{mark}"}}
            item = world.raw.get_item(TableName="NoticesTable", Key=key, ConsistentRead=True).get("Item")
            if item:
                row = dynamodb.from_item(item)
                assert (row["kind"], row["userId"]) == ("reminder", user or world.user)
                found[mark] = row["facts"]
    return found


def give(world: World, *periods: Subscription, number: int = 1) -> list[str]:
    """Users in one shard who have these periods, a month from now on unless others are named."""
    names = (f"{world.user}-{place}" for place in count())
    alike = (name for name in names if due.shard(name) == due.shard(world.user))
    made = [next(alike) for _ in range(number)]
    for name in made:
        nobody = users.fresh(name, None, world.now)
        bought = replace(nobody, subscriptions=periods or (a_subscription(start=world.now),))
        subscriptions.save(bought, nobody, world.now)
    return made


def facts(days: int, **changed: object) -> Json:
    end = "2026-12-23T10:20:00Z"
    return {"tier": "pro", "plan": "monthly", "endDate": end, "days": days, "autoRenew": False, **changed}


def test_a_plan_that_ends_is_reminded_of_three_times_and_each_time_once(world: World) -> None:
    world.buy("pro", "monthly")
    queued = {days: on(world, days)["queued"] for days in range(30, -2, -1)}
    assert {days for days, number in queued.items() if number} == {7, 3, 1}
    assert told(world) == {7: facts(7), 3: facts(3), 1: facts(1)}


def test_a_second_run_on_the_day_tells_nothing_again(world: World) -> None:
    world.buy("pro", "monthly")
    assert [on(world, 7)["queued"], on(world, 7, hour=23)["queued"]] == [1, 0]


@pytest.mark.parametrize(("runs", "marks"), [((6,), {7: 6}), ((5, 2), {7: 5, 3: 2}), ((2,), {3: 2}), ((0,), {1: 0})])
def test_missed_runs_are_made_up_for_by_the_one_that_is_nearest(
    world: World, runs: tuple[int, ...], marks: dict[int, int]
) -> None:
    world.buy("pro", "monthly")
    for days in runs:
        assert on(world, days)["queued"] == 1
    assert {mark: each["days"] for mark, each in told(world).items()} == marks


def test_nobody_is_reminded_of_what_has_ended(world: World) -> None:
    world.buy("pro", "monthly")
    assert on(world, 0, hour=16) == done()


def done(**counts: int) -> Json:
    """A report with these counts."""
    return {"looked": 0, "queued": 0, "skipped": 0, "failed": 0, "unfinished": False, **counts}


def test_whoever_has_bought_on_is_reminded_of_the_new_end_only(world: World) -> None:
    world.buy("pro", "monthly")
    world.buy("pro", "monthly")
    for days in range(8, -1, -1):
        assert on(world, days)["queued"] == 0
    world.at(datetime.fromisoformat("2027-01-16T03:30:00Z"))
    jobs.run(world, "ExpireSubscriptions")
    assert run(world)["queued"] == 1


def test_a_lower_plan_bought_ahead_does_not_hide_that_the_higher_one_ends(world: World) -> None:
    world.buy("pro", "monthly")
    world.buy("student", "quarterly")
    assert on(world, 3)["queued"] == 1


def test_a_plan_that_was_bought_on_since_the_index_was_read_is_not_reminded_of(world: World) -> None:
    (user,) = give(world)
    (row,) = world.rows("SubscriptionsTable", user)
    world.at(india("2026-12-20 09:00:00"))
    owner = users.get(user)
    assert owner
    first = owner.subscriptions[0]
    subscriptions.save(replace(owner, subscriptions=(first, first.renew(world.now, "tgs_next"))), owner, world.now)
    world.raw.put_item(TableName="SubscriptionsTable", Item=to_item(row))
    assert run(world)["queued"] == 0


def test_a_plan_for_ever_has_no_end_to_be_reminded_of(world: World) -> None:
    world.buy("lifetime", "lifetime")
    assert on(world, 1) == done()


def test_whoever_wants_none_gets_none(world: World) -> None:
    world.buy("pro", "monthly")
    world.call("PUT", "/api/account/preferences", {"notifications": {"subscriptionExpiry": False}})
    assert on(world, 3)["queued"] == 0
    world.call("PUT", "/api/account/preferences", {"notifications": {"subscriptionExpiry": True}})
    assert on(world, 1)["queued"] == 1


def test_before_a_renewal_there_is_one_reminder_that_says_so(world: World) -> None:
    (user,) = give(world, a_subscription(start=world.now, auto_renew=True, grace_days=4))
    queued = [days for days in range(10, -6, -1) if on(world, days)["queued"]]
    assert queued == [3]
    assert told(world, user) == {3: facts(3, autoRenew=True)}


def test_a_renewal_that_is_cancelled_late_is_reminded_of_as_an_end(world: World) -> None:
    renewing = a_subscription(start=world.now, auto_renew=True, grace_days=4)
    (user,) = give(world, renewing)
    assert on(world, 2)["queued"] == 1
    owner = users.get(user)
    assert owner
    subscriptions.save(replace(owner, subscriptions=(renewing.cancel(world.now),)), owner, world.now)
    assert on(world, 1)["queued"] == 1
    assert told(world, user) == {3: facts(2, autoRenew=True), 1: facts(1)}


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("kinds", [ASKS, jobs.WRITES], ids=["at a read", "at a write"])
def test_a_run_killed_anywhere_is_completed_by_the_next(world: World, kinds: frozenset[str], *, after: bool) -> None:
    first = world.user
    for number in range(1, 40):
        forget_all(world)
        world.user = f"{first}-{number}"
        made = give(world, number=3)
        world.at(india("2026-12-20 09:00:00"))
        if not jobs.killed(world, JOB, kinds, number, after=after):
            break
        run(world)
        assert all(told(world, user) == {3: facts(3)} for user in made)
        assert run(world)["queued"] == 0
    assert 3 < number < 39


def test_of_two_runs_at_once_each_reminder_is_queued_once(world: World) -> None:
    made = give(world, number=3)
    world.at(india("2026-12-20 09:00:00"))
    with dynamodb.using(jobs.Interrupted(world, lambda: run(world))):
        run(world)
    assert all(told(world, user) == {3: facts(3)} for user in made)


def test_a_row_that_cannot_be_read_stops_no_other(world: World) -> None:
    made = give(world, number=3)
    key = {"userId": {"S": made[1]}, "subscriptionId": {"S": "tgs_pro"}}
    odd = {":odd": {"S": "no instant"}}
    world.raw.update_item(
        TableName="SubscriptionsTable",
        Key=key,
        UpdateExpression="SET createdAt = :odd",
        ExpressionAttributeValues=odd,
    )
    assert on(world, 3) == done(looked=3, queued=2, failed=1)
    world.raw.delete_item(TableName="SubscriptionsTable", Key=key)


def test_the_work_is_in_proportion_to_what_ends_soon(world: World) -> None:
    give(world)
    world.later(days=20)
    world.user = f"{world.user}-later"
    give(world, number=2)
    assert on(world, 3) == done(looked=1, queued=1)
    assert sorted(world.steps) == ["GetItem"] * 2 + ["Query"] * len(due.SHARDS) + ["UpdateItem"]
    assert on(world, 2) == done(looked=1)
    assert sorted(world.steps) == ["GetItem"] + ["Query"] * len(due.SHARDS)


def test_a_run_without_time_left_leaves_the_rest_to_the_next(world: World) -> None:
    give(world)
    world.at(india("2026-12-20 09:00:00"))
    assert run(world, seconds=20) == {**done(), "unfinished": True}
    assert run(world)["queued"] == 1
