"""Builds the document: routes from template.yaml, the rest from each function's module and from the table of operations."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import BaseModel, TypeAdapter

from local import template
from tollgate import errors
from tollgate.errors import Refusal
from tollgate.http.api import Access, Api
from tollgate.http.idempotency import REPLAYED, replayable
from tollgate.http.problems import CONTENT_TYPE
from tollgate.resumes import schema as resumes
from tools.openapi import replies
from tools.openapi.operations import OPERATIONS, Told

type Json = dict[str, Any]

ROOT = Path(__file__).resolve().parents[2]
REFS = "#/components/schemas/{model}"
GIVEN = "Given"  # before the name of a part of a resume as callers may send it
BUG = "internal_error"
SECURITY: Mapping[Access, list[Json]] = {
    Access.PUBLIC: [],
    Access.USER: [{"bearer": []}],
    Access.ADMIN: [{"bearer": []}],
    Access.SIGNATURE: [{"razorpaySignature": []}],
}
ABOUT = (
    "Plans, payments and metered AI calls of an ATS resume generator. Amounts are integer paise unless a field says rupees; "
    "instants are ISO 8601 in UTC; no end and unlimited are null. Every refusal is application/problem+json with a code. "
    "A refused call takes nothing."
)


@dataclass(frozen=True, slots=True)
class Source:
    """A handler and its module."""

    module: ModuleType
    name: str
    app: Api
    replayable: bool

    def bodies(self) -> list[type[BaseModel]]:
        """The models that the handler reads its body with; one that only looks which of several it is counts not."""
        found = [getattr(self.module, name) for name in self._arguments("body", ast.Name)]
        return [each for each in found if any("type" in part or "$ref" in part for part in _properties(each))]

    def queries(self) -> set[str]:
        """The parameters that the module asks the query for, by their literal names."""
        return set(self._arguments("query", ast.Constant))

    def raised(self) -> set[type[Refusal]]:
        """The refusals that the module raises itself."""
        raised = [node.exc for node in self._nodes() if isinstance(node, ast.Raise)]
        names = {each.func.id for each in raised if isinstance(each, ast.Call) and isinstance(each.func, ast.Name)}
        found = [vars(self.module).get(name) for name in names]
        return {each for each in found if isinstance(each, type) and issubclass(each, Refusal)}

    def _arguments(self, method: str, kind: type[ast.Name | ast.Constant]) -> Iterator[str]:
        for node in self._nodes():
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == method
                and node.args
                and isinstance(node.args[0], kind)
            ):
                yield str(node.args[0].id if isinstance(node.args[0], ast.Name) else node.args[0].value)

    def _nodes(self) -> Iterator[ast.AST]:
        """The handler's own code, and that of the functions beside it which it calls."""
        functions = {each.name: each for each in _tree(self.module).body if isinstance(each, ast.FunctionDef)}
        seen: set[str] = set()
        wanted = [self.name]
        while wanted:
            name = wanted.pop()
            if name in seen or name not in functions:
                continue
            seen.add(name)
            for node in ast.walk(functions[name]):
                yield node
                if isinstance(node, ast.Name):
                    wanted.append(node.id)


def _tree(module: ModuleType) -> ast.Module:
    return ast.parse(inspect.getsource(module))


def _properties(model: type[BaseModel]) -> Iterable[Json]:
    schema = model.model_json_schema()
    flat: list[Json] = list(schema.get("properties", {}).values())
    return [*flat, *(part for each in flat for part in each.get("anyOf", ()))]


# The folders of functions, in the order in which somebody new wants to read them.
TAGS = {
    "subscription": "Plans, purchases and use",
    "ai": "AI tasks",
    "account": "Account",
    "webhooks": "Webhooks",
    "admin": "For administrators",
    "meta": "This description",
}


def build() -> Json:
    """The whole document. Raises KeyError for a route that the table of operations does not know."""
    schemas: Json = {}
    paths: Json = {}
    for route in template.read(ROOT / "template.yaml").routes:
        source, path = _source(route), _snake(route.path)
        paths.setdefault(path, {})[route.method.lower()] = _operation(route.method, path, source, schemas)
    _take(schemas, replies.Problem.model_json_schema(ref_template=REFS), "Problem")
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tollgate", "version": _version(), "description": ABOUT},
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": about} for name, about in TAGS.items()],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "razorpaySignature": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "x-razorpay-signature",
                    "description": "HMAC-SHA256 of the raw body with the webhook secret, in hex.",
                },
            },
        },
    }


def _version() -> str:
    found = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    return found[1] if found else "0"


def _snake(path: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda name: "{" + re.sub(r"(?<!^)([A-Z])", r"_\1", name[1]).lower() + "}", path)


def _source(route: template.Route) -> Source:
    module = importlib.import_module(route.function.handler.rpartition(".")[0])
    app: Api = module.app
    wanted = re.sub(r"<\w+>|\{\w+\}", "{}", route.path)
    for each in [*app._static_routes, *app._dynamic_routes]:  # noqa: SLF001 -- Powertools has no public list of them
        methods = [each.method] if isinstance(each.method, str) else each.method
        if route.method in methods and re.sub(r"<\w+>", "{}", each.path) == wanted:
            return Source(module, each.func.__name__, app, replayable in each.middlewares)
    raise KeyError(f"{route.method} {route.path} is not served by {module.__name__}")


def _operation(method: str, path: str, source: Source, schemas: Json) -> Json:
    told = OPERATIONS[method, path]
    text = " ".join(inspect.cleandoc(source.module.__doc__ or "").split())
    summary = text.partition(": ")[2] or text
    operation: Json = {
        "operationId": f"{method.lower()}_{re.sub(r'[^a-z]+', '_', path.removeprefix('/api/')).strip('_')}",
        "summary": (summary[:1].upper() + summary[1:]).replace("`", ""),
        "tags": [source.module.__name__.partition(".")[0]],
        "security": SECURITY[source.app.access],
        "parameters": [*_parameters(path, told, source)],
        "responses": {"200": _reply(told, source, schemas), **_refusals(told, source)},
    }
    if bodies := source.bodies():
        operation["requestBody"] = _body(bodies, told, schemas)
    elif source.app.access is Access.SIGNATURE:
        event = {"type": "object", "description": "Razorpay's event, as it signed it."}
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": event}}}
    return operation


def _parameters(path: str, told: Told, source: Source) -> Iterator[Json]:
    for name in re.findall(r"\{(\w+)\}", path):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
    for name, schema in told.query.items():
        yield {"name": name, "in": "query", "required": False, "schema": dict(schema)}
    if source.replayable:
        about = "The same key and body within 24 hours return the stored reply and charge nothing again."
        pattern = {"type": "string", "pattern": "^[\\x21-\\x7e]{1,255}$"}
        yield {"name": "Idempotency-Key", "in": "header", "required": False, "schema": pattern, "description": about}


def _body(bodies: list[type[BaseModel]], told: Told, schemas: Json) -> Json:
    shown = [_given(model, schemas) for model in bodies]
    content: Json = {"schema": shown[0] if len(shown) == 1 else {"oneOf": shown}}
    if told.example is not None:
        content["example"] = told.example
    return {"required": told.example is not None, "content": {"application/json": content}}


def _given(model: type[BaseModel], schemas: Json) -> Json:
    """A body's schema. Of a resume callers may leave out whatever they have not: `tolerant` fills it in."""
    schema = model.model_json_schema(ref_template=REFS)
    parts = _parts_of_resumes()
    definitions = schema.get("$defs", {})
    names = {name for name in definitions if name in parts or name.removeprefix("Entries_").rstrip("_") in parts}
    for name in names:
        definitions[name].pop("required", None)
    schema["$defs"] = {GIVEN + name if name in names else name: part for name, part in definitions.items()}
    _take(schemas, _renamed(schema, names), model.__name__)
    return {"$ref": REFS.format(model=model.__name__)}


def _parts_of_resumes() -> set[str]:
    return {name for name, part in vars(resumes).items() if isinstance(part, type) and issubclass(part, BaseModel)}


def _renamed(value: Any, names: set[str]) -> Any:  # noqa: ANN401 -- JSON
    """The schema with its references to these names changed to what they are given as."""
    if isinstance(value, dict):
        return {key: _renamed(each, names) for key, each in value.items()}
    if isinstance(value, list):
        return [_renamed(each, names) for each in value]
    if isinstance(value, str) and value.startswith("#/") and value.rpartition("/")[2] in names:
        return REFS.format(model=GIVEN + value.rpartition("/")[2])
    return value


def _take(schemas: Json, schema: Json, name: str | None = None) -> Json:
    """Move a schema's definitions, and under a name the schema itself, to the components; one name means one thing."""
    own = {key: value for key, value in schema.items() if key != "$defs"}
    for key, value in {**schema.get("$defs", {}), **({name: own} if name else {})}.items():
        if schemas.setdefault(key, value) != value:
            raise ValueError(f"two schemas are named {key}")
    return own


def _reply(told: Told, source: Source, schemas: Json) -> Json:
    content: Json = {}
    if told.reply is not None:
        schema = TypeAdapter(told.reply).json_schema(ref_template=REFS, mode="serialization", by_alias=True)
        is_model = isinstance(told.reply, type) and issubclass(told.reply, BaseModel)
        for name in _parts_of_resumes() & schema.get("$defs", {}).keys():
            schema["$defs"][name]["additionalProperties"] = False  # what we answer is complete
        own = _take(schemas, schema, told.reply.__name__ if is_model else None)
        content["application/json"] = {"schema": {"$ref": REFS.format(model=told.reply.__name__)} if is_model else own}
    if told.file:
        content[told.file] = {"schema": {"type": "string"}}
    headers: Json = {}
    if told.paged:
        headers["Link"] = {"description": "The next page, as rel=next.", "schema": {"type": "string"}}
    if source.replayable:
        headers[REPLAYED] = {"description": "Whether the reply was stored before.", "schema": {"const": "true"}}
    return {"description": "What was asked for.", "content": content, **({"headers": headers} if headers else {})}


def _refusals(told: Told, source: Source) -> Mapping[str, Json]:
    by_status: dict[int, set[str]] = {500: {BUG}}
    for each in {*told.refusals, *source.raised(), *_of_access(source)}:
        by_status.setdefault(each.status, set()).add(each.code)
    return {str(status): _problem(sorted(codes)) for status, codes in sorted(by_status.items())}


def _of_access(source: Source) -> Iterator[type[Refusal]]:
    if source.app.access in {Access.USER, Access.ADMIN}:
        yield errors.Unauthorized
    if source.app.access is Access.USER:
        yield errors.AccountDeleted
    if source.app.access is Access.ADMIN:
        yield errors.Forbidden
    if source.app.access is not Access.PUBLIC:
        yield errors.ProviderUnavailable
    if source.bodies() or source.app.access is Access.SIGNATURE or source.replayable:
        yield from (errors.InvalidRequest, errors.PayloadTooLarge)
    if source.replayable:
        yield errors.Conflict


def _problem(codes: list[str]) -> Json:
    narrowed = {"allOf": [{"$ref": REFS.format(model="Problem")}, {"properties": {"code": {"enum": codes}}}]}
    return {"description": f"Refused: {', '.join(codes)}.", "content": {CONTENT_TYPE: {"schema": narrowed}}}
