"""What API Gateway's HTTP API does between a request and a function, as pure functions: route, event, answer.

Shapes are those of payload format 2.0; field presence follows AWS's documentation, and where that is silent, what
deployed APIs are known to send.
"""

import base64
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

from local.template import ACCOUNT, Cors, Route

type Json = dict[str, Any]
type Headers = tuple[tuple[str, str], ...]

_TEXT_TYPES = ("application/json", "application/javascript", "application/xml")
_LOOPBACK = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?")


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request as it came in; header names lower-cased, in order, repeats kept."""

    method: str
    path: str
    query: str
    headers: Headers
    body: bytes = b""
    source: str = "127.0.0.1"
    protocol: str = "HTTP/1.1"

    def header(self, name: str) -> str | None:
        """The first header of that name."""
        return next((value for key, value in self.headers if key == name), None)


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, ready to be sent."""

    status: int
    body: bytes = b""
    headers: Headers = field(default=())


def message(status: int, text: str) -> Answer:
    """One of the gateway's own answers."""
    return Answer(status, json.dumps({"message": text}).encode(), (("content-type", "application/json"),))


NOT_FOUND = message(404, "Not Found")
TOO_LARGE = message(413, "Request Entity Too Large")
BROKEN = message(500, "Internal Server Error")
UNAVAILABLE = message(503, "Service Unavailable")


class Router:
    """Finds the route of a request: the most literal path wins, then a named method over ANY, `$default` last."""

    def __init__(self, routes: Iterable[Route]) -> None:
        ordered = sorted(routes, key=_generality)
        self._routes = [(_pattern(route.path), route) for route in ordered]

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """The route and its path parameters, decoded."""
        for pattern, route in self._routes:
            if route.method in {method, "ANY"} and (match := pattern.fullmatch(path)):
                return route, {name: unquote(value) for name, value in match.groupdict().items()}
        return None


def _generality(route: Route) -> tuple[bool, bool, list[bool], bool]:
    segments = [segment.startswith("{") for segment in route.path.split("/")]
    return route.path == "$default", "+}" in route.path, segments, route.method == "ANY"


def _pattern(path: str) -> re.Pattern[str]:
    if path == "$default":
        return re.compile(".*", re.DOTALL)
    literal = re.split(r"\{(\w+\+?)\}", path)
    parts = [re.escape(part) if at % 2 == 0 else _group(part) for at, part in enumerate(literal)]
    return re.compile("".join(parts))


def _group(name: str) -> str:
    return f"(?P<{name[:-1]}>.+)" if name.endswith("+") else f"(?P<{name}>[^/]+)"


def event(request: Request, route: Route, parameters: Mapping[str, str], *, now: datetime, request_id: str) -> Json:
    """The payload 2.0 event of a request. Members without a value are left out, as the gateway leaves them out."""
    key = "$default" if route.path == "$default" else f"{route.method} {route.path}"
    host = request.header("host") or "localhost"
    built: Json = {
        "version": "2.0",
        "routeKey": key,
        "rawPath": unquote(request.path),
        "rawQueryString": request.query,
        "headers": _headers(request, host),
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": "local",
            "domainName": host,
            "domainPrefix": host.partition(".")[0],
            "http": {
                "method": request.method,
                "path": unquote(request.path),
                "protocol": request.protocol,
                "sourceIp": request.source,
                "userAgent": request.header("user-agent") or "",
            },
            "requestId": request_id,
            "routeKey": key,
            "stage": "$default",
            "time": now.astimezone(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "timeEpoch": int(now.timestamp() * 1000),
        },
        "isBase64Encoded": False,
    }
    cookies = [c.strip() for name, value in request.headers if name == "cookie" for c in value.split(";")]
    if cookies:
        built["cookies"] = cookies
    if query := _joined(parse_qsl(request.query, keep_blank_values=True)):
        built["queryStringParameters"] = query
    if parameters:
        built["pathParameters"] = dict(parameters)
    if request.body:
        built["body"], built["isBase64Encoded"] = _body(request)
    return built


def _headers(request: Request, host: str) -> dict[str, str]:
    sent = _joined((name, value) for name, value in request.headers if name != "cookie")
    forwarded = {
        "x-forwarded-for": ", ".join(filter(None, (sent.get("x-forwarded-for"), request.source))),
        "x-forwarded-port": host.rpartition(":")[2] if ":" in host else "80",
        "x-forwarded-proto": "http",
    }
    return {"content-length": str(len(request.body)), **sent, **forwarded}


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _body(request: Request) -> tuple[str, bool]:
    kind = (request.header("content-type") or "").partition(";")[0].strip().lower()
    if kind.startswith("text/") or kind in _TEXT_TYPES:
        try:
            return request.body.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(request.body).decode(), True


def answer(result: object) -> Answer:
    """What the caller gets for what a function returned; a shape the gateway cannot read is a 500."""
    if not isinstance(result, dict) or "statusCode" not in result:
        body = result if isinstance(result, str) else json.dumps(result)
        return Answer(200, body.encode(), (("content-type", "application/json"),))
    try:
        return _proxied(result)
    except (TypeError, ValueError):
        return BROKEN


def _proxied(result: Json) -> Answer:
    status = int(result["statusCode"])
    if not 200 <= status <= 599:  # noqa: PLR2004 -- the statuses HTTP knows for final answers
        return BROKEN
    text = result.get("body") or ""
    if not isinstance(text, str):
        return BROKEN
    body = base64.b64decode(text, validate=True) if result.get("isBase64Encoded") else text.encode()
    headers = {str(name).lower(): _scalar(value) for name, value in (result.get("headers") or {}).items()}
    headers.setdefault("content-type", "text/plain;charset=utf-8")
    cookies = tuple(("set-cookie", str(cookie)) for cookie in result.get("cookies") or ())
    return Answer(status, body, (*headers.items(), *cookies))


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise TypeError(f"a header cannot be {type(value).__name__}")


def preflight(request: Request, cors: Cors | None) -> Answer | None:
    """The gateway's own answer to a cross-origin preflight; None when the request is none."""
    if cors is None or request.method != "OPTIONS" or request.header("access-control-request-method") is None:
        return None
    allowed = _allowed_origin(request, cors)
    if allowed is None:
        return Answer(204)
    headers = [("access-control-allow-origin", allowed)]
    headers += _listed("access-control-allow-methods", cors.methods)
    headers += _listed("access-control-allow-headers", cors.headers)
    if cors.max_age is not None:
        headers.append(("access-control-max-age", str(cors.max_age)))
    if cors.credentials:
        headers.append(("access-control-allow-credentials", "true"))
    return Answer(204, headers=tuple(headers))


def cross_origin(request: Request, cors: Cors | None, reply: Answer) -> Answer:
    """The answer with the gateway's CORS headers in place of the function's own."""
    if cors is None:
        return reply
    own = [(name, value) for name, value in reply.headers if not name.startswith("access-control-")]
    if allowed := _allowed_origin(request, cors):
        own.append(("access-control-allow-origin", allowed))
        own += _listed("access-control-expose-headers", cors.exposed)
        if cors.credentials:
            own.append(("access-control-allow-credentials", "true"))
    return Answer(reply.status, reply.body, tuple(own))


def _allowed_origin(request: Request, cors: Cors) -> str | None:
    origin = request.header("origin")
    if origin is None:
        return None
    if "*" in cors.origins:
        return "*"
    # Here, and only here, a frontend under development on this machine is let in too.
    return origin if origin in cors.origins or _LOOPBACK.fullmatch(origin) else None


def _listed(name: str, values: Sequence[str]) -> list[tuple[str, str]]:
    return [(name, ",".join(values))] if values else []
