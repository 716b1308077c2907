"""Faults to order: the next matching request is slow, refused, broken, or answered into the void."""

import asyncio
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Literal, get_args

from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from local.simulators.razorpay.connection import transport_of
from local.simulators.razorpay.wire import Json, Refusal, bare_error, reply

type Kind = Literal[
    "latency",
    "429",
    "500",
    "502",
    "504",
    "unauthorized",
    "authentication",
    "drop",
    "drop_before",
    "empty",
    "html",
    "custom",
]
KINDS: tuple[str, ...] = get_args(Kind.__value__)
AFTER_THE_ACT = {"drop", "empty", "html"}  # the server does what was asked; the client does not learn of it

GATEWAY_PAGE = "<html><head><title>Gateway</title></head><body><center><h1>nginx</h1></center></body></html>"
INCIDENT = "The server encountered an error. The incident has been reported to admins."
ANSWERS: dict[str, tuple[Json, int]] = {
    "429": (
        bare_error("BAD_REQUEST_ERROR", "Request failed because of too many requests. Please try again later."),
        429,
    ),
    "500": ({"error": {"code": "SERVER_ERROR", "description": INCIDENT, "metadata": {}}}, 500),
    "unauthorized": ({"error": "Unauthorized"}, 401),
    "authentication": (bare_error("BAD_REQUEST_ERROR", "Authentication failed"), 401),
}


@dataclass(slots=True)
class Fault:
    """Meets requests of this method and path pattern, `times` times, after letting `after` of them through."""

    kind: str
    method: str = "*"
    path: str = "/v1/*"
    times: int = 1
    after: int = 0
    seconds: float = 0  # real seconds of waiting before anything else
    status: int = 500  # of a custom answer
    body: Json | None = None  # of a custom answer

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise Refusal(f"kind must be one of {', '.join(KINDS)}", field="kind")

    def meets(self, method: str, path: str) -> bool:
        """Whether this request is hit; counting it either way."""
        if self.times < 1 or self.method not in ("*", method) or not fnmatchcase(path, self.path):
            return False
        if self.after > 0:
            self.after -= 1
            return False
        self.times -= 1
        return True


class Faults:
    """The queue of faults: a request meets the first that matches it."""

    def __init__(self) -> None:
        self._queue: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self._queue.append(fault)

    def clear(self) -> None:
        self._queue.clear()

    def public(self) -> list[Json]:
        return [asdict(fault) for fault in self._queue if fault.times > 0]

    def take(self, method: str, path: str) -> Fault | None:
        return next((fault for fault in self._queue if fault.meets(method, path)), None)

    async def serve(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request through the fault it meets, if any."""
        fault = None if scope["path"].startswith("/_sim") else self.take(scope["method"], scope["path"])
        if fault is None:
            await app(scope, receive, send)
            return
        await asyncio.sleep(fault.seconds)
        if fault.kind == "latency":
            await app(scope, receive, send)
            return
        if fault.kind in AFTER_THE_ACT:
            await _act_unheard(app, scope, receive)
        if fault.kind in {"drop", "drop_before"}:
            await _hang_up(send)
        else:
            await _answer(fault)(scope, receive, send)


async def _act_unheard(app: ASGIApp, scope: Scope, receive: Receive) -> None:
    async def nowhere(_message: object) -> None:
        """Swallow the reply."""

    await app(scope, receive, nowhere)


async def _hang_up(send: Send) -> None:
    """Cut the connection without a byte of an answer."""
    transport = transport_of(send)
    if transport is None:
        raise ConnectionAbortedError("this server does not let its connection be cut")
    transport.abort()
    await asyncio.sleep(0.01)  # until the server has noticed, so that it does not answer 500 to nobody


def _answer(fault: Fault) -> Response:
    pages = {"502": 502, "504": 504, "html": 200}
    if fault.kind in pages:
        return HTMLResponse(GATEWAY_PAGE, pages[fault.kind])
    if fault.kind == "empty":
        return Response(b"", 200, media_type="application/json")
    body, status = ANSWERS.get(fault.kind, (fault.body or {}, fault.status))
    return reply(body, status)
