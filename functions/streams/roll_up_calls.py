"""Stream of the usage log: keep the figures about AI calls, a batch at a time."""

from collections.abc import Sequence
from datetime import datetime

from tollgate import rollups
from tollgate.rollups import Sums
from tollgate.store.rollups import count_calls
from tollgate.streams import Change, stream_of_batches

type Call = tuple[str, Sums]


def read(change: Change) -> Call:
    return f"call#{change.key['userId']}#{change.key['timestamp']}", rollups.of_call(change.new or {})


def write(calls: Sequence[Call], now: datetime) -> dict[str, int]:
    fresh = dict(calls)
    counted = count_calls(fresh, now)
    return {"counted": counted, "known": len(calls) - counted}


handler = stream_of_batches("roll_up_calls", read, write)
