"""One schema, two dialects."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

import pydantic
import pytest

from tollgate.ai.schema import Schema, UnsupportedSchemaError, gemini_schema, openai_schema


class Level(StrEnum):
    LOW = "low"
    HIGH = "high"


class Place(pydantic.BaseModel):
    city: str
    code: str | None = None


class Person(pydantic.BaseModel):
    """Everything the subset can say."""

    name: str = pydantic.Field(min_length=1, max_length=80, pattern="^.", description="As written.")
    age: int = pydantic.Field(0, ge=0, le=150)
    ratio: float = 0.5
    ready: bool = False
    level: Level = Level.LOW
    kind: Literal["a"] = "a"
    choice: Literal["x", "y"] | None = None
    home: Place
    second: Annotated[Place | None, pydantic.Field(description="If there is one.")] = None
    places: list[Place] = pydantic.Field(default_factory=list, max_length=5)
    given: str = pydantic.Field("", alias="givenName")


PLACE: Schema = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "code": {"type": ["string", "null"]}},
    "required": ["city", "code"],
    "additionalProperties": False,
}


def test_openai_gets_a_closed_schema_in_which_everything_is_required() -> None:
    assert openai_schema(Person) == {
        "type": "object",
        "description": "Everything the subset can say.",
        "properties": {
            "name": {"type": "string", "description": "As written."},
            "age": {"type": "integer"},
            "ratio": {"type": "number"},
            "ready": {"type": "boolean"},
            "level": {"type": "string", "enum": ["low", "high"]},
            "kind": {"type": "string", "enum": ["a"]},
            "choice": {"type": ["string", "null"], "enum": ["x", "y", None]},
            "home": PLACE,
            "second": PLACE | {"type": ["object", "null"], "description": "If there is one."},
            "places": {"type": "array", "items": PLACE},
            "givenName": {"type": "string"},
        },
        "required": [
            "name", "age", "ratio", "ready", "level", "kind", "choice", "home", "second", "places", "givenName",
        ],
        "additionalProperties": False,
    }  # fmt: skip


def test_gemini_gets_the_same_in_its_own_words() -> None:
    place = {
        "type": "OBJECT",
        "properties": {"city": {"type": "STRING"}, "code": {"type": "STRING", "nullable": True}},
        "required": ["city", "code"],
    }
    made = gemini_schema(Person)
    fields = made["properties"]
    assert isinstance(fields, dict)
    assert made["type"] == "OBJECT"
    assert made["required"] == list(fields)
    assert fields["home"] == place
    assert fields["second"] == place | {"nullable": True, "description": "If there is one."}
    assert fields["places"] == {"type": "ARRAY", "items": place}
    assert fields["choice"] == {"type": "STRING", "enum": ["x", "y"], "nullable": True}
    assert fields["age"] == {"type": "INTEGER"}


class Free(pydantic.BaseModel):
    anything: dict[str, str]


class Either(pydantic.BaseModel):
    one: str | int


class Tree(pydantic.BaseModel):
    branches: list[Tree]


class Numbers(pydantic.BaseModel):
    size: Literal[1, 2]


class Untyped(pydantic.BaseModel):
    what: object


@pytest.mark.parametrize("model", [Free, Either, Tree, Numbers, Untyped])
def test_what_the_subset_cannot_say_is_refused_when_the_schema_is_made(model: type[pydantic.BaseModel]) -> None:
    for make in (openai_schema, gemini_schema):
        with pytest.raises(UnsupportedSchemaError):
            make(model)
