"""Test and live keys are never mixed: not at the start, and not on what is stored."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.functions.harness import World
from tests.functions.problems import problem
from tollgate import app
from tollgate.app import WrongKeyError
from tollgate.config import settings


@contextmanager
def configured(**variables: str) -> Iterator[None]:
    """Other settings than the world's."""
    before = dict(os.environ)
    os.environ.update(variables)
    settings.cache_clear()
    app.gateway.cache_clear()
    yield
    os.environ.clear()
    os.environ.update(before)
    settings.cache_clear()
    app.gateway.cache_clear()


@pytest.mark.parametrize(
    ("stage", "key"),
    [("prod", "rzp_test_x"), ("dev", "rzp_live_x"), ("staging", "rzp_live_x"), ("local", "rzp_live_x")],
)
def test_a_key_of_the_wrong_kind_is_refused_before_anything_is_done_with_it(stage: str, key: str) -> None:
    with configured(STAGE=stage, RAZORPAY_KEY_ID=key), pytest.raises(WrongKeyError) as refused:
        app.gateway()
    assert key not in str(refused.value)


@pytest.mark.parametrize(("stage", "key"), [("prod", "rzp_live_x"), ("dev", "rzp_test_x"), ("local", "rzp_test_x")])
def test_the_right_kind_of_key_is_taken(stage: str, key: str) -> None:
    with configured(STAGE=stage, RAZORPAY_KEY_ID=key):
        assert app.gateway().key_id == key


def test_a_handler_with_the_wrong_key_answers_500_and_makes_no_order(world: World) -> None:
    with configured(STAGE="prod"):
        reply = world.post("/api/subscription/create-order", {"tier": "pro", "plan": "monthly"})
    problem(reply, 500, "internal_error")
    assert "razorpay" not in world.steps


def test_an_order_of_the_other_mode_is_never_granted(world: World) -> None:
    order = world.order("pro", "monthly")
    paid = world.pay(order["orderId"])
    world.raw.update_item(
        TableName="PaymentsTable",
        Key={"id": {"S": order["orderId"]}},
        UpdateExpression="SET #mode = :live",
        ExpressionAttributeNames={"#mode": "mode"},
        ExpressionAttributeValues={":live": {"S": "live"}},
    )
    assert problem(world.verify(paid), 202, "payment_under_review")["reason"] == "other_mode"
    assert world.get("/api/subscription/status").json["tier"] == "free"
