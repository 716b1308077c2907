"""What both simulated AI providers share: faults on order, the list of hits, the bill, and odd ways to answer."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Final, cast

from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

SCRIPTS: Final = frozenset(
    [
        "ok",
        "slow",
        "trickle",
        "drop",
        "reset-mid-body",
        "redirect",
        "html200",
        "html502",
        "list-error",
        "400",
        "401",
        "402",
        "403",
        "404-retired",
        "429-rate",
        "429-quota",
        "429-slow-down",
        "500",
        "503",
        "504",
        "refusal",
        "filter",
        "safety",
        "block",
        "spii",
        "recitation",
        "length",
        "max-no-parts",
        "badjson",
        "wrong-shape",
        "fenced-json",
        "unknown-enum",
        "unknown-field",
        "thought-parts",
        "thinking",
        "cached",
        "wrong-model",
        "no-usage",
    ]
)
"""Every way to answer. A simulator takes each of them; what has no form at its provider becomes the nearest one."""

_KEPT_HITS: Final = 500
_TRICKLE_PIECES: Final = 300
_DATE: Final = date(2027, 1, 1)

# US dollars per 1M tokens as published: fresh input, cached input, output. A second row is the price from the
# date on. Kept apart from the product's own table, so that one can be held against the other.
_PRICES: Final[dict[str, list[tuple[date, str, str, str]]]] = {
    "gpt-4o": [(date.min, "2.50", "1.25", "10.00")],
    "gpt-4o-mini": [(date.min, "0.15", "0.075", "0.60")],
    "gpt-6-luna": [(date.min, "0.10", "0.01", "0.50")],
    "gpt-6.1-terra": [(date.min, "1.00", "0.05", "5.00")],
    "gpt-6.1-sol": [(date.min, "2.00", "0.10", "10.00")],
    "gemini-2.5-flash": [(date.min, "0.30", "0.03", "2.50")],
    "gemini-2.5-flash-lite": [(date.min, "0.10", "0.01", "0.40")],
    "gemini-3.1-flash-lite": [(date.min, "0.25", "0.025", "1.50")],
    "gemini-3.5-flash-lite": [(date.min, "0.30", "0.03", "2.50")],
    "gemini-3.8-flash": [(date.min, "0.75", "0.075", "3.75"), (_DATE, "1.50", "0.15", "7.50")],
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to answer, for the next `times` calls (None: until reset)."""

    script: str
    times: int | None = 1
    ms: int = 1_000
    retry_after: float | None = None

    def __post_init__(self) -> None:
        if self.script not in SCRIPTS:
            raise ValueError(f"no such script: {self.script}")


@dataclass(slots=True)
class Line:
    """One model's line on the bill. Each call is rounded to the micro-dollar by itself."""

    calls: int = 0
    input: int = 0
    cached: int = 0
    output: int = 0
    micro_usd: int = 0


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a simulated call used. `output` holds everything billed as output."""

    input: int
    output: int
    cached: int = 0
    thinking: int = 0


@dataclass(slots=True)
class Desk:
    """The control plane of one simulator."""

    clock: Callable[[], datetime]
    required_key: str | None = None
    faults: deque[Fault] = field(default_factory=deque)
    hits: deque[dict[str, object]] = field(default_factory=lambda: deque(maxlen=_KEPT_HITS))
    bill: dict[str, Line] = field(default_factory=dict)
    count: int = 0

    def next_fault(self) -> Fault:
        """The way to answer now; taken off the queue when it was used often enough."""
        if not self.faults:
            return Fault("ok")
        fault = self.faults[0]
        if fault.times is None:
            return fault
        self.faults.popleft()
        if fault.times > 1:
            self.faults.appendleft(Fault(fault.script, fault.times - 1, fault.ms, fault.retry_after))
        return fault

    def record(self, request: Request, fault: Fault, body: object) -> int:
        """Write a hit down and number it. The key is not kept."""
        self.count += 1
        headers = {name: value for name, value in request.headers.items() if "key" not in name}
        headers.pop("authorization", None)
        self.hits.append(
            {
                "number": self.count,
                "at": self.clock().astimezone(UTC).isoformat(),
                "path": request.url.path,
                "client": f"{request.client.host}:{request.client.port}" if request.client else "",
                "script": fault.script,
                "headers": headers,
                "body": body,
            }
        )
        return self.count

    def charge(self, model: str, used: Tokens) -> None:
        """Put a call on the bill, by the price in force now, rounded half up to a micro-dollar."""
        line = self.bill.setdefault(model, Line())
        line.calls += 1
        line.input += used.input
        line.cached += used.cached
        line.output += used.output
        line.micro_usd += price(model, used, self.clock().astimezone(UTC).date())

    def rejects(self, key: str) -> bool:
        """Whether a key is wrong. Any key is right unless one was required."""
        return not key or (self.required_key is not None and key != self.required_key)

    def routes(self) -> list[Route]:
        """The control plane under /_sim."""
        return [
            Route("/_sim/bill", self._show_bill),
            Route("/_sim/requests", self._show_hits),
            Route("/_sim/faults", self._order, methods=["POST"]),
            Route("/_sim/key", self._require, methods=["POST"]),
            Route("/_sim/reset", self._reset, methods=["POST"]),
            Route("/_sim/elsewhere", self._elsewhere, methods=["GET", "POST"]),
        ]

    async def _show_bill(self, _: Request) -> Response:
        total = sum(line.micro_usd for line in self.bill.values())
        return JSONResponse({"models": {name: asdict(line) for name, line in self.bill.items()}, "microUsd": total})

    async def _show_hits(self, _: Request) -> Response:
        return JSONResponse({"count": self.count, "requests": list(self.hits)})

    async def _order(self, request: Request) -> Response:
        try:
            wanted = json.loads(await request.body())
            faults = [Fault(**each) for each in (wanted if isinstance(wanted, list) else [wanted])]
        except (ValueError, TypeError) as error:
            return JSONResponse({"error": str(error), "scripts": sorted(SCRIPTS)}, status_code=422)
        self.faults.extend(faults)
        return JSONResponse({"queued": [asdict(fault) for fault in self.faults]})

    async def _require(self, request: Request) -> Response:
        self.required_key = cast("dict[str, str | None]", json.loads(await request.body())).get("key")
        return JSONResponse({"required": self.required_key is not None})

    async def _elsewhere(self, request: Request) -> Response:
        """Where redirects lead. Nobody who guards a key and a prompt goes there."""
        self.record(request, Fault("redirect"), None)
        return JSONResponse({})

    async def _reset(self, _: Request) -> Response:
        self.faults.clear()
        self.hits.clear()
        self.bill.clear()
        self.count = 0
        return JSONResponse({"reset": True})


def price(model: str, used: Tokens, day: date) -> int:
    """Micro-dollars of one call on that day."""
    _, fresh, cached, output = next(row for row in reversed(_PRICES[model]) if row[0] <= day)
    dollars_a_million = (used.input - used.cached) * Decimal(fresh) + used.cached * Decimal(cached)
    dollars_a_million += used.output * Decimal(output)
    # Dollars per million times tokens is micro-dollars.
    return int(dollars_a_million.quantize(Decimal(1), ROUND_HALF_UP))


class CutOff(Response):
    """Announces a whole body, sends half of it and closes the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = bytes(self.body)[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})


def trickled(content: object, headers: Mapping[str, str], ms: int) -> Response:
    """The body in small pieces with a pause between them, each pause shorter than a time-out between bytes."""
    body = json.dumps(content).encode()
    size = max(1, -(-len(body) // _TRICKLE_PIECES))

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), size):
            yield body[start : start + size]
            await asyncio.sleep(ms / 1_000)

    length = {"content-length": str(len(body)), "content-type": "application/json"}
    return StreamingResponse(pieces(), headers={**headers, **length})


async def delivered(fault: Fault, content: object, headers: Mapping[str, str]) -> Response:
    """A good answer, brought the way the fault says."""
    match fault.script:
        case "slow":
            await asyncio.sleep(fault.ms / 1_000)
        case "trickle":
            return trickled(content, headers, fault.ms)
        case "reset-mid-body" | "drop":
            return CutOff(json.dumps(content), headers=dict(headers), media_type="application/json")
        case "html200":
            return Response("<html><body>Sign in to the hotel's network</body></html>", media_type="text/html")
    return JSONResponse(content, headers=dict(headers))


def undelivered(fault: Fault) -> Response | None:
    """Answers that never reach the model, the same at every provider."""
    match fault.script:
        case "html502":
            return Response("<html><h1>502 Bad Gateway</h1></html>", status_code=502, media_type="text/html")
        case "redirect":
            return Response(status_code=308, headers={"location": "/_sim/elsewhere"})
    return None
