"""Faults of the index that jobs find their work by, the same for each of them: it shows a row too late, too long, or one that
is gone when the job comes to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.functions import harness, jobs
from tests.functions.harness import Json, World
from tollgate.store import dynamodb
from tollgate.store.dynamodb import Engine

RESUME = {"text": "Asha Rao\nSkills\nPython"}
ENDS = harness.START + timedelta(days=30)  # of a month bought at START: 23 November to 23 December


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job, when the user's work is due, what shows that it was done, and the row without which there is none."""

    name: str
    at: datetime
    table: str
    effect: Callable[[World], Any]


def periods(world: World) -> Any:  # noqa: ANN401 -- JSON
    return [(row["tier"], row["status"]) for row in world.rows("SubscriptionsTable")]


def windows(world: World) -> Any:  # noqa: ANN401 -- JSON
    written = [row for row in world.usage() if row["timestamp"].startswith("window#")]
    open_ones = [name for name in dynamodb.from_item(world.item() or {}) if name.endswith("#2026-11")]
    return [(row["timestamp"], row["resumes"]) for row in written], open_ones


def reminders(world: World) -> Any:  # noqa: ANN401 -- JSON
    (period,) = world.rows("SubscriptionsTable")
    key = {"id": {"S": f"{world.user}#reminder#{period['subscriptionId']}#3"}}
    return world.raw.get_item(TableName="NoticesTable", Key=key, ConsistentRead=True).get("Item")


JOBS = [
    Job(name="ExpireSubscriptions", at=ENDS, table="SubscriptionsTable", effect=periods),
    Job(name="ResetUsage", at=datetime.fromisoformat("2026-11-30T18:30:00Z"), table="UsersTable", effect=windows),
    Job(name="SendReminders", at=ENDS - timedelta(days=3), table="UsersTable", effect=reminders),
]
each_job = pytest.mark.parametrize("job", JOBS, ids=[job.name for job in JOBS])


@dataclass(slots=True)
class Index:
    """An engine whose indexes show what `shown` makes of an answer; all else is as it is."""

    shown: Callable[[Mapping[str, Any], Json], Json]
    engine: Engine = field(default_factory=dynamodb.engine)

    def __call__(self, operation: str, request: Mapping[str, Any]) -> Json:
        answer = self.engine(operation, request)
        return self.shown(request, answer) if operation == "query" and "IndexName" in request else answer

    def close(self) -> None:
        """It is somebody else's."""


def prepare(world: World, job: Job) -> Any:  # noqa: ANN401 -- JSON
    """Work for the job, and nothing of it done yet: what shows that."""
    world.buy("pro", "monthly")
    world.post("/api/ai/parse-resume", RESUME)
    world.at(job.at)
    return job.effect(world)


def run(world: World, job: Job) -> Json:
    return jobs.run(world, job.name)


@each_job
def test_a_row_that_the_index_shows_after_it_was_dealt_with_is_not_dealt_with_again(world: World, job: Job) -> None:
    undone = prepare(world, job)
    kept: dict[str, Json] = {}

    def as_before(request: Mapping[str, Any], answer: Json) -> Json:
        values = {name: value for name, value in request.items() if name not in {"TableName", "Limit"}}
        return kept.setdefault(str(values), answer)

    with dynamodb.using(Index(as_before)):
        run(world, job)
        done = job.effect(world)
        assert done != undone
        assert run(world, job)["failed"] == 0
    assert job.effect(world) == done


@each_job
def test_a_row_that_the_index_does_not_show_yet_is_dealt_with_by_the_next_run(world: World, job: Job) -> None:
    undone = prepare(world, job)

    def nothing(_request: Mapping[str, Any], answer: Json) -> Json:
        mine = [item for item in answer["Items"] if item["userId"]["S"] != world.user]
        return answer | {"Items": mine}

    with dynamodb.using(Index(nothing)):
        assert run(world, job)["failed"] == 0
    assert job.effect(world) == undone
    run(world, job)
    assert job.effect(world) != undone


@each_job
def test_a_row_that_is_gone_between_the_query_and_the_write_stays_gone_and_stops_nobody(world: World, job: Job) -> None:
    first = world.user
    others = [f"{first}-{number}" for number in range(3)]
    before = {}
    for world.user in [first, *others]:
        world.at(harness.START)
        before[world.user] = prepare(world, job)
    gone: list[str] = []

    def vanishing(_request: Mapping[str, Any], answer: Json) -> Json:
        for item in answer["Items"]:
            if item["userId"]["S"] == first and not gone:
                key = {
                    name: item[name]
                    for name in ("userId", "subscriptionId")
                    if name in item and job.table == "SubscriptionsTable"
                }
                world.raw.delete_item(TableName=job.table, Key=key or {"userId": item["userId"]})
                gone.append(first)
        return answer

    with dynamodb.using(Index(vanishing)):
        assert run(world, job)["failed"] == 0
    assert gone == [first]
    assert (
        not [row for row in world.rows(job.table, first) if row]
        if job.table == "SubscriptionsTable"
        else world.item(first) is None
    )
    for world.user in others:
        assert job.effect(world) != before[world.user]
