"""The figures by day equal a fold over the tables themselves, however the tables' changes are told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local import streams
from tests.functions import harness, jobs
from tests.functions.harness import World
from tests.functions.test_refunds import bought, refund_event
from tollgate import rollups
from tollgate.rollups import Sums
from tollgate.store import dynamodb, records
from tollgate.store.rollups import COUNTED

type Json = dict[str, Any]

TEXT = {"text": "Asha Rao\nasha@example.com\nSkills\nPython, AWS"}
CONSUMERS = {"SubscriptionsTable": "RollUp", "PaymentsTable": "RollUp", "UsageLogsTable": "RollUpCalls"}


def rows(world: World) -> list[Json]:
    pages = world.raw.get_paginator("scan").paginate(TableName="RollupsTable", ConsistentRead=True)
    return [dynamodb.from_item(each) for page in pages for each in page["Items"]]


def empty(world: World) -> None:
    for row in rows(world):
        key = dynamodb.to_item({"series": row["series"], "place": row["place"]})
        world.raw.delete_item(TableName="RollupsTable", Key=key)


@pytest.fixture(autouse=True)
def nothing_rolled_up(world: World) -> Iterator[None]:
    """The table is the worker's own, and what stands in it is these tests' alone while one runs."""
    empty(world)
    yield
    empty(world)


def rolled(world: World) -> Sums:
    found: Sums = {}
    for row in rows(world):
        if row["place"] != COUNTED:
            figures = {name: value for name, value in row.items() if name not in {"series", "place"} and value}
            found |= {(row["series"], row["place"]): figures} if figures else {}
    return found


def folded(world: World) -> Sums:
    """The oracle: the user's rows as they stand, each counted."""
    periods = [records.to_subscription(row) for row in world.rows("SubscriptionsTable")]
    names = {str(each["dynamodb"]["Keys"]["id"]["S"]) for each in world.changes("PaymentsTable")}
    ledger = [row for name in sorted(names) if (row := world.row(name))]
    calls = [row for row in world.usage() if "action" in row]
    counted = [rollups.of_user(periods), *map(rollups.of_ledger, ledger), *map(rollups.of_call, calls)]
    return rollups.total(counted)


def live(world: World) -> None:
    """Some weeks of a user: plans bought, ahead and upwards, a payment that failed, money back, calls that went well and not."""
    failed = world.pay(world.order("pro", "monthly")["orderId"], outcome="fail")["payment"]["id"]
    assert world.webhook(world.events(failed)["payment.failed"]).status == 200
    payment = bought(world, "pro", "monthly")
    assert world.post("/api/ai/parse-resume", TEXT).status == 200
    world.later(days=2, hours=9)
    assert world.webhook(refund_event(world, payment, 5_000)).status == 200
    world.buy("pro", "yearly")
    world.fail({"script": "500", "times": None})
    world.post("/api/ai/generate-summary", {"resume": "Asha Rao\nSkills\nPython"})
    for provider in (world.openai, world.gemini):
        provider.post("/_sim/reset")
    world.later(days=5)
    world.buy("premium", "monthly")
    assert world.post("/api/ai/parse-resume", TEXT).status == 200


def records_of(world: World) -> list[tuple[str, Json]]:
    """Every change, with the consumer that is to be told of it."""
    found: list[tuple[str, Json]] = []
    for table, name in CONSUMERS.items():
        function = function_of(name)
        source = next(each for each in function.sources if each.table == table)
        found += [(name, each) for each in world.changes(table) if streams.wanted(each, source)]
    return found


def function_of(name: str) -> Any:  # noqa: ANN401 -- the template's function
    return next(each for each in harness.served().functions if each.name == name)


def tell(world: World, changes: list[tuple[str, Json]]) -> list[str]:
    """Hand over changes in that order, in batches of one consumer and table."""
    failed: list[str] = []
    batch: list[Json] = []
    for place, (name, record) in enumerate(changes):
        batch.append(record)
        after = changes[place + 1] if place + 1 < len(changes) else None
        if after is None or after[0] != name or after[1]["eventSourceARN"] != record["eventSourceARN"]:
            failed += world.consume(function_of(name), batch)
            batch = []
    return failed


def test_what_is_rolled_up_is_a_fold_over_the_tables(world: World) -> None:
    live(world)
    for name in ("RollUp", "RollUpCalls"):
        assert world.feed(only=name) == []
    sums = rolled(world)
    assert sums == folded(world)
    assert {series for series, _ in sums} == {rollups.MONEY, rollups.CALLS, rollups.STANDING, rollups.ARRIVALS}
    tiers = {place.split("#")[1] for series, place in sums if series == rollups.CALLS}
    assert tiers == {"pro", "premium"}  # the tier at the time of the call


def test_each_change_told_as_it_happens_leads_to_the_same(world: World) -> None:
    for step in (
        lambda: world.buy("pro", "monthly"),
        lambda: world.later(days=3),
        lambda: world.buy("premium", "yearly"),
    ):
        step()
        assert world.feed(only="RollUp") == []
        assert rolled(world) == folded(world)


def test_any_order_and_number_of_deliveries_leads_to_the_same(world: World) -> None:
    live(world)
    changes, wanted = records_of(world), folded(world)
    assert len(changes) > 10

    @settings(max_examples=12, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.permutations(changes), st.lists(st.sampled_from(changes), max_size=12))
    def told(order: list[tuple[str, Json]], again: list[tuple[str, Json]]) -> None:
        empty(world)
        assert tell(world, order) == []
        assert rolled(world) == wanted
        assert tell(world, again) == []
        assert rolled(world) == wanted

    told()


def test_two_consumers_at_once_count_once(world: World) -> None:
    live(world)
    changes = records_of(world)

    def run() -> None:
        for name in CONSUMERS.values():
            batch = [record for of, record in changes if of == name]
            harness.handler(function_of(name))({"Records": batch}, harness.context(function_of(name)))

    harness.consume_at_once(run, 3)
    assert tell(world, changes) == []  # what met a conflict too often was reported, and is told again
    assert rolled(world) == folded(world)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_consumer_that_dies_at_any_write_leaves_nothing_half_counted(world: World, after: bool) -> None:  # noqa: FBT001 -- parametrized
    live(world)
    changes, wanted, number = records_of(world), folded(world), 0
    dying = True
    while dying:
        number += 1
        empty(world)
        dying = False
        with dynamodb.using(jobs.Dying(dynamodb.engine(), jobs.WRITES, number, after=after)):
            try:
                tell(world, changes)
            except jobs.Killed:
                dying = True
        assert tell(world, changes) == []
        assert rolled(world) == wanted
    assert number > 3


def test_a_call_that_cannot_be_read_fails_alone(world: World) -> None:
    world.post("/api/ai/parse-resume", TEXT)
    good = [record for name, record in records_of(world) if name == "RollUpCalls"]
    image = {name: value for name, value in good[0]["dynamodb"]["NewImage"].items() if name != "action"}
    told = good[0]["dynamodb"] | {"NewImage": image, "SequenceNumber": "0"}
    assert world.consume(function_of("RollUpCalls"), [good[0] | {"dynamodb": told}, *good]) == ["0"]
    assert rolled(world) == folded(world)


def test_a_database_that_is_down_has_everything_told_again(world: World) -> None:
    live(world)
    changes = records_of(world)
    with dynamodb.using(jobs.Refusing(dynamodb.engine(), "RollupsTable", "ThrottlingException")):
        assert len(tell(world, changes)) == len(changes)
    assert tell(world, changes) == []
    assert rolled(world) == folded(world)


def test_more_calls_than_fit_into_one_transaction_are_all_counted(world: World) -> None:
    world.post("/api/ai/parse-resume", TEXT)
    (one,) = [record for name, record in records_of(world) if name == "RollUpCalls"]
    batch = []
    for number in range(130):
        at = {"S": f"2026-11-{number % 28 + 1:02d}T10:00:00Z#req-{number}#0"}
        told = one["dynamodb"]
        many = {"Keys": told["Keys"] | {"timestamp": at}, "NewImage": told["NewImage"] | {"timestamp": at}}
        batch.append(one | {"dynamodb": told | many | {"SequenceNumber": str(number)}})
    assert world.consume(function_of("RollUpCalls"), batch, times=2) == []
    calls = [figures["calls"] for (series, _), figures in rolled(world).items() if series == rollups.CALLS]
    assert (len(calls), sum(calls)) == (28, 130)


def test_the_table_names_no_user_and_only_marks_of_calls_expire(world: World) -> None:
    live(world)
    tell(world, records_of(world))
    kept = rows(world)
    assert world.user not in str(kept)
    marks = [row for row in kept if "expiresAt" in row]
    assert len(marks) == len(world.usage())
    assert all(row["place"] == COUNTED for row in marks)
