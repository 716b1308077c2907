"""A short circuit breaker, so that a dead provider does not cost every call its time-out.

State is one process's own: it costs no request to a table, and a Lambda environment serves one call at a
time anyway. The clock is passed in, so it follows the local stack's time.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from tollgate.ai.provider import ErrorKind

FAILURES_TO_OPEN: Final = 3
PAUSE: Final = timedelta(seconds=30)
LONG_PAUSE: Final = timedelta(minutes=10)
LONGEST_PAUSE: Final = timedelta(hours=1)

# A time-out costs its caller most of the request's time; one is enough, or each of the next callers pays it again.
_AT_ONCE: Final = frozenset({ErrorKind.RATE_LIMITED, ErrorKind.TIMEOUT})
_NEEDS_A_PERSON: Final = frozenset({ErrorKind.QUOTA_EXHAUSTED, ErrorKind.MISCONFIGURED, ErrorKind.MODEL_GONE})
_COUNTED: Final = frozenset({ErrorKind.CONNECTION, ErrorKind.UNAVAILABLE})


@dataclass(frozen=True, slots=True)
class _Circuit:
    failures: int = 0
    open_until: datetime | None = None


class Breaker:
    """Circuits by name (a service or a model id), safe to share between threads."""

    def __init__(self) -> None:
        self._circuits: dict[str, _Circuit] = {}
        self._lock = threading.Lock()

    def admits(self, name: str, now: datetime) -> bool:
        """Whether a call may be made.

        After the pause one caller is let through as a probe; the next follows a pause later, should the
        probe never report back.
        """
        with self._lock:
            circuit = self._circuits.get(name, _Circuit())
            if circuit.open_until is None:
                return True
            if _still_closed_off(circuit.open_until, now):
                return False
            self._circuits[name] = _Circuit(FAILURES_TO_OPEN, now + PAUSE)
            return True

    def open_until(self, name: str, now: datetime) -> datetime | None:
        """When an open circuit lets the next call through; None if it would do so now."""
        until = self._circuits.get(name, _Circuit()).open_until
        return until if until is not None and _still_closed_off(until, now) else None

    def succeeded(self, name: str) -> None:
        """Close the circuit."""
        with self._lock:
            self._circuits.pop(name, None)

    def failed(self, name: str, kind: ErrorKind, now: datetime, retry_after: float | None = None) -> None:
        """Count a failure. One that says nothing about the provider's health (our request, its answer) closes."""
        pause = _pause(kind, retry_after)
        if pause is None:
            self.succeeded(name)
            return
        with self._lock:
            failures = self._circuits.get(name, _Circuit()).failures + 1
            opens = kind not in _COUNTED or failures >= FAILURES_TO_OPEN
            self._circuits[name] = _Circuit(failures, now + pause if opens else None)


def _still_closed_off(until: datetime, now: datetime) -> bool:
    """Not if the end is further off than any pause: then the clock was set back."""
    return now < until <= now + LONGEST_PAUSE


def _pause(kind: ErrorKind, retry_after: float | None) -> timedelta | None:
    if kind in _NEEDS_A_PERSON:
        return LONG_PAUSE
    if kind in _AT_ONCE or kind in _COUNTED:
        asked = PAUSE if retry_after is None else timedelta(seconds=min(retry_after, LONGEST_PAUSE.total_seconds()))
        return asked if kind in _AT_ONCE else max(asked, PAUSE)
    return None
