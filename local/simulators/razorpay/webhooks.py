"""Webhooks: events signed once and posted until somebody answers 2xx, on the retry ladder measured at Razorpay."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Literal

import httpx2

from local.simulators.razorpay.agenda import Agenda
from local.simulators.razorpay.settings import Settings, Switches
from local.simulators.razorpay.wire import Json, compact, moment, new_id, odd, seconds, sign

DEADLINE = 5.0
LONGEST_BATCH = 3.0  # real seconds; a leap over many charges does not spread their events any wider
# Seconds from the first attempt to each further one; a 4xx and the slow events do without the first.
LADDER = (0.2, 6, 19, 40, 82, 164, 326, 650, 1293, 2577, 5140, 10_260, 20_520, 41_040, 82_080)
SLOW_EVENTS = {"refund.created", "payment.failed"}
FAILING_TOO_LONG = timedelta(hours=24)
REPLAYABLE = timedelta(days=7)
FIRST_SUCCESS, FIRST_REDIRECT, FIRST_REFUSAL, FIRST_FAULT = 200, 300, 400, 500

type State = Literal["held", "waiting", "sending", "delivered", "given up", "stopped"]


@dataclass(slots=True)
class Endpoint:
    """A webhook of the Dashboard: where, signed with what, and which events (`None`: all)."""

    id: str
    url: str
    secret: str
    created_at: int
    events: list[str] | None = None
    active: bool = True
    disabled_at: int = 0
    failing_since: datetime | None = None

    def wants(self, event: str) -> bool:
        return self.events is None or event in self.events

    def public(self) -> Json:
        """The entity as `GET /v1/webhooks` lists it."""
        return {
            "id": self.id,
            "entity": "webhook",
            "url": self.url,
            "active": self.active,
            "events": self.events or [],
            "disabled_at": self.disabled_at,
            "secret_exists": bool(self.secret),
            "alert_email": "alerts@example.com",
            "created_at": self.created_at,
        }


@dataclass(frozen=True, slots=True)
class Attempt:
    at: int
    status: int | None
    error: str | None
    milliseconds: int


@dataclass(slots=True)
class Delivery:
    """One event on its way to one endpoint; every attempt carries the same bytes, id and signature."""

    event_id: str
    event: str
    endpoint: Endpoint
    body: bytes
    signature: str
    created_at: int
    state: State = "waiting"
    attempts: list[Attempt] = field(default_factory=list)
    first_attempt: datetime | None = None
    rung: int = 0
    next_at: int | None = None

    def headers(self) -> list[tuple[str, str]]:
        return [
            ("User-Agent", "Razorpay-Webhook/v1"),
            ("Content-Type", "application/json"),
            ("Accept-Encoding", "gzip"),
            ("Request-Id", self.event_id),
            ("X-Razorpay-Event-Id", self.event_id),
            ("X-Razorpay-Signature", self.signature),
        ]

    def public(self) -> Json:
        """What the control plane shows of it."""
        return {
            "event_id": self.event_id,
            "event": self.event,
            "url": self.endpoint.url,
            "state": self.state,
            "created_at": self.created_at,
            "next_at": self.next_at,
            "attempts": [asdict(attempt) for attempt in self.attempts],
            "signature": self.signature,
            "body": self.body.decode(),
        }


class Post:
    """The post office of one account. It lives on the event loop that serves the simulator."""

    def __init__(self, settings: Settings, switches: Switches, agenda: Agenda, clock: Callable[[], datetime]) -> None:
        self.settings, self.switches, self.agenda, self.clock = settings, switches, agenda, clock
        self.account_id = new_id("acc")
        self.endpoints: list[Endpoint] = []
        self.deliveries: list[Delivery] = []
        self.hold = False
        self.reverse = False
        self.copies = 1
        self._batch: list[Delivery] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._client: httpx2.AsyncClient | None = None
        if settings.webhook_url:
            self.subscribe(settings.webhook_url, settings.webhook_secret)

    def subscribe(self, url: str, secret: str, events: list[str] | None = None) -> Endpoint:
        endpoint = Endpoint(new_id(), url, secret, seconds(self.clock()), events)
        self.endpoints.append(endpoint)
        return endpoint

    def emit(self, event: str, payload: dict[str, Json], now: datetime, contains: list[str] | None = None) -> None:
        """Take the event's snapshot, sign it and send it to everyone who wants it."""
        envelope: Json = {
            "entity": "event",
            "account_id": self.account_id,
            "event": event,
            "contains": contains or list(payload),
            "payload": {name: {"entity": entity} for name, entity in payload.items()},
            "created_at": seconds(now),
        }
        body = odd(envelope) if self.switches.odd_bodies else compact(envelope)
        event_id = new_id()
        for endpoint in self.endpoints:
            if endpoint.wants(event):
                signature = sign(body, endpoint.secret)
                self._add(Delivery(event_id, event, endpoint, body, signature, seconds(now)))

    def _add(self, delivery: Delivery) -> None:
        self.deliveries.append(delivery)
        if not delivery.endpoint.active:
            delivery.state = "stopped"
        elif self.hold:
            delivery.state = "held"
        else:
            if not self._batch:
                asyncio.get_running_loop().call_soon(self._send_batch)
            self._batch.append(delivery)

    def _send_batch(self) -> None:
        """Send what one act caused, a little apart as Razorpay does; reversed or copied if so switched."""
        batch, self._batch = self._batch, []
        order = batch[::-1] if self.reverse else batch
        spacing = min(self.settings.webhook_spacing, LONGEST_BATCH / len(order))
        for place, delivery in enumerate(order):
            for _ in range(self.copies):
                self._start(delivery, place * spacing)

    def _start(self, delivery: Delivery, wait: float = 0) -> None:
        task = asyncio.get_running_loop().create_task(self._attempt(delivery, wait))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _attempt(self, delivery: Delivery, wait: float) -> None:
        await asyncio.sleep(wait)
        if self.hold or not delivery.endpoint.active:
            delivery.state = "held" if self.hold else "stopped"
            return
        delivery.state, delivery.next_at = "sending", None
        now, started = self.clock(), time.monotonic()
        delivery.first_attempt = delivery.first_attempt or now
        status, problem = await self._post(delivery)
        spent = int((time.monotonic() - started) * 1000)
        delivery.attempts.append(Attempt(seconds(now), status, problem, spent))
        self._judge(delivery, status)

    async def _post(self, delivery: Delivery) -> tuple[int | None, str | None]:
        """The status answered within the deadline, or the reason why there is none."""
        # Built by hand, not through the client, so that exactly Razorpay's headers go out.
        request = httpx2.Request("POST", delivery.endpoint.url, headers=delivery.headers(), content=delivery.body)
        try:
            async with asyncio.timeout(DEADLINE):
                response = await self._connection().send(request)
        except (httpx2.HTTPError, TimeoutError, OSError) as problem:
            return None, type(problem).__name__
        return response.status_code, None

    def _connection(self) -> httpx2.AsyncClient:
        if self._client is None:
            # No kept-alive connections: a receiver that was restarted in between must not cost a delivery.
            limits = httpx2.Limits(max_keepalive_connections=0)
            self._client = httpx2.AsyncClient(timeout=DEADLINE, limits=limits, trust_env=False)
        return self._client

    def _judge(self, delivery: Delivery, status: int | None) -> None:
        if status is not None and FIRST_SUCCESS <= status < FIRST_REDIRECT:
            delivery.state, delivery.endpoint.failing_since = "delivered", None
        elif delivery.state != "delivered":  # a copy of it may have got through meanwhile
            self._failed(delivery, status)

    def _failed(self, delivery: Delivery, status: int | None) -> None:
        """Put the delivery on the next rung of the ladder, or give it up after the last."""
        now, endpoint = self.clock(), delivery.endpoint
        endpoint.failing_since = endpoint.failing_since or now
        if now - endpoint.failing_since >= FAILING_TOO_LONG:
            self.disable(endpoint, now)
        refused = status is not None and FIRST_REFUSAL <= status < FIRST_FAULT
        if delivery.rung == 0 and (refused or delivery.event in SLOW_EVENTS):
            delivery.rung = 1
        if not endpoint.active:
            delivery.state = "stopped"
        elif delivery.rung == len(LADDER):
            delivery.state = "given up"
            self._watch(endpoint, endpoint.failing_since)
        else:
            self._schedule(delivery)

    def _schedule(self, delivery: Delivery) -> None:
        due = (delivery.first_attempt or self.clock()) + timedelta(seconds=LADDER[delivery.rung])
        delivery.rung += 1
        delivery.state, delivery.next_at = "waiting", seconds(due)
        self.agenda.at(due, lambda _: self._retry(delivery))

    def _retry(self, delivery: Delivery) -> None:
        if delivery.state != "waiting":
            return
        if self.hold:
            delivery.state = "held"
        else:
            self._start(delivery)

    def _watch(self, endpoint: Endpoint, since: datetime) -> None:
        """Disable the endpoint once it has failed for 24 hours without one success."""

        def check(now: datetime) -> None:
            if endpoint.failing_since == since:
                self.disable(endpoint, now)

        self.agenda.at(since + FAILING_TOO_LONG, check)

    def disable(self, endpoint: Endpoint, now: datetime) -> None:
        endpoint.active, endpoint.disabled_at = False, seconds(now)
        for delivery in self.deliveries:
            if delivery.endpoint is endpoint and delivery.state in {"waiting", "held"}:
                delivery.state, delivery.next_at = "stopped", None

    def enable(self, endpoint: Endpoint) -> None:
        endpoint.active, endpoint.disabled_at, endpoint.failing_since = True, 0, None

    def release(self, order: list[Delivery]) -> None:
        """Let what was held go out in this order, and nothing be held any longer."""
        self.hold = False
        for place, delivery in enumerate(order):
            delivery.state = "waiting"
            self._start(delivery, place * self.settings.webhook_spacing)

    def held(self) -> list[Delivery]:
        return [delivery for delivery in self.deliveries if delivery.state == "held"]

    def duplicate(self, delivery: Delivery) -> None:
        """Send the same bytes under the same event id once more, whatever became of the first."""
        self._start(delivery)

    def replay(self, delivery: Delivery) -> None:
        """The Dashboard's replay: from the first attempt again, signed with the present secret."""
        self.enable(delivery.endpoint)
        delivery.signature = sign(delivery.body, delivery.endpoint.secret)
        delivery.rung, delivery.first_attempt, delivery.state = 0, None, "waiting"
        self._start(delivery)

    def replayable(self, delivery: Delivery) -> bool:
        fresh = self.clock() - moment(delivery.created_at) <= REPLAYABLE
        return fresh and delivery.state in {"given up", "stopped", "waiting"}

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()
            self._client = None
