"""The reconciler: what was paid while the webhook was dead and the browser closed is found and granted."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.functions import harness, jobs
from tests.functions.bookkeeping import settle_all
from tests.functions.harness import World
from tollgate.store import dynamodb


def run(world: World, seconds: float | None = None) -> dict[str, Any]:
    """One run of the scheduled function."""
    return jobs.run(world, "ReconcilePayments", seconds)


@pytest.fixture(autouse=True)
def _alone(world: World) -> None:
    """Nothing of earlier tests is due any more."""
    settle_all(world)
    world.at(harness.START)


def tier(world: World) -> str:
    return str(world.get("/api/subscription/status").json["tier"])


def test_a_payment_that_nobody_told_us_of_is_found_and_granted_once(world: World) -> None:
    world.pay(world.order("pro", "yearly")["orderId"])
    assert tier(world) == "free"
    world.later(minutes=11)
    assert run(world) == {"looked": 1, "granted": 1, "kept": 0, "failed": 0, "unfinished": False}
    assert tier(world) == "pro"
    world.later(minutes=30)
    assert run(world)["looked"] == 0


def test_a_fresh_order_is_left_to_the_browser_and_the_webhook(world: World) -> None:
    world.order("pro", "monthly")
    world.later(minutes=9)
    assert run(world)["looked"] == 0


def test_an_unpaid_order_is_looked_up_ever_less_often_and_at_last_no_more(world: World) -> None:
    world.order("pro", "monthly")
    looks = 0
    for _ in range(5 * 24):
        world.later(hours=1)
        looks += run(world)["looked"]
    assert 6 <= looks <= 9
    world.later(days=2)
    assert run(world)["looked"] == 1
    world.later(days=30)
    assert run(world)["looked"] == 0


def test_an_order_paid_on_the_third_day_is_still_granted(world: World) -> None:
    order = world.order("student", "quarterly")
    world.later(days=2, hours=23)
    run(world)
    world.pay(order["orderId"])
    granted = 0
    for _ in range(16):
        world.later(hours=6)
        granted += run(world)["granted"]
    assert granted == 1


def test_a_paid_order_is_watched_no_longer(world: World) -> None:
    world.buy("pro", "monthly")
    world.later(minutes=30)
    assert run(world)["looked"] == 0


def test_where_razorpay_does_not_answer_the_next_run_goes_on(world: World) -> None:
    world.pay(world.order("pro", "monthly")["orderId"])
    world.later(minutes=11)
    world.sim("POST", "/faults", kind="500", path="/v1/orders/*/payments")
    assert run(world)["failed"] == 1
    assert run(world)["granted"] == 1


def test_an_order_that_razorpay_has_forgotten_holds_nothing_up(world: World) -> None:
    world.order("pro", "monthly")
    world.sim("POST", "/reset")
    world.sim("POST", "/webhooks/hold")
    world.pay(world.order("student", "quarterly")["orderId"])
    world.later(minutes=11)
    assert run(world) == {"looked": 2, "granted": 1, "kept": 0, "failed": 0, "unfinished": False}


def test_a_run_without_time_left_leaves_the_rest_to_the_next(world: World) -> None:
    world.pay(world.order("pro", "monthly")["orderId"])
    world.later(minutes=11)
    assert run(world, seconds=20) == {"looked": 0, "granted": 0, "kept": 0, "failed": 0, "unfinished": True}
    assert run(world)["granted"] == 1


def test_a_payment_with_a_wrong_amount_is_kept_for_review(world: World) -> None:
    world.pay(world.order("pro", "monthly")["orderId"], amount=100, force=True)
    world.later(minutes=11)
    assert run(world)["kept"] == 1
    assert tier(world) == "free"


def test_an_order_whose_creation_timed_out_is_found_by_its_receipt_and_not_made_twice(world: World) -> None:
    world.sim("POST", "/faults", kind="drop", method="POST", path="/v1/orders")
    order = world.order("pro", "monthly")
    made = world.razorpay.get("/v1/orders", auth=("rzp_test_local", "local-key-secret")).json()["items"]
    assert [each["id"] for each in made] == [order["orderId"]]
    assert world.verify(world.pay(order["orderId"])).status == 200


def test_an_order_is_looked_up_once_a_run_however_long_the_index_goes_on_to_show_it(world: World) -> None:
    world.order("pro", "monthly")
    world.later(minutes=11)
    shown: dict[str, Any] = {}
    real = dynamodb.engine()

    class Lagging:
        """An index that tells the same for as long as it is asked the same."""

        def __call__(self, operation: str, request: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- DynamoDB's own
            if request.get("IndexName") != "open":
                return real(operation, request)
            asked = repr(sorted(request.items()))
            if asked not in shown:
                shown[asked] = real(operation, request)
            return shown[asked]

        def close(self) -> None:
            real.close()

    with dynamodb.using(Lagging()):
        assert run(world)["looked"] == 1
