"""Razorpay's published scenarios and known pitfalls, each against the real handlers and the simulator.

A test's docstring names what it covers; `docs/razorpay-scenarios.md` is the table, and `tests/bundle/test_scenarios.py` holds the
two together.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.functions.harness import KEY_SECRET, PREVIOUS_SECRET, WEBHOOK_SECRET, World, signature
from tests.functions.problems import problem
from tests.functions.review_desk import listed
from tests.functions.test_mandates import ask, at_razorpay, authorise, deliveries, opened, shown, standing, told
from tests.functions.test_mandates_changes import AUTH, charges, refunded, run
from tests.functions.test_webhook import CAPTURED, ORDER_PAID, changed, grants, paid
from tollgate import app
from tollgate.payments import webhooks
from tollgate.payments.orders import to_payment
from tollgate.payments.settle import settle
from tollgate.store import dynamodb
from tollgate.store.dynamodb import Engine, UnreachableError
from tollgate.store.payments import Entry

CREATE = "/api/subscription/create-order"
VERIFY = "/api/subscription/verify-payment"

type Json = dict[str, Any]


def theirs(world: World, path: str) -> Json:
    """An entity as Razorpay's API has it."""
    world.at(world.now)
    found: Json = world.razorpay.get(f"/v1{path}", auth=AUTH).json()
    return found


def tier(world: World) -> str:
    return str(shown(world, "tier")[0])


# Orders


def test_an_order_is_made_on_the_server_and_nothing_is_told_of_it(world: World) -> None:
    """ORD-01"""
    made = world.order("pro", "monthly")
    there = theirs(world, f"/orders/{made['orderId']}")
    assert (there["status"], there["amount"], there["amount_due"], there["amount_paid"], there["attempts"]) == (
        "created",
        14_900,
        14_900,
        0,
        0,
    )
    assert (world.row(made["orderId"]) or {})["receipt"] == there["receipt"]
    assert world.razorpay.get("/_sim/webhooks/deliveries").json() == []


def test_an_order_is_attempted_and_then_paid(world: World) -> None:
    """ORD-02, ORD-03"""
    order = world.order("pro", "monthly")["orderId"]
    failed = world.pay(order, outcome="fail")["payment"]
    assert (theirs(world, f"/orders/{order}")["status"], failed["status"]) == ("attempted", "failed")
    world.webhook(world.events(failed["id"])["payment.failed"])
    assert tier(world) == "free"
    proof = world.pay(order)
    assert theirs(world, f"/orders/{order}")["status"] == "paid"
    assert world.webhook(world.events(proof["razorpay_payment_id"])[ORDER_PAID]).json == {"status": "granted"}


@pytest.mark.parametrize("fault", ["drop", "empty", "html"])
def test_an_order_whose_answer_was_lost_is_one_order(world: World, fault: str) -> None:
    """ORD-05, BP-07, RZP-19"""
    world.sim("POST", "/faults", kind=fault, method="POST", path="/v1/orders")
    sold = world.order("pro", "monthly")["orderId"]
    assert [each["id"] for each in theirs(world, "/orders")["items"]] == [sold]
    assert world.verify(world.pay(sold)).status == 200


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"amount": 99}, "minimum"),
        ({"amount": 100.5}, "integer"),
        ({"amount": -100}, ""),
        ({"amount": None}, ""),
        ({"currency": None}, ""),
        ({"receipt": "x" * 41}, "40"),
        ({"notes": {str(number): "x" for number in range(16)}}, ""),
    ],
)
def test_what_razorpay_refuses_is_never_asked_of_it(world: World, change: Json, said: str) -> None:
    """ORD-VALIDATION, RZP-16"""
    sound = {"amount": 14_900, "currency": "INR", "receipt": "r", "notes": {}}
    refused = world.razorpay.post("/v1/orders", auth=AUTH, json=sound | change)
    assert refused.status_code == 400
    assert said in refused.json()["error"]["description"]
    for wanted in (("one-time", "one-time"), ("premium", "yearly"), ("lifetime", "lifetime")):
        there = theirs(world, f"/orders/{world.order(*wanted)['orderId']}")
        assert there["amount"] >= 100
        assert len(there["receipt"]) <= 40


def test_an_order_that_razorpay_refuses_is_not_sold(world: World) -> None:
    """ORD-VALIDATION"""
    body = {"error": {"code": "BAD_REQUEST_ERROR", "description": "Order receipt should be unique."}}
    world.sim("POST", "/faults", kind="custom", status=400, body=body, method="POST", path="/v1/orders")
    problem(world.post(CREATE, {"tier": "pro", "plan": "monthly"}), 503, "provider_unavailable")
    assert theirs(world, "/orders")["items"] == []


# Webhooks and looking for oneself


def test_the_webhook_alone_grants_and_the_callback_needs_razorpays_word(world: World) -> None:
    """BP-01, RZP-02"""
    order = world.order("pro", "monthly")["orderId"]
    proof = world.pay(order, outcome="authorize")
    problem(world.verify(proof), 202, "payment_pending")
    assert tier(world) == "free"
    world.razorpay.post(
        f"/v1/payments/{proof['razorpay_payment_id']}/capture", auth=AUTH, json={"amount": 14_900, "currency": "INR"}
    )
    assert world.webhook(world.events(proof["razorpay_payment_id"])[CAPTURED]).json == {"status": "granted"}


def test_a_stored_event_replayed_changes_nothing_and_a_changed_copy_is_refused(world: World) -> None:
    """BP-03, BP-10, BP-37, RZP-05"""
    _, events = paid(world)
    world.webhook(events[CAPTURED])
    before = world.item()
    for _ in range(3):
        assert world.webhook(events[CAPTURED]).json == {"status": "seen"}
    signed = {"x-razorpay-signature": signature(events[CAPTURED], WEBHOOK_SECRET)}
    again = json.dumps(json.loads(events[CAPTURED]), indent=1).encode()
    for tampered in (again, changed(events[CAPTURED], amount=1), events[CAPTURED] + b" "):
        problem(world.webhook(tampered, headers=signed), 400, "invalid_signature")
    assert world.webhook(events[CAPTURED], content_type="application/octet-stream").json == {"status": "seen"}  # base64
    assert world.item() == before


def test_with_the_endpoint_down_the_reconciler_finds_what_was_paid(world: World) -> None:
    """BP-04, BP-05, BP-20, RZP-12"""
    order = world.order("pro", "monthly")["orderId"]
    world.pay(order, outcome="fail")
    world.pay(order)
    assert tier(world) == "free"
    world.later(minutes=15)
    assert run(world)["granted"] >= 1
    assert tier(world) == "pro"
    assert len(grants(world)) == 1


def test_a_payment_that_failed_and_is_authorised_days_later_is_granted_once(world: World) -> None:
    """BP-06, RZP-13"""
    order = world.order("pro", "monthly")["orderId"]
    payment = world.pay(order, outcome="fail")["payment"]["id"]
    world.webhook(world.events(payment)["payment.failed"])
    assert tier(world) == "free"
    world.later(days=2)
    world.sim("POST", f"/payments/{payment}/answer", outcome="captured")
    events = world.events(payment)
    late = json.loads(events["payment.captured"])
    late["event"], late["payload"]["payment"]["entity"] = (
        "payment.authorized",
        late["payload"]["payment"]["entity"] | {"status": "authorized", "late_authorized": True},
    )
    assert world.webhook(json.dumps(late).encode()).json == {"status": "noted"}
    for name in (CAPTURED, ORDER_PAID, "payment.failed"):
        assert world.webhook(events[name]).status == 200
    assert (tier(world), len(grants(world))) == ("pro", 1)


def test_a_payer_who_lost_the_answer_pays_the_same_order_once(world: World) -> None:
    """BP-08"""
    order = world.order("pro", "monthly")["orderId"]
    world.pay(order)
    again = world.razorpay.post(f"/_sim/orders/{order}/pay", json={})
    assert again.status_code == 400  # Razorpay: a paid order takes no second payment
    world.later(minutes=11)
    run(world)
    assert [each["amount"] for each in grants(world)] == [14_900]


class _Broken:
    """An engine whose transactions do not get through; the rest do."""

    def __init__(self, whole: Engine) -> None:
        self.whole = whole

    def __call__(self, operation: str, request: Any) -> dict[str, Any]:  # noqa: ANN401 -- DynamoDB's shapes
        if operation == "transact_write_items":
            raise UnreachableError
        return self.whole(operation, request)

    def close(self) -> None:
        self.whole.close()


def test_an_event_whose_work_failed_is_not_done_and_comes_again(world: World) -> None:
    """BP-11, RZP-08"""
    _, events = paid(world)
    with dynamodb.using(_Broken(dynamodb.engine())):
        problem(world.webhook(events[CAPTURED]), 503, "provider_unavailable")
    assert grants(world) == []
    assert world.webhook(events[CAPTURED]).json == {"status": "granted"}
    assert world.webhook(events[CAPTURED]).json == {"status": "seen"}


@pytest.mark.parametrize("kind", ["500", "drop"])
def test_a_refund_that_is_asked_for_twice_is_given_once(world: World, kind: str) -> None:
    """BP-12"""
    proof = world.pay(world.order("pro", "monthly")["orderId"], amount=100, force=True)
    world.verify(proof)
    payment = proof["razorpay_payment_id"]
    path, admin = f"/api/admin/flagged-payments/{payment}/resolve", world.token("boss", role="admin")
    world.sim("POST", "/faults", kind=kind, method="POST", path="/v1/payments/*/refund")
    problem(world.post(path, {"action": "refund"}, token=admin), 503, "provider_unavailable")
    assert world.post(path, {"action": "refund"}, token=admin).json["resolution"] == "refund"
    assert [each["amount"] for each in theirs(world, f"/payments/{payment}/refunds")["items"]] == [100]


# What is believed


def test_the_amount_is_ours_whatever_the_caller_says(world: World) -> None:
    """RZP-01"""
    reply = world.post(CREATE, {"tier": "pro", "plan": "monthly", "amount": 100, "price": 1})
    assert theirs(world, f"/orders/{reply.json['orderId']}")["amount"] == 14_900


def test_a_secret_in_the_request_signs_nothing(world: World) -> None:
    """RZP-03"""
    mandate = opened(world)["subscriptionId"]
    payment = authorise(world, mandate)["razorpay_payment_id"]
    forged = signature(f"{payment}|{mandate}".encode(), "mine")
    body = {
        "razorpay_subscription_id": mandate,
        "razorpay_payment_id": payment,
        "razorpay_signature": forged,
        "secret": "mine",
    }
    problem(world.post(VERIFY, body), 400, "payment_not_verified")


@pytest.mark.parametrize("way", ["other order of ids", "webhook secret", "upper case"])
def test_a_signature_of_another_kind_is_none(world: World, way: str) -> None:
    """RZP-04"""
    proof = world.pay(world.order("pro", "monthly")["orderId"])
    order, payment = proof["razorpay_order_id"], proof["razorpay_payment_id"]
    forged = {
        "other order of ids": signature(f"{payment}|{order}".encode(), KEY_SECRET),
        "webhook secret": signature(f"{order}|{payment}".encode(), WEBHOOK_SECRET),
        "upper case": str(proof["razorpay_signature"]).upper(),
    }[way]
    problem(world.verify(proof, razorpay_signature=forged), 400, "payment_not_verified")


def test_events_signed_before_the_secret_changed_still_count(world: World) -> None:
    """RZP-21"""
    _, events = paid(world)
    assert world.webhook(events[CAPTURED], secret=PREVIOUS_SECRET).json == {"status": "granted"}


def test_an_order_of_the_other_mode_is_kept_for_review(world: World) -> None:
    """RZP-22"""
    proof, events = paid(world)
    row = (world.row(proof["razorpay_order_id"]) or {}) | {"mode": "live"}
    world.raw.put_item(TableName="PaymentsTable", Item=dynamodb.to_item(row))
    assert world.webhook(events[CAPTURED]).json == {"status": "kept"}
    assert (world.row(proof["razorpay_payment_id"]) or {})["reason"] == "other_mode"


def test_notes_of_the_checkout_decide_nothing(world: World) -> None:
    """RZP-36"""
    _, events = paid(world)
    told_otherwise = changed(events[CAPTURED], notes={"userId": "somebody-else", "tier": "lifetime"})
    assert world.webhook(told_otherwise).json == {"status": "granted"}
    assert [each["tier"] for each in grants(world)] == ["pro"]
    assert world.rows("SubscriptionsTable", "somebody-else") == []


# What happens once


def test_every_way_in_at_once_is_one_grant(world: World) -> None:
    """RZP-06, RZP-07"""
    proof, events = paid(world)
    payment = to_payment(proof["payment"])

    def way(number: int) -> str:
        if number % 2:
            return webhooks.handle(webhooks.event(events[CAPTURED], world.now))
        return str(settle(payment, Entry(source="verify", at=world.now)).subscription is not None)

    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(way, range(12)))
    assert set(outcomes) <= {"True", "granted", "seen"}
    assert len(grants(world)) == 1


def test_different_events_of_one_payment_are_one_grant(world: World) -> None:
    """RZP-09"""
    _, events = paid(world)
    outcomes = [world.webhook(events[name]).json["status"] for name in (ORDER_PAID, CAPTURED, ORDER_PAID)]
    assert outcomes[0] == "granted"
    assert len(grants(world)) == 1


def test_the_seven_events_of_a_first_charge_are_one_grant_to_the_end_it_names(world: World) -> None:
    """RZP-10, RZP-27"""
    mandate = standing(world)
    told(world, mandate)
    (period,) = grants(world)
    end = datetime.fromtimestamp(at_razorpay(world, mandate)["current_end"], UTC)
    assert period["endDate"] == end.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert end.hour * 60 + end.minute == 18 * 60 + 30  # midnight in India


def test_two_tabs_are_given_one_mandate(world: World) -> None:
    """RZP-32"""
    first, second = ask(world).json["subscriptionId"], ask(world).json["subscriptionId"]
    assert first == second
    assert at_razorpay(world, first)["expire_by"] == int(world.now.timestamp()) + 86_400


def test_a_create_that_was_cut_off_is_not_sent_again(world: World) -> None:
    """RZP-20"""
    world.order("pro", "monthly")
    world.sim("POST", "/faults", kind="drop_before", method="POST", path="/v1/orders", times=9)
    problem(world.post(CREATE, {"tier": "pro", "plan": "monthly"}), 503, "provider_unavailable")
    assert world.steps.count("razorpay") == 2  # one attempt to make it, one look for it
    assert sum(each["times"] for each in world.sim("GET", "/faults")) == 8


# What comes in


@pytest.mark.parametrize("name", ["subscription.unheard_of", "payment.captured"])
def test_what_we_do_not_know_is_answered_200(world: World, name: str) -> None:
    """RZP-11"""
    _, events = paid(world)
    event = json.loads(changed(events[CAPTURED], id=f"pay_{world.user[5:]}", order_id="order_stranger"))
    assert world.webhook(json.dumps(event | {"event": name}).encode()).status == 200
    assert grants(world) == []


def test_a_payment_that_is_never_captured_grants_nothing_and_goes_back(world: World) -> None:
    """RZP-14"""
    order = world.order("pro", "monthly")["orderId"]
    proof = world.pay(order, outcome="authorize")
    problem(world.verify(proof), 202, "payment_pending")
    world.later(days=3, hours=1)
    run(world)
    assert theirs(world, f"/payments/{proof['razorpay_payment_id']}")["status"] == "refunded"
    assert (tier(world), grants(world)) == ("free", [])


def test_a_payment_without_an_order_is_kept(world: World) -> None:
    """RZP-15"""
    _, events = paid(world)
    stray = changed(events[CAPTURED], id=f"pay_{world.user[5:]}", order_id=None)
    assert world.webhook(stray).json == {"status": "kept"}
    entry = listed(world, f"pay_{world.user[5:]}")
    assert entry
    assert (entry["reason"], entry["proposedAction"]) == ("unknown_order", "refund")


@pytest.mark.parametrize(
    "oddity",
    [
        {"notes": []},
        {"notes": None},
        {"notes": "{}"},
        {"captured": "1", "fee": None, "tax": None, "error_code": "", "error_reason": ""},
        {"email": "void@razorpay.com", "method": 7, "acquirer_data": [], "unheard_of": {}},
    ],
)
def test_oddities_that_decide_nothing_do_not_stand_in_the_way(world: World, oddity: Json) -> None:
    """RZP-17, RZP-18"""
    _, events = paid(world)
    assert world.webhook(changed(events[CAPTURED], **oddity)).json == {"status": "granted"}


def test_milliseconds_are_no_seconds_and_rupees_no_paise(world: World) -> None:
    """RZP-28, RZP-29"""
    mandate = opened(world)["subscriptionId"]
    authorise(world, mandate)
    event = json.loads(dict(deliveries(world, mandate))["subscription.charged"])
    event["payload"]["subscription"]["entity"]["current_end"] *= 1000
    assert world.webhook(json.dumps(event).encode()).json == {"status": "malformed"}
    _, events = paid(world)
    assert world.webhook(changed(events[CAPTURED], amount=149.0)).json == {"status": "malformed"}
    assert grants(world) == []


def test_what_is_kept_of_a_payment_names_nobody(world: World) -> None:
    """RZP-35"""
    proof, events = paid(world)
    private = {"email": "asha@example.com", "contact": "+919812345678", "vpa": "asha@upi", "card": {"last4": "1007"}}
    world.webhook(changed(events[CAPTURED], **private))
    text = json.dumps(world.row(proof["razorpay_payment_id"]), default=str)
    assert not [word for word in ("asha", "98123", "1007") if word in text]


# What comes later


@pytest.mark.parametrize("name", ["completed", "cancelled"])
def test_the_end_of_a_mandate_ends_nothing_that_was_paid(world: World, name: str) -> None:
    """RZP-23"""
    mandate = standing(world)
    event = json.loads(dict(deliveries(world, mandate))["subscription.charged"])
    event["payload"]["subscription"]["entity"]["status"] = name
    world.later(seconds=5)
    ended = event | {"event": f"subscription.{name}", "created_at": int(world.now.timestamp())}
    assert world.webhook(json.dumps(ended).encode()).json == {"status": "noted"}
    assert shown(world, "tier", "autoRenew", "endDate") == ("pro", False, "2026-12-22T18:30:00Z")


def test_the_wish_to_cancel_is_ours_to_remember(world: World) -> None:
    """RZP-24"""
    mandate = standing(world)
    world.post("/api/subscription/cancel")
    there = at_razorpay(world, mandate)
    assert (there["status"], there["has_scheduled_changes"]) == ("active", False)
    assert shown(world, "status", "autoRenew") == ("cancelled", False)
    assert "cancelAt" in (world.row(mandate) or {})


def test_a_plan_is_changed_without_changing_the_mandate(world: World) -> None:
    """RZP-25"""
    mandate = opened(world)["subscriptionId"]
    authorise(world, mandate, method="upi")
    told(world, mandate)
    refused = world.razorpay.patch(f"/v1/subscriptions/{mandate}", auth=AUTH, json={"quantity": 2})
    assert "UPI" in refused.json()["error"]["description"]
    world.later(days=10)
    world.buy("premium", "monthly")
    new = opened(world, "premium", "monthly")["subscriptionId"]
    authorise(world, new, method="upi")
    told(world, new)
    assert at_razorpay(world, mandate)["status"] == "cancelled"
    assert shown(world, "tier", "autoRenew") == ("premium", True)
    assert at_razorpay(world, new)["paid_count"] == 0


def test_the_token_of_a_mandate_that_begins_later_is_no_purchase(world: World) -> None:
    """RZP-26"""
    world.buy("pro", "monthly")
    mandate = opened(world)["subscriptionId"]
    authorise(world, mandate)
    made = world.razorpay.get("/_sim/webhooks/deliveries").json()
    for each in made[3:]:
        assert world.webhook(each["body"].encode()).status == 200
    assert len(grants(world)) == 1
    assert shown(world, "autoRenew", "endDate") == (True, "2026-12-23T10:20:00Z")


def test_a_refund_is_a_new_fact_and_the_order_stays_paid(world: World) -> None:
    """RZP-31"""
    bought = world.buy("pro", "monthly")
    refunded(world, bought["razorpayPaymentId"])
    assert theirs(world, f"/orders/{bought['razorpayOrderId']}")["status"] == "paid"
    assert (world.row(bought["razorpayOrderId"]) or {})["paymentId"] == bought["razorpayPaymentId"]
    assert tier(world) == "free"


def test_what_is_looked_for_is_found_beyond_the_first_page(world: World) -> None:
    """RZP-33"""
    made = opened(world)["subscriptionId"]
    plan = at_razorpay(world, made)["plan_id"]
    for _ in range(101):
        world.razorpay.post("/v1/subscriptions", auth=AUTH, json={"plan_id": plan, "total_count": 1})
    reference = str((world.row(made) or {})["reference"])
    found = app.gateway().subscription_with(reference, int(world.now.timestamp()))
    assert found
    assert found.id == made


def test_a_charge_that_reaches_us_before_we_know_it_was_refunded_leaves_nothing(world: World) -> None:
    """RZP-31"""
    mandate = opened(world)["subscriptionId"]
    authorise(world, mandate)
    told(world, mandate)
    (payment,) = charges(world, mandate)
    refunded(world, payment)
    told(world, mandate)  # everything once more
    assert tier(world) == "free"
    assert len(grants(world)) == 1
