"""The local stack's clock: the system's, moved by an offset that people set; it goes on ticking from there."""

import calendar
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

INDIA = ZoneInfo("Asia/Kolkata")
_DURATION = re.compile(
    r"P(?=[\dT])(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?"
)
_LAST_YEAR = 9000  # beyond it, ordinary date arithmetic on the result would overflow


class Unreadable(ValueError):  # noqa: N818 -- reads as what happened to the caller's text
    """The instant or the duration could not be understood."""


def instant(text: str) -> datetime:
    """An ISO 8601 instant with its zone (`2027-01-31T18:30:00Z`), in UTC."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        read = None
    if read is None or read.tzinfo is None or not 1 < read.year < _LAST_YEAR:
        raise Unreadable(f"{text!r} is no ISO 8601 instant such as 2027-01-31T18:30:00Z")
    return read.astimezone(UTC)


def later(start: datetime, duration: str) -> datetime:
    """`start` plus an ISO 8601 duration; months and years are calendar months and years in India."""
    match = _DURATION.fullmatch(duration)
    if match is None:
        raise Unreadable(f"{duration!r} is no ISO 8601 duration such as P1M, P30D or PT1H")
    years, months, weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    try:
        there = _months_later(start.astimezone(INDIA), years * 12 + months) + timedelta(weeks=weeks, days=days)
        result = there.astimezone(UTC) + timedelta(hours=hours, minutes=minutes, seconds=seconds)
    except (OverflowError, ValueError):
        result = None
    if result is None or result.year >= _LAST_YEAR:
        raise Unreadable(f"{duration!r} leads beyond the year {_LAST_YEAR}")
    return result


def _months_later(there: datetime, months: int) -> datetime:
    year, month = divmod(there.year * 12 + there.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return there.replace(year=year, month=month + 1, day=min(there.day, last))


def written(moment: datetime) -> str:
    """The instant as the API writes instants."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Clock:
    """Calling it gives the present instant. The offset is kept in a file, because the data it dated is kept too."""

    def __init__(self, kept_in: Path | None = None) -> None:
        self._kept_in = kept_in
        self.offset = timedelta(0)
        if kept_in is not None and kept_in.exists():
            self.offset = timedelta(seconds=float(kept_in.read_text(encoding="utf-8")))

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def set(self, moment: datetime) -> None:
        """Make it `moment` now."""
        self.offset = moment - datetime.now(UTC)
        if self._kept_in is not None:
            self._kept_in.write_text(str(self.offset.total_seconds()), encoding="utf-8")
