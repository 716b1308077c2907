"""A user's account as a whole: handing over everything that is held on it, and deleting it.

What the law wants kept is kept under the user's opaque id: periods, orders, mandates and payments (`docs/decisions/0019`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from tollgate import calendar
from tollgate.errors import ErasurePending, ProviderUnavailable
from tollgate.payments import renewals
from tollgate.store import accounts as store
from tollgate.store import users
from tollgate.store.accounts import ERASED, HANDED_OVER, PAYMENTS, SUBSCRIPTIONS, USAGE, Section
from tollgate.store.dynamodb import ConditionFailedError
from tollgate.users import User

FORMAT = "tollgate-export/1"
PAGE = 100  # rows of an export
TRIES = 5
KEPT_YEARS = 8
# How we find and tend rows; it says nothing about their owner.
OURS = frozenset(
    {
        "open",
        "lookAt",
        "changedOn",
        "due",
        "dueAt",
        "flagged",
        "changes",
        "claimedBy",
        "claimedUntil",
        "tries",
        "userId",
    }
)
KEPT = ("subscriptions", "orders", "payments", "refunds", "mandates", "creditBalance")
GONE = ("email", "preferences", "usage", "usageHistory", "usageLog", "notices", "storedReplies", "cancelReasons")
WHY = (
    f"Books of account and the records behind them are kept for {KEPT_YEARS} financial years, under an id that names nobody: "
    "Companies Act 2013 s. 128(5); CGST Act 2017 s. 36 asks for 72 months from the annual return."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a page of an export begins: in a section, behind a row."""

    section: Section = SUBSCRIPTIONS
    after: str = ""


def export(user: User, at: Place, now: datetime) -> tuple[dict[str, Any], Place | None]:
    """A page of what is held on the user, and where the next one begins; None at the end."""
    rows: dict[str, list[Any]] = {section.name: [] for section in HANDED_OVER}
    left, place = PAGE, at
    while True:
        found, last = store.page(place.section, user.id, place.after, left)
        rows[place.section.name] = [_shown(each) for each in found if _lives(place.section, each, now)]
        left -= len(found)
        nxt = Place(section=place.section, after=last) if last else _following(place.section)
        if nxt is None or left <= 0:
            break
        place = nxt
    first = {"account": _account(user)} if at == Place() else {}
    return {"format": FORMAT, "userId": user.id, "exportedAt": calendar.iso(now), **first, **rows}, nxt


def _following(section: Section) -> Place | None:
    rest = HANDED_OVER[HANDED_OVER.index(section) + 1 :]
    return Place(section=rest[0]) if rest else None


def _lives(section: Section, row: Mapping[str, Any], now: datetime) -> bool:
    """Deletion of what has expired lags; it is not held any more."""
    return section is not USAGE or row.get("expiresAt", now.timestamp() + 1) > now.timestamp()


def _account(user: User) -> dict[str, Any]:
    return {
        "email": user.email,
        "createdAt": calendar.iso(user.created_at),
        "signedOutAt": calendar.iso(user.signed_out_at) if user.signed_out_at else None,
        "creditBalance": user.credit_balance,
        "preferences": {
            "aiService": user.preference.value,
            "usageAlerts": user.notifications.usage_alerts,
            "subscriptionExpiry": user.notifications.subscription_expiry,
        },
        "counters": dict(user.counters),
        "totalResumesGenerated": user.resumes_generated,
    }


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in row.items() if name not in OURS}


def _plain(value: Any) -> Any:  # noqa: ANN401 -- whatever a row holds
    match value:
        case Decimal():
            return str(value)
        case Mapping():
            return {name: _plain(each) for name, each in value.items()}
        case list():
            return [_plain(each) for each in value]
    return value


def delete(user_id: str, now: datetime, has_time: Callable[[], bool]) -> datetime:
    """Delete an account: end what could charge, put a tombstone in its record's place, then erase row by row; when it was.

    Each step may be done again, so whoever was interrupted sends the same request once more. Raises ErasurePending where more
    is held than there is time for, and ProviderUnavailable.
    """
    deleted_at = _buried(user_id, now)
    _end_mandates(user_id, now)  # also one that was made while the tombstone was written
    for section, forget in ((SUBSCRIPTIONS, store.forget_reason), (PAYMENTS, store.forget_payer)):
        after: str | None = ""
        while after is not None:
            _must_go_on(has_time)
            rows, after = store.page(section, user_id, after, PAGE)
            for row in rows:
                forget(row)
    for section in ERASED:
        _must_go_on(has_time)
        while store.erase(section, user_id):
            _must_go_on(has_time)
    return deleted_at


def _must_go_on(has_time: Callable[[], bool]) -> None:
    if not has_time():
        raise ErasurePending("The account is closed and being erased. Send the request again for the rest.")


def _buried(user_id: str, now: datetime) -> datetime:
    for _ in range(TRIES):
        before = users.get(user_id)
        if before and before.deleted_at:
            return before.deleted_at
        _end_mandates(user_id, now)
        try:
            store.bury(user_id, before, now)
        except ConditionFailedError:
            continue  # bought, chosen or deleted at this moment
        return calendar.whole_second(now)
    raise ProviderUnavailable("Too much is happening to this account at once; try again in a moment.")


def _end_mandates(user_id: str, now: datetime) -> None:
    for _ in range(TRIES):
        try:
            return renewals.leave(user_id, now)
        except ConditionFailedError:
            continue  # it was charged, or moved on, at this moment
    raise ProviderUnavailable("Your renewal is being charged at this moment; try again.")
