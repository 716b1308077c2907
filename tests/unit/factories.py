"""Values for the tests: users, subscriptions and orders with everything that does not matter filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from hypothesis import settings

from tollgate import entitlements, metering, plans, subscriptions
from tollgate.payments.orders import Order
from tollgate.plans import Unit
from tollgate.purchases import NO_CREDIT
from tollgate.subscriptions import Subscription
from tollgate.users import User

# How long an example takes says nothing on a busy machine.
settings.register_profile("house", deadline=None, database=None)
settings.load_profile("house")

NOW = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)  # noon in India
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


def india(text: str) -> datetime:
    """The instant of a wall clock in India, as `2026-11-30 23:59:59.999`."""
    return datetime.fromisoformat(f"{text}+05:30").astimezone(UTC)


def a_subscription(
    tier: str = "pro",
    plan: str | None = None,
    start: datetime = NOW,
    *,
    name: str | None = None,
    **changes: Any,  # noqa: ANN401 -- any field's value
) -> Subscription:
    """A period of a tier that began at `start`, of its first plan unless another is named."""
    plan = plan or plans.tier(tier).plans[0].id
    fresh = subscriptions.bought(name or f"tgs_{tier}", tier, plan, start)
    return replace(fresh, **changes)


def a_user(
    *held: Subscription,
    tier: str | None = None,
    counters: Mapping[str, int] | None = None,
    now: datetime = NOW,
    **changes: Any,  # noqa: ANN401 -- any field's value
) -> User:
    """A user with these subscriptions, or with one of `tier` that began at `now`, and terms as a store would keep them."""
    bought = (*held, *([a_subscription(tier, start=now)] if tier and tier != plans.BASE.id else []))
    user = User(
        id="u1",
        created_at=now,
        subscriptions=bought,
        counters=MappingProxyType(dict(counters or {})),
        **changes,
    )
    return replace(user, terms=MappingProxyType(metering.terms_of(user, now)))


def after_using(user: User, unit: Unit, times: int, now: datetime = NOW) -> User:
    """The user with a unit used so many times more."""
    for _ in range(times):
        user = entitlements.increment_usage(user, unit, now)
    return user


def an_order(**changes: Any) -> Order:  # noqa: ANN401 -- any field's value
    """An unpaid order of a month."""
    order = Order(
        id="order_1",
        user_id="u1",
        tier="pro",
        plan="monthly",
        price=14_900,
        amount=14_900,
        credit=NO_CREDIT,
        receipt="tg_1",
        created_at=NOW,
    )
    return replace(order, **changes)
