"""What rows count for: users by day, money and AI calls, and that differences lead from any state to any other."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.factories import NOW, a_subscription, india
from tollgate import calendar, plans, rollups, subscriptions, trends
from tollgate.http import reports
from tollgate.rollups import Sums
from tollgate.subscriptions import Status, Subscription
from tollgate.trends import Range

TODAY = calendar.india(NOW).date()
OFFERS = [(tier.id, plan.id) for tier, plan in plans.offers() if tier.paid]


def at(sums: Sums, series: str) -> dict[str, dict[str, int]]:
    return {place: figures for (of, place), figures in sums.items() if of == series}


def stands(periods: list[Subscription], days: Range) -> list[trends.Standing]:
    return trends.standing(at(rollups.of_user(periods), rollups.STANDING), days)


@st.composite
def lives(draw: st.DrawFn) -> list[Subscription]:
    """Periods one after the other, with gaps and overlaps, some cut short, some in grace, some for ever."""
    periods: list[Subscription] = []
    start = NOW
    for number in range(draw(st.integers(1, 6))):
        start += timedelta(hours=draw(st.integers(-48, 24 * 40)))
        period = a_subscription(*draw(st.sampled_from(OFFERS)), start=start, name=f"tgs_{number}")
        if draw(st.booleans()):
            cut = start + timedelta(hours=draw(st.integers(0, 24 * 40)))
            period = period.cut(cut, draw(st.sampled_from([Status.REFUNDED, Status.REPLACED])))
        elif period.end_date and draw(st.booleans()):
            period = replace(period, auto_renew=True, grace_days=4)
        periods.append(period)
        start = period.end_date or start
    return periods


@given(lives())
def test_on_each_day_a_user_stands_in_the_plan_that_runs_at_its_end(periods: list[Subscription]) -> None:
    days = Range(TODAY - timedelta(days=5), TODAY + timedelta(days=400))
    held = [replace(each, status=Status.ACTIVE) for each in periods]
    for stand in stands(periods, days):
        runs = subscriptions.running(held, rollups.last_second(stand.day))
        assert stand.users == ({(runs.tier, runs.plan): 1} if runs else {})
        assert stand.a_year == (rollups.a_year(runs) if runs else 0)


@given(lives())
def test_who_stands_is_who_stood_with_the_new_and_the_returned_without_the_churned(periods: list[Subscription]) -> None:
    days = Range(TODAY - timedelta(days=5), TODAY + timedelta(days=400))
    moves = at(rollups.of_user(periods), rollups.ARRIVALS)
    before, fresh = 0, 0
    for stand in stands(periods, days):
        moved = moves.get(stand.day.isoformat(), {})
        arrived = moved.get("new", 0) + moved.get("returned", 0)
        assert stand.paying == before + arrived - moved.get("churned", 0)
        before, fresh = stand.paying, fresh + moved.get("new", 0)
    assert fresh <= 1


@given(lives(), lives())
def test_the_difference_leads_from_one_state_to_another(one: list[Subscription], other: list[Subscription]) -> None:
    before, after = rollups.of_user(one), rollups.of_user(other)
    assert rollups.total([before, rollups.difference(after, before)]) == after
    assert rollups.difference(after, after) == {}


def test_a_plan_that_ends_at_midnight_counts_on_the_day_before() -> None:
    end = india("2026-12-01 00:00:00")
    period = replace(a_subscription("pro", "monthly", start=end - timedelta(days=5)), end_date=end)
    by_day = stands([period], Range(date(2026, 11, 25), date(2026, 12, 2)))
    assert [each.paying for each in by_day] == [0, 1, 1, 1, 1, 1, 0, 0]


def test_who_buys_at_noon_stands_that_evening_and_not_on_the_evening_of_the_last_day() -> None:
    period = replace(a_subscription("pro", "monthly"), end_date=NOW + timedelta(days=2))
    assert [each.paying for each in stands([period], Range(TODAY, TODAY + timedelta(days=2)))] == [1, 1, 0]


def test_what_is_bought_and_given_back_within_a_day_stands_at_no_days_end() -> None:
    period = a_subscription("pro", "monthly").cut(NOW + timedelta(hours=1), Status.REFUNDED)
    assert rollups.of_user([period]) == {}


def test_a_change_of_plan_is_neither_an_arrival_nor_a_loss() -> None:
    first = a_subscription("pro", "monthly", name="tgs_1").cut(NOW + timedelta(days=3), Status.REPLACED)
    second = a_subscription("premium", "yearly", start=NOW + timedelta(days=3), name="tgs_2")
    moves = at(rollups.of_user([first, second]), rollups.ARRIVALS)
    assert moves == {TODAY.isoformat(): {"new": 1}, "2027-11-26": {"churned": 1}}


def test_monthly_revenue_counts_a_year_as_twelfths_and_passes_as_nothing() -> None:
    day = Range(TODAY, TODAY)
    a_month = {
        plan: stands([a_subscription(*plan)], day)[0].a_month
        for plan in [("pro", "monthly"), ("pro", "yearly"), ("student", "quarterly"), ("one-time", "one-time")]
    }
    assert list(a_month.values()) == [14_900, 149_000 // 12, 9_900 // 3, 0]
    three_years = [a_subscription("pro", "yearly")] * 3
    sums = rollups.total(rollups.of_user([each]) for each in three_years)
    assert trends.standing(at(sums, rollups.STANDING), day)[0].a_month == 3 * 149_000 // 12  # floored once


def test_a_payment_counts_what_came_in_what_went_back_and_what_others_keep() -> None:
    row = {
        "kind": "payment", "id": "pay_1", "amount": 11_800, "currency": "INR", "tier": "pro", "plan": "monthly",
        "at": "2026-11-23T18:29:59Z", "subscription": {},
        "refund#rfnd_1": {"amount": 1_180, "status": "processed", "at": "2026-11-23T18:30:00Z"},
        "refund#rfnd_2": {"amount": 1_180, "status": "created", "at": "2026-11-23T18:30:00Z"},
    }  # fmt: skip
    sums = at(rollups.of_ledger(row), rollups.MONEY)
    assert sums["2026-11-23#pro#monthly"] == {"captured": 1, "gross": 11_800, "gst": 1_800, "fee": 279, "granted": 1}
    assert sums["2026-11-24#pro#monthly"] == {"refunds": 1, "refunded": 1_180, "gstBack": 180}
    told = trends.money(trends.in_all(sums))
    assert told["gstPaise"] == 1_620
    assert told["netPaise"] == 11_800 - 1_180 - 1_620 - 279  # the gateway keeps its fee


def test_a_lost_dispute_takes_what_was_not_given_back_before() -> None:
    row = {
        "kind": "payment", "id": "pay_1", "amount": 11_800, "currency": "INR", "at": "2026-11-23T10:00:00Z",
        "refund#rfnd_1": {"amount": 1_180, "status": "processed"}, "dispute#disp_1": "lost", "reason": "disputed",
    }  # fmt: skip
    ((place, figures),) = at(rollups.of_ledger(row), rollups.MONEY).items()
    assert place == "2026-11-23#unknown#unknown"
    assert (figures["refunded"], figures["chargeback"], figures["lost"]) == (1_180, 10_620, 1)
    assert trends.money(figures)["netPaise"] == -figures["fee"]


def test_another_currencys_amount_is_not_added_to_rupees() -> None:
    row = {"kind": "payment", "id": "p", "amount": 500, "currency": "USD", "at": "2026-11-23T10:00:00Z", "reason": "x"}
    assert at(rollups.of_ledger(row), rollups.MONEY) == {"2026-11-23#unknown#unknown": {"captured": 1, "flagged": 1}}


def test_other_rows_of_the_payments_table_count_for_nothing() -> None:
    for row in ({}, {"kind": "event", "id": "e"}, {"kind": "mandate", "id": "sub_1"}, {"kind": "report", "id": "r"}):
        assert rollups.of_ledger(row) == {}


def test_a_call_that_was_lost_counts_as_a_failure_of_nobody() -> None:
    row = {"timestamp": "2026-11-23T19:00:00Z#req#99", "action": "ats-scan", "success": False, "metadata": {}}
    sums = rollups.of_call(row)
    assert sums == {(rollups.CALLS, "2026-11-24#unknown#unknown#ats-scan#unknown"): {"calls": 1, "failures": 1}}


def test_no_cell_begins_a_formula() -> None:
    text = reports.to_csv([{"model": "=cmd|' /C calc'!A0", "plan": "@x", "net": -5, "ok": 'a "b", c'}])
    assert text == 'model,plan,net,ok\r\n\'=cmd|\' /C calc\'!A0,\'@x,-5,"a ""b"", c"\r\n'
    assert reports.to_csv([]) == ""
