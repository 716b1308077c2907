"""Refunds: asked for with or without an idempotency key, processed at once or when the bank is ready."""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from local.simulators.razorpay import checks, entities
from local.simulators.razorpay.account import Account
from local.simulators.razorpay.route import Call, Route
from local.simulators.razorpay.settlements import settle_later
from local.simulators.razorpay.wire import Json, Notes, Refusal, compact, moment

SHORTEST_KEY = 10
TOO_OLD = timedelta(days=183)
FIELDS = {"amount", "speed", "notes", "receipt"}


@dataclass(frozen=True, slots=True)
class Wish:
    """What a refund is to be; no amount means all that is left."""

    amount: int | None = None
    speed: str = "normal"
    notes: Notes = field(default_factory=list)
    receipt: str | None = None


def refund(account: Account, payment: Json, wish: Wish, now: datetime) -> Json:
    """Give money back, with the events; pending while the switch says that refunds wait."""
    amount = wish.amount or payment["amount"] - payment["amount_refunded"]
    waits = account.switches.refunds_wait
    made = entities.refund(
        payment_id=payment["id"],
        amount=amount,
        notes=wish.notes,
        receipt=wish.receipt,
        status="pending" if waits else "processed",
        speed=wish.speed,
        now=now,
    )
    account.refunds[made["id"]] = made
    _book(payment, amount)
    account.post.emit("refund.created", {"refund": made, "payment": payment}, now)
    if not waits:
        settle(account, made, "processed", now)
    return made


def settle(account: Account, made: Json, outcome: str, now: datetime) -> None:
    """The bank's word on a refund: processed, or failed and the money is with the merchant again."""
    payment = account.payments[made["payment_id"]]
    made["status"] = outcome
    if outcome == "failed":
        _book(payment, -made["amount"])
    elif payment["captured"]:  # what was never captured was never ours to be settled
        settle_later(account, made, now)
    account.post.emit(f"refund.{outcome}", {"refund": made, "payment": payment}, now)


def _book(payment: Json, amount: int) -> None:
    """Count the refund on the payment; only a full one changes its status."""
    refunded = payment["amount_refunded"] + amount
    full = refunded == payment["amount"]
    payment["amount_refunded"] = refunded
    payment["refund_status"] = "full" if full else "partial" if refunded else None
    if full:
        payment["status"] = "refunded"
    elif payment["status"] == "refunded":
        payment["status"] = "captured"


def create(account: Account, call: Call) -> Json:
    payment_id = call.path.get("payment_id") or checks.required(call.body, "payment_id")
    payment = account.payment(payment_id)
    body = {name: value for name, value in call.body.items() if name != "payment_id"}
    key = call.headers.get("x-refund-idempotency")
    if key is None:
        return _create(account, payment, body, call.now)
    _must_be_a_key(key)
    return _once(account, payment, (key, body), call.now)


def _once(account: Account, payment: Json, keyed: tuple[str, Json], now: datetime) -> Json:
    """The refund made under this key before, or a new one."""
    key, body = keyed
    asked = compact(dict(sorted(body.items()))).decode()
    earlier = account.refund_keys.get((payment["id"], key))
    if earlier is None:
        made = _create(account, payment, body, now)
        account.refund_keys[payment["id"], key] = (asked, made)
        return made
    if earlier[0] != asked:
        raise Refusal("Different request with the same idempotency key has already been processed.", status=409)
    return earlier[1]


def _must_be_a_key(key: str) -> None:
    if len(key) < SHORTEST_KEY:
        raise Refusal(f"The idempotency key must be at least {SHORTEST_KEY} characters long.")
    if not re.fullmatch(r"[A-Za-z0-9_-]+", key):
        raise Refusal("The idempotency key must only contain alphanumeric characters, underscores, and hyphens")


def _create(account: Account, payment: Json, body: Json, now: datetime) -> Json:
    checks.only(body, FIELDS)
    amount = checks.paise(body) if body.get("amount") is not None else None
    _must_be_refundable(payment, amount, now)
    speed = body.get("speed", "normal")
    if speed not in ("normal", "optimum"):
        raise Refusal("The selected speed is invalid.", field="speed")
    wish = Wish(amount, speed, checks.notes(body), checks.receipt(body))
    return refund(account, payment, wish, now)


def by_hand(account: Account, payment: Json, body: Json, now: datetime) -> Json:
    """A refund from the Dashboard, under the same rules."""
    return _create(account, payment, body, now)


def _must_be_refundable(payment: Json, amount: int | None, now: datetime) -> None:
    if payment["refund_status"] == "full":
        raise Refusal("The payment has been fully refunded already")
    if not payment["captured"]:
        raise Refusal("The payment status should be captured for action to be taken")
    if amount is not None and amount > payment["amount"] - payment["amount_refunded"]:
        raise Refusal("The refund amount provided is greater than amount captured", field="amount")
    if now - moment(payment["created_at"]) > TOO_OLD:
        raise Refusal("Refund is not supported by the bank because the payment is more than 6 months old")


def fetch(account: Account, call: Call) -> Json:
    return account.find(account.refunds, call.path["refund_id"], "rfnd")


def listing(account: Account, call: Call) -> Json:
    return account.collection(account.refunds, call.query, call.now)


def of_payment(account: Account, call: Call) -> Json:
    payment = account.payment(call.path["payment_id"])

    def belongs(made: Json) -> bool:
        return bool(made["payment_id"] == payment["id"])

    return account.collection(account.refunds, call.query, call.now, belongs)


def one_of_payment(account: Account, call: Call) -> Json:
    """The refund, if it is one of this payment."""
    payment, made = account.payment(call.path["payment_id"]), fetch(account, call)
    if made["payment_id"] != payment["id"]:
        raise Refusal("The id provided does not exist")
    return made


def edit(account: Account, call: Call) -> Json:
    made = fetch(account, call)
    checks.only(call.body, {"notes"})
    made["notes"] = checks.new_notes(call.body)
    return made


ROUTES = [
    Route("POST", "/payments/{payment_id}/refund", create),
    Route("GET", "/payments/{payment_id}/refunds", of_payment),
    Route("GET", "/payments/{payment_id}/refunds/{refund_id}", one_of_payment),
    Route("POST", "/refunds", create),
    Route("GET", "/refunds", listing),
    Route("GET", "/refunds/{refund_id}", fetch),
    Route("PATCH", "/refunds/{refund_id}", edit),
]
