"""POST /api/subscription/webhook: any order, any number of repetitions, any way in beside it: one grant."""

import json
from itertools import permutations
from typing import Any

import pytest

from tests.functions.harness import KEY_SECRET, PREVIOUS_SECRET, World, forget, signature
from tests.functions.problems import problem
from tollgate.config import settings
from tollgate.payments.orders import Payment, Reason
from tollgate.store import dynamodb
from tollgate.store import payments as ledger
from tollgate.store.payments import Entry

CAPTURED, ORDER_PAID, AUTHORISED = "payment.captured", "order.paid", "payment.authorized"
READ_ONLY = {"BatchGetItem"}


def paid(world: World, tier: str = "pro", plan: str = "monthly") -> tuple[dict[str, Any], dict[str, bytes]]:
    """A payment at the checkout, and the events it made."""
    proof = world.pay(world.order(tier, plan)["orderId"])
    return proof, world.events(proof["razorpay_payment_id"])


def grants(world: World) -> list[dict[str, Any]]:
    """What the user was ever granted."""
    return world.rows("SubscriptionsTable")


def state(world: World, proof: dict[str, Any]) -> object:
    """Everything that a payment changes, without names that differ from case to case."""
    named = {"userId", "subscriptionId", "razorpayOrderId", "razorpayPaymentId", "due"}
    periods = [{name: value for name, value in each.items() if name not in named} for each in grants(world)]
    shown = world.get("/api/subscription/status").json
    return (
        periods,
        shown,
        (world.row(proof["razorpay_order_id"]) or {}).get("paymentId") == proof["razorpay_payment_id"],
    )


def test_a_captured_payment_is_granted_by_its_webhook_alone(world: World) -> None:
    proof, events = paid(world)
    reply = world.webhook(events[CAPTURED])
    assert (reply.status, reply.json) == (200, {"status": "granted"})
    assert world.steps == ["BatchGetItem", "GetItem", "TransactWriteItems"]
    shown = world.get("/api/subscription/status").json
    assert (shown["tier"], shown["startDate"]) == ("pro", "2026-11-23T10:20:00Z")
    assert (world.row(proof["razorpay_payment_id"]) or {})["source"] == "webhook:payment.captured"


def test_where_the_event_names_the_orders_owner_two_requests_settle_it(world: World) -> None:
    _, events = paid(world)
    assert world.webhook(events[ORDER_PAID]).json == {"status": "granted"}
    assert world.steps == ["BatchGetItem", "TransactWriteItems"]


@pytest.mark.parametrize("notes", [{"userId": "user-somebody"}, {"userId": 7}, {"userId": "é" * 2_000}, [], None])
def test_an_event_that_names_somebody_else_is_granted_to_the_owner_all_the_same(world: World, notes: object) -> None:
    _, events = paid(world)
    event = json.loads(events[ORDER_PAID])
    event["payload"]["order"]["entity"]["notes"] = notes
    assert world.webhook(json.dumps(event).encode()).json == {"status": "granted"}
    assert len(grants(world)) == 1
    assert world.rows("SubscriptionsTable", "user-somebody") == []


def test_every_order_of_webhooks_and_verification_ends_in_the_same_single_grant(world: World) -> None:
    ways = [AUTHORISED, CAPTURED, ORDER_PAID, "verify"]
    outcomes = []
    for order in permutations(ways):
        world.user = f"user-{'-'.join(way[-4:] for way in order)}"
        proof, events = paid(world)
        for way in order:
            reply = world.verify(proof) if way == "verify" else world.webhook(events[way])
            assert reply.status == 200, reply.body
        outcomes.append(state(world, proof))
        assert len(grants(world)) == 1
    assert all(outcome == outcomes[0] for outcome in outcomes)


@pytest.mark.parametrize("seed", range(6))
def test_repetitions_in_any_mixture_change_nothing_after_the_first_grant(world: World, seed: int) -> None:
    proof, events = paid(world)
    ways = [*events, "verify"] * 3
    ways = ways[seed:] + ways[:seed]
    ways = ways[:: -1 if seed % 2 else 1]
    for way in ways:
        reply = world.verify(proof) if way == "verify" else world.webhook(events[way])
        assert reply.status == 200
    (only,) = grants(world)
    assert only["razorpayPaymentId"] == proof["razorpay_payment_id"]
    assert world.get("/api/subscription/status").json["endDate"] == "2026-12-23T10:20:00Z"


def test_a_payment_that_failed_first_is_granted_when_it_is_captured_after_all(world: World) -> None:
    order = world.order("pro", "monthly")["orderId"]
    payment = world.pay(order, outcome="fail")["payment"]["id"]
    failed = world.events(payment)["payment.failed"]
    assert world.webhook(failed).json == {"status": "noted"}
    assert grants(world) == []
    world.sim("POST", f"/payments/{payment}/answer", outcome="captured")
    assert world.webhook(world.events(payment)[CAPTURED]).json == {"status": "granted"}
    assert len(grants(world)) == 1


def test_a_failure_that_arrives_late_undoes_nothing(world: World) -> None:
    order = world.order("pro", "monthly")["orderId"]
    payment = world.pay(order, outcome="fail")["payment"]["id"]
    failed = world.events(payment)["payment.failed"]
    world.sim("POST", f"/payments/{payment}/answer", outcome="captured")
    world.webhook(world.events(payment)[CAPTURED])
    before = world.item()
    assert world.webhook(failed).status == 200
    assert world.item() == before
    assert world.get("/api/subscription/status").json["tier"] == "pro"


def test_a_payment_that_only_failed_is_noted_on_its_order_and_grants_nothing(world: World) -> None:
    order = world.order("pro", "monthly")["orderId"]
    payment = world.pay(order, outcome="fail")["payment"]["id"]
    assert world.webhook(world.events(payment)["payment.failed"]).status == 200
    noted = world.row(order) or {}
    assert noted[f"attempt#{payment}"]["status"] == "failed"
    assert "paymentId" not in noted
    assert world.item() is None


@pytest.mark.parametrize("name", [CAPTURED, ORDER_PAID, AUTHORISED])
def test_the_same_bytes_again_cost_no_write(world: World, name: str) -> None:
    _, events = paid(world)
    first = world.webhook(events[name])
    for days in (0, 1, 29, 400):
        world.later(days=days)
        again = world.webhook(events[name])
        assert again.status == first.status
        if days < 400:  # a note of an attempt is remembered for thirty days; a grant for ever
            assert set(world.steps) <= READ_ONLY
    assert len(grants(world)) == (0 if name == AUTHORISED else 1)


def test_a_replay_after_years_under_a_new_event_id_changes_nothing(world: World) -> None:
    _, events = paid(world)
    world.webhook(events[CAPTURED])
    world.later(days=1000)
    before = world.item()
    for name in (CAPTURED, ORDER_PAID, AUTHORISED):
        assert world.webhook(events[name]).status == 200
        assert set(world.steps) <= READ_ONLY
    assert world.item() == before


@pytest.mark.parametrize(
    "forged",
    ["", "0" * 64, "x", "é" * 64, "\u0661" * 64, "a" * 100_000],
    ids=["empty", "zeros", "short", "latin", "digits of another script", "huge"],
)
def test_a_signature_that_is_not_razorpays_is_refused_before_any_table_is_touched(world: World, forged: str) -> None:
    proof, events = paid(world)
    reply = world.webhook(events[CAPTURED], headers={"x-razorpay-signature": forged})
    problem(reply, 400, "invalid_signature")
    assert world.steps == []
    assert world.row(proof["razorpay_payment_id"]) is None


def test_no_signature_at_all_is_refused(world: World) -> None:
    _, events = paid(world)
    reply = world.post("/api/subscription/webhook", raw=events[CAPTURED], token=None)
    problem(reply, 400, "invalid_signature")


def test_the_api_key_does_not_sign_webhooks(world: World) -> None:
    proof, events = paid(world)
    for forged in (
        signature(events[CAPTURED], KEY_SECRET),
        proof["razorpay_signature"],
        signature(events[CAPTURED], "").upper(),
        signature(events[CAPTURED], ""),
    ):
        problem(world.webhook(events[CAPTURED], headers={"x-razorpay-signature": forged}), 400, "invalid_signature")


def test_events_signed_before_the_secret_changed_are_accepted(world: World) -> None:
    _, events = paid(world)
    assert world.webhook(events[CAPTURED], secret=PREVIOUS_SECRET).json == {"status": "granted"}


def test_a_body_that_was_parsed_and_written_again_is_refused(world: World) -> None:
    world.razorpay.patch("/_sim/options", json={"odd_bodies": True})
    proof = world.pay(world.order("pro", "monthly")["orderId"], description="monthly/pro for ₹149")
    body = world.events(proof["razorpay_payment_id"])[CAPTURED]
    again = json.dumps(json.loads(body), separators=(",", ":")).encode()
    assert again != body
    signed = {"x-razorpay-signature": signature(body, "local-webhook-secret")}
    problem(world.webhook(again, headers=signed), 400, "invalid_signature")
    assert world.webhook(body).json == {"status": "granted"}


def test_a_body_that_came_as_base64_is_the_same_body(world: World) -> None:
    _, events = paid(world)
    assert world.webhook(events[CAPTURED], content_type="application/octet-stream").json == {"status": "granted"}


@pytest.mark.parametrize("name", ["subscription.hovered", "invoice.paid", "payment.captured ", "x" * 9_000])
def test_an_event_that_means_nothing_to_us_is_answered_200(world: World, name: str) -> None:
    reply = world.webhook(json.dumps({"event": name, "payload": {}}).encode())
    assert (reply.status, world.steps) == (200, [])


def changed(body: bytes, **entity: object) -> bytes:
    """The event with other facts about its payment."""
    event = json.loads(body)
    event["payload"]["payment"]["entity"].update(entity)
    return json.dumps(event).encode()


def test_a_payment_of_an_order_we_do_not_know_is_answered_200_and_kept(world: World) -> None:
    proof, events = paid(world)
    stray = changed(events[CAPTURED], id="pay_stray", order_id="order_stray")
    assert world.webhook(stray).json == {"status": "kept"}
    kept = world.row("pay_stray") or {}
    assert (kept["reason"], kept["flagged"]) == ("unknown_order", "open")
    assert grants(world) == []
    assert world.webhook(stray).status == 200
    assert set(world.steps) <= READ_ONLY
    assert world.verify(proof).status == 200


def test_a_payment_without_any_order_is_answered_200_and_kept(world: World) -> None:
    _, events = paid(world)
    stray = changed(events[CAPTURED], id=f"pay_{world.user[5:]}", order_id=None)
    assert world.webhook(stray).json == {"status": "kept"}
    assert grants(world) == []


def test_a_payment_of_an_invoice_is_left_to_the_subscription_events(world: World) -> None:
    _, events = paid(world)
    assert world.webhook(changed(events[CAPTURED], invoice_id="inv_1")).json == {"status": "ignored"}
    assert set(world.steps) <= READ_ONLY
    assert grants(world) == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"amount": 1}, "amount_differs"),
        ({"amount": 14901}, "amount_differs"),
        ({"currency": "USD"}, "currency_differs"),
    ],
)
def test_money_that_does_not_fit_its_order_is_kept_and_grants_nothing(
    world: World, change: dict[str, object], reason: str
) -> None:
    proof, events = paid(world)
    assert world.webhook(changed(events[CAPTURED], **change)).json == {"status": "kept"}
    assert (world.row(proof["razorpay_payment_id"]) or {})["reason"] == reason
    assert grants(world) == []


@pytest.mark.parametrize("status", ["authorized", "created", "failed", "refunded", "glowing"])
def test_a_payment_that_is_not_captured_grants_nothing_whatever_the_event_is_called(world: World, status: str) -> None:
    _, events = paid(world)
    for name in (CAPTURED, ORDER_PAID):
        assert world.webhook(changed(events[name], status=status)).status == 200
    assert grants(world) == []


def test_what_was_decided_about_a_payment_is_not_overwritten(world: World) -> None:
    payment = Payment(id=f"pay_{world.user[5:]}", order_id=None, amount=100, currency="INR", status="captured")
    ledger.flag(payment, None, Reason.UNKNOWN_ORDER, Entry(source="test", at=world.now))
    before = world.row(payment.id)
    with pytest.raises(dynamodb.ConditionFailedError):
        ledger.flag(payment, None, Reason.AMOUNT_DIFFERS, Entry(source="test", at=world.now))
    assert world.row(payment.id) == before


def test_while_the_database_is_away_the_answer_is_5xx_and_the_next_delivery_grants(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, events = paid(world)
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:9")
    forget()
    problem(world.webhook(events[CAPTURED]), 503, "provider_unavailable")
    monkeypatch.undo()
    forget()
    assert world.webhook(events[CAPTURED]).json == {"status": "granted"}


def test_a_huge_body_is_refused(world: World) -> None:
    problem(world.webhook(b'{"event": "' + b"x" * 70_000 + b'"}'), 413, "payload_too_large")
    assert world.steps == []


def test_two_payments_of_one_order_grant_once_and_keep_the_second(world: World) -> None:
    proof, events = paid(world)
    second = world.pay(proof["razorpay_order_id"], force=True)["razorpay_payment_id"]
    assert world.webhook(world.events(second)[CAPTURED]).json == {"status": "granted"}
    assert world.webhook(events[CAPTURED]).json == {"status": "kept"}
    assert len(grants(world)) == 1
    assert (world.row(proof["razorpay_payment_id"]) or {})["reason"] == "duplicate_payment"


def test_two_orders_of_one_plan_that_are_both_paid_extend_it_twice(world: World) -> None:
    _, first = paid(world)
    _, second = paid(world)
    assert world.webhook(first[CAPTURED]).json == {"status": "granted"}
    assert world.webhook(second[CAPTURED]).json == {"status": "granted"}
    assert world.get("/api/subscription/status").json["endDate"] == "2027-01-23T10:20:00Z"


def test_without_a_secret_nothing_is_believed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    proof, events = paid(world)
    for name in ("RAZORPAY_WEBHOOK_SECRET", "RAZORPAY_WEBHOOK_SECRET_PREVIOUS"):
        monkeypatch.setenv(name, "")
    forget()
    assert settings().razorpay.webhook_secrets == ()
    problem(world.webhook(events[CAPTURED], secret=""), 400, "invalid_signature")
    monkeypatch.setenv("RAZORPAY_KEY_SECRET", "")
    forget()
    forged = signature(f"{proof['razorpay_order_id']}|{proof['razorpay_payment_id']}".encode(), "")
    problem(world.verify(proof, razorpay_signature=forged), 400, "payment_not_verified")
    monkeypatch.undo()
    forget()
