"""Holds replies against the OpenAPI document: as much of JSON Schema as the document uses, and an error for anything more."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Protocol

from tests.bundle.document import ROOT

type Schema = Mapping[str, Any]

ABOUT = {"title", "description", "default", "examples", "format", "discriminator", "deprecated"}
KINDS: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


class Answer(Protocol):
    """A reply, however it was got."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    @property
    def body(self) -> bytes: ...


@cache
def document() -> dict[str, Any]:
    """The document as it is written down."""
    found: dict[str, Any] = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
    return found


def operation(method: str, path: str) -> tuple[str, dict[str, Any]]:
    """The documented path that a path is one of, and its operation. Raises KeyError."""
    for pattern, operations in document()["paths"].items():
        if re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(pattern)), path.partition("?")[0]):
            found: dict[str, Any] = operations[method.lower()]
            return pattern, found
    raise KeyError(path)


def differences(method: str, path: str, reply: Answer) -> list[str]:
    """What of a reply is not as the document says."""
    if reply.status == 304:
        return []
    documented = operation(method, path)[1]["responses"].get(str(reply.status))
    if documented is None:
        return [f"{method} {path}: {reply.status} is not documented"]
    headers = {name.lower(): value for name, value in reply.headers.items()}
    kind = headers.get("content-type", "").partition(";")[0]
    if kind not in documented["content"]:
        return [f"{method} {path}: {reply.status} as {kind} is not documented"]
    if not kind.endswith("json"):
        return []
    found = mismatches(json.loads(reply.body), documented["content"][kind]["schema"], "")
    return [f"{method} {path} {reply.status}{each}" for each in found]


def mismatches(value: Any, schema: Schema, at: str) -> Iterator[str]:  # noqa: ANN401 -- JSON
    """Where a value does not fit a schema."""
    for word, wanted in schema.items():
        if word not in ABOUT:
            yield from _CHECKS[word](value, wanted, at, schema)


def _kind(value: Any, wanted: str, at: str, _: Schema) -> Iterator[str]:  # noqa: ANN401 -- JSON
    if not isinstance(value, KINDS[wanted]) or (isinstance(value, bool) and wanted != "boolean"):
        yield f"{at}: {value!r} is no {wanted}"


def _properties(value: Any, wanted: Schema, at: str, _: Schema) -> Iterator[str]:  # noqa: ANN401 -- JSON
    for name in wanted.keys() & value.keys() if isinstance(value, dict) else ():
        yield from mismatches(value[name], wanted[name], f"{at}.{name}")


def _others(value: Any, wanted: Schema | bool, at: str, schema: Schema) -> Iterator[str]:  # noqa: ANN401, FBT001 -- JSON Schema's
    for name in value.keys() - schema.get("properties", {}).keys() if isinstance(value, dict) else ():
        if wanted is False:
            yield f"{at}.{name} is not documented"
        elif wanted is not True:
            yield from mismatches(value[name], wanted, f"{at}.{name}")


def _required(value: Any, wanted: list[str], at: str, _: Schema) -> Iterator[str]:  # noqa: ANN401 -- JSON
    if isinstance(value, dict):
        yield from (f"{at}.{name} is missing" for name in wanted if name not in value)


def _items(value: Any, wanted: Schema, at: str, _: Schema) -> Iterator[str]:  # noqa: ANN401 -- JSON
    for place, each in enumerate(value if isinstance(value, list) else ()):
        yield from mismatches(each, wanted, f"{at}[{place}]")


def _any(value: Any, wanted: list[Schema], at: str, _: Schema) -> Iterator[str]:  # noqa: ANN401 -- JSON
    tried = [list(mismatches(value, each, at)) for each in wanted]
    if all(tried):
        yield from min(tried, key=len)


def _one(value: Any, wanted: list[Schema], at: str, _: Schema) -> Iterator[str]:  # noqa: ANN401 -- JSON
    fitting = sum(not any(mismatches(value, each, at)) for each in wanted)
    if fitting != 1:
        yield f"{at}: fits {fitting} of what it may be one of"


def _all(value: Any, wanted: list[Schema], at: str, _: Schema) -> Iterator[str]:  # noqa: ANN401 -- JSON
    for each in wanted:
        yield from mismatches(value, each, at)


def _reference(value: Any, wanted: str, at: str, _: Schema) -> Iterator[str]:  # noqa: ANN401 -- JSON
    yield from mismatches(value, document()["components"]["schemas"][wanted.rpartition("/")[2]], at)


def _enumerated(value: Any, wanted: list[Any], at: str, _: Schema) -> Iterator[str]:  # noqa: ANN401 -- JSON
    if value not in wanted:
        yield f"{at}: {value!r} is none of {wanted}"


def _constant(value: Any, wanted: Any, at: str, _: Schema) -> Iterator[str]:  # noqa: ANN401 -- JSON
    if value != wanted:
        yield f"{at}: {value!r} is not {wanted!r}"


def _pattern(value: Any, wanted: str, at: str, _: Schema) -> Iterator[str]:  # noqa: ANN401 -- JSON
    if isinstance(value, str) and not re.search(wanted, value):
        yield f"{at}: {value!r} does not match {wanted}"


def _least(value: Any, wanted: float, at: str, _: Schema) -> Iterator[str]:  # noqa: ANN401 -- JSON
    if isinstance(value, int | float) and value < wanted:
        yield f"{at}: {value} is less than {wanted}"


def _most(value: Any, wanted: float, at: str, _: Schema) -> Iterator[str]:  # noqa: ANN401 -- JSON
    if isinstance(value, int | float) and value > wanted:
        yield f"{at}: {value} is more than {wanted}"


def _shortest(value: Any, wanted: int, at: str, _: Schema) -> Iterator[str]:  # noqa: ANN401 -- JSON
    if isinstance(value, str | list) and len(value) < wanted:
        yield f"{at}: is shorter than {wanted}"


def _longest(value: Any, wanted: int, at: str, _: Schema) -> Iterator[str]:  # noqa: ANN401 -- JSON
    if isinstance(value, str | list) and len(value) > wanted:
        yield f"{at}: is longer than {wanted}"


def _names(value: Any, wanted: Schema, at: str, _: Schema) -> Iterator[str]:  # noqa: ANN401 -- JSON
    for name in value if isinstance(value, dict) else ():
        yield from mismatches(name, wanted, f"{at}.{name}")


_CHECKS: Mapping[str, Any] = {
    "type": _kind,
    "properties": _properties,
    "additionalProperties": _others,
    "propertyNames": _names,
    "required": _required,
    "items": _items,
    "anyOf": _any,
    "oneOf": _one,
    "allOf": _all,
    "$ref": _reference,
    "enum": _enumerated,
    "const": _constant,
    "pattern": _pattern,
    "minimum": _least,
    "maximum": _most,
    "minLength": _shortest,
    "maxLength": _longest,
    "minItems": _shortest,
    "maxItems": _longest,
}
