"""The product on the simulation's store, which counts units by DynamoDB's published rules."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from bench.ground import Event
from bench.report import UnmeasuredError
from bench.session import Session
from tests.simulation.store import Store
from tollgate.store import dynamodb


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a request asked of the store."""

    calls: int
    reads: float
    writes: int

    def __str__(self) -> str:
        return f"{self.calls} calls, {self.reads:g} RRU, {self.writes} WRU"


@contextmanager
def counting(session: Session) -> Iterator[Store]:
    """An empty store in the product's hands, until the block is left."""
    store = Store(session.ground.template.tables, lambda: datetime.now(UTC))
    with dynamodb.using(store):
        yield store


def spent(session: Session, store: Store, function: str, event: Event, status: int = 200) -> Spent:
    """What this request costs."""
    calls, reads, writes = store.calls.total(), store.reads, store.writes
    reply = session.shop.send(function, event)
    if reply["statusCode"] != status:
        raise UnmeasuredError(f"{function} answered {reply['statusCode']}: {reply['body']}")
    return Spent(calls=store.calls.total() - calls, reads=store.reads - reads, writes=store.writes - writes)
