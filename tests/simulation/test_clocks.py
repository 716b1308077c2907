"""Environments whose clocks differ by seconds: what histories found, said once more as values."""

from datetime import UTC, datetime, timedelta

import pytest

from tollgate import occasions, plans, purchases, subscriptions
from tollgate.errors import Conflict
from tollgate.notices import Kind
from tollgate.purchases import NO_CREDIT
from tollgate.users import CLOCKS_DIFFER, User

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
AHEAD = timedelta(seconds=5)


def owner(tier: str, plan: str, at: datetime) -> User:
    nobody = User(id="user-1", created_at=NOW)
    return purchases.grant(nobody, subscriptions.bought("tgs_1", tier, plan, at), NO_CREDIT, at)


def test_nothing_is_sold_beside_a_plan_without_end_that_begins_by_a_faster_clock() -> None:
    found = plans.find("pro", "monthly")
    assert found
    with pytest.raises(Conflict):
        purchases.quote(owner("lifetime", "lifetime", NOW + AHEAD), *found, NOW)


def test_a_purchase_follows_what_a_faster_clock_began() -> None:
    user = owner("pro", "monthly", NOW + AHEAD)
    assert user.at_or_after(NOW) == NOW + AHEAD


def test_a_purchase_of_a_wrong_clock_moves_no_other() -> None:
    user = owner("pro", "monthly", NOW + CLOCKS_DIFFER + timedelta(seconds=1))
    assert user.at_or_after(NOW) == NOW


def test_what_a_faster_clock_began_is_told_of_as_begun() -> None:
    ahead = subscriptions.bought("tgs_1", "pro", "monthly", NOW + AHEAD)
    told = occasions.of_period("user-1", None, ahead, (), NOW)
    assert Kind.STARTED in {each.kind for each in told}
