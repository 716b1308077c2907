"""Drives the real handlers as API Gateway does, on a real engine and live simulators."""

from __future__ import annotations

import base64
import hashlib
import hmac
import importlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import httpx2

from local import gateway, streams, template
from local import tables as storage
from local.gateway import Request
from local.template import Function
from local.worker import Context
from tests import privileges
from tests.bundle import document
from tollgate import app, clock, ids
from tollgate.config import settings
from tollgate.http import idempotency
from tollgate.store import dynamodb
from tollgate.store.dynamodb import Engine

type Json = dict[str, Any]

START = datetime(
    2026, 11, 23, 10, 20, tzinfo=UTC
)  # a Monday afternoon in India, in the middle of an hour and of a month
JWT_SECRET = "a secret of the tests, long enough for HS256"
KEY_SECRET = "local-key-secret"
WEBHOOK_SECRET = "local-webhook-secret"
PREVIOUS_SECRET = "the webhook secret before"


@dataclass(frozen=True, slots=True)
class Reply:
    """What the caller gets."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 -- JSON
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Step:
    """One request that a handler made: a DynamoDB operation with what it needs of its policy, or a call upstream."""

    name: str
    needs: frozenset[tuple[str, str]] = frozenset()


@dataclass(slots=True, repr=False)
class World:
    """One user's world: a clock that stands still, the handlers, the engine and the simulators."""

    razorpay: httpx2.Client
    openai: httpx2.Client
    gemini: httpx2.Client
    raw: Any  # boto3's client, without the product's
    now: datetime = START
    journal: list[Step] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    asked: list[tuple[str, str, Reply]] = field(default_factory=list)  # method, path and what came back
    user: str = field(default_factory=lambda: f"user-{ids.token(10)}")
    told: dict[str, int] = field(
        default_factory=dict
    )  # how many of the user's changes each consumer of a stream was told

    def __repr__(self) -> str:
        return f"{self.user}'s world at {self.now:%Y-%m-%d %H:%M}"

    # Time

    def at(self, instant: datetime) -> None:
        """Make it that instant, for handlers and simulators alike; it stays so until moved."""
        self.now = instant
        clock.travel(instant - datetime.now(UTC))

    def later(self, **by: float) -> None:
        self.at(self.now + timedelta(**by))

    # Requests

    def token(self, user: str | None = None, **claims: object) -> str:
        """A token like the frontend's."""
        times = {"iat": int(self.now.timestamp()), "exp": int(self.now.timestamp()) + 3600}
        return signed_token({"sub": user or self.user, "email": f"{user or self.user}@example.com", **times, **claims})

    def call(  # noqa: PLR0913 -- what a request can have
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        raw: bytes | None = None,
        token: str | None = "",
        headers: dict[str, str] | None = None,
        content_type: str = "application/json",
        seconds: float | None = None,
    ) -> Reply:
        """One request through the function that the template routes it to; `token` None is a caller without one.

        Every DynamoDB request on the way is held against the function's policy.
        """
        parts = urlsplit(path)
        found = router().find(method, parts.path)
        assert found, f"no route {method} {parts.path}"
        route, parameters = found
        work = handler(route.function)
        if route.function.handler.startswith("ai."):
            app.build_ai()  # as in the cloud: a function that starts builds it before its first request has begun
        self.at(self.now)  # only now: loading takes seconds of a slow machine
        content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        sent = {"content-type": content_type, "content-length": str(len(content)), "host": "api.example.com"}
        if token is not None:
            sent["authorization"] = f"Bearer {token or self.token()}"
        sent |= {name.lower(): value for name, value in (headers or {}).items()}
        request = Request(method, parts.path, parts.query, tuple(sent.items()), content)
        event = gateway.event(request, route, parameters, now=self.now, request_id=ids.token(16))
        self.journal.clear()
        result = work(event, context(route.function, seconds))
        privileges.keep_within(route.function.name, self.journal)
        given = gateway.answer(result)
        reply = Reply(given.status, dict(given.headers), given.body)
        self.replies.append(reply)
        self.asked.append((method, path, reply))
        return reply

    def get(self, path: str, **options: Any) -> Reply:  # noqa: ANN401 -- call's own
        return self.call("GET", path, **options)

    def post(self, path: str, body: object = None, **options: Any) -> Reply:  # noqa: ANN401 -- call's own
        return self.call("POST", path, body, **options)

    @property
    def steps(self) -> list[str]:
        """What the last request did, in order."""
        return [step.name for step in self.journal]

    # Buying

    def order(self, tier: str, plan: str, user: str | None = None) -> Json:
        reply = self.post("/api/subscription/create-order", {"tier": tier, "plan": plan}, token=self.token(user))
        assert reply.status == 200, reply.body
        made: Json = reply.json
        return made

    def sim(self, method: str, path: str, /, **body: object) -> Any:  # noqa: ANN401 -- JSON
        """Razorpay's control plane."""
        answer = self.razorpay.request(method, f"/_sim{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def pay(self, order_id: str, **attempt: object) -> Json:
        """Pay at the checkout. Its proof, with the payment itself under `payment`."""
        self.at(self.now)
        paid: Json = self.sim("POST", f"/orders/{order_id}/pay", **attempt)
        return paid

    def verify(self, paid: Json, user: str | None = None, **changed: object) -> Reply:
        proof = {name: value for name, value in paid.items() if name.startswith("razorpay_")} | changed
        return self.post("/api/subscription/verify-payment", proof, token=self.token(user))

    def buy(self, tier: str, plan: str, user: str | None = None) -> Json:
        """Buy a plan with everything that belongs to it; the subscription."""
        reply = self.verify(self.pay(self.order(tier, plan, user)["orderId"]), user)
        assert reply.status == 200, reply.body
        bought: Json = reply.json
        return bought

    def events(self, payment_id: str) -> dict[str, bytes]:
        """The webhook bodies that Razorpay made for a payment, by event."""
        made = self.razorpay.get("/_sim/webhooks/deliveries", params={"naming": payment_id}).json()
        return {each["event"]: each["body"].encode() for each in made}

    def webhook(self, body: bytes, *, secret: str = WEBHOOK_SECRET, **options: Any) -> Reply:  # noqa: ANN401 -- call's own
        headers = {"x-razorpay-signature": signature(body, secret), "x-razorpay-event-id": ids.token(14)}
        headers |= options.pop("headers", {})
        return self.post("/api/subscription/webhook", raw=body, token=None, headers=headers, **options)

    # Tables

    def item(self, user: str | None = None) -> Json | None:
        """The user's item, as it lies there."""
        key = {"userId": {"S": user or self.user}}
        found: Json | None = self.raw.get_item(TableName="UsersTable", Key=key, ConsistentRead=True).get("Item")
        return found

    def row(self, name: str) -> Json | None:
        """A row of the payments table."""
        found = self.raw.get_item(TableName="PaymentsTable", Key={"id": {"S": name}}, ConsistentRead=True).get("Item")
        return dynamodb.from_item(found) if found else None

    def rows(self, table: str, user: str | None = None) -> list[Json]:
        """A user's rows in a table, in their order."""
        answer = self.raw.query(
            TableName=table,
            KeyConditionExpression="userId = :user",
            ExpressionAttributeValues={":user": {"S": user or self.user}},
            ConsistentRead=True,
        )
        return [dynamodb.from_item(each) for each in answer["Items"]]

    def usage(self, user: str | None = None) -> list[Json]:
        """A user's usage log."""
        return self.rows("UsageLogsTable", user)

    # Streams

    def changes(self, table: str, user: str | None = None) -> list[Json]:
        """The user's changes of a table so far, as records for Lambda."""
        return changes(self.raw.meta.endpoint_url, table).get(user or self.user, [])

    def feed(
        self, *, twice: bool = False, backwards: bool = False, only: str = "", user: str | None = None
    ) -> list[str]:
        """Tell the consumers of streams (or the one function `only`) the user's changes since the last time, until there are no
        more; each batch `twice` or `backwards` if so wished. What failed, as sequence numbers; it is told again next time."""
        self.at(self.now)
        failed: list[str] = []
        news = True
        while news and not failed:
            news = False
            for function in served().functions:
                for source in function.sources if only in {"", function.name} else ():
                    place = f"{function.name}/{source.name}/{user or self.user}"
                    found = self.changes(source.table, user)[self.told.get(place, 0) :]
                    news = news or bool(found)
                    batch = [each for each in found if streams.wanted(each, source)]
                    lost = self.consume(function, batch[::-1] if backwards else batch, times=1 + twice)
                    done = next((i for i, each in enumerate(found) if sequence(each) in lost), len(found))
                    self.told[place] = self.told.get(place, 0) + done
                    failed += lost
        return failed

    def consume(self, function: Function, batch: list[Json], *, times: int = 1) -> list[str]:
        """Hand a batch to a consumer; the sequence numbers it could not handle, the last time."""
        failed: list[str] = []
        for _ in range(times if batch else 0):
            self.journal.clear()
            dated = [
                each | {"dynamodb": each["dynamodb"] | {"ApproximateCreationDateTime": self.now.timestamp()}}
                for each in batch
            ]
            answer = handler(function)({"Records": dated}, context(function))
            privileges.keep_within(function.name, self.journal)
            failed = [each["itemIdentifier"] for each in answer["batchItemFailures"]]
        return failed

    # The AI providers

    def fail(self, *scripts: str | Json, at: str = "both") -> None:
        """How the providers answer the next calls."""
        wanted = [each if isinstance(each, dict) else {"script": each} for each in scripts]
        for name, provider in (("gpt4o", self.openai), ("gemini", self.gemini)):
            if at in {name, "both"}:
                assert provider.post("/_sim/faults", json=wanted).status_code == 200

    def bill(self) -> int:
        """What both providers would charge, in micro-dollars."""
        return sum(int(each.get("/_sim/bill").json()["microUsd"]) for each in (self.openai, self.gemini))

    def upstream(self) -> dict[str, int]:
        """How many calls each provider got."""
        return {
            "gpt4o": self.openai.get("/_sim/requests").json()["count"],
            "gemini": self.gemini.get("/_sim/requests").json()["count"],
        }


@dataclass(slots=True)
class Tape:
    """A table's stream as far as it was read, by user."""

    stream: streams.Stream
    shard: str = ""
    last: str | None = None
    of_user: dict[str, list[Json]] = field(default_factory=dict)


_tapes: dict[tuple[str, str], Tape] = {}


def changes(endpoint: str, table: str) -> dict[str, list[Json]]:
    """All changes of a table so far, by user, as records for Lambda."""
    tape = _tapes.setdefault((endpoint, table), Tape(streams.Stream(endpoint, table)))
    tape.shard = tape.shard or tape.stream.shards()[0]
    while records := tape.stream.read(tape.shard, tape.last, 1000):
        for each in records:
            record = streams.event_record(each, table, timedelta(0))
            images = [record["dynamodb"].get(name, {}) for name in ("NewImage", "OldImage")]
            user = next((image["userId"]["S"] for image in images if "userId" in image), "")
            tape.of_user.setdefault(user, []).append(record)
            tape.last = sequence(record)
    return tape.of_user


def empty_tables(raw: Any) -> None:  # noqa: ANN401 -- boto3's client
    """Begin with new tables: rows of other tests would be due for every job, and be read with every stream."""
    for table in served().tables:
        raw.delete_table(TableName=table.request["TableName"])
    storage.create(raw.meta.endpoint_url, served())
    _tapes.clear()


def sequence(record: Json) -> str:
    """A change's place in its stream."""
    return str(record["dynamodb"]["SequenceNumber"])


@cache
def served() -> template.Template:
    """The template as the local stack reads it."""
    return template.read(document.ROOT / "template.yaml")


def tables() -> dict[str, str]:
    """The variables that name tables; a table's name here is its logical id, so that policies can be held against it."""
    named = {name: value for each in served().functions for name, value in each.environment.items()}
    return {name: value for name, value in named.items() if name.endswith("_TABLE")}


@cache
def router() -> gateway.Router:
    return gateway.Router(served().routes)


def handler(function: Function) -> Any:  # noqa: ANN401 -- a Lambda handler
    """The handler that the template names."""
    module, _, name = function.handler.rpartition(".")
    return getattr(importlib.import_module(module), name)


def context(function: Function, seconds: float | None = None) -> Context:
    """What Lambda would hand over, with the function's own time left unless `seconds` says otherwise."""
    return Context(
        aws_request_id=f"req-{ids.token(12)}",
        function_name=function.name,
        memory_limit_in_mb=function.memory,
        invoked_function_arn=f"arn:aws:lambda:ap-south-1:000000000000:function:{function.name}",
        deadline=time.monotonic() + (function.timeout if seconds is None else seconds),
    )


def consume_at_once(work: Callable[[], object], threads: int) -> None:
    """Do work that calls handlers of streams, in threads that each stand for an environment. What one raises is raised."""
    with ThreadPoolExecutor(threads) as pool:
        ready = threading.Barrier(threads)
        for done in [pool.submit(lambda: (ready.wait(), work())) for _ in range(threads)]:
            done.result()


def signed_token(claims: Json, *, secret: str = JWT_SECRET, **header: object) -> str:
    """A token with these claims; `header` overrides alg and typ."""
    parts = ({"alg": "HS256", "typ": "JWT", **header}, claims)
    text = ".".join(_url64(json.dumps(part).encode()) for part in parts)
    return f"{text}.{_url64(hmac.digest(secret.encode(), text.encode(), hashlib.sha256))}"


def _url64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signature(message: bytes, secret: str) -> str:
    """As Razorpay signs."""
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


ACTIONS = {
    "Put": "dynamodb:PutItem",
    "Update": "dynamodb:UpdateItem",
    "Delete": "dynamodb:DeleteItem",
    "ConditionCheck": "dynamodb:ConditionCheckItem",
}


def step(operation: str, request: Mapping[str, Any]) -> Step:
    """The operation, and the actions on tables that a policy has to allow for it."""
    if operation == "TransactWriteItems":
        parts = [next(iter(each.items())) for each in request["TransactItems"]]
        return Step(operation, frozenset((ACTIONS[kind], body["TableName"]) for kind, body in parts))
    if operation == "TransactGetItems":
        return Step(
            operation, frozenset(("dynamodb:GetItem", each["Get"]["TableName"]) for each in request["TransactItems"])
        )
    if operation in {"BatchGetItem", "BatchWriteItem"}:
        return Step(operation, frozenset((f"dynamodb:{operation}", name) for name in request["RequestItems"]))
    index = f"/index/{request['IndexName']}" if "IndexName" in request else ""
    return Step(operation, frozenset({(f"dynamodb:{operation}", request["TableName"] + index)}))


class Watching:
    """An engine that notes what it is asked, and has another one answer."""

    def __init__(self, engine: Engine, journal: list[Step]) -> None:
        self._engine, self._journal = engine, journal

    def __call__(self, operation: str, request: Mapping[str, Any]) -> Json:
        name = "".join(word.capitalize() for word in operation.split("_"))
        self._journal.append(step(name, request))
        return self._engine(operation, request)

    def close(self) -> None:
        self._engine.close()


@contextmanager
def watched(journal: list[Step]) -> Iterator[None]:
    """Note every DynamoDB request that the product makes."""
    before = dynamodb.engine()
    dynamodb.use(Watching(before, journal))
    try:
        yield
    finally:
        if last := dynamodb.use(before):
            last.close()


def forget() -> None:
    """Close and forget what the product builds once a process."""
    if engine := dynamodb.use(None):
        engine.close()
    if app.gateway.cache_info().currsize:
        sdk = app.gateway()._client  # noqa: SLF001 -- a Lambda never closes its connection, a test has to
        if sdk is not None:
            sdk.session.close()
    forget_ai()
    if app.post.cache_info().currsize:
        app.post().close()
    for tape in _tapes.values():
        tape.stream.close()
    _tapes.clear()
    for cached in (idempotency.kept_replies, app.gateway, app.post, settings):
        cached.cache_clear()


def forget_ai() -> None:
    """Close and forget the AI providers."""
    if app.ai.cache_info().currsize:
        for provider in app.ai().providers.values():
            close = getattr(provider, "close", None)
            if close:
                close()
    app.ai.cache_clear()
