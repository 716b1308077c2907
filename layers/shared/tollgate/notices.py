"""What users are told, as values. Pure; `tollgate.store.notices` queues each once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tollgate import calendar
from tollgate.metering import NEAR_LIMIT, Admission
from tollgate.plans import Window

WHOLE = 100


class Kind(StrEnum):
    """The occasions on which a user hears from us."""

    USAGE_NEAR_LIMIT = "usage_80"
    USAGE_AT_LIMIT = "usage_100"


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
    if usage is None or not usage.limit.count or not admission.user.notifications.usage_alerts:
        return None
    kind = _mark(usage.used, usage.limit.count)
    if kind is None:
        return None
    at, user = admission.call.at, admission.user
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
        facts={"limitType": usage.unit.value, "used": usage.used, "limit": usage.limit.count},
    )


def _mark(used: int, limit: int) -> Kind | None:
    if used == limit:
        return Kind.USAGE_AT_LIMIT
    near = -(-limit * NEAR_LIMIT // WHOLE)  # the first whole number at or past the mark
    return Kind.USAGE_NEAR_LIMIT if used == near else None
