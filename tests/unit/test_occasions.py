"""Which changes of the tables are worth telling: from rows alone, in whatever order and number they come."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from tests.unit.factories import DAY, NOW, a_subscription, a_user
from tollgate import calendar, occasions
from tollgate.notices import Kind, Notice, is_outdated
from tollgate.payments.mandates import Mandate, Stage
from tollgate.subscriptions import Status, Subscription

PAID: dict[str, Any] = {"razorpay_payment_id": "pay_1", "razorpay_order_id": "order_1"}
FIRST = a_subscription(name="tgs_1", created_at=NOW, **PAID)
END = FIRST.end_date or NOW


def period(name: str = "tgs_2", start: datetime = END, **changes: Any) -> Subscription:  # noqa: ANN401 -- any field's value
    return a_subscription(name=name, start=start, **({"created_at": NOW + DAY} | PAID | changes))


def kinds(old: Subscription | None, new: Subscription, *others: Subscription, now: datetime = NOW + DAY) -> list[Kind]:
    return [each.kind for each in occasions.of_period("u1", old, new, (new, *others), now)]


def test_a_first_period_is_paid_for_and_starts() -> None:
    assert kinds(None, FIRST) == [Kind.PAYMENT, Kind.STARTED]


def test_what_nobody_paid_for_at_razorpay_only_starts() -> None:
    assert kinds(None, replace(FIRST, razorpay_payment_id=None)) == [Kind.STARTED]


@pytest.mark.parametrize("ended", [Status.REFUNDED, Status.REPLACED])
def test_what_follows_a_period_that_was_taken_away_is_a_start(ended: Status) -> None:
    assert kinds(None, period(), FIRST) == [Kind.PAYMENT, Kind.RENEWED]
    assert kinds(None, period(start=NOW), replace(FIRST, status=ended, end_date=NOW)) == [Kind.PAYMENT, Kind.STARTED]


def test_a_cycle_of_the_same_mandate_is_a_renewal_also_after_a_gap() -> None:
    first = replace(FIRST, razorpay_order_id=None, razorpay_subscription_id="sub_1")
    cycle = period(start=END + 3 * DAY, razorpay_order_id=None, razorpay_subscription_id="sub_1")
    assert kinds(None, cycle, first, now=END + 3 * DAY) == [Kind.PAYMENT, Kind.RENEWED]
    assert kinds(None, first, cycle, now=END + 3 * DAY) == [
        Kind.PAYMENT,
        Kind.STARTED,
    ]  # told late, after its successor


def test_another_tier_bought_ahead_starts_when_it_starts() -> None:
    ahead = period(tier="student", plan="quarterly", status=Status.SCHEDULED)
    assert kinds(None, ahead, FIRST) == [Kind.PAYMENT]
    assert kinds(ahead, replace(ahead, status=Status.ACTIVE), FIRST, now=END) == [Kind.STARTED]
    assert kinds(ahead, replace(ahead, start_date=END + DAY), FIRST) == []  # moved back
    earlier = replace(ahead, start_date=NOW + DAY, status=Status.ACTIVE)
    assert kinds(ahead, earlier, FIRST) == [Kind.STARTED]  # what it waited for was refunded


def test_an_extension_that_begins_is_no_news() -> None:
    ahead = period(status=Status.SCHEDULED)
    assert kinds(ahead, replace(ahead, status=Status.ACTIVE), FIRST, now=END) == []


def test_an_end_by_the_clock_is_told_and_one_by_money_is_told_by_the_money() -> None:
    assert kinds(FIRST, replace(FIRST, status=Status.EXPIRED)) == [Kind.EXPIRED]
    assert kinds(replace(FIRST, status=Status.EXPIRED), replace(FIRST, status=Status.EXPIRED, auto_renew=True)) == []
    for status in (Status.REFUNDED, Status.REPLACED):
        assert kinds(FIRST, replace(FIRST, status=status)) == []


def test_a_period_that_ran_out_before_anybody_looked_never_started() -> None:
    ahead = period(status=Status.SCHEDULED)
    assert kinds(ahead, replace(ahead, status=Status.EXPIRED), now=END + 90 * DAY) == [Kind.EXPIRED]


def test_one_wish_cancels_a_chain_and_is_told_once_with_its_last_day() -> None:
    at = NOW + DAY
    first, second = FIRST.cancel(at), period().cancel(at)
    found = [
        notice
        for old, new in ((FIRST, first), (period(), second))
        for notice in occasions.of_period("u1", old, new, (second, first), at)
    ]
    assert [each.kind for each in found] == [Kind.CANCELLED] * 2
    assert len({each.id for each in found}) == 1
    assert {each.facts["endDate"] for each in found} == {calendar.iso(second.end_date or NOW)}


def test_dates_that_move_are_not_worth_a_look() -> None:
    assert not occasions.may_tell(FIRST, replace(FIRST, end_date=END + DAY))
    assert not occasions.may_tell(FIRST, replace(FIRST, auto_renew=True))
    assert occasions.may_tell(None, FIRST)
    assert occasions.may_tell(FIRST, replace(FIRST, status=Status.EXPIRED))
    assert occasions.may_tell(FIRST, FIRST.cancel(NOW))


# Payments and orders

LEDGER = {"id": "pay_1", "kind": "payment", "userId": "u1", "tier": "pro", "plan": "monthly", "amount": 14_900}
ORDER = LEDGER | {"id": "order_1", "kind": "order"}


def told(old: dict[str, Any] | None, new: dict[str, Any]) -> list[Notice]:
    return occasions.of_payment(old, new, NOW)


def test_a_grant_and_a_row_of_nobody_are_not_told_from_the_ledger() -> None:
    assert told(None, LEDGER) == []
    assert told(None, {"id": "pay_2", "kind": "payment", "amount": 5, "flagged": "open"}) == []
    assert told(None, {"id": "event#1", "kind": "event", "userId": "u1"}) == []


def test_a_flag_is_told_when_it_comes_and_not_when_it_goes() -> None:
    flagged = LEDGER | {"flagged": "open", "reason": "nothing_to_add"}
    assert [each.kind for each in told(None, flagged)] == [Kind.PAYMENT_UNDER_REVIEW]
    assert told(flagged, flagged | {"changes": 1}) == []
    assert told(flagged, LEDGER) == []


def test_a_refund_is_told_when_it_is_through() -> None:
    asked = LEDGER | {"refund#r1": {"amount": 900, "status": "pending"}}
    through = LEDGER | {"refund#r1": {"amount": 900, "status": "processed"}}
    rest = through | {"refund#r2": {"amount": 14_000, "status": "processed"}}
    assert told(LEDGER, asked) == []
    (part,) = told(asked, through)
    (whole,) = told(through, rest)
    assert (part.id, part.facts["refunded"], part.facts["whole"]) == ("u1#refund#r1", 900, False)
    assert (whole.id, whole.facts["refunded"], whole.facts["whole"]) == ("u1#refund#r2", 14_000, True)
    assert told(rest, rest | {"changes": 3}) == []
    assert told(asked, LEDGER | {"refund#r1": {"amount": 900, "status": "failed"}}) == []


def test_only_a_lost_dispute_is_told() -> None:
    for status in ("open", "won", "closed"):
        assert told(LEDGER, LEDGER | {"dispute#d": status}) == []
    (lost,) = told(LEDGER | {"dispute#d": "open"}, LEDGER | {"dispute#d": "lost"})
    assert (lost.kind, lost.id) == (Kind.TAKEN_BACK, "u1#taken_back#d")


def test_a_failed_attempt_is_told_by_its_order_unless_that_was_paid() -> None:
    failed = {"attempt#pay_9": {"status": "failed", "error": "payment_failed"}}
    (notice,) = told(ORDER, ORDER | failed)
    assert (notice.kind, notice.id) == (Kind.PAYMENT_FAILED, "u1#payment_failed#order_1")
    assert told(ORDER | failed, ORDER | failed | {"lookAt": "later"}) == []
    assert told(ORDER, ORDER | {"attempt#pay_9": {"status": "authorized"}}) == []
    assert told(ORDER | {"paymentId": "pay_1"}, ORDER | failed | {"paymentId": "pay_1"}) == []


# Mandates


def a_mandate(stage: Stage, **changes: Any) -> Mandate:  # noqa: ANN401 -- any field's value
    made = Mandate(
        id="sub_1",
        user_id="u1",
        email=None,
        tier="pro",
        plan="monthly",
        price=14_900,
        reference="ref",
        short_url="https://x",
        created_at=NOW,
        expires_at=NOW + DAY,
        stage=stage,
        paid_until=END,
    )
    return replace(made, **changes)


ACTIVE = a_mandate(Stage.ACTIVE)


def of_mandate(old: Mandate | None, new: Mandate) -> list[Notice]:
    return occasions.of_mandate(old, new, 4, NOW)


def test_a_renewal_that_fails_is_told_once_a_cycle() -> None:
    pending = a_mandate(Stage.PENDING)
    (first,) = of_mandate(ACTIVE, pending)
    assert of_mandate(pending, replace(pending, changes=2)) == []
    (again,) = of_mandate(ACTIVE, replace(pending, told_at=99))
    (next_cycle,) = of_mandate(ACTIVE, replace(pending, paid_until=END + 30 * DAY))
    assert first.id == again.id != next_cycle.id
    assert (first.kind, first.facts["final"], first.facts["graceDays"]) == (Kind.PAYMENT_FAILED, False, 4)


def test_a_renewal_that_is_given_up_is_told_apart() -> None:
    (notice,) = of_mandate(a_mandate(Stage.PENDING), a_mandate(Stage.HALTED))
    assert (notice.kind, notice.facts["final"]) == (Kind.PAYMENT_FAILED, True)


@pytest.mark.parametrize("stage", [Stage.CANCELLED, Stage.PAUSED])
def test_a_renewal_that_the_bank_stops_is_told_and_one_that_its_user_ended_is_not(stage: Stage) -> None:
    (notice,) = of_mandate(ACTIVE, a_mandate(stage))
    assert (notice.kind, notice.facts["byBank"]) == (Kind.CANCELLED, True)
    assert of_mandate(ACTIVE, a_mandate(stage, cancel_at=NOW)) == []
    assert of_mandate(a_mandate(Stage.HALTED), a_mandate(stage)) == []
    assert of_mandate(ACTIVE, a_mandate(stage, paid_until=None)) == []


@pytest.mark.parametrize("stage", [Stage.CREATED, Stage.AUTHENTICATED, Stage.ACTIVE, Stage.COMPLETED, Stage.EXPIRED])
def test_a_mandate_that_goes_its_way_is_no_news(stage: Stage) -> None:
    assert of_mandate(None, a_mandate(stage)) == []
    assert of_mandate(a_mandate(Stage.PENDING), a_mandate(stage)) == []


# What is not true any more


def notice(kind: Kind, **facts: object) -> Notice:
    return Notice(id="n", user_id="u1", kind=kind, at=NOW, facts=facts)


def test_an_end_is_outdated_once_something_runs() -> None:
    ended = notice(Kind.EXPIRED, endDate=calendar.iso(END))
    assert is_outdated(ended, a_user(FIRST), NOW)
    assert not is_outdated(ended, a_user(FIRST), END)
    assert not is_outdated(ended, None, NOW)


def test_of_several_periods_that_ran_out_unnoticed_the_last_ones_end_is_told() -> None:
    both, later = a_user(FIRST, period()), END + 400 * DAY
    last = period().end_date
    assert last is not None
    assert is_outdated(notice(Kind.EXPIRED, endDate=calendar.iso(END)), both, later)
    assert not is_outdated(notice(Kind.EXPIRED, endDate=calendar.iso(last)), both, later)
    refunded = a_user(FIRST, replace(period(), status=Status.REFUNDED))
    assert not is_outdated(notice(Kind.EXPIRED, endDate=calendar.iso(END)), refunded, later)


def test_a_reminder_is_outdated_once_the_end_or_its_renewal_is_another() -> None:
    reminder = notice(Kind.EXPIRY_REMINDER, tier="pro", endDate=calendar.iso(END), autoRenew=False)
    assert not is_outdated(reminder, a_user(FIRST), NOW)
    assert is_outdated(reminder, a_user(FIRST, period()), NOW)
    assert is_outdated(reminder, a_user(replace(FIRST, auto_renew=True)), NOW)
    assert is_outdated(reminder, a_user(replace(FIRST, status=Status.REFUNDED)), NOW)
    assert is_outdated(reminder, a_user(replace(FIRST, end_date=None)), NOW)
    assert is_outdated(reminder, a_user(), NOW)


@pytest.mark.parametrize("kind", sorted(set(Kind) - {Kind.EXPIRED, Kind.EXPIRY_REMINDER}))
def test_what_happened_stays_true(kind: Kind) -> None:
    assert not is_outdated(notice(kind), a_user(FIRST), NOW)
