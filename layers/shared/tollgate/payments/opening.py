"""Opening a mandate: its place, its plan and itself at Razorpay, and what the buyer is shown. Nothing is made twice."""

from dataclasses import replace
from datetime import datetime

from tollgate import app, calendar, ids, plans, subscriptions
from tollgate.errors import Conflict, ProviderUnavailable
from tollgate.http import views
from tollgate.payments import mandates, renewals
from tollgate.payments.gateway import InvalidPlanError
from tollgate.payments.mandates import Mandate, Seen, Slot, Stage
from tollgate.plans import Plan, Tier
from tollgate.purchases import NO_CREDIT, Quote
from tollgate.store import mandates as store
from tollgate.store.dynamodb import ConditionFailedError
from tollgate.users import User

BUSY = "Your renewal is being set up at this moment; try again in a minute."


def open_mandate(user: User, tier: Tier, plan: Plan, now: datetime) -> dict[str, object]:
    """A mandate for the plan, ready to be authorised. One that is open already is offered again.

    It charges at once where nothing runs, and at the end of the unbroken access where the same tier does. Raises Conflict
    where another plan runs or this one renews already, ProviderUnavailable.
    """
    now = calendar.whole_second(now)
    starts_at = _starts_at(user, tier, now)
    name = mandates.slot_id(app.gateway().mode, user.id, tier.id, plan.id)
    try:
        held = _free(store.slot(name), now)
        mandate = _offered(held, plan, starts_at, now)
        if mandate is None:
            slot = Slot(id=name, reference=ids.receipt(now), created_at=now)
            before = store.find(held.mandate_id).mandate if held and held.mandate_id else None
            store.take(slot, held)
            mandate = _made(user, tier, plan, starts_at, slot)
            mandate = replace(mandate, replaces=before.left_behind if before else None)
            store.put(mandate, slot)
    except ConditionFailedError as error:
        raise Conflict(BUSY) from error
    return _shown(mandate, user, plan, now)


def _starts_at(user: User, tier: Tier, now: datetime) -> datetime | None:
    current = user.running(now)
    if current is None:
        return None
    name = plans.tier(current.tier).name
    if current.end_date is None:
        raise Conflict(f"Your {name} plan has no end; there is nothing to renew.")
    if current.tier != tier.id:
        raise Conflict(f"Your {name} plan is running. Buy the {tier.name} plan first, then turn on its renewal.")
    if current.is_past_due(now):
        raise Conflict("Your renewal is still being charged. Cancel it first, or buy the plan without autoRenew.")
    return subscriptions.chain(user.subscriptions, now)[-1].end_date


def _free(held: Slot | None, now: datetime) -> Slot | None:
    """The place as it can be taken: without what an earlier attempt may have left at Razorpay."""
    if held is None or held.mandate_id:
        return held
    if held.is_busy(now):
        raise Conflict(BUSY)
    return renewals.sweep(held)


def _offered(held: Slot | None, plan: Plan, starts_at: datetime | None, now: datetime) -> Mandate | None:
    if held is None or held.mandate_id is None:
        return None
    mandate = store.find(held.mandate_id).mandate
    if mandate is None or mandate.is_open_for(plan, starts_at, now):
        return mandate
    if mandate.renews:
        raise Conflict("This plan renews by itself already.")
    if mandate.stands and mandate.stage is Stage.CREATED:  # opened for something else, and not to be paid any more
        renewals.end([mandate], None, now, at_cycle_end=False)
    return None


def _made(user: User, tier: Tier, plan: Plan, starts_at: datetime | None, slot: Slot) -> Mandate:
    now = slot.created_at
    expires_at = min(now + mandates.OPEN_FOR, starts_at or now + mandates.OPEN_FOR)
    options: dict[str, object] = {
        "total_count": mandates.total_count(plan),
        "expire_by": int(expires_at.timestamp()),
        "notes": {"userId": user.id, "tier": tier.id, "plan": plan.id, "reference": slot.reference},
        **({"start_at": int(starts_at.timestamp())} if starts_at else {}),
    }
    try:
        seen = _at_razorpay(tier, plan, slot, options)
    except ProviderUnavailable:
        store.give_up(slot)  # the next attempt need not wait; what may exist all the same is swept
        raise
    return Mandate(
        id=seen.id,
        user_id=user.id,
        email=user.email,
        tier=tier.id,
        plan=plan.id,
        price=plan.price_paise,
        reference=slot.reference,
        short_url=seen.short_url or "",
        created_at=now,
        expires_at=expires_at,
        starts_at=starts_at,
        mode=app.gateway().mode,
    )


def _at_razorpay(tier: Tier, plan: Plan, slot: Slot, options: dict[str, object]) -> Seen:
    """The subscription made there, and its plan before it where that is not there yet or not any more."""
    gateway, since = app.gateway(), int(slot.created_at.timestamp())
    name = mandates.plan_key(gateway.mode, tier.id, plan)
    known = store.plan_id(name)
    try:
        return gateway.create_subscription(known or _new_plan(name, tier, plan, None), slot.reference, options, since)
    except InvalidPlanError as error:
        made = _new_plan(name, tier, plan, known)
        if made == known:
            raise ProviderUnavailable("Razorpay did not make the subscription; try again.") from error
    try:
        return gateway.create_subscription(made, slot.reference, options, since)
    except InvalidPlanError as error:
        raise ProviderUnavailable("Razorpay did not make the subscription; try again.") from error


def _new_plan(name: str, tier: Tier, plan: Plan, before: str | None) -> str:
    made = app.gateway().plan(name, mandates.rhythm(plan), f"{tier.name} {plan.id}", plan.price_paise)
    if made == before:
        return made
    try:
        store.put_plan(name, made, before)
    except ConditionFailedError:
        return store.plan_id(name) or made
    return made


def _shown(mandate: Mandate, user: User, plan: Plan, now: datetime) -> dict[str, object]:
    starts_at = mandate.starts_at or now
    quote = Quote(
        tier=mandate.tier,
        plan=mandate.plan,
        price=mandate.price,
        payable=mandate.price,
        credit=replace(NO_CREDIT, left=user.credit_balance),
        starts_at=starts_at,
        ends_at=mandates.first_end(plan, starts_at),
    )
    return {
        "subscriptionId": mandate.id,
        "shortUrl": mandate.short_url,
        "amount": mandate.price,
        "currency": plans.CURRENCY,
        "keyId": app.gateway().key_id,
        "breakdown": views.breakdown(quote) | {"credit": 0},  # a mandate charges the whole price; credit waits
    }
