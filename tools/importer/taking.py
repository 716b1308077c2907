"""From documents to our values. Pure: what cannot be taken is said, with its reason, and nothing is guessed about money."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from types import MappingProxyType
from typing import Any

from tollgate import calendar, plans, subscriptions
from tollgate.counters import counter
from tollgate.metering import Action
from tollgate.plans import Unit, Window
from tollgate.store import usage_log
from tollgate.subscriptions import Status, Subscription
from tollgate.users import Preference, User

LONGEST_ID = 128
NEVER_PAID = frozenset({"pending", "failed", "created"})
STANDING = {
    "active": Status.ACTIVE,
    "scheduled": Status.ACTIVE,
    "past_due": Status.ACTIVE,
    "cancelled": Status.ACTIVE,
    "canceled": Status.ACTIVE,
    "expired": Status.EXPIRED,
    "refunded": Status.REFUNDED,
    "replaced": Status.REPLACED,
}
# The names a count went by.
COUNTS: Mapping[Unit, tuple[str, ...]] = MappingProxyType(
    {
        Unit.RESUMES: ("resumesUsed", "resumesThisMonth", "resumesGenerated", "resumes"),
        Unit.ATS_SCANS: ("atsScansUsed", "atsScansThisMonth", "atsScans"),
        Unit.JOB_MATCHES: ("jobMatchesUsed", "jobMatchesToday", "jobMatches"),
        Unit.COVER_LETTERS: ("coverLettersUsed", "coverLettersThisMonth", "coverLetters"),
    }
)


class RejectedError(ValueError):
    """A document that cannot be taken; its text says why."""


class NothingToTakeError(ValueError):
    """A document that stands for nothing we keep, such as a free plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call of an AI provider, as the original's log of use has it; `facts` are those of our own log."""

    id: str
    action: Action
    at: datetime
    facts: Mapping[str, Any]


@dataclass(slots=True)
class Taken:
    """A user with everything that belongs to them, and what somebody should know about it."""

    user: User
    totals: int = 0
    notes: list[str] = field(default_factory=list)


def identity(value: object) -> str:
    """A user's id, as tokens carry it. Raises RejectedError."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value or len(value) > LONGEST_ID or not value.isprintable():
        raise RejectedError("has no usable id")
    return value


def owner(fields: Mapping[str, Any], problem: str | None) -> str:
    """Whose a document is. Raises RejectedError, also for one that has a problem."""
    if problem:
        raise RejectedError(problem)
    return identity(fields.get("userId", fields.get("user")))


def user(fields: Mapping[str, Any], now: datetime) -> Taken:
    """The user of a document, of whom nothing was bought yet. Raises RejectedError."""
    user_id = identity(fields.get("_id"))
    notes: list[str] = []
    email = _email(fields.get("email"), notes)
    wished = fields.get("aiPreference", fields.get("preference", Preference.AUTO))
    preference = Preference.AUTO
    if isinstance(wished, str) and wished in set(Preference):
        preference = Preference(wished)
    elif wished is not None:
        notes.append("its AI preference is unknown and was left at auto")
    made = fields.get("createdAt")
    created = calendar.whole_second(made if isinstance(made, datetime) else now)
    return Taken(User(id=user_id, created_at=created, email=email, preference=preference), notes=notes)


def _email(value: object, notes: list[str]) -> str | None:
    """One spelling of an address, so that the same one in other letters is seen to be the same."""
    if value is None:
        return None
    text = value.strip().lower() if isinstance(value, str) else ""
    if not re.fullmatch(r"[^@\s]{1,64}@[^@\s]+\.[^@\s]+", text):
        notes.append("its e-mail address is none and was left out; the next token brings one")
        return None
    return text


def period(fields: Mapping[str, Any], unit_paise: int, now: datetime) -> Subscription:
    """A period as it was paid: its dates stay what they are, also where a month was thirty days.

    `unit_paise` is what an amount of one stands for: 100 where amounts are rupees. Raises RejectedError, NothingToTakeError.
    """
    tier, plan = _plan(fields)
    status = fields.get("status")
    if status in NEVER_PAID:
        raise NothingToTakeError(f"was never paid ({status})")
    if not isinstance(status, str) or status not in STANDING:
        raise RejectedError(f"has an unknown status {_told(status)}")
    start = _instant(fields, "startDate") or _instant(fields, "createdAt")
    if start is None:
        raise RejectedError("has no start")
    end = _instant(fields, "endDate")
    found = plans.find(tier, plan)
    for_ever = found is not None and found[1].lasts.end(start, plans.anchor(start)) is None
    if end is None and not for_ever:
        raise RejectedError("has no end, and its plan has one")
    if end is not None and end <= start:
        raise RejectedError("ends before it begins")
    created = _instant(fields, "createdAt") or start
    cancelled = (_instant(fields, "cancelledAt") or now) if str(status).startswith("cancel") else None
    return Subscription(
        subscription_id=_subscription_id(fields, created),
        tier=tier,
        plan=plan,
        amount=_paise(fields.get("amount"), unit_paise),
        start_date=start,
        end_date=None if for_ever else end,
        anchor_day=plans.anchor(start),
        created_at=created,
        currency=_currency(fields.get("currency")),
        status=STANDING[status],
        razorpay_order_id=_text(fields, "razorpayOrderId", r"order_\w+"),
        razorpay_payment_id=_text(fields, "razorpayPaymentId", r"pay_\w+"),
        cancelled_at=cancelled,
    )


def _plan(fields: Mapping[str, Any]) -> tuple[str, str]:
    tier, plan = fields.get("tier"), fields.get("plan")
    if tier == plans.BASE.id:
        raise NothingToTakeError("is what everybody has")
    if not isinstance(tier, str) or tier not in plans.RANK:
        raise RejectedError(f"has an unknown tier {_told(tier)}")
    if plan is None and len(plans.tier(tier).plans) == 1:
        plan = plans.tier(tier).plans[0].id
    if not isinstance(plan, str) or plans.find(tier, plan) is None:
        raise RejectedError(f"has an unknown plan {_told(plan)} of {tier}")
    return tier, plan


def _told(value: object) -> str:
    return repr(value)[:40]


def _instant(fields: Mapping[str, Any], name: str) -> datetime | None:
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, str):
        try:
            value = calendar.parse(value)
        except ValueError as error:
            raise RejectedError(f"has no date in {name}") from error
    if not isinstance(value, datetime):
        raise RejectedError(f"has no date in {name}")
    return calendar.whole_second(value)


def _paise(value: object, unit_paise: int) -> int:
    """Whole paise; a missing amount is nothing, so that it never becomes credit."""
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RejectedError(f"has no number in amount but {_told(value)}")
    paise = Decimal(str(value)) * unit_paise
    if not paise.is_finite() or paise != int(paise) or paise < 0:
        raise RejectedError(f"has an amount of {_told(value)}, which is no whole number of paise")
    return int(paise)


def _currency(value: object) -> str:
    if value not in {None, plans.CURRENCY}:
        raise RejectedError(f"is not in {plans.CURRENCY}")
    return plans.CURRENCY


def _text(fields: Mapping[str, Any], name: str, pattern: str) -> str | None:
    value = fields.get(name)
    return value if isinstance(value, str) and re.fullmatch(pattern, value, re.ASCII) else None


def _subscription_id(fields: Mapping[str, Any], created: datetime) -> str:
    """Sorts by time like ours, and is the same in every run."""
    own = re.sub(r"[^0-9a-z]", "", str(fields.get("_id", "")).lower())[-24:]
    if not own:
        raise RejectedError("has no usable id")
    return f"tgs_{max(int(created.timestamp() * 1000), 0):013d}{own}"[:40]


def with_periods(taken: Taken, periods: Sequence[Subscription], now: datetime) -> Taken:
    """The user with what still gives access, now or later; what is over is history and stands in its own rows alone."""
    live = [each for each in periods if not each.is_over(now)]
    live.sort(key=lambda each: each.start_date)
    return replace(taken, user=replace(taken.user, subscriptions=tuple(live)))


def with_usage(taken: Taken, fields: Mapping[str, Any], now: datetime) -> Taken:
    """The user with what was counted in windows that are still open. Raises RejectedError.

    The original zeroed counts as late as the first use of a new window, so a count belongs to the window of its last reset.
    """
    reset = _instant(fields, "lastResetDate") or _instant(fields, "lastReset")
    counts: dict[str, int] = {}
    tier = taken.user.tier(now)
    for unit, names in COUNTS.items():
        used = _count(fields, names)
        window = tier.limits[unit].window
        if used and (window is Window.PASS or _is_open(window, reset, now)):
            counts[counter(unit, window, now)] = used
    total = _count(fields, ("totalResumesGenerated",))
    return replace(taken, user=replace(taken.user, counters=MappingProxyType(counts), resumes_generated=total))


def is_call(fields: Mapping[str, Any]) -> bool:
    """Whether a document of the usage collection is a line of a log, and not a user's counts."""
    return "action" in fields


def call(fields: Mapping[str, Any], periods: Sequence[Subscription], now: datetime) -> Call:
    """A line of the log, without anything that may hold what a user wrote. Raises RejectedError, NothingToTakeError."""
    action = fields["action"]
    if not isinstance(action, str) or action not in set(Action):
        raise RejectedError(f"has an unknown action {_told(action)}")
    at = _instant(fields, "timestamp") or _instant(fields, "createdAt")
    if at is None:
        raise RejectedError("has no timestamp")
    if at <= now - usage_log.KEPT:
        raise NothingToTakeError(f"is older than the {usage_log.KEPT.days} days that the log is kept")
    micro = _micro_usd(fields.get("cost"))
    own = re.sub(r"[^0-9A-Za-z-]", "", str(fields.get("_id", "")))[:LONGEST_ID]
    if not own:
        raise RejectedError("has no usable id")
    then = [replace(each, status=Status.ACTIVE) for each in periods]  # whatever they are by now
    running = subscriptions.running(then, at)
    facts = {
        "aiProvider": _text(fields, "aiProvider", r"gemini|gpt4o"),
        "model": _text(fields, "model", r"[\w.:-]{1,64}"),
        "tokensUsed": _tokens(fields.get("tokensUsed")),
        "costMicroUsd": micro,
        "cost": Decimal(micro).scaleb(-6),
        "success": fields.get("success") is not False,
        "metadata": {"tier": running.tier if running else plans.BASE.id},
    }
    return Call(
        id=own, action=Action(action), at=at, facts={name: value for name, value in facts.items() if value is not None}
    )


def _tokens(value: object) -> dict[str, int] | None:
    """`{input, output, total}`, or one number, which is the total."""
    if value is None:
        return None
    told = value if isinstance(value, dict) else {"total": value}
    return {name: _count(told, (name,)) for name in ("input", "output", "total") if name in told}


def _micro_usd(value: object) -> int:
    """Whole micro-dollars of an amount of dollars, rounded up: what was spent is never told smaller."""
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RejectedError(f"has no number in cost but {_told(value)}")
    micro = (Decimal(str(value)) * 1_000_000).normalize()
    if not micro.is_finite() or micro < 0:
        raise RejectedError(f"has a cost of {_told(value)}")
    return int(micro.to_integral_value(ROUND_CEILING))


def _is_open(window: Window, reset: datetime | None, now: datetime) -> bool:
    stamp = calendar.day_stamp if window is Window.DAY else calendar.month_stamp
    return reset is not None and stamp(reset) == stamp(now)


def _count(fields: Mapping[str, Any], names: Sequence[str]) -> int:
    value = next((fields[name] for name in names if fields.get(name) is not None), 0)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise RejectedError(f"has no count in {names[0]} but {_told(value)}")
    return value
