"""Auto-renewal: granting what a mandate charges, following where it stands, and ending it. `opening` makes them.

Only money extends access: a charge that was captured, once a payment and once a cycle. Where a mandate stands says only
whether access outlasts the paid end while a renewal is tried. What is to happen at Razorpay is written down first, so that
the reconciler finishes what a crash or an outage left undone.
"""

from dataclasses import replace
from datetime import datetime

from tollgate import app, calendar, ids, plans, purchases, subscriptions
from tollgate.config import settings
from tollgate.errors import Conflict, ProviderUnavailable, Refusal
from tollgate.payments import mandates
from tollgate.payments.mandates import Charge, Mandate, Seen, Slot, Stage
from tollgate.payments.orders import Reason
from tollgate.payments.settle import TRIES, NotCapturedError, Settlement
from tollgate.store import mandates as store
from tollgate.store import users
from tollgate.store.dynamodb import ConditionFailedError
from tollgate.store.payments import Entry
from tollgate.subscriptions import Subscription
from tollgate.users import User

# Charges


def settle(charge: Charge, entry: Entry) -> Settlement:
    """Grant a captured charge of a mandate, or keep it for review; once, whoever else settles it at the same time.

    Raises NotCapturedError, and ProviderUnavailable where the database does not let us finish.
    """
    if not charge.payment.is_captured:
        raise NotCapturedError(charge.payment.status)
    for _ in range(TRIES):
        known = store.find(charge.mandate_id, charge.payment.id)
        if known.ledgered:
            return Settlement(subscription=known.ledgered.subscription, reason=known.ledgered.reason)
        try:
            return _try(charge, known.mandate, entry)
        except ConditionFailedError:
            continue  # somebody else was quicker, with this charge or with another of the same user: look again
    raise ProviderUnavailable("Too much is happening to this account at once; try again in a moment.")


def _try(charge: Charge, mandate: Mandate | None, entry: Entry) -> Settlement:
    reason = _misfit(charge, mandate)
    if reason or mandate is None:
        return _keep(charge, mandate, reason or Reason.UNKNOWN_ORDER, entry)
    _take_over(mandate, entry.at)
    before = users.get(mandate.user_id)
    if before and before.deleted_at:
        return _keep(charge, mandate, Reason.ACCOUNT_DELETED, entry)
    try:
        user = before or users.fresh(mandate.user_id, mandate.email, calendar.whole_second(entry.at))
        after, cycle = granted(user, charge, mandate, entry.at)
    except Conflict:
        return _keep(charge, mandate, Reason.NOTHING_TO_ADD, entry)
    store.grant(mandate, charge, cycle, (before, after), entry)
    return Settlement(subscription=cycle)


def _misfit(charge: Charge, mandate: Mandate | None) -> Reason | None:
    if mandate is None:
        return Reason.UNKNOWN_ORDER
    late = mandate.cancel_at is not None and charge.at > mandate.cancel_at.timestamp()
    misfits = {
        Reason.OTHER_MODE: mandate.mode != app.gateway().mode,
        Reason.PLAN_UNKNOWN: plans.find(mandate.tier, mandate.plan) is None,
        Reason.CURRENCY_DIFFERS: charge.payment.currency != plans.CURRENCY,
        Reason.AMOUNT_DIFFERS: charge.payment.amount != mandate.price,
        Reason.DUPLICATE_PAYMENT: charge.cycle in mandate.cycles,
        Reason.RENEWAL_CANCELLED: late,
    }
    return next((reason for reason, misfit in misfits.items() if misfit), None)


def _keep(charge: Charge, mandate: Mandate | None, reason: Reason, entry: Entry) -> Settlement:
    store.flag(mandate, charge, reason, entry)
    return Settlement(reason=reason)


def granted(user: User, charge: Charge, mandate: Mandate, at: datetime) -> tuple[User, Subscription]:
    """The user with the cycle that was charged, and that cycle as it lies on the timeline. Raises Conflict where a plan without
    end runs."""
    now = user.at_or_after(calendar.whole_second(at))
    cycle = replace(
        subscriptions.bought(ids.subscription_id(at), mandate.tier, mandate.plan, now),
        amount=charge.payment.amount,
        start_date=charge.starts,
        end_date=charge.ends,
        anchor_day=plans.anchor(charge.starts),
        razorpay_payment_id=charge.payment.id,
        razorpay_subscription_id=mandate.id,
    )
    after = purchases.grant_cycle(user, cycle, now)
    active = mandate.is_news(Stage.ACTIVE, charge.at)
    after = _renewed(after, replace(mandate, stage=Stage.ACTIVE) if active else mandate, now)
    return after, purchases.placed(after, cycle)


# Where a mandate stands


def follow(seen: Seen, entry: Entry) -> bool:
    """Note where a mandate of ours stands, and whether it renews by that; whether that is news. An older word changes nothing.

    Raises ProviderUnavailable.
    """
    for _ in range(TRIES):
        known = store.find(seen.id, event=entry.event)
        mandate = known.mandate
        if mandate is None or known.seen or not mandate.is_news(seen.stage, seen.at):
            return False
        after = replace(mandate, stage=seen.stage, told_at=seen.at)
        try:
            if after.renews:
                _take_over(mandate, entry.at)
            # A mandate that renews as before changes nothing: a refunded period stays as it is.
            change = None if mandate.renews and after.renews else _change(after, calendar.whole_second(entry.at))
            store.note(mandate, store.told(seen.stage, seen.at), change, entry)
        except ConditionFailedError:
            continue
        return True
    raise ProviderUnavailable("Too much is happening to this account at once; try again in a moment.")


def _change(mandate: Mandate, now: datetime) -> tuple[User, User] | None:
    user = users.get(mandate.user_id)
    after = _renewed(user, mandate, now) if user else None
    return (user, after) if user and after and after.subscriptions != user.subscriptions else None


def _renewed(user: User, mandate: Mandate, now: datetime) -> User:
    if mandate.renews:
        days, first = settings().grace_days, mandate.starts_at
        left = subscriptions.renewed_by(user.subscriptions, mandate.id, mandate.tier, days, first)
    else:
        left = subscriptions.not_renewed_by(user.subscriptions, mandate.id)
    return replace(user, subscriptions=subscriptions.laid_again(left, now))


def _take_over(mandate: Mandate, at: datetime) -> None:
    """Once a mandate is authorised, no other of its user's charges any more."""
    if mandate.stage is Stage.CREATED and mandate.stands:
        others = [each for each in _standing(mandate.user_id) if each.id != mandate.id]
        end(others, None, at, at_cycle_end=False)


def _standing(user_id: str) -> list[Mandate]:
    return [each for each in store.of_user(app.gateway().mode, user_id) if each.stands]


# Ending


def cancel(user: User, reason: str | None, now: datetime) -> User | None:
    """The user with nothing that renews any more, and access to the paid end; None where there is nothing to cancel.

    Mandates are cancelled at Razorpay at the end of their cycle, or at once where no paid one runs. Where something else happens
    to the account at the same time, what that made of it is cancelled. Raises ProviderUnavailable.
    """
    for _ in range(TRIES):
        try:
            return _cancelled(user, reason, now)
        except ConditionFailedError:
            user = users.get(user.id) or user
    raise ProviderUnavailable("Too much is happening to this account at once; try again in a moment.")


def _cancelled(user: User, reason: str | None, now: datetime) -> User | None:
    standing, current = _standing(user.id), user.running(now)
    if current is None and not standing:
        return None
    links = subscriptions.chain(user.subscriptions, now)
    renewing = {each.id for each in standing}
    left = tuple(
        each.cancel(now, reason)
        if each in links
        else replace(each, auto_renew=False)
        if each.razorpay_subscription_id in renewing
        else each
        for each in user.subscriptions
    )
    after = replace(user, subscriptions=subscriptions.laid_again(left, now))
    end(standing, (user, after) if left else None, now, at_cycle_end=True)
    return after


def outgrow(user_id: str, bought: Subscription, at: datetime) -> None:
    """A plan without end leaves nothing to renew: end what would. What cannot be done now, the reconciler does."""
    if bought.end_date is not None:
        return
    try:
        end(_standing(user_id), None, at, at_cycle_end=False)
    except (ConditionFailedError, ProviderUnavailable):
        return


def leave(user_id: str, at: datetime) -> None:
    """End at once whatever could still charge somebody who leaves. What Razorpay does not confirm, the reconciler asks again.

    Raises ConditionFailedError where a mandate changed since it was read.
    """
    end(_standing(user_id), None, at, at_cycle_end=False)


def end(standing: list[Mandate], change: tuple[User, User] | None, at: datetime, *, at_cycle_end: bool) -> None:
    """Write down that these end, and end them at Razorpay as far as it answers. Raises ConditionFailedError."""
    store.end(standing, change, at)
    for each in standing:
        try:
            carry_out(each, at_cycle_end=at_cycle_end)
        except ProviderUnavailable:
            continue  # it is written down; the reconciler asks again until Razorpay confirms


def carry_out(mandate: Mandate, *, at_cycle_end: bool) -> None:
    """End a mandate at Razorpay: where a paid cycle runs, instead of the next charge if so wished. Raises ProviderUnavailable."""
    app.gateway().cancel_subscription(mandate.id, at_cycle_end=at_cycle_end and mandate.stage is Stage.ACTIVE)
    store.ended(mandate)


# Looking


def sweep(held: Slot) -> Slot:
    """End what may have been made for a place that was never filled: nobody was ever shown it.

    Raises ProviderUnavailable, and ConditionFailedError where the place was filled meanwhile.
    """
    found = app.gateway().subscription_with(held.reference, int(held.created_at.timestamp()))
    gone = store.retire(held)
    if found and not found.is_final:
        app.gateway().cancel_subscription(found.id, at_cycle_end=False)
    return gone


def look(due: Mandate | Slot, now: datetime) -> list[Settlement]:
    """Look at a mandate, or sweep a place that was never filled. Raises ProviderUnavailable."""
    if isinstance(due, Slot):
        sweep(due)
        return []
    return _look(due, now)


def _look(mandate: Mandate, now: datetime) -> list[Settlement]:
    """See at Razorpay how a mandate stands, settle what it charged, and finish what was left undone.

    Raises ProviderUnavailable where something did not answer; it is then looked at again soon.
    """
    entry = Entry(source="reconciler", at=now)
    seen = app.gateway().fetch_subscription(mandate.id, int(now.timestamp()))
    settled = [settle(charge, entry) for charge in _unsettled(mandate)]
    follow(seen, entry)
    fresh = store.find(mandate.id).mandate or mandate
    if not fresh.is_final:
        _finish(fresh, now)
        fresh = store.find(mandate.id).mandate or fresh
    store.looked(mandate.id, None if fresh.is_final else mandates.next_look(fresh, now))
    return settled


def _unsettled(mandate: Mandate) -> list[Charge]:
    granted = set(mandate.cycles.values())
    charges = []
    for bill in app.gateway().bills_of(mandate.id):
        name = bill.payment_id
        if name and name not in granted and store.find(mandate.id, name).ledgered is None:
            payment = app.gateway().fetch_payment(name)
            charges += [bill.paid_by(payment)] if payment.is_captured else []
    return charges


def _finish(mandate: Mandate, now: datetime) -> None:
    outgrown = _is_outgrown(mandate, now)
    if mandate.cancel_at is None and outgrown:
        store.end([mandate], None, now)
        mandate = replace(mandate, cancel_at=now)
    overdue = mandate.paid_until is not None and mandate.paid_until < now  # told to end with its cycle, and did not
    if mandate.cancel_at and (overdue or not mandate.cancelled):
        carry_out(mandate, at_cycle_end=not outgrown and not overdue)


def _is_outgrown(mandate: Mandate, now: datetime) -> bool:
    user = users.get(mandate.user_id)
    if user and user.deleted_at:
        return True
    current = user.running(now) if user else None
    return current is not None and (current.end_date is None or plans.RANK[current.tier] > plans.RANK[mandate.tier])


def look_again(name: str, now: datetime) -> None:
    """Put off what could not be looked at, so that it does not keep others waiting."""
    try:
        store.looked(name, now + mandates.TIGHT)
    except Refusal:
        return
