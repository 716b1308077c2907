"""Reads template.yaml the way the cloud would: functions, routes, schedules, streams, tables and CORS."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]  # -- PyYAML ships no types

type Json = dict[str, Any]

ACCOUNT = "000000000000"
REGION = "ap-south-1"
STACK = "tollgate-local"

_PSEUDO: Mapping[str, object] = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackName": STACK,
    "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{STACK}/local",
    "AWS::URLSuffix": "amazonaws.com",
}
_FOR_EVER = 10_000  # retries of a batch where the template sets no end to them
_NOTHING = object()  # what AWS::NoValue becomes, so that its key can be left out


@dataclass(frozen=True, slots=True)
class Schedule:
    """One timetable entry of a function; `payload` is the event it is called with, if the template sets one."""

    name: str
    expression: str
    payload: str | None


@dataclass(frozen=True, slots=True)
class Source:
    """A table's stream as a function's event source. `filters` are event patterns, of which one has to fit; without any, all
    changes do. `retries` is how often a batch is tried again before its first record is given up."""

    name: str
    table: str
    batch: int
    filters: tuple[Json, ...] = ()
    retries: int = _FOR_EVER
    bisects: bool = False
    reports: bool = False


@dataclass(frozen=True, slots=True)
class Function:
    """One Lambda function: where its code is and how it is limited. `timeout` is in seconds."""

    name: str
    handler: str
    code: Path
    timeout: float
    memory: int
    environment: Mapping[str, str]
    schedules: tuple[Schedule, ...]
    sources: tuple[Source, ...] = ()
    traced: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """A method (or ANY) and a path pattern, and the function behind them."""

    method: str
    path: str
    function: Function


@dataclass(frozen=True, slots=True)
class Table:
    """What CreateTable is called with, and the attribute that holds the expiry."""

    request: Json
    expiry: str | None


@dataclass(frozen=True, slots=True)
class Cors:
    """The gateway's own answer to cross-origin requests. `max_age` is in seconds."""

    origins: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    exposed: tuple[str, ...] = ()
    max_age: int | None = None
    credentials: bool = False


@dataclass(frozen=True, slots=True)
class Template:
    """What the local stack needs to know of a template."""

    functions: tuple[Function, ...]
    routes: tuple[Route, ...]
    tables: tuple[Table, ...]
    cors: Cors | None


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # -- untyped base, see the import
    """YAML with CloudFormation's short tags: `!Sub x` reads as `{"Fn::Sub": x}`."""


def _tag(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Json:
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _tag)


class _Resolver:
    """Fills in the intrinsic functions; a reference to a table is its name, to anything else its logical id."""

    def __init__(self, document: Json, parameters: Mapping[str, str]) -> None:
        self._mappings = document.get("Mappings", {})
        self._conditions = document.get("Conditions", {})
        self._resources = document.get("Resources", {})
        defaults = {name: body.get("Default", "") for name, body in document.get("Parameters", {}).items()}
        self._names = {**_PSEUDO, **defaults, **parameters, "AWS::NoValue": _NOTHING}

    def __call__(self, value: object) -> Any:  # noqa: ANN401 -- a template's value is whatever stands there
        if isinstance(value, list):
            return [filled for item in value if (filled := self(item)) is not _NOTHING]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            name, argument = next(iter(value.items()))
            if name == "Ref" or str(name).startswith("Fn::"):
                return self._intrinsic(str(name).removeprefix("Fn::"), argument)
        return {key: filled for key, item in value.items() if (filled := self(item)) is not _NOTHING}

    def _intrinsic(self, name: str, argument: Any) -> Any:  # noqa: ANN401, PLR0911 -- as above; one case, one return
        match name:
            case "Ref":
                return self._reference(argument)
            case "Sub":
                return self._substitute(argument)
            case "GetAtt":
                return self._attribute(argument if isinstance(argument, str) else ".".join(argument))
            case "Join":
                return str(argument[0]).join(str(self(part)) for part in self(argument[1]))
            case "If":
                return self(argument[1 if self._holds({"Condition": argument[0]}) else 2])
            case "FindInMap":
                table, row, column = (self(part) for part in argument[:3])
                return self._mappings[table][row][column]
            case "Select":
                return self(argument[1])[int(argument[0])]
            case "Split":
                return str(self(argument[1])).split(argument[0])
            case _:
                return f"{name} {argument}"

    def _reference(self, name: str) -> object:
        if name in self._names:
            return self._names[name]
        resource = self._resources.get(name, {})
        if resource.get("Type") == "AWS::DynamoDB::Table":
            return self(resource.get("Properties", {}).get("TableName", name))
        return name

    def _attribute(self, path: str) -> str:
        name, _, attribute = path.partition(".")
        if self._resources.get(name, {}).get("Type") == "AWS::DynamoDB::Table" and attribute in {"Arn", "StreamArn"}:
            stream = "/stream/local" if attribute == "StreamArn" else ""
            return f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{self._reference(name)}{stream}"
        return path

    def _substitute(self, argument: Any) -> str:  # noqa: ANN401 -- as above
        text, extra = (argument, {}) if isinstance(argument, str) else (argument[0], self(argument[1]))

        def fill(match: re.Match[str]) -> str:
            name = match.group(1)
            if name in extra:
                return str(extra[name])
            return str(self._attribute(name) if "." in name else self._reference(name))

        return re.sub(r"\$\{([^!}][^}]*)\}", fill, text).replace("${!", "${")

    def _holds(self, condition: Any) -> bool:  # noqa: ANN401 -- as above
        name, argument = next(iter(condition.items()))
        match name:
            case "Condition":
                return self._holds(self._conditions[argument])
            case "Fn::Equals":
                left, right = (self(side) for side in argument)
                return bool(left == right)
            case "Fn::Not":
                return not self._holds(argument[0])
            case "Fn::And":
                return all(self._holds(part) for part in argument)
            case "Fn::Or":
                return any(self._holds(part) for part in argument)
            case _:
                raise ValueError(f"{name} is no condition this reader knows")

    def kept(self, resource: Json) -> bool:
        """Whether a resource's own condition lets it be."""
        return "Condition" not in resource or self._holds({"Condition": resource["Condition"]})


def read(path: Path, parameters: Mapping[str, str] | None = None) -> Template:
    """The template in the file, its parameters at their defaults unless given."""
    document: Json = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 -- derives from SafeLoader
    resolve = _Resolver(document, parameters or {})
    kept = {name: body for name, body in document.get("Resources", {}).items() if resolve.kept(body)}
    functions: list[Function] = []
    routes: list[Route] = []
    defaults = resolve(document.get("Globals", {}).get("Function", {}))
    for name, body in kept.items():
        if body["Type"] == "AWS::Serverless::Function":
            properties = {**defaults, **resolve(body.get("Properties", {}))}
            function = _function(name, properties, defaults, path.parent)
            functions.append(function)
            routes += [Route(*where, function) for where in _http(properties.get("Events", {}))]
    return Template(
        functions=tuple(functions),
        routes=tuple(routes),
        tables=tuple(
            _table(name, resolve(body.get("Properties", {})))
            for name, body in kept.items()
            if body["Type"] == "AWS::DynamoDB::Table"
        ),
        cors=_cors(document, kept, resolve),
    )


def _function(name: str, properties: Json, defaults: Json, root: Path) -> Function:
    variables: Json = {
        **defaults.get("Environment", {}).get("Variables", {}),
        **properties.get("Environment", {}).get("Variables", {}),
    }
    return Function(
        name=name,
        handler=properties["Handler"],
        code=(root / properties.get("CodeUri", ".")).resolve(),
        timeout=float(properties.get("Timeout", 3)),
        memory=int(properties.get("MemorySize", 128)),
        traced=properties.get("Tracing") == "Active",
        environment={key: str(value) for key, value in variables.items()},
        schedules=tuple(
            Schedule(key, event["Properties"]["ScheduleExpression"], event["Properties"].get("Input"))
            for key, event in properties.get("Events", {}).items()
            if event["Type"] in {"Schedule", "ScheduleV2"}
        ),
        sources=tuple(
            _source(key, event["Properties"])
            for key, event in properties.get("Events", {}).items()
            if event["Type"] == "DynamoDB"
        ),
    )


def _source(name: str, properties: Json) -> Source:
    filters = properties.get("FilterCriteria", {}).get("Filters", ())
    return Source(
        name=name,
        table=properties["Stream"].split("/")[1],
        batch=int(properties.get("BatchSize", 100)),
        filters=tuple(json.loads(each["Pattern"]) for each in filters),
        retries=int(properties.get("MaximumRetryAttempts", _FOR_EVER)),
        bisects=bool(properties.get("BisectBatchOnFunctionError", False)),
        reports="ReportBatchItemFailures" in properties.get("FunctionResponseTypes", ()),
    )


def _http(events: Json) -> list[tuple[str, str]]:
    found = [event.get("Properties", {}) for event in events.values() if event["Type"] == "HttpApi"]
    return [(str(where.get("Method", "ANY")).upper(), where.get("Path", "$default")) for where in found]


_TABLE_KEYS = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "LocalSecondaryIndexes")


def _table(name: str, properties: Json) -> Table:
    request: Json = {key: properties[key] for key in _TABLE_KEYS if key in properties}
    request |= {"TableName": properties.get("TableName", name), "BillingMode": "PAY_PER_REQUEST"}
    # A local table costs nothing: provisioned figures of an index would only contradict the billing mode.
    for index in request.get("GlobalSecondaryIndexes", []):
        for provision in ("ProvisionedThroughput", "OnDemandThroughput", "ContributorInsightsSpecification"):
            index.pop(provision, None)
    if stream := properties.get("StreamSpecification"):
        request["StreamSpecification"] = {"StreamEnabled": True, **stream}
    expiry = properties.get("TimeToLiveSpecification", {})
    return Table(request, expiry.get("AttributeName") if expiry.get("Enabled") else None)


def _cors(document: Json, kept: Json, resolve: _Resolver) -> Cors | None:
    apis = [body.get("Properties", {}) for body in kept.values() if body["Type"] == "AWS::Serverless::HttpApi"]
    given = [api["CorsConfiguration"] for api in apis if "CorsConfiguration" in api]
    given.append(document.get("Globals", {}).get("HttpApi", {}).get("CorsConfiguration"))
    settings = resolve(given[0])
    if not settings:
        return None
    if settings is True:
        return Cors(origins=("*",), methods=("*",), headers=("*",))
    if isinstance(settings, str):
        return Cors(origins=(settings,), methods=("*",), headers=("*",))
    return Cors(
        origins=tuple(settings.get("AllowOrigins", ())),
        methods=tuple(settings.get("AllowMethods", ())),
        headers=tuple(settings.get("AllowHeaders", ())),
        exposed=tuple(settings.get("ExposeHeaders", ())),
        max_age=settings.get("MaxAge"),
        credentials=bool(settings.get("AllowCredentials", False)),
    )
