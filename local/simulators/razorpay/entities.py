"""The entities as Razorpay writes them: the same keys in the same order, empty values where it has them."""

from datetime import datetime

from local.simulators.razorpay.wire import Json, Notes, digits, new_id, seconds

FEE_PERCENT = 2
GST_PERCENT = 18

DECLINED: Json = {
    "code": "BAD_REQUEST_ERROR",
    "description": "Your payment didn't go through as it was declined by the bank. "
    "Try another payment method or contact your bank.",
    "source": "bank",
    "step": "payment_authorization",
    "reason": "payment_failed",
}
TIMED_OUT: Json = {
    "code": "BAD_REQUEST_ERROR",
    "description": "Your payment was not completed on time. Try again or use another payment method.",
    "source": "customer",
    "step": "payment_authentication",
    "reason": "payment_timed_out",
}
CHARGE_FAILED: Json = {
    "code": "BAD_REQUEST_ERROR",
    "description": "Subscription charge underwent an expected failure.",
    "source": "internal",
    "step": "payment_initiation",
    "reason": "server_error",
}


def order(
    *,
    amount: int,
    currency: str,
    receipt: str | None,
    notes: Notes,
    now: datetime,
) -> Json:
    return {
        "id": new_id("order"),
        "entity": "order",
        "amount": amount,
        "amount_paid": 0,
        "amount_due": amount,
        "currency": currency,
        "receipt": receipt,
        "offer_id": None,
        "status": "created",
        "attempts": 0,
        "notes": notes,
        "created_at": seconds(now),
        "description": None,
        "checkout": None,
    }


def payment(  # noqa: PLR0913 -- it has that many fields
    *,
    amount: int,
    currency: str,
    order_id: str | None,
    method: str,
    vpa: str,
    email: str,
    contact: str,
    notes: Notes,
    description: str | None,
    now: datetime,
) -> Json:
    """A payment that has been begun: nothing authorised yet, no fee known."""
    by_card = method == "card"
    made: Json = {
        "id": new_id("pay"),
        "entity": "payment",
        "amount": amount,
        "currency": currency,
        "status": "created",
        "order_id": order_id,
        "invoice_id": None,
        "international": False,
        "method": method,
        "amount_refunded": 0,
        "refund_status": None,
        "captured": False,
        "description": description or f"#{new_id()}",
        "card_id": new_id("card") if by_card else None,
        "bank": "BARB_R" if method == "netbanking" else None,
        "wallet": "paytm" if method == "wallet" else None,
        "vpa": vpa if method == "upi" else None,
        "email": email,
        "contact": contact,
        "notes": notes,
        "fee": None,
        "tax": None,
        "error_code": None,
        "error_description": None,
        "error_source": None,
        "error_step": None,
        "error_reason": None,
        "acquirer_data": dict.fromkeys(references(method)),
    }
    if method == "upi":  # the only method seen with these
        return made | {
            "emi_plan": None,
            "created_at": seconds(now),
            "reward": None,
            "upi": {"vpa": vpa, "flow": "intent"},
        }
    return made | {"created_at": seconds(now)}


def references(method: str) -> tuple[str, ...]:
    """What the acquirer names a payment of this method by."""
    return {
        "upi": ("rrn", "upi_transaction_id"),
        "card": ("auth_code",),
        "netbanking": ("bank_transaction_id",),
    }.get(method, ("transaction_id",))


def acquired(method: str) -> Json:
    return {name: digits(6 if name == "auth_code" else 12) for name in references(method)}


def card(card_id: str, *, international: bool) -> Json:
    return {
        "id": card_id,
        "entity": "card",
        "name": "Gaurav Kumar",
        "last4": "1007",
        "network": "Visa",
        "type": "credit",
        "issuer": None if international else "HDFC",
        "international": international,
        "emi": False,
        "sub_type": "consumer",
        "token_iin": None,
    }


def fee(amount: int) -> tuple[int, int]:
    """Razorpay's fee in paise, GST on it included, and that GST: 2 % and 18 % of it, each rounded half up."""
    base = (amount * FEE_PERCENT + 50) // 100
    tax = (base * GST_PERCENT + 50) // 100
    return base + tax, tax


def refund(
    *,
    payment_id: str,
    amount: int,
    notes: Notes,
    receipt: str | None,
    status: str,
    speed: str,
    now: datetime,
) -> Json:
    return {
        "id": new_id("rfnd"),
        "entity": "refund",
        "amount": amount,
        "currency": "INR",
        "payment_id": payment_id,
        "notes": notes,
        "receipt": receipt,
        "acquirer_data": {"arn": None},
        "created_at": seconds(now),
        "batch_id": None,
        "status": status,
        "speed_processed": "normal",
        "speed_requested": speed,
    }


def dispute(*, payment_id: str, amount: int, reason_code: str, phase: str, respond_by: datetime, now: datetime) -> Json:
    return {
        "id": new_id("disp"),
        "entity": "dispute",
        "payment_id": payment_id,
        "amount": amount,
        "currency": "INR",
        "amount_deducted": 0,
        "reason_code": reason_code,
        "respond_by": seconds(respond_by),
        "status": "open",
        "evidence": {"amount": amount, "summary": None, "submitted_at": None},
        "phase": phase,
        "created_at": seconds(now),
    }


def customer(
    *,
    name: str | None,
    email: str | None,
    contact: str | None,
    notes: Notes,
    now: datetime,
) -> Json:
    return {
        "id": new_id("cust"),
        "entity": "customer",
        "name": name,
        "email": email,
        "contact": contact,
        "gstin": None,
        "notes": notes,
        "created_at": seconds(now),
    }
