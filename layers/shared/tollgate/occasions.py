"""Which changes of the tables are worth telling the user, as notices. Pure.

The occasion is read from what was written, never from the request that wrote it: whatever way a payment came, its mail follows
from its row. A notice's id follows from the occasion too, so a change that is told twice queues nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from tollgate import calendar
from tollgate.notices import Kind, Notice
from tollgate.payments.mandates import RENEWING, Mandate, Stage
from tollgate.subscriptions import ENDED, Status, Subscription
from tollgate.users import CLOCKS_DIFFER

ATTEMPT, REFUND, DISPUTE = "attempt#", "refund#", "dispute#"
OVER = ENDED | {Status.EXPIRED}
STOPPED = frozenset({Stage.CANCELLED, Stage.PAUSED})

type Row = Mapping[str, Any]


# A paid period


def may_tell(old: Subscription | None, new: Subscription) -> bool:
    """Whether a change of a period's row can be about anything; dates that move are not."""
    before = (old.status, old.cancelled_at, old.start_date) if old else None
    return before != (new.status, new.cancelled_at, new.start_date)


def of_period(
    user_id: str, old: Subscription | None, new: Subscription, periods: Sequence[Subscription], now: datetime
) -> list[Notice]:
    """What a change of a period's row is about. `periods` are the user's newest ones."""
    continues = any(_continues(new, each) for each in periods)
    kinds = list(_kinds(old, new, now, continues=continues))
    return [_about(user_id, kind, _whole(kind, new, periods), now) for kind in kinds]


def _whole(kind: Kind, period: Subscription, periods: Sequence[Subscription]) -> Subscription:
    """Of the periods that one wish cancelled, the last: access lasts to its end."""
    if kind is not Kind.CANCELLED:
        return period
    return max(
        (each for each in (*periods, period) if each.cancelled_at == period.cancelled_at),
        key=lambda each: each.start_date,
    )


def _kinds(old: Subscription | None, new: Subscription, now: datetime, *, continues: bool) -> Iterator[Kind]:
    if old is None and new.razorpay_payment_id:
        yield Kind.PAYMENT
    if old is None and continues:
        yield Kind.RENEWED
    elif _begins(old, new, now) and not continues:
        yield Kind.STARTED
    if old and new.status is Status.EXPIRED and old.status is not Status.EXPIRED:
        yield Kind.EXPIRED
    if old and new.cancelled_at and old.cancelled_at is None:
        yield Kind.CANCELLED


def _begins(old: Subscription | None, new: Subscription, now: datetime) -> bool:
    if new.status in OVER:
        return False
    begun = (
        new.status is not Status.SCHEDULED and new.start_date <= now + CLOCKS_DIFFER
    )  # whoever began it may be ahead
    if old is None:
        return begun
    waited = old.status is Status.SCHEDULED or old.start_date > new.start_date
    return waited and begun


def _continues(new: Subscription, earlier: Subscription) -> bool:
    """Whether it goes on where an earlier one of the same tier ended, or is charged by the mandate that paid for that."""
    if earlier.tier != new.tier or earlier.status in ENDED or earlier.subscription_id >= new.subscription_id:
        return False  # ids sort by time
    mandate = new.razorpay_subscription_id
    return earlier.end_date == new.start_date or (mandate is not None and earlier.razorpay_subscription_id == mandate)


def _about(user_id: str, kind: Kind, period: Subscription, now: datetime) -> Notice:
    subject = {
        Kind.PAYMENT: period.razorpay_payment_id,
        # A plan is cancelled with all the periods that follow it: one wish, one notice.
        Kind.CANCELLED: calendar.iso(period.cancelled_at) if period.cancelled_at else None,
    }
    facts = {
        "tier": period.tier,
        "plan": period.plan,
        "amount": period.amount,
        "credit": period.credit,
        "paymentId": period.razorpay_payment_id,
        "startDate": calendar.iso(period.start_date),
        "endDate": calendar.iso(period.end_date) if period.end_date else None,
        "autoRenew": period.auto_renew or period.is_cycle,
        "ahead": period.start_date > period.created_at,
    }
    return _notice(user_id, kind, subject.get(kind) or period.subscription_id, now, facts)


# Payments, orders and mandates


def of_payment(old: Row | None, new: Row, now: datetime) -> list[Notice]:
    """What a change of a row of the payments table is about; periods have rows of their own."""
    user_id = new.get("userId")
    if user_id is None:
        return []
    known = old or {}
    found = {"payment": _of_ledger, "order": _of_order}.get(str(new.get("kind")), _nothing)(known, new)
    return [_notice(user_id, kind, subject, now, facts) for kind, subject, facts in found]


type Told = tuple[Kind, str, dict[str, Any]]


def _nothing(_old: Row, _new: Row) -> Iterator[Told]:
    return iter(())


def _of_ledger(old: Row, new: Row) -> Iterator[Told]:
    facts = {"tier": new.get("tier"), "plan": new.get("plan"), "amount": new["amount"], "paymentId": new["id"]}
    if "flagged" in new and not old:
        yield Kind.PAYMENT_UNDER_REVIEW, new["id"], facts
    for name in _news(old, new, REFUND):
        if new[name]["status"] == "processed":
            back = sum(
                each["amount"] for key, each in new.items() if key.startswith(REFUND) and each["status"] == "processed"
            )
            whole = back >= new["amount"]
            yield Kind.REFUND, name.removeprefix(REFUND), facts | {"refunded": new[name]["amount"], "whole": whole}
    for name in _news(old, new, DISPUTE):
        if new[name] == "lost":
            yield Kind.TAKEN_BACK, name.removeprefix(DISPUTE), facts


def _of_order(old: Row, new: Row) -> Iterator[Told]:
    """A payment that failed, once an order however often it is tried; not where it was paid after all."""
    failed = [name for name in _news(old, new, ATTEMPT) if new[name]["status"] == "failed"]
    if failed and "paymentId" not in new:
        facts = {"tier": new["tier"], "plan": new["plan"], "amount": new["amount"], "orderId": new["id"]}
        yield Kind.PAYMENT_FAILED, new["id"], facts


def _news(old: Row, new: Row, prefix: str) -> list[str]:
    return sorted(name for name in new if name.startswith(prefix) and new[name] != old.get(name))


def of_mandate(old: Mandate | None, new: Mandate, grace_days: int, now: datetime) -> list[Notice]:
    """A renewal that failed, for now or for good, and one that the user's bank stopped; each once a cycle."""
    if old is None or old.stage is new.stage or new.cancel_at:
        return []
    end = new.paid_until
    facts = {
        "tier": new.tier,
        "plan": new.plan,
        "amount": new.price,
        "endDate": calendar.iso(end) if end else None,
        "graceDays": grace_days,
    }
    cycle = f"{new.id}#{calendar.iso(end) if end else ''}"
    if new.stage is Stage.PENDING:
        return [_notice(new.user_id, Kind.PAYMENT_FAILED, cycle, now, facts | {"final": False})]
    if new.stage is Stage.HALTED:
        return [_notice(new.user_id, Kind.PAYMENT_FAILED, f"{cycle}#final", now, facts | {"final": True})]
    if new.stage in STOPPED and old.stage in RENEWING and end:
        return [_notice(new.user_id, Kind.CANCELLED, f"{cycle}#{new.stage}", now, facts | {"byBank": True})]
    return []


def _notice(user_id: str, kind: Kind, subject: str, now: datetime, facts: dict[str, Any]) -> Notice:
    return Notice(id=f"{user_id}#{kind}#{subject}", user_id=user_id, kind=kind, at=now, facts=facts)
