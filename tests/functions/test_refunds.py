"""Refunds and disputes: what goes back ends exactly what it paid for, in whatever order we hear of it."""

import json
from typing import Any

from tests.functions.harness import World
from tests.functions.problems import problem


def refund_event(
    world: World, payment: dict[str, object], amount: int, name: str = "processed", number: int = 1
) -> bytes:
    refund = {
        "id": f"rfnd_{number:014d}",
        "entity": "refund",
        "amount": amount,
        "currency": "INR",
        "payment_id": payment["id"],
        "status": name if name != "created" else "pending",
        "notes": [],
    }
    payload = {"refund": {"entity": refund}, "payment": {"entity": payment}}
    body = {"entity": "event", "event": f"refund.{name}", "contains": ["refund", "payment"], "payload": payload}
    return json.dumps(body | {"created_at": int(world.now.timestamp())}).encode()


def dispute_event(world: World, payment: dict[str, object], name: str) -> bytes:
    dispute = {
        "id": "disp_00000000000001",
        "entity": "dispute",
        "payment_id": payment["id"],
        "amount": payment["amount"],
    }
    payload = {"payment": {"entity": payment}, "dispute": {"entity": dispute | {"status": name}}}
    body = {"entity": "event", "event": f"payment.dispute.{name}", "payload": payload}
    return json.dumps(body | {"created_at": int(world.now.timestamp())}).encode()


def bought(world: World, tier: str = "pro", plan: str = "monthly") -> dict[str, object]:
    paid = world.pay(world.order(tier, plan)["orderId"])
    assert world.verify(paid).status == 200
    payment: dict[str, object] = paid["payment"]
    return payment


def entry(world: World, payment: dict[str, object]) -> dict[str, Any]:
    found = world.row(str(payment["id"]))
    assert found
    return found


def tier(world: World) -> str:
    return str(world.get("/api/subscription/status").json["tier"])


def test_a_full_refund_ends_the_period_it_paid_for_at_once(world: World) -> None:
    payment = bought(world)
    world.later(days=3)
    assert world.webhook(refund_event(world, payment, 14_900)).json == {"status": "noted"}
    assert tier(world) == "free"
    (line,) = world.get("/api/subscription/history").json
    assert line["status"] == "refunded"
    assert line["endDate"] == "2026-11-26T10:20:00Z"


def test_a_partial_refund_is_recorded_and_access_stays(world: World) -> None:
    payment = bought(world)
    world.webhook(refund_event(world, payment, 5_000))
    assert tier(world) == "pro"
    assert entry(world, payment)["refund#rfnd_00000000000001"] == {"amount": 5_000, "status": "processed"}


def test_the_last_part_of_a_refund_ends_the_period(world: World) -> None:
    payment = bought(world)
    world.webhook(refund_event(world, payment, 5_000, number=1))
    world.webhook(refund_event(world, payment, 9_900, number=2))
    assert tier(world) == "free"


def test_a_repeated_refund_counts_once_and_writes_nothing(world: World) -> None:
    payment = bought(world)
    body = refund_event(world, payment, 7_450)
    world.webhook(body)
    before = world.row(str(payment["id"]))
    world.webhook(body)
    assert world.steps == ["GetItem"]
    assert world.row(str(payment["id"])) == before
    assert tier(world) == "pro"


def test_a_refund_that_is_only_created_or_failed_ends_nothing(world: World) -> None:
    payment = bought(world)
    world.webhook(refund_event(world, payment, 14_900, "created"))
    assert tier(world) == "pro"
    world.webhook(refund_event(world, payment, 14_900, "failed"))
    world.webhook(refund_event(world, payment, 14_900, "created"))
    assert tier(world) == "pro"


def test_a_late_created_event_does_not_undo_a_processed_refund(world: World) -> None:
    payment = bought(world)
    world.webhook(refund_event(world, payment, 14_900, "processed"))
    world.webhook(refund_event(world, payment, 14_900, "created"))
    assert entry(world, payment)["refund#rfnd_00000000000001"]["status"] == "processed"
    assert tier(world) == "free"


def test_what_was_bought_ahead_begins_when_the_period_before_it_is_refunded(world: World) -> None:
    first = bought(world, "pro", "monthly")
    bought(world, "student", "quarterly")
    world.webhook(refund_event(world, first, 14_900))
    status = world.get("/api/subscription/status").json
    assert (status["tier"], status["startDate"], status["scheduled"]) == ("student", "2026-11-23T10:20:00Z", [])


def test_a_refunded_upgrade_returns_the_credit_that_went_into_it(world: World) -> None:
    bought(world, "pro", "monthly")
    upgrade = bought(world, "premium", "monthly")
    world.webhook(refund_event(world, upgrade, int(str(upgrade["amount"]))))
    status = world.get("/api/subscription/status").json
    assert status["tier"] == "free"
    assert status["creditBalance"] == 24_900 - int(str(upgrade["amount"]))


def test_a_payment_first_heard_of_when_it_was_refunded_grants_nothing_later(world: World) -> None:
    paid = world.pay(world.order("pro", "monthly")["orderId"])
    captured = world.events(paid["razorpay_payment_id"])["payment.captured"]
    gone = paid["payment"] | {"status": "refunded", "amount_refunded": 14_900, "refund_status": "full"}
    world.webhook(refund_event(world, gone, 14_900))
    world.webhook(captured)
    assert tier(world) == "free"
    problem(world.verify(paid), 202, "payment_under_review")


def test_a_partial_refund_that_comes_before_the_capture_grants_first(world: World) -> None:
    paid = world.pay(world.order("pro", "monthly")["orderId"])
    partly = paid["payment"] | {"amount_refunded": 4_900, "refund_status": "partial"}
    world.webhook(refund_event(world, partly, 4_900))
    assert tier(world) == "pro"
    world.webhook(refund_event(world, partly, 10_000, number=2))
    assert tier(world) == "free"


def test_an_open_dispute_keeps_access_a_lost_one_ends_it_and_a_won_one_restores_it(world: World) -> None:
    payment = bought(world)
    end = world.get("/api/subscription/status").json["endDate"]
    world.webhook(dispute_event(world, payment, "created"))
    assert tier(world) == "pro"
    world.webhook(dispute_event(world, payment, "lost"))
    assert tier(world) == "free"
    world.later(days=2)
    world.webhook(dispute_event(world, payment, "won"))
    restored = world.get("/api/subscription/status").json
    assert (restored["tier"], restored["endDate"]) == ("pro", end)


def test_a_late_dispute_event_does_not_undo_a_later_state(world: World) -> None:
    payment = bought(world)
    for name in ("lost", "won", "lost", "created"):
        world.webhook(dispute_event(world, payment, name))
    assert tier(world) == "pro"


def test_a_won_dispute_grants_nothing_twice_where_the_plan_had_been_upgraded(world: World) -> None:
    payment = bought(world, "pro", "monthly")
    bought(world, "premium", "monthly")
    for name in ("lost", "won"):
        world.webhook(dispute_event(world, payment, name))
    status = world.get("/api/subscription/status").json
    assert (status["tier"], status["scheduled"]) == ("premium", [])


def test_a_dispute_about_a_payment_of_somebody_else_is_left_alone(world: World) -> None:
    stranger = {"id": "pay_00000000000009", "amount": 100, "currency": "INR", "status": "captured"}
    assert world.webhook(dispute_event(world, stranger, "lost")).json == {"status": "ignored"}
