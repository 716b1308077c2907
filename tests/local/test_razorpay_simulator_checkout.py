"""The simulated checkout: what the browser loads and calls, and what it must never see."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from local.simulators.razorpay.checkout import verify_url
from tests.local.razorpay_desk import Desk, Json, a_desk

KEY = "rzp_test_local"
ELSEWHERE = {"Origin": "http://127.0.0.1:3000"}


@pytest.fixture(scope="module")
def shared() -> Iterator[Desk]:
    with a_desk() as desk:
        yield desk


@pytest.fixture
def desk(shared: Desk) -> Desk:
    shared.reset()
    return shared


def bill(desk: Desk, wanted: str, key_id: str = KEY) -> Json:
    found: Json = desk.http.get(f"/checkout/{wanted}/bill", params={"key_id": key_id}).json()
    return found


def attempt(desk: Desk, wanted: str, **fields: Any) -> httpx2.Response:  # noqa: ANN401 -- JSON
    return desk.http.post(f"/checkout/{wanted}/pay", json={"key_id": KEY, **fields}, headers=ELSEWHERE)


def a_subscription(desk: Desk) -> str:
    item = {"name": "Pro monthly", "amount": 14900, "currency": "INR"}
    plan = desk.sdk.plan.create({"period": "monthly", "interval": 1, "item": item})
    return str(desk.sdk.subscription.create({"plan_id": plan["id"], "total_count": 12})["id"])


def test_the_script_defines_razorpay(desk: Desk) -> None:
    answer = desk.http.get("/v1/checkout.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "window.Razorpay = Razorpay" in answer.text


def test_a_page_on_another_port_may_call(desk: Desk) -> None:
    order = desk.order()
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"} | ELSEWHERE
    preflight = desk.http.options(f"/checkout/{order['id']}/pay", headers=asked)
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert attempt(desk, order["id"]).headers["access-control-allow-origin"] == "*"


def test_paying_gives_the_three_fields_and_they_verify(desk: Desk) -> None:
    order = desk.order()
    fields = attempt(desk, order["id"], method="card", outcome="success", email="asha@example.com").json()
    assert set(fields) == {"razorpay_payment_id", "razorpay_order_id", "razorpay_signature"}
    assert desk.sdk.utility.verify_payment_signature(fields)
    payment = desk.sdk.payment.fetch(fields["razorpay_payment_id"])
    assert (payment["status"], payment["method"], payment["email"]) == ("captured", "card", "asha@example.com")
    assert bill(desk, order["id"])["closed"] == "This order is paid."


@pytest.mark.parametrize(("outcome", "reason"), [("fail", "payment_failed"), ("late", "payment_timed_out")])
def test_a_failure_gives_the_error_of_the_checkout(desk: Desk, outcome: str, reason: str) -> None:
    error = attempt(desk, desk.order()["id"], outcome=outcome).json()["error"]
    assert list(error) == ["code", "description", "source", "step", "reason", "metadata"]
    assert error["reason"] == reason


def test_the_notes_of_the_checkout_land_on_the_payment(desk: Desk) -> None:
    fields = attempt(desk, desk.order()["id"], notes={"from": "page"}, description="Pro").json()
    payment = desk.sdk.payment.fetch(fields["razorpay_payment_id"])
    assert (payment["notes"], payment["description"]) == ({"from": "page"}, "Pro")


@pytest.mark.parametrize("nonsense", [{"method": "cash"}, {"outcome": ["success"]}, {"email": 5}, {"notes": "text"}])
def test_nonsense_from_the_page_is_refused(desk: Desk, nonsense: Json) -> None:
    order = desk.order()
    answer = desk.http.post(f"/checkout/{order['id']}/pay", json={"key_id": KEY, "outcome": "success"} | nonsense)
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("notes", "title"),
    [
        ({"tier": "pro", "plan": "yearly"}, "Pro · Yearly"),
        ({"tier": "one-time", "plan": "one-time"}, "One time"),
        ({"planName": "Premium for a year", "tier": "premium"}, "Premium for a year"),
        ({}, "receipt-7"),
    ],
)
def test_the_bill_names_the_plan(desk: Desk, notes: Json, title: str) -> None:
    order = desk.order(149000, notes=notes, receipt="receipt-7")
    assert (bill(desk, order["id"])["title"], bill(desk, order["id"])["amount"]) == (title, 149000)


def test_a_subscription_is_authorised_the_same_way(desk: Desk) -> None:
    subscription_id = a_subscription(desk)
    assert bill(desk, subscription_id)["title"] == "Pro monthly, renewed automatically"
    fields = attempt(desk, subscription_id, method="upi").json()
    assert set(fields) == {"razorpay_payment_id", "razorpay_subscription_id", "razorpay_signature"}
    assert desk.sdk.utility.verify_subscription_payment_signature(fields)
    assert bill(desk, subscription_id)["closed"] == "This subscription is active."
    assert attempt(desk, subscription_id).status_code == 400


def test_only_the_accounts_own_key_opens_the_checkout(desk: Desk) -> None:
    order = desk.order()
    assert bill(desk, order["id"], "rzp_test_other")["error"]["description"] == "The api key provided is invalid"
    assert desk.http.post(f"/checkout/{order['id']}/pay", json={}).status_code == 401
    assert desk.sdk.order.fetch(order["id"])["attempts"] == 0


def test_the_page_to_pay_on_shows_the_order_and_no_secret(desk: Desk) -> None:
    order = desk.order()
    answer = desk.http.get(f"/checkout/{order['id']}")
    assert answer.status_code == 200
    assert order["id"] in answer.text
    for text in (answer.text, desk.http.get("/v1/checkout.js").text, attempt(desk, order["id"]).text):
        assert "local-key-secret" not in text
        assert "local-webhook-secret" not in text


def test_the_link_of_a_subscription_leads_to_its_page(desk: Desk) -> None:
    link = desk.sdk.subscription.fetch(a_subscription(desk))["short_url"]
    assert link.startswith(desk.url)
    assert "subscription_id" in desk.http.get(link).text


def test_there_is_no_page_for_what_does_not_exist(desk: Desk) -> None:
    assert desk.http.get("/checkout/order_00000000000000").status_code == 404
    answer = desk.http.get("/checkout/<img src=x onerror=alert(1)>")
    assert answer.status_code == 404
    assert "&lt;img" in answer.text


@pytest.mark.parametrize(
    ("webhook", "verify"),
    [
        (None, "http://127.0.0.1:3000/api/subscription/verify-payment"),
        ("http://127.0.0.1:4000/api/subscription/webhook", "http://127.0.0.1:4000/api/subscription/verify-payment"),
    ],
)
def test_the_command_verifies_beside_the_webhook(webhook: str | None, verify: str) -> None:
    assert verify_url(webhook) == verify


def test_the_front_page_is_for_a_person_to_look_around(desk: Desk) -> None:
    answer = desk.http.get("/")
    assert answer.headers["content-type"].startswith("text/html")
    assert "Simulated Razorpay" in answer.text
    assert "rzp_test_local" in answer.text
