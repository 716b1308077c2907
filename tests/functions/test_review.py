"""Payments kept for review: listed for administrators, each resolved once."""

from typing import Any

from tests.functions.harness import Reply, World
from tests.functions.problems import fields, problem
from tests.functions.test_mandates import at_razorpay, standing
from tollgate.store import dynamodb


def admin(world: World) -> str:
    return world.token("boss", role="admin")


def kept(world: World) -> str:
    """A payment for which nothing can be granted: its buyer has a plan without end."""
    order = world.order("pro", "monthly")
    world.buy("lifetime", "lifetime")
    paid = world.pay(order["orderId"])
    problem(world.verify(paid), 202, "payment_under_review")
    return str(paid["razorpay_payment_id"])


def listed(world: World) -> dict[str, Any]:
    """All that wait, page by page."""
    found: dict[str, Any] = {}
    path = "/api/admin/flagged-payments"
    while path:
        reply = world.get(path, token=admin(world))
        assert reply.status == 200
        found |= {each["paymentId"]: each for each in reply.json}
        path = reply.headers.get("link", "").partition(">")[0].lstrip("<")
    return found


def resolve(world: World, payment_id: str, action: str, token: str | None = None) -> Reply:
    path = f"/api/admin/flagged-payments/{payment_id}/resolve"
    return world.post(path, {"action": action}, token=admin(world) if token is None else token)


def test_a_payment_that_fits_nothing_is_listed_with_its_reason_and_what_to_do(world: World) -> None:
    payment_id = kept(world)
    entry = listed(world)[payment_id]
    assert entry["userId"] == world.user
    assert (entry["reason"], entry["proposedAction"], entry["status"]) == ("nothing_to_add", "refund", "open")
    assert (entry["amount"], entry["currency"]) == (14_900, "INR")


def test_only_administrators_see_and_resolve_them(world: World) -> None:
    problem(world.get("/api/admin/flagged-payments"), 403, "forbidden")
    problem(world.get("/api/admin/flagged-payments", token=None), 401, "unauthorized")
    problem(resolve(world, "pay_00000000000001", "refund", token=""), 403, "forbidden")


def test_a_refund_goes_out_once_however_often_it_is_asked_for(world: World) -> None:
    payment_id = kept(world)
    done = resolve(world, payment_id, "refund").json
    assert (done["status"], done["resolution"]) == ("resolved", "refund")
    assert done["refundId"].startswith("rfnd_")
    problem(resolve(world, payment_id, "refund"), 409, "conflict")
    problem(resolve(world, payment_id, "grant"), 409, "conflict")
    assert payment_id not in listed(world)
    answer = world.razorpay.get(f"/v1/payments/{payment_id}/refunds", auth=("rzp_test_local", "local-key-secret"))
    assert [each["amount"] for each in answer.json()["items"]] == [14_900]


def test_a_refund_that_did_not_get_through_can_be_asked_for_again(world: World) -> None:
    payment_id = kept(world)
    world.sim("POST", "/faults", method="POST", path="/v1/payments/*/refund", kind="500", times=1)
    problem(resolve(world, payment_id, "refund"), 503, "provider_unavailable")
    problem(resolve(world, payment_id, "grant"), 409, "conflict")
    assert resolve(world, payment_id, "refund").json["resolution"] == "refund"


def test_a_kept_payment_can_be_granted_once(world: World) -> None:
    paid = world.pay(world.order("pro", "monthly")["orderId"], amount=100, force=True)
    problem(world.verify(paid), 202, "payment_under_review")
    payment_id = paid["razorpay_payment_id"]
    assert listed(world)[payment_id]["reason"] == "amount_differs"
    assert world.get("/api/subscription/status").json["tier"] == "free"
    assert resolve(world, payment_id, "grant").json["resolution"] == "grant"
    assert world.get("/api/subscription/status").json["tier"] == "pro"
    problem(resolve(world, payment_id, "grant"), 409, "conflict")
    assert [each["amount"] for each in world.get("/api/subscription/history").json] == [100]
    assert world.verify(paid).json["tier"] == "pro"


def test_a_payment_that_was_granted_by_hand_and_is_disputed_is_only_to_be_seen(world: World) -> None:
    paid = world.pay(world.order("pro", "monthly")["orderId"], amount=500, force=True)
    payment_id = str(paid["razorpay_payment_id"])
    problem(world.verify(paid), 202, "payment_under_review")
    assert resolve(world, payment_id, "grant").status == 200
    dispute = world.sim("POST", f"/payments/{payment_id}/dispute")
    world.webhook(world.events(payment_id)["payment.dispute.created"])
    shown = listed(world)[payment_id]
    assert (shown["reason"], shown["proposedAction"], shown["status"]) == ("disputed", "dismiss", "open")
    for action in ("grant", "refund"):
        problem(resolve(world, payment_id, action), 409, "conflict")
    done = resolve(world, payment_id, "dismiss").json
    assert (done["status"], done["resolution"]) == ("resolved", "grant"), "it is decided as it was"
    assert world.get("/api/subscription/status").json["tier"] == "pro"
    world.sim("POST", f"/disputes/{dispute['id']}/lost")
    world.webhook(world.events(payment_id)["payment.dispute.lost"])
    assert world.get("/api/subscription/status").json["tier"] == "free"


def test_a_payment_for_an_order_that_is_not_ours_can_only_go_back(world: World) -> None:
    auth = ("rzp_test_local", "local-key-secret")
    order = world.razorpay.post("/v1/orders", json={"amount": 9_900, "currency": "INR"}, auth=auth).json()
    paid = world.pay(order["id"])
    world.webhook(world.events(paid["razorpay_payment_id"])["payment.captured"])
    assert listed(world)[paid["razorpay_payment_id"]]["reason"] == "unknown_order"
    problem(resolve(world, paid["razorpay_payment_id"], "grant"), 409, "conflict")
    assert resolve(world, paid["razorpay_payment_id"], "refund").json["status"] == "resolved"


def test_a_payment_whose_order_is_seen_later_is_kept_and_granted_then(world: World) -> None:
    order_id = world.order("pro", "monthly")["orderId"]
    key = {"id": {"S": order_id}}
    record = world.raw.get_item(TableName="PaymentsTable", Key=key, ConsistentRead=True)["Item"]
    world.raw.delete_item(TableName="PaymentsTable", Key=key)
    paid = world.pay(order_id)
    payment_id = str(paid["razorpay_payment_id"])
    assert world.webhook(world.events(payment_id)["payment.captured"]).json == {"status": "kept"}
    world.raw.put_item(TableName="PaymentsTable", Item=record)
    problem(world.verify(paid), 202, "payment_under_review")
    assert resolve(world, payment_id, "grant").json["status"] == "resolved"
    assert world.verify(paid).json["razorpayPaymentId"] == payment_id
    assert world.get("/api/subscription/status").json["tier"] == "pro"


def test_a_payment_that_was_never_kept_is_not_found(world: World) -> None:
    bought = world.buy("pro", "monthly")
    problem(resolve(world, bought["razorpayPaymentId"], "refund"), 404, "not_found")
    problem(resolve(world, "pay_unknown", "refund"), 404, "not_found")


def test_an_unknown_action_is_refused_field_by_field(world: World) -> None:
    reply = resolve(world, "pay_00000000000001", "burn")
    problem(reply, 422, "invalid_request")
    assert fields(reply) == ["action"]


def test_a_grant_that_nothing_can_be_added_to_says_so_and_leaves_it_open(world: World) -> None:
    payment_id = kept(world)
    refusal = resolve(world, payment_id, "grant")
    problem(refusal, 409, "conflict")
    assert "refund it" in refusal.json["detail"]
    assert listed(world)[payment_id]["status"] == "open"


def test_a_plan_without_end_that_a_faster_clock_began_takes_no_grant_either(world: World) -> None:
    name = kept(world)
    world.later(seconds=-6)
    problem(resolve(world, name, "grant"), 409, "conflict")
    assert name in listed(world)


def test_an_order_that_was_granted_by_hand_is_paid_and_its_next_payment_a_second_one(world: World) -> None:
    order = world.order("pro", "monthly")["orderId"]
    first = world.pay(order, amount=100, force=True)
    world.verify(first)
    resolve(world, first["razorpay_payment_id"], "grant")
    assert (world.row(order) or {})["paymentId"] == first["razorpay_payment_id"]
    assert "open" not in (world.row(order) or {})
    second = world.pay(order, force=True)
    problem(world.verify(second), 202, "payment_under_review")
    assert listed(world)[second["razorpay_payment_id"]]["reason"] == "duplicate_payment"


def test_a_plan_that_is_no_longer_sold_is_not_granted_and_its_money_goes_back(world: World) -> None:
    order = world.order("pro", "monthly")["orderId"]
    row = (world.row(order) or {}) | {"plan": "fortnightly"}
    world.raw.put_item(TableName="PaymentsTable", Item=dynamodb.to_item(row))
    paid = world.pay(order)
    problem(world.verify(paid), 202, "payment_under_review")
    refusal = resolve(world, paid["razorpay_payment_id"], "grant")
    problem(refusal, 409, "conflict")
    assert "pro/fortnightly" in refusal.json["detail"]
    assert resolve(world, paid["razorpay_payment_id"], "refund").status == 200


def test_lifetime_that_is_granted_by_hand_ends_what_would_renew(world: World) -> None:
    mandate = standing(world)
    paid = world.pay(world.order("lifetime", "lifetime")["orderId"], amount=100, force=True)
    problem(world.verify(paid), 202, "payment_under_review")
    assert resolve(world, paid["razorpay_payment_id"], "grant").status == 200
    assert world.get("/api/subscription/status").json["tier"] == "lifetime"
    assert at_razorpay(world, mandate)["status"] == "cancelled"
