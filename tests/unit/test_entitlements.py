"""What a user may do follows from the record and the clock; a stale count is zero."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.factories import DAY, NOW, SECOND, a_subscription, a_user, after_using, india
from tollgate import calendar, entitlements, metering, plans
from tollgate.plans import Ai, Feature, Limit, Unit, Window
from tollgate.subscriptions import Status
from tollgate.users import Preference

PAID = ["one-time", "student", "pro", "premium", "lifetime"]
UNITS = st.sampled_from(list(Unit))
INSTANTS = st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 -- bounds


@pytest.mark.parametrize("tier", PAID)
def test_a_paid_plan_counts_while_it_runs(tier: str) -> None:
    user = a_user(tier=tier)
    assert entitlements.has_active_subscription(user, NOW)
    assert not entitlements.has_active_subscription(user, NOW - SECOND)
    end = user.subscriptions[0].end_date
    if end:
        assert entitlements.has_active_subscription(user, end - SECOND)
        assert not entitlements.has_active_subscription(user, end)


def test_nobody_has_a_paid_plan_by_having_an_account() -> None:
    assert not entitlements.has_active_subscription(a_user(), NOW)
    assert a_user().tier(NOW).id == "free"


@pytest.mark.parametrize(
    ("tier", "premium"), [("free", False), ("student", False), ("pro", False), ("premium", True), ("lifetime", True)]
)
def test_premium_users_are_those_of_the_premium_tiers(tier: str, premium: bool) -> None:  # noqa: FBT001 -- a case
    assert entitlements.is_premium_user(a_user(tier=tier), NOW) is premium


@pytest.mark.parametrize("feature", list(Feature))
@pytest.mark.parametrize("tier", ["free", *PAID])
def test_a_feature_opens_with_the_tier_and_closes_with_it(tier: str, feature: Feature) -> None:
    user = a_user(tier=tier)
    assert entitlements.can_access_feature(user, feature, NOW) == (feature in plans.tier(tier).features)
    assert not entitlements.can_access_feature(user, feature, NOW - SECOND)


@given(st.sampled_from(["free", *PAID]), UNITS, st.integers(0, 15))
def test_what_is_left_is_the_limit_less_what_was_used_and_never_negative(tier: str, unit: Unit, use: int) -> None:
    user = after_using(a_user(tier=tier), unit, use)
    limit = entitlements.get_usage_limit(user, unit, NOW)
    assert entitlements.used(user, unit, NOW) == use
    left = entitlements.get_remaining_usage(user, unit, NOW)
    assert left == (None if limit.count is None else max(limit.count - use, 0))
    assert entitlements.has_reached_limit(user, unit, NOW) == (limit.count is not None and use >= limit.count)


@given(st.sampled_from(["free", "student", "pro"]), UNITS, INSTANTS, INSTANTS)
def test_a_use_counts_in_its_own_window_and_in_no_other(tier: str, unit: Unit, then: datetime, now: datetime) -> None:
    far = replace(a_subscription(tier, start=india("2025-01-01 00:00:00")), end_date=None) if tier != "free" else None
    user = after_using(a_user(*([far] if far else [])), unit, 1, then)
    window = entitlements.get_usage_limit(user, unit, then).window
    stamp = calendar.day_stamp if window is Window.DAY else calendar.month_stamp
    assert entitlements.used(user, unit, now) == (1 if stamp(then) == stamp(now) else 0)


def test_a_months_use_is_gone_at_midnight_in_india_without_any_job() -> None:
    last = india("2026-11-30 23:59:59.999")
    user = after_using(a_user(), Unit.RESUMES, 1, last)
    assert entitlements.has_reached_limit(user, Unit.RESUMES, last)
    first = last + timedelta(milliseconds=1)
    assert entitlements.get_remaining_usage(user, Unit.RESUMES, first) == 1


def test_a_days_use_is_gone_at_midnight_in_india_without_any_job() -> None:
    last = india("2026-11-24 23:59:59.999")
    user = after_using(a_user(tier="pro"), Unit.JOB_MATCHES, 10, last)
    assert entitlements.has_reached_limit(user, Unit.JOB_MATCHES, last)
    assert entitlements.get_remaining_usage(user, Unit.JOB_MATCHES, last + timedelta(milliseconds=1)) == 10


def test_one_in_all_is_one_for_the_whole_pass_and_one_more_with_the_next() -> None:
    first = a_subscription("one-time", name="s1")
    assert first.end_date is not None
    user = after_using(a_user(first), Unit.RESUMES, 1)
    assert entitlements.has_reached_limit(user, Unit.RESUMES, first.end_date - SECOND)
    both = replace(user, subscriptions=(first, a_subscription("one-time", start=first.end_date, name="s2")))
    assert entitlements.has_reached_limit(both, Unit.RESUMES, first.end_date - SECOND)
    assert entitlements.get_remaining_usage(both, Unit.RESUMES, first.end_date) == 1


def test_the_first_use_of_a_new_pass_does_not_bring_back_what_the_old_one_used() -> None:
    first, later = a_subscription("one-time", name="s1"), NOW + DAY
    user = after_using(after_using(a_user(first), Unit.RESUMES, 1), Unit.ATS_SCANS, 1)
    renewed = replace(user, subscriptions=(a_subscription("one-time", start=later, name="s2"),))
    scanned = after_using(renewed, Unit.ATS_SCANS, 1, later)
    assert entitlements.get_remaining_usage(scanned, Unit.ATS_SCANS, later) == 0
    assert entitlements.get_remaining_usage(scanned, Unit.RESUMES, later) == 1


def test_a_user_who_falls_to_free_within_the_month_keeps_what_was_counted_in_it() -> None:
    user = after_using(a_user(tier="pro"), Unit.RESUMES, 1)
    fallen = replace(user, subscriptions=(user.subscriptions[0].cut(NOW, Status.REFUNDED),))
    assert entitlements.has_reached_limit(fallen, Unit.RESUMES, NOW)


def test_every_resume_is_counted_in_the_total_and_nothing_else_is() -> None:
    user = after_using(after_using(a_user(tier="pro"), Unit.RESUMES, 3), Unit.JOB_MATCHES, 2)
    assert user.resumes_generated == 3


def test_using_something_changes_nothing_but_its_count() -> None:
    user = a_user(tier="pro", counters={"atsScans#2026-11": 2, "rate#1": 7})
    after = entitlements.increment_usage(user, Unit.JOB_MATCHES, NOW)
    assert dict(after.counters) == {"atsScans#2026-11": 2, "rate#1": 7, "jobMatches#2026-11-23": 1}
    assert after.subscriptions == user.subscriptions
    assert dict(user.counters) == {"atsScans#2026-11": 2, "rate#1": 7}


def test_resetting_drops_only_what_is_over() -> None:
    held = {"resumes#2026-10": 4, "resumes#2026-11": 1, "jobMatches#2026-11-22": 9, "jobMatches#2026-11-23": 2}
    user = a_user(counters=held | {"resumes#pass": 1})
    assert set(user.counters) - set(entitlements.reset_monthly_usage(user, NOW).counters) == {"resumes#2026-10"}
    assert set(user.counters) - set(entitlements.reset_daily_usage(user, NOW).counters) == {"jobMatches#2026-11-22"}


@given(st.sampled_from(["free", *PAID]), UNITS, st.integers(0, 5), st.integers(0, 100 * 86_400))
def test_resetting_changes_no_answer(tier: str, unit: Unit, use: int, seconds: int) -> None:
    user, now = after_using(a_user(tier=tier), unit, use), NOW + timedelta(seconds=seconds)
    for reset in (entitlements.reset_daily_usage, entitlements.reset_monthly_usage):
        for each in Unit:
            assert entitlements.used(reset(user, now), each, now) == entitlements.used(user, each, now)


def test_expiry_names_what_is_over_and_only_that() -> None:
    old, running = a_subscription("pro", start=NOW - 90 * DAY, name="old"), a_subscription("premium", name="new")
    user = a_user(old, running)
    assert [(each.subscription_id, each.status) for each in entitlements.check_subscription_expiry(user, NOW)] == [
        ("old", Status.EXPIRED),
    ]
    assert entitlements.check_subscription_expiry(a_user(running), NOW) == ()


@pytest.mark.parametrize(
    ("tier", "service"),
    [
        ("free", Ai.GEMINI),
        ("one-time", Ai.GPT4O),
        ("student", Ai.HYBRID),
        ("pro", Ai.HYBRID),
        ("premium", Ai.GPT4O),
        ("lifetime", Ai.GPT4O),
    ],
)
def test_the_tier_decides_who_answers(tier: str, service: Ai) -> None:
    assert entitlements.get_ai_service(a_user(tier=tier), NOW) is service


@pytest.mark.parametrize("preference", [Preference.GEMINI, Preference.GPT4O])
@pytest.mark.parametrize("tier", ["free", *PAID])
def test_a_preference_counts_only_where_the_tier_lets_its_users_choose(tier: str, preference: Preference) -> None:
    user = replace(a_user(tier=tier), preference=preference)
    chosen = entitlements.get_ai_service(user, NOW)
    assert chosen == (preference.value if tier in {"pro", "student"} else plans.tier(tier).ai)


def test_a_preference_is_without_effect_once_the_plan_is_over() -> None:
    user = replace(a_user(tier="pro"), preference=Preference.GPT4O)
    end = user.subscriptions[0].end_date
    assert end is not None
    assert entitlements.get_ai_service(user, end) is Ai.GEMINI


def test_the_reset_date_is_the_first_day_of_the_next_window_in_india() -> None:
    late = india("2026-12-31 23:59:59")
    assert entitlements.reset_date(Limit(1, Window.MONTH), late) == date(2027, 1, 1)
    assert entitlements.reset_date(Limit(1, Window.DAY), late) == date(2027, 1, 1)
    assert entitlements.reset_date(Limit(1, Window.PASS), late) is None


def test_usage_is_shown_as_the_api_promises() -> None:
    user = after_using(after_using(a_user(tier="pro"), Unit.JOB_MATCHES, 4), Unit.RESUMES, 2)
    expected: dict[str, Any] = {
        "resumesUsed": 2,
        "resumesLimit": None,
        "atsScansUsed": 0,
        "atsScansLimit": 5,
        "jobMatchesUsed": 4,
        "jobMatchesLimit": 10,
        "coverLettersUsed": 0,
        "coverLettersLimit": 5,
        "limits": {
            "resumes": {"limit": None, "window": "month"},
            "atsScans": {"limit": 5, "window": "month"},
            "jobMatches": {"limit": 10, "window": "day"},
            "coverLetters": {"limit": 5, "window": "month"},
        },
        "remaining": {"resumes": None, "atsScans": 5, "jobMatches": 6, "coverLetters": 5},
        "resetDate": "2026-12-01",
        "dailyResetDate": "2026-11-24",
        "totalResumesGenerated": 2,
    }
    assert entitlements.usage_stats(user, NOW) == expected


def test_terms_of_another_pass_do_not_count_as_use_of_this_one() -> None:
    user = a_user(tier="one-time", counters={"resumes#pass": 1})
    stale = replace(user, terms=MappingProxyType({**metering.terms_of(user, NOW), "pass": "another"}))
    assert entitlements.has_reached_limit(user, Unit.RESUMES, NOW)
    assert not entitlements.has_reached_limit(stale, Unit.RESUMES, NOW)
