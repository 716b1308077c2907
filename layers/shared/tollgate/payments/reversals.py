"""Money that goes back: refunds end exactly the period they paid for, disputes end it when they are lost.

What they end renews no more: nobody is charged for the month after one that was given back. Where another plan had taken the
period's place, the credit it gave is withdrawn, so that no paisa is both given back and spent.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from tollgate import calendar, money, purchases
from tollgate import subscriptions as periods
from tollgate.errors import ProviderUnavailable
from tollgate.payments import renewals
from tollgate.payments.mandates import Mandate
from tollgate.payments.orders import Dispute, Payment, Reason, Refund
from tollgate.payments.settle import settle
from tollgate.purchases import BALANCE
from tollgate.store import mandates, payments, reversals, subscriptions, users
from tollgate.store.dynamodb import ConditionFailedError
from tollgate.store.payments import Entry
from tollgate.store.reversals import Effect, Reversible, Undone
from tollgate.subscriptions import Status, Subscription
from tollgate.users import User

TRIES = 5
FINAL = frozenset({"processed", "failed"})
OPENED, LOST, WON = "created", "lost", "won"
TURNS = (OPENED, "closed", LOST, WON)  # a dispute's, from its beginning: a late word of an earlier one changes nothing
NOTHING = Effect()


def refunded(payment: Payment, refund: Refund, entry: Entry) -> None:
    """Note a refund. Once all of a payment went back for good, the period it paid for ends; a part of it ends nothing.

    `payment` is what the event says of it, for when we never heard of it before. Raises ProviderUnavailable.
    """
    for _ in range(TRIES):
        try:
            found = reversals.get(refund.payment_id) or _first_heard(payment, refund, entry)
            if found and _is_news(found, refund):
                effect = _after_refund(found, refund, entry.at)
                reversals.note_refund(found, refund, effect, entry)
                _end(effect.mandate)
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


def _after_refund(found: Reversible, refund: Refund, at: datetime) -> Effect:
    if refund.status != "processed":
        return NOTHING
    now_back = found.refunded + refund.amount
    if now_back >= found.amount:
        return _without(found, at) if found.granted else Effect(closed_by=refund.id)
    user = _owner(found)
    after = purchases.reduce(user, found.granted.subscription_id, now_back) if user and found.granted else None
    return Effect(user=(user, after)) if user and after and after is not user else NOTHING


def _owner(found: Reversible) -> User | None:
    return users.get(found.user_id) if found.user_id and found.granted else None


def _without(found: Reversible, at: datetime) -> Effect:
    """What it means that nothing of a granted payment is ours any more. It happens to a payment once."""
    user, now = _owner(found), calendar.whole_second(at)
    if user is None or found.granted is None or found.undone:
        return NOTHING
    name = found.granted.subscription_id
    stood = next((each for each in user.subscriptions if each.subscription_id == name and not each.is_over(now)), None)
    mandate = _renewing(found, stood)
    if stood:
        after = _not_renewed(purchases.revoke(user, name, now), mandate, now)
        return Effect(user=(user, after), undone=Undone(period=stood), mandate=mandate)
    gone = subscriptions.get(user.id, name)
    if gone and gone.status is Status.REPLACED:
        return _without_credit(user, gone, mandate, now)
    given_back = purchases.reduce(
        user, name, found.amount
    )  # it is over, and a renewal told of later must not prolong it
    after = _not_renewed(given_back, mandate, now)
    return Effect(user=None if after is user else (user, after), mandate=mandate)


def _without_credit(user: User, gone: Subscription, mandate: Mandate | None, now: datetime) -> Effect:
    after, taken, spent = purchases.take_back(user, gone)
    after = _not_renewed(after, mandate, now)
    reason = Reason.CREDIT_SPENT if spent else None
    return Effect(user=(user, after), undone=Undone(taken=taken), mandate=mandate, reason=reason)


def _renewing(found: Reversible, stood: Subscription | None) -> Mandate | None:
    """The mandate that would charge for what comes after this period, if one does."""
    renewed = stood.razorpay_subscription_id if stood and stood.auto_renew else None
    name = found.mandate_id or renewed
    mandate = mandates.find(name).mandate if name else None
    if mandate is None or not mandate.stands:
        return None
    return mandate if renewed == mandate.id or mandate.latest_payment == found.payment_id else None


def _not_renewed(user: User, mandate: Mandate | None, now: datetime) -> User:
    if mandate is None:
        return user
    left = periods.laid_again(periods.not_renewed_by(user.subscriptions, mandate.id), now)
    return user if left == user.subscriptions else replace(user, subscriptions=left)


def _end(mandate: Mandate | None) -> None:
    if mandate is None:
        return
    try:
        renewals.carry_out(mandate, at_cycle_end=False)
    except ProviderUnavailable:
        return  # it is written down; the reconciler asks again until Razorpay confirms


def disputed(payment: Payment, dispute: Dispute, entry: Entry) -> bool:
    """Note a dispute; whether it is about a payment of ours. Open it only shows it to administrators, lost it ends the period,
    won after that it restores it. `payment` is what the event says of it, for when we never heard of it before.

    Raises ProviderUnavailable."""
    for _ in range(TRIES):
        found = reversals.get(dispute.payment_id)
        if found is None and _is_for_an_order_of_ours(payment):
            settle(payment, replace(entry, event=None))
            found = reversals.get(dispute.payment_id)
        if found is None:
            return False
        known = found.disputes.get(dispute.id)
        if known is not None and TURNS.index(dispute.status) <= TURNS.index(known):
            return True
        try:
            effect = _after_dispute(found, dispute, known, entry.at)
            reversals.note_dispute(found, dispute, effect, entry)
            _end(effect.mandate)
        except ConditionFailedError:
            continue
        return True
    raise ProviderUnavailable("Too much is happening to this payment at once.")


def _is_for_an_order_of_ours(payment: Payment) -> bool:
    if not payment.is_captured or payment.invoice_id:
        return False
    return payments.find(payment.order_id, payment.id).order is not None


def _after_dispute(found: Reversible, dispute: Dispute, known: str | None, at: datetime) -> Effect:
    if dispute.status == OPENED:  # somebody has to answer it at Razorpay in time
        return Effect(reason=Reason.DISPUTED) if found.granted else NOTHING
    if dispute.status == LOST:
        return replace(_without(found, at), closed=True)
    if dispute.status == WON and known == LOST:
        return replace(_given_again(found, at), closed=True)
    return Effect(closed=True)


def _given_again(found: Reversible, at: datetime) -> Effect:
    """What a payment that is ours after all pays for again. Its mandate stays ended: Razorpay revives none."""
    user, undone, now = _owner(found), found.undone, calendar.whole_second(at)
    if user is None or undone is None or found.refunded >= found.amount:
        return NOTHING
    if undone.period:
        after = purchases.restore(user, _as_it_renews_now(undone.period), now)
    else:
        after = purchases.give_again(user, _due(user, undone.taken or {}))
    return Effect(user=None if after is user else (user, after), given_again=True)


def _due(user: User, taken: Mapping[str, int]) -> dict[str, int]:
    """What was taken, by what it goes to: what it was taken from, or the balance where that has gone since."""
    held = {each.subscription_id for each in user.subscriptions} | {BALANCE}
    due = {name: paise for name, paise in taken.items() if name in held}
    left = [_left_of(subscriptions.get(user.id, name), paise) for name, paise in taken.items() if name not in held]
    return due | {BALANCE: due.get(BALANCE, 0) + sum(left)}


def _left_of(gone: Subscription | None, paise: int) -> int:
    """How much of credit taken from a period would still be the user's: all of it once the period was given back, the unused
    share where another plan replaced it, nothing where it ran to its end."""
    if gone and gone.status is Status.REFUNDED:
        return paise
    return (
        money.share(paise, gone.credited, gone.value) if gone and gone.status is Status.REPLACED and gone.value else 0
    )


def _as_it_renews_now(stood: Subscription) -> Subscription:
    name = stood.razorpay_subscription_id if stood.auto_renew else None
    mandate = mandates.find(name).mandate if name else None
    return replace(stood, auto_renew=mandate is not None and mandate.renews)
