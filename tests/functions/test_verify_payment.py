"""POST /api/subscription/verify-payment: a proven, captured payment of one's own order, and nothing else, is a plan."""

import pytest

from tests.functions.harness import KEY_SECRET, WEBHOOK_SECRET, World, signature
from tests.functions.problems import fields, problem

PATH = "/api/subscription/verify-payment"


def test_a_verified_payment_is_answered_with_the_subscription_it_bought(world: World) -> None:
    order = world.order("premium", "yearly")
    paid = world.pay(order["orderId"])
    reply = world.verify(paid)
    assert reply.status == 200
    assert reply.json == {
        "subscriptionId": reply.json["subscriptionId"],
        "tier": "premium",
        "plan": "yearly",
        "status": "active",
        "amount": 249_000,
        "credit": 0,
        "currency": "INR",
        "date": "2026-11-23T10:20:00Z",
        "startDate": "2026-11-23T10:20:00Z",
        "endDate": "2027-11-23T10:20:00Z",
        "autoRenew": False,
        "razorpayOrderId": order["orderId"],
        "razorpayPaymentId": paid["razorpay_payment_id"],
    }
    assert world.steps == ["BatchGetItem", "razorpay", "TransactWriteItems"]


def test_user_subscription_order_and_ledger_agree_on_what_was_bought(world: World) -> None:
    bought = world.buy("pro", "monthly")
    payment, order = bought["razorpayPaymentId"], bought["razorpayOrderId"]
    (period,) = world.rows("SubscriptionsTable")
    assert (period["subscriptionId"], period["razorpayPaymentId"]) == (bought["subscriptionId"], payment)
    ledger = world.row(payment) or {}
    assert (ledger["userId"], ledger["orderId"], ledger["amount"], ledger["source"]) == (
        world.user,
        order,
        14900,
        "verify",
    )
    assert (world.row(order) or {})["paymentId"] == payment
    item = world.item() or {}
    assert item["email"] == {"S": f"{world.user}@example.com"}
    assert len(item["subscriptions"]["L"]) == 1


def test_verifying_again_says_the_same_and_writes_nothing(world: World) -> None:
    paid = world.pay(world.order("pro", "monthly")["orderId"])
    first, before = world.verify(paid), world.item()
    world.later(minutes=5)
    again = world.verify(paid)
    assert (again.status, again.json) == (200, first.json)
    assert world.steps == ["BatchGetItem"]
    assert world.item() == before


@pytest.mark.parametrize(
    "changed",
    [
        {"razorpay_signature": "0" * 64},
        {"razorpay_signature": "é" * 64},
        {"razorpay_signature": "x"},
        {"razorpay_order_id": "order_another"},
        {"razorpay_payment_id": "pay_another"},
    ],
)
def test_a_signature_that_does_not_fit_grants_nothing(world: World, changed: dict[str, str]) -> None:
    paid = world.pay(world.order("pro", "monthly")["orderId"])
    problem(world.verify(paid, **changed), 400, "payment_not_verified")
    assert world.steps == []
    assert world.item() is None


def test_signatures_of_other_kinds_are_worth_nothing(world: World) -> None:
    paid = world.pay(world.order("pro", "monthly")["orderId"])
    order, payment = paid["razorpay_order_id"], paid["razorpay_payment_id"]
    forged = [
        signature(f"{order}|{payment}".encode(), WEBHOOK_SECRET),
        signature(f"{payment}|{order}".encode(), KEY_SECRET),
        signature(f"{payment}|sub_123".encode(), KEY_SECRET),
        signature(f"{order}{payment}".encode(), KEY_SECRET),
        paid["razorpay_signature"].upper(),
        f" {paid['razorpay_signature']}",
        paid["razorpay_signature"][:-1],
    ]
    for each in forged:
        problem(world.verify(paid, razorpay_signature=each), 400, "payment_not_verified")
    assert world.item() is None


def test_a_secret_in_the_body_is_no_secret(world: World) -> None:
    order, payment = world.order("pro", "monthly")["orderId"], "pay_forged"
    proof = {
        "razorpay_order_id": order,
        "razorpay_payment_id": payment,
        "razorpay_signature": signature(f"{order}|{payment}".encode(), "mine"),
        "secret": "mine",
    }
    problem(world.post(PATH, proof), 400, "payment_not_verified")


@pytest.mark.parametrize(
    ("changed", "complaints"),
    [
        ({"razorpay_order_id": None}, ["razorpay_order_id"]),
        ({"razorpay_order_id": "pay_1"}, ["razorpay_order_id"]),
        ({"razorpay_payment_id": "pay_1/../../orders"}, ["razorpay_payment_id"]),
        ({"razorpay_payment_id": "pay_1\n"}, ["razorpay_payment_id"]),
        ({"razorpay_payment_id": 7}, ["razorpay_payment_id"]),
        ({"razorpay_signature": ""}, ["razorpay_signature"]),
        ({"razorpay_signature": "x" * 257}, ["razorpay_signature"]),
    ],
)
def test_a_proof_that_cannot_be_one_is_refused_field_by_field(
    world: World, changed: dict[str, object], complaints: list[str]
) -> None:
    good = {"razorpay_order_id": "order_1", "razorpay_payment_id": "pay_1", "razorpay_signature": "x"}
    reply = world.post(PATH, good | changed)
    problem(reply, 422, "invalid_request")
    assert fields(reply) == complaints


def test_an_empty_body_lacks_all_three_fields(world: World) -> None:
    reply = world.post(PATH)
    problem(reply, 422, "invalid_request")
    assert fields(reply) == ["razorpay_order_id", "razorpay_payment_id", "razorpay_signature"]


def test_somebody_elses_order_is_not_found_and_stays_theirs(world: World) -> None:
    paid = world.pay(world.order("premium", "monthly")["orderId"])
    thief = f"{world.user}-thief"
    problem(world.verify(paid, thief), 404, "not_found")
    assert world.item(thief) is None
    assert world.verify(paid).status == 200
    problem(world.verify(paid, thief), 404, "not_found")
    assert world.item(thief) is None


def test_an_order_that_nobody_made_here_is_not_found(world: World) -> None:
    made = world.razorpay.post(
        "/v1/orders", json={"amount": 100, "currency": "INR"}, auth=("rzp_test_local", KEY_SECRET)
    )
    problem(world.verify(world.pay(made.json()["id"])), 404, "not_found")


def test_a_payment_of_another_order_is_not_verified(world: World) -> None:
    cheap, dear = world.order("one-time", "one-time")["orderId"], world.order("lifetime", "lifetime")["orderId"]
    payment = world.pay(cheap)["razorpay_payment_id"]
    forged = {
        "razorpay_order_id": dear,
        "razorpay_payment_id": payment,
        "razorpay_signature": signature(f"{dear}|{payment}".encode(), KEY_SECRET),  # as if the secret were known
    }
    problem(world.post(PATH, forged), 400, "payment_not_verified")
    assert world.item() is None


@pytest.mark.parametrize(
    ("change", "reason"), [({"amount": 100}, "amount_differs"), ({"currency": "USD"}, "currency_differs")]
)
def test_money_that_does_not_fit_its_order_is_kept_for_review(
    world: World, change: dict[str, object], reason: str
) -> None:
    paid = world.pay(world.order("pro", "monthly")["orderId"])
    world.sim("PATCH", f"/payments/{paid['razorpay_payment_id']}", **change)
    for _ in range(2):
        problem(world.verify(paid), 202, "payment_under_review", reason=reason)
    kept = world.row(paid["razorpay_payment_id"]) or {}
    assert (kept["flagged"], kept["reason"], kept["userId"]) == ("open", reason, world.user)
    assert world.item() is None
    assert world.get("/api/subscription/history").json == []


def test_an_authorised_payment_is_pending_until_it_is_captured(world: World) -> None:
    paid = world.pay(world.order("pro", "monthly")["orderId"], outcome="authorize")
    problem(world.verify(paid), 202, "payment_pending")
    assert world.item() is None
    world.sim("POST", f"/payments/{paid['razorpay_payment_id']}/answer", outcome="captured")
    assert world.verify(paid).json["status"] == "active"


def test_a_failed_payment_is_refused_and_granted_once_the_bank_says_yes_after_all(world: World) -> None:
    order = world.order("pro", "monthly")["orderId"]
    payment = world.pay(order, outcome="fail")["payment"]["id"]
    proof = {
        "razorpay_order_id": order,
        "razorpay_payment_id": payment,
        "razorpay_signature": signature(f"{order}|{payment}".encode(), KEY_SECRET),
    }
    problem(world.post(PATH, proof), 400, "payment_not_verified")
    assert world.item() is None
    world.sim("POST", f"/payments/{payment}/answer", outcome="captured")
    assert world.post(PATH, proof).json["tier"] == "pro"


def test_a_second_payment_of_one_order_is_kept_for_review(world: World) -> None:
    order = world.order("pro", "monthly")["orderId"]
    first = world.verify(world.pay(order)).json
    second = world.pay(order, force=True)
    problem(world.verify(second), 202, "payment_under_review", reason="duplicate_payment")
    assert world.get("/api/subscription/status").json["endDate"] == first["endDate"]


@pytest.mark.parametrize("fault", ["500", "429", "502", "drop", "empty", "html", "unauthorized"])
def test_while_razorpay_does_not_answer_nothing_is_granted_and_the_next_try_is(world: World, fault: str) -> None:
    paid = world.pay(world.order("pro", "monthly")["orderId"])
    world.sim("POST", "/faults", kind=fault, path="/v1/payments/*")
    problem(world.verify(paid), 503, "provider_unavailable")
    assert world.item() is None
    assert world.verify(paid).status == 200


def test_a_quote_is_honoured_when_it_is_paid_later(world: World) -> None:
    world.buy("pro", "monthly")
    world.later(days=10)
    order = world.order("premium", "monthly")
    world.later(days=2)
    bought = world.verify(world.pay(order["orderId"])).json
    assert (bought["amount"], bought["credit"]) == (order["amount"], order["breakdown"]["credit"])
    assert bought["startDate"] == "2026-12-05T10:20:00Z"


def test_a_credit_is_given_once_though_two_orders_quote_it(world: World) -> None:
    world.buy("pro", "monthly")
    world.later(days=10)
    one, other = world.order("premium", "monthly"), world.order("premium", "yearly")
    assert world.verify(world.pay(one["orderId"])).status == 200
    before = world.item()
    problem(world.verify(world.pay(other["orderId"])), 202, "payment_under_review", reason="credit_gone")
    assert world.item() == before


def test_a_payment_that_arrives_after_a_lifetime_plan_is_kept_for_review(world: World) -> None:
    order = world.order("pro", "monthly")
    world.buy("lifetime", "lifetime")
    problem(world.verify(world.pay(order["orderId"])), 202, "payment_under_review", reason="nothing_to_add")


def test_a_status_that_razorpay_does_not_have_yet_grants_nothing(world: World) -> None:
    paid = world.pay(world.order("pro", "monthly")["orderId"])
    world.sim("PATCH", f"/payments/{paid['razorpay_payment_id']}", status="glowing")
    problem(world.verify(paid), 400, "payment_not_verified")
    assert world.item() is None
