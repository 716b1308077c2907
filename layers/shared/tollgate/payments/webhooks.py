"""Razorpay's events. One registered function an event; what is not registered is answered 200 and left alone.

The signature covers the body only, so nothing outside the body is believed: a repeated event is recognised by the digest of its
bytes, a repeated payment by its ledger entry. A late event never undoes a later state: money is only ever added here. What is
signed and cannot be read is kept for a person, never refused: Razorpay would send it for a day and then stop sending anything.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from tollgate.payments import renewals, reversals
from tollgate.payments.audit import LARGEST_TOKEN
from tollgate.payments.gateway import patience
from tollgate.payments.mandates import to_charge, to_seen
from tollgate.payments.orders import (
    LARGEST_AMOUNT,
    MalformedPaymentError,
    Payment,
    to_dispute,
    to_payment,
    to_refund,
)
from tollgate.payments.settle import Settlement, settle
from tollgate.store import payments as ledger
from tollgate.store import review
from tollgate.store.payments import Entry, Found
from tollgate.store.review import EVENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A signed event: its name, its payload, the digest of its bytes, when it came, and the second Razorpay says it happened."""

    name: str
    payload: Mapping[str, Any]
    digest: str
    at: datetime
    told_at: int = 0

    @property
    def entry(self) -> Entry:
        return Entry(source=f"webhook:{self.name}", at=self.at, event=f"{EVENT}{self.digest}")

    def entity(self, kind: str) -> object:
        """The entity of that kind in the payload, whatever it is."""
        holder = self.payload.get(kind)
        return holder.get("entity") if isinstance(holder, Mapping) else None


MANDATE_EVENTS = (
    "authenticated", "activated", "charged", "pending", "halted", "cancelled", "completed", "paused", "resumed", "updated",
)  # fmt: skip

SECONDS_FOR_RAZORPAY = 1.5  # of the five in which it wants its answer; what is not done by then the reconciler does
LONGEST_NAME, LONGEST_KEY = 64, 2048  # a key's bytes, as DynamoDB has it
LATEST = 4_765_046_400  # the year 2120, Razorpay's last

type Outcome = str  # what the log says: granted, kept, noted, seen, ignored, malformed

HANDLERS: dict[str, Callable[[Event], Outcome]] = {}


def on(*names: str) -> Callable[[Callable[[Event], Outcome]], Callable[[Event], Outcome]]:
    """Register the function for events of these names."""

    def register(handler: Callable[[Event], Outcome]) -> Callable[[Event], Outcome]:
        HANDLERS.update(dict.fromkeys(names, handler))
        return handler

    return register


def event(raw: bytes, at: datetime) -> Event:
    """The event in a signed body; one without a name where the body cannot be read."""
    body = _parsed(raw)
    name, payload, told_at = (body.get(each) for each in ("event", "payload", "created_at"))
    return Event(
        name=name[:LONGEST_NAME] if isinstance(name, str) else "",
        payload=payload if isinstance(payload, Mapping) else {},
        digest=hashlib.sha256(raw).hexdigest(),
        at=at,
        told_at=told_at if type(told_at) is int and 0 <= told_at <= LATEST else 0,
    )


def _parsed(raw: bytes) -> Mapping[str, Any]:
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def handle(received: Event) -> Outcome:
    """Do what the event asks for, once. Raises ProviderUnavailable where it could not be done: Razorpay then sends it again."""
    if not received.name:
        return _keep_unread(received, "event")
    handler = HANDLERS.get(received.name)
    if handler is None:
        return "ignored"
    try:
        with patience(SECONDS_FOR_RAZORPAY):
            return handler(received)
    except MalformedPaymentError as error:
        return _keep_unread(received, str(error))


# What cannot be read. Kept are the names of what it is about and the facts in question, nothing of who paid.

_ABOUT = ("payment", "order", "refund", "subscription", "invoice", "dispute")
_FACTS = (
    "id", "payment_id", "order_id", "invoice_id", "subscription_id", "amount", "currency", "status", "current_start",
    "current_end",
)  # fmt: skip
_PLAIN = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


def _keep_unread(received: Event, problem: str) -> Outcome:
    review.keep_unread(received.digest, received.name, problem, dict(_told(received)), received.at)
    return "malformed"


def _told(received: Event) -> Iterator[tuple[str, str]]:
    for kind in _ABOUT:
        entity = received.entity(kind)
        if isinstance(entity, Mapping):
            yield from ((f"{kind}.{fact}", _said(entity[fact])) for fact in _FACTS if fact in entity)


def _said(value: object) -> str:
    """A fact as it may be kept: plain words and numbers as they are, of everything else only what kind of thing it is."""
    if isinstance(value, str):
        return value if _PLAIN.fullmatch(value) else f"text of {len(value)} characters"
    if isinstance(value, int | float) or value is None:
        text = str(value) if not isinstance(value, int) or abs(value) <= LARGEST_AMOUNT else "a number too large"
        return text[:LONGEST_NAME]
    return "a list" if isinstance(value, list) else "an object"


@on("payment.captured", "order.paid")
def money_came(received: Event) -> Outcome:
    """Grant the payment. One that belongs to an invoice is a subscription's and not for the order rail."""
    payment, found = _look_up(received)
    if payment.invoice_id or (found.order is None and _is_token(received, payment)):
        return "ignored"
    if found.seen:
        return "seen"
    if not payment.is_captured:
        raise MalformedPaymentError("status")
    settled = settle(payment, received.entry, found)
    if settled.subscription and found.order:
        renewals.outgrow(found.order.user_id, settled.subscription, received.at)
    return _outcome(settled)


def _is_token(received: Event, payment: Payment) -> bool:
    """Whether it only proved a mandate whose first charge lies ahead; Razorpay gives it back by itself."""
    entity = received.entity("payment")
    return isinstance(entity, Mapping) and bool(entity.get("customer_id")) and payment.amount <= LARGEST_TOKEN


@on("payment.authorized", "payment.failed")
def no_money_yet(received: Event) -> Outcome:
    """Note the attempt on its order. Neither is final: a failed payment may still be captured days later."""
    payment, found = _look_up(received)
    if found.order is None or found.ledgered or found.seen or payment.invoice_id:
        return "seen" if found.seen else "ignored"
    ledger.note_attempt(found.order, payment, received.entry)
    return "noted"


@on(*(f"subscription.{name}" for name in MANDATE_EVENTS))
def mandate_moved(received: Event) -> Outcome:
    """Follow a mandate; what it charged is granted, whatever came before or after."""
    seen = to_seen(received.entity("subscription"), received.told_at)
    if received.name == "subscription.charged":
        payment, entity = to_payment(received.entity("payment")), received.entity("subscription")
        if not payment.is_captured or not isinstance(entity, Mapping):
            raise MalformedPaymentError("payment")
        settled = renewals.settle(to_charge(entity, payment, received.told_at), received.entry)
        renewals.follow(seen, replace(received.entry, event=None))  # the event is noted with the money
        return _outcome(settled)
    return "noted" if renewals.follow(seen, received.entry) else "seen"


@on("refund.created", "refund.processed", "refund.failed")
def money_goes_back(received: Event) -> Outcome:
    """Note the refund; the last part of a payment ends the period it paid for."""
    refund = to_refund(received.entity("refund"), received.name.rpartition(".")[2])
    reversals.refunded(to_payment(received.entity("payment")), refund, received.entry)
    return "noted"


@on("payment.dispute.created", "payment.dispute.won", "payment.dispute.lost", "payment.dispute.closed")
def money_is_disputed(received: Event) -> Outcome:
    """Note the dispute: it flags the payment, ends its period when lost, and restores it when won after all."""
    dispute = to_dispute(received.entity("dispute"), received.name.rpartition(".")[2])
    payment = to_payment(received.entity("payment"))
    return "noted" if reversals.disputed(payment, dispute, received.entry) else "ignored"


def _look_up(received: Event) -> tuple[Payment, Found]:
    payment = to_payment(received.entity("payment"))
    return payment, ledger.find(payment.order_id, payment.id, received.entry.event, _payer(received))


def _payer(received: Event) -> str | None:
    """Whose order it is, as we wrote on it: only to read less often, never to decide anything."""
    order = received.entity("order")
    notes = order.get("notes") if isinstance(order, Mapping) else None
    name = notes.get("userId") if isinstance(notes, Mapping) else None
    return name if isinstance(name, str) and name and len(name.encode("utf-8", "replace")) <= LONGEST_KEY else None


def _outcome(settlement: Settlement) -> Outcome:
    return "granted" if settlement.subscription else "kept"
