"""From a pydantic model to the schema both providers understand.

The subset: every field required, nullable instead of optional, no defaults, bounds, patterns or formats,
references written out, no free-form objects. What the subset cannot say, the pydantic model checks on the
answer.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import pydantic

type Schema = dict[str, object]


class UnsupportedSchemaError(TypeError):
    """The model says something that the common subset cannot."""


@cache  # building a schema costs more than the call around it; nobody changes what is returned
def openai_schema(model: type[pydantic.BaseModel]) -> Schema:
    """The strict JSON Schema for OpenAI's `response_format`."""
    return _openai(_plain(model))


@cache
def gemini_schema(model: type[pydantic.BaseModel]) -> Schema:
    """The OpenAPI subset for Gemini's `responseSchema`, the same for both transports."""
    return _gemini(_plain(model))


def _plain(model: type[pydantic.BaseModel]) -> Schema:
    """Type, description, enum, nullable, items, properties; nothing else, references written out."""
    whole = model.model_json_schema(mode="validation")
    return _node(whole, cast("dict[str, Schema]", whole.get("$defs", {})), ())


def _node(node: Schema, defs: dict[str, Schema], open_refs: tuple[str, ...]) -> Schema:
    if "$ref" in node:
        return _referenced(node, defs, open_refs)
    if "anyOf" in node or "oneOf" in node:
        return _nullable(node, defs, open_refs)
    values = [node["const"]] if "const" in node else node.get("enum")
    plain: Schema = {"type": node.get("type", "string" if values else None)}
    if "description" in node:
        plain["description"] = node["description"]
    if values is not None:
        return plain | {"enum": _texts(values)}
    return plain | _inside(node, defs, open_refs)


def _inside(node: Schema, defs: dict[str, Schema], open_refs: tuple[str, ...]) -> Schema:
    match node.get("type"):
        case "object" if "properties" in node and not node.get("additionalProperties"):
            fields = cast("dict[str, Schema]", node["properties"])
            return {"properties": {name: _node(field, defs, open_refs) for name, field in fields.items()}}
        case "array" if "items" in node:
            return {"items": _node(cast("Schema", node["items"]), defs, open_refs)}
        case "string" | "integer" | "number" | "boolean":
            return {}
        case _:
            raise UnsupportedSchemaError(f"not in the common subset: {sorted(node)}")


def _referenced(node: Schema, defs: dict[str, Schema], open_refs: tuple[str, ...]) -> Schema:
    name = str(node["$ref"]).rpartition("/")[2]
    if name in open_refs:
        raise UnsupportedSchemaError(f"{name} contains itself")
    target = _node(defs[name], defs, (*open_refs, name))
    return target | {"description": node["description"]} if "description" in node else target


def _nullable(node: Schema, defs: dict[str, Schema], open_refs: tuple[str, ...]) -> Schema:
    choices = cast("list[Schema]", node.get("anyOf", node.get("oneOf")))
    real = [choice for choice in choices if choice.get("type") != "null"]
    if len(real) != 1 or len(choices) - len(real) > 1:
        raise UnsupportedSchemaError("a union other than with null")
    inner = {"description": node["description"]} if "description" in node else {}
    return _node(real[0], defs, open_refs) | inner | {"nullable": True}


def _texts(values: object) -> list[object]:
    texts = list(cast("list[object]", values))
    if not all(isinstance(value, str) for value in texts):
        raise UnsupportedSchemaError("an enum of anything but texts")
    return texts


def _openai(plain: Schema) -> Schema:
    kind: object = [plain["type"], "null"] if plain.get("nullable") else plain["type"]
    made: Schema = {"type": kind} | {key: plain[key] for key in ("description",) if key in plain}
    if "enum" in plain:
        values = cast("list[object]", plain["enum"])
        made["enum"] = [*values, None] if plain.get("nullable") else values
    if "items" in plain:
        made["items"] = _openai(cast("Schema", plain["items"]))
    if "properties" in plain:
        fields = cast("dict[str, Schema]", plain["properties"])
        made["properties"] = {name: _openai(field) for name, field in fields.items()}
        made["required"] = list(fields)
        made["additionalProperties"] = False
    return made


def _gemini(plain: Schema) -> Schema:
    made: Schema = {"type": str(plain["type"]).upper()}
    made |= {key: plain[key] for key in ("description", "enum", "nullable") if key in plain}
    if "items" in plain:
        made["items"] = _gemini(cast("Schema", plain["items"]))
    if "properties" in plain:
        fields = cast("dict[str, Schema]", plain["properties"])
        made["properties"] = {name: _gemini(field) for name, field in fields.items()}
        made["required"] = list(fields)
    return made
