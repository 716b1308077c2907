"""The daily ceiling on what all users' calls together may cost the providers. Off unless AI_DAILY_CEILING_INR says otherwise.

A call that has ended is *owed* to the day's count until it is added there. Who adds it hears what all processes together have
spent, and remembers that; so a process lets at most one call through that it would have refused, had it known of the others.
"""

from datetime import date, datetime
from math import ceil

from aws_lambda_powertools.metrics import MetricUnit

from tollgate import calendar
from tollgate.config import settings
from tollgate.errors import AiPaused, ProviderUnavailable
from tollgate.http.api import logger, metrics
from tollgate.spend import NEAR, REACHED, Spend
from tollgate.store import spend as store
from tollgate.store.dynamodb import DatabaseError

ALARMS = {NEAR: "AiCeilingNear", REACHED: "AiCeilingReached"}


class Ceiling:
    """What one process knows: the last count it has seen, and what it owes by day."""

    def __init__(self) -> None:
        self.seen: Spend | None = None
        self.owed: dict[date, int] = {}

    def check(self, now: datetime) -> None:
        """Before a call is admitted: refuse it where the ceiling is reached. Raises AiPaused, with nothing taken.

        Asks the database only where the process has seen nothing of the day, owes something, or is about to refuse: by then the
        ceiling may have been raised. Raises ProviderUnavailable where it cannot: what is not counted is not let through.
        """
        if not settings().ai.daily_ceiling_inr:
            return
        self.pay()
        today = calendar.india(now).date()
        if self.seen is None or self.seen.day != today or _reaches(self.seen, REACHED):
            self.seen = store.read(today)
        if _reaches(self.seen, REACHED):
            raise _paused(now)

    def owe(self, at: datetime, micro_usd: int) -> None:
        """Remember what a call of that instant cost, until it is counted."""
        if micro_usd and settings().ai.daily_ceiling_inr:
            day = calendar.india(at).date()
            self.owed[day] = self.owed.get(day, 0) + micro_usd

    def pay(self) -> None:
        """Count what is owed. Where the answer is not heard it stays owed: rather counted twice than never.

        Raises ProviderUnavailable or DatabaseError.
        """
        for day, micro_usd in sorted(self.owed.items()):
            counted = store.add(day, micro_usd)
            del self.owed[day]
            _tell(self.seen, counted)
            self.seen = counted

    def pay_if_possible(self) -> None:
        """Count what is owed; where the database does not let us, the log has it and the next call pays first."""
        try:
            self.pay()
        except (ProviderUnavailable, DatabaseError):
            metrics.add_metric(name="CallsNotBooked", unit=MetricUnit.Count, value=1)
            logger.error("not counted", owed={day.isoformat(): owed for day, owed in self.owed.items()})


ceiling = Ceiling()  # this process's


def _reaches(spend: Spend, per_cent: int) -> bool:
    return spend.reaches(per_cent, settings().ai.daily_ceiling_inr, settings().margin.paise_per_usd)


def _tell(before: Spend | None, after: Spend) -> None:
    """Once a day, as far as this process has seen the count grow."""
    for per_cent, alarm in ALARMS.items():
        if _reaches(after, per_cent) and not (before and before.day == after.day and _reaches(before, per_cent)):
            metrics.add_metric(name=alarm, unit=MetricUnit.Count, value=1)


def _paused(now: datetime) -> AiPaused:
    until = calendar.midnight(calendar.next_day(now))
    wait = ceil((until - now).total_seconds())
    return AiPaused(
        f"The AI is paused until {calendar.written_to_the_minute(until)}. Nothing was counted.",
        headers={"Retry-After": str(wait)},
        retryAfter=wait,
        until=calendar.iso(until),
    )
