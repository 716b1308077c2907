"""Tables in memory: their rows, their indexes, and where each row belongs."""

from __future__ import annotations

import marshal
from bisect import bisect_left, insort
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.values import KEY_BYTES, Comparable, Item, MalformedError, comparable, invalid, item_size, size

type Key = tuple[Comparable, Comparable]  # hash and range; the latter is None in a table without

KEPT_BYTES = 400 * 1024  # of an item at most
NOT_THE_KEY = "The provided key element does not match the schema"


class Row:
    """An item as it is kept. It is never changed, only replaced; who reads it gets a copy."""

    __slots__ = ("_frozen", "item", "size")

    def __init__(self, item: Item, size: int) -> None:
        self.item = item
        self.size = size
        self._frozen: bytes | None = None

    def copy(self) -> Item:
        """The item, shared with nobody. marshal is the quickest way to copy a nested dict that Python has."""
        if self._frozen is None:
            self._frozen = marshal.dumps(self.item)
        found: Item = marshal.loads(self._frozen)  # noqa: S302 -- what we have just written
        return found


@dataclass(frozen=True, slots=True)
class Schema:
    """A key: its attributes and their types."""

    hash: str
    range: str | None
    kinds: Mapping[str, str]

    @property
    def names(self) -> tuple[str, ...]:
        return (self.hash, self.range) if self.range else (self.hash,)

    def key(self, item: Item) -> Key:
        """Where an item belongs that has the key's attributes."""
        return comparable(item[self.hash]), comparable(item[self.range]) if self.range else None

    def fits(self, item: Item) -> bool:
        """Whether an item has the key's attributes; an index leaves out what does not."""
        return self.hash in item and (self.range is None or self.range in item)


def _schema(request: Mapping[str, Any], kinds: Mapping[str, str]) -> Schema:
    parts = {each["KeyType"]: each["AttributeName"] for each in request["KeySchema"]}
    names = set(parts.values())
    return Schema(parts["HASH"], parts.get("RANGE"), {name: kinds[name] for name in sorted(names)})


class Order:
    """Keys in their order, by what they hash to: what a query walks along."""

    def __init__(self) -> None:
        self._partitions: dict[Comparable, list[tuple[Comparable, Key]]] = {}

    def add(self, where: Comparable, place: Comparable, key: Key) -> None:
        insort(self._partitions.setdefault(where, []), (place, key))

    def drop(self, where: Comparable, place: Comparable, key: Key) -> None:
        partition = self._partitions[where]
        del partition[bisect_left(partition, (place, key))]
        if not partition:
            del self._partitions[where]

    def partition(self, where: Comparable) -> list[tuple[Comparable, Key]]:
        return self._partitions.get(where, [])


@dataclass(slots=True)
class Index:
    """A global secondary index: rows as it last heard of them."""

    name: str
    schema: Schema
    only: frozenset[str] | None  # the attributes it holds; None is all
    order: Order = field(default_factory=Order)
    rows: dict[Key, Row] = field(default_factory=dict)

    def project(self, row: Row | None) -> Row | None:
        """The row as the index holds it; None where it does not."""
        if row is None or not self.schema.fits(row.item):
            return None
        if self.only is None:
            return row
        item = {name: value for name, value in row.item.items() if name in self.only}
        return Row(item, item_size(item))

    def place(self, key: Key, row: Row | None) -> None:
        """Hear of a row; None is that it is gone."""
        before = self.rows.pop(key, None)
        if before is not None:
            self.order.drop(*self.schema.key(before.item), key)
        if row is not None:
            self.rows[key] = row
            self.order.add(*self.schema.key(row.item), key)

    def writes(self, old: Row | None, new: Row | None) -> int:
        """What a change costs here, in write units: nothing, one, or two where the row moves. Rows as the index holds them."""
        if old is not None and new is not None:
            if self.schema.key(old.item) != self.schema.key(new.item):
                return write_units(old.size) + write_units(new.size)
            return 0 if old.item == new.item else write_units(max(old.size, new.size))
        return write_units(old.size) if old else write_units(new.size) if new else 0


def write_units(size: int) -> int:
    """Write units of an item of so many bytes: one for each KB begun, at least one."""
    return max(1, -(-size // 1024))


def read_units(size: int) -> int:
    """Strongly consistent read units of so many bytes: one for each 4 KB begun, at least one."""
    return max(1, -(-size // 4096))


class Table:
    """A table: rows by their keys, in order where it has a sort key."""

    def __init__(self, request: Mapping[str, Any], expiry: str | None = None) -> None:
        kinds = {each["AttributeName"]: each["AttributeType"] for each in request["AttributeDefinitions"]}
        if "LocalSecondaryIndexes" in request:
            raise NotImplementedError("local secondary indexes are not modelled")
        self.name: str = request["TableName"]
        self.expiry = expiry
        self.schema = _schema(request, kinds)
        self.view: str | None = request.get("StreamSpecification", {}).get("StreamViewType")
        self.rows: dict[Key, Row] = {}
        self.past: dict[Key, tuple[float, Row | None]] = {}  # until when reads may show which row before the last write
        self.order = Order()
        self.indexes = {
            each["IndexName"]: self._index(each, kinds) for each in request.get("GlobalSecondaryIndexes", ())
        }
        self._index_keys = [
            (index.name, name, kind) for index in self.indexes.values() for name, kind in index.schema.kinds.items()
        ]

    def _index(self, request: Mapping[str, Any], kinds: Mapping[str, str]) -> Index:
        schema = _schema(request, kinds)
        projection = request.get("Projection", {})
        only = {*self.schema.names, *schema.names, *projection.get("NonKeyAttributes", ())}
        everything = projection.get("ProjectionType", "ALL") == "ALL"
        return Index(request["IndexName"], schema, None if everything else frozenset(only))

    def key_of(self, given: Item) -> Key:
        """The place that a request's key names. Raises a ValidationException."""
        if len(given) != len(self.schema.kinds):
            raise invalid(NOT_THE_KEY)
        return self._place(given, NOT_THE_KEY)

    def place_of(self, item: Item) -> Key:
        """The place of an item that is to be put. Raises a ValidationException."""
        for name in self.schema.kinds:
            if name not in item:
                raise invalid(f"One or more parameter values were invalid: Missing the key {name} in the item")
        return self._place(item, "One or more parameter values were invalid: Type mismatch for key")

    def _place(self, item: Item, mismatch: str) -> Key:
        for name, kind in self.schema.kinds.items():
            value = item.get(name, {}).get(kind)
            if value is None:
                raise invalid(mismatch)
            if kind == "N":
                continue
            if not value:
                raise MalformedError(
                    "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an "
                    f"empty string value. Key: {name}"
                )
            role = "HASH" if name == self.schema.hash else "RANGE"
            if size(item[name]) > KEY_BYTES[role]:
                raise invalid(f"One or more parameter values were invalid: the {role} key is too long")
        return self.schema.key(item)

    def check_index_keys(self, item: Item) -> None:
        """Raise a ValidationException where an attribute cannot be the key of its index."""
        for index, name, kind in self._index_keys:
            attribute = item.get(name)
            if attribute is None:
                continue
            value = attribute.get(kind)
            if value is None:
                raise invalid(
                    f"One or more parameter values were invalid: Type mismatch for Index Key {name} "
                    f"Expected: {kind} IndexName: {index}"
                )
            if kind != "N" and not value:
                raise MalformedError(
                    "One or more parameter values are not valid. A value specified for a secondary index key is not supported. "
                    f"It cannot be empty. IndexName: {index}, IndexKey: {name}"
                )

    def replace(self, key: Key, row: Row | None) -> Row | None:
        """Put a row in its place, or take it away; what was there."""
        before = self.rows.pop(key, None)
        if row is not None:
            self.rows[key] = row
        if (before is None) != (row is None):
            (self.order.add if row else self.order.drop)(*key, key)
        return before
