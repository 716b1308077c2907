"""The simulated subscriptions: cycles at midnight in India, charges on the clock, and every way they end."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import razorpay.errors

from local.simulators.razorpay.cycles import Rhythm
from tests.local.razorpay_desk import Desk, Json, a_desk, until

BAD = razorpay.errors.BadRequestError
INDIA = ZoneInfo("Asia/Kolkata")
NOON = datetime(2027, 1, 31, 12, 0, tzinfo=INDIA)

SUBSCRIPTION_KEYS = [
    "id", "entity", "plan_id", "customer_id", "status", "current_start", "current_end", "ended_at", "quantity",
    "notes", "charge_at", "start_at", "end_at", "auth_attempts", "total_count", "paid_count", "customer_notify",
    "created_at", "expire_by", "short_url", "has_scheduled_changes", "change_scheduled_at", "source",
    "remaining_count",
]  # fmt: skip
CHARGED_KEYS = [
    "id", "entity", "plan_id", "customer_id", "status", "type", "current_start", "current_end", "ended_at",
    "quantity", "notes", "charge_at", "start_at", "end_at", "auth_attempts", "total_count", "paid_count",
    "customer_notify", "created_at", "expire_by", "short_url", "has_scheduled_changes", "change_scheduled_at",
    "source", "offer_id", "remaining_count",
]  # fmt: skip
RECURRING_KEYS = [
    "id", "entity", "amount", "currency", "status", "order_id", "invoice_id", "international", "method",
    "amount_refunded", "amount_transferred", "refund_status", "captured", "description", "card_id", "card", "bank",
    "wallet", "vpa", "email", "contact", "customer_id", "token_id", "notes", "fee", "tax", "error_code",
    "error_description", "created_at",
]  # fmt: skip
CARD_KEYS = [
    "id", "entity", "name", "last4", "network", "type", "issuer", "international", "emi", "expiry_month",
    "expiry_year",
]  # fmt: skip
INVOICE_KEYS = [
    "id", "entity", "receipt", "invoice_number", "customer_id", "customer_details", "order_id", "subscription_id",
    "line_items", "payment_id", "status", "expire_by", "issued_at", "paid_at", "cancelled_at", "expired_at",
    "sms_status", "email_status", "date", "terms", "partial_payment", "gross_amount", "tax_amount", "taxable_amount",
    "amount", "amount_paid", "amount_due", "currency", "currency_symbol", "description", "notes", "comment",
    "short_url", "view_less", "billing_start", "billing_end", "type", "group_taxes_discounts", "created_at",
    "idempotency_key",
]  # fmt: skip
PAYMENT_SET = ["payment.authorized", "payment.captured", "order.paid", "invoice.paid"]


@pytest.fixture(scope="module")
def shared() -> Iterator[Desk]:
    with a_desk(webhook_spacing=0.01) as desk:
        yield desk


@pytest.fixture
def desk(shared: Desk) -> Desk:
    shared.reset()
    shared.sim("PATCH", "/options", settle_automatically=False)  # payouts would mix into the events
    shared.clock.set(NOON)
    return shared


def a_plan(desk: Desk, period: str = "monthly", amount: int = 14900, interval: int = 1) -> Json:
    item = {"name": "Pro", "amount": amount, "currency": "INR"}
    made: Json = desk.sdk.plan.create({"period": period, "interval": interval, "item": item})
    return made


def a_subscription(desk: Desk, total_count: int = 12, period: str = "monthly", **fields: Any) -> Json:  # noqa: ANN401 -- JSON
    plan = a_plan(desk, period)
    made: Json = desk.sdk.subscription.create({"plan_id": plan["id"], "total_count": total_count, **fields})
    return made


def authorised(desk: Desk, total_count: int = 12, method: str = "upi", **fields: Any) -> str:  # noqa: ANN401 -- JSON
    made = a_subscription(desk, total_count, **fields)
    desk.sim("POST", f"/subscriptions/{made['id']}/authorise", method=method)
    return str(made["id"])


def fetch(desk: Desk, subscription_id: str) -> Json:
    found: Json = desk.sdk.subscription.fetch(subscription_id)
    return found


def to(desk: Desk, year: int, month: int, day: int, hour: int = 0, minute: int = 1) -> None:
    """Move the clock to this moment in India, by default a minute past midnight."""
    desk.clock.set(datetime(year, month, day, hour, minute, tzinfo=INDIA))


def midnight(year: int, month: int, day: int) -> int:
    return int(datetime(year, month, day, tzinfo=INDIA).timestamp())


def told(desk: Desk, *expected: str) -> None:
    """These events have come since the last time, in whatever order the network gave them."""
    until(
        lambda: sorted(desk.inbox.names()) == sorted(expected), lambda: f"{sorted(expected)}, not {desk.inbox.names()}"
    )
    desk.inbox.letters.clear()


def outcomes(desk: Desk, subscription_id: str, *following: str) -> None:
    desk.sim("POST", f"/subscriptions/{subscription_id}/outcomes", next=list(following))


@pytest.mark.parametrize(
    ("start", "period", "number", "boundary"),
    [
        (datetime(2020, 9, 18, 13, 37, tzinfo=INDIA), "monthly", 1, datetime(2020, 10, 18, tzinfo=INDIA)),
        (datetime.fromtimestamp(1773461489, UTC), "weekly", 5, datetime.fromtimestamp(1776450600, UTC)),
        (datetime.fromtimestamp(1570213800, UTC), "monthly", 11, datetime.fromtimestamp(1599244200, UTC)),
        (datetime(2027, 1, 31, 9, 0, tzinfo=INDIA), "monthly", 1, datetime(2027, 2, 28, tzinfo=INDIA)),
        (datetime(2027, 1, 31, 9, 0, tzinfo=INDIA), "monthly", 2, datetime(2027, 3, 31, tzinfo=INDIA)),
        (datetime(2028, 2, 29, 9, 0, tzinfo=INDIA), "yearly", 1, datetime(2029, 2, 28, tzinfo=INDIA)),
        (datetime(2026, 11, 30, 9, 0, tzinfo=INDIA), "quarterly", 1, datetime(2027, 2, 28, tzinfo=INDIA)),
        (datetime(2027, 1, 31, 20, 0, tzinfo=UTC), "monthly", 1, datetime(2027, 3, 1, tzinfo=INDIA)),
    ],
)
def test_cycles_begin_at_midnight_in_india(start: datetime, period: str, number: int, boundary: datetime) -> None:
    assert Rhythm(start, period, 1).boundary(number) == boundary


def test_a_plan_is_made_fetched_and_listed(desk: Desk) -> None:
    plan = a_plan(desk, amount=14900)
    assert list(plan) == ["id", "entity", "interval", "period", "item", "notes", "created_at"]
    assert (plan["item"]["amount"], plan["item"]["unit_amount"], plan["notes"]) == (14900, 14900, [])
    assert desk.sdk.plan.fetch(plan["id"]) == plan
    assert desk.sdk.plan.all()["items"] == [plan]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"period": "hourly"}, "The selected period is invalid."),
        ({"period": "daily", "interval": 6}, "For daily plan, the interval should be greater than or equal to 7."),
        ({"item": {"name": "x", "amount": 99, "currency": "INR"}}, "The amount must be at least INR 1.00"),
        ({"interval": None}, "The interval field is required."),
    ],
)
def test_a_wrong_plan_is_refused(desk: Desk, fields: Json, text: str) -> None:
    item = {"name": "Pro", "amount": 14900, "currency": "INR"}
    with pytest.raises(BAD) as refused:
        desk.sdk.plan.create({"period": "monthly", "interval": 1, "item": item} | fields)
    assert str(refused.value) == text


def test_a_subscription_knows_no_dates_until_it_is_paid(desk: Desk) -> None:
    made = a_subscription(desk)
    assert list(made) == SUBSCRIPTION_KEYS
    assert made["status"] == "created"
    assert [made[name] for name in ("charge_at", "start_at", "end_at", "current_start")] == [None] * 4
    assert (made["total_count"], made["remaining_count"], made["paid_count"]) == (12, 12, 0)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"plan_id": "plan_00000000000000"}, "The id provided does not exist"),
        ({"total_count": 0}, "The total count must be at least 1."),
        ({"total_count": None}, "The total count field is required."),
        ({"total_count": 1201}, "end_time must be between 946684800 and 4765046400"),
        ({"expire_by": 1_700_000_000}, "Link expire by cannot be lesser than the current time."),
    ],
)
def test_a_wrong_subscription_is_refused(desk: Desk, fields: Json, text: str) -> None:
    with pytest.raises(BAD) as refused:
        desk.sdk.subscription.create({"plan_id": a_plan(desk)["id"], "total_count": 12} | fields)
    assert str(refused.value) == text


def test_the_first_payment_activates_it_and_its_signature_verifies(desk: Desk) -> None:
    made = a_subscription(desk)
    paid = desk.sim("POST", f"/subscriptions/{made['id']}/authorise", method="upi", email="asha@example.com")
    fields = {name: paid[f"razorpay_{name}"] for name in ("payment_id", "subscription_id", "signature")}
    assert desk.sdk.utility.verify_subscription_payment_signature(
        {f"razorpay_{name}": value for name, value in fields.items()}
    )
    active = fetch(desk, made["id"])
    assert active["status"] == "active"
    assert active["current_start"] == int(NOON.timestamp())
    assert active["current_end"] == active["charge_at"] == midnight(2027, 2, 28)
    assert active["end_at"] == midnight(2027, 12, 31)
    assert (active["paid_count"], active["remaining_count"], active["payment_method"]) == (1, 11, "upi")
    assert desk.sdk.customer.fetch(active["customer_id"])["email"] == "asha@example.com"


def test_the_first_payment_says_all_that_razorpay_says(desk: Desk) -> None:
    subscription_id = authorised(desk)
    names = [*PAYMENT_SET, "subscription.authenticated", "subscription.activated", "subscription.charged"]
    desk.inbox.wait(7)
    assert sorted(desk.inbox.names()) == sorted(names)
    charged = desk.inbox.latest("subscription.charged")
    assert charged["contains"] == ["subscription", "payment"]
    entity, payment = (charged["payload"][name]["entity"] for name in ("subscription", "payment"))
    assert list(entity) == CHARGED_KEYS
    assert (entity["id"], entity["status"], entity["short_url"], entity["type"]) == (subscription_id, "active", None, 2)
    assert (payment["captured"], payment["description"]) == ("1", "Recurring Payment via Subscription")
    assert payment["notes"] == []
    assert payment["customer_id"] == entity["customer_id"]
    authenticated = desk.inbox.latest("subscription.authenticated")["payload"]["subscription"]["entity"]
    assert (authenticated["status"], authenticated["current_start"], authenticated["paid_count"]) == (
        "authenticated",
        None,
        0,
    )
    assert desk.inbox.latest("subscription.activated")["contains"] == ["subscription"]
    captured = desk.inbox.latest("payment.captured")["payload"]["payment"]["entity"]
    assert captured["captured"] is True
    assert captured["invoice_id"] == payment["invoice_id"]


def test_the_payment_of_a_subscription_event_has_keys_of_its_own(desk: Desk) -> None:
    authorised(desk, method="card")
    desk.inbox.wait(7)
    payment = desk.inbox.latest("subscription.charged")["payload"]["payment"]["entity"]
    assert list(payment) == RECURRING_KEYS
    assert list(payment["card"]) == CARD_KEYS
    invoice = desk.inbox.latest("invoice.paid")["payload"]["invoice"]["entity"]
    assert list(invoice) == INVOICE_KEYS


def test_the_authenticated_event_of_an_immediate_start_can_be_left_out(desk: Desk) -> None:
    desk.sim("PATCH", "/options", authenticated_event=False)
    authorised(desk)
    told(desk, *PAYMENT_SET, "subscription.activated", "subscription.charged")


def test_an_invoice_ties_the_payment_to_the_cycle(desk: Desk) -> None:
    subscription_id = authorised(desk)
    invoices = desk.sdk.invoice.all({"subscription_id": subscription_id})["items"]
    payment = desk.sdk.payment.fetch(invoices[0]["payment_id"])
    assert [one["status"] for one in invoices] == ["paid"]
    assert (payment["invoice_id"], payment["order_id"]) == (invoices[0]["id"], invoices[0]["order_id"])
    assert "subscription_id" not in payment
    assert invoices[0]["billing_end"] == midnight(2027, 2, 28)
    assert (invoices[0]["amount"], invoices[0]["line_items"][0]["name"]) == (14900, "Pro")


def test_a_declined_first_payment_leaves_it_created(desk: Desk) -> None:
    made = a_subscription(desk)
    failed = desk.sim("POST", f"/subscriptions/{made['id']}/authorise", outcome="fail")
    assert failed["error"]["reason"] == "payment_failed"
    assert fetch(desk, made["id"])["status"] == "created"
    told(desk, "payment.failed")
    desk.sim("POST", f"/subscriptions/{made['id']}/authorise")
    assert fetch(desk, made["id"])["status"] == "active"


def test_a_late_answer_activates_it_after_all(desk: Desk) -> None:
    made = a_subscription(desk)
    late = desk.sim("POST", f"/subscriptions/{made['id']}/authorise", outcome="late", late_after=600)
    assert late["error"]["reason"] == "payment_timed_out"
    assert fetch(desk, made["id"])["status"] == "created"
    desk.clock.advance(seconds=601)
    assert fetch(desk, made["id"])["status"] == "active"


def test_the_clock_charges_every_cycle(desk: Desk) -> None:
    subscription_id = authorised(desk)
    desk.inbox.wait(7)
    desk.inbox.letters.clear()
    to(desk, 2027, 2, 28)
    told(desk, *PAYMENT_SET, "subscription.charged")
    renewed = fetch(desk, subscription_id)
    assert (renewed["current_start"], renewed["current_end"]) == (midnight(2027, 2, 28), midnight(2027, 3, 31))
    assert (renewed["paid_count"], renewed["remaining_count"]) == (2, 10)
    to(desk, 2027, 6, 1)  # a leap over three cycles charges them all, each at its time
    told(desk, *[*PAYMENT_SET, "subscription.charged"] * 3)
    invoices = desk.sdk.invoice.all({"subscription_id": subscription_id})["items"]
    assert [one["created_at"] for one in invoices[:3]] == [
        midnight(2027, 5, 31),
        midnight(2027, 4, 30),
        midnight(2027, 3, 31),
    ]


def test_four_failures_halt_it_with_a_day_between_them(desk: Desk) -> None:
    subscription_id = authorised(desk)
    outcomes(desk, subscription_id, *["fail"] * 4)
    desk.inbox.wait(7)
    desk.inbox.letters.clear()
    for number, (month, day) in enumerate([(2, 28), (3, 1), (3, 2)], 1):
        to(desk, 2027, month, day)
        told(desk, "payment.failed", "subscription.pending")
        pending = fetch(desk, subscription_id)
        assert (pending["status"], pending["auth_attempts"]) == ("pending", number)
        assert pending["charge_at"] == midnight(2027, 2, 28) + 86_400 * number
    to(desk, 2027, 3, 3)
    desk.inbox.wait(2)
    failed = desk.inbox.latest("payment.failed")["payload"]["payment"]["entity"]
    assert failed["description"] == "Failed Recurring Payment via Subscription"
    assert failed["error_source"] == "internal"
    halted = desk.inbox.latest("subscription.halted")["payload"]["subscription"]["entity"]
    assert (halted["status"], halted["auth_attempts"], halted["charge_at"]) == ("halted", 4, midnight(2027, 3, 31))
    assert (halted["paid_count"], halted["remaining_count"]) == (1, 10)


def test_a_pending_one_recovers_with_the_next_try(desk: Desk) -> None:
    subscription_id = authorised(desk)
    outcomes(desk, subscription_id, "fail")
    desk.inbox.wait(7)
    desk.inbox.letters.clear()
    to(desk, 2027, 3, 1)
    told(desk, "payment.failed", "subscription.pending", *PAYMENT_SET, "subscription.charged", "subscription.activated")
    recovered = fetch(desk, subscription_id)
    assert (recovered["status"], recovered["auth_attempts"]) == ("active", 0)
    assert recovered["current_end"] == recovered["charge_at"] == midnight(2027, 3, 31)
    assert desk.sdk.order.all()["items"][0]["attempts"] == 2


def test_a_halted_one_goes_on_when_the_customer_pays(desk: Desk) -> None:
    subscription_id = authorised(desk)
    outcomes(desk, subscription_id, *["fail"] * 4)
    to(desk, 2027, 3, 3)
    assert fetch(desk, subscription_id)["status"] == "halted"
    desk.sim("POST", f"/subscriptions/{subscription_id}/recover", method="card")
    recovered = fetch(desk, subscription_id)
    assert (recovered["status"], recovered["charge_at"], recovered["paid_count"]) == (
        "active",
        midnight(2027, 3, 31),
        2,
    )


def test_a_halted_one_is_invoiced_but_not_charged(desk: Desk) -> None:
    subscription_id = authorised(desk)
    outcomes(desk, subscription_id, *["fail"] * 4)
    to(desk, 2027, 4, 1)
    halted = fetch(desk, subscription_id)
    assert (halted["status"], halted["remaining_count"], halted["paid_count"]) == ("halted", 9, 1)
    invoices = desk.sdk.invoice.all({"subscription_id": subscription_id})["items"]
    assert [one["status"] for one in invoices] == ["issued", "issued", "paid"]


def test_the_last_cycle_completes_it_at_its_start(desk: Desk) -> None:
    subscription_id = authorised(desk, total_count=2)
    desk.inbox.wait(7)
    desk.inbox.letters.clear()
    to(desk, 2027, 2, 28)
    desk.inbox.wait(6)
    completed = desk.inbox.latest("subscription.completed")["payload"]["subscription"]["entity"]
    told(desk, *PAYMENT_SET, "subscription.charged", "subscription.completed")
    assert completed["ended_at"] == completed["current_start"] == midnight(2027, 2, 28)
    assert completed["current_end"] == midnight(2027, 3, 31)
    assert (completed["charge_at"], completed["remaining_count"], completed["paid_count"]) == (None, 0, 2)
    with pytest.raises(BAD, match="Subscription is not cancellable in completed status"):
        desk.sdk.subscription.cancel(subscription_id)


def test_cancelling_at_once_ends_it_and_leaves_the_paid_cycle(desk: Desk) -> None:
    subscription_id = authorised(desk)
    desk.inbox.wait(7)
    desk.inbox.letters.clear()
    cancelled = desk.sdk.subscription.cancel(subscription_id, {"cancel_at_cycle_end": False})
    assert (cancelled["status"], cancelled["charge_at"], cancelled["ended_at"]) == (
        "cancelled",
        None,
        int(NOON.timestamp()),
    )
    assert cancelled["current_end"] == midnight(2027, 2, 28)
    told(desk, "subscription.cancelled")
    to(desk, 2027, 4, 1)
    assert fetch(desk, subscription_id)["paid_count"] == 1
    with pytest.raises(BAD, match="Subscription is not cancellable in cancelled status"):
        desk.sdk.subscription.cancel(subscription_id)


def test_cancelling_at_cycle_end_shows_nowhere_until_then(desk: Desk) -> None:
    subscription_id = authorised(desk)
    desk.inbox.wait(7)
    desk.inbox.letters.clear()
    before = fetch(desk, subscription_id)
    assert desk.sdk.subscription.cancel(subscription_id, {"cancel_at_cycle_end": True}) == before
    assert desk.inbox.names() == []
    to(desk, 2027, 2, 28)
    told(desk, "subscription.cancelled")
    ended = fetch(desk, subscription_id)
    assert (ended["status"], ended["ended_at"], ended["paid_count"]) == ("cancelled", midnight(2027, 2, 28), 1)


@pytest.mark.parametrize("flag", ["yes", None, "at the end"])
def test_a_malformed_cycle_end_flag_cancels_at_once(desk: Desk, flag: str | None) -> None:
    subscription_id = authorised(desk)
    assert desk.sdk.subscription.cancel(subscription_id, {"cancel_at_cycle_end": flag})["status"] == "cancelled"


def test_without_a_running_cycle_it_is_cancelled_at_once(desk: Desk) -> None:
    made = a_subscription(desk)
    assert desk.sdk.subscription.cancel(made["id"], {"cancel_at_cycle_end": True})["status"] == "cancelled"


def test_a_pause_stops_the_charges_until_it_is_resumed(desk: Desk) -> None:
    subscription_id = authorised(desk)
    paused = desk.sdk.subscription.pause(subscription_id, {"pause_at": "now"})
    assert (paused["status"], paused["charge_at"], paused["pause_initiated_by"]) == ("paused", None, "self")
    to(desk, 2027, 3, 15)
    resumed = desk.sdk.subscription.resume(subscription_id, {"resume_at": "now"})
    assert (resumed["status"], resumed["charge_at"]) == ("active", midnight(2027, 3, 31))
    to(desk, 2027, 3, 31)
    charged = fetch(desk, subscription_id)
    assert (charged["paid_count"], charged["current_end"]) == (2, midnight(2027, 4, 30))


def test_what_the_customer_paused_only_the_customer_resumes(desk: Desk) -> None:
    subscription_id = authorised(desk)
    desk.sim("POST", f"/subscriptions/{subscription_id}/pause")
    with pytest.raises(BAD, match="by the customer only"):
        desk.sdk.subscription.resume(subscription_id, {"resume_at": "now"})
    assert desk.sim("POST", f"/subscriptions/{subscription_id}/resume")["status"] == "active"
    assert desk.sim("POST", f"/subscriptions/{subscription_id}/cancel")["status"] == "cancelled"


def test_a_trial_takes_a_token_gives_it_back_and_charges_at_its_start(desk: Desk) -> None:
    start = midnight(2027, 2, 15)
    made = a_subscription(desk, start_at=start)
    assert (made["start_at"], made["charge_at"], made["end_at"]) == (start, start, midnight(2028, 1, 15))
    desk.sim("POST", f"/subscriptions/{made['id']}/authorise", method="card")
    told(
        desk,
        *PAYMENT_SET[:3],
        "refund.created",
        "refund.processed",
        "subscription.authenticated",
    )
    assert fetch(desk, made["id"])["status"] == "authenticated"
    token = desk.sdk.payment.all()["items"][0]
    assert (token["amount"], token["status"], token["invoice_id"]) == (500, "refunded", None)
    assert desk.sdk.invoice.all({"subscription_id": made["id"]})["items"] == []
    to(desk, 2027, 2, 15)
    told(desk, "subscription.activated", *PAYMENT_SET, "subscription.charged")
    active = fetch(desk, made["id"])
    assert (active["current_start"], active["current_end"]) == (start, midnight(2027, 3, 15))


def test_a_pause_before_the_start_is_a_cancellation(desk: Desk) -> None:
    subscription_id = authorised(desk, start_at=midnight(2027, 2, 15))
    assert desk.sdk.subscription.pause(subscription_id)["status"] == "cancelled"


def test_an_addon_is_charged_up_front(desk: Desk) -> None:
    addon = {"item": {"name": "Setup", "amount": 5000, "currency": "INR"}}
    subscription_id = authorised(desk, addons=[addon])
    assert desk.sdk.invoice.all({"subscription_id": subscription_id})["items"][0]["amount"] == 19900
    to(desk, 2027, 2, 28)
    assert desk.sdk.invoice.all({"subscription_id": subscription_id})["items"][0]["amount"] == 14900


def test_nobody_paying_expires_it_silently(desk: Desk) -> None:
    made = a_subscription(desk, expire_by=midnight(2027, 2, 2))
    to(desk, 2027, 2, 2)
    assert fetch(desk, made["id"])["status"] == "expired"
    answer = desk.http.post(f"/_sim/subscriptions/{made['id']}/authorise", json={})
    assert answer.status_code == 400
    assert desk.inbox.names() == []


def test_upi_mandates_and_domestic_cards_cannot_be_changed(desk: Desk) -> None:
    other = a_plan(desk, amount=24900)
    with pytest.raises(BAD, match="subscriptions cannot be updated when payment mode is UPI"):
        desk.sdk.subscription.edit(authorised(desk), {"plan_id": other["id"]})
    with pytest.raises(BAD, match="Only offers can be updated for subscriptions when payment mode is domestic card"):
        desk.sdk.subscription.edit(authorised(desk, method="card"), {"plan_id": other["id"]})
    with pytest.raises(BAD, match="not in Authenticated or Active state"):
        desk.sdk.subscription.edit(a_subscription(desk)["id"], {"quantity": 2})


def test_an_international_card_can_change_plans_at_the_cycles_end(desk: Desk) -> None:
    made, other = a_subscription(desk), a_plan(desk, amount=24900)
    desk.sim("POST", f"/subscriptions/{made['id']}/authorise", method="card", international=True)
    changed = desk.sdk.subscription.edit(made["id"], {"plan_id": other["id"], "schedule_change_at": "cycle_end"})
    assert (changed["has_scheduled_changes"], changed["plan_id"]) == (True, made["plan_id"])
    assert desk.sdk.subscription.pending_update(made["id"])["plan_id"] == other["id"]
    to(desk, 2027, 2, 28)
    assert fetch(desk, made["id"])["plan_id"] == other["id"]
    assert desk.sdk.invoice.all({"subscription_id": made["id"]})["items"][0]["amount"] == 24900
    now = desk.sdk.subscription.edit(made["id"], {"quantity": 2})
    assert now["quantity"] == 2


def test_the_dashboard_can_charge_before_the_day(desk: Desk) -> None:
    subscription_id = authorised(desk)
    assert desk.sim("POST", f"/subscriptions/{subscription_id}/charge")["paid_count"] == 2
    failed = desk.sim("POST", f"/subscriptions/{subscription_id}/charge", outcome="fail")
    assert (failed["status"], failed["auth_attempts"]) == ("pending", 1)


def test_subscriptions_are_listed_by_plan(desk: Desk) -> None:
    first, second = a_subscription(desk), a_subscription(desk)
    listed = desk.sdk.subscription.all({"plan_id": first["plan_id"]})["items"]
    assert [one["id"] for one in listed] == [first["id"]]
    assert [one["id"] for one in desk.sdk.subscription.all()["items"]] == [second["id"], first["id"]]


def test_yearly_subscriptions_run_by_the_year(desk: Desk) -> None:
    subscription_id = authorised(desk, total_count=10, period="yearly")
    assert fetch(desk, subscription_id)["current_end"] == midnight(2028, 1, 31)
    desk.clock.advance(days=366 * 3)
    assert fetch(desk, subscription_id)["paid_count"] == 4
    assert desk.clock() - NOON > timedelta(days=3 * 365)
