"""When a subscription's cycles begin: at the first payment, and from then on at midnight in India."""

import calendar
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

INDIA = ZoneInfo("Asia/Kolkata")
DAYS = {"daily": 1, "weekly": 7}
MONTHS = {"monthly": 1, "quarterly": 3, "yearly": 12}
PERIODS = (*DAYS, *MONTHS)
MONTHS_A_YEAR = 12


@dataclass(frozen=True, slots=True)
class Rhythm:
    """A plan's period and interval from one start; the day of the month stays anchored to the start's."""

    start: datetime
    period: str
    interval: int

    def boundary(self, number: int) -> datetime:
        """The start of cycle `number`: the start itself for the first, 00:00 in India for all others (in UTC)."""
        if number == 0:
            return self.start
        first = self.start.astimezone(INDIA).date()
        return datetime.combine(self._day(first, number * self.interval), time(), INDIA).astimezone(UTC)

    def _day(self, first: date, periods: int) -> date:
        if self.period in DAYS:
            return first + timedelta(days=periods * DAYS[self.period])
        return months_after(first, periods * MONTHS[self.period])

    def next_after(self, now: datetime) -> int:
        """The number of the first cycle that begins after `now`."""
        number = 0
        while self.boundary(number) <= now:
            number += 1
        return number


def months_after(day: date, months: int) -> date:
    """The same day of the month, or the month's last where there is no such day."""
    years, month = divmod(day.year * MONTHS_A_YEAR + day.month - 1 + months, MONTHS_A_YEAR)
    last = calendar.monthrange(years, month + 1)[1]
    return date(years, month + 1, min(day.day, last))
