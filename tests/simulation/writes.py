"""Writes: what a put, an update, a deletion or a check would do, found out without doing it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tests.simulation import conditions, updates
from tests.simulation.conditions import Condition
from tests.simulation.operands import Names, Values
from tests.simulation.parsing import KNOWN
from tests.simulation.queries import NotModelledError
from tests.simulation.tables import KEPT_BYTES, Key, Row, Table
from tests.simulation.updates import Update
from tests.simulation.values import (
    Item,
    MalformedError,
    checked,
    checked_item,
    invalid,
    item_size,
    size,
)
from tollgate.store.dynamodb import DatabaseError

UNDEFINED = "used in expression is not defined"
FAILED = "The conditional request failed"
EXPRESSIONS = frozenset({"ExpressionAttributeNames", "ExpressionAttributeValues"})
_NOTHING: Mapping[str, Any] = {}
ON_FAILURE = "ReturnValuesOnConditionCheckFailure"

type Request = Mapping[str, Any]
type Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Write:
    """A write that can be made: the row before it and the one it leaves. `touched` are what an update named."""

    table: Table
    key: Key
    before: Row | None
    after: Row | None
    touched: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """An item that a write is about, its table, and what it says about it."""

    table: Table
    key: Key
    item: Item
    body: Request


def target(table: Table, kind: str, body: Request) -> Target:
    """What a write is about. Raises a ValidationException where that is no key of the table's."""
    if kind == "Put":
        item = checked_item(body["Item"])
        return Target(table, table.place_of(item), item, body)
    key = checked_item(body["Key"])
    return Target(table, table.key_of(key), key, body)


# What a request mentions.


def mentioned(request: Request, names: frozenset[str], values: frozenset[str]) -> tuple[Names, Values]:
    """The request's names and values. Raises a ValidationException unless its expressions use them all and no others."""
    given: Names = request.get("ExpressionAttributeNames", _NOTHING)
    sent: Mapping[str, Any] = request.get("ExpressionAttributeValues", _NOTHING)
    if given.keys() != names or sent.keys() != values:
        _refuse("name", given, names)
        _refuse("value", sent, values)
    if (not given and given is not _NOTHING) or (not sent and sent is not _NOTHING):
        raise invalid("ExpressionAttributeNames and ExpressionAttributeValues must not be empty")
    return given, {placeholder: checked(value) for placeholder, value in sent.items()}


def _refuse(what: str, given: Iterable[str], used: Iterable[str]) -> None:
    missing, unused = sorted({*used} - {*given}), sorted({*given} - {*used})
    if missing:
        raise invalid(f"An expression attribute {what} {UNDEFINED}; attribute {what}: {missing[0]}")
    if unused:
        raise invalid(f"A {what} provided in ExpressionAttribute{what.title()}s is unused in expressions: {unused}")


def values_of(conditions: Iterable[Condition]) -> frozenset[str]:
    return frozenset().union(*(each.values for each in conditions))


# Writes made ready.


def _condition(body: Request) -> Condition | None:
    return conditions.condition(body["ConditionExpression"]) if "ConditionExpression" in body else None


def _require(condition: Condition | None, about: Target, before: Row | None, names: Names, values: Values) -> None:
    if condition is None:
        return
    condition.check(values)
    if not condition.test(before.item if before else {}, names, values):
        shown = before.copy() if before and about.body.get(ON_FAILURE) == "ALL_OLD" else None
        raise DatabaseError("ConditionalCheckFailedException", FAILED, item=shown)


def _met(about: Target) -> Row | None:
    """The row that a condition let pass. Raises ConditionalCheckFailedException."""
    condition = _condition(about.body)
    names, values = mentioned(
        about.body, condition.names if condition else frozenset(), condition.values if condition else frozenset()
    )
    before = about.table.rows.get(about.key)
    _require(condition, about, before, names, values)
    return before


def _put(about: Target) -> Write:
    about.table.check_index_keys(about.item)
    bytes_ = item_size(about.item)
    if bytes_ > KEPT_BYTES:
        raise MalformedError("Item size has exceeded the maximum allowed size")
    return Write(about.table, about.key, _met(about), Row(about.item, bytes_))


def _delete(about: Target) -> Write:
    return Write(about.table, about.key, _met(about), None)


def _check(about: Target) -> Write:
    before = _met(about)
    return Write(about.table, about.key, before, before)


@lru_cache(KNOWN)
def _plan(update: str, condition: str | None) -> tuple[Update, Condition | None, frozenset[str], frozenset[str]]:
    """An update, its condition, and the names and values that both mention."""
    change, held = updates.update(update), conditions.condition(condition) if condition is not None else None
    if held is None:
        return change, None, change.names, change.values
    return change, held, change.names | held.names, change.values | held.values


def _update(about: Target) -> Write:
    table, body = about.table, about.body
    if "UpdateExpression" not in body:
        raise NotModelledError("an update without an expression")
    change, condition, used_names, used_values = _plan(body["UpdateExpression"], body.get("ConditionExpression"))
    names, values = mentioned(body, used_names, used_values)
    change.check(values)
    targets = change.targets(names)
    touched = [str(path[0]) for path in targets]
    if not change.flat and body.get("ReturnValues", "").startswith("UPDATED"):
        raise NotModelledError("the updated parts of attributes")
    before = table.rows.get(about.key)
    _require(condition, about, before, names, values)
    for name in table.schema.names:
        if name in touched:
            raise invalid(f"Cannot update attribute {name}. This attribute is part of the key")
    item = change.apply(before.item if before else about.item, targets, names, values)
    table.check_index_keys(item)
    bytes_ = _size_after(before, item, {*touched}) if before else item_size(item)
    if bytes_ > KEPT_BYTES:
        raise invalid("Item size to update has exceeded the maximum allowed size")
    return Write(table, about.key, before, Row(item, bytes_), touched)


def _size_after(before: Row, item: Item, touched: Iterable[str]) -> int:
    """The size after an update, from the size before it and what it touched."""
    found = before.size
    for name in touched:
        old, new = before.item.get(name), item.get(name)
        if old is new:
            continue
        if old is not None:
            found -= len(name.encode()) + size(old)
        if new is not None:
            found += len(name.encode()) + size(new)
    return found


PREPARED: dict[str, Callable[[Target], Write]] = {
    "Put": _put,
    "Update": _update,
    "Delete": _delete,
    "ConditionCheck": _check,
}


def returned(write: Write, wanted: str) -> Answer:
    if wanted == "NONE":
        return {}
    row = write.after if wanted.endswith("NEW") else write.before
    if row is None:
        return {}
    shown = row.copy()
    if wanted.startswith("UPDATED"):
        shown = {name: value for name, value in shown.items() if name in write.touched}
    return {"Attributes": shown} if shown else {}
