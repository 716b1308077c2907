"""The one place that reads the system's clock. Everything else is told what time it is."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

_offset = timedelta(0)


class Clock(Protocol):
    """What tells the time and waits. A simulation puts its own in the place of the system's."""

    def now(self) -> datetime: ...

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


_clocks: list[Clock] = []


def use(replacement: Clock | None) -> None:
    """Put another clock in the place of the system's; None is the system's again."""
    _clocks[:] = [replacement] if replacement else []


def now() -> datetime:
    """The current instant, aware, in UTC."""
    return _clocks[0].now() if _clocks else datetime.now(UTC) + _offset


def monotonic() -> float:
    """Seconds that only ever grow, to measure with."""
    return _clocks[0].monotonic() if _clocks else time.monotonic()


def sleep(seconds: float) -> None:
    """Wait."""
    if _clocks:
        _clocks[0].sleep(seconds)
    else:
        time.sleep(seconds)


def system() -> datetime:
    """The system's own instant, wherever `travel` went: other services hold our signatures against theirs."""
    return datetime.now(UTC)


def travel(offset: timedelta) -> None:
    """Shift `now` by `offset` from the system's clock; the local stack and the tests move time with it."""
    global _offset  # noqa: PLW0603 -- one process has one clock
    _offset = offset
