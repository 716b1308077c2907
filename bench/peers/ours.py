"""Our path: a real handler, the real database client, the real provider SDKs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from itertools import cycle

from bench.context import Context
from bench.ground import handler
from bench.peers import loop
from bench.warm_process import Replay, thin
from tollgate import app
from tollgate.store import dynamodb


class Counting:
    """How many requests a call makes to the database, before the provider is asked and in all."""

    def __init__(self) -> None:
        self._made, self._before = 0, 0
        thin(dynamodb.engine())(self._sent)
        for provider in app.ai().providers.values():
            self._wrap(provider, "complete", self._reached)

    def count(self, call: Callable[[], None]) -> dict[str, float]:
        """The figures of one more call."""
        self._made = 0
        call()
        return {"database before": self._before, "database": self._made}

    def _sent(self, operation: str, send: Callable[[], object]) -> object:
        del operation
        self._made += 1
        return send()

    def _reached(self) -> None:
        self._before = self._made

    def _wrap(self, holder: object, name: str, note: Callable[[], None]) -> None:
        real = getattr(holder, name)

        def noted(*given: object, **named: object) -> object:
            note()
            return real(*given, **named)

        setattr(holder, name, noted)


def main() -> None:
    """Serve rounds."""
    told = loop.job()
    subject, events = handler(told["handler"]), cycle(told["events"])
    app.build_ai()  # as a function does while it starts
    if told["stubbed"]:
        subject = Replay(thin(dynamodb.engine()), subject, next(events), 200)

    def call() -> None:
        reply = subject(next(events), Context())
        if reply["statusCode"] != HTTPStatus.OK:
            raise RuntimeError(reply["body"])

    if told["stubbed"]:
        loop.serve(call, told["calls"])
    else:
        loop.serve(call, told["calls"], facts=partial(Counting().count, call))


if __name__ == "__main__":
    main()
