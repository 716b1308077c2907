"""Refusals a person can act on: what ran out, when it returns, and the cheapest way out with its exact price. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tollgate import calendar, entitlements, purchases
from tollgate.calendar import seconds_to_next_hour
from tollgate.counters import rate_counter
from tollgate.errors import FeatureNotInPlan, RateLimited, Refusal, UsageLimitReached
from tollgate.metering import UNIT_OF, Action, Denial
from tollgate.plans import Unit
from tollgate.purchases import Quote
from tollgate.users import User


def refusal(denied: Denial, user: User, action: Action, now: datetime, academic_domains: Sequence[str] = ()) -> Refusal:
    """The refusal a person can act on: what ran out, when it returns, and the cheapest way out with its exact price.

    Following the offer makes the same call go through.
    """
    tier = user.tier(now)
    unit = UNIT_OF.get(action)
    offer = _shown(purchases.cheapest_offer(user, unit, calendar.whole_second(now), academic_domains))
    if denied is Denial.RATE or unit is None:
        wait = seconds_to_next_hour(now)
        return RateLimited(
            f"Your plan allows {tier.calls_per_hour} AI calls an hour. The next hour begins in {wait} s.",
            headers={"Retry-After": str(wait), **rate_limit_headers(user, now)},
            limitType="callsPerHour",
            used=user.counters.get(rate_counter(now), 0),
            limit=tier.calls_per_hour,
            retryAfter=wait,
            upgrade=offer,
        )
    limit = tier.limits[unit]
    reset = entitlements.reset_date(limit, now)
    facts: dict[str, Any] = {
        "limitType": unit.value,
        "used": entitlements.used(user, unit, now),
        "limit": limit.count,
        "resetDate": reset.isoformat() if reset else None,
        "upgrade": offer,
    }
    if denied is Denial.NOT_IN_PLAN:
        return FeatureNotInPlan(f"The {tier.name} plan does not include {WORDS[unit]}.", **facts)
    return UsageLimitReached(f"You have used all {WORDS[unit]} of your {tier.name} plan.", **facts)


WORDS = {
    Unit.RESUMES: "resumes",
    Unit.ATS_SCANS: "ATS scans",
    Unit.JOB_MATCHES: "job matches",
    Unit.COVER_LETTERS: "cover letters",
}


def _shown(offer: Quote | None) -> dict[str, object] | None:
    if offer is None:
        return None
    return {"tier": offer.tier, "plan": offer.plan, "pricePaise": offer.price, "payablePaise": offer.payable}


def rate_limit_headers(user: User, now: datetime) -> dict[str, str]:
    """Where the user stands in this clock hour, as the RateLimit header fields say it."""
    limit = user.tier(now).calls_per_hour
    remaining = max(limit - user.counters.get(rate_counter(now), 0), 0)
    return {
        "RateLimit-Limit": str(limit),
        "RateLimit-Remaining": str(remaining),
        "RateLimit-Reset": str(seconds_to_next_hour(now)),
    }
