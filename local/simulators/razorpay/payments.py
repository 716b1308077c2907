"""Payments: begun at the checkout, authorised by a bank, captured, and sometimes failed first or for good."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, get_args

from local.simulators.razorpay import checks, entities, refunds
from local.simulators.razorpay.account import Account
from local.simulators.razorpay.route import Call, Route
from local.simulators.razorpay.settlements import settle_later
from local.simulators.razorpay.wire import Json, Refusal, sign

type Outcome = Literal["success", "fail", "authorize", "late"]
type Method = Literal["upi", "card", "netbanking", "wallet"]
OUTCOMES: tuple[str, ...] = get_args(Outcome.__value__)
METHODS: tuple[str, ...] = get_args(Method.__value__)

UNCAPTURED_FOR = timedelta(days=3)
ALREADY_PAID = (
    "Your payment has been declined as the order is already paid. Please initiate the payment with a new order."
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """What somebody does at the checkout. `amount` and `currency` differ from the order's only to test the receiver."""

    method: str = "upi"
    outcome: str = "success"
    amount: int | None = None
    currency: str | None = None
    email: str = "void@razorpay.com"
    contact: str = "+919999999999"
    vpa: str = "success@razorpay"
    notes: Json = field(default_factory=dict)
    description: str | None = None
    international: bool = False
    force: bool = False  # pay even an order that is paid
    late_after: float = 30  # seconds of the simulator's clock until the late answer

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise Refusal(f"method must be one of {', '.join(METHODS)}", field="method")
        if self.outcome not in OUTCOMES:
            raise Refusal(f"outcome must be one of {', '.join(OUTCOMES)}", field="outcome")


def pay(account: Account, order: Json, attempt: Attempt, now: datetime) -> Json:
    """Attempt to pay the order, with all the events that follow; returns the payment."""
    if not attempt.force:
        _must_be_payable(account, order)
    payment = begin(account, order, attempt, now)
    if attempt.outcome == "success":
        succeed(account, payment, now)
    elif attempt.outcome == "authorize":
        authorise(account, payment, now)
    else:
        fail(account, payment, entities.TIMED_OUT if attempt.outcome == "late" else entities.DECLINED, now)
    if attempt.outcome == "late":
        due = now + timedelta(seconds=attempt.late_after)
        account.agenda.at(due, lambda then: _answer_late(account, payment, then))
    return payment


def _must_be_payable(account: Account, order: Json) -> None:
    if order["status"] == "paid":
        raise Refusal(ALREADY_PAID)
    if any(payment["status"] == "authorized" for payment in account.payments_of(order["id"])):
        raise Refusal("Payment processing failed because another payment of this order is already authorised.")


def begin(account: Account, order: Json, attempt: Attempt, now: datetime) -> Json:
    """A new attempt on the order, not answered by the bank yet."""
    payment = entities.payment(
        amount=attempt.amount or order["amount"],
        currency=attempt.currency or order["currency"],
        order_id=order["id"],
        method=attempt.method,
        vpa=attempt.vpa,
        email=attempt.email,
        contact=attempt.contact,
        notes=attempt.notes or order["notes"],
        description=attempt.description,
        now=now,
    )
    payment["international"] = attempt.international
    if payment["card_id"]:
        account.cards[payment["card_id"]] = entities.card(payment["card_id"], international=attempt.international)
    account.payments[payment["id"]] = payment
    order["attempts"] += 1
    if order["status"] == "created":
        order["status"] = "attempted"
    return payment


def succeed(account: Account, payment: Json, now: datetime) -> None:
    """The bank's yes; captured at once unless this order is captured by hand."""
    authorise(account, payment, now)
    if payment["order_id"] not in account.manual:
        capture(account, payment, now)


def authorise(account: Account, payment: Json, now: datetime) -> None:
    payment.update(status="authorized", acquirer_data=entities.acquired(payment["method"]), **_error(None))
    account.post.emit("payment.authorized", {"payment": payment}, now)
    account.agenda.at(now + UNCAPTURED_FOR, lambda then: _give_back(account, payment, then))


def capture(account: Account, payment: Json, now: datetime) -> None:
    """Take the authorised money; the order is paid from here on."""
    fee, tax = entities.fee(payment["amount"])
    payment.update(status="captured", captured=True, fee=fee, tax=tax, **_error(None))
    order = account.orders[payment["order_id"]]
    # A wrong amount is written to the order as it is; that is what the receiver has to notice.
    order.update(status="paid", amount_paid=payment["amount"], amount_due=order["amount"] - payment["amount"])
    account.post.emit("payment.captured", {"payment": payment | {"base_amount": payment["amount"]}}, now)
    account.post.emit("order.paid", {"payment": payment, "order": order}, now)
    settle_later(account, payment, now)


def fail(account: Account, payment: Json, reason: Json, now: datetime) -> None:
    payment.update(status="failed", **_error(reason))
    account.post.emit("payment.failed", {"payment": payment}, now)


def _error(reason: Json | None) -> Json:
    names = ("code", "description", "source", "step", "reason")
    return {f"error_{name}": reason[name] if reason else None for name in names}


def _answer_late(account: Account, payment: Json, now: datetime) -> None:
    if payment["status"] == "failed":
        answer(account, payment, "captured", now)


def answer(account: Account, payment: Json, outcome: str, now: datetime) -> None:
    """The bank's late word on a payment: captured, authorized or failed; money for a paid order goes back."""
    if outcome == "failed":
        fail(account, payment, entities.DECLINED, now)
    elif account.orders[payment["order_id"]]["status"] == "paid":
        authorise(account, payment, now)
        _give_back(account, payment, now)
    else:
        _arrive(account, payment, captured=outcome == "captured", now=now)


def _arrive(account: Account, payment: Json, *, captured: bool, now: datetime) -> None:
    """A late yes: captured without a word of `payment.authorized`, as UPI apps do it."""
    if captured:
        payment["acquirer_data"] = entities.acquired(payment["method"])
        capture(account, payment, now)
    else:
        authorise(account, payment, now)


def _give_back(account: Account, payment: Json, now: datetime) -> None:
    """Money authorised and never captured returns to the customer."""
    if payment["status"] == "authorized":
        refunds.refund(account, payment, refunds.Wish(amount=payment["amount"]), now)


def signed(account: Account, payment: Json) -> Json:
    """The three fields a checkout hands to the page after a payment of an order."""
    message = f"{payment['order_id']}|{payment['id']}".encode()
    return {
        "razorpay_payment_id": payment["id"],
        "razorpay_order_id": payment["order_id"],
        "razorpay_signature": sign(message, account.key_secret),
    }


def failure(payment: Json) -> Json:
    """The `error` object a checkout hands to `payment.failed`."""
    names = ("code", "description", "source", "step", "reason")
    error = {name: payment[f"error_{name}"] for name in names}
    return error | {"metadata": {"order_id": payment["order_id"], "payment_id": payment["id"]}}


def outcome(account: Account, payment: Json) -> Json:
    """What the checkout tells the page: the three signed fields, or the error."""
    if payment["status"] == "failed":
        return {"error": failure(payment)}
    return signed(account, payment)


def fetch(account: Account, call: Call) -> Json:
    return shown(account, account.payment(call.path["payment_id"]), call.expand)


def shown(account: Account, payment: Json, expand: tuple[str, ...]) -> Json:
    """The payment as the API shows it: with its rupee value, and its card where asked for."""
    answer = payment | {"base_amount": payment["amount"]}
    if "card" in expand and payment["card_id"]:
        answer["card"] = account.cards[payment["card_id"]]
    return answer


def listing(account: Account, call: Call) -> Json:
    page = account.collection(account.payments, call.query, call.now)
    return page | {"items": [shown(account, payment, call.expand) for payment in page["items"]]}


def capture_by_hand(account: Account, call: Call) -> Json:
    payment = account.payment(call.path["payment_id"])
    checks.only(call.body, {"amount", "currency"})
    amount = checks.paise(call.body)
    if payment["captured"]:
        raise Refusal("This payment has already been captured")
    if payment["status"] != "authorized":
        raise Refusal("Only payments which have been authorized and not yet captured can be captured")
    if account.orders[payment["order_id"]]["status"] == "paid":
        raise Refusal(ALREADY_PAID)
    if amount != payment["amount"] or call.body.get("currency", "INR") != payment["currency"]:
        raise Refusal("Capture amount must be equal to the amount authorized", field="amount")
    capture(account, payment, call.now)
    return shown(account, payment, ())


def edit(account: Account, call: Call) -> Json:
    payment = account.payment(call.path["payment_id"])
    checks.only(call.body, {"notes"})
    payment["notes"] = checks.new_notes(call.body)
    return shown(account, payment, ())


ROUTES = [
    Route("GET", "/payments", listing),
    Route("GET", "/payments/{payment_id}", fetch),
    Route("PATCH", "/payments/{payment_id}", edit),
    Route("POST", "/payments/{payment_id}/capture", capture_by_hand),
]
