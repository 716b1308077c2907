"""What the handlers talk to: Razorpay's simulator, AI providers and SES, in process, each call an I/O under the baton."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pydantic
import requests
from botocore.exceptions import ClientError, EndpointConnectionError
from requests.adapters import BaseAdapter

from local.simulators.razorpay import api, control_payers, payments
from local.simulators.razorpay.command import Command, built
from local.simulators.razorpay.engine import Engine as Razorpay
from local.simulators.razorpay.route import Call, Route
from local.simulators.razorpay.settings import Settings
from local.simulators.razorpay.wire import Refusal, error
from tests.simulation.baton import Baton, Task, drawn
from tollgate.ai.provider import Completion, ErrorKind, ProviderError, Request, Usage
from tollgate.store.dynamodb import DatabaseError, Engine, UnreachableError

type Json = dict[str, Any]

BASE = "http://razorpay.simulated"
BUSY_STATUS = {"throttled": 429, "conflict": 500}


class Database:
    """The store as an engine whose every request is an I/O."""

    def __init__(self, baton: Baton, store: Engine) -> None:
        self._baton, self._store = baton, store

    def __call__(self, operation: str, request: Mapping[str, Any]) -> Json:
        def failure(fault: str) -> Exception:
            return _refused(fault, operation)

        answer: Json = self._baton.io(operation, lambda: self._store(operation, request), failure)
        return answer

    def close(self) -> None:
        """Nothing is open."""


def _refused(fault: str, operation: str) -> Exception:
    if fault == "throttled":
        return DatabaseError("ThrottlingException")
    if fault == "conflict" and operation == "transact_write_items":
        return DatabaseError("TransactionCanceledException", reasons=[{"Code": "TransactionConflict"}])
    if fault == "conflict" and operation.endswith("_item"):
        return DatabaseError("TransactionConflictException")
    return UnreachableError("so planned")


_ROUTES: list[tuple[str, re.Pattern[str], Route]] = [
    (each.method, re.compile("/v1" + re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", each.path)), each) for each in api.TABLE
]


class Gateway(BaseAdapter):
    """Razorpay behind the SDK's own session, without a socket. Its webhooks are held for the history to deliver."""

    def __init__(self, baton: Baton) -> None:
        super().__init__()
        self._baton = baton
        self.engine = Razorpay(self._now, Settings(webhook_url=f"{BASE}/hook"))
        self.engine.account.post.hold = True

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._baton.seconds, UTC)

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]  # noqa: ANN401 -- requests' own
        def failure(fault: str) -> Exception:
            return (
                _AnsweredError(BUSY_STATUS[fault]) if fault in BUSY_STATUS else requests.ConnectionError("so planned")
            )

        try:
            status, body = self._baton.io(f"{request.method} {request.path_url}", lambda: self._act(request), failure)
        except _AnsweredError as answered:
            status, body = answered.status, {"error": {"code": "SERVER_ERROR", "description": "so planned"}}
        response = requests.Response()
        response.status_code, response.request, response.url = status, request, str(request.url)
        response._content = json.dumps(body).encode()  # noqa: SLF001 -- how requests' own adapters' tests fill one
        response.headers["Content-Type"] = "application/json"
        return response

    def close(self) -> None:
        """Nothing is open."""

    def _act(self, request: requests.PreparedRequest) -> tuple[int, Json]:
        place = urlsplit(request.path_url)
        sent = request.body or b"{}"
        for method, pattern, route in _ROUTES:
            found = pattern.fullmatch(place.path) if method == request.method else None
            if found:
                call = Call(
                    now=self.engine.now(),
                    body=json.loads(sent),
                    path=found.groupdict(),
                    query=dict(parse_qsl(place.query)),
                    headers={name.lower(): str(value) for name, value in request.headers.items()},
                )
                try:
                    return 200, json.loads(json.dumps(route.handle(self.engine.account, call)))
                except Refusal as refusal:
                    return refusal.status, error(refusal)
        raise AssertionError(f"no route {request.method} {place.path}")

    # What people do, which is no I/O of ours

    def pay(self, order_id: str, **attempt: object) -> Json:
        """Pay at the checkout; the proof."""
        account = self.engine.account
        paid = payments.pay(account, account.order(order_id), built(payments.Attempt, attempt), self.engine.now())
        return {**payments.outcome(account, paid), "payment": paid}

    def command(self, act: Callable[[Command], Json], path: Mapping[str, str], **body: object) -> Json:
        """Something of the simulator's control plane."""
        return act(Command(engine=self.engine, path=dict(path), body=body))

    def refund(self, payment_id: str, **body: object) -> Json:
        """A refund made in the Dashboard."""
        return self.command(control_payers.refund, {"id": payment_id}, **body)


class _AnsweredError(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status


class Ai:
    """A provider of the port: seeded tokens, its own bill by request id, and the answer that the schema wants."""

    def __init__(self, name: str, baton: Baton, answers: Mapping[str, Json]) -> None:
        self.name = name
        self._baton = baton
        self._answers = answers
        self.random = drawn(0)
        self.errors: dict[str, list[ErrorKind]] = {}  # by request id: what happens to its calls
        self.billed: Counter[str] = Counter()  # micro-dollars by request id
        self.asked: Counter[str] = Counter()

    def complete(self, request: Request, timeout: float) -> Completion:
        """Ask once."""
        del timeout

        def failure(fault: str) -> Exception:
            return ProviderError(ErrorKind.CONNECTION, unsent=fault in {"unreached", "throttled", "conflict"})

        answer: Completion = self._baton.io(f"ask {self.name}", lambda: self._answer(request), failure)
        return answer

    def _answer(self, request: Request) -> Completion:
        name = request.request_id
        self.asked[name] += 1
        usage = Usage(self.random.randrange(200, 3000), 0, 0, self.random.randrange(50, 900), 0)
        wrong = self.errors.get(name)
        kind = wrong.pop(0) if wrong else None
        if kind is not None and kind not in {ErrorKind.TRUNCATED, ErrorKind.INVALID_OUTPUT}:
            raise ProviderError(kind, status=None if kind in {ErrorKind.TIMEOUT, ErrorKind.CONNECTION} else 429)
        self.billed[name] += self._price(request, usage)
        if kind is not None:
            raise ProviderError(kind, billed=usage, status=200, served_model=request.model.id)
        output: pydantic.BaseModel = request.schema.model_validate(self._answers[request.schema.__name__])
        return Completion(output, usage, request.model.id, f"sim-{self.asked.total()}")

    def _price(self, request: Request, usage: Usage) -> int:
        price = request.model.price_on(datetime.fromtimestamp(self._baton.seconds, UTC).date())
        return price.micro_usd(usage)


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail that SES took: to whom, of which kind and with which text, and who sent it."""

    what: tuple[str, str, str]
    by: Task | None


class Ses:
    """SES's v2 client as our adapter uses one. It keeps what it took."""

    def __init__(self, baton: Baton) -> None:
        self._baton = baton
        self.taken: list[Mail] = []

    def send_email(self, **mail: Any) -> Json:  # noqa: ANN401 -- SES's own
        """Take a mail."""

        def failure(fault: str) -> Exception:
            busy: Exception = ClientError({"Error": {"Code": "TooManyRequestsException"}}, "SendEmail")
            gone: Exception = EndpointConnectionError(endpoint_url=BASE)
            return busy if fault in BUSY_STATUS else gone

        def take() -> Json:
            (to,), (tag,) = mail["Destination"]["ToAddresses"], mail["EmailTags"]
            text = mail["Content"]["Simple"]["Body"]["Text"]["Data"]
            self.taken.append(Mail((to, tag["Value"], text), self._baton.current))
            return {"MessageId": f"mail-{len(self.taken)}"}

        answer: Json = self._baton.io("send_email", take, failure)
        return answer

    def close(self) -> None:
        """Nothing is open."""


__all__ = ["BASE", "Ai", "Database", "Gateway", "Ses"]
