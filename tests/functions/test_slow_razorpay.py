"""Razorpay wants its webhook answered within five seconds: what is asked of it meanwhile may take a second and a half in all."""

from __future__ import annotations

import json

import pytest

from tests.functions.harness import World
from tests.functions.problems import problem
from tests.functions.test_mandates import at_razorpay, authorise, deliveries, opened, shown, standing, told
from tests.functions.test_mandates_changes import charges, run
from tollgate import app
from tollgate.errors import ProviderUnavailable
from tollgate.payments.gateway import patience
from tollgate.payments.webhooks import SECONDS_FOR_RAZORPAY

SLOW = SECONDS_FOR_RAZORPAY + 1.5


def slow(world: World, path: str, times: int = 1) -> None:
    world.sim("POST", "/faults", kind="latency", seconds=SLOW, path=path, times=times)


def test_lifetime_is_granted_by_its_webhook_though_razorpay_is_slow_to_end_the_mandate(world: World) -> None:
    mandate = standing(world)
    proof = world.pay(world.order("lifetime", "lifetime")["orderId"])
    captured = world.events(proof["razorpay_payment_id"])["payment.captured"]
    slow(world, "/v1/subscriptions/*/cancel")
    assert world.webhook(captured).json == {"status": "granted"}
    # It was asked once and not waited for: had it been, its end would be confirmed.
    assert world.steps.count("razorpay") == 1
    assert shown(world, "tier", "autoRenew") == ("lifetime", False)
    row = world.row(mandate) or {}
    assert (row["cancelled"], row["cancelAt"]) == (False, row["lookAt"])
    world.later(minutes=15)
    run(world)
    assert (world.row(mandate) or {})["cancelled"] is True
    assert at_razorpay(world, mandate)["status"] == "cancelled"


def test_a_refund_is_noted_though_razorpay_is_slow_to_end_the_mandate(world: World) -> None:
    mandate = standing(world)
    (payment,) = charges(world, mandate)
    world.sim("POST", f"/payments/{payment}/refund")
    slow(world, "/v1/subscriptions/*/cancel")
    assert world.webhook(world.events(payment)["refund.processed"]).json == {"status": "noted"}
    assert shown(world, "tier") == ("free",)
    assert (world.row(mandate) or {})["cancelled"] is False


def test_the_patience_is_for_all_that_is_asked_and_not_for_each(world: World) -> None:
    monthly, yearly = opened(world)["subscriptionId"], opened(world, "pro", "yearly")["subscriptionId"]
    authorise(world, monthly)
    told(world, monthly)
    slow(world, "/v1/subscriptions/*/cancel", times=2)  # one for each, of which the second is not even asked about
    proof = world.pay(world.order("lifetime", "lifetime")["orderId"])
    assert world.webhook(world.events(proof["razorpay_payment_id"])["payment.captured"]).json == {"status": "granted"}
    assert world.steps.count("razorpay") == 1
    world.sim("DELETE", "/faults")
    world.later(minutes=15)
    run(world)
    assert {at_razorpay(world, each)["status"] for each in (monthly, yearly)} == {"cancelled"}


def test_a_mandate_that_takes_over_is_granted_though_razorpay_is_slow_to_end_the_other(world: World) -> None:
    monthly, yearly = opened(world)["subscriptionId"], opened(world, "pro", "yearly")["subscriptionId"]
    for each in (monthly, yearly):
        authorise(world, each)
    slow(world, "/v1/subscriptions/*/cancel", times=5)
    charged = dict(deliveries(world, monthly))["subscription.charged"]
    assert world.webhook(charged).json == {"status": "granted"}
    assert world.steps.count("razorpay") == 1
    assert shown(world, "tier", "autoRenew") == ("pro", True)
    assert json.loads(charged)["event"] == "subscription.charged"
    assert (world.row(yearly) or {})["cancelled"] is False


def test_where_no_patience_is_left_razorpay_is_not_asked(world: World) -> None:
    world.order("pro", "monthly")  # the gateway is built
    world.journal.clear()
    with patience(0), pytest.raises(ProviderUnavailable):
        app.gateway().payments_of("order_1")
    assert world.steps == []
    assert app.gateway().payments_of("order_1") == []


def test_a_browser_waits_longer_than_a_webhook(world: World) -> None:
    """Somebody looks at a page that says "verifying": an answer after two seconds is worth waiting for."""
    proof = world.pay(world.order("pro", "monthly")["orderId"])
    world.sim("POST", "/faults", kind="latency", seconds=SECONDS_FOR_RAZORPAY + 0.3, path="/v1/payments/*")
    assert world.verify(proof).status == 200
    problem(world.verify(proof, razorpay_signature="0" * 64), 400, "payment_not_verified")
