"""Refunds and disputes: what goes back ends exactly what it paid for, in whatever order we hear of it."""

import json
from typing import Any

import pytest

from tests.functions.bookkeeping import check
from tests.functions.harness import World
from tests.functions.problems import problem
from tests.functions.review_desk import listed


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
    assert entry(world, payment)["refund#rfnd_00000000000001"] == {
        "amount": 5_000,
        "status": "processed",
        "at": "2026-11-23T10:20:00Z",
    }


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


@pytest.mark.parametrize("end", ["won", "lost", "closed"])
def test_an_open_dispute_is_shown_to_administrators_until_it_ends(world: World, end: str) -> None:
    payment = bought(world)
    world.webhook(dispute_event(world, payment, "created"))
    waiting = listed(world, str(payment["id"]))
    assert waiting
    assert (waiting["reason"], waiting["proposedAction"], tier(world)) == ("disputed", "dismiss", "pro")
    path = f"/api/admin/flagged-payments/{payment['id']}/resolve"
    for action in ("grant", "refund"):
        problem(world.post(path, {"action": action}, token=world.token("boss", role="admin")), 409, "conflict")
    world.webhook(dispute_event(world, payment, end))
    assert listed(world, str(payment["id"])) is None
    assert tier(world) == ("free" if end == "lost" else "pro")


def test_a_dispute_about_a_payment_under_review_leaves_it_there(world: World) -> None:
    paid = world.pay(world.order("pro", "monthly")["orderId"], amount=100, force=True)
    world.verify(paid)
    for name in ("created", "closed"):
        world.webhook(dispute_event(world, paid["payment"], name))
        row = entry(world, paid["payment"])
        assert (row["flagged"], row["reason"]) == ("open", "amount_differs")


@pytest.mark.parametrize(("name", "left"), [("created", "pro"), ("lost", "free"), ("closed", "pro")])
def test_a_dispute_that_is_heard_of_before_its_payment_is_no_less_noted(world: World, name: str, left: str) -> None:
    paid = world.pay(world.order("pro", "monthly")["orderId"])
    world.webhook(dispute_event(world, paid["payment"], name))
    assert entry(world, paid["payment"])["dispute#disp_00000000000001"]
    assert world.verify(paid).status == 200
    assert tier(world) == left


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


# A payment whose period another plan had replaced


def gone(world: World, payment: dict[str, object], amount: int | None = None, number: int = 1) -> None:
    body = refund_event(world, payment, amount or int(str(payment["amount"])), number=number)
    assert world.webhook(body).json == {"status": "noted"}


def status(world: World) -> dict[str, Any]:
    shown: dict[str, Any] = world.get("/api/subscription/status").json
    return shown


def test_a_refund_of_what_an_upgrade_replaced_takes_back_the_credit_that_is_left_of_it(world: World) -> None:
    yearly = bought(world, "premium", "yearly")  # ₹2,490, nearly all of which is credit
    bought(world, "lifetime", "lifetime")  # ₹499, of which the credit pays all but a rupee
    left = status(world)["creditBalance"]
    assert left == 249_000 - 49_800
    gone(world, yearly)
    after = status(world)
    assert (after["tier"], after["creditBalance"]) == ("lifetime", 0)
    row = entry(world, yearly)
    # The plan that the rest of the credit had paid for stays; a person is told.
    assert (row["reason"], row["flagged"]) == ("credit_spent", "open")


def test_credit_that_was_taken_back_from_a_plan_is_not_given_again_when_that_is_refunded_too(world: World) -> None:
    first = bought(world, "pro", "monthly")
    second = bought(world, "premium", "monthly")
    assert int(str(second["amount"])) == 24_900 - 14_900
    gone(world, first)
    assert status(world)["tier"] == "premium"
    gone(world, second, number=2)
    assert (status(world)["tier"], status(world)["creditBalance"]) == ("free", 0)


def test_credit_that_was_taken_back_from_a_plan_is_no_credit_for_the_next_one(world: World) -> None:
    first = bought(world, "pro", "monthly")
    second = bought(world, "premium", "monthly")
    gone(world, first)
    order = world.order("lifetime", "lifetime")
    assert order["breakdown"]["credit"] == int(str(second["amount"]))


def test_in_the_other_order_the_upgrade_gives_its_credit_back_once(world: World) -> None:
    first = bought(world, "pro", "monthly")
    second = bought(world, "premium", "monthly")
    gone(world, second)
    assert status(world)["creditBalance"] == 14_900
    gone(world, first, number=2)
    assert (status(world)["tier"], status(world)["creditBalance"]) == ("free", 0)
    assert "flagged" not in entry(world, first)


def test_what_an_earlier_plan_had_contributed_stays_the_users(world: World) -> None:
    bought(world, "pro", "monthly")
    second = bought(world, "premium", "monthly")
    bought(world, "lifetime", "lifetime")
    gone(world, second)  # ₹100 of its ₹249 were paid for it, the rest was the first plan's
    row = entry(world, second)
    assert row["undone"]["taken"] == {"balance": 0, row_of_lifetime(world): 24_900 - 14_900}


def row_of_lifetime(world: World) -> str:
    (row,) = [each for each in world.rows("SubscriptionsTable") if each["tier"] == "lifetime"]
    return str(row["subscriptionId"])


def test_a_repeated_refund_of_what_was_replaced_takes_back_once(world: World) -> None:
    first = bought(world, "premium", "yearly")
    bought(world, "lifetime", "lifetime")
    gone(world, first, 100_000, number=1)
    gone(world, first, 149_000, number=2)
    before = world.item()
    for number in (1, 2):
        world.webhook(refund_event(world, first, 100_000 if number == 1 else 149_000, number=number))
    world.webhook(dispute_event(world, first, "lost"))
    assert world.item() == before


def test_a_dispute_won_after_all_gives_again_what_the_lost_one_took(world: World) -> None:
    first = bought(world, "premium", "yearly")
    bought(world, "lifetime", "lifetime")
    before = status(world)
    for turn in ("created", "lost"):
        world.webhook(dispute_event(world, first, turn))
    assert status(world)["creditBalance"] == 0
    row = entry(world, first)
    assert (row["reason"], row["flagged"]) == ("credit_spent", "open"), (
        "what is to be seen now, and not the dispute that is over"
    )
    world.webhook(dispute_event(world, first, "won"))
    assert status(world) == before
    (period,) = [each for each in world.rows("SubscriptionsTable") if each["tier"] == "lifetime"]
    assert period["credit"] == 49_800
    row = entry(world, first)
    assert ("flagged" in row, "undone" in row, row["resolution"]) == (False, False, "dismiss")


def test_a_dispute_won_after_the_plan_that_its_credit_paid_for_was_refunded_gives_to_the_balance(world: World) -> None:
    first = bought(world, "pro", "monthly")
    world.later(days=10)
    second = bought(world, "premium", "monthly")
    (credit,) = [each["credit"] for each in world.rows("SubscriptionsTable") if each["tier"] == "premium"]
    assert credit > 0
    world.webhook(dispute_event(world, first, "lost"))
    gone(world, second)
    assert (status(world)["tier"], status(world)["creditBalance"]) == ("free", 0), "the money of both went back"
    world.webhook(dispute_event(world, first, "won"))
    assert (status(world)["tier"], status(world)["creditBalance"]) == ("free", credit)


def test_a_dispute_won_after_the_plan_that_its_credit_paid_for_was_replaced_gives_the_unused_share(
    world: World,
) -> None:
    first = bought(world, "pro", "monthly")
    world.later(days=10)
    bought(world, "premium", "monthly")
    world.webhook(dispute_event(world, first, "lost"))
    world.later(days=15)
    bought(world, "lifetime", "lifetime")
    (premium,) = [each for each in world.rows("SubscriptionsTable") if each["tier"] == "premium"]
    assert premium.get("credit", 0) == 0
    taken = entry(world, first)["undone"]["taken"][premium["subscriptionId"]]
    world.webhook(dispute_event(world, first, "won"))
    assert status(world)["creditBalance"] == taken * premium["credited"] // premium["amount"]
    check(world)


def test_what_is_known_of_a_refund_whose_credit_was_spent_can_only_be_dismissed(world: World) -> None:
    first = bought(world, "pro", "monthly")
    bought(world, "premium", "monthly")
    gone(world, first)
    path = f"/api/admin/flagged-payments/{first['id']}/resolve"
    admin = world.token("boss", role="admin")
    for action in ("grant", "refund", "look_up"):
        problem(world.post(path, {"action": action}, token=admin), 409, "conflict")
    assert world.post(path, {"action": "dismiss"}, token=admin).json["status"] == "resolved"
    problem(world.post(path, {"action": "dismiss"}, token=admin), 409, "conflict")


def test_a_part_that_was_given_back_is_worth_no_credit(world: World) -> None:
    payment = bought(world, "pro", "monthly")
    gone(world, payment, 5_000)
    assert status(world)["tier"] == "pro"
    order = world.order("premium", "monthly")
    assert order["breakdown"]["credit"] == 9_900
    assert world.get("/api/subscription/history").json[0]["amount"] == 14_900


def test_a_refund_of_a_payment_under_review_settles_it(world: World) -> None:
    paid = world.pay(world.order("pro", "monthly")["orderId"], amount=100, force=True)
    problem(world.verify(paid), 202, "payment_under_review")
    payment = paid["payment"]
    gone(world, payment)
    row = entry(world, payment)
    assert ("flagged" in row, row["resolution"], row["refundId"]) == (False, "refund", "rfnd_00000000000001")
    path = f"/api/admin/flagged-payments/{payment['id']}/resolve"
    problem(world.post(path, {"action": "grant"}, token=world.token("boss", role="admin")), 409, "conflict")
    assert tier(world) == "free"


def test_a_won_dispute_brings_the_period_back_as_it_had_become(world: World) -> None:
    first = bought(world, "premium", "monthly")
    second = bought(world, "student", "quarterly")  # ahead: begins when the first ends
    world.later(days=1)
    bought(world, "premium", "monthly")  # moves it back by a month
    ahead = status(world)["scheduled"]
    for name in ("lost", "won"):
        world.webhook(dispute_event(world, second, name))
    assert [(each["startDate"], each["endDate"]) for each in status(world)["scheduled"]] == [
        (each["startDate"], each["endDate"]) for each in ahead
    ]
    assert first["amount"] == 24_900
