"""Orders and payments as values, and as they are written down. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from tollgate import calendar, plans
from tollgate.purchases import Credit, Quote


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a user was asked to pay, and for what. Amounts in paise; `payment_id` once it is paid."""

    id: str
    user_id: str
    tier: str
    plan: str
    price: int
    amount: int
    credit: Credit
    receipt: str
    created_at: datetime
    email: str | None = None
    currency: str = plans.CURRENCY
    payment_id: str | None = None
    mode: str = "test"  # of the key that made it: test or live


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """An order as Razorpay made it: its id there, our reference for it, and whether it is test or live."""

    order_id: str
    receipt: str
    mode: str


LATE = timedelta(days=4)  # Razorpay completes late payments within three days
MOST_OPEN = 20  # orders of a user that may wait for their money at a time; it takes a script to want more
FIRST_LOOK = timedelta(minutes=10)  # by then a browser or a webhook has told us of most


def next_look(created_at: datetime, now: datetime) -> datetime | None:
    """When an unpaid order is looked up at Razorpay next: ever less often, as its age doubles; None once it is too old."""
    age = now - created_at
    return now + max(age, FIRST_LOOK) if age < LATE else None


def from_quote(made: Made, user_id: str, email: str | None, quote: Quote, now: datetime) -> Order:
    """The order for a quote."""
    return Order(
        id=made.order_id,
        mode=made.mode,
        user_id=user_id,
        email=email,
        tier=quote.tier,
        plan=quote.plan,
        price=quote.price,
        amount=quote.payable,
        credit=quote.credit,
        receipt=made.receipt,
        created_at=calendar.whole_second(now),
    )


class Reason(StrEnum):
    """Why a payment was kept for review instead of being granted."""

    UNKNOWN_ORDER = "unknown_order"
    AMOUNT_DIFFERS = "amount_differs"
    CURRENCY_DIFFERS = "currency_differs"
    PLAN_UNKNOWN = "plan_unknown"
    DUPLICATE_PAYMENT = "duplicate_payment"
    OTHER_MODE = "other_mode"  # a live order met with a test key, or the other way round
    CREDIT_GONE = "credit_gone"
    NOTHING_TO_ADD = "nothing_to_add"
    RENEWAL_CANCELLED = "renewal_cancelled"  # charged by a mandate after its user cancelled
    MALFORMED_EVENT = "malformed_event"  # a signed event that could not be read; what is readable of it is kept with it
    REFUNDED = "refunded"  # given back before anything was granted
    DISPUTED = "disputed"  # granted, and its payer asks the bank for the money; Razorpay wants an answer in time
    ACCOUNT_DELETED = "account_deleted"  # paid after the account was deleted
    CREDIT_SPENT = "credit_spent"  # given back when its unused part had paid for another plan already


class Resolution(StrEnum):
    """What an administrator can do with a payment kept for review, or with an event that could not be read."""

    GRANT = "grant"
    REFUND = "refund"
    LOOK_UP = "look_up"  # see at Razorpay what the event was about, and settle that
    DISMISS = "dismiss"  # nothing is left to be done; never for money that is ours


# Money that asks for nothing we can give goes back; where only the quote's credit is gone, the buyer still wants the plan.
PROPOSED: Mapping[Reason, Resolution] = MappingProxyType(
    dict.fromkeys(Reason, Resolution.REFUND)
    | {
        Reason.CREDIT_GONE: Resolution.GRANT,
        Reason.MALFORMED_EVENT: Resolution.LOOK_UP,
        Reason.REFUNDED: Resolution.DISMISS,
        Reason.CREDIT_SPENT: Resolution.DISMISS,
        Reason.DISPUTED: Resolution.DISMISS,
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """A payment as Razorpay tells it, with what we rely on checked for type. Amount in paise."""

    id: str
    order_id: str | None
    amount: int
    currency: str
    status: str
    invoice_id: str | None = None
    method: str | None = None
    error: str | None = None

    @property
    def is_captured(self) -> bool:
        """Whether the money is ours. A full refund takes that away again."""
        return self.status == "captured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """A refund as Razorpay tells it. Amount in paise."""

    id: str
    payment_id: str
    amount: int
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """A dispute as Razorpay tells it: open, under_review, won, lost or closed."""

    id: str
    payment_id: str
    status: str


LARGEST_AMOUNT = 10**12  # paise: far beyond any card or account, and well within what a table holds
_ID = re.compile(r"[A-Za-z0-9]{1,40}")
_WORD = re.compile(r"[A-Za-z0-9_]{1,64}")


class MalformedPaymentError(ValueError):
    """What claims to be a payment lacks what a payment has. Its text names the field."""


def to_payment(entity: object) -> Payment:
    """The payment in an entity of Razorpay's, whose unknown fields are ignored. Raises MalformedPaymentError."""
    if not isinstance(entity, Mapping):
        raise MalformedPaymentError("not an object")
    return Payment(
        id=named(entity, "id", "pay_"),
        order_id=_other(entity, "order_id", "order_"),
        amount=_amount(entity),
        currency=_word(entity, "currency"),
        status=_word(entity, "status"),
        invoice_id=_other(entity, "invoice_id", "inv_"),
        method=_remark(entity, "method"),
        error=_remark(entity, "error_reason"),
    )


def to_refund(entity: object, status: str) -> Refund:
    """The refund in an entity of Razorpay's, in the status that its event tells. Raises MalformedPaymentError."""
    if not isinstance(entity, Mapping):
        raise MalformedPaymentError("not an object")
    return Refund(
        id=named(entity, "id", "rfnd_"),
        payment_id=named(entity, "payment_id", "pay_"),
        amount=_amount(entity),
        status=status,
    )


def to_dispute(entity: object, status: str) -> Dispute:
    """The dispute in an entity of Razorpay's, in the status that its event tells. Raises MalformedPaymentError."""
    if not isinstance(entity, Mapping):
        raise MalformedPaymentError("not an object")
    return Dispute(id=named(entity, "id", "disp_"), payment_id=named(entity, "payment_id", "pay_"), status=status)


def _amount(entity: Mapping[str, Any]) -> int:
    amount = entity.get("amount")
    if not isinstance(amount, int) or isinstance(amount, bool) or not 0 <= amount <= LARGEST_AMOUNT:
        raise MalformedPaymentError("amount")
    return amount


def named(entity: Mapping[str, Any], name: str, prefix: str) -> str:
    """The id of an entity of Razorpay's under this name. Raises MalformedPaymentError."""
    value = entity.get(name)
    if not isinstance(value, str) or not value.startswith(prefix) or not _ID.fullmatch(value, len(prefix)):
        raise MalformedPaymentError(name)
    return value


def _other(entity: Mapping[str, Any], name: str, prefix: str) -> str | None:
    return named(entity, name, prefix) if entity.get(name) else None  # null or empty where there is none


def _word(entity: Mapping[str, Any], name: str) -> str:
    value = entity.get(name)
    if not isinstance(value, str) or not _WORD.fullmatch(value):
        raise MalformedPaymentError(name)
    return value


def _remark(entity: Mapping[str, Any], name: str) -> str | None:
    # Nothing depends on it, so whatever else stands there is left out.
    value = entity.get(name)
    return value if isinstance(value, str) and _WORD.fullmatch(value) else None


def from_order(order: Order) -> dict[str, Any]:
    """An order as a record."""
    return {
        "id": order.id,
        "kind": "order",
        "userId": order.user_id,
        "email": order.email,
        "tier": order.tier,
        "plan": order.plan,
        "price": order.price,
        "amount": order.amount,
        "currency": order.currency,
        "receipt": order.receipt,
        "credited": dict(order.credit.by_subscription),
        "fromBalance": order.credit.from_balance,
        "creditLeft": order.credit.left,
        "mode": order.mode,
        "createdAt": calendar.iso(order.created_at),
        **({"paymentId": order.payment_id} if order.payment_id else {}),
    }


def to_order(record: Mapping[str, Any]) -> Order:
    """The order of a record."""
    return Order(
        id=record["id"],
        user_id=record["userId"],
        email=record["email"],
        tier=record["tier"],
        plan=record["plan"],
        price=record["price"],
        amount=record["amount"],
        currency=record["currency"],
        receipt=record["receipt"],
        credit=Credit(
            by_subscription=MappingProxyType(record["credited"]),
            from_balance=record["fromBalance"],
            left=record["creditLeft"],
        ),
        created_at=calendar.parse(record["createdAt"]),
        payment_id=record.get("paymentId"),
        mode=record.get("mode", "test"),
    )
