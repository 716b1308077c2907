"""Days, months and years as India counts them. The zone has a fixed offset and no daylight saving."""

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta, timezone

IST = timezone(timedelta(hours=5, minutes=30), "IST")  # Asia/Kolkata since 1945; a constant needs no zone file
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def india(instant: datetime) -> datetime:
    """The same instant on a clock in India."""
    return instant.astimezone(IST)


def add_months(start: datetime, months: int, anchor_day: int) -> datetime:
    """`months` calendar months later, on `anchor_day` or the month's last day, in UTC.

    With the anchor kept, 31 January runs to 28 February and then to 31 March.
    """
    local = india(start)
    year, month0 = divmod(local.year * 12 + local.month - 1 + months, 12)
    day = min(anchor_day, monthrange(year, month0 + 1)[1])
    return local.replace(year=year, month=month0 + 1, day=day).astimezone(UTC)


def month_stamp(now: datetime) -> str:
    """The month that `now` falls in, as `2026-11`."""
    return india(now).date().isoformat()[:7]


def day_stamp(now: datetime) -> str:
    """The day that `now` falls in, as `2026-11-23`."""
    return india(now).date().isoformat()


def next_month(now: datetime) -> date:
    """The first day of the next month."""
    today = india(now).date()
    return (today.replace(day=28) + timedelta(days=4)).replace(day=1)


def next_day(now: datetime) -> date:
    """Tomorrow."""
    return india(now).date() + timedelta(days=1)


def midnight(day: date) -> datetime:
    """The instant at which that day begins, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=IST).astimezone(UTC)


def hour_stamp(now: datetime) -> int:
    """The clock hour in UTC that `now` falls in, counted from 1970."""
    return int(now.timestamp()) // 3600


def seconds_to_next_hour(now: datetime) -> int:
    """Whole seconds until the next clock hour, at least one."""
    return 3600 - int(now.timestamp()) % 3600


def iso(instant: datetime) -> str:
    """ISO 8601 in UTC with Z, to the second."""
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def parse(text: str) -> datetime:
    """An aware UTC instant from ISO 8601. Raises ValueError where there is no zone."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"no time zone in {text!r}")
    return instant.astimezone(UTC)


def written(instant: datetime) -> str:
    """The day in India, for people: `3 November 2026`."""
    local = india(instant)
    return f"{local.day} {MONTHS[local.month - 1]} {local.year}"


def written_to_the_minute(instant: datetime) -> str:
    """The instant in India, for people: `3 November 2026, 4:05 pm IST`."""
    local = india(instant)
    return f"{written(instant)}, {local.hour % 12 or 12}:{local.minute:02} {'am' if local.hour < 12 else 'pm'} IST"  # noqa: PLR2004 -- noon


def whole_second(now: datetime) -> datetime:
    """`now` without its fraction: stored instants are whole seconds, so a comparison of them is exact."""
    return now.replace(microsecond=0)


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
