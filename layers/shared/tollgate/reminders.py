"""Telling users, some days ahead, that what they paid for ends."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from tollgate import calendar, jobs
from tollgate.config import settings
from tollgate.jobs import HasTime, Row
from tollgate.notices import Kind, Notice, is_wanted
from tollgate.store import notices, records, subscriptions, users
from tollgate.subscriptions import ENDED, Subscription
from tollgate.users import User

DAYS = (1, 3, 7)  # before the end, by the calendar in India
DAYS_BEFORE_RENEWAL = (3,)  # the bank tells its customer once more, a day before it is charged


@dataclass(slots=True)
class Report(jobs.Report):
    """What one run did."""

    queued: int = 0


def remind(now: datetime, has_time: HasTime) -> Report:
    """Queue a reminder for everybody whose plan ends within a week, each reminder once.

    Whoever was missed on the day itself gets it on the next run, with the days that are left; never two in one run.
    """
    last = calendar.india(now).date() + timedelta(days=max(DAYS) + settings().grace_days + 1)
    rows = subscriptions.changing(now, calendar.midnight(last))
    return jobs.sweep(rows, partial(_remind, now), has_time, Report())


def _remind(now: datetime, row: Row, report: Report) -> None:
    seen, user_id = records.to_subscription(row), row["userId"]
    days = mark(seen, now)
    if days is None or notices.is_queued(_name(user_id, seen, days)):
        return
    user = users.get(user_id)
    reminder = user and due_reminder(user, seen.subscription_id, now)
    if reminder:
        notices.put(reminder)
        report.queued += 1


def mark(period: Subscription, now: datetime) -> int | None:
    """Which reminder its end calls for at `now`: that of 7, 3 or 1 days, or the one before a renewal; None is none."""
    if period.end_date is None or not period.start_date <= now < period.end_date:
        return None
    left = _days_left(period.end_date, now)
    return min((days for days in (DAYS_BEFORE_RENEWAL if period.auto_renew else DAYS) if left <= days), default=None)


def _days_left(end: datetime, now: datetime) -> int:
    return (calendar.india(end).date() - calendar.india(now).date()).days


def due_reminder(user: User, subscription_id: str, now: datetime) -> Notice | None:
    """The reminder that the end of that period calls for, by the user's own record: none where the user wants none, or has
    bought on in the tier."""
    period = next((each for each in user.subscriptions if each.subscription_id == subscription_id), None)
    if period is None or period.end_date is None or period.status in ENDED or _goes_on(user, period, period.end_date):
        return None
    days = mark(period, now)
    if days is None or not is_wanted(Kind.EXPIRY_REMINDER, user.notifications):
        return None
    return Notice(
        id=_name(user.id, period, days),
        user_id=user.id,
        kind=Kind.EXPIRY_REMINDER,
        at=now,
        facts={
            "tier": period.tier,
            "plan": period.plan,
            "endDate": calendar.iso(period.end_date),
            "days": _days_left(period.end_date, now),
            "autoRenew": period.auto_renew,
        },
    )


def _goes_on(user: User, period: Subscription, end: datetime) -> bool:
    same = [each for each in user.subscriptions if each.tier == period.tier and each.status not in ENDED]
    return any(each.end_date is None or each.end_date > end for each in same)


def _name(user_id: str, period: Subscription, days: int) -> str:
    return f"{user_id}#{Kind.EXPIRY_REMINDER}#{period.subscription_id}#{days}"
