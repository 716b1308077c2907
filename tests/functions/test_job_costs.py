"""What counting and tidying up cost, in the units that DynamoDB bills, on the store that counts them by its published rules."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.functions import harness
from tests.functions.harness import World
from tests.simulation.store import Store
from tests.unit.factories import a_subscription
from tollgate import expiry
from tollgate.metering import Action, Call
from tollgate.store import admission, dynamodb, subscriptions
from tollgate.store.due import SHARDS
from tollgate.store.dynamodb import to_item


@pytest.fixture
def store(world: World) -> Iterator[Store]:
    """An empty one in the product's hands."""
    with dynamodb.using(Store(harness.served().tables, lambda: world.now)) as made:
        yield made


def admitted(world: World, store: Store, action: Action, request: str) -> int:
    """The write units of letting a call in."""
    before = store.writes
    admission.admit(Call(user_id=world.user, request_id=request, action=action, at=world.now))
    return store.writes - before


def test_the_index_of_open_windows_costs_one_unit_a_month_and_counting_no_more(world: World, store: Store) -> None:
    assert admitted(world, store, Action.ENHANCE_CONTENT, "first") == 2
    world.later(days=1)
    assert admitted(world, store, Action.ENHANCE_CONTENT, "second") == 1
    assert admitted(world, store, Action.PARSE_RESUME, "third") == 1


@pytest.mark.parametrize("others", [0, 2_000])
def test_an_expiring_user_costs_two_write_units_however_many_others_there_are(
    world: World, store: Store, others: int
) -> None:
    for number in range(40 + others):
        start = world.now if number < 40 else world.now + timedelta(days=1)
        row = subscriptions.row(f"u{number}", a_subscription(start=start), start)
        store.put("SubscriptionsTable", to_item(row))
    laid = store.writes
    world.at(harness.START + timedelta(days=30, hours=1))
    assert expiry.expire(world.now, lambda: True).expired == 40
    assert store.writes - laid == 2 * 40
    assert dict(store.calls) == {"query": len(SHARDS), "update_item": 40}
    assert store.reads <= len(SHARDS) / 2 + 0.05 * 40


def test_a_plan_that_begins_costs_three_for_it_moves_in_the_index(world: World, store: Store) -> None:
    row = subscriptions.row("u1", a_subscription(start=world.now + timedelta(hours=1)), world.now)
    store.put("SubscriptionsTable", to_item(row))
    laid = store.writes
    world.later(hours=2)
    assert expiry.expire(world.now, lambda: True).started == 1
    assert store.writes - laid == 3
