"""Attribute values as DynamoDB keeps them: checked and made canonical on the way in, measured, put in order.

Canonical: numbers without superfluous zeros, sets sorted. So two equal values are equal dicts, and nothing that came in is
shared with whoever sent it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Context, Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from tollgate.store.dynamodb import DatabaseError

type Attribute = dict[str, Any]
type Item = dict[str, Attribute]
type Number = int | Decimal
type Comparable = Any  # what Python orders: a str, a number or bytes

DIGITS = 38
LARGEST, SMALLEST = 125, -130  # exponents of ten, of the first digit
KEY_BYTES = {"HASH": 2048, "RANGE": 1024}

_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,37}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_EXACT = Context(prec=1000)
_KNOWN_NUMBERS = 1 << 16


def invalid(message: str) -> DatabaseError:
    """What DynamoDB answers to a request that it would never accept."""
    return DatabaseError("ValidationException", message)


class MalformedError(DatabaseError):
    """What cannot be a value or a key at all: refused before a transaction looks at any of its members."""

    def __init__(self, message: str, code: str = "ValidationException") -> None:
        super().__init__(code, message)


@lru_cache(_KNOWN_NUMBERS)
def canonical(text: str) -> str:
    """A number as DynamoDB writes it back. Raises a ValidationException for what is none, too long, too large or too small."""
    if _WHOLE.fullmatch(text):
        return text
    if not _NUMBER.fullmatch(text):
        raise MalformedError(f"The parameter cannot be converted to a numeric value: {text}")
    try:
        value = Decimal(text).normalize(_EXACT)
    except InvalidOperation:
        raise MalformedError("Number overflow") from None
    if not value:
        return "0"
    if len(value.as_tuple().digits) > DIGITS:
        raise MalformedError("Attempting to store more than 38 significant digits in a Number")
    if not SMALLEST <= value.adjusted() <= LARGEST:
        raise MalformedError(
            "Number overflow or underflow. Attempting to store a number outside of the supported range"
        )
    return f"{value:f}"


@lru_cache(_KNOWN_NUMBERS)
def number(text: str) -> Number:
    """A canonical number as Python's."""
    return int(text) if _WHOLE.fullmatch(text) else Decimal(text)


def total(left: str, right: str, sign: int) -> str:
    """The sum of two canonical numbers, or their difference where `sign` is -1; exact or refused."""
    one, other = number(left), number(right)
    if type(one) is int and type(other) is int:
        return canonical(str(one + sign * other))
    return canonical(str(_EXACT.add(Decimal(one), Decimal(sign * other))))


def _unreadable(message: str) -> MalformedError:
    return MalformedError(message, "SerializationException")


def checked(attribute: Any) -> Attribute:  # noqa: ANN401 -- whatever was sent
    """An attribute value as it will be kept. Raises a ValidationException or SerializationException."""
    if type(attribute) is not dict and not isinstance(attribute, Mapping):
        raise _unreadable("an attribute value is a map of one type to one value")
    if len(attribute) != 1:
        raise MalformedError("Supplied AttributeValue is empty or has more than one datatype, must contain exactly one")
    for kind, value in attribute.items():
        if kind == "S" and type(value) is str:  # most are
            return {"S": value}
        check = _CHECKS.get(kind)
        if check is None:
            break
        return check(value)
    raise MalformedError("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")


def checked_item(item: Any) -> Item:  # noqa: ANN401 -- as above
    """An item as it will be kept; its order is that of what was sent."""
    if type(item) is not dict and not isinstance(item, Mapping):
        raise _unreadable("an item is a map of attribute values")
    return {name if type(name) is str else _text(name): checked(attribute) for name, attribute in item.items()}


def _text(value: Any) -> str:  # noqa: ANN401 -- as above
    if type(value) is str:
        return value
    if isinstance(value, str):
        return str.__str__(value)  # an enumeration's member
    raise _unreadable(f"{type(value).__name__} cannot be converted to String")


def _string(value: Any) -> Attribute:  # noqa: ANN401 -- as above
    return {"S": value if type(value) is str else _text(value)}


def _number(value: Any) -> Attribute:  # noqa: ANN401 -- as above
    return {"N": canonical(value if type(value) is str else _text(value))}


def _binary(value: Any) -> Attribute:  # noqa: ANN401 -- as above
    return {"B": _bytes(value)}


def _bytes(value: Any) -> bytes:  # noqa: ANN401 -- as above
    if not isinstance(value, bytes | bytearray):
        raise _unreadable(f"{type(value).__name__} cannot be converted to a byte buffer")
    return bytes(value)


def _boolean(value: Any) -> Attribute:  # noqa: ANN401 -- as above
    if not isinstance(value, bool):
        raise _unreadable(f"{type(value).__name__} cannot be converted to Boolean")
    return {"BOOL": value}


def _null(value: Any) -> Attribute:  # noqa: ANN401 -- as above
    if value is not True:
        raise MalformedError(
            "One or more parameter values were invalid: Null attribute value types must have the value of true"
        )
    return {"NULL": True}


def _list(value: Any) -> Attribute:  # noqa: ANN401 -- as above
    if not isinstance(value, list | tuple):
        raise _unreadable(f"{type(value).__name__} cannot be converted to a list")
    return {"L": [checked(each) for each in value]}


def _map(value: Any) -> Attribute:  # noqa: ANN401 -- as above
    return {"M": checked_item(value)}


def _set_of(kind: str, member: Callable[[Any], Any]) -> Callable[[Any], Attribute]:
    def check(value: Any) -> Attribute:  # noqa: ANN401 -- as above
        if not isinstance(value, list | tuple | set | frozenset):
            raise _unreadable(f"{type(value).__name__} cannot be converted to a list")
        members = [member(each) for each in value]
        if not members:
            raise MalformedError(f"One or more parameter values were invalid: An {kind} may not be empty")
        if len(set(members)) < len(members):
            raise MalformedError("One or more parameter values were invalid: Input collection contains duplicates")
        return a_set(kind, members)

    return check


def a_set(kind: str, members: list[Any]) -> Attribute:
    """A set in its canonical order."""
    return {kind: sorted(members, key=number) if kind == "NS" else sorted(members)}


_CHECKS: dict[str, Callable[[Any], Attribute]] = {
    "S": _string,
    "N": _number,
    "B": _binary,
    "BOOL": _boolean,
    "NULL": _null,
    "L": _list,
    "M": _map,
    "SS": _set_of("SS", _text),
    "NS": _set_of("NS", lambda value: canonical(_text(value))),
    "BS": _set_of("BS", _bytes),
}
KINDS = frozenset(_CHECKS)
SETS = frozenset({"SS", "NS", "BS"})
ORDERED = frozenset({"S", "N", "B"})


# Sizes, in bytes: CapacityUnitCalculations.html of the developer guide, read on 2026-11-23.

_OVERHEAD = 3  # of a list or a map, however much is in it
_MEMBER = 1  # of each thing in them


def text_size(text: str) -> int:
    """The bytes of a text in UTF-8."""
    return len(text) if text.isascii() else len(text.encode())


def size(attribute: Attribute) -> int:
    """The bytes that a value counts for."""
    for kind, value in attribute.items():
        if kind == "S" and value.isascii():
            return len(value)
        return _SIZES[kind](value)
    return 0


def item_size(item: Item) -> int:
    """The bytes that an item counts for, names and values."""
    return sum(
        [(len(name) if name.isascii() else text_size(name)) + size(attribute) for name, attribute in item.items()]
    )


@lru_cache(_KNOWN_NUMBERS)
def _number_size(text: str) -> int:
    digits = text.lstrip("-").replace(".", "").strip("0")
    return (len(digits) + 1) // 2 + 1 + text.startswith("-")


def _list_size(elements: list[Attribute]) -> int:
    return _OVERHEAD + _MEMBER * len(elements) + sum([size(each) for each in elements])


def _map_size(members: Item) -> int:
    return _OVERHEAD + _MEMBER * len(members) + item_size(members)


_SIZES: dict[str, Callable[[Any], int]] = {
    "S": text_size,
    "N": _number_size,
    "B": len,
    "BOOL": lambda _: 1,
    "NULL": lambda _: 1,
    "L": _list_size,
    "M": _map_size,
    "SS": lambda members: sum(text_size(each) for each in members),
    "NS": lambda members: sum(_number_size(each) for each in members),
    "BS": lambda members: sum(len(each) for each in members),
}


def comparable(attribute: Attribute) -> Comparable:
    """What orders a key: text by its UTF-8 bytes (Python's order of code points is the same), numbers by value, bytes."""
    for kind, value in attribute.items():
        return number(value) if kind == "N" else value
    return None


def less(left: Attribute | None, right: Attribute | None) -> bool | None:
    """Whether one value comes before another; None where the two have no order."""
    if left is None or right is None:
        return None
    for kind, value in left.items():
        other = right.get(kind)
        if other is None or kind not in ORDERED:
            return None
        return bool(number(value) < number(other)) if kind == "N" else bool(value < other)
    return None


def at(item: Item, path: tuple[str | int, ...]) -> Attribute | None:
    """What lies at a document path; None where nothing does."""
    found = item.get(path[0])  # type: ignore[arg-type]  # -- a path begins with a name
    for part in path[1:]:
        if found is None:
            return None
        if type(part) is int:
            elements = found.get("L")
            found = elements[part] if elements and part < len(elements) else None
        else:
            members = found.get("M")
            found = members.get(part) if members else None
    return found
