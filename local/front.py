"""The front door: an ASGI application that does API Gateway's part and has the pool do Lambda's."""

import asyncio
import uuid
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from starlette.types import Receive, Scope, Send

from local import gateway
from local.clock import Clock
from local.gateway import Answer, Request
from local.pool import Crashed, Pool, TimedOut, Worker
from local.template import Function, Template
from local.worker import Invocation, Outcome

GATEWAY_SECONDS = 30.0
GATEWAY_BYTES = 10 * 1024 * 1024
LAMBDA_BYTES = 6 * 1024 * 1024

type Report = Callable[[str], None]


class Lambda:
    """Calls functions as the service does: a process each, for no longer than the function's time."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock
        self._running: set[asyncio.Task[Outcome]] = set()

    async def invoke(self, function: Function, event: dict[str, Any], *, patience: float) -> Outcome:
        """The outcome. Raises TimeoutError when `patience` (seconds) is over first; the call itself then goes on."""
        async with asyncio.timeout(patience):
            worker = await self._pool.acquire()
            call = Invocation(function, event, str(uuid.uuid4()), self._clock.offset)
            running = asyncio.create_task(self._run(worker, call))
            self._running.add(running)
            running.add_done_callback(self._running.discard)
            # Shielded: the service does not stop a function because the gateway stopped listening.
            return await asyncio.shield(running)

    async def _run(self, worker: Worker, call: Invocation) -> Outcome:
        try:
            return await self._pool.run(worker, call)
        except (Crashed, TimedOut) as error:
            return Outcome(error=str(error))


class Front:
    """Routes of the template, each to its function."""

    def __init__(
        self, template: Template, functions: Lambda, clock: Clock, report: Report, *, patience: float = GATEWAY_SECONDS
    ) -> None:
        self._patience = patience
        self._router = gateway.Router(template.routes)
        self._cors = template.cors
        self._functions = functions
        self._clock = clock
        self._report = report

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, in ASGI's words."""
        assert scope["type"] == "http"
        body = await _body(scope, receive)
        if body is None:
            await _send(gateway.TOO_LARGE, send, close=True)
            return
        request = _request(scope, body)
        reply = await self._answer(request)
        await _send(gateway.cross_origin(request, self._cors, reply), send)

    async def _answer(self, request: Request) -> Answer:
        found = self._router.find(request.method, request.path)
        if (preflight := gateway.preflight(request, self._cors)) and (found is None or found[0].method == "ANY"):
            return preflight
        if found is None:
            return gateway.NOT_FOUND
        if len(request.body) > LAMBDA_BYTES:
            return gateway.TOO_LARGE
        route, parameters = found
        event = gateway.event(request, route, parameters, now=self._clock(), request_id=uuid.uuid4().hex[:16])
        try:
            outcome = await self._functions.invoke(route.function, event, patience=self._patience)
        except TimeoutError:
            self._report(f"{request.method} {request.path}: no answer within {self._patience:g} s")
            return gateway.UNAVAILABLE
        return self._result(request, outcome)

    def _result(self, request: Request, outcome: Outcome) -> Answer:
        if outcome.result is None or len(outcome.result) > LAMBDA_BYTES:
            self._report(f"{request.method} {request.path}: {outcome.error or 'the result is larger than 6 MB'}")
            return gateway.BROKEN
        reply = gateway.answer(outcome.loaded())
        if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            self._report(f"{request.method} {request.path}: answered {reply.status}")
        return reply


async def _body(scope: Scope, receive: Receive) -> bytes | None:
    """The whole body, or None if it is larger than the gateway takes."""
    announced = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    if announced.isdigit() and int(announced) > GATEWAY_BYTES:
        return None
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > GATEWAY_BYTES:
            return None
        if not message.get("more_body", False):
            return b"".join(chunks)


def _request(scope: Scope, body: bytes) -> Request:
    client = scope.get("client") or ("127.0.0.1", 0)
    return Request(
        method=scope["method"],
        path=scope["raw_path"].decode("latin-1"),
        query=scope["query_string"].decode("latin-1"),
        headers=tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]),
        body=body,
        source=client[0],
        protocol=f"HTTP/{scope['http_version']}",
    )


async def _send(reply: Answer, send: Send, *, close: bool = False) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in reply.headers]
    headers = [pair for pair in headers if pair[0] not in {b"content-length", b"connection"}]
    headers.append((b"content-length", str(len(reply.body)).encode()))
    if close:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})
