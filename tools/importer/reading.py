"""What `mongoexport` writes: JSON, a document a line or one array, in MongoDB's extended JSON, relaxed or canonical."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tollgate import calendar


class UnreadableError(ValueError):
    """No document of a MongoDB collection."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document and where it stands; `problem` says why it could not be read."""

    place: int
    fields: dict[str, Any]
    problem: str | None = None


def documents(path: Path) -> Iterator[Document]:
    """The documents of a file; a line that cannot be read does not keep the others back. Raises UnreadableError for an array
    that is broken as a whole, and OSError."""
    with path.open(encoding="utf-8-sig") as lines:
        first = lines.readline()
        if first.lstrip().startswith("["):
            yield from _of_array(first + lines.read())
            return
        for place, line in enumerate(_chain(first, lines), 1):
            if line.strip():
                yield _read(place, line)


def _chain(first: str, lines: Iterator[str]) -> Iterator[str]:
    yield first
    yield from lines


def _of_array(text: str) -> Iterator[Document]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise UnreadableError("the array is broken") from error
    for place, each in enumerate(found, 1):
        yield _document(place, each)


def _read(place: int, line: str) -> Document:
    try:
        return _document(place, json.loads(line))
    except (ValueError, RecursionError):
        return Document(place, {}, "is no JSON")


def _document(place: int, value: object) -> Document:
    if not isinstance(value, dict):
        return Document(place, {}, "is no document")
    try:
        return Document(place, {name: plain(each) for name, each in value.items()})
    except (ValueError, OverflowError, TypeError) as error:
        return Document(place, {"_id": _id(value)}, f"holds a value that cannot be read ({error})")


def _id(value: dict[str, Any]) -> object:
    found = value.get("_id")
    return found.get("$oid") if isinstance(found, dict) else found


def plain(value: Any) -> Any:  # noqa: ANN401 -- JSON
    """A value without MongoDB's wrappings: ids as text, dates as aware instants in UTC."""
    if isinstance(value, list):
        return [plain(each) for each in value]
    if not isinstance(value, dict):
        return value
    ((kind, inner),) = value.items() if len(value) == 1 else ((None, None),)
    if kind in _READERS:
        return _READERS[kind](inner)
    return {name: plain(each) for name, each in value.items()}


def _date(value: object) -> datetime:
    if isinstance(value, str):
        return calendar.parse(value)
    milliseconds = plain(value)
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int):
        raise UnreadableError("no date")
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)


_READERS: Mapping[str | None, Callable[[Any], Any]] = MappingProxyType(
    {
        "$oid": str,
        "$date": _date,
        "$numberInt": int,
        "$numberLong": int,
        "$numberDouble": float,
        "$numberDecimal": float,
    }
)
