"""Payments kept for review: deciding one, once."""

from tollgate import app, calendar, ids, purchases, subscriptions
from tollgate.errors import Conflict, NotFound, ProviderUnavailable
from tollgate.payments.orders import PROPOSED, Resolution
from tollgate.purchases import NO_CREDIT
from tollgate.store import payments, review, users
from tollgate.store.dynamodb import ConditionFailedError
from tollgate.store.review import Decision, Flagged

TRIES = 5


def resolve(payment_id: str, resolution: Resolution, by: Decision) -> Flagged:
    """Grant a kept payment or give it back. Each payment is decided once; a refund that did not get through can be asked again.

    Raises NotFound, Conflict where it was decided otherwise, ProviderUnavailable.
    """
    kept = review.get(payment_id)
    if kept is None:
        raise NotFound("There is no such payment under review.")
    if not kept.open and (kept.resolution is not resolution or kept.refund_id or resolution is Resolution.GRANT):
        raise Conflict(f"This payment was resolved before: {kept.resolution}.")
    if resolution is Resolution.REFUND:
        _refund(kept, by)
    else:
        _grant(kept, by)
    return review.get(payment_id) or kept


def _refund(kept: Flagged, by: Decision) -> None:
    # Decided first: a crash in between leaves a decision that the next call carries out, under the same key at Razorpay.
    try:
        review.decide_refund(kept.payment.id, by)
    except ConditionFailedError as error:
        raise Conflict("This payment was resolved otherwise at this moment.") from error
    review.note_refund(kept.payment.id, app.gateway().refund(kept.payment.id, kept.payment.amount))


def _grant(kept: Flagged, by: Decision) -> None:
    order = payments.find(kept.payment.order_id, kept.payment.id).order
    if order is None:
        raise Conflict("No order of ours says what this payment was for; refund it.")
    now = calendar.whole_second(by.at)
    for _ in range(TRIES):
        before = users.get(order.user_id)
        user = before or users.fresh(order.user_id, order.email, now)
        new = subscriptions.bought(ids.subscription_id(now), order.tier, order.plan, now)
        new = new.paid(amount=kept.payment.amount, credit=0, order_id=order.id, payment_id=kept.payment.id)
        after = purchases.grant(user, new, NO_CREDIT, now)
        granted = next(each for each in after.subscriptions if each.subscription_id == new.subscription_id)
        try:
            return review.grant(kept, before, after, granted, by)
        except ConditionFailedError as error:
            if error.failed[0]:
                raise Conflict("This payment was resolved otherwise at this moment.") from error
    raise ProviderUnavailable("Too much is happening to this account at once; try again in a moment.")


def shown(kept: Flagged) -> dict[str, object]:
    """A payment kept for review, as an administrator sees it."""
    return {
        "paymentId": kept.payment.id,
        "orderId": kept.payment.order_id,
        "userId": kept.user_id,
        "amount": kept.payment.amount,
        "currency": kept.payment.currency,
        "reason": kept.reason.value,
        "proposedAction": PROPOSED[kept.reason].value,
        "status": "open" if kept.open else "resolved",
        "resolution": kept.resolution.value if kept.resolution else None,
        "refundId": kept.refund_id,
        "at": kept.at,
    }
