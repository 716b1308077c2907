"""Processes that die, and answers that get lost, at any write to the database and at any act of Razorpay's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from tollgate import app
from tollgate.config import settings
from tollgate.store import dynamodb
from tollgate.store.dynamodb import DatabaseError, Engine, UnreachableError

WRITES = frozenset({"put_item", "update_item", "delete_item", "transact_write_items"})
DEATHS = ("dies before", "dies after")
FAILURES = ("unreached", "unheard", "throttled", "conflict")
DONE_ALL_THE_SAME = frozenset({"dies after", "unheard"})


class Died(BaseException):
    """The process is gone. Nothing after this happens."""


@dataclass(slots=True)
class Fate:
    """What happens at the effect of that number, counted from when it was set: writes, and calls that change things elsewhere.

    `also` runs at every step, for what others do meanwhile.
    """

    number: int = 0
    kind: str = ""
    effects: list[str] = field(default_factory=list)
    also: Callable[[], None] | None = None

    def set(self, number: int, kind: str) -> None:
        self.number, self.kind = number, kind
        self.effects.clear()

    def spare(self) -> None:
        """Nothing more happens."""
        self.set(0, "")

    @property
    def is_met(self) -> bool:
        return 0 < self.number <= len(self.effects)

    def meet(self, name: str, act: Callable[[], Any], failure: BaseException) -> Any:  # noqa: ANN401 -- the act's own
        """Do the act, or what is fated instead of it. `failure` is how it fails to be heard."""
        self.effects.append(name)
        if len(self.effects) != self.number:
            return act()
        if self.kind in DONE_ALL_THE_SAME:
            act()
        raise Died(name) if self.kind in DEATHS else failure


class Mortal:
    """An engine whose writes meet their fate."""

    def __init__(self, engine: Engine, fate: Fate) -> None:
        self.engine, self.fate = engine, fate

    def __call__(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        if self.fate.also:
            self.fate.also()
        if operation not in WRITES:
            return self.engine(operation, request)
        answer: dict[str, Any] = self.fate.meet(
            operation, lambda: self.engine(operation, request), self._failure(operation)
        )
        return answer

    def _failure(self, operation: str) -> Exception:
        many = operation == "transact_write_items"
        match self.fate.kind:
            case "throttled":
                return DatabaseError("ThrottlingException")
            case "conflict" if many:
                return DatabaseError("TransactionCanceledException", reasons=[{"Code": "TransactionConflict"}])
            case "conflict":
                return DatabaseError("TransactionConflictException")
        return UnreachableError("so planned")

    def close(self) -> None:
        self.engine.close()


class MortalCalls(HTTPAdapter):
    """Razorpay's side of it: whatever is not only read."""

    def __init__(self, fate: Fate) -> None:
        super().__init__()
        self.fate = fate

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:  # noqa: ANN401 -- requests' own
        if request.method == "GET":
            return super().send(request, *args, **options)
        name = f"{request.method} {request.path_url}"
        failure = requests.ConnectionError("so planned")
        answer: requests.Response = self.fate.meet(
            name, lambda: super(MortalCalls, self).send(request, *args, **options), failure
        )
        return answer


@contextmanager
def mortal() -> Iterator[Fate]:
    """The product's ways out under one fate."""
    fate = Fate()
    session = app.gateway()._sdk().session  # noqa: SLF001 -- the SDK's own way to change how it sends
    address = str(settings().razorpay.base_url)
    calls = MortalCalls(fate)
    session.mount(address, calls)
    try:
        with dynamodb.using(Mortal(dynamodb.engine(), fate)):
            yield fate
    finally:
        session.adapters.pop(address)
        calls.close()
