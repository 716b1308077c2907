"""The simulated webhooks: what is sent, how it is signed, and what happens to those nobody takes."""

import json
import re
from collections.abc import Iterator

import pytest
import razorpay.errors

from local.simulators.razorpay.webhooks import LADDER
from tests.local.razorpay_desk import Desk, Json, a_desk, until

SECRET = "local-webhook-secret"
PAID = ["payment.authorized", "payment.captured", "order.paid"]


@pytest.fixture(scope="module")
def shared() -> Iterator[Desk]:
    with a_desk(webhook_spacing=0.2) as desk:  # wide enough for events to arrive in the order they are sent
        yield desk


@pytest.fixture
def desk(shared: Desk) -> Desk:
    shared.reset()
    return shared


def deliveries(desk: Desk) -> list[Json]:
    found: list[Json] = desk.sim("GET", "/webhooks/deliveries")
    return found


def states(desk: Desk) -> list[str]:
    return [one["state"] for one in deliveries(desk)]


def settled(desk: Desk, *expected: str) -> None:
    until(lambda: states(desk) == list(expected), lambda: f"{expected}, not {states(desk)}")


def attempts(desk: Desk) -> int:
    return len(deliveries(desk)[0]["attempts"])


def climbed(desk: Desk, count: int) -> None:
    until(lambda: attempts(desk) == count, lambda: f"{count} attempts, not {attempts(desk)}")


def one_refused(desk: Desk, status: int = 500) -> None:
    """One event that meets this status for ever."""
    desk.inbox.always = status
    desk.pay(desk.order()["id"], outcome="authorize")


def test_a_paid_order_says_authorised_captured_and_paid(desk: Desk) -> None:
    order = desk.order(14900, notes={"tier": "pro"})
    payment = desk.pay(order["id"])["payment"]
    authorised, captured, paid = (letter.event for letter in desk.inbox.wait(3))
    assert desk.inbox.names() == PAID
    assert list(captured) == ["entity", "account_id", "event", "contains", "payload", "created_at"]
    assert authorised["payload"]["payment"]["entity"]["status"] == "authorized"
    assert authorised["payload"]["payment"]["entity"]["fee"] is None
    assert captured["payload"]["payment"]["entity"]["base_amount"] == 14900
    assert captured["payload"]["payment"]["entity"]["fee"] == payment["fee"]
    assert paid["contains"] == ["payment", "order"]
    assert "base_amount" not in paid["payload"]["payment"]["entity"]
    assert paid["payload"]["order"]["entity"]["status"] == "paid"
    assert paid["payload"]["order"]["entity"]["amount_due"] == 0


def test_the_headers_are_razorpays_and_nothing_else(desk: Desk) -> None:
    desk.paid()
    letter = desk.inbox.wait(1)[0]
    by_protocol = {"host", "content-length"}
    sent = [name.lower() for name, _ in letter.headers if name.lower() not in by_protocol]
    assert sent == [
        "user-agent",
        "content-type",
        "accept-encoding",
        "request-id",
        "x-razorpay-event-id",
        "x-razorpay-signature",
    ]
    assert letter.header("User-Agent") == "Razorpay-Webhook/v1"
    assert re.fullmatch(r"[0-9A-Za-z]{14}", letter.header("X-Razorpay-Event-Id"))
    assert letter.header("Request-Id") == letter.header("X-Razorpay-Event-Id")


def test_the_raw_compact_bytes_are_signed(desk: Desk) -> None:
    desk.paid(notes={"name": "Zoë / ₹"})
    letter = desk.inbox.wait(1)[0]
    assert b'"entity":"event","account_id":"acc_' in letter.body
    signature = letter.header("X-Razorpay-Signature")
    assert desk.sdk.utility.verify_webhook_signature(letter.body.decode(), signature, SECRET) is True
    with pytest.raises(razorpay.errors.SignatureVerificationError):
        desk.sdk.utility.verify_webhook_signature(letter.body.decode() + " ", signature, SECRET)


def test_odd_bodies_break_whoever_serialises_again(desk: Desk) -> None:
    desk.sim("PATCH", "/options", odd_bodies=True)
    desk.paid(notes={"path": "a/b ₹"})
    letter = desk.inbox.wait(1)[0]
    again = json.dumps(letter.event, separators=(",", ":"))
    signature = letter.header("X-Razorpay-Signature")
    assert desk.sdk.utility.verify_webhook_signature(letter.body.decode(), signature, SECRET) is True
    with pytest.raises(razorpay.errors.SignatureVerificationError):
        desk.sdk.utility.verify_webhook_signature(again, signature, SECRET)


def test_a_failed_payment_says_why(desk: Desk) -> None:
    desk.pay(desk.order()["id"], outcome="fail", method="netbanking")
    entity = desk.inbox.wait(1)[0].event["payload"]["payment"]["entity"]
    assert desk.inbox.names() == ["payment.failed"]
    assert (entity["status"], entity["error_code"]) == ("failed", "BAD_REQUEST_ERROR")
    assert entity["error_description"].startswith("Your payment didn't go through as it was declined by the bank.")
    assert entity["acquirer_data"] == {"bank_transaction_id": None}


def test_a_late_answer_says_failed_then_captured_of_the_same_payment(desk: Desk) -> None:
    desk.pay(desk.order()["id"], outcome="late", late_after=600)
    desk.inbox.wait(1)
    desk.clock.advance(seconds=601)
    letters = desk.inbox.wait(3)
    assert desk.inbox.names() == ["payment.failed", "payment.captured", "order.paid"]
    assert len({letter.event["payload"]["payment"]["entity"]["id"] for letter in letters}) == 1


def test_refunds_and_disputes_are_told(desk: Desk) -> None:
    payment = desk.paid()
    desk.inbox.wait(3)
    desk.sim("POST", f"/payments/{payment['id']}/refund", amount=4900)
    dispute = desk.sim("POST", f"/payments/{payment['id']}/dispute")
    desk.sim("POST", f"/disputes/{dispute['id']}/won")
    desk.inbox.wait(7)
    assert sorted(desk.inbox.names()[3:]) == sorted(
        ["refund.created", "refund.processed", "payment.dispute.created", "payment.dispute.won"]
    )
    refunded = desk.inbox.latest("refund.created")
    assert refunded["contains"] == ["refund", "payment"]
    assert refunded["payload"]["payment"]["entity"]["amount_refunded"] == 4900
    assert desk.inbox.latest("payment.dispute.created")["contains"] == ["payment", "dispute"]


def test_entities_are_what_they_were_at_that_moment(desk: Desk) -> None:
    desk.sim("POST", "/webhooks/hold")
    payment = desk.paid()
    desk.sdk.payment.refund(payment["id"], {})
    desk.sim("POST", "/webhooks/release")
    desk.inbox.wait(5)
    assert desk.inbox.latest("payment.authorized")["payload"]["payment"]["entity"]["status"] == "authorized"
    assert desk.inbox.latest("order.paid")["payload"]["payment"]["entity"]["status"] == "captured"


def test_a_refused_event_comes_again_byte_for_byte(desk: Desk) -> None:
    desk.inbox.answers = [500]
    desk.pay(desk.order()["id"], outcome="authorize")
    first, second = desk.inbox.wait(2)
    assert first.body == second.body
    assert first.header("X-Razorpay-Event-Id") == second.header("X-Razorpay-Event-Id")
    assert first.header("X-Razorpay-Signature") == second.header("X-Razorpay-Signature")
    settled(desk, "delivered")


def test_the_whole_ladder_is_climbed_and_then_nothing_more_comes(desk: Desk) -> None:
    one_refused(desk)
    climbed(desk, 2)
    for step, rung in enumerate(LADDER[1:], 3):
        desk.clock.advance(seconds=rung - (LADDER[step - 3] if step > 3 else 0))
        climbed(desk, step)
    settled(desk, "given up")
    assert len(desk.inbox.letters) == 16


def test_a_leap_of_the_clock_makes_up_for_the_retries_missed(desk: Desk) -> None:
    one_refused(desk)
    climbed(desk, 2)
    desk.clock.advance(hours=23)
    settled(desk, "given up")
    assert len(desk.inbox.letters) == 16


@pytest.mark.parametrize("status", [400, 404])
def test_a_4xx_has_to_wait_for_the_second_rung(desk: Desk, status: int) -> None:
    one_refused(desk, status)
    desk.inbox.wait(1)
    settled(desk, "waiting")
    now = deliveries(desk)[0]
    assert now["next_at"] - now["attempts"][0]["at"] in {6, 7}
    desk.clock.advance(seconds=6)
    desk.inbox.wait(2)


def test_a_slow_event_too_waits_for_the_second_rung(desk: Desk) -> None:
    desk.inbox.always = 500
    desk.pay(desk.order()["id"], outcome="fail")
    desk.inbox.wait(1)
    settled(desk, "waiting")
    now = deliveries(desk)[0]
    assert now["next_at"] - now["attempts"][0]["at"] in {6, 7}


def test_an_endpoint_that_fails_for_a_day_is_disabled_until_someone_enables_it(desk: Desk) -> None:
    one_refused(desk)
    climbed(desk, 2)
    desk.clock.advance(hours=23)
    settled(desk, "given up")
    assert desk.sdk.webhook.all({})["items"][0]["active"] is True
    desk.clock.advance(hours=1, minutes=1)
    until(lambda: not desk.sdk.webhook.all({})["items"][0]["active"], lambda: "a disabled endpoint")
    assert desk.sdk.webhook.all({})["items"][0]["disabled_at"] > 0
    desk.inbox.always = 200
    desk.paid()
    assert states(desk)[1:] == ["stopped"] * 3
    desk.sim("POST", "/webhooks/enable")
    desk.inbox.letters.clear()
    desk.paid()
    desk.inbox.wait(3)


def test_a_success_in_between_keeps_the_endpoint_alive(desk: Desk) -> None:
    one_refused(desk)
    climbed(desk, 2)
    desk.inbox.always = 200
    desk.clock.advance(days=30)
    settled(desk, "delivered", "delivered", "delivered")  # the uncaptured money went back meanwhile
    assert desk.sdk.webhook.all({})["items"][0]["active"] is True


def test_a_replay_is_signed_with_the_present_secret(desk: Desk) -> None:
    one_refused(desk, 400)
    desk.inbox.wait(1)
    settled(desk, "waiting")
    desk.sim("POST", "/webhooks/secret", secret="rotated")
    desk.inbox.always = 200
    desk.clock.advance(seconds=6)
    _, retried = desk.inbox.wait(2)
    assert desk.sdk.utility.verify_webhook_signature(
        retried.body.decode(), retried.header("X-Razorpay-Signature"), SECRET
    )
    settled(desk, "delivered")
    assert desk.sim("POST", "/webhooks/replay") == []  # what was acknowledged is not replayed
    one_refused(desk, 400)
    desk.inbox.wait(3)
    until(lambda: states(desk)[-1] == "waiting", lambda: "a refused delivery")
    desk.inbox.always = 200
    desk.sim("POST", "/webhooks/secret", secret="rotated again")
    desk.sim("POST", "/webhooks/replay")
    replayed = desk.inbox.wait(4)[-1]
    signature = replayed.header("X-Razorpay-Signature")
    assert desk.sdk.utility.verify_webhook_signature(replayed.body.decode(), signature, "rotated again")


def test_held_events_can_be_released_in_any_order(desk: Desk) -> None:
    desk.sim("POST", "/webhooks/hold")
    desk.paid()
    assert states(desk) == ["held"] * 3
    desk.sim("POST", "/webhooks/release", order="reversed")
    desk.inbox.wait(3)
    assert desk.inbox.names() == PAID[::-1]


def test_holding_stops_even_what_is_about_to_go_out() -> None:
    with a_desk(webhook_spacing=0.8) as desk:
        desk.paid()
        desk.sim("POST", "/webhooks/hold")
        until(lambda: states(desk)[-1] == "held", lambda: f"the last one held, not {states(desk)}")
        assert "order.paid" not in desk.inbox.names()
        desk.sim("POST", "/webhooks/release")
        desk.inbox.wait(3)


def test_retries_are_held_too(desk: Desk) -> None:
    one_refused(desk, 400)
    desk.inbox.wait(1)
    settled(desk, "waiting")
    desk.sim("POST", "/webhooks/hold")
    desk.clock.advance(seconds=6)
    settled(desk, "held")
    desk.inbox.always = 200
    desk.sim("POST", "/webhooks/release")
    settled(desk, "delivered")


def test_some_of_the_held_events_can_be_lost(desk: Desk) -> None:
    desk.sim("POST", "/webhooks/hold")
    desk.paid()
    last = deliveries(desk)[-1]["event_id"]
    desk.sim("POST", "/webhooks/release", event_ids=[last])
    desk.inbox.wait(1)
    settled(desk, "held", "held", "delivered")
    assert desk.inbox.names() == ["order.paid"]


def test_every_act_can_be_delivered_in_reverse(desk: Desk) -> None:
    desk.sim("POST", "/webhooks/reorder")
    desk.paid()
    desk.inbox.wait(3)
    assert desk.inbox.names() == PAID[::-1]


def test_events_can_come_several_times_under_one_id(desk: Desk) -> None:
    desk.sim("POST", "/webhooks/duplicate", copies=3)
    desk.pay(desk.order()["id"], outcome="authorize")
    letters = desk.inbox.wait(3)
    assert len({letter.header("X-Razorpay-Event-Id") for letter in letters}) == 1
    desk.sim("POST", "/webhooks/duplicate", event="payment.authorized")
    assert desk.inbox.wait(4)[-1].body == letters[0].body


def test_a_receiver_that_is_down_is_tried_again(desk: Desk) -> None:
    desk.sim("POST", "/webhooks/disable")
    desk.sdk.webhook.create({"url": "http://127.0.0.1:9/hook", "secret": "s", "events": ["payment.authorized"]}, None)
    desk.paid()
    until(lambda: len(deliveries(desk)[1]["attempts"]) > 0, lambda: "an attempt")
    assert states(desk)[::2] == ["stopped", "stopped"]
    assert deliveries(desk)[1]["attempts"][0]["status"] is None


def test_two_endpoints_get_the_same_event_id_and_their_own_signature(desk: Desk) -> None:
    desk.sdk.webhook.create({"url": desk.inbox.url, "secret": "second", "events": {"order.paid": True}}, None)
    desk.paid()
    letters = [letter for letter in desk.inbox.wait(4) if letter.name == "order.paid"]
    assert len({letter.header("X-Razorpay-Event-Id") for letter in letters}) == 1
    assert len({letter.header("X-Razorpay-Signature") for letter in letters}) == 2


def test_without_an_address_nothing_is_sent() -> None:
    with a_desk(webhook_url=None) as desk:
        desk.paid()
        assert deliveries(desk) == []
        assert desk.sdk.webhook.all({})["items"] == []
