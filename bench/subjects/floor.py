"""The least that an AI call can cost in Python: two signed DynamoDB requests, one HTTP request, JSON read. It decides nothing."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from itertools import cycle
from typing import Any
from urllib.parse import urlsplit

from bench.context import Context
from bench.ground import handler
from bench.peers import loop
from bench.warm_process import thin
from tollgate import app
from tollgate.store import dynamodb
from tollgate.store.dynamodb import Engine


class Tape:
    """Between an engine and its socket: keeps what the product asks and is answered, and later answers the same from memory."""

    def __init__(self, engine: Engine) -> None:
        self.asked: list[tuple[str, Mapping[str, Any]]] = []
        self._answers: list[object] = []
        self._engine = engine
        self._playing: Iterator[object] | None = None
        thin(engine)(self._send)

    def __call__(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        self.asked.append((operation, request))
        return self._engine(operation, request)

    def _send(self, _operation: str, really: Callable[[], object]) -> object:
        if self._playing is not None:
            return next(self._playing)
        self._answers.append(really())
        return self._answers[-1]

    def forget(self) -> None:
        self.asked.clear()
        self._answers.clear()

    def play(self) -> None:
        self._playing = cycle(self._answers)

    def close(self) -> None:
        self._engine.close()


def main() -> None:
    """Have the product make a call, then do only its requests."""
    told = loop.job()
    app.build_ai()  # as a function does while it starts
    engine = dynamodb.engine()
    tape = Tape(engine)
    dynamodb.use(tape)
    subject, event = handler(told["handler"]), told["events"][0]
    for _ in range(2):  # the second is what every later one is like
        tape.forget()
        reply = subject(event, Context())
        if reply["statusCode"] != HTTPStatus.OK:
            raise RuntimeError(reply["body"])
    before, after = tape.asked
    tape.play()
    body, connection = told["body"], http.client.HTTPConnection(urlsplit(told["upstream"]).netloc)
    headers = {"content-type": "application/json", "authorization": "Bearer bench"}

    def call() -> None:
        engine(*before)
        connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
        answer = json.loads(connection.getresponse().read())
        json.loads(answer["choices"][0]["message"]["content"])
        engine(*after)

    loop.serve(call, told["calls"])


if __name__ == "__main__":
    main()
