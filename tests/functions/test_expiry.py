"""expire_subscriptions: the rows follow what the clock has long decided, each exactly once, whatever happens to the run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest

from tests.functions import harness, jobs
from tests.functions.harness import World
from tests.unit.factories import a_subscription
from tollgate.store import due, dynamodb, subscriptions
from tollgate.store.dynamodb import DatabaseError, Engine, UnreachableError, to_item
from tollgate.subscriptions import Subscription

type Json = dict[str, Any]

JOB = "ExpireSubscriptions"
TABLE = "SubscriptionsTable"
ASKS = frozenset({"query"})
DECADE = timedelta(days=3650)


def run(world: World, seconds: float | None = None) -> Json:
    return jobs.run(world, JOB, seconds)


@pytest.fixture(autouse=True)
def _alone(world: World) -> None:
    """Nothing of earlier tests is due any more."""
    world.at(harness.START + DECADE)
    run(world)
    world.at(harness.START)


def done(**counts: int) -> Json:
    """A report with these counts."""
    return {
        "looked": sum(counts.values()),
        "started": 0,
        "expired": 0,
        "skipped": 0,
        "failed": 0,
        "unfinished": False,
        **counts,
    }


def standing(world: World, user: str | None = None) -> list[tuple[str, str, str | None]]:
    """Tier, status and due instant of a user's rows, in the order of time."""
    rows = sorted(world.rows(TABLE, user), key=lambda row: str(row["startDate"]))
    return [(row["tier"], row["status"], row.get("dueAt")) for row in rows]


def put(world: World, user: str, period: Subscription, at: datetime | None = None) -> None:
    """A period's row, as a purchase at that instant would write it."""
    row = subscriptions.row(user, period, at or world.now)
    world.raw.put_item(TableName=TABLE, Item=to_item(row))


def tier(world: World) -> str:
    return str(world.get("/api/subscription/status").json["tier"])


def ends(world: World, number: int = 3) -> list[str]:
    """Users whose month began now, all in one shard."""
    names = (f"{world.user}-{place}" for place in count())
    alike = (name for name in names if due.shard(name) == due.shard(world.user))
    users = [next(alike) for _ in range(number)]
    for place, user in enumerate(users):
        put(world, user, a_subscription(start=world.now, name=f"tgs_{place}"))
    return users


def test_a_period_that_is_over_is_written_down_once_and_looked_at_no_more(world: World) -> None:
    world.buy("pro", "monthly")
    assert standing(world) == [("pro", "active", "2026-12-23T10:20:00Z")]
    world.at(datetime.fromisoformat("2026-12-23T10:19:59Z"))
    assert run(world) == done()
    world.later(seconds=1)
    assert tier(world) == "free"
    assert run(world) == done(expired=1)
    assert standing(world) == [("pro", "expired", None)]
    assert run(world) == done()


def test_what_was_bought_ahead_is_scheduled_then_active_then_expired(world: World) -> None:
    world.buy("pro", "monthly")
    world.buy("student", "quarterly")
    assert standing(world)[1] == ("student", "scheduled", "2026-12-23T10:20:00Z")
    world.at(datetime.fromisoformat("2026-12-23T11:00:00Z"))
    assert tier(world) == "student"
    assert run(world) == done(started=1, expired=1)
    assert standing(world) == [("pro", "expired", None), ("student", "active", "2027-03-23T10:20:00Z")]
    world.later(days=100)
    assert run(world) == done(expired=1)
    assert standing(world)[1] == ("student", "expired", None)


def test_a_month_without_a_run_is_made_up_for_in_one(world: World) -> None:
    world.buy("pro", "monthly")
    world.buy("student", "quarterly")
    world.later(days=200)
    assert run(world) == done(expired=2)
    assert standing(world) == [("pro", "expired", None), ("student", "expired", None)]


def test_a_plan_for_ever_is_never_due(world: World) -> None:
    world.buy("lifetime", "lifetime")
    assert standing(world) == [("lifetime", "active", None)]


def test_what_was_refunded_or_replaced_is_not_due_either(world: World) -> None:
    world.buy("pro", "monthly")
    world.later(days=1)
    world.buy("premium", "monthly")
    assert standing(world) == [("pro", "replaced", None), ("premium", "active", "2026-12-24T10:20:00Z")]


def test_a_renewal_under_way_is_over_when_its_grace_is(world: World) -> None:
    renewing = a_subscription(start=world.now, auto_renew=True, grace_days=4)
    put(world, world.user, renewing)
    world.at(datetime.fromisoformat("2026-12-27T10:19:59Z"))
    assert run(world) == done()
    world.later(seconds=1)
    assert run(world) == done(expired=1)


def test_cancelling_a_renewal_in_its_grace_expires_the_row_in_the_same_write(world: World) -> None:
    renewing = a_subscription(start=world.now, auto_renew=True, grace_days=4)
    world.later(days=31)
    put(world, world.user, renewing)
    assert standing(world) == [("pro", "active", "2026-12-27T10:20:00Z")]
    put(world, world.user, renewing.cancel(world.now))
    assert standing(world) == [("pro", "expired", None)]


def test_a_period_that_is_renewed_at_that_moment_is_left_as_it_was_renewed(world: World) -> None:
    (user,) = ends(world, 1)
    world.later(days=31)
    renewed = a_subscription(start=harness.START, name="tgs_0", auto_renew=True, grace_days=4)
    with dynamodb.using(jobs.Interrupted(world, lambda: put(world, user, renewed))):
        assert run(world) == done(skipped=1)
    assert standing(world, user) == [("pro", "active", "2026-12-27T10:20:00Z")]
    assert run(world) == done()


def test_of_two_runs_at_once_each_row_is_written_by_one(world: World) -> None:
    users = ends(world)
    world.later(days=31)
    other: list[Json] = []
    with dynamodb.using(jobs.Interrupted(world, lambda: other.append(run(world)))):
        first = run(world)
    assert (first, other) == (done(skipped=3), [done(expired=3)])
    assert all(standing(world, user) == [("pro", "expired", None)] for user in users)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("kinds", [ASKS, jobs.WRITES], ids=["at a page", "at a write"])
def test_a_run_killed_anywhere_is_completed_by_the_next(world: World, kinds: frozenset[str], *, after: bool) -> None:
    for number in range(1, 60):
        world.at(harness.START)
        users = ends(world)
        world.later(days=31)
        if not jobs.killed(world, JOB, kinds, number, after=after):
            break
        run(world)
        assert all(standing(world, user) == [("pro", "expired", None)] for user in users)
        assert run(world) == done()
    assert 3 < number < 59


def test_a_shard_with_several_pages_is_gone_through_to_its_end(world: World) -> None:
    ends(world, due.PAGE + 5)
    world.later(days=31)
    assert run(world) == done(expired=due.PAGE + 5)


def test_a_run_killed_between_two_pages_has_done_the_first(world: World) -> None:
    users = ends(world, due.PAGE + 5)
    world.later(days=31)
    assert jobs.killed(world, JOB, ASKS, due.SHARDS.index(due.shard(world.user)) + 2, after=False)
    assert run(world) == done(expired=5)
    assert all(standing(world, user) == [("pro", "expired", None)] for user in users)


def test_the_work_is_in_proportion_to_what_is_due(world: World) -> None:
    ends(world, 4)
    world.later(days=1)
    ends(world, 3)
    world.at(harness.START + timedelta(days=30, minutes=1))
    assert run(world) == done(expired=1)
    assert sorted(world.steps) == ["Query"] * len(due.SHARDS) + ["UpdateItem"]


def test_a_row_that_cannot_be_read_stops_no_other_and_is_reported_every_time(world: World) -> None:
    users = ends(world)
    key = {"userId": {"S": users[1]}, "subscriptionId": {"S": "tgs_1"}}
    poison = {"#s": "status"}
    world.raw.update_item(
        TableName=TABLE,
        Key=key,
        UpdateExpression="SET #s = :odd",
        ExpressionAttributeNames=poison,
        ExpressionAttributeValues={":odd": {"S": "odd"}},
    )
    world.later(days=31)
    assert run(world) == done(expired=2, failed=1)
    assert run(world) == done(failed=1)
    world.raw.delete_item(TableName=TABLE, Key=key)


def test_a_row_that_the_database_refuses_stops_no_other(world: World) -> None:
    users = ends(world)
    world.later(days=31)
    with dynamodb.using(jobs.Refusing(dynamodb.engine(), users[1], "ValidationException")):
        assert run(world) == done(expired=2, failed=1)
    assert run(world) == done(expired=1)


class Silent:
    """An engine that takes no writes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __call__(self, operation: str, request: Mapping[str, Any]) -> Json:
        if operation in jobs.WRITES:
            raise UnreachableError("no answer")
        return self._engine(operation, request)

    def close(self) -> None:
        self._engine.close()


def test_while_the_database_does_not_answer_the_rest_is_left_to_the_next_run(world: World) -> None:
    ends(world, 8)
    world.later(days=31)
    with dynamodb.using(Silent(dynamodb.engine())):
        assert run(world) == {**done(failed=5), "unfinished": True}
    assert run(world) == done(expired=8)


def test_a_run_without_time_left_leaves_the_rest_to_the_next(world: World) -> None:
    ends(world)
    world.later(days=31)
    assert run(world, seconds=20) == {**done(), "unfinished": True}
    assert run(world) == done(expired=3)


def test_where_the_index_cannot_be_asked_the_run_fails_for_the_scheduler_to_see(world: World) -> None:
    class Broken:
        def __call__(self, operation: str, request: Mapping[str, Any]) -> Json:
            raise DatabaseError("ResourceNotFoundException", f"{operation} {request['IndexName']}")

        def close(self) -> None:
            """Nothing is open."""

    with dynamodb.using(Broken()), pytest.raises(DatabaseError):
        run(world)


@pytest.fixture
def lagging(world: World) -> Iterator[Callable[[], None]]:
    """Makes the index answer as it was at the call of it."""
    kept: dict[str, Json] = {}
    engine = dynamodb.engine()

    class Lagging:
        def __call__(self, operation: str, request: Mapping[str, Any]) -> Json:
            if operation != "query":
                return engine(operation, request)
            place = str(request["ExpressionAttributeValues"][":shard"])
            return kept.setdefault(place, engine(operation, request))

        def close(self) -> None:
            engine.close()

    with dynamodb.using(Lagging()):
        yield kept.clear


def test_an_index_that_is_behind_makes_nothing_happen_twice(world: World, lagging: Callable[[], None]) -> None:
    users = ends(world)
    world.later(days=31)
    lagging()
    assert run(world) == done(expired=3)
    assert run(world) == done(skipped=3)
    assert all(standing(world, user) == [("pro", "expired", None)] for user in users)
