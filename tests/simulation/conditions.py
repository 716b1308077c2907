"""Conditions made ready to be asked: each text is read once, and then only called with (item, names, values)."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tests.simulation import parsing
from tests.simulation.operands import Found, Literal, Names, Values, reader, reading
from tests.simulation.parsing import KNOWN, Node, Path
from tests.simulation.values import KINDS, ORDERED, SETS, Attribute, Item, comparable, invalid, less

type Test = Callable[[Item, Names, Values], bool]


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition ready to be asked."""

    test: Test
    names: frozenset[str]
    values: frozenset[str]
    literals: tuple[Literal, ...]
    bounds: tuple[tuple[str, str], ...]
    types: tuple[str, ...]
    paths: tuple[Path, ...]

    def check(self, values: Values) -> None:
        """Raise a ValidationException for literals that cannot stand where they do."""
        for literal in self.literals:
            literal.check(values)
        for low, high in self.bounds:
            if values[low].keys() != values[high].keys() or less(values[high], values[low]):
                raise invalid("The BETWEEN operator requires upper bound to be greater than or equal to lower bound")
        for placeholder in self.types:
            if values[placeholder].get("S") not in KINDS:
                raise invalid("Invalid attribute type name found")


@lru_cache(KNOWN)
def condition(text: str, kind: str = "ConditionExpression") -> Condition:
    """A condition or filter."""
    tree = parsing.condition(text, kind)
    found = Found()
    found.look(tree)
    return Condition(
        test=_test(tree),
        names=frozenset(found.names),
        values=frozenset(found.values),
        literals=tuple(found.literals),
        bounds=tuple(found.bounds),
        types=tuple(found.types),
        paths=tuple(found.paths),
    )


def _test(node: Node) -> Test:
    return _TESTS[node[0]](*node[1:])


def _and(left: Node, right: Node) -> Test:
    one, other = _test(left), _test(right)
    return lambda item, names, values: one(item, names, values) and other(item, names, values)


def _or(left: Node, right: Node) -> Test:
    one, other = _test(left), _test(right)
    return lambda item, names, values: one(item, names, values) or other(item, names, values)


def _not(inner: Node) -> Test:
    test = _test(inner)
    return lambda item, names, values: not test(item, names, values)


def _exists(path: Path) -> Test:
    read = reader(path)
    return lambda item, names, values: read(item, names, values) is not None


def _missing(path: Path) -> Test:
    read = reader(path)
    return lambda item, names, values: read(item, names, values) is None


def _compare(comparison: str, left: Node, right: Node) -> Test:
    one, other = reading(left), reading(right)
    if comparison == "=":
        return lambda item, names, values: _equal(one(item, names, values), other(item, names, values))
    if comparison == "<>":
        return lambda item, names, values: not _equal(one(item, names, values), other(item, names, values))
    order = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}[comparison]

    def test(item: Item, names: Names, values: Values) -> bool:
        return _ordered(order, one(item, names, values), other(item, names, values))

    return test


def _equal(left: Attribute | None, right: Attribute | None) -> bool:
    return left is not None and left == right


def _ordered(order: Callable[[Any, Any], bool], left: Attribute | None, right: Attribute | None) -> bool:
    """Whether they are in that order; values of different kinds, and what is missing, are in none."""
    if left is None or right is None or left.keys() != right.keys() or not left.keys() <= ORDERED:
        return False
    return order(comparable(left), comparable(right))


def _between(middle: Node, low: Node, high: Node) -> Test:
    read, lowest, highest = reading(middle), reading(low), reading(high)

    def test(item: Item, names: Names, values: Values) -> bool:
        found = read(item, names, values)
        return _ordered(operator.le, lowest(item, names, values), found) and _ordered(
            operator.le, found, highest(item, names, values)
        )

    return test


def _in(left: Node, *options: Node) -> Test:
    read, others = reading(left), [reading(each) for each in options]

    def test(item: Item, names: Names, values: Values) -> bool:
        found = read(item, names, values)
        return any(_equal(found, other(item, names, values)) for other in others)

    return test


def _type(left: Node, kind: Node) -> Test:
    read, wanted = reading(left), reading(kind)

    def test(item: Item, names: Names, values: Values) -> bool:
        found, name = read(item, names, values), wanted(item, names, values)
        return found is not None and name is not None and name.get("S") in found

    return test


def _begins_with(left: Node, start: Node) -> Test:
    read, prefix = reading(left), reading(start)

    def test(item: Item, names: Names, values: Values) -> bool:
        found, begin = read(item, names, values), prefix(item, names, values)
        if found is None or begin is None or found.keys() != begin.keys() or not found.keys() <= {"S", "B"}:
            return False
        return bool(comparable(found).startswith(comparable(begin)))

    return test


def _contains(left: Node, part: Node) -> Test:
    read, wanted = reading(left), reading(part)

    def test(item: Item, names: Names, values: Values) -> bool:
        found, member = read(item, names, values), wanted(item, names, values)
        return found is not None and member is not None and _holds(found, member)

    return test


def _holds(found: Attribute, member: Attribute) -> bool:
    ((kind, inside),) = found.items()
    ((sought, value),) = member.items()
    if kind == "L":
        return member in inside
    if kind in SETS:
        return sought == kind[0] and value in inside
    return kind == sought and kind in {"S", "B"} and value in inside


_TESTS: dict[str, Callable[..., Test]] = {
    "and": _and,
    "or": _or,
    "not": _not,
    "attribute_exists": _exists,
    "attribute_not_exists": _missing,
    "compare": _compare,
    "between": _between,
    "in": _in,
    "attribute_type": _type,
    "begins_with": _begins_with,
    "contains": _contains,
}
