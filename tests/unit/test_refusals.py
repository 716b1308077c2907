"""A refusal says what ran out, when it returns, and the cheapest way out at its exact price."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.factories import DAY, NOW, a_user, after_using
from tollgate import errors, metering, refusals
from tollgate.counters import rate_counter
from tollgate.errors import FeatureNotInPlan, RateLimited, Refusal, UsageLimitReached
from tollgate.metering import Action, Denial
from tollgate.plans import Unit
from tollgate.users import User


def refused(user: User, action: Action) -> Refusal:
    denied = metering.denial(user, action, NOW)
    assert denied is not None
    return refusals.refusal(denied, user, action, NOW)


def test_a_spent_month_names_the_limit_its_end_and_the_cheapest_plan() -> None:
    refusal = refused(after_using(a_user(), Unit.RESUMES, 1), Action.PARSE_RESUME)
    assert isinstance(refusal, UsageLimitReached)
    assert (refusal.status, refusal.code) == (403, "usage_limit_reached")
    assert refusal.facts == {
        "limitType": "resumes",
        "used": 1,
        "limit": 1,
        "resetDate": "2026-12-01",
        "upgrade": {"tier": "one-time", "plan": "one-time", "pricePaise": 4_900, "payablePaise": 4_900},
    }


def test_a_spent_day_returns_tomorrow() -> None:
    refusal = refused(after_using(a_user(tier="pro"), Unit.JOB_MATCHES, 10), Action.JOB_MATCH)
    assert refusal.facts["resetDate"] == "2026-11-24"
    assert refusal.facts["upgrade"] == {
        "tier": "premium",
        "plan": "monthly",
        "pricePaise": 24_900,
        "payablePaise": 10_000,
    }


def test_a_spent_pass_never_returns() -> None:
    refusal = refused(after_using(a_user(tier="one-time"), Unit.ATS_SCANS, 1), Action.ATS_SCAN)
    assert (refusal.code, refusal.facts["resetDate"]) == ("usage_limit_reached", None)


def test_what_is_not_in_the_plan_is_another_refusal() -> None:
    refusal = refused(a_user(), Action.COVER_LETTER)
    assert isinstance(refusal, FeatureNotInPlan)
    assert (refusal.status, refusal.code) == (403, "feature_not_in_plan")
    assert refusal.facts["limit"] == 0
    assert refusal.facts["upgrade"] == {
        "tier": "student",
        "plan": "quarterly",
        "pricePaise": 9_900,
        "payablePaise": 9_900,
    }


@pytest.mark.parametrize("action", [Action.PARSE_RESUME, Action.GENERATE_SUMMARY])
def test_a_full_hour_says_how_long_to_wait(action: Action) -> None:
    refusal = refused(a_user(counters={rate_counter(NOW): 10}), action)
    assert isinstance(refusal, RateLimited)
    assert (refusal.status, refusal.code) == (429, "rate_limited")
    assert refusal.headers == {
        "Retry-After": "1800",
        "RateLimit-Limit": "10",
        "RateLimit-Remaining": "0",
        "RateLimit-Reset": "1800",
    }


def test_the_headers_never_tell_of_less_than_nothing_left() -> None:
    user = a_user(tier="pro", counters={rate_counter(NOW): 30})
    assert refusals.rate_limit_headers(user, NOW)["RateLimit-Remaining"] == "70"
    fallen = replace(user, subscriptions=())
    assert refusals.rate_limit_headers(fallen, NOW)["RateLimit-Remaining"] == "0"
    assert refusals.rate_limit_headers(fallen, NOW + DAY)["RateLimit-Remaining"] == "10"


@pytest.mark.parametrize("unit", list(Unit))
def test_every_unit_has_words(unit: Unit) -> None:
    assert refusals.WORDS[unit]


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        (errors.Unauthorized, 401, "unauthorized"),
        (errors.SubscriptionRequired, 403, "subscription_required"),
        (errors.FeatureNotInPlan, 403, "feature_not_in_plan"),
        (errors.TierRequired, 403, "tier_required"),
        (errors.UsageLimitReached, 403, "usage_limit_reached"),
        (errors.RateLimited, 429, "rate_limited"),
        (errors.InvalidRequest, 422, "invalid_request"),
        (errors.ContentRefused, 422, "content_refused"),
        (errors.PayloadTooLarge, 413, "payload_too_large"),
        (errors.Conflict, 409, "conflict"),
        (errors.PaymentNotVerified, 400, "payment_not_verified"),
        (errors.PaymentPending, 202, "payment_pending"),
        (errors.PaymentUnderReview, 202, "payment_under_review"),
        (errors.ProviderUnavailable, 503, "provider_unavailable"),
        (errors.NotFound, 404, "not_found"),
    ],
)
def test_every_refusal_has_the_status_and_code_of_the_api(kind: type[Refusal], status: int, code: str) -> None:
    refusal = kind("why", headers={"X": "1"}, fact=1)
    assert (refusal.status, refusal.code, refusal.detail) == (status, code, "why")
    assert (refusal.facts, refusal.headers) == ({"fact": 1}, {"X": "1"})
    assert refusal.title


def test_no_two_refusals_share_a_code() -> None:
    kinds = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, Refusal)]
    assert len({kind.code for kind in kinds}) == len(kinds)


def test_denials_are_those_that_admission_can_find() -> None:
    assert {denial.value for denial in Denial} == {"not_in_plan", "rate", "quota"}
