"""Use is counted under names that hold their window, so another window's count is never seen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.factories import NOW, a_subscription, a_user, india
from tollgate import calendar, counters
from tollgate.plans import Unit, Window

INSTANTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 -- bounds
WINDOWED = st.sampled_from([Window.DAY, Window.MONTH])


def test_the_names_are_those_of_the_window_in_india() -> None:
    late = india("2026-11-30 23:59:59.999")
    assert counters.counter(Unit.JOB_MATCHES, Window.DAY, late) == "jobMatches#2026-11-30"
    assert counters.counter(Unit.RESUMES, Window.MONTH, late) == "resumes#2026-11"
    assert counters.counter(Unit.RESUMES, Window.PASS, late) == "resumes#pass"
    first = late + timedelta(milliseconds=1)
    assert counters.counter(Unit.JOB_MATCHES, Window.DAY, first) == "jobMatches#2026-12-01"
    assert counters.counter(Unit.RESUMES, Window.MONTH, first) == "resumes#2026-12"


def test_calls_are_counted_in_utcs_clock_hours() -> None:
    assert counters.rate_counter(datetime(1970, 1, 1, 5, 59, 59, tzinfo=UTC)) == "rate#5"
    assert counters.rate_counter(datetime(1970, 1, 1, 6, tzinfo=UTC)) == "rate#6"


@given(INSTANTS, INSTANTS, st.sampled_from(list(Unit)), WINDOWED)
def test_two_instants_share_a_count_exactly_when_they_share_the_window(
    one: datetime, other: datetime, unit: Unit, window: Window
) -> None:
    stamp = calendar.day_stamp if window is Window.DAY else calendar.month_stamp
    same = counters.counter(unit, window, one) == counters.counter(unit, window, other)
    assert same == (stamp(one) == stamp(other))


@given(INSTANTS, INSTANTS, st.sampled_from(list(Unit)), WINDOWED)
def test_a_count_is_stale_exactly_when_its_window_is_over(
    counted: datetime, now: datetime, unit: Unit, window: Window
) -> None:
    stamp = calendar.day_stamp if window is Window.DAY else calendar.month_stamp
    name = counters.counter(unit, window, counted)
    assert (name in counters.stale([name], now)) == (stamp(counted) < stamp(now))
    rate = counters.rate_counter(counted)
    assert (rate in counters.stale([rate], now)) == (calendar.hour_stamp(counted) < calendar.hour_stamp(now))


def test_a_call_from_before_midnight_does_not_take_the_new_days_counts_for_stale() -> None:
    before = india("2026-11-30 23:59:59")
    new = {"jobMatches#2026-12-01", "resumes#2026-12", counters.rate_counter(before + timedelta(hours=1))}
    assert counters.stale(new, before) == frozenset()
    assert counters.stale(new, before + timedelta(days=62)) == new


def test_the_counts_of_a_pass_are_never_stale_by_the_clock() -> None:
    names = counters.pass_counters()
    assert set(names) == {"resumes#pass", "atsScans#pass", "jobMatches#pass", "coverLetters#pass"}
    assert counters.stale(names, NOW + timedelta(days=3650)) == frozenset()


def test_only_the_windows_that_were_named_are_looked_at() -> None:
    names = {"jobMatches#2026-10-01", "resumes#2026-10", "rate#1", "resumes#pass"}
    assert counters.stale(names, NOW, Window.DAY) == {"jobMatches#2026-10-01"}
    assert counters.stale(names, NOW, Window.MONTH) == {"resumes#2026-10"}
    assert counters.stale(names, NOW) == names - {"resumes#pass"}


@pytest.mark.parametrize("tier", ["free", "student", "pro", "premium", "lifetime"])
def test_only_a_pass_has_counts_of_its_own(tier: str) -> None:
    assert counters.pass_of(a_user(tier=tier), NOW) is None


def test_the_counts_of_a_pass_belong_to_the_one_that_is_running() -> None:
    first = a_subscription("one-time", name="s1")
    assert first.end_date is not None
    second = a_subscription("one-time", start=first.end_date, name="s2")
    user = a_user(first, second)
    assert counters.pass_of(user, first.end_date - timedelta(seconds=1)) == "s1"
    assert counters.pass_of(user, first.end_date) == "s2"
