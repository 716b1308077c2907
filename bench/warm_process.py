"""The process that `bench.warm` measures in: `python -m bench.warm_process <job file>`."""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING, Any, cast

from botocore.httpsession import URLLib3Session

from bench.context import Context
from bench.fresh import BARE_EVENT
from bench.ground import Event, Handler, handler
from bench.warm import BARE, Job
from local.simulators.llm import answer
from tollgate import app, clock
from tollgate.ai.provider import Completion, Provider, Reply, Request, Usage, checked
from tollgate.ai.schema import openai_schema
from tollgate.connections import Connections
from tollgate.connections import Reply as Answered
from tollgate.store import dynamodb
from tollgate.store.dynamodb import Engine
from tollgate.store.thin import Thin

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest
    from botocore.client import BaseClient

_WARM_UP = 3


def main(path: Path) -> None:
    """Do the job in the file, and leave the figures beside it."""
    job = Job(**json.loads(path.read_text(encoding="utf-8")))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the log is written, as in the cloud, but nobody keeps it
    answer_at_once()
    Path(f"{path}.out").write_text(json.dumps(measured(job)), encoding="utf-8")


def measured(job: Job) -> dict[str, list[float]]:
    """CPU seconds a call, round by round: the bare handlers, then the subject."""
    subject, events = handler(job.handler), _supply(job)
    bare = {name: handler(module) for name, (module, _) in BARE.items()}
    for _ in range(0 if job.stubbed else _WARM_UP):  # the first is what a stub learns from: it must do the whole work
        _cpu(subject, [next(events)], job.status)
    if job.stubbed:
        subject = Replay(thin(dynamodb.engine()), subject, next(events), job.status)
        reading = importlib.import_module("reading")
        bare["reading"] = Replay(boto(reading.client), reading.handler, BARE_EVENT, 200)
    figures: dict[str, list[float]] = {name: [] for name in (*bare, "subject")}
    for _ in range(job.rounds):
        for name, each in bare.items():
            figures[name].append(_cpu(each, [BARE_EVENT] * BARE[name][1], 200))
        figures["subject"].append(_cpu(subject, [next(events) for _ in range(job.calls)], job.status))
    return figures


def _supply(job: Job) -> Iterator[Event]:
    """Each event once, or the only one for ever."""
    while True:
        yield from job.events
        if job.once:
            return


def _cpu(subject: Handler, events: Sequence[Event], status: int) -> float:
    contexts = [Context() for _ in events]
    begun = process_time()
    replies = [subject(event, context) for event, context in zip(events, contexts, strict=True)]
    took = process_time() - begun
    for reply in replies:
        if reply["statusCode"] != status:
            raise RuntimeError(f"answered {reply['statusCode']}: {reply['body']}")
    return took / len(events)


type Sending = Callable[[str, Callable[[], Any]], Any]
"""What stands where requests go out: it is told the operation, and how to send it really; it gives the answer."""
type Tap = Callable[[Sending], None]
"""Puts a `Sending` in its place."""


def thin(engine: Engine) -> Tap:
    """The tap of our own engine, before its connections."""
    if not isinstance(engine, Thin):
        raise TypeError(f"the process has another engine: {engine}")
    sockets = engine.connections

    def attach(sending: Sending) -> None:
        engine.connections = Tapped(sockets, sending)

    return attach


class Tapped(Connections):
    """Connections whose requests go through a tap. The sockets are those of others."""

    def __init__(self, sockets: Connections, sending: Sending) -> None:
        self._sockets, self._sending = sockets, sending

    def post(
        self, path: str, body: bytes, headers: Mapping[str, str], *, connect: float, seconds: float, again: bool = False
    ) -> Answered:
        """See `Connections.post`."""

        def really() -> Answered:
            return self._sockets.post(path, body, headers, connect=connect, seconds=seconds, again=again)

        return cast("Answered", self._sending(headers["x-amz-target"], really))

    def close(self) -> None:
        self._sockets.close()


def boto(client: BaseClient) -> Tap:
    """The tap of a boto3 client, before its sockets."""
    session = URLLib3Session()

    def attach(sending: Sending) -> None:
        def send(request: AWSPreparedRequest, event_name: str, **_: object) -> object:
            return sending(event_name, lambda: session.send(request))

        client.meta.events.register("before-send.dynamodb", send)

    return attach


class Replay:
    """A handler whose database answers from memory, with what the engine answered when it was called the first time.

    Every call has that first one's id and instant, since the answers speak of them.
    """

    def __init__(self, tap: Tap, subject: Handler, event: Event, status: int) -> None:
        self._subject = subject
        self._answers: list[tuple[str, object]] = []
        self._position = -1
        self._context, self._at = Context(), clock.system().replace(microsecond=0)
        self.pause: Callable[[], None] = lambda: None  # before each answer from memory
        tap(self._send)
        _cpu(self._again, [event], status)

    def __call__(self, event: Event, context: object) -> dict[str, Any]:
        self._position = 0
        return self._again(event, context)

    def _again(self, event: Event, context: object) -> dict[str, Any]:
        del context
        clock.travel(self._at - clock.system())
        return self._subject(event, self._context)

    def _send(self, operation: str, really: Callable[[], object]) -> object:
        if self._position < 0:
            answer = really()
            self._answers.append((operation, answer))
            return answer
        name, answer = self._answers[self._position]
        if name != operation:
            raise RuntimeError(f"{operation} was asked where {name} was before")
        self._position += 1
        self.pause()
        return answer


def answer_at_once() -> None:
    """Put providers that need no network behind the services, in the place where the functions find theirs."""
    providers = cast("dict[str, Provider]", app.ai().providers)
    for service in providers:
        providers[service] = Instant()


class Instant:
    """A provider that has its answer ready as text; the text is checked against the schema as every answer is."""

    name = "openai"

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def complete(self, request: Request, timeout: float) -> Completion:
        del timeout  # it takes no time
        reply = Reply(
            text=self._text(request),
            usage=Usage(input=900, cached=0, cache_write=0, output=600, thinking=0),
            served_model=request.model.id,
            provider_request_id="req_bench",
        )
        return checked(reply, request.schema)

    def _text(self, request: Request) -> str:
        name = request.schema.__name__
        if name not in self._texts:
            self._texts[name] = answer(openai_schema(request.schema), request.user)
        return self._texts[name]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
