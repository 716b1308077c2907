"""The simulated Razorpay as the real SDK sees it: orders, payments, refunds, and what it refuses."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import razorpay.errors
import requests

from local.simulators.razorpay.settlements import payout_after
from tests.local.razorpay_desk import Desk, a_client, a_desk

BAD = razorpay.errors.BadRequestError

ORDER_KEYS = [
    "id", "entity", "amount", "amount_paid", "amount_due", "currency", "receipt", "offer_id", "status", "attempts",
    "notes", "created_at", "description", "checkout",
]  # fmt: skip
PAYMENT_KEYS = [
    "id", "entity", "amount", "currency", "status", "order_id", "invoice_id", "international", "method",
    "amount_refunded", "refund_status", "captured", "description", "card_id", "bank", "wallet", "vpa", "email",
    "contact", "notes", "fee", "tax", "error_code", "error_description", "error_source", "error_step", "error_reason",
    "acquirer_data", "emi_plan", "created_at", "reward", "upi", "base_amount",
]  # fmt: skip
RECON_KEYS = [
    "entity_id", "type", "debit", "credit", "amount", "currency", "fee", "tax", "on_hold", "settled", "created_at",
    "settled_at", "settlement_id", "posted_at", "credit_type", "description", "notes", "payment_id",
    "settlement_utr", "order_id", "order_receipt", "method", "card_network", "card_issuer", "card_type",
    "dispute_id",
]  # fmt: skip
REFUND_KEYS = [
    "id", "entity", "amount", "currency", "payment_id", "notes", "receipt", "acquirer_data", "created_at", "batch_id",
    "status", "speed_processed", "speed_requested",
]  # fmt: skip


@pytest.fixture(scope="module")
def shared() -> Iterator[Desk]:
    with a_desk() as desk:
        yield desk


@pytest.fixture
def desk(shared: Desk) -> Desk:
    shared.reset()
    return shared


def test_an_order_has_the_keys_of_razorpays_in_their_order(desk: Desk) -> None:
    order = desk.order(14900, receipt="r-1", notes={"tier": "pro"})
    assert list(order) == ORDER_KEYS
    assert re.fullmatch(r"order_[0-9A-Za-z]{14}", order["id"])
    assert (order["status"], order["amount_due"], order["attempts"]) == ("created", 14900, 0)
    assert order["notes"] == {"tier": "pro"}


def test_empty_notes_are_a_list(desk: Desk) -> None:
    assert desk.order()["notes"] == []
    assert desk.order(notes={})["notes"] == []


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"amount": 99}, "Order amount less than minimum amount allowed"),
        ({"amount": 149.5}, "The amount must be an integer."),
        ({"amount": True}, "The amount must be an integer."),
        ({"amount": None}, "The amount field is required."),
        ({"amount": 50_000_001}, "Amount exceeds maximum amount allowed."),
        ({"currency": None}, "The currency field is required."),
        ({"receipt": "r" * 41}, "receipt: the length must be no more than 40."),
        ({"colour": "red"}, "colour is/are not required and should not be sent"),
        ({"notes": {str(n): "" for n in range(16)}}, "Number of fields in notes should be less than or equal to 15."),
        ({"notes": {"k": "v" * 257}}, "notes key or value may not be greater than 256 characters."),
    ],
)
def test_a_wrong_order_is_refused_in_razorpays_words(desk: Desk, fields: dict[str, Any], text: str) -> None:
    with pytest.raises(BAD) as refused:
        desk.sdk.order.create({"amount": 14900, "currency": "INR"} | fields)
    assert str(refused.value) == text


def test_a_refusal_names_the_field(desk: Desk) -> None:
    answer = desk.raw("POST", "/v1/orders", {"amount": 1, "currency": "INR"})
    assert answer.status_code == 400
    assert answer.json() == {
        "error": {
            "code": "BAD_REQUEST_ERROR",
            "description": "Order amount less than minimum amount allowed",
            "source": "business",
            "step": "payment_initiation",
            "reason": "input_validation_failed",
            "metadata": {},
            "field": "amount",
        }
    }


def test_wrong_keys_get_the_bare_401(desk: Desk) -> None:
    answer = desk.http.get("/v1/orders", auth=("rzp_test_local", "wrong"))
    assert answer.status_code == 401
    assert answer.json() == {"error": {"code": "BAD_REQUEST_ERROR", "description": "Authentication failed"}}


@pytest.mark.parametrize("scheme", ["basic", "BASIC", "Bearer"])
def test_the_scheme_must_be_spelled_basic(desk: Desk, scheme: str) -> None:
    encoded = "cnpwX3Rlc3RfbG9jYWw6bG9jYWwta2V5LXNlY3JldA=="
    assert desk.http.get("/v1/orders", headers={"Authorization": f"Basic {encoded}"}).status_code == 200
    assert desk.http.get("/v1/orders", headers={"Authorization": f"{scheme} {encoded}"}).status_code == 401


def test_ids_do_not_cross_accounts(desk: Desk) -> None:
    other = a_client(desk.url, ("rzp_test_other", "other-key-secret"))
    with pytest.raises(BAD, match="The id provided does not exist"):
        other.order.fetch(desk.order()["id"])
    assert other.order.all()["items"] == []
    other.session.close()


def test_an_id_that_is_none_is_not_a_valid_id(desk: Desk) -> None:
    with pytest.raises(BAD, match="nonsense is not a valid id"):
        desk.sdk.order.fetch("nonsense")
    with pytest.raises(BAD, match="is not a valid id"):
        desk.sdk.refund.create({"payment_id": {"id": "pay_00000000000000"}})


def test_unknown_urls_are_answered_as_razorpay_answers_them(desk: Desk) -> None:
    for method, path in [("GET", "/v1/unknown"), ("DELETE", "/v1/orders"), ("POST", "/v1/orders/order_x/cancel")]:
        answer = desk.raw(method, path)
        assert answer.status_code == 400
        assert answer.json()["error"]["description"] == "The requested URL was not found on the server."
    answer = desk.raw("GET", "/v2/orders")
    assert (answer.status_code, answer.json()) == (404, {"message": "no Route matched with those values"})


def test_orders_are_listed_newest_first_and_found_by_receipt(desk: Desk) -> None:
    made = [desk.order(receipt=f"r-{number % 2}")["id"] for number in range(4)]
    listed = desk.sdk.order.all()
    assert (listed["entity"], listed["count"]) == ("collection", 4)
    assert [order["id"] for order in listed["items"]] == made[::-1]
    assert [order["id"] for order in desk.sdk.order.all({"receipt": "r-1"})["items"]] == [made[3], made[1]]


def test_lists_give_ten_and_at_most_a_hundred(desk: Desk) -> None:
    made = [desk.order()["id"] for _ in range(12)]
    assert desk.sdk.order.all()["count"] == 10
    assert [one["id"] for one in desk.sdk.order.all({"count": 5, "skip": 10})["items"]] == made[1::-1]
    with pytest.raises(BAD, match="The count may not be greater than 100"):
        desk.sdk.order.all({"count": 101})


def test_lists_can_be_cut_by_time(desk: Desk) -> None:
    first = desk.order()
    desk.clock.advance(days=1)
    second = desk.order()
    assert [one["id"] for one in desk.sdk.order.all({"from": second["created_at"]})["items"]] == [second["id"]]
    assert [one["id"] for one in desk.sdk.order.all({"to": first["created_at"]})["items"]] == [first["id"]]


def test_a_lagging_list_misses_what_fetching_already_finds(desk: Desk) -> None:
    desk.sim("PATCH", "/options", list_lag_seconds=60)
    payment = desk.paid()
    assert desk.sdk.payment.fetch(payment["id"])["status"] == "captured"
    assert desk.sdk.payment.all()["items"] == []
    desk.clock.advance(seconds=61)
    assert desk.sdk.payment.all()["count"] == 1


def test_receipts_may_repeat_unless_switched_otherwise(desk: Desk) -> None:
    desk.order(receipt="same")
    desk.order(receipt="same")
    desk.sim("PATCH", "/options", unique_receipts=True)
    with pytest.raises(BAD, match="Receipt should be unique"):
        desk.order(receipt="same")


def test_only_the_notes_of_an_order_can_be_changed(desk: Desk) -> None:
    order = desk.order()
    assert desk.sdk.order.edit(order["id"], {"notes": {"a": "b"}})["notes"] == {"a": "b"}
    with pytest.raises(BAD, match="amount is/are not required"):
        desk.sdk.order.edit(order["id"], {"amount": 1})


def test_a_success_pays_the_order_and_its_signature_verifies(desk: Desk) -> None:
    order = desk.order(149000, notes={"tier": "pro"})
    paid = desk.pay(order["id"], method="upi")
    fields = {name: paid[name] for name in ("razorpay_order_id", "razorpay_payment_id", "razorpay_signature")}
    assert desk.sdk.utility.verify_payment_signature(fields) is True
    assert fields["razorpay_order_id"] == order["id"]
    payment = desk.sdk.payment.fetch(fields["razorpay_payment_id"])
    assert list(payment) == PAYMENT_KEYS
    assert (payment["status"], payment["captured"], payment["amount"]) == ("captured", True, 149000)
    assert payment["notes"] == {"tier": "pro"}
    paid_order = desk.sdk.order.fetch(order["id"])
    assert (paid_order["status"], paid_order["amount_paid"], paid_order["amount_due"]) == ("paid", 149000, 0)
    assert paid_order["attempts"] == 1


def test_the_fee_is_two_percent_and_gst_on_it(desk: Desk) -> None:
    payment = desk.paid(150000)
    assert (payment["fee"], payment["tax"]) == (3540, 540)


def test_a_forged_signature_does_not_verify(desk: Desk) -> None:
    paid = desk.pay(desk.order()["id"])
    fields = {name: paid[name] for name in ("razorpay_order_id", "razorpay_payment_id", "razorpay_signature")}
    with pytest.raises(razorpay.errors.SignatureVerificationError):
        desk.sdk.utility.verify_payment_signature(fields | {"razorpay_order_id": desk.order()["id"]})


def test_a_failure_leaves_the_order_attempted_and_payable(desk: Desk) -> None:
    order = desk.order()
    failed = desk.pay(order["id"], method="netbanking", outcome="fail")
    assert failed["error"]["metadata"] == {"order_id": order["id"], "payment_id": failed["payment"]["id"]}
    assert failed["error"]["reason"] == "payment_failed"
    assert "razorpay_signature" not in failed
    assert desk.sdk.order.fetch(order["id"])["status"] == "attempted"
    desk.pay(order["id"])
    attempts = desk.sdk.order.payments(order["id"])
    assert [one["status"] for one in attempts["items"]] == ["failed", "captured"]
    assert desk.sdk.order.fetch(order["id"])["attempts"] == 2


def test_a_paid_order_cannot_be_paid_again(desk: Desk) -> None:
    order = desk.order()
    desk.pay(order["id"])
    again = desk.http.post(f"/_sim/orders/{order['id']}/pay", json={})
    assert again.status_code == 400
    assert again.json()["error"]["description"].startswith(
        "Your payment has been declined as the order is already paid"
    )
    assert desk.pay(order["id"], force=True)["payment"]["status"] == "captured"


def test_an_authorised_payment_is_captured_by_its_exact_amount(desk: Desk) -> None:
    payment = desk.pay(desk.order()["id"], outcome="authorize", method="card")["payment"]
    assert (payment["status"], payment["captured"], payment["fee"]) == ("authorized", False, None)
    with pytest.raises(BAD, match="Capture amount must be equal to the amount authorized"):
        desk.sdk.payment.capture(payment["id"], 14800, {"currency": "INR"})
    assert desk.sdk.payment.capture(payment["id"], 14900, {"currency": "INR"})["status"] == "captured"
    with pytest.raises(BAD, match="This payment has already been captured"):
        desk.sdk.payment.capture(payment["id"], 14900, {"currency": "INR"})


@pytest.mark.parametrize("by_hand", [{"payment": {"capture": "manual"}}, {"payment_capture": 0}])
def test_an_order_can_ask_for_capture_by_hand(desk: Desk, by_hand: dict[str, Any]) -> None:
    payment = desk.pay(desk.order(**by_hand)["id"])["payment"]
    assert payment["status"] == "authorized"
    assert [one["status"] for one in desk.sdk.order.all({"authorized": 1})["items"]] == ["attempted"]


def test_uncaptured_money_goes_back_after_three_days(desk: Desk) -> None:
    payment = desk.pay(desk.order()["id"], outcome="authorize")["payment"]
    desk.clock.advance(days=3, seconds=1)
    returned = desk.sdk.payment.fetch(payment["id"])
    assert (returned["status"], returned["amount_refunded"], returned["captured"]) == ("refunded", 14900, False)


def test_a_late_answer_turns_the_failed_payment_into_a_captured_one(desk: Desk) -> None:
    order = desk.order()
    late = desk.pay(order["id"], outcome="late", late_after=600)
    assert late["payment"]["status"] == "failed"
    desk.clock.advance(seconds=601)
    assert desk.sdk.payment.fetch(late["payment"]["id"])["status"] == "captured"
    assert desk.sdk.order.fetch(order["id"])["status"] == "paid"


def test_late_money_for_a_paid_order_goes_back_at_once(desk: Desk) -> None:
    order = desk.order()
    late = desk.pay(order["id"], outcome="late", late_after=600)["payment"]
    desk.pay(order["id"])
    desk.clock.advance(seconds=601)
    assert desk.sdk.payment.fetch(late["id"])["status"] == "refunded"
    assert desk.sdk.order.fetch(order["id"])["amount_paid"] == 14900


def test_a_payments_card_is_shown_when_asked_for(desk: Desk) -> None:
    payment = desk.pay(desk.order()["id"], method="card")["payment"]
    assert "card" not in desk.sdk.payment.fetch(payment["id"])
    shown = desk.sdk.payment.fetch(payment["id"], {"expand[]": ["card"]})
    assert shown["card"]["id"] == payment["card_id"]
    assert desk.sdk.order.all({"expand[]": ["payments"]})["items"][0]["payments"]["items"][0]["id"] == payment["id"]


def test_a_payment_can_be_made_to_say_another_amount(desk: Desk) -> None:
    payment = desk.paid()
    desk.sim("PATCH", f"/payments/{payment['id']}", amount=100)
    assert desk.sdk.payment.fetch(payment["id"])["amount"] == 100
    assert desk.pay(desk.order()["id"], amount=100)["payment"]["amount"] == 100


def test_a_refund_without_amount_gives_everything_back(desk: Desk) -> None:
    payment = desk.paid()
    refund = desk.sdk.payment.refund(payment["id"], {"notes": {"why": "asked"}})
    assert list(refund) == REFUND_KEYS
    assert (refund["amount"], refund["status"], refund["notes"]) == (14900, "processed", {"why": "asked"})
    refunded = desk.sdk.payment.fetch(payment["id"])
    assert (refunded["status"], refunded["refund_status"], refunded["amount_refunded"]) == ("refunded", "full", 14900)
    assert desk.sdk.order.fetch(payment["order_id"])["status"] == "paid"
    with pytest.raises(BAD, match="The payment has been fully refunded already"):
        desk.sdk.payment.refund(payment["id"], {})


def test_partial_refunds_keep_the_payment_captured_and_add_up(desk: Desk) -> None:
    payment = desk.paid()
    desk.sdk.payment.refund(payment["id"], {"amount": 4900})
    partly = desk.sdk.payment.fetch(payment["id"])
    assert (partly["status"], partly["refund_status"], partly["amount_refunded"]) == ("captured", "partial", 4900)
    with pytest.raises(BAD, match="The refund amount provided is greater than amount captured"):
        desk.sdk.payment.refund(payment["id"], {"amount": 10001})
    desk.sdk.payment.refund(payment["id"], {"amount": 10000})
    assert desk.sdk.payment.fetch(payment["id"])["refund_status"] == "full"
    assert [one["amount"] for one in desk.sdk.payment.fetch_multiple_refund(payment["id"])["items"]] == [10000, 4900]


def test_the_same_refund_key_refunds_once(desk: Desk) -> None:
    payment = desk.paid()
    headers = {"X-Refund-Idempotency": "refund-0001"}
    first, again = (desk.sdk.payment.refund(payment["id"], {"amount": 100}, headers=dict(headers)) for _ in range(2))
    assert first["id"] == again["id"]
    assert desk.sdk.payment.fetch(payment["id"])["amount_refunded"] == 100
    other = desk.raw("POST", f"/v1/payments/{payment['id']}/refund", {"amount": 200}, **headers)
    assert other.status_code == 409
    assert (
        other.json()["error"]["description"]
        == "Different request with the same idempotency key has already been processed."
    )


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("short", "The idempotency key must be at least 10 characters long."),
        (
            "spaces are bad",
            "The idempotency key must only contain alphanumeric characters, underscores, and hyphens",
        ),
    ],
)
def test_a_wrong_refund_key_is_refused(desk: Desk, key: str, text: str) -> None:
    payment = desk.paid()
    with pytest.raises(BAD) as refused:
        desk.sdk.payment.refund(payment["id"], {}, headers={"X-Refund-Idempotency": key})
    assert str(refused.value) == text


def test_what_was_not_captured_or_is_too_old_is_not_refunded(desk: Desk) -> None:
    authorised = desk.pay(desk.order()["id"], outcome="authorize")["payment"]
    with pytest.raises(BAD, match="should be captured"):
        desk.sdk.payment.refund(authorised["id"], {})
    old = desk.paid()
    desk.clock.advance(days=190)
    with pytest.raises(BAD, match="more than 6 months old"):
        desk.sdk.payment.refund(old["id"], {})


def test_a_waiting_refund_can_fail_and_the_money_is_ours_again(desk: Desk) -> None:
    desk.sim("PATCH", "/options", refunds_wait=True)
    payment = desk.paid()
    refund = desk.sdk.refund.create({"payment_id": payment["id"]})
    assert refund["status"] == "pending"
    desk.sim("POST", f"/refunds/{refund['id']}/settle", outcome="failed")
    assert desk.sdk.refund.fetch(refund["id"])["status"] == "failed"
    restored = desk.sdk.payment.fetch(payment["id"])
    assert (restored["status"], restored["refund_status"], restored["amount_refunded"]) == ("captured", None, 0)


def test_customers_are_made_found_and_edited(desk: Desk) -> None:
    made = desk.sdk.customer.create({"name": "Asha Rao", "email": "asha@example.com", "contact": "+919800000000"})
    assert list(made) == ["id", "entity", "name", "email", "contact", "gstin", "notes", "created_at"]
    same = {"name": "Asha", "email": "asha@example.com", "contact": "+919800000000"}
    with pytest.raises(BAD, match="Customer already exists for the merchant"):
        desk.sdk.customer.create(same)
    assert desk.sdk.customer.create(same | {"fail_existing": "0"})["id"] == made["id"]
    assert desk.sdk.customer.edit(made["id"], {"name": "Asha R."})["name"] == "Asha R."


def test_a_dispute_that_is_lost_deducts_its_amount(desk: Desk) -> None:
    payment = desk.paid()
    dispute = desk.sim("POST", f"/payments/{payment['id']}/dispute", reason_code="processed_invalid_expired_card")
    assert desk.sdk.dispute.fetch(dispute["id"])["status"] == "open"
    desk.sim("POST", f"/disputes/{dispute['id']}/lost")
    lost = desk.sdk.dispute.fetch(dispute["id"])
    assert (lost["status"], lost["amount_deducted"]) == ("lost", 14900)


def test_a_lost_dispute_can_be_won_after_all_and_nothing_else(desk: Desk) -> None:
    dispute = desk.sim("POST", f"/payments/{desk.paid()['id']}/dispute")
    for turn, status, deducted in (("lost", 200, 14900), ("closed", 400, 14900), ("won", 200, 0), ("lost", 400, 0)):
        assert desk.http.post(f"/_sim/disputes/{dispute['id']}/{turn}").status_code == status
        assert desk.sdk.dispute.fetch(dispute["id"])["amount_deducted"] == deducted


@pytest.mark.parametrize(("captured", "paid_out"), [(23, 25), (26, 30), (27, 1), (28, 1)])
def test_weekends_do_not_count_as_working_days(captured: int, paid_out: int) -> None:
    india = ZoneInfo("Asia/Kolkata")  # the 23rd of November 2026 is a Monday
    due = payout_after(datetime(2026, 11, captured, 23, 0, tzinfo=india))
    assert (due.astimezone(india).day, due.astimezone(india).hour) == (paid_out, 11)


def test_money_is_settled_two_working_days_later(desk: Desk) -> None:
    payment = desk.paid(100000)
    desk.sdk.payment.refund(payment["id"], {"amount": 10000})
    desk.clock.advance(days=6)
    settlements = desk.sdk.settlement.all()["items"]
    assert [one["amount"] for one in settlements] == [100000 - payment["fee"] - 10000]
    day = datetime.fromtimestamp(settlements[0]["created_at"], ZoneInfo("Asia/Kolkata"))
    rows = desk.sdk.settlement.report({"year": day.year, "month": day.month, "day": day.day, "count": 1000})["items"]
    assert [(row["type"], row["debit"], row["credit"]) for row in rows] == [
        ("payment", 0, 100000 - payment["fee"]),
        ("refund", 10000, 0),
    ]
    assert list(rows[0]) == RECON_KEYS
    assert rows[1]["payment_id"] == payment["id"]
    assert rows[0]["notes"] == "{}"
    with pytest.raises(BAD, match=re.escape("The month is not a valid month.")):
        desk.sdk.settlement.report({"year": 2026, "month": 13})


def fault(desk: Desk, kind: str, path: str = "/v1/orders", **more: Any) -> None:  # noqa: ANN401 -- Fault's own fields
    desk.sim("POST", "/faults", kind=kind, path=path, **more)


def test_a_fault_meets_its_request_once(desk: Desk) -> None:
    fault(desk, "429", method="POST")
    desk.sdk.order.all()
    with pytest.raises(BAD, match="too many requests"):
        desk.order()
    desk.order()


def test_a_server_error_has_razorpays_body(desk: Desk) -> None:
    fault(desk, "500")
    answer = desk.raw("GET", "/v1/orders")
    assert answer.status_code == 500
    assert answer.json()["error"] == {
        "code": "SERVER_ERROR",
        "description": "The server encountered an error. The incident has been reported to admins.",
        "metadata": {},
    }
    fault(desk, "500")
    with pytest.raises(razorpay.errors.ServerError):
        desk.sdk.order.all()


def test_a_gateway_page_and_an_empty_200_break_the_sdks_parser(desk: Desk) -> None:
    for kind in ("502", "504", "empty", "html"):
        fault(desk, kind)
        with pytest.raises(requests.exceptions.JSONDecodeError):
            desk.order()
    assert desk.sdk.order.all()["count"] == 2  # "empty" and "html" made theirs


def test_an_unauthorised_product_is_a_server_error_without_words(desk: Desk) -> None:
    fault(desk, "unauthorized")
    with pytest.raises(razorpay.errors.ServerError) as refused:
        desk.sdk.order.all()
    assert str(refused.value) == ""


def test_a_dropped_connection_after_the_commit_leaves_an_order_nobody_heard_of(desk: Desk) -> None:
    fault(desk, "drop")
    with pytest.raises(requests.exceptions.ConnectionError):
        desk.order(receipt="lost")
    assert desk.sdk.order.all({"receipt": "lost"})["count"] == 1


def test_a_connection_dropped_before_the_commit_leaves_nothing(desk: Desk) -> None:
    fault(desk, "drop_before")
    with pytest.raises(requests.exceptions.ConnectionError):
        desk.order(receipt="lost")
    assert desk.sdk.order.all({"receipt": "lost"})["count"] == 0


def test_a_slow_answer_runs_into_the_clients_timeout(desk: Desk) -> None:
    fault(desk, "latency", seconds=1)
    with pytest.raises(requests.exceptions.ReadTimeout):
        desk.sdk.order.all({}, timeout=(1, 0.1))


def test_faults_can_be_counted_listed_and_cleared(desk: Desk) -> None:
    fault(desk, "500", times=5, after=1)
    desk.sdk.order.all()
    with pytest.raises(razorpay.errors.ServerError):
        desk.sdk.order.all()
    assert [one["times"] for one in desk.sim("GET", "/faults")] == [4]
    desk.sim("DELETE", "/faults")
    desk.sdk.order.all()


def test_the_state_shows_everything_and_a_reset_forgets_it(desk: Desk) -> None:
    payment = desk.paid()
    state = desk.sim("GET", "/state")
    assert [one["id"] for one in state["payments"]] == [payment["id"]]
    fault(desk, "500")
    desk.sim("PATCH", "/options", unique_receipts=True)
    desk.sim("POST", "/reset")
    empty = desk.sim("GET", "/state")
    assert (empty["payments"], empty["faults"], empty["options"]["unique_receipts"]) == ([], [], False)
    assert desk.sdk.order.all()["items"] == []


def test_the_control_plane_says_what_it_does_not_know(desk: Desk) -> None:
    answer = desk.http.post(f"/_sim/orders/{desk.order()['id']}/pay", json={"outcom": "fail"})
    assert answer.status_code == 400
    assert "unknown: outcom; known:" in answer.json()["error"]["description"]
