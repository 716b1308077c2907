"""Buying: what a plan costs this user now, and what the user has once it is paid. Pure.

Same tier: extends. Higher tier: begins at once, the unused part of what it replaces is credited. Lower tier: bought ahead.
Credit is conserved to the paisa: credit given = credit used + credit left.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

from tollgate import entitlements, plans, subscriptions
from tollgate.counters import counter, rate_counter
from tollgate.errors import Conflict, InvalidRequest
from tollgate.plans import MINIMUM_CHARGE_PAISE, Plan, Tier, Unit, Window
from tollgate.subscriptions import Status, Subscription
from tollgate.users import User


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """What an order takes from earlier purchases, in paise: by subscription, from the balance, and what it leaves."""

    by_subscription: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    from_balance: int = 0
    left: int = 0

    @property
    def given(self) -> int:
        return sum(self.by_subscription.values()) + self.from_balance

    @property
    def used(self) -> int:
        return self.given - self.left


NO_CREDIT = Credit()
BALANCE = "balance"  # where taken credit came from, beside the subscriptions' ids


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """The price of a plan for one user at one instant. All amounts in paise."""

    tier: str
    plan: str
    price: int
    payable: int
    credit: Credit
    starts_at: datetime
    ends_at: datetime | None


class CreditGoneError(Exception):
    """What an order credits was credited, refunded or used up since it was quoted."""


def quote(user: User, tier: Tier, plan: Plan, now: datetime) -> Quote:
    """What the user pays for the plan at `now`, and the period it would cover.

    Raises InvalidRequest for a plan that is not for sale and Conflict where buying it makes no sense.
    """
    if not plan.price_paise:
        raise InvalidRequest(f"The {tier.name} plan is not for sale: everybody has it.", errors=[])
    now = user.at_or_after(now)
    _refuse_needless(user, tier, now)
    credit = _credit_for(user, tier, plan, now)
    placed = _place(user, subscriptions.bought("quote", tier.id, plan.id, now), now)
    new = next(each for each in placed if each.subscription_id == "quote")
    return Quote(
        tier=tier.id,
        plan=plan.id,
        price=plan.price_paise,
        payable=plan.price_paise - credit.used,
        credit=credit,
        starts_at=new.start_date,
        ends_at=new.end_date,
    )


def _refuse_needless(user: User, tier: Tier, now: datetime) -> None:
    current = user.running(now)
    if current is None:
        return
    if current.end_date is None:
        raise Conflict(f"Your {plans.tier(current.tier).name} plan has no end; there is nothing to add to it.")
    if tier.is_pass and current.tier == tier.id and not _pass_is_spent(user, now):
        raise Conflict("Your present pass still has its resume unspent; use it before you buy another.")


def _pass_is_spent(user: User, now: datetime) -> bool:
    return entitlements.has_reached_limit(user, Unit.RESUMES, now)


def calculate_proration(user: User, now: datetime) -> dict[str, int]:
    """What an upgrade at `now` would credit, in paise, by subscription id."""
    unused = {each.subscription_id: each.unused(now) for each in user.subscriptions}
    return {subscription_id: paise for subscription_id, paise in unused.items() if paise}


def _credit_for(user: User, tier: Tier, plan: Plan, now: datetime) -> Credit:
    current = user.running(now)
    upgrade = current is not None and plans.RANK[tier.id] > plans.RANK[current.tier]
    by_subscription = calculate_proration(user, now) if upgrade else {}
    absorbable = max(plan.price_paise - MINIMUM_CHARGE_PAISE, 0)
    earned = sum(by_subscription.values())
    from_balance = min(user.credit_balance, max(absorbable - earned, 0))
    left = earned + from_balance - min(earned + from_balance, absorbable)
    return Credit(by_subscription=by_subscription, from_balance=from_balance, left=left)


def is_still_worth(user: User, credit: Credit, quoted_at: datetime) -> bool:
    """Whether what a quote credits is worth what it was: money that went back since then may have taken some of it."""
    worth = calculate_proration(user, quoted_at)
    return all(paise <= worth.get(name, 0) for name, paise in credit.by_subscription.items())


def grant(user: User, new: Subscription, credit: Credit, now: datetime) -> User:
    """The user once `new` is paid for. `credit` is what its quote promised.

    What is replaced without having been quoted is credited to the balance all the same. Raises CreditGoneError where what
    the quote credits is no longer there.
    """
    standing = {each.subscription_id for each in user.subscriptions if not each.is_over(now)}
    if not standing.issuperset(credit.by_subscription) or user.credit_balance < credit.from_balance:
        raise CreditGoneError
    placed = _place(user, new, now)
    replaced = _replaced(placed)
    if not replaced.issuperset(credit.by_subscription):
        raise CreditGoneError
    unquoted = _credit_of(user, replaced - credit.by_subscription.keys(), now)
    balance = user.credit_balance - credit.from_balance + credit.left + sum(unquoted.values())
    placed = _credited(placed, {**unquoted, **credit.by_subscription})
    return replace(user, subscriptions=placed, credit_balance=balance, version=user.version + 1)


def placed(user: User, new: Subscription) -> Subscription:
    """The period as it lies on the user's timeline after it was granted. Raises Conflict where it does not: by another
    environment's clock a plan without end has begun, by ours it is about to."""
    found = next((each for each in user.subscriptions if each.subscription_id == new.subscription_id), None)
    if found is None:
        raise Conflict("A plan without end begins.")
    return found


def grant_cycle(user: User, cycle: Subscription, now: datetime) -> User:
    """The user once a mandate's cycle is paid for; what it replaces is credited to the balance.

    Raises Conflict where a plan without end runs, to which nothing can be added.
    """
    current = user.running(now)
    if current and current.end_date is None:
        raise Conflict("A plan without end is running.")
    placed = subscriptions.add_cycle(user.subscriptions, cycle, now)
    credit = _credit_of(user, _replaced(placed), now)
    balance = user.credit_balance + sum(credit.values())
    return replace(user, subscriptions=_credited(placed, credit), credit_balance=balance, version=user.version + 1)


def _replaced(placed: Sequence[Subscription]) -> set[str]:
    return {each.subscription_id for each in placed if each.status is Status.REPLACED}


def _credit_of(user: User, replaced: set[str], now: datetime) -> dict[str, int]:
    return {each: paise for each, paise in calculate_proration(user, now).items() if each in replaced}


def _credited(placed: Sequence[Subscription], credit: Mapping[str, int]) -> tuple[Subscription, ...]:
    """The timeline on which what was replaced says what it gave, so that a refund of it can take that back."""
    return tuple(
        replace(each, credited=credit.get(each.subscription_id, 0)) if each.status is Status.REPLACED else each
        for each in placed
    )


def revoke(user: User, subscription_id: str, now: datetime) -> User:
    """The user without the period that was refunded; what an earlier plan contributed to it returns to the balance."""
    left = subscriptions.revoke(user.subscriptions, subscription_id, now)
    if left == user.subscriptions:
        return user
    credit = sum(each.credit for each in user.subscriptions if each.subscription_id == subscription_id)
    return replace(user, subscriptions=left, credit_balance=user.credit_balance + credit, version=user.version + 1)


def reduce(user: User, subscription_id: str, refunded: int) -> User:
    """The user once `refunded` paise of a period went back, a part of it: access stays, and it is worth less as credit."""
    left = tuple(
        replace(each, refunded=refunded) if each.subscription_id == subscription_id else each
        for each in user.subscriptions
    )
    return user if left == user.subscriptions else replace(user, subscriptions=left, version=user.version + 1)


def take_back(user: User, replaced: Subscription) -> tuple[User, Mapping[str, int], int]:
    """The user once a period was refunded that another plan had replaced: what it gave as credit is withdrawn again.

    First from the balance, then from what the credit went into, which is worth less from then on. What an earlier plan had
    contributed to the period stays the user's. Also what was taken, by subscription and from the balance under `balance`, and how
    much of it was spent: the balance did not cover it.
    """
    owed = max(replaced.credited - replaced.credit, 0)
    from_balance = min(owed, user.credit_balance)
    taken, left, rest = {BALANCE: from_balance}, [], owed - from_balance
    for each in user.subscriptions:
        part = min(rest, each.credit)
        rest -= part
        taken |= {each.subscription_id: part} if part else {}
        left.append(replace(each, credit=each.credit - part))
    after = replace(
        user,
        subscriptions=tuple(left),
        credit_balance=user.credit_balance - from_balance,
        version=user.version + 1,
    )
    return after, taken, owed - from_balance


def give_again(user: User, taken: Mapping[str, int]) -> User:
    """The user with what `take_back` took, as far as what it was taken from still stands."""
    left = tuple(replace(each, credit=each.credit + taken.get(each.subscription_id, 0)) for each in user.subscriptions)
    balance = user.credit_balance + taken.get(BALANCE, 0)
    return replace(user, subscriptions=left, credit_balance=balance, version=user.version + 1)


def restore(user: User, returned: Subscription, now: datetime) -> User:
    """The user with a period back that was revoked, for the time it had left at its end; unchanged where that is past.

    The credit that `revoke` returned for it is taken again, as far as it is still there. Where something else runs by now, the
    period is placed like a purchase.
    """
    if returned.is_over(now) or any(each.subscription_id == returned.subscription_id for each in user.subscriptions):
        return user
    current = user.running(now)
    if current and current.end_date is None:
        return user  # nothing can be added to it
    credit = min(returned.credit, user.credit_balance)
    user = replace(user, credit_balance=user.credit_balance - credit)
    returned = replace(returned, credit=credit)
    if current or now < returned.start_date:
        return grant(user, returned, NO_CREDIT, now)
    ahead = [each for each in user.subscriptions if not each.is_over(now)]
    placed = (returned, *subscriptions.follow(ahead, returned, now))
    return replace(user, subscriptions=placed, version=user.version + 1)


def upgrade_subscription(user: User, new: Subscription, now: datetime) -> User:
    """The user with a higher plan begun at once; the unused part of what it replaces goes to the balance."""
    return grant(user, new, NO_CREDIT, now)


def downgrade_subscription(user: User, new: Subscription, now: datetime) -> User:
    """The user with a lower plan bought ahead, to begin when the higher one ends."""
    return grant(user, new, NO_CREDIT, now)


def _place(user: User, new: Subscription, now: datetime) -> tuple[Subscription, ...]:
    current = user.running(now)
    if current and current.tier == new.tier and plans.tier(new.tier).is_pass and _pass_is_spent(user, now):
        others = [each for each in user.subscriptions if each is not current]
        return (current.cut(now, Status.REPLACED), *subscriptions.place(others, new, now))
    return subscriptions.place(user.subscriptions, new, now)


def may_buy(email: str | None, tier: Tier, academic_domains: Sequence[str]) -> bool:
    """Whether a tier is for sale to somebody with that e-mail address: academic ones may be limited to academic domains."""
    if not tier.academic or not academic_domains:
        return True
    domain = (email or "").rpartition("@")[2].lower()
    suffixes = [each.lower().lstrip(".") for each in academic_domains]
    return any(domain == suffix or domain.endswith(f".{suffix}") for suffix in suffixes)


def cheapest_offer(user: User, unit: Unit | None, now: datetime, academic_domains: Sequence[str] = ()) -> Quote | None:
    """The plan with the lowest price that would let one more call through now, as this user would pay for it.

    `unit` is what the call takes, None where it takes a place in the hour only.
    """
    for tier, plan in plans.offers():
        if may_buy(user.email, tier, academic_domains) and _would_allow(user, tier, unit, now):
            try:
                return quote(user, tier, plan, now)
            except Conflict:
                continue
    return None


def _would_allow(user: User, tier: Tier, unit: Unit | None, now: datetime) -> bool:
    current = user.running(now)
    if current and plans.RANK[tier.id] < plans.RANK[current.tier]:
        return False  # it would only begin when the running one ends
    if tier.calls_per_hour <= user.counters.get(rate_counter(now), 0):
        return False  # the hour's count carries over to the new plan
    if unit is None:
        return True
    limit = tier.limits[unit]
    if limit.count is None or limit.window is Window.PASS:
        return limit.count != 0
    same = current is not None and current.tier == tier.id
    return not same and limit.count > user.counters.get(counter(unit, limit.window, now), 0)
