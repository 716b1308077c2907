"""The breaker opens for a pause, lets one probe through, and closes on success."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tollgate.ai.breaker import FAILURES_TO_OPEN, LONG_PAUSE, LONGEST_PAUSE, PAUSE, Breaker
from tollgate.ai.provider import ErrorKind

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TICK = timedelta(seconds=1)


def opened(kind: ErrorKind = ErrorKind.TIMEOUT, retry_after: float | None = None) -> Breaker:
    breaker = Breaker()
    for _ in range(FAILURES_TO_OPEN):
        breaker.failed("gemini", kind, NOW, retry_after)
    return breaker


def test_a_closed_breaker_admits_everybody() -> None:
    assert Breaker().admits("gemini", NOW)


@pytest.mark.parametrize("kind", [ErrorKind.CONNECTION, ErrorKind.UNAVAILABLE])
def test_failures_in_a_row_open_it(kind: ErrorKind) -> None:
    breaker = Breaker()
    for _ in range(FAILURES_TO_OPEN - 1):
        breaker.failed("gemini", kind, NOW)
        assert breaker.admits("gemini", NOW)
    breaker.failed("gemini", kind, NOW)
    assert not breaker.admits("gemini", NOW)
    assert breaker.admits("gpt4o", NOW)


def test_a_success_between_failures_starts_the_count_again() -> None:
    breaker = Breaker()
    for _ in range(FAILURES_TO_OPEN * 2):
        breaker.failed("gemini", ErrorKind.UNAVAILABLE, NOW)
        breaker.succeeded("gemini")
    assert breaker.admits("gemini", NOW)


def test_after_the_pause_one_probe_at_a_time_is_let_through() -> None:
    breaker, later = opened(), NOW + PAUSE
    assert not breaker.admits("gemini", later - TICK)
    assert breaker.admits("gemini", later)
    assert not breaker.admits("gemini", later)
    breaker.succeeded("gemini")
    assert breaker.admits("gemini", later)


def test_a_probe_that_fails_opens_it_again_at_once() -> None:
    breaker, later = opened(), NOW + PAUSE
    assert breaker.admits("gemini", later)
    breaker.failed("gemini", ErrorKind.TIMEOUT, later + TICK)
    assert not breaker.admits("gemini", later + PAUSE)
    assert breaker.admits("gemini", later + TICK + PAUSE)


def test_a_probe_that_never_reports_back_does_not_block_for_ever() -> None:
    breaker, later = opened(), NOW + PAUSE
    assert breaker.admits("gemini", later)
    assert breaker.admits("gemini", later + PAUSE)


def test_one_time_out_opens_it_since_the_next_caller_would_wait_as_long() -> None:
    breaker = Breaker()
    breaker.failed("gemini", ErrorKind.TIMEOUT, NOW)
    assert breaker.open_until("gemini", NOW) == NOW + PAUSE


def test_a_rate_limit_opens_it_at_once_for_as_long_as_was_asked() -> None:
    breaker = Breaker()
    breaker.failed("gemini", ErrorKind.RATE_LIMITED, NOW, 100)
    assert breaker.open_until("gemini", NOW) == NOW + timedelta(seconds=100)
    assert breaker.admits("gemini", NOW + timedelta(seconds=100))


def test_no_provider_closes_itself_off_for_more_than_an_hour() -> None:
    breaker = Breaker()
    breaker.failed("gemini", ErrorKind.RATE_LIMITED, NOW, 1e9)
    assert breaker.open_until("gemini", NOW) == NOW + LONGEST_PAUSE


@pytest.mark.parametrize("kind", [ErrorKind.QUOTA_EXHAUSTED, ErrorKind.MISCONFIGURED])
def test_what_a_person_must_mend_opens_it_at_once_and_for_longer(kind: ErrorKind) -> None:
    breaker = Breaker()
    breaker.failed("gemini", kind, NOW)
    assert breaker.open_until("gemini", NOW) == NOW + LONG_PAUSE


@pytest.mark.parametrize(
    "kind", [ErrorKind.REFUSED, ErrorKind.TRUNCATED, ErrorKind.INVALID_OUTPUT, ErrorKind.BAD_REQUEST]
)
def test_an_answer_of_whatever_kind_shows_that_the_provider_is_up(kind: ErrorKind) -> None:
    assert opened(kind).admits("gemini", NOW)


def test_a_clock_set_back_does_not_keep_it_open() -> None:
    assert opened().admits("gemini", NOW - timedelta(days=400))
