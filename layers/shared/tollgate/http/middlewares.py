"""The policies a route can ask for, under the names of the application this replaces. Each is a Powertools middleware.

The AI routes do not combine these: their admission checks plan, rate and quota in one write (`tollgate.ai.metered`).
"""

from collections.abc import Callable, Collection
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware

from tollgate import entitlements, metering, refusals
from tollgate.config import settings
from tollgate.errors import FeatureNotInPlan, SubscriptionRequired, TierRequired
from tollgate.http.api import Api
from tollgate.metering import Action, Denial
from tollgate.plans import Feature, Unit
from tollgate.store import admission, usage_log

type Middleware = Callable[[Api, NextMiddleware], Response[Any]]


def check_subscription(app: Api, next_middleware: NextMiddleware) -> Response[Any]:
    """Only with a running paid plan."""
    if not entitlements.has_active_subscription(app.account, app.now):
        raise SubscriptionRequired("You have no paid plan running.")
    return next_middleware(app)


def check_usage_limit(limit: Unit) -> Middleware:
    """Only while something is left of a unit. Looks only: what must not be oversold is taken by admission."""

    def middleware(app: Api, next_middleware: NextMiddleware) -> Response[Any]:
        action = next(action for action, unit in metering.UNIT_OF.items() if unit is limit)
        denied = metering.denial(app.account, action, app.now)
        if denied in {Denial.QUOTA, Denial.NOT_IN_PLAN}:
            raise refusals.refusal(denied, app.account, action, app.now, settings().academic_domains)
        return next_middleware(app)

    return middleware


def require_premium(app: Api, next_middleware: NextMiddleware) -> Response[Any]:
    """Only for the premium tiers."""
    if not entitlements.is_premium_user(app.account, app.now):
        raise TierRequired("This is part of the premium plans.")
    return next_middleware(app)


def require_tier(tiers: Collection[str]) -> Middleware:
    """Only for these tiers."""

    def middleware(app: Api, next_middleware: NextMiddleware) -> Response[Any]:
        if app.account.tier(app.now).id not in tiers:
            raise TierRequired(f"This is part of these plans: {', '.join(tiers)}.", tiers=list(tiers))
        return next_middleware(app)

    return middleware


def require_feature(feature: Feature) -> Middleware:
    """Only where the plan opens the feature."""

    def middleware(app: Api, next_middleware: NextMiddleware) -> Response[Any]:
        if not entitlements.can_access_feature(app.account, feature, app.now):
            raise FeatureNotInPlan(f"Your plan does not include {feature.value}.", feature=feature.value)
        return next_middleware(app)

    return middleware


def track_usage(action: Action) -> Middleware:
    """Write a usage-log row for each request that succeeds."""

    def middleware(app: Api, next_middleware: NextMiddleware) -> Response[Any]:
        reply = next_middleware(app)
        if reply.status_code < 400:  # noqa: PLR2004 -- no refusal
            usage_log.put(usage_log.row(app.caller.user_id, app.request_id, action, app.now))
        return reply

    return middleware


def tier_based_rate_limit(app: Api, next_middleware: NextMiddleware) -> Response[Any]:
    """Take one of the tier's calls of this clock hour, atomically; refuse with 429 where none is left."""
    record = admission.take_rate_slot(app.account, app.now)
    app.context["user"] = record
    reply = next_middleware(app)
    reply.headers.update(refusals.rate_limit_headers(record, app.now))
    return reply


def get_user_usage_stats(app: Api, next_middleware: NextMiddleware) -> Response[Any]:
    """Put what the caller has used into the request's context as `usage`, as GET /usage shows it."""
    app.context["usage"] = entitlements.usage_stats(app.account, app.now)
    return next_middleware(app)
