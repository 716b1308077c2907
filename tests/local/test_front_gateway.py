"""Route, event and answer: what the gateway makes of requests and results."""

import base64
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from local import gateway
from local.gateway import Answer, Request, Router
from local.template import Cors, Function, Route

NOW = datetime(2026, 11, 23, 16, 12, 44, 500_000, tzinfo=UTC)


def a_function(name: str) -> Function:
    return Function(name, "a.handler", Path(), 3, 128, {}, ())


def a_route(method: str, path: str) -> Route:
    return Route(method, path, a_function(f"{method} {path}"))


def a_request(
    method: str = "GET", path: str = "/", *headers: tuple[str, str], query: str = "", body: bytes = b""
) -> Request:
    return Request(method, path, query, headers, body)


def an_event(request: Request, route: Route | None = None, parameters: dict[str, str] | None = None) -> dict[str, Any]:
    return gateway.event(request, route or a_route("GET", "/"), parameters or {}, now=NOW, request_id="r1")


ROUTER = Router(
    a_route(*words.split())
    for words in (
        "GET /items/{id}",
        "GET /items/latest",
        "ANY /items/{id}",
        "GET /files/{path+}",
        "GET /files/{name}",
        "POST /a.b",
    )
)


@pytest.mark.parametrize(
    ("method", "path", "route", "parameters"),
    [
        ("GET", "/items/latest", "GET /items/latest", {}),
        ("GET", "/items/7", "GET /items/{id}", {"id": "7"}),
        ("GET", "/items/a%2Fb%20c", "GET /items/{id}", {"id": "a/b c"}),
        ("PUT", "/items/7", "ANY /items/{id}", {"id": "7"}),
        ("GET", "/files/one", "GET /files/{name}", {"name": "one"}),
        ("GET", "/files/one/two", "GET /files/{path+}", {"path": "one/two"}),
        ("POST", "/a.b", "POST /a.b", {}),
    ],
)
def test_the_most_literal_route_wins(method: str, path: str, route: str, parameters: dict[str, str]) -> None:
    found = ROUTER.find(method, path)
    assert found is not None
    assert (found[0].function.name, found[1]) == (route, parameters)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/items"),
        ("GET", "/items/"),
        ("GET", "/items/7/"),
        ("POST", "/aXb"),
        ("POST", "/files/one"),
        ("GET", "/"),
    ],
)
def test_what_no_route_names_is_not_found(method: str, path: str) -> None:
    assert ROUTER.find(method, path) is None


def test_the_default_route_takes_what_is_left() -> None:
    router = Router([a_route("ANY", "$default"), a_route("GET", "/known")])
    found = router.find("DELETE", "/un/known")
    assert found is not None
    assert an_event(a_request("DELETE", "/un/known"), found[0])["routeKey"] == "$default"


def test_repeated_headers_and_query_values_are_joined_and_cookies_stand_apart() -> None:
    request = a_request(
        "GET",
        "/",
        ("x-tag", "a"),
        ("x-tag", "b"),
        ("cookie", "one=1; two=2"),
        ("cookie", "three=3"),
        query="k=1&k=2&empty=&sp=a+b%26",
    )
    event = an_event(request)
    assert event["headers"]["x-tag"] == "a,b"
    assert "cookie" not in event["headers"]
    assert event["cookies"] == ["one=1", "two=2", "three=3"]
    assert event["queryStringParameters"] == {"k": "1,2", "empty": "", "sp": "a b&"}
    assert event["rawQueryString"] == "k=1&k=2&empty=&sp=a+b%26"


def test_members_without_a_value_are_left_out_of_the_event() -> None:
    assert {"cookies", "queryStringParameters", "pathParameters", "body"}.isdisjoint(an_event(a_request()))


def test_the_event_tells_when_where_and_by_whom_it_was_asked() -> None:
    request = a_request("GET", "/items/7", ("host", "127.0.0.1:3000"), ("user-agent", "curl/8"))
    event = an_event(request, a_route("GET", "/items/{id}"), {"id": "7"})
    context = event["requestContext"]
    assert (event["version"], event["routeKey"], event["pathParameters"]) == ("2.0", "GET /items/{id}", {"id": "7"})
    assert context["http"] == {
        "method": "GET",
        "path": "/items/7",
        "protocol": "HTTP/1.1",
        "sourceIp": "127.0.0.1",
        "userAgent": "curl/8",
    }
    assert (context["time"], context["timeEpoch"]) == ("23/Nov/2026:16:12:44 +0000", 1795450364500)
    assert (context["stage"], context["requestId"]) == ("$default", "r1")
    assert event["headers"]["x-forwarded-for"] == "127.0.0.1"


@pytest.mark.parametrize(
    ("kind", "body", "encoded"),
    [
        ("application/json; charset=utf-8", '{"a":"₹"}'.encode(), False),
        ("TEXT/plain", b"hello", False),
        ("application/x-www-form-urlencoded", b"a=1", True),
        ("application/pdf", b"%PDF", True),
        ("application/json", b"\xff\xfe", True),
        (None, b"{}", True),
    ],
)
def test_text_stays_text_and_everything_else_is_base64(kind: str | None, body: bytes, *, encoded: bool) -> None:
    headers = () if kind is None else (("content-type", kind),)
    event = an_event(a_request("POST", "/", *headers, body=body))
    assert event["isBase64Encoded"] is encoded
    raw = base64.b64decode(event["body"]) if encoded else event["body"].encode()
    assert raw == body


def test_a_result_with_a_status_is_the_answer() -> None:
    result = {"statusCode": "201", "headers": {"X-N": 5, "X-B": True}, "cookies": ["a=1", "b=2"], "body": "hi"}
    assert gateway.answer(result) == Answer(
        201,
        b"hi",
        (
            ("x-n", "5"),
            ("x-b", "true"),
            ("content-type", "text/plain;charset=utf-8"),
            ("set-cookie", "a=1"),
            ("set-cookie", "b=2"),
        ),
    )


def test_a_base64_result_is_sent_as_bytes() -> None:
    result = {"statusCode": 200, "body": base64.b64encode(b"\x00\xff").decode(), "isBase64Encoded": True}
    assert gateway.answer(result).body == b"\x00\xff"


@pytest.mark.parametrize(
    ("result", "body"), [({"a": 1}, b'{"a": 1}'), ("text", b"text"), (None, b"null"), ([1], b"[1]")]
)
def test_a_result_without_a_status_is_a_json_answer(result: object, body: bytes) -> None:
    assert gateway.answer(result) == Answer(200, body, (("content-type", "application/json"),))


@pytest.mark.parametrize(
    "result",
    [
        {"statusCode": "many"},
        {"statusCode": None},
        {"statusCode": 99},
        {"statusCode": 200, "body": {"a": 1}},
        {"statusCode": 200, "headers": {"x": ["list"]}},
        {"statusCode": 200, "body": "no base64!", "isBase64Encoded": True},
    ],
)
def test_a_result_the_gateway_cannot_read_is_a_500(result: object) -> None:
    assert gateway.answer(result) == gateway.BROKEN


CORS = Cors(("https://app.example.com",), ("GET", "POST"), ("authorization",), ("etag",), 600)


def preflight(origin: str) -> Request:
    return a_request("OPTIONS", "/x", ("origin", origin), ("access-control-request-method", "POST"))


@pytest.mark.parametrize("origin", ["https://app.example.com", "http://localhost:5173", "http://127.0.0.1:8080"])
def test_a_preflight_from_the_frontend_is_answered_by_the_gateway(origin: str) -> None:
    reply = gateway.preflight(preflight(origin), CORS)
    assert reply is not None
    assert (reply.status, dict(reply.headers)) == (
        204,
        {
            "access-control-allow-origin": origin,
            "access-control-allow-methods": "GET,POST",
            "access-control-allow-headers": "authorization",
            "access-control-max-age": "600",
        },
    )


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://localhost.evil.example", "https://app.example.com.evil"]
)
def test_a_preflight_from_elsewhere_is_allowed_nothing(origin: str) -> None:
    assert gateway.preflight(preflight(origin), CORS) == Answer(204)


def test_without_cors_in_the_template_a_preflight_is_an_ordinary_request() -> None:
    assert gateway.preflight(preflight("https://app.example.com"), None) is None


def test_the_gateways_cors_headers_replace_the_functions() -> None:
    reply = Answer(200, b"", (("access-control-allow-origin", "*"), ("etag", "1")))
    request = a_request("GET", "/", ("origin", "https://app.example.com"))
    assert gateway.cross_origin(request, CORS, reply).headers == (
        ("etag", "1"),
        ("access-control-allow-origin", "https://app.example.com"),
        ("access-control-expose-headers", "etag"),
    )
    assert gateway.cross_origin(a_request(), CORS, reply).headers == (("etag", "1"),)
