"""One subscription and how it is paid, and how events and the checkout show it."""

from dataclasses import dataclass, field
from datetime import datetime

from local.simulators.razorpay import payments
from local.simulators.razorpay.account import Account
from local.simulators.razorpay.cycles import Rhythm
from local.simulators.razorpay.invoices import Bill
from local.simulators.razorpay.payments import Attempt
from local.simulators.razorpay.wire import Json, sign

TOKEN_AMOUNT = {"card": 500}  # paise, charged and given back to prove the mandate of a trial; a rupee for the others
SMALLEST_TOKEN = 100
FINAL = {"cancelled", "completed", "expired"}
# The keys of a payment inside subscription events, which are fewer than elsewhere.
RECURRING_KEYS = (
    "id", "entity", "amount", "currency", "status", "order_id", "invoice_id", "international", "method",
    "amount_refunded", "amount_transferred", "refund_status", "captured", "description", "card_id", "card", "bank",
    "wallet", "vpa", "email", "contact", "customer_id", "token_id", "notes", "fee", "tax", "error_code",
    "error_description", "created_at",
)  # fmt: skip


@dataclass(slots=True)
class Mandate:
    """What Razorpay knows of a subscription and does not show: how it is paid and what is planned."""

    body: Json  # the entity
    plan: Json
    addons: tuple[tuple[str, int, int], ...] = ()
    attempt: Attempt = field(default_factory=Attempt)  # how the customer pays
    rhythm: Rhythm | None = None
    cycle: int = -1  # the number of the cycle issued last
    due: datetime | None = None  # when the next charge is tried
    invoice: Json | None = None  # of the present cycle, until it is paid
    ends_with_cycle: bool = False
    change: Json | None = None  # asked for the end of the cycle
    outcomes: list[str] = field(default_factory=list)  # of the next charges
    usual_outcome: str = "success"

    @property
    def status(self) -> str:
        return str(self.body["status"])

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    @property
    def line(self) -> tuple[str, int, int]:
        item = self.plan["item"]
        return item["name"], item["amount"], self.body["quantity"]


def tell(account: Account, body: Json, event: str, now: datetime, payment: Json | None = None) -> None:
    """A `subscription.*` event, with the payment that caused it."""
    payload = {"subscription": in_event(body)}
    if payment is not None:
        payload["payment"] = recurring(account, payment)
    # Razorpay's sample of an immediate activation names the subscription alone, though the payment is there.
    contains = ["subscription"] if event == "activated" else None
    account.post.emit(f"subscription.{event}", payload, now, contains)


def in_event(body: Json) -> Json:
    """The subscription as events carry it: a type and an offer more, no link to pay."""
    shown: Json = {}
    for name, value in body.items():
        if name != "payment_method":
            shown[name] = value
        if name == "status":
            shown["type"] = 2
        if name == "source":
            shown["offer_id"] = None
    return shown | {"short_url": None}


def recurring(account: Account, payment: Json) -> Json:
    """The payment as subscription events carry it; its `captured` is a text there."""
    more = {
        "captured": "1" if payment["captured"] else "0",
        "amount_transferred": 0,
        "card": _recurring_card(account.cards.get(payment["card_id"])),
        "customer_id": payment.get("customer_id"),
        "token_id": payment.get("token_id"),
    }
    whole = payment | more
    return {name: whole[name] for name in RECURRING_KEYS if name != "card" or whole["card"]}


def _recurring_card(card: Json | None) -> Json | None:
    """The card as it stands in subscription events: with its expiry, without its finer points."""
    if card is None:
        return None
    known = {name: value for name, value in card.items() if name not in {"sub_type", "token_iin"}}
    return known | {"expiry_month": 12, "expiry_year": 2030}


def upfront(mandate: Mandate) -> Bill:
    """What the authorising payment charges: the first cycle unless it lies ahead, addons, else a token."""
    later = mandate.body["start_at"] is not None
    lines = mandate.addons if later else (mandate.line, *mandate.addons)
    token = ("Authorisation", TOKEN_AMOUNT.get(mandate.attempt.method, SMALLEST_TOKEN), 1)
    return Bill(lines or (token,))


def apply(mandate: Mandate, change: Json) -> None:
    """Another plan, quantity or number of cycles, from the next charge on."""
    plan, body = change.get("plan"), mandate.body
    if plan is not None:
        mandate.plan, body["plan_id"] = plan, plan["id"]
    body["quantity"] = change.get("quantity", body["quantity"])
    if "remaining_count" in change:
        body["total_count"] += change["remaining_count"] - body["remaining_count"]
        body["remaining_count"] = change["remaining_count"]
    body.update(has_scheduled_changes=False, change_scheduled_at=None)


def signed(account: Account, mandate: Mandate, payment: Json) -> Json:
    """The three fields a checkout hands to the page after authorising a subscription; the ids in the other order."""
    message = f"{payment['id']}|{mandate.body['id']}".encode()
    return {
        "razorpay_payment_id": payment["id"],
        "razorpay_subscription_id": mandate.body["id"],
        "razorpay_signature": sign(message, account.key_secret),
    }


def outcome_of(account: Account, mandate: Mandate, payment: Json) -> Json:
    """What the checkout tells the page."""
    if payment["status"] == "failed":
        return {"error": payments.failure(payment)}
    return signed(account, mandate, payment)
