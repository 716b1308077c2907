"""What waits for a person: payments kept for review and events that could not be read. Each is decided once."""

from datetime import datetime

from tollgate import app, calendar, ids, plans, purchases, subscriptions
from tollgate.errors import Conflict, NotFound, PaymentNotVerified, ProviderUnavailable
from tollgate.payments import renewals, reversals
from tollgate.payments.orders import PROPOSED, MalformedPaymentError, Order, Reason, Resolution, to_refund
from tollgate.payments.settle import settle
from tollgate.purchases import NO_CREDIT
from tollgate.store import mandates, payments, review, users
from tollgate.store.dynamodb import ConditionFailedError
from tollgate.store.payments import Entry
from tollgate.store.review import Decision, Flagged
from tollgate.subscriptions import Subscription
from tollgate.users import User

TRIES = 5
ELSEWHERE = "This was resolved otherwise at this moment."
SEEN_ONLY = frozenset(
    {Reason.REFUNDED, Reason.CREDIT_SPENT, Reason.DISPUTED}
)  # nothing is left to grant or to refund here


def resolve(name: str, resolution: Resolution, by: Decision) -> Flagged:
    """Grant a kept payment or give it back; look up an event that could not be read, or dismiss what needs nothing more.

    Each is decided once; a refund that did not get through can be asked again. Raises NotFound, Conflict where it was decided
    otherwise or that decision makes no sense, ProviderUnavailable.
    """
    kept = review.get(name)
    if kept is None:
        raise NotFound("There is nothing of that name under review.")
    _must_make_sense(kept, resolution)
    if resolution is Resolution.REFUND:
        _refund(kept, by)
    elif resolution is Resolution.GRANT:
        _grant(kept, by)
    else:
        if resolution is Resolution.LOOK_UP:
            _look_up(kept, by)
        _close(kept, resolution, by)
    return review.get(name) or kept


def _must_make_sense(kept: Flagged, resolution: Resolution) -> None:
    money = resolution in {Resolution.GRANT, Resolution.REFUND}
    if kept.event is not None and money:
        raise Conflict(
            "An event that could not be read is no payment. Use look_up to settle what it was about, or dismiss."
        )
    if kept.reason in SEEN_ONLY and (money or not kept.open):
        raise Conflict("There is nothing to grant or to give back here." + (" Dismiss it." if kept.open else ""))
    if not kept.open and (kept.resolution is not resolution or kept.refund_id or resolution is not Resolution.REFUND):
        raise Conflict(f"This was resolved before: {kept.resolution}.")
    if kept.event is None and kept.reason not in SEEN_ONLY and not money:
        raise Conflict("This payment is money of its payer's. Grant it or refund it.")


def _close(kept: Flagged, resolution: Resolution, by: Decision) -> None:
    try:
        review.close(kept, resolution, by)
    except ConditionFailedError as error:
        raise Conflict(ELSEWHERE) from error


def _refund(kept: Flagged, by: Decision) -> None:
    # Decided first: a crash in between leaves a decision that the next call carries out, under the same key at Razorpay.
    try:
        review.decide_refund(kept.payment.id, by)
    except ConditionFailedError as error:
        raise Conflict(ELSEWHERE) from error
    review.note_refund(kept.payment.id, app.gateway().refund(kept.payment.id, kept.payment.amount))


# Granting


def _grant(kept: Flagged, by: Decision) -> None:
    for _ in range(TRIES):
        try:
            granted = _try_charge(kept, by) if kept.mandate_id else _try_order(kept, by)
        except ConditionFailedError as error:
            if error.failed[0]:
                raise Conflict(ELSEWHERE) from error
            continue
        renewals.outgrow(granted[0].id, granted[1], by.at)
        return
    raise ProviderUnavailable("Too much is happening to this account at once; try again in a moment.")


def _try_order(kept: Flagged, by: Decision) -> tuple[User, Subscription]:
    order = payments.find(kept.payment.order_id, kept.payment.id).order
    if order is None:
        raise Conflict("No order of ours says what this payment was for; refund it.")
    before = users.get(order.user_id)
    _must_have_an_account(before)
    user = before or users.fresh(order.user_id, order.email, calendar.whole_second(by.at))
    now = user.at_or_after(calendar.whole_second(by.at))
    after, granted = _placed(user, _period(kept, order.tier, order.plan, now, order), now)
    review.grant(kept, order, (before, after), granted, by)
    return after, granted


def _try_charge(kept: Flagged, by: Decision) -> tuple[User, Subscription]:
    """The cycle that was charged, where it is still to come or running and nothing else paid for it; otherwise as much time,
    placed as if it were bought now."""
    mandate = mandates.find(kept.mandate_id or "").mandate
    if mandate is None:
        raise Conflict("No mandate of ours says what this payment was for; refund it.")
    before = users.get(mandate.user_id)
    _must_have_an_account(before)
    user = before or users.fresh(mandate.user_id, mandate.email, calendar.whole_second(by.at))
    now, charge = user.at_or_after(calendar.whole_second(by.at)), kept.charge
    if charge and charge.ends > now and charge.cycle not in mandate.cycles:
        _must_be_placeable(user, mandate.tier, mandate.plan, now)
        after, granted = renewals.granted(user, charge, mandate, by.at)
    else:
        after, granted = _placed(user, _period(kept, mandate.tier, mandate.plan, now, None), now)
    review.grant_charge(kept, mandate, (before, after), granted, by)
    return after, granted


def _must_have_an_account(user: User | None) -> None:
    if user and user.deleted_at:
        raise Conflict("The payer deleted the account; refund it.")


def _period(kept: Flagged, tier: str, plan: str, now: datetime, order: Order | None) -> Subscription:
    if plans.find(tier, plan) is None:
        raise Conflict(f"There is no plan {tier}/{plan} any more that could be granted; refund it.")
    new = subscriptions.bought(ids.subscription_id(now), tier, plan, now)
    return new.paid(
        amount=kept.payment.amount, credit=0, order_id=order.id if order else None, payment_id=kept.payment.id
    )


def _placed(user: User, new: Subscription, now: datetime) -> tuple[User, Subscription]:
    _must_be_placeable(user, new.tier, new.plan, now)
    after = purchases.grant(user, new, NO_CREDIT, now)
    return after, purchases.placed(after, new)


def _must_be_placeable(user: User, tier: str, plan: str, now: datetime) -> None:
    if plans.find(tier, plan) is None:
        raise Conflict(f"There is no plan {tier}/{plan} any more that could be granted; refund it.")
    current = user.running(now)
    if current and current.end_date is None:
        raise Conflict("A plan without end is running, to which nothing can be added; refund it.")


# Looking up what an unreadable event was about


def _look_up(kept: Flagged, by: Decision) -> None:
    """Settle what Razorpay says now of whatever the event names. Raises Conflict where it names nothing that can be looked up."""
    payment_id, mandate_id = _named(kept, "payment", "refund", "dispute"), _named(kept, "subscription")
    mandate = mandates.find(mandate_id).mandate if mandate_id else None
    if mandate:
        renewals.look(mandate, by.at)
    if payment_id:
        _look_up_payment(payment_id, Entry(source="review", at=by.at))
    elif mandate is None:
        raise Conflict("The event names no payment and no mandate of ours. Look at it at Razorpay, then dismiss it.")


def _named(kept: Flagged, *kinds: str) -> str | None:
    names = [kept.told.get(f"{kind}.{'payment_id' if kind in {'refund', 'dispute'} else 'id'}") for kind in kinds]
    return next((name for name in names if name and name.startswith(("pay_", "sub_"))), None)


def _look_up_payment(payment_id: str, entry: Entry) -> None:
    gateway = app.gateway()
    try:
        payment = gateway.fetch_payment(payment_id)
        refunds = [to_refund(each, _word(each)) for each in gateway.refunds_of(payment_id)]
    except PaymentNotVerified as error:
        raise Conflict("Razorpay does not know this payment; dismiss the event.") from error
    except MalformedPaymentError as error:
        raise ProviderUnavailable("Razorpay's answer could not be read; try again.") from error
    if payment.is_captured and payment.invoice_id:
        renewals.settle(gateway.bill(payment.invoice_id).paid_by(payment), entry)
    elif payment.is_captured:
        settle(payment, entry)
    for refund in refunds:
        reversals.refunded(payment, refund, entry)


def _word(refund: dict[str, object]) -> str:
    status = refund.get("status")
    return status if status in reversals.FINAL and isinstance(status, str) else "created"


def shown(kept: Flagged) -> dict[str, object]:
    """What is kept for review, as an administrator sees it."""
    unread = {"event": kept.event, "problem": kept.problem, "told": dict(kept.told)} if kept.event is not None else {}
    return {
        "paymentId": kept.name,
        "kind": "payment" if kept.event is None else "event",
        "orderId": kept.payment.order_id,
        "mandateId": kept.mandate_id,
        "userId": kept.user_id,
        "amount": kept.payment.amount,
        "currency": kept.payment.currency,
        "reason": kept.reason.value,
        "proposedAction": PROPOSED[kept.reason].value,
        "status": "open" if kept.open else "resolved",
        "resolution": kept.resolution.value if kept.resolution else None,
        "refundId": kept.refund_id,
        "at": kept.at,
        **unread,
    }
