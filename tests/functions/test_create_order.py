"""POST /api/subscription/create-order: the price is ours, the order is Razorpay's, nothing is bought yet."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.functions.harness import World
from tests.functions.problems import fields, problem
from tollgate import plans
from tollgate.errors import Conflict
from tollgate.payments import checkout
from tollgate.store import dynamodb, users

PATH = "/api/subscription/create-order"
PRICES = {
    ("one-time", "one-time"): 4900,
    ("pro", "monthly"): 14900,
    ("pro", "yearly"): 149_000,
    ("premium", "monthly"): 24900,
    ("premium", "yearly"): 249_000,
    ("student", "quarterly"): 9900,
    ("lifetime", "lifetime"): 49900,
}
ENDS = {
    "one-time": "2026-12-23T10:20:00Z",
    "monthly": "2026-12-23T10:20:00Z",
    "quarterly": "2027-02-23T10:20:00Z",
    "yearly": "2027-11-23T10:20:00Z",
    "lifetime": None,
}


@pytest.mark.parametrize(("tier", "plan"), PRICES)
def test_an_order_costs_what_the_catalogue_says(world: World, tier: str, plan: str) -> None:
    price = PRICES[tier, plan]
    made = world.order(tier, plan)
    assert made == {
        "orderId": made["orderId"],
        "amount": price,
        "currency": "INR",
        "keyId": "rzp_test_local",
        "breakdown": {
            "price": price,
            "credit": 0,
            "payable": price,
            "creditLeft": 0,
            "startsAt": "2026-11-23T10:20:00Z",
            "endsAt": ENDS[plan],
        },
    }
    assert world.steps == ["GetItem", "GetItem", "razorpay", "TransactWriteItems"]


def test_razorpay_is_asked_for_exactly_that_amount_and_told_whose_order_it_is(world: World) -> None:
    made = world.order("student", "quarterly")
    (order,) = world.sim("GET", "/state")["orders"]
    assert (order["id"], order["amount"], order["currency"]) == (made["orderId"], 9900, "INR")
    assert order["notes"] == {"userId": world.user, "tier": "student", "plan": "quarterly"}
    assert 0 < len(order["receipt"]) <= 40


def test_ordering_alone_writes_nothing_about_the_user(world: World) -> None:
    world.order("pro", "monthly")
    assert world.item() is None
    assert world.get("/api/subscription/status").json["tier"] == "free"


def test_an_amount_that_the_caller_sends_is_ignored(world: World) -> None:
    body = {
        "tier": "pro",
        "plan": "monthly",
        "amount": 1,
        "price": 1,
        "currency": "USD",
        "credit": 14_800,
        "userId": "x",
    }
    reply = world.post(PATH, body)
    assert (reply.status, reply.json["amount"], reply.json["currency"]) == (200, 14900, "INR")
    assert (world.row(reply.json["orderId"]) or {})["userId"] == world.user


@pytest.mark.parametrize(
    ("body", "complaints"),
    [
        ({}, ["tier", "plan"]),
        ({"tier": "pro"}, ["plan"]),
        ({"tier": 7, "plan": ["monthly"]}, ["tier", "plan"]),
        ({"tier": "pro", "plan": "monthly", "autoRenew": "yes"}, ["autoRenew"]),
        ({"tier": None, "plan": "monthly"}, ["tier"]),
        ({"tier": "pro", "plan": "weekly"}, ["plan"]),
        ({"tier": "gold", "plan": "monthly"}, ["plan"]),
        ({"tier": "PRO", "plan": "monthly"}, ["plan"]),
        ({"tier": "student", "plan": "quarterly", "autoRenew": True}, ["autoRenew"]),
        ({"tier": "lifetime", "plan": "lifetime", "autoRenew": True}, ["autoRenew"]),
    ],
)
def test_what_cannot_be_ordered_is_refused_field_by_field(
    world: World, body: dict[str, object], complaints: list[str]
) -> None:
    reply = world.post(PATH, body)
    problem(reply, 422, "invalid_request")
    assert fields(reply) == complaints
    assert "razorpay" not in world.steps


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b"null", b'"pro"', b"\xff\xfe", b'{"tier": "\xff", "plan": "monthly"}']
)
def test_a_body_that_is_no_json_object_is_refused(world: World, raw: bytes) -> None:
    problem(world.post(PATH, raw=raw), 422, "invalid_request")
    assert "razorpay" not in world.steps


def test_a_body_that_came_as_base64_is_the_same_body(world: World) -> None:
    raw = b'{"tier": "pro", "plan": "monthly"}'
    reply = world.post(PATH, raw=raw, content_type="application/octet-stream")
    assert (reply.status, reply.json["amount"]) == (200, 14900)


def test_a_huge_body_is_refused(world: World) -> None:
    reply = world.post(PATH, {"tier": "pro", "plan": "monthly", "note": "x" * 70_000})
    problem(reply, 413, "payload_too_large", limit=65_536)
    assert "razorpay" not in world.steps


def test_the_free_plan_is_not_for_sale(world: World) -> None:
    problem(world.post(PATH, {"tier": "free", "plan": "lifetime"}), 422, "invalid_request")
    assert "razorpay" not in world.steps


def test_with_a_lifetime_plan_there_is_nothing_left_to_order(world: World) -> None:
    world.buy("lifetime", "lifetime")
    for tier, plan in PRICES:
        problem(world.post(PATH, {"tier": tier, "plan": plan}), 409, "conflict")
    assert "razorpay" not in world.steps


def test_an_upgrade_is_credited_for_the_unused_time(world: World) -> None:
    world.buy("pro", "monthly")
    world.later(days=15)
    # 23 November to 23 December are 30 days: half of 14,900 is left.
    assert world.order("premium", "monthly")["breakdown"] == {
        "price": 24900,
        "credit": 7450,
        "payable": 17450,
        "creditLeft": 0,
        "startsAt": "2026-12-08T10:20:00Z",
        "endsAt": "2027-01-08T10:20:00Z",
    }


@pytest.mark.parametrize("fault", ["500", "429", "502", "unauthorized"])
def test_without_an_order_of_razorpays_there_is_none_of_ours(world: World, fault: str) -> None:
    world.sim("POST", "/faults", kind=fault, path="/v1/orders", times=3)
    problem(world.post(PATH, {"tier": "pro", "plan": "monthly"}), 503, "provider_unavailable")
    assert "TransactWriteItems" not in world.steps
    assert world.sim("GET", "/state")["orders"] == []


@pytest.mark.parametrize("fault", ["drop", "empty", "html"])
def test_an_order_that_was_made_and_lost_on_the_way_is_found_again_and_not_made_twice(world: World, fault: str) -> None:
    world.sim("POST", "/faults", kind=fault, path="/v1/orders")
    reply = world.post(PATH, {"tier": "pro", "plan": "monthly"})
    (made,) = world.sim("GET", "/state")["orders"]
    assert (reply.status, reply.json["orderId"]) == (200, made["id"])


@pytest.mark.parametrize("fault", ["drop", "empty", "html"])
def test_an_order_of_which_nothing_can_be_learned_is_not_sold(world: World, fault: str) -> None:
    world.sim("POST", "/faults", kind=fault, path="/v1/orders", times=3)
    problem(world.post(PATH, {"tier": "pro", "plan": "monthly"}), 503, "provider_unavailable")
    assert len(world.sim("GET", "/state")["orders"]) == 1
    assert "TransactWriteItems" not in world.steps


def test_tabs_whose_orders_are_lost_at_the_same_moment_each_find_their_own(world: World) -> None:
    world.order("pro", "monthly")  # the gateway is built
    world.sim("POST", "/faults", kind="drop", method="POST", path="/v1/orders", times=4)
    tier, plan = plans.find("pro", "monthly") or pytest.fail("no such plan")

    def tab(number: int) -> object:
        user = users.fresh(f"{world.user}-{number % 2}", None, world.now)
        return checkout.order(user, tier, plan, auto_renew=False, now=world.now)["orderId"]

    with ThreadPoolExecutor(6) as pool:
        sold = list(pool.map(tab, range(6)))
    made = world.sim("GET", "/state")["orders"]
    assert len(set(sold)) == 6
    assert len(made) == 7
    for number, order_id in enumerate(sold):
        ours = world.row(str(order_id)) or {}
        theirs = next(each for each in made if each["id"] == order_id)
        assert (ours["userId"], ours["receipt"]) == (f"{world.user}-{number % 2}", theirs["receipt"])
        assert theirs["notes"]["userId"] == ours["userId"]


def test_a_list_that_ignores_the_receipt_sells_nobody_elses_order(world: World) -> None:
    stranger = world.order("pro", "monthly", f"{world.user}-2")["orderId"]
    (theirs,) = world.sim("GET", "/state")["orders"]
    assert theirs["id"] == stranger
    world.sim("POST", "/faults", kind="drop_before", method="POST", path="/v1/orders")
    listed = {"entity": "collection", "count": 1, "items": [theirs]}
    world.sim("POST", "/faults", kind="custom", status=200, body=listed, method="GET", path="/v1/orders")
    problem(world.post(PATH, {"tier": "pro", "plan": "monthly"}), 503, "provider_unavailable")
    assert (world.row(stranger) or {})["userId"] == f"{world.user}-2"


def test_twenty_orders_may_wait_for_their_money_and_no_more_until_one_is_paid(world: World) -> None:
    made = [world.order("pro", "monthly")["orderId"] for _ in range(20)]
    refused = world.post(PATH, {"tier": "pro", "plan": "monthly"})
    problem(refused, 409, "conflict", openOrders=20)
    assert world.steps == ["GetItem", "GetItem", "BatchGetItem"]
    assert world.verify(world.pay(made[7])).status == 200
    world.order("pro", "monthly")
    assert world.steps == ["GetItem", "GetItem", "BatchGetItem", "UpdateItem", "razorpay", "TransactWriteItems"]
    problem(world.post("/api/subscription/renew", {}), 409, "conflict", openOrders=20)
    world.order("pro", "monthly", f"{world.user}-2")  # which is nothing to anybody else


def test_a_list_that_cannot_be_read_whole_refuses_nobody_for_good(world: World) -> None:
    for _ in range(20):
        world.order("pro", "monthly")
    whole = dynamodb.engine()

    class Parted:
        """A busy database: it leaves out what it was asked for together."""

        def __call__(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
            if operation == "batch_get_item":
                return {"Responses": {}, "UnprocessedKeys": request["RequestItems"]}
            return whole(operation, request)

        def close(self) -> None:
            whole.close()

    with dynamodb.using(Parted()):
        problem(world.post(PATH, {"tier": "pro", "plan": "monthly"}), 503, "provider_unavailable")


def test_orders_too_old_to_be_paid_take_no_place(world: World) -> None:
    for _ in range(20):
        world.order("pro", "monthly")
    world.later(days=3, hours=23)
    problem(world.post(PATH, {"tier": "pro", "plan": "monthly"}), 409, "conflict")
    world.later(hours=2)
    for _ in range(20):
        world.order("pro", "monthly")
    problem(world.post(PATH, {"tier": "pro", "plan": "monthly"}), 409, "conflict")


def test_tabs_that_race_for_the_last_places_get_these_and_no_more(world: World) -> None:
    for _ in range(17):
        world.order("pro", "monthly")
    user = users.fresh(world.user, None, world.now)
    tier, plan = plans.find("pro", "monthly") or pytest.fail("no such plan")

    def tab(_: int) -> object:
        try:
            return checkout.order(user, tier, plan, auto_renew=False, now=world.now)["orderId"]
        except Conflict:
            return None

    with ThreadPoolExecutor(6) as pool:
        sold = [each for each in pool.map(tab, range(6)) if each]
    assert len(set(sold)) == 3
    assert all(world.row(str(each)) for each in sold)
