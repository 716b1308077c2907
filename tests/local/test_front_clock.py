"""The clock that people move."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from local import clock
from local.clock import Clock, Unreadable


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("start", "duration", "end"),
    [
        ("2026-01-31T06:00:00Z", "P1M", "2026-02-28T06:00:00Z"),
        ("2024-02-29T06:00:00Z", "P1Y", "2025-02-28T06:00:00Z"),
        # 20:00 UTC on 28 February is 1 March already in India, and a month later 1 April.
        ("2026-02-28T20:00:00Z", "P1M", "2026-03-31T20:00:00Z"),
        ("2026-11-23T00:00:00Z", "P1Y2M3W4DT5H6M7S", "2028-02-17T05:06:07Z"),
        ("2026-11-23T00:00:00Z", "PT90M", "2026-11-23T01:30:00Z"),
        ("2026-11-23T00:00:00Z", "P30D", "2026-12-23T00:00:00Z"),
    ],
)
def test_months_are_calendar_months_in_india(start: str, duration: str, end: str) -> None:
    assert clock.later(at(start), duration) == at(end)


@pytest.mark.parametrize(
    "duration", ["", "P", "PT", "1M", "P1", "P-1D", "P1.5D", "P1DT", "p1m", "P9999Y", "P99999999999D"]
)
def test_what_is_no_duration_is_refused(duration: str) -> None:
    with pytest.raises(Unreadable):
        clock.later(datetime(2026, 1, 1, tzinfo=UTC), duration)


@pytest.mark.parametrize("text", ["", "tomorrow", "2026-11-23", "2026-11-23T10:00:00", "9999-12-31T23:59:59Z"])
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        clock.instant(text)


def test_an_instant_of_any_zone_is_read() -> None:
    assert clock.instant("2026-11-23T05:30:00+05:30") == at("2026-11-23T00:00:00Z")


def test_a_moved_clock_goes_on_ticking_and_is_remembered(tmp_path: Path) -> None:
    moved = Clock(tmp_path / "clock")
    there = datetime.now(UTC) + timedelta(days=365)
    moved.set(there)
    first = moved()
    assert there <= first <= Clock(tmp_path / "clock")()


def test_instants_are_written_as_the_api_writes_them() -> None:
    assert clock.written(at("2026-11-23T05:30:00.1234+05:30")) == "2026-11-23T00:00:00.123Z"
