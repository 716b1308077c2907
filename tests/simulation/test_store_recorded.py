"""What the product asks of the database in one user's year, answered by the engine and by the store alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.functions import harness, test_ai_tasks
from tests.functions.conftest import *  # noqa: F403 -- its fixtures, whichever those are
from tests.functions.harness import World
from tests.simulation import mirror
from tests.simulation.mirror import Mirror
from tests.simulation.store import Store
from tollgate import clock
from tollgate.store import dynamodb

JOBS = ("ReconcilePayments", "ExpireSubscriptions", "ResetUsage", "SendReminders")


def scanned(world: World) -> dict[str, list[dict[str, Any]]]:
    """Everything in the engine's tables."""
    pages = world.raw.get_paginator("scan")
    names = [table.request["TableName"] for table in harness.served().tables]
    return {name: [item for page in pages.paginate(TableName=name) for item in page["Items"]] for name in names}


@pytest.fixture
def mirrored(world: World) -> Iterator[Mirror]:
    """The world, every request of its handlers asked of the store as well."""
    store = Store(harness.served().tables, clock.now)
    mirror.load(store, scanned(world))
    engine = dynamodb.engine()
    made = Mirror(engine, store)
    dynamodb.use(made)
    yield made
    dynamodb.use(engine)


def run(world: World, job: str) -> None:
    """A scheduled function's run, at the world's time."""
    world.at(world.now)
    function = next(each for each in harness.served().functions if each.name == job)
    harness.handler(function)({}, harness.context(function))


def bought(world: World, tier: str, plan: str) -> str:
    """The payment of a plan that was bought and verified."""
    paid = world.pay(world.order(tier, plan)["orderId"])
    world.verify(paid)
    return str(paid["razorpay_payment_id"])


def told(world: World, payment_id: str) -> None:
    """Every event of a payment, twice."""
    for body in world.events(payment_id).values():
        world.webhook(body)
        world.webhook(body)


def a_year(world: World) -> None:
    """Quota used up and refused, plans bought, changed, ended and given back, retries, jobs."""
    improve = ("/api/ai/enhance-content", test_ai_tasks.BODIES["/api/ai/enhance-content"])
    world.get("/api/subscription/status")
    for number in range(3):
        world.post(*improve, headers={"idempotency-key": f"key-{number % 2}"})
    first = bought(world, "pro", "monthly")
    world.fail("500", "500")
    world.post(*improve)
    world.later(days=2)
    for path, body in test_ai_tasks.BODIES.items():
        world.post(path, body)
    second = bought(world, "premium", "monthly")
    for payment_id, part in ((second, {"amount": 100}), (first, {})):
        world.at(world.now)
        world.razorpay.post(f"/_sim/payments/{payment_id}/refund", json=part)
        told(world, payment_id)
    told(world, str(world.pay(world.order("pro", "yearly")["orderId"])["razorpay_payment_id"]))
    told(
        world,
        str(world.pay(world.order("student", "quarterly")["orderId"], amount=77, force=True)["razorpay_payment_id"]),
    )
    for _ in range(3):
        world.later(days=31)
        for job in JOBS:
            run(world, job)
        world.post(*improve)
    for path in ("status", "usage", "history?limit=1"):
        world.get(f"/api/subscription/{path}")
    world.post("/api/subscription/cancel", {})


def test_every_request_of_a_year_has_the_same_answer_from_both(world: World, mirrored: Mirror) -> None:
    a_year(world)
    assert not mirrored.differences, mirrored.differences[0]
    theirs = {name: mirror.in_order(items) for name, items in scanned(world).items()}
    assert mirror.lying(mirrored.store) == theirs
    print(dict(mirrored.asked))  # noqa: T201 -- read with -s
    assert mirrored.asked.keys() >= {
        "get_item",
        "put_item",
        "update_item",
        "transact_write_items",
        "query",
        "batch_get_item",
    }
