"""template.yaml as it stands, for tests that hold it against the code."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]  # -- PyYAML ships no types

ROOT = Path(__file__).resolve().parents[2]

type Json = dict[str, Any]


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # -- untyped base, see the import
    """YAML whose short tags stay visible: `!Ref X` reads as `{"Ref": X}`, `!GetAtt X.Arn` as `{"GetAtt": "X.Arn"}`."""


def _tag(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Json:
    if isinstance(node, yaml.ScalarNode):
        return {suffix: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {suffix: loader.construct_sequence(node, deep=True)}
    return {suffix: loader.construct_mapping(node, deep=True)}


_Loader.add_multi_constructor("!", _tag)


@cache
def template() -> Json:
    """The whole document."""
    text = (ROOT / "template.yaml").read_text(encoding="utf-8")
    document: Json = yaml.load(text, Loader=_Loader)  # noqa: S506 -- derives from SafeLoader
    return document


def resources(kind: str) -> dict[str, Json]:
    """The properties of all resources of a type, by logical id."""
    found = template()["Resources"].items()
    return {name: body.get("Properties", {}) for name, body in found if body["Type"] == kind}


def functions() -> dict[str, Json]:
    """The functions' own properties, without the globals."""
    return resources("AWS::Serverless::Function")


def defaults() -> Json:
    """What every function has."""
    found: Json = template()["Globals"]["Function"]
    return found


def variables(function: Mapping[str, Any]) -> dict[str, object]:
    """All environment variables of a function."""
    return {**_variables(defaults()), **_variables(function)}


def _variables(properties: Mapping[str, Any]) -> dict[str, object]:
    found: dict[str, object] = properties.get("Environment", {}).get("Variables", {})
    return found


def routes(function: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Method and path of a function's HTTP events."""
    events = function.get("Events", {}).values()
    found = [each["Properties"] for each in events if each["Type"] == "HttpApi"]
    return [(each["Method"], each["Path"]) for each in found]


def allowed(function: Mapping[str, Any]) -> set[tuple[str, str]]:
    """What a function's policies let it do, as (action, logical id of the table or an index of it)."""
    return {grant for policy in function.get("Policies", ()) for grant in _grants(policy["Statement"])}


def _grants(statements: list[Json]) -> Iterator[tuple[str, str]]:
    for statement in statements:
        assert statement["Effect"] == "Allow", statement
        actions, target = statement["Action"], statement["Resource"]
        for action in [actions] if isinstance(actions, str) else actions:
            for resource in target if isinstance(target, list) else [target]:
                yield action, _named(resource)


def _named(resource: Json) -> str:
    """`UsersTable`, or `PaymentsTable/index/flagged` for an index."""
    if "GetAtt" in resource:
        return str(resource["GetAtt"]).removesuffix(".Arn")
    return str(resource["Sub"]).replace("${", "").replace(".Arn}", "")
