"""The rules of the store that no single answer shows: all or nothing, time, streams, units, and that nothing is shared."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from local import template
from tests.bundle import document
from tests.simulation import requests
from tests.simulation.lags import Lags
from tests.simulation.queries import NotModelledError
from tests.simulation.requests import LINES, PEOPLE
from tests.simulation.seen import Seen
from tests.simulation.store import Store
from tests.simulation.streams import Consumer
from tests.simulation.tables import KEPT_BYTES
from tests.simulation.values import item_size
from tollgate.store import dynamodb
from tollgate.store.dynamodb import ConditionFailedError, DatabaseError, to_item

type Json = dict[str, Any]

START = datetime(2026, 11, 23, 10, 20, tzinfo=UTC)
EVENTS = template.Table(
    {
        "TableName": "events",
        "AttributeDefinitions": [
            {"AttributeName": "id", "AttributeType": "S"},
            {"AttributeName": "kind", "AttributeType": "S"},
        ],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": "by-kind",
                "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
        "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    },
    "expiresAt",
)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at

    def later(self, **by: float) -> None:
        self.at += timedelta(**by)


class World:
    """A store, its clock, and what was seen of its requests."""

    def __init__(self, lags: Lags | None = None) -> None:
        self.clock = Clock()
        self.seen: list[Seen] = []
        self.store = Store([*requests.tables(), EVENTS], self.clock, lags, self.seen.append)

    def put(self, table: str, **values: object) -> None:
        self.store("put_item", {"TableName": table, "Item": to_item(values)})

    def update(self, name: str, expression: str, values: Mapping[str, object], **more: object) -> Json:
        request = {"TableName": PEOPLE, "Key": to_item({"id": name}), "UpdateExpression": expression}
        return self.store("update_item", {**request, "ExpressionAttributeValues": to_item(values), **more})

    def item(self, name: str, table: str = PEOPLE) -> Json | None:
        found = self.store("get_item", {"TableName": table, "Key": to_item({"id": name}), "ConsistentRead": True})
        return dynamodb.from_item(found["Item"]) if found else None

    def transact(self, *members: Json, **more: object) -> None:
        self.store("transact_write_items", {"TransactItems": members, **more})

    def of_kind(self, kind: str) -> list[str]:
        answer = self.store(
            "query",
            {
                "TableName": "events",
                "IndexName": "by-kind",
                "KeyConditionExpression": "kind = :kind",
                "ExpressionAttributeValues": to_item({":kind": kind}),
            },
        )
        return [item["id"]["S"] for item in answer["Items"]]


def adding(name: str, amount: int, **condition: object) -> Json:
    """The member of a transaction that adds to `n`."""
    body = {"TableName": PEOPLE, "Key": to_item({"id": name}), "UpdateExpression": "ADD n :by"}
    return {"Update": {**body, "ExpressionAttributeValues": to_item({":by": amount}), **condition}}


@pytest.fixture
def world() -> World:
    return World()


# All or nothing


def test_of_a_cancelled_transaction_nothing_is_left(world: World) -> None:
    world.put(PEOPLE, id="a", n=1)
    with pytest.raises(DatabaseError) as refused:
        world.transact(
            adding("a", 1),
            adding("b", 1, ConditionExpression="attribute_exists(id)"),
            adding("c", 1, ConditionExpression="attribute_not_exists(id)"),
        )
    assert refused.value.code == "TransactionCanceledException"
    assert [reason["Code"] for reason in refused.value.reasons] == ["None", "ConditionalCheckFailed", "None"]
    assert (world.item("a"), world.item("b"), world.item("c")) == ({"id": "a", "n": 1}, None, None)


def test_a_transaction_that_passes_is_seen_whole(world: World) -> None:
    world.transact(adding("a", 1), adding("b", 2))
    assert (world.item("a"), world.item("b")) == ({"id": "a", "n": 1}, {"id": "b", "n": 2})
    assert [change.sequence for change in world.seen[0].changes] == [1, 2]


def test_a_cancelled_transaction_shows_what_it_met(world: World) -> None:
    world.put(PEOPLE, id="a", n=1)
    old = {"ConditionExpression": "n = :by", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    with pytest.raises(DatabaseError) as refused:
        world.transact(adding("b", 1), adding("a", 2, **old))
    assert refused.value.reasons[1]["Item"] == to_item({"id": "a", "n": 1})


def test_the_product_reads_the_stores_errors_as_dynamodbs(world: World) -> None:
    before = dynamodb.use(world.store)
    try:
        with pytest.raises(ConditionFailedError) as failed:
            dynamodb.send(
                "put_item", TableName=PEOPLE, Item=to_item({"id": "a"}), ConditionExpression="attribute_exists(id)"
            )
        assert failed.value.items == (None,)
    finally:
        dynamodb.use(before)


def test_a_token_makes_a_transaction_happen_once_for_ten_minutes(world: World) -> None:
    for _ in range(3):
        world.transact(adding("a", 1), ClientRequestToken="token")
        world.clock.later(minutes=3)
    assert world.item("a") == {"id": "a", "n": 1}
    with pytest.raises(DatabaseError, match="IdempotentParameterMismatch"):
        world.transact(adding("a", 2), ClientRequestToken="token")
    world.clock.later(minutes=2)
    world.transact(adding("a", 1), ClientRequestToken="token")
    assert world.item("a") == {"id": "a", "n": 2}


def test_a_token_of_a_cancelled_transaction_is_free_again(world: World) -> None:
    there = {"ConditionExpression": "attribute_exists(id)"}
    with pytest.raises(DatabaseError, match="TransactionCanceled"):
        world.transact(adding("a", 1, **there), ClientRequestToken="token")
    world.put(PEOPLE, id="a")
    world.transact(adding("a", 1, **there), ClientRequestToken="token")
    assert world.item("a") == {"id": "a", "n": 1}


# Nothing is shared


def test_what_is_handed_out_and_what_came_in_can_be_changed_by_anybody(world: World) -> None:
    sent: Json = {"id": {"S": "a"}, "m": {"M": {"l": {"L": [{"N": "1"}]}}}}
    world.store("put_item", {"TableName": PEOPLE, "Item": sent})
    sent["m"]["M"].clear()
    answer = world.update("a", "SET x = m, a = :v", {":v": {"k": 1}}, ReturnValues="ALL_NEW")["Attributes"]
    answer["m"]["M"]["l"]["L"].append({"N": "2"})
    answer["a"]["M"]["k"]["N"] = "9"
    assert world.item("a") == {"id": "a", "m": {"l": [1]}, "x": {"l": [1]}, "a": {"k": 1}}


def test_a_part_that_two_attributes_share_is_changed_in_one_only(world: World) -> None:
    world.update("a", "SET m = :v, x = :v", {":v": {"k": [1]}})
    world.update("a", "SET m.k[0] = :v", {":v": 2})
    assert world.item("a") == {"id": "a", "m": {"k": [2]}, "x": {"k": [1]}}


def test_an_update_that_is_refused_half_way_changes_nothing(world: World) -> None:
    world.put(PEOPLE, id="a", m={"k": 1}, t="text")
    with pytest.raises(DatabaseError, match="incorrect data type"):
        world.update("a", "SET m.k = :v, n = t + :v", {":v": 2})
    assert world.item("a") == {"id": "a", "m": {"k": 1}, "t": "text"}


# Time


def test_an_index_hears_of_a_write_later_and_of_one_items_writes_in_their_order() -> None:
    waits = iter((10.0, 1.0, 5.0))
    world = World(Lags(index=lambda: next(waits)))
    world.put("events", id="a", kind="open")
    assert world.of_kind("open") == []
    assert world.item("a", "events") == {"id": "a", "kind": "open"}
    world.put("events", id="a", kind="shut")
    world.clock.later(seconds=5)
    assert (world.of_kind("open"), world.of_kind("shut")) == ([], [])
    world.clock.later(seconds=5)
    assert (world.of_kind("open"), world.of_kind("shut")) == ([], ["a"])


def test_an_index_shows_a_deleted_row_until_it_hears_of_that() -> None:
    waits = iter((0.0, 30.0))
    world = World(Lags(index=lambda: next(waits)))
    world.put("events", id="a", kind="open")
    world.store("delete_item", {"TableName": "events", "Key": to_item({"id": "a"})})
    assert world.of_kind("open") == ["a"]
    world.clock.later(seconds=30)
    assert world.of_kind("open") == []


def test_only_a_consistent_read_is_sure_to_show_the_last_write() -> None:
    world = World(Lags(read=lambda: 1.0))
    world.put(PEOPLE, id="a", n=1)
    world.clock.later(seconds=2)
    world.update("a", "SET n = :v", {":v": 2})
    key = {"TableName": PEOPLE, "Key": to_item({"id": "a"})}
    batch = {"RequestItems": {PEOPLE: {"Keys": [key["Key"]]}}}
    found = []
    for _ in range(2):
        found.append((world.item("a") or {})["n"])
        found.append(int(world.store("get_item", key)["Item"]["n"]["N"]))
        found.append(int(world.store("batch_get_item", batch)["Responses"][PEOPLE][0]["n"]["N"]))
        world.clock.later(seconds=1)
    assert found == [2, 1, 1, 2, 2, 2]


def test_what_expired_stays_until_dynamodb_gets_to_it() -> None:
    world = World(Lags(expiry=lambda: 3600.0))
    world.put("events", id="a", kind="open", expiresAt=int(START.timestamp()) + 60)
    world.clock.later(minutes=60)
    assert world.item("a", "events") is not None
    world.clock.later(minutes=1)
    assert (world.item("a", "events"), world.of_kind("open")) == (None, [])


def test_what_was_given_longer_is_not_taken_away_early() -> None:
    world = World(Lags(expiry=lambda: 3600.0))
    world.put("events", id="a", expiresAt=int(START.timestamp()) + 60)
    world.put("events", id="a", expiresAt=int(START.timestamp()) + 7200)
    world.clock.later(hours=2)
    assert world.item("a", "events") is not None
    world.clock.later(hours=1)
    assert world.item("a", "events") is None


@pytest.mark.parametrize("expires", [1, "1795429260", START.timestamp() * 1000])
def test_no_time_that_dynamodb_would_not_act_on_ends_an_item(expires: object) -> None:
    world = World(Lags(expiry=lambda: 0.0))
    world.put("events", id="a", expiresAt=int(expires) if isinstance(expires, float) else expires)
    world.clock.later(days=400)
    assert world.item("a", "events") is not None


def test_seeded_lags_are_the_same_for_the_same_seed() -> None:
    drawn = [[lags.index(), lags.expiry()] for lags in (Lags.seeded(Random(7)), Lags.seeded(Random(7)))]  # noqa: S311 -- chance
    assert drawn[0] == drawn[1]
    assert 0 <= (drawn[0][0] or 0) <= 30


# Streams


def test_a_stream_tells_every_change_once_in_order_with_both_images(world: World) -> None:
    consumer = Consumer(world.store, "events")
    world.put("events", id="a", n=1)
    world.put("events", id="a", n=1)  # changes nothing
    world.put("events", id="a", n=2)
    world.store("delete_item", {"TableName": "events", "Key": to_item({"id": "a"})})
    records = consumer.batch()
    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "REMOVE"]
    told = records[1]["dynamodb"]
    assert (told["OldImage"]["n"], told["NewImage"]["n"], told["Keys"]) == ({"N": "1"}, {"N": "2"}, {"id": {"S": "a"}})
    assert sorted(r["dynamodb"]["SequenceNumber"] for r in records) == [
        r["dynamodb"]["SequenceNumber"] for r in records
    ]
    consumer.done()
    assert consumer.batch() == []


def test_records_come_again_from_the_first_that_failed(world: World) -> None:
    consumer = Consumer(world.store, "events")
    for name in "abc":
        world.put("events", id=name)
    names = [record["dynamodb"]["SequenceNumber"] for record in consumer.batch(2)]
    consumer.done(failed=names[1])
    assert [record["dynamodb"]["Keys"]["id"]["S"] for record in consumer.batch(2)] == ["b", "c"]


def test_a_batch_that_was_handled_may_come_again(world: World) -> None:
    again = iter((True, False))
    consumer = Consumer(world.store, "events", lambda: next(again))
    world.put("events", id="a")
    first = consumer.batch()
    consumer.done()
    assert consumer.batch() == first
    consumer.done()
    assert consumer.batch() == []


def test_a_record_that_nobody_read_for_a_day_is_lost(world: World) -> None:
    consumer = Consumer(world.store, "events")
    world.put("events", id="a")
    world.clock.later(hours=25)
    assert (consumer.batch(), consumer.lost) == ([], 1)


def test_an_item_that_expired_is_told_as_removed_by_dynamodb() -> None:
    world = World(Lags(expiry=lambda: 0.0))
    consumer = Consumer(world.store, "events")
    world.put("events", id="a", expiresAt=int(START.timestamp()) + 60)
    world.clock.later(minutes=2)
    removed = consumer.batch()[1]
    assert (removed["eventName"], removed["userIdentity"]["type"]) == ("REMOVE", "Service")
    assert removed["dynamodb"]["ApproximateCreationDateTime"] == START.timestamp() + 60


# Units


@pytest.mark.parametrize(
    ("size", "reads", "writes"),
    [(100, 1, 1), (1024, 1, 1), (1025, 1, 2), (4096, 1, 4), (4097, 2, 5), (409_600, 100, 400)],
)
def test_units_are_those_of_the_price_list(world: World, size: int, reads: int, writes: int) -> None:
    world.put(LINES, who="a", line=1, text="x" * (size - item_size(to_item({"who": "a", "line": 1, "text": ""}))))
    key = {"TableName": LINES, "Key": to_item({"who": "a", "line": 1})}
    world.store("get_item", key | {"ConsistentRead": True})
    world.store("get_item", key)
    member = {"Delete": key}
    world.transact(member)
    assert [(seen.reads, seen.writes) for seen in world.seen] == [
        (0, writes),
        (reads, 0),
        (reads / 2, 0),
        (0, 2 * writes),
    ]
    assert (world.store.reads, world.store.writes) == (reads * 1.5, writes * 3)


def test_an_index_costs_a_write_of_its_own_only_where_it_changes(world: World) -> None:
    world.put("events", id="a", kind="open")  # 1 and 1
    world.put("events", id="a", kind="open", text="more")  # 1: the index holds keys only
    world.put("events", id="a", kind="shut")  # 1 and 2: it moves
    world.put("events", id="a")  # 1 and 1
    assert [seen.writes for seen in world.seen] == [2, 1, 3, 2]


def test_a_refused_write_is_charged_for(world: World) -> None:
    with pytest.raises(DatabaseError):
        world.update("a", "ADD n :v", {":v": 1}, ConditionExpression="attribute_exists(id)")
    with pytest.raises(DatabaseError):
        world.transact(adding("a", 1, ConditionExpression="attribute_exists(id)"), adding("b", 1))
    assert [seen.writes for seen in world.seen] == [1, 4]
    assert [seen.error is None for seen in world.seen] == [False, False]


def test_what_a_test_has_put_there_costs_nothing_and_is_found(world: World) -> None:
    world.store.put("events", to_item({"id": "a", "kind": "open"}))
    assert (world.store.reads, world.store.writes, dict(world.store.calls)) == (0, 0, {})
    assert world.of_kind("open") == ["a"]
    assert [*world.store.items("events")] == [to_item({"id": "a", "kind": "open"})]


def test_a_size_that_is_kept_is_always_the_items(world: World) -> None:
    drawn = requests.Requests(11)
    for _ in range(1500):
        operation, request = drawn.next()
        try:
            world.store(operation, request)
        except DatabaseError:
            continue
    rows = [row for name in (PEOPLE, LINES) for row in world.store.tables[name].rows.values()]
    assert len(rows) > 10
    assert [row.size for row in rows] == [item_size(row.item) for row in rows]


def test_an_item_has_room_for_400_kilobytes_and_not_one_more(world: World) -> None:
    world.put(PEOPLE, id="a", text="x" * (KEPT_BYTES - 7))
    for more in ("SET x = :v", "SET m = :v"):
        with pytest.raises(DatabaseError, match="size"):
            world.update("a", more, {":v": "1"})


# Queries


def numbers(world: World, condition: str = "who = :who", **more: object) -> tuple[list[int], Json | None]:
    values = {":who": "a"} | ({":n": 5} if ":n" in condition else {})
    request = {"TableName": LINES, "KeyConditionExpression": condition, "ExpressionAttributeValues": to_item(values)}
    answer = world.store("query", request | more)
    return [int(item["line"]["N"]) for item in answer["Items"]], answer.get("LastEvaluatedKey")


def test_pages_follow_each_other_without_gap_or_repetition_in_both_directions(world: World) -> None:
    for number in range(7):
        world.put(LINES, who="a", line=number)
    for forward in (True, False):
        found: list[int] = []
        start: Json = {}
        while True:
            page, last = numbers(world, Limit=3, ScanIndexForward=forward, **start)
            found += page
            if last is None:
                break
            start = {"ExclusiveStartKey": last}
        assert found == sorted(range(7), reverse=not forward)


def test_a_page_goes_on_after_a_row_that_is_gone(world: World) -> None:
    for number in (1, 3):
        world.put(LINES, who="a", line=number)
    assert numbers(world, ExclusiveStartKey=to_item({"who": "a", "line": 2})) == ([3], None)


def test_a_page_ends_at_one_megabyte(world: World) -> None:
    for number in range(8):
        world.put(LINES, who="a", line=number, text="x" * 200_000)
    page, last = numbers(world)
    assert (page, last) == ([0, 1, 2, 3, 4], to_item({"who": "a", "line": 4}))


# What is not there


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        ("scan", {"TableName": PEOPLE}),
        ("put_item", {"TableName": PEOPLE, "Item": to_item({"id": "a"}), "Expected": {}}),
        ("transact_write_items", {"TransactItems": [{"Upsert": {"TableName": PEOPLE}}]}),
    ],
)
def test_what_the_store_does_not_know_is_said_loudly(world: World, operation: str, request_: Json) -> None:
    with pytest.raises(NotModelledError):
        world.store(operation, request_)


def test_the_templates_tables_can_all_be_had() -> None:
    tables = template.read(document.ROOT / "template.yaml").tables
    store = Store(tables, lambda: START)
    assert store.tables.keys() == {table.request["TableName"] for table in tables}
    assert {name for name, table in store.tables.items() if table.expiry} >= {"PaymentsTable", "UsageLogsTable"}
