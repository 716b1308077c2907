"""Razorpay's events. One registered function an event; what is not registered is answered 200 and left alone.

The signature covers the body only, so nothing outside the body is believed: a repeated event is recognised by the digest of its
bytes, a repeated payment by its ledger entry. A late event never undoes a later state: money is only ever added here.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from tollgate.payments import renewals, reversals
from tollgate.payments.mandates import to_charge, to_seen
from tollgate.payments.orders import MalformedPaymentError, Payment, to_dispute, to_payment, to_refund
from tollgate.payments.settle import Settlement, settle
from tollgate.store import mandates as kept
from tollgate.store import payments as ledger
from tollgate.store.payments import Entry, Found


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
        return Entry(source=f"webhook:{self.name}", at=self.at, event=f"event#{self.digest}")

    def entity(self, kind: str) -> object:
        """The entity of that kind in the payload, whatever it is."""
        holder = self.payload.get(kind)
        return holder.get("entity") if isinstance(holder, Mapping) else None


MANDATE_EVENTS = (
    "authenticated", "activated", "charged", "pending", "halted", "cancelled", "completed", "paused", "resumed", "updated",
)  # fmt: skip
LARGEST_TOKEN = 500  # paise

type Outcome = str  # what the log says: granted, kept, noted, seen, ignored, malformed

_HANDLERS: dict[str, Callable[[Event], Outcome]] = {}


def on(*names: str) -> Callable[[Callable[[Event], Outcome]], Callable[[Event], Outcome]]:
    """Register the function for events of these names."""

    def register(handler: Callable[[Event], Outcome]) -> Callable[[Event], Outcome]:
        _HANDLERS.update(dict.fromkeys(names, handler))
        return handler

    return register


def event(body: Mapping[str, Any], raw: bytes, at: datetime) -> Event:
    """The event in a signed body."""
    payload, told_at = body.get("payload"), body.get("created_at")
    return Event(
        name=str(body.get("event", "")),
        payload=payload if isinstance(payload, Mapping) else {},
        digest=hashlib.sha256(raw).hexdigest(),
        at=at,
        told_at=told_at if isinstance(told_at, int) and not isinstance(told_at, bool) else 0,
    )


def handle(received: Event) -> Outcome:
    """Do what the event asks for, once. Raises ProviderUnavailable where it could not be done: Razorpay then sends it again."""
    handler = _HANDLERS.get(received.name)
    if handler is None:
        return "ignored"
    try:
        return handler(received)
    except MalformedPaymentError:
        if handler is mandate_moved:  # nothing else tells of it so soon, so a person looks at it
            kept.keep_unread(received.entry.event or "", json.dumps(received.payload), received.at)
        return "malformed"


@on("payment.captured", "order.paid")
def money_came(received: Event) -> Outcome:
    """Grant the payment. One that belongs to an invoice is a subscription's and not for the order rail."""
    payment, found = _look_up(received)
    if payment.invoice_id or (found.order is None and _is_token(received, payment)):
        return "ignored"
    if found.seen:
        return "seen"
    if not payment.is_captured:
        return "malformed"
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
    return "noted" if reversals.disputed(dispute, received.entry) else "ignored"


def _look_up(received: Event) -> tuple[Payment, Found]:
    payment = to_payment(received.entity("payment"))
    return payment, ledger.find(payment.order_id, payment.id, received.entry.event)


def _outcome(settlement: Settlement) -> Outcome:
    return "granted" if settlement.subscription else "kept"
