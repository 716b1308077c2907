"""The store against the embedded engine: the same random requests, the same answers, the same tables.

SIMULATION_OPERATIONS asks for more of them, SIMULATION_SEED for others.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest

from local import database
from local import tables as engine_tables
from local.template import Template
from tests.simulation import requests
from tests.simulation.differential import Pair
from tests.simulation.remote import Remote, outcome
from tests.simulation.reserved import WORDS
from tests.simulation.store import Store
from tollgate.store.dynamodb import from_item, to_item

OPERATIONS = int(os.environ.get("SIMULATION_OPERATIONS", "2000"))
SEED = int(os.environ.get("SIMULATION_SEED", "1"))
LOOK_EVERY = 50
NOW = datetime(2026, 11, 23, 10, 20, tzinfo=UTC)

type Json = dict[str, Any]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """The store and an engine of its own, both empty."""
    tables = requests.tables()
    with database.running() as running:
        engine_tables.create(running.endpoint, Template((), (), tuple(tables), None))
        remote = Remote(running.endpoint)
        yield Pair(Store(tables, lambda: NOW), remote)
        remote.close()


def test_random_requests_have_the_same_answers_and_leave_the_same_tables(pair: Pair) -> None:
    drawn = requests.Requests(SEED)
    for number in range(OPERATIONS):
        pair.ask(*drawn.next())
        assert not pair.differences, f"seed {SEED}, request {number}: {pair.differences[0]}"
        if number % LOOK_EVERY == 0 or number == OPERATIONS - 1:
            ours, theirs = pair.state()
            assert ours == theirs, f"seed {SEED}, after request {number}"
    print(f"{OPERATIONS} requests; {dict(pair.gaps)}; {sorted(pair.asked.items())}")  # noqa: T201 -- read with -s
    answered = {operation for operation, code in pair.asked if code == "done"}
    assert answered == {
        "get_item",
        "put_item",
        "update_item",
        "delete_item",
        "query",
        "batch_get_item",
        "transact_write_items",
        "transact_get_items",
    }
    assert sum(pair.gaps.values()) < OPERATIONS / 20


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that the engine does otherwise than DynamoDB, found by asking DynamoDB Local (of 2020, Amazon's own) as well."""

    update: str
    values: dict[str, Any]
    ours: str | Json  # what is refused, or what the item then has
    theirs: str | Json
    condition: str | None = None
    item: Json = field(default_factory=dict)


REFUSED, FAILED = "ValidationException", "ConditionalCheckFailedException"
GAPS = {
    "places in a list are those before the update": Gap(
        "REMOVE l[0], l[1]", {}, {"l": [3]}, {"l": [2]}, item={"l": [1, 2, 3]}
    ),
    "an element beyond the end is appended": Gap(
        "SET l[7] = :v", {":v": 1}, {"l": [1]}, {"l": [None] * 7 + [1]}, item={"l": []}
    ),
    "only a list has places": Gap("SET a[0] = :v", {":v": 1}, REFUSED, {"a": [1]}, item={"a": None}),
    "nothing is removed where nothing can be": Gap("REMOVE a.b", {}, REFUSED, {"a": 1}, item={"a": 1}),
    "nothing is removed from a list that is not there": Gap("REMOVE a[0]", {}, REFUSED, {}),
    "functions are written small": Gap("SET a = :v", {":v": 1}, REFUSED, FAILED, "Attribute_exists(b)"),
    "what has no order is not compared": Gap("SET a = :v", {":v": True}, REFUSED, FAILED, "b < :v"),
    "nothing is compared with itself": Gap("SET a = :v", {":v": 1}, REFUSED, FAILED, "b = b"),
    "types have names": Gap("SET a = :v", {":v": "Q"}, REFUSED, FAILED, "attribute_type(b, :v)"),
}


@pytest.mark.parametrize("gap", GAPS.values(), ids=GAPS.keys())
def test_where_the_engine_differs_the_store_does_as_dynamodb(pair: Pair, gap: Gap) -> None:
    key = {"id": {"S": "1"}}
    request: Json = {
        "TableName": requests.PEOPLE,
        "Key": key,
        "UpdateExpression": gap.update,
        "ReturnValues": "ALL_NEW",
    }
    request |= {"ExpressionAttributeValues": to_item(gap.values)} if gap.values else {}
    request |= {"ConditionExpression": gap.condition} if gap.condition else {}
    found = []
    for engine in (pair.store, pair.engine):
        if gap.item:
            engine("put_item", {"TableName": requests.PEOPLE, "Item": key | to_item(gap.item)})
        code, answer = outcome(engine, "update_item", request)
        found.append(from_item({**answer["Attributes"]}) if code == "done" else code)
    wanted = [each if isinstance(each, str) else {"id": "1"} | each for each in (gap.ours, gap.theirs)]
    assert found == wanted


def test_both_refuse_the_same_names(pair: Pair) -> None:
    for word in [*sorted(WORDS)[::10], "userId", "statuses", "kind", "changes", "lookAt", "terms"]:
        request = {"TableName": requests.PEOPLE, "Key": {"id": {"S": "1"}}, "ProjectionExpression": word.title()}
        pair.ask("get_item", request)
    assert not pair.differences, pair.differences[0]


NINES = "9" * 38
VALUES: dict[str, Json] = {
    "38 digits": {"N": NINES},
    "39 digits": {"N": NINES + "9"},
    "38 digits behind zeros": {"N": f"000{NINES}.000"},
    "38 digits behind a point": {"N": f"0.{NINES}"},
    "the largest": {"N": f"{NINES[0]}.{NINES[1:]}E+125"},
    "larger": {"N": "1E126"},
    "the smallest": {"N": "1E-130"},
    "smaller": {"N": "1E-131"},
    "minus nought": {"N": "-0.0"},
    "no number": {"N": "1.2.3"},
    "no digits": {"N": ""},
    "blank": {"N": " 1"},
    "infinite": {"N": "Infinity"},
    "a number bare": {"N": 5},
    "a text bare": {"S": 5},
    "nothing": {},
    "two types": {"S": "a", "N": "1"},
    "no type": {"X": "a"},
    "half a null": {"NULL": False},
    "an empty set": {"SS": []},
    "an empty set of numbers": {"NS": []},
    "twice the same": {"SS": ["a", "a"]},
    "twice the same number": {"NS": ["1", "1.0"]},
    "numbers in no order": {"NS": ["10", "9", "1E1000"]},
    "an empty text": {"S": ""},
    "an empty list": {"L": []},
    "deep down a wrong one": {"M": {"a": {"L": [{"N": "1"}, {"N": "x"}]}}},
}
EXPRESSIONS: dict[str, Json] = {
    "a key": {"UpdateExpression": "SET id = :v"},
    "a key removed": {"UpdateExpression": "REMOVE id"},
    "empty": {"UpdateExpression": ""},
    "no section": {"UpdateExpression": "a = :v"},
    "twice a section": {"UpdateExpression": "SET a = :v SET b = :v"},
    "a path twice": {"UpdateExpression": "SET a = :v, a.b = :v"},
    "a comma at the end": {"UpdateExpression": "SET a = :v,"},
    "half a path": {"UpdateExpression": "SET a. = :v"},
    "three terms": {"UpdateExpression": "SET a = b + :v + :v"},
    "an unknown function": {"UpdateExpression": "SET a = size(b)"},
    "added to a list": {"UpdateExpression": "ADD l :list"},
    "too long": {"UpdateExpression": "REMOVE " + ", ".join(f"{'a' * 60}{place}" for place in range(70))},
    "too many parentheses": {"UpdateExpression": "SET a = :v", "ConditionExpression": "((b = :v))"},
    "open": {"UpdateExpression": "SET a = :v", "ConditionExpression": "(b = :v"},
    "no comparison": {"UpdateExpression": "SET a = :v", "ConditionExpression": "b"},
    "bounds the wrong way round": {"UpdateExpression": "SET a = :v", "ConditionExpression": "b BETWEEN :v AND :less"},
    "small words": {"UpdateExpression": "set a = :v", "ConditionExpression": "not b = :v and a <> :v or c in (:v)"},
    "in brackets": {"UpdateExpression": "SET a = (if_not_exists(n, :v) - :less)"},
    "an index of another type": {"UpdateExpression": "SET g = :v"},
    "an empty index": {"UpdateExpression": "SET t = :empty"},
    "a return of another kind": {"UpdateExpression": "SET a = :v", "ReturnValues": "SOME"},
}
GIVEN = {":v": {"N": "2"}, ":less": {"N": "1"}, ":list": {"L": []}, ":empty": {"S": ""}}


@pytest.mark.parametrize("kind", ["values", "expressions"])
def test_both_refuse_the_same_mistakes_and_nothing_else(pair: Pair, kind: str) -> None:
    key = {"id": {"S": "1"}}
    if kind == "values":
        for value in VALUES.values():
            pair.ask("put_item", {"TableName": requests.PEOPLE, "Item": key | {"a": value}})
            pair.ask("get_item", {"TableName": requests.PEOPLE, "Key": key})
    else:
        for body in EXPRESSIONS.values():
            pair.ask("put_item", {"TableName": requests.PEOPLE, "Item": key | {"n": {"N": "5"}, "l": {"L": []}}})
            text = " ".join(body.values())
            given = {name: value for name, value in GIVEN.items() if name in text}
            values = {"ExpressionAttributeValues": given} if given else {}
            pair.ask(
                "update_item", {"TableName": requests.PEOPLE, "Key": key, "ReturnValues": "ALL_NEW", **body, **values}
            )
    assert not pair.differences, "\n".join(map(str, pair.differences))
    assert {code for _, code in pair.asked} >= {"done", "ValidationException"}


COMPARED: tuple[Json, ...] = (
    {"N": "1"},
    {"N": "1.0"},
    {"N": "10"},
    {"N": "-2"},
    {"S": "1"},
    {"S": "a"},
    {"S": "ab"},
    {"B": b"a"},
    {"B": b"ab"},
    {"BOOL": True},
    {"NULL": True},
    {"L": [{"S": "a"}]},
    {"L": [{"S": "a"}]},
    {"M": {"a": {"N": "1"}}},
    {"SS": ["a", "b"]},
    {"SS": ["b", "a"]},
    {"NS": ["1", "10"]},
)
TESTS = (
    *(f"{{}} {sign} {{}}" for sign in ("=", "<>", "<", "<=", ">", ">=")),
    "contains({}, {})",
    "begins_with({}, {})",
    "{} IN ({})",
    "{} BETWEEN v0 AND {}",
    "v2 BETWEEN {} AND {}",
    "size({}) >= {}",
)


def test_both_compare_everything_alike(pair: Pair) -> None:
    item = {f"v{place}": value for place, value in enumerate(COMPARED)}
    pair.ask("put_item", {"TableName": requests.PEOPLE, "Item": {"id": {"S": "1"}, **item}})
    request = {"TableName": requests.PEOPLE, "Key": {"id": {"S": "1"}}, "UpdateExpression": "REMOVE nothing"}
    for left, right in permutations([*item, "missing"], 2):
        for test in TESTS:
            pair.ask("update_item", request | {"ConditionExpression": test.format(left, right)})
    assert not pair.differences, "\n".join(map(str, pair.differences[:20]))
