"""What the tests of the Razorpay simulator share: a clock, a receiver of webhooks, the SDK, the control plane."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import razorpay
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from local.simulators.razorpay import Settings
from local.simulators.razorpay.serving import running, serve

type Json = dict[str, Any]

PATIENCE = 10.0


class Clock:
    """The system's clock, moved by what the test says."""

    def __init__(self) -> None:
        self.offset = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def advance(self, **by: float) -> None:
        self.offset += timedelta(**by)

    def set(self, to: datetime) -> None:
        self.offset = to - datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Letter:
    """One webhook as it came in: the raw body and the headers in their own spelling."""

    body: bytes
    headers: list[tuple[str, str]]

    @property
    def event(self) -> Json:
        event: Json = json.loads(self.body)
        return event

    @property
    def name(self) -> str:
        return str(self.event["event"])

    def header(self, name: str) -> str:
        return next(value for key, value in self.headers if key.lower() == name.lower())


@dataclass(slots=True)
class Inbox:
    """A receiver that keeps what comes and answers the statuses it is given, then 200."""

    letters: list[Letter] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    always: int = 200
    url: str = ""
    account_id: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    async def receive(self, request: Request) -> Response:
        try:
            body = await request.body()
        except ClientDisconnect:  # a reset of the simulator cut it short
            return Response()
        headers = [(name.decode(), value.decode()) for name, value in request.headers.raw]
        letter = Letter(body, headers)
        with self.lock:
            if letter.event["account_id"] != self.account_id and self.account_id:
                return Response()  # still under way from before the last reset
            self.letters.append(letter)
            status = self.answers.pop(0) if self.answers else self.always
        return Response(status_code=status)

    def empty(self, account_id: str) -> None:
        """Nothing received and nothing but 200 to answer; only this account's events count from now on."""
        with self.lock:
            self.account_id, self.always = account_id, 200
            self.letters.clear()
            self.answers.clear()

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/hook", self.receive, methods=["POST"])])

    def names(self) -> list[str]:
        return [letter.name for letter in self.letters]

    def wait(self, count: int) -> list[Letter]:
        """The letters, once there are this many."""
        until(lambda: len(self.letters) >= count, lambda: f"{count} letters, not {self.names()}")
        return self.letters

    def latest(self, name: str) -> Json:
        return [letter.event for letter in self.letters if letter.name == name][-1]


def until(holds: Callable[[], bool], what: Callable[[], str]) -> None:
    """Wait for it, and say what was expected when it does not come."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"expected {what()}"
        time.sleep(0.01)


@dataclass(slots=True)
class Desk:
    """A running simulator with everything around it."""

    url: str
    clock: Clock
    inbox: Inbox
    sdk: Any
    http: httpx2.Client

    def sim(self, method: str, path: str, /, **body: Any) -> Any:  # noqa: ANN401 -- JSON in, JSON out
        """The control plane; what it refuses fails the test."""
        answer = self.http.request(method, f"/_sim{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def reset(self) -> None:
        """A simulator as new, and an empty inbox."""
        self.sim("POST", "/reset")
        self.inbox.empty(self.sim("GET", "/state")["account_id"])

    def order(self, amount: int = 14900, **fields: Any) -> Json:  # noqa: ANN401 -- JSON
        made: Json = self.sdk.order.create({"amount": amount, "currency": "INR", **fields})
        return made

    def pay(self, order_id: str, **attempt: Any) -> Json:  # noqa: ANN401 -- JSON
        paid: Json = self.sim("POST", f"/orders/{order_id}/pay", **attempt)
        return paid

    def paid(self, amount: int = 14900, **fields: Any) -> Json:  # noqa: ANN401 -- JSON
        """A captured payment of a new order."""
        payment: Json = self.pay(self.order(amount, **fields)["id"])["payment"]
        return payment

    def raw(self, method: str, path: str, body: Json | None = None, **headers: str) -> httpx2.Response:
        """A request of the API without the SDK, so that status and body can be seen."""
        key = ("rzp_test_local", "local-key-secret")
        return self.http.request(method, path, json=body, headers=headers, auth=key)


def a_client(url: str, keys: tuple[str, str] = ("rzp_test_local", "local-key-secret")) -> Any:  # noqa: ANN401 -- untyped
    return razorpay.Client(auth=keys, base_url=url)


@contextmanager
def a_desk(**settings: Any) -> Iterator[Desk]:  # noqa: ANN401 -- Settings' own fields
    clock, inbox = Clock(), Inbox()
    listener = socket.create_server(("127.0.0.1", 0))
    with serve(inbox.app(), listener) as receiver:
        inbox.url = f"{receiver}/hook"
        told: Json = {"webhook_url": inbox.url, "webhook_spacing": 0.05} | settings
        with running(Settings(**told), clock) as url, httpx2.Client(base_url=url, trust_env=False) as http:
            sdk = a_client(url)
            yield Desk(url, clock, inbox, sdk, http)
            sdk.session.close()
