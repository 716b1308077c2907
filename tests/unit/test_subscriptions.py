"""A subscription runs from its start up to, not at, its end; a timeline has no gap, no overlap and loses nothing paid."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.factories import DAY, NOW, SECOND, a_subscription, a_user, india
from tollgate import plans, subscriptions
from tollgate.subscriptions import Status, Subscription

PLANS = [(tier.id, plan.id) for tier, plan in plans.offers()]
ENDING = [(tier.id, plan.id) for tier, plan in plans.offers() if not plan.lasts.for_ever]
MOMENTS = st.integers(0, 500 * 86_400).map(lambda seconds: NOW + timedelta(seconds=seconds))


@given(st.sampled_from(ENDING), MOMENTS, MOMENTS)
def test_it_is_active_from_its_start_up_to_its_end(kind: tuple[str, str], start: datetime, now: datetime) -> None:
    each = a_subscription(*kind, start=start)
    assert each.end_date is not None
    assert each.is_active(now) == (start <= now < each.end_date)
    assert each.is_over(now) == (now >= each.end_date)


@pytest.mark.parametrize(("tier", "plan"), ENDING)
def test_the_edges_of_a_period_are_exact_to_the_microsecond(tier: str, plan: str) -> None:
    each, tick = a_subscription(tier, plan), timedelta(microseconds=1)
    assert each.end_date is not None
    assert not each.is_active(NOW - tick)
    assert each.is_active(NOW)
    assert each.is_active(each.end_date - tick)
    assert not each.is_active(each.end_date)
    assert each.status_at(NOW - tick) is Status.SCHEDULED
    assert each.status_at(each.end_date - tick) is Status.ACTIVE
    assert each.status_at(each.end_date) is Status.EXPIRED


def test_the_effective_tier_follows_the_clock_alone() -> None:
    pro = a_subscription("pro", "monthly")
    assert pro.end_date is not None
    student = a_subscription("student", start=pro.end_date)
    assert student.end_date is not None
    user = a_user(pro, student)
    assert user.tier(NOW - SECOND).id == "free"
    assert user.tier(pro.end_date - SECOND).id == "pro"
    assert user.tier(pro.end_date).id == "student"
    assert user.tier(student.end_date).id == "free"


def test_lifetime_never_ends() -> None:
    held = a_subscription("lifetime")
    assert held.end_date is None
    assert held.is_active(NOW + timedelta(days=365 * 100))
    assert held.days_remaining(NOW) is None
    assert not held.can_renew(NOW)


def test_periods_last_what_the_pricing_page_says() -> None:
    start = india("2026-01-31 12:00:00")
    ends = {(tier, plan): a_subscription(tier, plan, start).end_date for tier, plan in PLANS}
    assert ends == {
        ("one-time", "one-time"): start + timedelta(days=30),
        ("student", "quarterly"): india("2026-04-30 12:00:00"),
        ("pro", "monthly"): india("2026-02-28 12:00:00"),
        ("premium", "monthly"): india("2026-02-28 12:00:00"),
        ("lifetime", "lifetime"): None,
        ("pro", "yearly"): india("2027-01-31 12:00:00"),
        ("premium", "yearly"): india("2027-01-31 12:00:00"),
    }


@pytest.mark.parametrize(
    ("left", "days"),
    [(30 * DAY, 30), (29 * DAY + SECOND, 30), (29 * DAY, 29), (SECOND, 1), (0 * DAY, 0), (-DAY, 0)],
)
def test_a_begun_day_counts_whole(left: timedelta, days: int) -> None:
    end = a_subscription("one-time").end_date
    assert end is not None
    assert a_subscription("one-time").days_remaining(end - left) == days


@pytest.mark.parametrize("status", sorted(subscriptions.ENDED))
def test_a_refunded_or_replaced_period_gives_no_access_whatever_its_dates(status: Status) -> None:
    each = a_subscription("pro", status=status)
    assert not each.is_active(NOW)
    assert each.is_over(NOW)
    assert each.status_at(NOW) is status
    assert each.unused(NOW) == 0


def test_cancelling_keeps_access_until_the_period_ends() -> None:
    cancelled = replace(a_subscription("pro"), auto_renew=True).cancel(NOW + DAY, "too dear")
    assert cancelled.end_date is not None
    assert not cancelled.auto_renew
    assert cancelled.is_active(cancelled.end_date - SECOND)
    assert cancelled.status_at(NOW + DAY) is Status.CANCELLED
    assert cancelled.status_at(cancelled.end_date) is Status.EXPIRED
    assert cancelled.unused(NOW) == 14_900


def test_cancelling_again_keeps_the_first_date_and_reason() -> None:
    cancelled = a_subscription("pro").cancel(NOW, "too dear").cancel(NOW + DAY)
    assert (cancelled.cancelled_at, cancelled.cancel_reason) == (NOW, "too dear")


@given(st.sampled_from(ENDING), MOMENTS)
def test_cutting_a_period_ends_it_now_and_never_before_it_began(kind: tuple[str, str], now: datetime) -> None:
    for start in (NOW, NOW + 100 * DAY):
        each = a_subscription(*kind, start=start)
        cut = each.cut(now, Status.REFUNDED)
        assert cut.end_date is not None
        assert each.end_date is not None
        assert cut.start_date <= cut.end_date <= max(each.end_date, start)
        assert not cut.is_active(now)


@given(st.sampled_from(ENDING), st.integers(0, 10**6), st.integers(0, 10**6), MOMENTS)
def test_what_is_unused_is_the_value_by_the_seconds_left_floored(
    kind: tuple[str, str], amount: int, credit: int, now: datetime
) -> None:
    each = replace(a_subscription(*kind), amount=amount, credit=credit)
    assert each.end_date is not None
    left = max((each.end_date - now) // SECOND, 0)
    bought = (each.end_date - NOW) // SECOND
    expected = (amount + credit) * left // bought if plans.tier(each.tier).gives_credit else 0
    assert each.unused(now) == expected


def test_what_was_bought_ahead_counts_in_full() -> None:
    ahead = a_subscription("pro", start=NOW + 90 * DAY)
    assert ahead.unused(NOW) == 14_900


@pytest.mark.parametrize(("tier", "plan"), PLANS)
def test_buying_without_anything_running_begins_at_once(tier: str, plan: str) -> None:
    new = a_subscription(tier, plan, name="new")
    assert subscriptions.place([], new, NOW) == (new,)
    over = a_subscription("premium", start=NOW - timedelta(days=400), name="old")
    assert subscriptions.place([over], new, NOW) == (new,)


def test_renewing_extends_from_the_end_and_keeps_the_day_of_the_month() -> None:
    start = india("2026-01-31 12:00:00")
    timeline: tuple[Subscription, ...] = ()
    for number, plan in enumerate(["monthly", "monthly", "monthly", "yearly", "monthly"]):
        timeline = subscriptions.place(timeline, a_subscription("pro", plan, start, name=f"s{number}"), start)
    assert [each.end_date for each in timeline] == [
        india("2026-02-28 12:00:00"),
        india("2026-03-31 12:00:00"),
        india("2026-04-30 12:00:00"),
        india("2027-04-30 12:00:00"),
        india("2027-05-31 12:00:00"),
    ]
    assert subscriptions.chain(timeline, start) == timeline


def test_a_higher_tier_begins_at_once_and_replaces_what_gives_credit() -> None:
    pro, student = a_subscription("pro"), a_subscription("student")
    timeline = subscriptions.place(subscriptions.place([], pro, NOW), student, NOW)
    later = NOW + 10 * DAY
    placed = subscriptions.place(timeline, a_subscription("premium", start=later, name="new"), later)
    assert [(each.tier, each.status) for each in placed] == [
        ("pro", Status.REPLACED),
        ("student", Status.REPLACED),
        ("premium", Status.ACTIVE),
    ]
    assert placed[0].end_date == later
    assert placed[2].start_date == later


def test_a_lower_tier_waits_until_the_higher_one_ends() -> None:
    premium = a_subscription("premium")
    placed = subscriptions.place([premium], a_subscription("student", name="new"), NOW)
    assert placed[0] == premium
    assert placed[1].start_date == premium.end_date
    assert placed[1].status_at(NOW) is Status.SCHEDULED


def test_extending_the_higher_tier_moves_what_was_bought_ahead_back() -> None:
    timeline: tuple[Subscription, ...] = ()
    for number, tier in enumerate(["premium", "student", "pro", "premium", "pro"]):
        timeline = subscriptions.place(timeline, a_subscription(tier, name=f"s{number}"), NOW)
    assert [each.subscription_id for each in timeline] == ["s0", "s3", "s2", "s4", "s1"]
    assert all(before.end_date == after.start_date for before, after in pairwise(timeline))


def test_a_pass_bought_ahead_outlives_an_upgrade() -> None:
    timeline = subscriptions.place([a_subscription("pro")], a_subscription("one-time"), NOW)
    placed = subscriptions.place(timeline, a_subscription("premium"), NOW + DAY)
    assert [(each.tier, each.status) for each in placed] == [
        ("pro", Status.REPLACED),
        ("premium", Status.ACTIVE),
        ("one-time", Status.ACTIVE),
    ]
    assert placed[2].start_date == placed[1].end_date


def test_what_lifetime_leaves_no_time_for_is_written_down_as_replaced() -> None:
    timeline = subscriptions.place([a_subscription("pro")], a_subscription("one-time"), NOW)
    placed = subscriptions.place(timeline, a_subscription("lifetime"), NOW)
    assert [(each.tier, each.status) for each in placed] == [
        ("pro", Status.REPLACED),
        ("one-time", Status.REPLACED),
        ("lifetime", Status.ACTIVE),
    ]


def test_what_was_bought_ahead_waits_no_longer_once_nothing_runs() -> None:
    timeline = subscriptions.place([a_subscription("premium")], a_subscription("pro"), NOW)
    refunded = (timeline[0].cut(NOW, Status.REFUNDED), timeline[1])
    later = NOW + DAY
    placed = subscriptions.place(refunded, a_subscription("pro", name="new"), later)
    assert [(each.subscription_id, each.start_date) for each in placed] == [
        ("tgs_pro", later),
        ("new", placed[0].end_date),
    ]


TIMELINES = st.lists(st.tuples(st.sampled_from(PLANS), st.integers(0, 40 * 86_400)), max_size=8)


@given(TIMELINES, st.integers(0, 400 * 86_400))
def test_a_timeline_has_no_gap_and_no_overlap_and_loses_nothing_paid(
    purchases: list[tuple[tuple[str, str], int]], look: int
) -> None:
    now, book = NOW, dict[str, Subscription]()
    timeline: tuple[Subscription, ...] = ()
    for number, ((tier, plan), wait) in enumerate(purchases):
        now += timedelta(seconds=wait)
        current = subscriptions.running(timeline, now)
        if current and current.end_date is None:
            break
        before = timeline
        timeline = subscriptions.place(timeline, a_subscription(tier, plan, now, name=f"s{number}"), now)
        book |= {each.subscription_id: each for each in timeline}
        assert {each.subscription_id for each in before if not each.is_over(now)} <= {
            each.subscription_id for each in timeline
        }
        standing = [each for each in timeline if not each.is_over(now)]
        assert [each.start_date <= now for each in standing] == [True] + [False] * (len(standing) - 1)
        assert all(one.end_date == two.start_date for one, two in pairwise(standing))
        ranks = [plans.RANK[each.tier] for each in standing]
        assert ranks == sorted(ranks, reverse=True)
    assert len(book) <= len(purchases)
    for each in book.values():
        if each.status is not Status.REPLACED:
            found = plans.find(each.tier, each.plan)
            assert found is not None
            assert each.end_date == found[1].lasts.end(each.start_date, each.anchor_day)
    moment = now + timedelta(seconds=look)
    assert sum(each.is_active(moment) for each in book.values()) <= 1
    assert subscriptions.running(timeline, moment) == subscriptions.running(book.values(), moment)


@given(TIMELINES)
def test_placing_what_is_already_placed_gives_the_same_timeline(
    purchases: list[tuple[tuple[str, str], int]],
) -> None:
    timeline: tuple[Subscription, ...] = ()
    for number, ((tier, plan), _) in enumerate(purchases):
        current = subscriptions.running(timeline, NOW)
        if current and current.end_date is None:
            break
        timeline = subscriptions.place(timeline, a_subscription(tier, plan, NOW, name=f"s{number}"), NOW)
    standing = tuple(each for each in timeline if not each.is_over(NOW))
    if standing:
        *others, last = standing
        assert subscriptions.place(others, last, NOW) == standing


def test_renew_follows_the_period_or_begins_now_once_it_is_over() -> None:
    pro = a_subscription("pro", start=india("2026-01-31 12:00:00"))
    assert pro.end_date is not None
    early = pro.renew(pro.end_date - DAY, "next")
    assert (early.start_date, early.end_date) == (pro.end_date, india("2026-03-31 12:00:00"))
    late = pro.renew(pro.end_date + DAY, "next")
    assert (late.start_date, late.end_date) == (pro.end_date + DAY, india("2026-04-01 12:00:00"))
    assert pro.can_renew(NOW)


def test_the_chain_stops_at_another_tier() -> None:
    timeline: tuple[Subscription, ...] = ()
    for number, tier in enumerate(["pro", "student", "pro"]):
        timeline = subscriptions.place(timeline, a_subscription(tier, name=f"s{number}"), NOW)
    assert [each.subscription_id for each in subscriptions.chain(timeline, NOW)] == ["s0", "s2"]
    assert subscriptions.chain([], NOW) == ()


def test_buying_again_after_cancelling_makes_the_chain_active_again() -> None:
    cancelled = a_subscription("pro").cancel(NOW)
    assert subscriptions.chain_status(subscriptions.chain([cancelled], NOW)) is Status.CANCELLED
    again = subscriptions.place([cancelled], a_subscription("pro", name="new"), NOW)
    assert subscriptions.chain_status(subscriptions.chain(again, NOW)) is Status.ACTIVE


def test_the_next_change_is_the_nearest_edge_ahead() -> None:
    pro = a_subscription("pro")
    assert pro.end_date is not None
    assert subscriptions.next_change([], NOW) is None
    assert subscriptions.next_change([pro], NOW) == pro.end_date
    assert subscriptions.next_change([pro], NOW - SECOND) == NOW
    assert subscriptions.next_change([pro], pro.end_date) is None
    assert subscriptions.next_change([a_subscription("lifetime")], NOW) is None


def test_a_plan_that_is_not_in_the_catalogue_cannot_be_bought() -> None:
    with pytest.raises(KeyError):
        subscriptions.bought("s", "gold", "monthly", NOW)


def cycles(count: int) -> list[Subscription]:
    """A mandate's months in a row, as Razorpay names them."""
    edges = [NOW + 30 * number * DAY for number in range(count + 1)]
    return [
        a_subscription("premium", name=f"tgs_{number}", start=start, end_date=end, razorpay_subscription_id="sub_1")
        for number, (start, end) in enumerate(pairwise(edges))
    ]


@given(st.permutations(range(5)), st.integers(0, 140), st.sampled_from([None, "one-time", "student", "premium"]))
def test_cycles_told_late_and_in_any_order_never_overlap_and_lose_no_day(
    order: list[int], days: int, running: str | None
) -> None:
    now, told = NOW + days * DAY, cycles(5)
    timeline: tuple[Subscription, ...] = (a_subscription(running, start=now - DAY),) if running else ()
    for number in order:
        timeline = subscriptions.add_cycle(timeline, told[number], now)
    standing = sorted((each for each in timeline if not each.is_over(now)), key=lambda each: each.start_date)
    assert all(one.end_date and one.end_date <= other.start_date for one, other in pairwise(standing))
    left = sum((each.end_date - max(each.start_date, now) for each in standing if each.end_date), timedelta())
    assert left >= sum(
        (each.end_date - max(each.start_date, now) for each in told if each.end_date and each.end_date > now),
        timedelta(),
    )
