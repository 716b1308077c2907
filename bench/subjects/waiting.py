"""How long a call takes until the provider is asked, on a store that takes so many milliseconds a request.

`told["of"]` says whose call: ours, or the original design's.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from http import HTTPStatus
from itertools import cycle
from time import perf_counter
from typing import Any, cast

from bench.context import Context
from bench.ground import Handler, handler
from bench.peers import loop
from bench.warm_process import Instant, Replay, Tap, boto, thin
from tollgate import app
from tollgate.ai.provider import Completion, Provider, Request
from tollgate.store import dynamodb

type Asked = Callable[[], None]


class Stamped(Instant):
    """A provider that has its answer ready and says when it is asked."""

    def __init__(self, asked: Asked) -> None:
        super().__init__()
        self._asked = asked

    def complete(self, request: Request, timeout: float) -> Completion:
        self._asked()
        return super().complete(request, timeout)


def ours(told: dict[str, Any], asked: Asked) -> tuple[Handler, Tap]:
    """The product's own path."""
    providers = cast("dict[str, Provider]", app.ai().providers)
    for service in providers:
        providers[service] = Stamped(asked)
    return handler(told["handler"]), thin(dynamodb.engine())


def plain(_told: dict[str, Any], asked: Asked) -> tuple[Handler, Tap]:
    """The original design, re-created."""
    peer: Any = importlib.import_module("bench.peers.plain")
    completions = peer.client.chat.completions
    create = completions.create

    def stamped(**body: object) -> object:
        asked()
        return create(**body)

    completions.create = stamped
    return peer.handler, boto(peer.dynamodb.meta.client)


class Meter:
    """What happens during a call."""

    def __init__(self) -> None:
        self.latency = 0.0  # milliseconds a request to the store
        self.stored = 0  # requests to the store so far
        self.moment, self.before = 0.0, 0

    def store(self) -> None:
        """The store is asked."""
        self.stored += 1
        if self.latency:
            time.sleep(self.latency / 1000)

    def provider(self) -> None:
        """The provider is asked."""
        self.moment, self.before = perf_counter(), self.stored


def main() -> None:
    """Serve rounds: for each latency the seconds before the upstream, and how often the store was asked by then."""
    told, meter = loop.job(), Meter()
    made: dict[str, Callable[[dict[str, Any], Asked], tuple[Handler, Tap]]] = {"ours": ours, "plain": plain}
    subject, tap = made[told["of"]](told, meter.provider)
    events = cycle(told["events"])
    replay = Replay(tap, subject, next(events), 200)
    replay.pause = meter.store

    def times(latency: float) -> dict[str, Any]:
        meter.latency, found = latency, []
        for _ in range(told["calls"]):
            meter.stored, meter.moment = 0, 0.0
            event, context = next(events), Context()
            begun = perf_counter()
            reply = replay(event, context)
            if reply["statusCode"] != HTTPStatus.OK or not meter.moment:
                raise RuntimeError(str(reply))
            found.append(meter.moment - begun)
        return {"times": found, "calls": meter.before, "all": meter.stored}

    loop.answer(lambda: {str(latency): times(latency) for latency in told["latencies"]})


if __name__ == "__main__":
    main()
