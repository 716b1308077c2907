"""Queries: which rows a key condition names, in order, page by page."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.simulation import parsing
from tests.simulation.operands import Names, Values
from tests.simulation.tables import Index, Key, Row, Table
from tests.simulation.values import Attribute, Comparable, Item, checked_item, comparable, invalid

PAGE_BYTES = 1024 * 1024


class NotModelledError(NotImplementedError):
    """A request of a kind that this store does not know. The product makes none, or has begun to: then teach it here."""


@dataclass(frozen=True, slots=True)
class Page:
    """The rows that a query looked at, their bytes, and whether it stopped before the end."""

    rows: list[Row]
    bytes: int
    more: bool


class Walk:
    """The rows that a key condition names, in order."""

    def __init__(self, table: Table, index: Index | None, tree: parsing.Node, names: Names, values: Values) -> None:
        self._table, self._index = table, index
        self._schema = index.schema if index else table.schema
        self._rows = index.rows if index else table.rows
        terms = _Terms(self._schema.names, tree, names, values)
        self._where = terms.equal(self._schema.hash, self._schema.kinds)
        self._range = terms.range(self._schema.range, self._schema.kinds)
        self._partition = (index or table).order.partition(self._where)

    def page(self, request: Mapping[str, Any]) -> Page:
        """The next page, as the request limits it."""
        limit = request.get("Limit")
        if limit is not None and limit < 1:
            raise invalid("Member must have value greater than or equal to 1")
        backwards = not request.get("ScanIndexForward", True)
        low, high = self._span()
        if "ExclusiveStartKey" in request:
            place = self._after(checked_item(request["ExclusiveStartKey"]))
            if backwards:
                high = min(high, bisect_left(self._partition, place))
            else:
                low = max(low, bisect_right(self._partition, place))
        places = self._partition[low:high]
        return self._read(reversed(places) if backwards else iter(places), limit)

    def _read(self, places: Iterator[tuple[Any, Key]], limit: int | None) -> Page:
        rows: list[Row] = []
        bytes_ = 0
        for _, key in places:
            row = self._rows[key]
            if rows and bytes_ + row.size > PAGE_BYTES:
                return Page(rows, bytes_, more=True)
            rows.append(row)
            bytes_ += row.size
            if limit is not None and len(rows) == limit:
                return Page(rows, bytes_, more=True)  # DynamoDB does not look whether anything follows
        return Page(rows, bytes_, more=False)

    def _span(self) -> tuple[int, int]:
        if self._range is None:
            return 0, len(self._partition)
        low, with_low, high, with_high = self._range
        first, last = 0, len(self._partition)
        if low is not None:
            find = bisect_left if with_low else bisect_right
            first = find(self._partition, low, key=_place)
        if high is not None:
            find = bisect_right if with_high else bisect_left
            last = find(self._partition, high, key=_place)
        return first, last

    def _after(self, start: Item) -> tuple[Any, Key]:
        """The place of a start key, which need not be there any more."""
        wanted = {**self._table.schema.kinds, **self._schema.kinds}
        if start.keys() != wanted.keys() or any(kind not in start[name] for name, kind in wanted.items()):
            raise invalid("The provided starting key is invalid")
        where, place = self._schema.key(start)
        if where != self._where:
            raise invalid("The provided starting key is outside query boundaries based on provided conditions")
        if not self._spans(place):
            raise invalid("The provided starting key does not match the range key predicate")
        return place, self._table.schema.key(start)

    def _spans(self, place: Comparable) -> bool:
        if self._range is None:
            return True
        low, with_low, high, with_high = self._range
        if low is not None and (place < low or (place == low and not with_low)):
            return False
        return high is None or place < high or (place == high and with_high)


def _place(entry: tuple[Any, Key]) -> Comparable:
    return entry[0]


_AFTER_ALL = chr(0x10FFFF)


class _Terms:
    """A key condition's terms: what the hash equals, and where the range lies."""

    def __init__(self, keys: Sequence[str], tree: parsing.Node, names: Names, values: Values) -> None:
        self._values = values
        self._terms: dict[str, tuple[Any, ...]] = {}
        for node in _flat(tree):
            name, term = self._term(node, names)
            if name not in keys or name in self._terms:
                raise invalid(f"Query key condition not supported, or more than one of {name}")
            self._terms[name] = term

    def _term(self, node: parsing.Node, names: Names) -> tuple[str, tuple[Any, ...]]:
        match node:
            case ("compare", sign, ("path", (name,)), ("value", placeholder)) if sign != "<>":
                return names.get(name, name), (sign, self._values[placeholder])
            case ("compare", "=", ("value", placeholder), ("path", (name,))):
                return names.get(name, name), ("=", self._values[placeholder])
            case ("between", ("path", (name,)), ("value", low), ("value", high)):
                return names.get(name, name), ("between", self._values[low], self._values[high])
            case ("begins_with", ("path", (name,)), ("value", start)):
                return names.get(name, name), ("begins_with", self._values[start])
        raise invalid("Query key condition not supported")

    def equal(self, name: str, kinds: Mapping[str, str]) -> Comparable:
        if name not in self._terms:
            raise invalid(f"Query condition missed key schema element: {name}")
        sign, *values = self._terms[name]
        if sign != "=":
            raise invalid("Query key condition not supported")
        return _typed(values[0], kinds[name])

    def range(self, name: str | None, kinds: Mapping[str, str]) -> tuple[Any, bool, Any, bool] | None:
        if name is None or name not in self._terms:
            return None
        sign, *values = self._terms[name]
        low, *more = [_typed(value, kinds[name]) for value in values]
        match sign:
            case "=":
                return low, True, low, True
            case "<" | "<=":
                return None, True, low, sign == "<="
            case ">" | ">=":
                return low, sign == ">=", None, True
            case "between":
                return low, True, more[0], True
        if kinds[name] != "S":
            raise NotModelledError("begins_with of a key that is no text")
        return low, True, low + _AFTER_ALL, True


def _flat(tree: parsing.Node) -> list[parsing.Node]:
    return [*_flat(tree[1]), *_flat(tree[2])] if tree[0] == "and" else [tree]


def _typed(value: Attribute, kind: str) -> Comparable:
    if kind not in value:
        raise invalid("One or more parameter values were invalid: Condition parameter type does not match schema type")
    return comparable(value)
