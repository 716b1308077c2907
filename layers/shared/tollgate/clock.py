"""The one place that reads the system's clock. Everything else is told what time it is."""

from datetime import UTC, datetime, timedelta

_offset = timedelta(0)


def now() -> datetime:
    """The current instant, aware, in UTC."""
    return datetime.now(UTC) + _offset


def travel(offset: timedelta) -> None:
    """Shift `now` by `offset` from the system's clock; the local stack and the tests move time with it."""
    global _offset  # noqa: PLW0603 -- one process has one clock
    _offset = offset
