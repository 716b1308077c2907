"""POST /api/subscription/renew: an order for the present plan once more, or for the last one."""

import pytest

from tests.functions.harness import World
from tests.functions.problems import problem

PATH = "/api/subscription/renew"


def test_renewing_orders_the_present_plan_from_its_end_on(world: World) -> None:
    world.buy("pro", "monthly")
    world.later(days=10)
    reply = world.post(PATH)
    assert reply.status == 200
    assert reply.json == {
        "orderId": reply.json["orderId"],
        "amount": 14900,
        "currency": "INR",
        "keyId": "rzp_test_local",
        "breakdown": {
            "price": 14900,
            "credit": 0,
            "payable": 14900,
            "creditLeft": 0,
            "startsAt": "2026-12-23T10:20:00Z",
            "endsAt": "2027-01-23T10:20:00Z",
        },
    }
    assert world.steps == ["GetItem", "GetItem", "razorpay", "TransactWriteItems"]


def test_a_renewal_that_is_paid_extends_the_plan(world: World) -> None:
    world.buy("premium", "monthly")
    order = world.post(PATH).json
    assert world.verify(world.pay(order["orderId"])).status == 200
    assert world.get("/api/subscription/status").json["endDate"] == "2027-01-23T10:20:00Z"


def test_a_plan_that_is_over_is_renewed_from_now(world: World) -> None:
    world.buy("student", "quarterly")
    world.later(days=200)
    renewed = world.post(PATH).json["breakdown"]
    assert (renewed["price"], renewed["startsAt"]) == (9900, "2027-06-11T10:20:00Z")


def test_the_last_plan_is_the_one_that_ran_last(world: World) -> None:
    world.buy("premium", "monthly")
    world.buy("pro", "monthly")
    world.later(days=100)
    assert world.post(PATH).json["amount"] == 14900


def test_a_cancelled_plan_can_be_renewed(world: World) -> None:
    world.buy("pro", "monthly")
    world.post("/api/subscription/cancel")
    assert world.post(PATH).status == 200


def test_with_nothing_to_renew_there_is_no_order(world: World) -> None:
    problem(world.post(PATH), 409, "conflict")
    assert world.steps == ["GetItem"]


@pytest.mark.parametrize(("tier", "plan"), [("lifetime", "lifetime"), ("one-time", "one-time")])
def test_a_plan_without_end_or_an_unspent_pass_is_not_renewed(world: World, tier: str, plan: str) -> None:
    world.buy(tier, plan)
    problem(world.post(PATH), 409, "conflict")
    assert "razorpay" not in world.steps


def test_what_was_replaced_by_an_upgrade_is_not_what_is_renewed(world: World) -> None:
    world.buy("pro", "monthly")
    world.buy("premium", "monthly")
    world.later(days=60)
    assert world.post(PATH).json["amount"] == 24900


def test_a_renewal_finds_room_where_earlier_orders_were_paid(world: World) -> None:
    for _ in range(19):
        world.order("pro", "monthly")
    world.buy("pro", "monthly")
    assert world.post("/api/subscription/renew", {}).status == 200
    assert world.steps == ["GetItem", "GetItem", "BatchGetItem", "UpdateItem", "razorpay", "TransactWriteItems"]
