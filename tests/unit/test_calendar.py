"""Days, months and windows are India's, to the edge, at every instant."""

from __future__ import annotations

import calendar as almanac
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.factories import india
from tollgate import calendar

KOLKATA = ZoneInfo("Asia/Kolkata")
INSTANTS = st.datetimes(datetime(1970, 1, 2), datetime(2199, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 -- bounds
MILLISECOND = timedelta(milliseconds=1)


@given(INSTANTS)
def test_the_fixed_offset_is_indias_zone_at_every_instant(now: datetime) -> None:
    local = now.astimezone(KOLKATA)
    assert calendar.india(now).utcoffset() == local.utcoffset()
    assert calendar.day_stamp(now) == local.date().isoformat()
    assert calendar.month_stamp(now) == local.date().isoformat()[:7]
    assert calendar.next_day(now) == local.date() + timedelta(days=1)


def test_a_hundred_thousand_instants_agree_with_the_zone_file() -> None:
    start = datetime(2024, 1, 1, tzinfo=UTC)
    for step in range(100_000):
        now = start + step * timedelta(minutes=27, seconds=13)
        assert calendar.day_stamp(now) == now.astimezone(KOLKATA).strftime("%Y-%m-%d")


@pytest.mark.parametrize(
    ("before", "day", "month", "next_month"),
    [
        ("2026-11-30 23:59:59.999", "2026-11-30", "2026-11", date(2026, 12, 1)),
        ("2026-12-31 23:59:59.999", "2026-12-31", "2026-12", date(2027, 1, 1)),
        ("2026-02-28 23:59:59.999", "2026-02-28", "2026-02", date(2026, 3, 1)),
        ("2028-02-28 23:59:59.999", "2028-02-28", "2028-02", date(2028, 3, 1)),
        ("2028-02-29 23:59:59.999", "2028-02-29", "2028-02", date(2028, 3, 1)),
        ("2027-03-31 23:59:59.999", "2027-03-31", "2027-03", date(2027, 4, 1)),
    ],
)
def test_a_window_ends_at_midnight_in_india_to_the_millisecond(
    before: str, day: str, month: str, next_month: date
) -> None:
    last = india(before)
    first = last + MILLISECOND
    assert (calendar.day_stamp(last), calendar.month_stamp(last)) == (day, month)
    assert calendar.next_month(last) == next_month
    assert calendar.day_stamp(first) == calendar.next_day(last).isoformat()
    assert (calendar.month_stamp(first) == month) == (calendar.next_day(last).day != 1)


def test_half_past_six_in_the_evening_utc_is_the_next_day_in_india() -> None:
    assert calendar.month_stamp(datetime(2026, 11, 30, 18, 29, 59, tzinfo=UTC)) == "2026-11"
    assert calendar.month_stamp(datetime(2026, 11, 30, 18, 30, tzinfo=UTC)) == "2026-12"


def test_the_last_of_january_and_a_month_is_the_last_of_february_and_then_the_last_of_march() -> None:
    january = india("2026-01-31 10:00:00")
    february = calendar.add_months(january, 1, 31)
    march = calendar.add_months(february, 1, 31)
    assert february == india("2026-02-28 10:00:00")
    assert march == india("2026-03-31 10:00:00")
    assert calendar.add_months(india("2028-01-31 10:00:00"), 1, 31) == india("2028-02-29 10:00:00")
    assert calendar.add_months(india("2028-02-29 10:00:00"), 12, 29) == india("2029-02-28 10:00:00")


def test_a_month_from_before_six_thirty_in_the_evening_keeps_indias_day_not_that_of_utc() -> None:
    start = india("2026-01-31 00:15:00")  # still the 30th in UTC
    assert calendar.add_months(start, 1, 31) == india("2026-02-28 00:15:00")


@given(INSTANTS, st.integers(1, 36))
def test_months_keep_the_day_or_end_with_the_month_and_keep_the_time_of_day(now: datetime, months: int) -> None:
    start = now.astimezone(KOLKATA)
    end = calendar.add_months(now, months, start.day).astimezone(KOLKATA)
    assert (end.year * 12 + end.month) - (start.year * 12 + start.month) == months
    assert end.day == min(start.day, almanac.monthrange(end.year, end.month)[1])
    assert end.time() == start.time()


@given(INSTANTS, st.lists(st.integers(1, 12), min_size=1, max_size=24))
def test_a_chain_of_months_ends_where_one_long_period_would(now: datetime, months: list[int]) -> None:
    anchor = calendar.india(now).day
    end = now
    for each in months:
        end = calendar.add_months(end, each, anchor)
    assert end == calendar.add_months(now, sum(months), anchor)


@given(INSTANTS)
def test_the_hour_is_utcs_clock_hour_and_the_wait_reaches_exactly_its_end(now: datetime) -> None:
    whole = calendar.whole_second(now)
    wait = calendar.seconds_to_next_hour(now)
    end = whole + timedelta(seconds=wait)
    assert 1 <= wait <= 3600
    assert (end.minute, end.second) == (0, 0)
    assert calendar.hour_stamp(end) == calendar.hour_stamp(now) + 1
    assert calendar.hour_stamp(end - timedelta(microseconds=1)) == calendar.hour_stamp(now)
    assert calendar.hour_stamp(now) == int((now - calendar.EPOCH) / timedelta(hours=1))


@given(INSTANTS)
def test_an_instant_survives_being_written_to_the_second(now: datetime) -> None:
    whole = calendar.whole_second(now)
    assert calendar.parse(calendar.iso(whole)) == whole
    assert calendar.iso(now) == calendar.iso(whole)
    assert calendar.iso(whole.astimezone(KOLKATA)) == calendar.iso(whole)
    assert calendar.iso(whole).endswith("Z")


@pytest.mark.parametrize("text", ["2026-11-23T10:00:00", "2026-11-23", "yesterday", ""])
def test_an_instant_without_a_zone_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        calendar.parse(text)


def test_an_instant_of_another_zone_is_read_as_utc() -> None:
    assert calendar.parse("2026-11-23T12:00:00+05:30") == datetime(2026, 11, 23, 6, 30, tzinfo=UTC)
