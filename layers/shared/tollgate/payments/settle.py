"""One payment, one grant. Every way in ends here: the browser's verify call, each webhook event, and whatever looks later.

Any order, any number of repetitions, any crash point: the same state. What was paid and cannot be granted is kept for review.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from tollgate import app, calendar, ids, plans, purchases, subscriptions
from tollgate.errors import Conflict, ProviderUnavailable
from tollgate.payments.orders import Order, Payment, Reason
from tollgate.purchases import CreditGoneError
from tollgate.store import payments as ledger
from tollgate.store import users
from tollgate.store.dynamodb import ConditionFailedError
from tollgate.store.payments import Entry, Found
from tollgate.subscriptions import Subscription
from tollgate.users import User

TRIES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """How a payment ended: granted as `subscription`, or kept for review for `reason`."""

    subscription: Subscription | None = None
    reason: Reason | None = None


class NotCapturedError(ValueError):
    """Only captured money is settled."""


def settle(payment: Payment, entry: Entry, found: Found | None = None) -> Settlement:
    """Grant a captured payment, or keep it for review; once, whoever else settles it at the same time.

    `found` saves the first read where the caller has just made it. Raises NotCapturedError, and ProviderUnavailable where the
    database does not let us finish: then nothing is written and whoever delivered the payment delivers it again.
    """
    if not payment.is_captured:
        raise NotCapturedError(payment.status)
    for _ in range(TRIES):
        found = found or ledger.find(payment.order_id, payment.id)
        if found.ledgered:
            return Settlement(subscription=found.ledgered.subscription, reason=found.ledgered.reason)
        try:
            return _try(payment, found, entry)
        except ConditionFailedError:
            found = None  # somebody else was quicker, with this payment or with another of the same user: look again
    raise ProviderUnavailable("Too much is happening to this account at once; try again in a moment.")


def _try(payment: Payment, found: Found, entry: Entry) -> Settlement:
    order = found.order
    reason = _misfit(payment, order)
    if reason or order is None:
        return _keep(payment, order, reason or Reason.UNKNOWN_ORDER, entry)
    before = found.owner(order)
    if before and before.deleted_at:
        return _keep(payment, order, Reason.ACCOUNT_DELETED, entry)
    user = before or users.fresh(order.user_id, order.email, entry.at)
    user = replace(user, email=order.email or user.email)  # the buyer's token had it when the order was made
    try:
        after, granted = _granted(user, order, payment, entry.at)
    except CreditGoneError:
        return _keep(payment, order, Reason.CREDIT_GONE, entry)
    except Conflict:
        return _keep(payment, order, Reason.NOTHING_TO_ADD, entry)
    ledger.grant(payment, order, before, after, granted, entry)
    return Settlement(subscription=granted)


def _misfit(payment: Payment, order: Order | None) -> Reason | None:
    if order is None:
        return Reason.UNKNOWN_ORDER
    misfits = {
        Reason.OTHER_MODE: order.mode != app.gateway().mode,
        Reason.PLAN_UNKNOWN: plans.find(order.tier, order.plan) is None,
        Reason.CURRENCY_DIFFERS: payment.currency != order.currency,
        Reason.AMOUNT_DIFFERS: payment.amount != order.amount,
        Reason.DUPLICATE_PAYMENT: order.payment_id is not None,
    }
    return next((reason for reason, holds in misfits.items() if holds), None)


def _keep(payment: Payment, order: Order | None, reason: Reason, entry: Entry) -> Settlement:
    ledger.flag(payment, order, reason, entry)
    return Settlement(reason=reason)


def _granted(user: User, order: Order, payment: Payment, at: datetime) -> tuple[User, Subscription]:
    now = user.at_or_after(calendar.whole_second(at))
    current = user.running(now)
    if current and current.end_date is None:
        raise Conflict("A plan without end is running.")
    if not purchases.is_still_worth(user, order.credit, order.created_at):
        raise CreditGoneError
    new = subscriptions.bought(ids.subscription_id(at), order.tier, order.plan, now)
    new = new.paid(amount=payment.amount, credit=order.credit.used, order_id=order.id, payment_id=payment.id)
    after = purchases.grant(user, new, order.credit, now)
    return after, purchases.placed(after, new)
