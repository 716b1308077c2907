"""While a renewal is tried access outlasts the paid end by the grace and no longer; a mandate's cycles keep their dates."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.factories import DAY, NOW, SECOND, a_subscription, a_user, india
from tollgate import metering, plans, purchases, subscriptions
from tollgate.errors import Conflict
from tollgate.payments import mandates
from tollgate.payments.mandates import Mandate, Stage
from tollgate.subscriptions import Status, Subscription

FOUR = 4 * DAY


def a_cycle(
    start: datetime, end: datetime, name: str = "tgs_cycle", tier: str = "pro", **changes: object
) -> Subscription:
    """A period that a mandate paid for and renews."""
    paid = a_subscription(tier, "monthly", start, name=name, razorpay_subscription_id="sub_1", **changes)
    return replace(paid, end_date=end, auto_renew=True, grace_days=4)


def end_of(each: Subscription) -> datetime:
    assert each.end_date is not None
    return each.end_date


FIRST = a_cycle(NOW, india("2026-12-23 00:00:00"), "one")
SECOND_CYCLE = a_cycle(india("2026-12-23 00:00:00"), india("2027-01-23 00:00:00"), "two")
THIRD = a_cycle(india("2027-01-23 00:00:00"), india("2027-02-23 00:00:00"), "three")


def test_access_outlasts_the_paid_end_by_exactly_the_grace() -> None:
    end = end_of(FIRST)
    for at, active, status in (
        (end - SECOND, True, Status.ACTIVE),
        (end, True, Status.PAST_DUE),
        (end + FOUR - SECOND, True, Status.PAST_DUE),
        (end + FOUR, False, Status.EXPIRED),
    ):
        assert FIRST.is_active(at) is active
        assert FIRST.is_over(at) is not active
        assert FIRST.status_at(at) is status


def test_without_a_renewal_under_way_there_is_no_grace() -> None:
    ended = replace(FIRST, auto_renew=False)
    assert not ended.is_active(end_of(FIRST))
    assert ended.status_at(end_of(FIRST)) is Status.EXPIRED
    assert not FIRST.cancel(NOW).is_active(end_of(FIRST))


def test_the_grace_is_worth_no_credit_and_no_days() -> None:
    late = end_of(FIRST) + DAY
    assert (FIRST.unused(late), FIRST.days_remaining(late)) == (0, 0)


def test_the_terms_of_admission_hold_to_the_end_of_the_grace_and_change_there() -> None:
    user, end = a_user(FIRST), end_of(FIRST)
    assert subscriptions.next_change(user.subscriptions, NOW) == end
    assert metering.terms_of(user, end)["until"] == int((end + FOUR).timestamp())
    assert metering.terms_of(user, end)["tier"] == "pro"
    assert metering.terms_of(user, end + FOUR)["tier"] == plans.BASE.id


def test_paid_time_counts_before_grace_and_the_higher_plan_before_the_lower() -> None:
    end = end_of(FIRST)
    bought = a_subscription("pro", "monthly", end + DAY, name="bought")
    student = a_subscription("student", start=end, name="student")
    assert subscriptions.running([FIRST, bought], end + 2 * DAY) is bought
    assert subscriptions.running([FIRST, student], end + 2 * DAY) is FIRST
    assert subscriptions.running([FIRST, student], end + FOUR) is student


@pytest.mark.parametrize("order", list(permutations((FIRST, SECOND_CYCLE, THIRD))))
def test_cycles_told_in_any_order_lie_on_their_own_dates(order: tuple[Subscription, ...]) -> None:
    now, timeline = india("2026-12-22 12:00:00"), ()
    laid: tuple[Subscription, ...] = timeline
    for cycle in order:
        laid = subscriptions.add_cycle(laid, cycle, now)
    assert [(each.subscription_id, each.start_date, each.end_date) for each in laid] == [
        (each.subscription_id, each.start_date, each.end_date) for each in (FIRST, SECOND_CYCLE, THIRD)
    ]


def test_what_was_bought_ahead_moves_behind_the_cycle_and_loses_nothing() -> None:
    ahead = a_subscription("pro", "monthly", end_of(FIRST), name="ahead")
    student = a_subscription("student", start=end_of(ahead), name="student")
    laid = subscriptions.add_cycle([FIRST, ahead, student], SECOND_CYCLE, end_of(FIRST) + DAY)
    assert [each.subscription_id for each in laid] == ["one", "two", "ahead", "student"]
    assert [each.start_date for each in laid[1:]] == [end_of(each) for each in laid[:-1]]
    assert end_of(laid[1]) == end_of(SECOND_CYCLE)
    assert not laid[0].auto_renew


@given(st.integers(1, 40 * 86_400))
def test_what_reaches_into_a_cycle_lengthens_it_by_as_much(seconds: int) -> None:
    late = timedelta(seconds=seconds)
    held = replace(a_subscription("pro", "monthly", NOW, name="held"), end_date=SECOND_CYCLE.start_date + late)
    laid = subscriptions.add_cycle([held], SECOND_CYCLE, NOW)
    assert laid[1].start_date == end_of(laid[0]) == SECOND_CYCLE.start_date + late
    assert end_of(laid[1]) == end_of(SECOND_CYCLE) + late


def test_a_cycle_below_the_running_plan_is_bought_ahead() -> None:
    premium = a_subscription("premium", "yearly", NOW, name="premium")
    laid = subscriptions.add_cycle([premium], FIRST, NOW + DAY)
    assert [each.subscription_id for each in laid] == ["premium", "one"]
    assert laid[1].start_date == end_of(premium)


def test_a_cycle_above_the_running_plan_begins_at_once_against_credit() -> None:
    user = a_user(a_subscription("student", start=NOW, name="student"))
    after = purchases.grant_cycle(user, FIRST, NOW + DAY)
    current = after.running(NOW + DAY)
    assert current is not None
    assert (current.subscription_id, current.start_date) == ("one", NOW + DAY)
    assert end_of(current) >= end_of(FIRST)
    assert after.credit_balance == user.subscriptions[0].unused(NOW + DAY) > 0


def test_nothing_is_added_to_a_plan_without_end() -> None:
    with pytest.raises(Conflict):
        purchases.grant_cycle(a_user(tier="lifetime"), FIRST, NOW)


def test_a_refund_before_a_cycle_does_not_pull_its_end_forward() -> None:
    order = a_subscription("pro", "monthly", NOW, name="order", razorpay_order_id="order_1")
    cycle = replace(a_cycle(end_of(order), end_of(order) + 31 * DAY, "cycle"))
    left = subscriptions.revoke([order, cycle], "order", NOW + DAY)
    assert (left[1].start_date, left[1].end_date) == (NOW + DAY, cycle.end_date)


def test_an_authorisation_renews_only_what_is_paid_up_to_its_first_charge() -> None:
    paid = a_subscription("pro", "monthly", NOW, name="paid")
    for first, renews in ((None, False), (end_of(paid), True), (end_of(paid) + SECOND, False)):
        (left,) = subscriptions.renewed_by([paid], "sub_1", "pro", 4, first)
        assert left.auto_renew is renews
    (other,) = subscriptions.renewed_by([paid], "sub_1", "premium", 4, end_of(paid))
    assert other == paid


def test_only_the_mandate_that_renews_a_period_can_stop_that() -> None:
    assert subscriptions.not_renewed_by([FIRST], "sub_2") == (FIRST,)
    assert not subscriptions.not_renewed_by([FIRST], "sub_1")[0].auto_renew


# Where a mandate stands


def a_mandate(stage: Stage, told_at: int, **changes: Any) -> Mandate:  # noqa: ANN401 -- any field's value
    made = Mandate(
        id="sub_1",
        user_id="u1",
        email=None,
        tier="pro",
        plan="monthly",
        price=14_900,
        reference="tg_1",
        short_url="",
        created_at=NOW,
        expires_at=NOW + DAY,
        stage=stage,
        told_at=told_at,
    )
    return replace(made, **changes)


@given(st.sampled_from(Stage), st.sampled_from(Stage), st.integers(0, 3), st.integers(0, 3))
def test_a_mandate_only_moves_forward_and_never_from_its_end(known: Stage, told: Stage, then: int, at: int) -> None:
    news = a_mandate(known, then).is_news(told, at)
    assert not (news and at < then)
    assert not (news and known in mandates.FINAL)
    assert not (news and (known, then) == (told, at))
    if known not in mandates.FINAL and at > then:
        assert news


@pytest.mark.parametrize("stage", Stage)
def test_a_mandate_keeps_access_only_while_it_is_authorised_active_or_tried(stage: Stage) -> None:
    kept = stage in {Stage.AUTHENTICATED, Stage.ACTIVE, Stage.PENDING}
    assert a_mandate(stage, 1).renews is kept
    assert not a_mandate(stage, 1, cancel_at=NOW).renews


def test_an_open_mandate_is_offered_again_only_for_the_same_price_start_and_while_it_can_be_paid() -> None:
    found = plans.find("pro", "monthly")
    assert found is not None
    plan, opened = found[1], a_mandate(Stage.CREATED, 0)
    assert opened.is_open_for(plan, None, NOW)
    assert not opened.is_open_for(replace(plan, price_paise=15_900), None, NOW)
    assert not opened.is_open_for(plan, NOW + DAY, NOW)
    assert not opened.is_open_for(plan, None, NOW + DAY - mandates.TIGHT)
    assert not a_mandate(Stage.ACTIVE, 0).is_open_for(plan, None, NOW)
    assert not a_mandate(Stage.CREATED, 0, cancel_at=NOW).is_open_for(plan, None, NOW)


def test_a_mandate_comes_back_as_it_was_written() -> None:
    full = a_mandate(
        Stage.ACTIVE, 7, starts_at=NOW, paid_until=NOW + DAY, cancel_at=NOW, cancelled=True, cycles={"cycle#1": "pay_1"}
    )
    for each in (full, a_mandate(Stage.CREATED, 0)):
        assert mandates.to_mandate(mandates.from_mandate(each)) == each


def test_every_plan_that_renews_has_a_rhythm_of_ten_years() -> None:
    renewing = {
        (tier.id, plan.id): (mandates.rhythm(plan), mandates.total_count(plan))
        for tier in plans.TIERS
        for plan in tier.plans
        if plan.auto_renews
    }
    assert renewing == {
        ("pro", "monthly"): (("monthly", 1), 120),
        ("pro", "yearly"): (("yearly", 1), 10),
        ("premium", "monthly"): (("monthly", 1), 120),
        ("premium", "yearly"): (("yearly", 1), 10),
    }


# What waits behind a renewing plan

BEHIND = a_subscription("student", "quarterly", end_of(FIRST) + FOUR, name="behind")
HIGHER = replace(FIRST, tier="premium", subscription_id="higher")


def test_what_is_bought_below_a_renewing_plan_begins_when_its_grace_is_over() -> None:
    placed = subscriptions.place([HIGHER], replace(BEHIND, start_date=NOW), NOW)
    (behind,) = [each for each in placed if each.tier == "student"]
    assert behind.start_date == end_of(HIGHER) + FOUR
    (alone,) = [
        each
        for each in subscriptions.place([replace(HIGHER, auto_renew=False)], replace(BEHIND, start_date=NOW), NOW)
        if each.tier == "student"
    ]
    assert alone.start_date == end_of(HIGHER)


@pytest.mark.parametrize(
    ("renews", "now", "begins"),
    [
        (True, NOW, end_of(HIGHER) + FOUR),
        (False, NOW, end_of(HIGHER)),
        (True, end_of(HIGHER) + DAY, end_of(HIGHER) + FOUR),
        (False, end_of(HIGHER) + DAY, end_of(HIGHER) + DAY),  # halted: nothing runs, and nothing waits any longer
    ],
)
def test_what_waits_moves_to_where_the_access_above_it_ends_by_now(
    renews: bool,  # noqa: FBT001 -- a case
    now: datetime,
    begins: datetime,
) -> None:
    laid = subscriptions.laid_again([replace(HIGHER, auto_renew=renews), BEHIND], now)
    behind = laid[-1]
    assert behind.start_date == begins
    assert behind.end_date == plans.tier("student").plans[0].lasts.end(begins, plans.anchor(begins))
    assert subscriptions.laid_again(laid, now) == laid


def test_what_runs_already_is_not_moved() -> None:
    later = end_of(HIGHER) + 10 * DAY
    running = replace(BEHIND, start_date=end_of(HIGHER) + FOUR)
    assert subscriptions.laid_again([replace(HIGHER, auto_renew=False), running], later)[-1] == running


def test_what_follows_in_the_same_tier_begins_at_the_paid_end() -> None:
    second = subscriptions.place([FIRST], a_subscription("pro", "monthly", NOW, name="bought"), NOW)[-1]
    assert second.start_date == end_of(FIRST)


def test_a_cycle_ahead_of_its_time_is_not_pulled_forward_where_nothing_runs() -> None:
    ended = replace(FIRST, auto_renew=False)
    now = end_of(FIRST) + DAY
    assert subscriptions.laid_again([ended, THIRD], now) == (ended, THIRD)


def test_whoever_holds_a_plan_that_is_no_longer_sold_keeps_its_time() -> None:
    old = replace(BEHIND, plan="half-yearly", end_date=BEHIND.start_date + 180 * DAY)
    laid = subscriptions.laid_again([replace(HIGHER, auto_renew=False), old], NOW)[-1]
    assert (laid.start_date, laid.end_date) == (end_of(HIGHER), end_of(HIGHER) + 180 * DAY)


def test_the_latest_payment_of_a_mandate_is_that_of_its_last_cycle() -> None:
    mandate = Mandate(
        id="sub_1",
        user_id="user-1",
        email=None,
        tier="pro",
        plan="monthly",
        price=14_900,
        reference="r",
        short_url="",
        created_at=NOW,
        expires_at=NOW,
    )
    assert mandate.latest_payment is None
    cycles = {"cycle#999": "pay_old", "cycle#10000": "pay_new", "cycle#2000": "pay_middle"}
    assert replace(mandate, cycles=cycles).latest_payment == "pay_new"
