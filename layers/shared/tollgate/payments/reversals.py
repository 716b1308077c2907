"""Money that goes back: refunds end exactly the period they paid for, disputes end it when they are lost."""

from dataclasses import replace
from datetime import datetime

from tollgate import calendar, purchases
from tollgate.errors import ProviderUnavailable
from tollgate.payments.orders import Dispute, Payment, Refund
from tollgate.payments.settle import settle
from tollgate.store import reversals, subscriptions, users
from tollgate.store.dynamodb import ConditionFailedError
from tollgate.store.payments import Entry
from tollgate.store.reversals import Reversible
from tollgate.subscriptions import Status
from tollgate.users import User

TRIES = 5
FINAL = frozenset({"processed", "failed"})
LOST, WON = "lost", "won"


def refunded(payment: Payment, refund: Refund, entry: Entry) -> None:
    """Note a refund. Once all of a payment went back for good, the period it paid for ends; a part of it ends nothing.

    `payment` is what the event says of it, for when we never heard of it before. Raises ProviderUnavailable.
    """
    for _ in range(TRIES):
        try:
            found = reversals.get(refund.payment_id) or _first_heard(payment, refund, entry)
            if found and _is_news(found, refund):
                reversals.note_refund(found, refund, _after_refund(found, refund, entry.at), entry)
        except ConditionFailedError:
            continue
        return
    raise ProviderUnavailable("Too much is happening to this payment at once.")


def _first_heard(payment: Payment, refund: Refund, entry: Entry) -> Reversible | None:
    if payment.is_captured:  # a part went back; the rest is still to be granted
        settle(payment, replace(entry, event=None))
        return reversals.get(payment.id)
    reversals.put_refunded(payment, refund, entry)
    return None


def _is_news(found: Reversible, refund: Refund) -> bool:
    known = found.refunds.get(refund.id)
    return known is None or (known.status not in FINAL and known.status != refund.status)


def _after_refund(found: Reversible, refund: Refund, at: datetime) -> tuple[User, User] | None:
    now_back = found.refunded + (refund.amount if refund.status == "processed" else 0)
    return _without_period(found, at) if now_back >= found.amount else None


def _without_period(found: Reversible, at: datetime) -> tuple[User, User] | None:
    user = users.get(found.user_id) if found.user_id and found.granted else None
    if user is None or found.granted is None:
        return None
    after = purchases.revoke(user, found.granted.subscription_id, calendar.whole_second(at))
    return None if after is user else (user, after)


def disputed(dispute: Dispute, entry: Entry) -> bool:
    """Note a dispute; whether it is about a payment of ours. Open it changes nothing, lost it ends the period, won after that
    it restores it. Raises ProviderUnavailable."""
    for _ in range(TRIES):
        found = reversals.get(dispute.payment_id)
        if found is None:
            return False
        known = found.disputes.get(dispute.id)
        if known in {dispute.status, WON} or (known == LOST and dispute.status != WON):
            return True
        try:
            reversals.note_dispute(found, dispute, _after_dispute(found, dispute, known, entry.at), entry)
        except ConditionFailedError:
            continue
        return True
    raise ProviderUnavailable("Too much is happening to this payment at once.")


def _after_dispute(found: Reversible, dispute: Dispute, known: str | None, at: datetime) -> tuple[User, User] | None:
    if dispute.status == LOST:
        return _without_period(found, at)
    if dispute.status == WON and known == LOST:
        return _with_period(found, at)
    return None


def _with_period(found: Reversible, at: datetime) -> tuple[User, User] | None:
    user = users.get(found.user_id) if found.user_id and found.granted else None
    if user is None or found.granted is None or found.refunded >= found.amount:
        return None
    # The period's own row says how it ended and what its dates had become; the ledger has it as it was granted.
    row = subscriptions.get(user.id, found.granted.subscription_id)
    if row is None or row.status is not Status.REFUNDED:
        return None
    after = purchases.restore(user, found.granted, calendar.whole_second(at))
    return None if after is user else (user, after)
