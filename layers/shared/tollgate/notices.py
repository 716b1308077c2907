"""What users are told, as values. Pure; `tollgate.store.notices` queues each once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tollgate import calendar, entitlements
from tollgate.metering import NEAR_LIMIT, Admission
from tollgate.plans import Window
from tollgate.subscriptions import ENDED, Subscription
from tollgate.users import Notifications, User

WHOLE = 100
FOR_EVER = "for ever"  # sorts behind every instant


class Kind(StrEnum):
    """The occasions on which a user hears from us."""

    PAYMENT = "payment"
    PAYMENT_UNDER_REVIEW = "payment_under_review"
    PAYMENT_FAILED = "payment_failed"
    REFUND = "refund"
    STARTED = "started"
    RENEWED = "renewed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    TAKEN_BACK = "taken_back"  # the bank decided a dispute for its customer
    EXPIRY_REMINDER = "reminder"
    USAGE_NEAR_LIMIT = "usage_80"
    USAGE_AT_LIMIT = "usage_100"


ABOUT_USAGE = frozenset({Kind.USAGE_NEAR_LIMIT, Kind.USAGE_AT_LIMIT})
ABOUT_EXPIRY = frozenset({Kind.EXPIRY_REMINDER, Kind.EXPIRED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One message to one user. The id names the occasion, so that nothing is told twice."""

    id: str
    user_id: str
    kind: Kind
    at: datetime
    facts: Mapping[str, object]


def usage_alert(admission: Admission) -> Notice | None:
    """The alert that this call's use of a quota calls for: at 80 % and at 100 %, unless the user wants none.

    Use is counted one by one, so exactly one call reaches each mark; after a give-back the mark is reached again and the
    same notice is queued again, which changes nothing.
    """
    usage = admission.usage()
    kind = _mark(usage.used, usage.limit.count) if usage and usage.limit.count else None
    if usage is None or kind is None or not is_wanted(kind, admission.user.notifications):
        return None
    at, user = admission.call.at, admission.user
    reset = entitlements.reset_date(usage.limit, at)
    stamp = {
        Window.DAY: calendar.day_stamp(at),
        Window.MONTH: calendar.month_stamp(at),
        Window.PASS: str(user.terms.get("pass")),
    }[usage.limit.window]
    return Notice(
        id=f"{user.id}#{kind}#{usage.unit}#{stamp}",
        user_id=user.id,
        kind=kind,
        at=at,
        facts={
            "limitType": usage.unit.value,
            "used": usage.used,
            "limit": usage.limit.count,
            "resetDate": reset.isoformat() if reset else None,
        },
    )


def is_wanted(kind: Kind, notifications: Notifications) -> bool:
    """Whether the user's choices let it through. What is about their money always is."""
    if kind in ABOUT_USAGE:
        return notifications.usage_alerts
    return notifications.subscription_expiry or kind not in ABOUT_EXPIRY


def is_outdated(notice: Notice, user: User | None, now: datetime) -> bool:
    """Whether it is not true any more: an end that was put off, or followed by something else, since it was queued."""
    if user is None or notice.kind not in ABOUT_EXPIRY:
        return False
    standing = [each for each in user.subscriptions if each.status not in ENDED]
    if notice.kind is Kind.EXPIRED:  # where several periods ran out before anybody looked, the last one's end is told
        went_on = [_end(each) for each in standing if _end(each) > str(notice.facts["endDate"])]
        return user.running(now) is not None or bool(went_on)
    ends = {(_end(each), each.auto_renew) for each in standing if each.tier == notice.facts["tier"]}
    return max(ends, default=None) != (notice.facts["endDate"], notice.facts["autoRenew"])


def _end(period: Subscription) -> str:
    return calendar.iso(period.end_date) if period.end_date else FOR_EVER


def _mark(used: int, limit: int) -> Kind | None:
    if used == limit:
        return Kind.USAGE_AT_LIMIT
    near = -(-limit * NEAR_LIMIT // WHOLE)  # the first whole number at or past the mark
    return Kind.USAGE_NEAR_LIMIT if used == near else None
