"""The OpenAPI document is what the functions say, and no route, parameter or refusal is missing in it."""

import json
from typing import Any

import pytest

from local import template
from tests.bundle.document import ROOT
from tests.functions import documented
from tollgate import errors
from tollgate.errors import Refusal
from tools.openapi.document import _snake, _source, build
from tools.openapi.operations import OPERATIONS
from tools.openapi.writing import written

ROUTES = [(route, _snake(route.path)) for route in template.read(ROOT / "template.yaml").routes]
NAMED = pytest.mark.parametrize(("route", "path"), ROUTES, ids=[f"{each.method} {path}" for each, path in ROUTES])


def test_the_written_documents_are_what_the_functions_say_now() -> None:
    for path, text in written(build()).items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name} is old: run `make openapi`"


def test_every_route_is_documented_and_nothing_else() -> None:
    assert {(each.method, path) for each, path in ROUTES} == set(OPERATIONS)


@NAMED
def test_every_parameter_that_a_function_asks_for_is_documented(route: template.Route, path: str) -> None:
    parameters = documented.operation(route.method, path)[1]["parameters"]
    assert _source(route).queries() <= {each["name"] for each in parameters if each["in"] == "query"}


@NAMED
def test_every_refusal_that_a_function_raises_itself_is_documented(route: template.Route, path: str) -> None:
    responses = documented.operation(route.method, path)[1]["responses"]
    for each in _source(route).raised():
        assert each.code in responses[str(each.status)]["description"]


@NAMED
def test_every_example_is_a_body_that_the_document_allows(route: template.Route, path: str) -> None:
    body = documented.operation(route.method, path)[1].get("requestBody", {}).get("content", {}).get("application/json")
    if body and "example" in body:
        assert list(documented.mismatches(body["example"], body["schema"], "")) == []


def test_every_refusal_there_is_can_be_met_on_some_route() -> None:
    told = json.dumps(documented.document()["paths"])
    kinds = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, Refusal)]
    assert [each.code for each in kinds if each is not Refusal and f'"{each.code}"' not in told] == []


def test_whoever_has_no_token_is_told_so_where_one_is_needed() -> None:
    for operations in documented.document()["paths"].values():
        for each in operations.values():
            assert ("401" in each["responses"]) == ({"bearer": []} in each["security"])


def test_operations_have_names_of_their_own_and_every_reference_leads_somewhere() -> None:
    names = [
        each["operationId"] for operations in documented.document()["paths"].values() for each in operations.values()
    ]
    assert len(names) == len(set(names))
    schemas = documented.document()["components"]["schemas"]
    assert {each.rpartition("/")[2] for each in _references(documented.document())} <= set(schemas)


def _references(value: Any) -> list[str]:  # noqa: ANN401 -- JSON
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [each for part in value.values() for each in _references(part)]
    return [each for part in value for each in _references(part)] if isinstance(value, list) else []
