"""What an observer sees of requests, and a stream of changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.simulation.values import Item
from tests.simulation.writes import Answer, Request
from tollgate.store.dynamodb import DatabaseError


@dataclass(frozen=True, slots=True)
class Change:
    """One item before and after; `expired` where DynamoDB itself took it away. Its items are the store's own: only read them."""

    table: str
    key: Item
    before: Item | None
    after: Item | None
    at: float
    sequence: int
    expired: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as an observer sees it: what came of it, what it changed and the units it consumed.

    `reads` are strongly consistent units of 4 KB (an eventually consistent read is half of one), `writes` units of 1 KB.
    """

    operation: str
    request: Request
    answer: Answer | None
    error: DatabaseError | None
    reads: float
    writes: int
    changes: Sequence[Change]
