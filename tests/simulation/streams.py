"""A table's stream, read as Lambda's event source mapping reads it: in order, in batches, each until it was handled.

It is one shard, so that all changes come in the order in which they were made; DynamoDB promises that for one item only.
"""

from __future__ import annotations

import marshal
from collections.abc import Callable
from typing import Any

from local.template import ACCOUNT, REGION
from tests.simulation.seen import Change
from tests.simulation.store import Store

type Json = dict[str, Any]

KEPT_SECONDS = 24 * 3600  # then a record is gone, read or not
_IMAGES = {
    "NEW_AND_OLD_IMAGES": frozenset({"NewImage", "OldImage"}),
    "NEW_IMAGE": frozenset({"NewImage"}),
    "OLD_IMAGE": frozenset({"OldImage"}),
    "KEYS_ONLY": frozenset[str](),
}


def once() -> bool:
    """Deliver no batch again that was handled."""
    return False


class Consumer:
    """One reader of a table's stream. At least once: what was not handled comes again, and what was, where `again` says so."""

    def __init__(self, store: Store, table: str, again: Callable[[], bool] = once) -> None:
        self._store = store
        self._changes = store.streams[table]
        self._view = store.tables[table].view or "KEYS_ONLY"
        self._again = again
        self._next = 0
        self._handed = 0
        self.lost = 0  # records that were too old when somebody came to read them

    @property
    def is_behind(self) -> bool:
        """Whether there is something to be read."""
        return self._next < len(self._changes)

    def batch(self, limit: int = 100) -> list[Json]:
        """The next records, as Lambda hands them over; the same ones until they are done. Empty where there are none."""
        self._store.arrive()
        oldest = self._store.now().timestamp() - KEPT_SECONDS
        while self._next < len(self._changes) and self._changes[self._next].at < oldest:
            self._next += 1
            self.lost += 1
        changes = self._changes[self._next : self._next + limit]
        self._handed = len(changes)
        return [record(each, self._view) for each in changes]

    def done(self, failed: str | None = None) -> None:
        """The batch was handled, up to the record with the sequence number `failed` if one is named."""
        handled = self._changes[self._next : self._next + self._handed]
        kept = next((place for place, each in enumerate(handled) if failed == _sequence(each)), len(handled))
        if failed is not None or not self._again():
            self._next += kept
        self._handed = 0


def record(change: Change, view: str = "NEW_AND_OLD_IMAGES") -> Json:
    """A change as Lambda hands it to a function."""
    name = "INSERT" if change.before is None else "REMOVE" if change.after is None else "MODIFY"
    images = {"NewImage": change.after, "OldImage": change.before}
    told: Json = {
        "ApproximateCreationDateTime": change.at,
        "Keys": change.key,
        "SequenceNumber": _sequence(change),
        "StreamViewType": view,
        **{name: item for name, item in images.items() if item is not None and name in _IMAGES[view]},
    }
    ours = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    found: Json = {
        "eventID": f"event-{change.sequence}",
        "eventName": name,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": REGION,
        "eventSourceARN": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{change.table}/stream/simulated",
        "dynamodb": marshal.loads(marshal.dumps(told)),  # noqa: S302 -- a copy, quickly made
    }
    return found | ({"userIdentity": ours} if change.expired else {})


def _sequence(change: Change) -> str:
    return f"{change.sequence:021d}"
