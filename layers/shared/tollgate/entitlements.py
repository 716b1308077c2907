"""What a user may do at an instant. Pure: takes a user and the clock, returns an answer or a changed user.

The names are those of the application this replaces, so that whoever knows it finds them.
"""

from dataclasses import replace
from datetime import date, datetime
from types import MappingProxyType

from tollgate import calendar, plans
from tollgate.counters import counter, pass_counters, pass_of, stale
from tollgate.plans import Ai, Feature, Limit, Unit, Window
from tollgate.subscriptions import Subscription
from tollgate.users import Preference, User


def has_active_subscription(user: User, now: datetime) -> bool:
    """Whether a paid plan is running."""
    return user.running(now) is not None


def is_premium_user(user: User, now: datetime) -> bool:
    """Whether the running tier is one of the premium ones."""
    return user.tier(now).premium


def can_access_feature(user: User, feature: Feature, now: datetime) -> bool:
    """Whether the running tier opens the feature."""
    return feature in user.tier(now).features


def get_tier_features(tier_id: str) -> frozenset[Feature]:
    """What a tier opens."""
    return plans.tier(tier_id).features


def get_usage_limit(user: User, unit: Unit, now: datetime) -> Limit:
    """How much of a unit the running tier allows."""
    return user.tier(now).limits[unit]


def used(user: User, unit: Unit, now: datetime) -> int:
    """How much of a unit is used in the window that counts now; another window's count is zero."""
    limit = get_usage_limit(user, unit, now)
    if limit.window is Window.PASS and user.terms.get("pass") != pass_of(user, now):
        return 0
    return user.counters.get(counter(unit, limit.window, now), 0)


def get_remaining_usage(user: User, unit: Unit, now: datetime) -> int | None:
    """What is left of a unit, never below zero; None is unlimited."""
    count = get_usage_limit(user, unit, now).count
    return None if count is None else max(count - used(user, unit, now), 0)


def has_reached_limit(user: User, unit: Unit, now: datetime) -> bool:
    """Whether nothing is left of a unit."""
    return get_remaining_usage(user, unit, now) == 0


def increment_usage(user: User, unit: Unit, now: datetime) -> User:
    """The user with one more of a unit used. The store takes units by `admit`, in one conditional write."""
    held = pass_of(user, now)
    begun = _without(user, frozenset() if user.terms.get("pass") == held else frozenset(pass_counters()))
    name = counter(unit, get_usage_limit(user, unit, now).window, now)
    return replace(
        begun,
        counters=MappingProxyType({**begun.counters, name: used(user, unit, now) + 1}),
        terms=MappingProxyType({**user.terms, "pass": held}),
        resumes_generated=user.resumes_generated + (unit is Unit.RESUMES),
    )


def reset_monthly_usage(user: User, now: datetime) -> User:
    """The user without counters of earlier months. Correctness never waits for it: a stale stamp counts as zero."""
    return _without(user, stale(user.counters, now, Window.MONTH))


def reset_daily_usage(user: User, now: datetime) -> User:
    """The user without counters of earlier days."""
    return _without(user, stale(user.counters, now, Window.DAY))


def _without(user: User, names: frozenset[str]) -> User:
    kept = {name: count for name, count in user.counters.items() if name not in names}
    return replace(user, counters=MappingProxyType(kept))


def check_subscription_expiry(user: User, now: datetime) -> tuple[Subscription, ...]:
    """The subscriptions that are over at `now`, with the status to write down for them."""
    over = [each for each in user.subscriptions if each.is_over(now)]
    return tuple(replace(each, status=each.status_at(now)) for each in over)


def get_ai_service(user: User, now: datetime) -> Ai:
    """Who answers the user's AI calls: the tier's service, or the preference where the tier lets its users choose."""
    tier = user.tier(now)
    if tier.chooses_ai and user.preference is not Preference.AUTO:
        return Ai(user.preference.value)
    return tier.ai


def reset_date(limit: Limit, now: datetime) -> date | None:
    """The first day of the limit's next window in India; a pass has none."""
    match limit.window:
        case Window.MONTH:
            return calendar.next_month(now)
        case Window.DAY:
            return calendar.next_day(now)
        case Window.PASS:
            return None


def usage_stats(user: User, now: datetime) -> dict[str, object]:
    """What is used, what is left and when it returns, as the API shows it. Unlimited is None."""
    tier = user.tier(now)
    stats: dict[str, object] = {}
    for unit in Unit:
        stats[f"{unit.value}Used"] = used(user, unit, now)
        stats[f"{unit.value}Limit"] = tier.limits[unit].count
    return {
        **stats,
        "limits": plans.limits_of(tier),
        "remaining": {unit.value: get_remaining_usage(user, unit, now) for unit in Unit},
        "resetDate": calendar.next_month(now).isoformat(),
        "dailyResetDate": calendar.next_day(now).isoformat(),
        "totalResumesGenerated": user.resumes_generated,
    }
