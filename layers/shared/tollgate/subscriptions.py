"""Subscriptions as values: what was bought, for how long, and what happens to it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from tollgate import money, plans


class Status(StrEnum):
    """Where a subscription stands."""

    PENDING = "pending"
    ACTIVE = "active"
    SCHEDULED = "scheduled"
    PAST_DUE = "past_due"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"
    REPLACED = "replaced"


ENDED = frozenset({Status.REFUNDED, Status.REPLACED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One period of one plan that somebody paid for.

    `amount` is what was charged and `credit` what an earlier plan contributed, both in paise: together they are the
    value of the period, less what was `refunded` of it. `credited` is what it gave as credit when another plan took its place.
    `end_date` None is for ever. `anchor_day` is the day of the month its chain keeps to.
    `razorpay_subscription_id` is the mandate that paid for it or is to renew it. While `auto_renew` stands, access outlasts
    `end_date` by `grace_days`: a renewal is tried for days.
    """

    subscription_id: str
    tier: str
    plan: str
    amount: int
    start_date: datetime
    end_date: datetime | None
    anchor_day: int
    created_at: datetime
    currency: str = plans.CURRENCY
    credit: int = 0
    refunded: int = 0
    credited: int = 0
    status: Status = Status.ACTIVE
    razorpay_order_id: str | None = None
    razorpay_payment_id: str | None = None
    razorpay_subscription_id: str | None = None
    auto_renew: bool = False
    grace_days: int = 0
    cancelled_at: datetime | None = None
    cancel_reason: str | None = None

    @property
    def value(self) -> int:
        """What the period is worth, in paise."""
        return max(self.amount + self.credit - self.refunded, 0)

    @property
    def is_given_back(self) -> bool:
        """Whether all that was charged for it went back."""
        return 0 < self.amount <= self.refunded

    def paid(self, *, amount: int, credit: int, order_id: str | None, payment_id: str) -> Subscription:
        """With what was paid for it."""
        return replace(self, amount=amount, credit=credit, razorpay_order_id=order_id, razorpay_payment_id=payment_id)

    @property
    def access_end(self) -> datetime | None:
        """The instant its access ends: the end that was paid for, and the grace while a renewal is under way."""
        return self.end_date + timedelta(days=self.grace_days) if self.end_date and self.auto_renew else self.end_date

    @property
    def is_cycle(self) -> bool:
        """Whether a mandate paid for it, so that Razorpay says when it ends."""
        return self.razorpay_subscription_id is not None and self.razorpay_order_id is None

    def is_active(self, now: datetime) -> bool:
        """Whether it gives access at `now`: from its start on, up to but not at its end, or the end of its grace."""
        return (
            self.status not in ENDED and self.start_date <= now and (self.access_end is None or now < self.access_end)
        )

    def is_past_due(self, now: datetime) -> bool:
        """Whether only the grace gives access at `now`."""
        return self.is_active(now) and self.end_date is not None and self.end_date <= now

    def is_over(self, now: datetime) -> bool:
        """Whether it will never give access again."""
        return self.status in ENDED or (self.access_end is not None and self.access_end <= now)

    def status_at(self, now: datetime) -> Status:
        """The status a person would name at `now`; no job has to have run."""
        if self.status in ENDED:
            return self.status
        if self.is_over(now):
            return Status.EXPIRED
        if now < self.start_date:
            return Status.SCHEDULED
        if self.is_past_due(now):
            return Status.PAST_DUE
        return Status.CANCELLED if self.cancelled_at else Status.ACTIVE

    def standing(self, now: datetime) -> Status:
        """The status that is written down: scheduled, active, expired, or how it was ended. Its dates tell the rest."""
        if self.status in ENDED:
            return self.status
        if self.is_over(now):
            return Status.EXPIRED
        return Status.SCHEDULED if now < self.start_date else Status.ACTIVE

    def due_at(self, now: datetime) -> datetime | None:
        """The next instant at which the clock alone changes its standing: its start, or the end of its access; None is never."""
        if self.is_over(now):
            return None
        return self.start_date if now < self.start_date else self.access_end

    def days_remaining(self, now: datetime) -> int | None:
        """Days of access left, a begun day counting whole; None is for ever."""
        if self.end_date is None:
            return None
        return max(-((now - self.end_date) // timedelta(days=1)), 0)

    def can_renew(self, now: datetime) -> bool:
        """Whether buying the same plan again makes sense."""
        del now  # a plan that ends can be renewed before and after its end
        return self.end_date is not None

    def unused(self, now: datetime) -> int:
        """The value of the time not used yet, in whole paise, floored. Passes and plans without end give none."""
        if self.is_over(now) or self.end_date is None or not plans.tier(self.tier).gives_credit:
            return 0
        bought = self.end_date - self.start_date
        left = max(self.end_date - max(now, self.start_date), timedelta(0))  # the grace is worth nothing
        return money.share(self.value, int(left.total_seconds()), int(bought.total_seconds()))

    def cancel(self, now: datetime, reason: str | None = None) -> Subscription:
        """Not renewed any more; access stays until the end."""
        return replace(
            self, auto_renew=False, cancelled_at=self.cancelled_at or now, cancel_reason=reason or self.cancel_reason
        )

    def cut(self, now: datetime, status: Status) -> Subscription:
        """Ended at `now` by a refund or by another plan taking its place."""
        end = self.end_date if self.end_date and self.end_date < now else now
        return replace(self, end_date=max(end, self.start_date), status=status, auto_renew=False)

    def renew(self, now: datetime, subscription_id: str) -> Subscription:
        """The next period of the same plan: right after this one, or from `now` if this one is over."""
        fresh = bought(subscription_id, self.tier, self.plan, now)
        return _lay_out([fresh], now, None if self.is_over(now) else self)[0]


def bought(subscription_id: str, tier: str, plan: str, now: datetime) -> Subscription:
    """A plan as the catalogue sells it, not yet placed on anybody's timeline. Raises KeyError for an unknown plan."""
    found = plans.find(tier, plan)
    if found is None:
        raise KeyError(f"{tier}/{plan}")
    fresh = Subscription(
        subscription_id=subscription_id,
        tier=tier,
        plan=plan,
        amount=found[1].price_paise,
        start_date=now,
        end_date=None,
        anchor_day=plans.anchor(now),
        created_at=now,
    )
    return _begin(fresh, now, None)


def running(subscriptions: Iterable[Subscription], now: datetime) -> Subscription | None:
    """The subscription that gives access at `now`; of several, while one is past due, the highest, paid time before grace."""
    active = [each for each in subscriptions if each.is_active(now)]
    return max(active, key=lambda each: (plans.RANK[each.tier], not each.is_past_due(now)), default=None)


def chain(subscriptions: Iterable[Subscription], now: datetime) -> tuple[Subscription, ...]:
    """The running subscription and those of the same tier that follow it without a gap."""
    standing = list(subscriptions)
    links = [current] if (current := running(standing, now)) else []
    for each in standing:
        if links and each.tier == links[-1].tier and each.start_date == links[-1].end_date and each.status not in ENDED:
            links.append(each)
    return tuple(links)


def chain_status(links: tuple[Subscription, ...]) -> Status:
    """How a chain of subscriptions stands: cancelled where its last link is; what everybody has is active."""
    return Status.CANCELLED if links and links[-1].cancelled_at else Status.ACTIVE


def next_change(subscriptions: Iterable[Subscription], now: datetime) -> datetime | None:
    """The next instant at which the running subscription changes by the clock alone."""
    live = [each for each in subscriptions if not each.is_over(now)]
    edges = [edge for each in live for edge in (each.start_date, each.end_date, each.access_end)]
    return min((edge for edge in edges if edge is not None and edge > now), default=None)


def place(subscriptions: Iterable[Subscription], new: Subscription, now: datetime) -> tuple[Subscription, ...]:
    """The timeline with `new` on it: highest tier first, then in the order of purchase, without gaps.

    A higher tier than the running one begins at once and takes the place of all that gives credit; the same or a lower one
    begins where what ranks at least as high ends, and what was bought ahead below it moves back. Nothing paid is lost.
    Where nothing runs, what was bought ahead waits no longer.
    """
    timeline = [each for each in subscriptions if not each.is_over(now)]
    current = running(timeline, now)
    rank = plans.RANK[new.tier]
    if current and rank > plans.RANK[current.tier]:
        kept = [each for each in timeline if each is not current and not gives_way(each, new)]
        replaced = [each.cut(now, Status.REPLACED) for each in timeline if each not in kept]
        return (*replaced, *_lay_out([new, *kept], now))
    before = [each for each in timeline if plans.RANK[each.tier] >= rank]
    after = [each for each in timeline if plans.RANK[each.tier] < rank]
    if current is None:
        return tuple(_lay_out([*before, new, *after], now))
    return (*before, *_lay_out([new, *after], now, before[-1]))


def add_cycle(subscriptions: Iterable[Subscription], cycle: Subscription, now: datetime) -> tuple[Subscription, ...]:
    """The timeline with a mandate's cycle on it, whose dates are Razorpay's; what was bought ahead moves back behind it.

    Cycles may come in any order, and late. Where another tier runs, the cycle is placed as a purchase would be. What already
    reaches into the cycle lengthens it by as much, so that nothing paid is lost.
    """
    timeline = [each for each in subscriptions if not each.is_over(now)]
    current = running(timeline, now)
    if current and current.tier != cycle.tier:
        return place(timeline, cycle, now)
    before = [each for each in timeline if each.tier == cycle.tier and _precedes(each, cycle)]
    later = [each for each in timeline if each.tier == cycle.tier and each.is_cycle and each not in before]
    moved = [each for each in timeline if each not in before and each not in later]
    laid: list[Subscription] = []
    for each in sorted(
        [cycle, *later], key=lambda each: each.start_date
    ):  # later ones may have been placed as purchases
        laid.append(_after(each, laid[-1] if laid else before[-1] if before else None))
    renewed = [replace(each, auto_renew=False) for each in before]  # the cycle is what is renewed next
    return (*renewed, *laid, *_lay_out(moved, now, laid[-1]))


def _precedes(each: Subscription, cycle: Subscription) -> bool:
    return each.start_date < cycle.start_date or (each.is_cycle and each.start_date == cycle.start_date)


def _after(cycle: Subscription, previous: Subscription | None) -> Subscription:
    if previous is None or previous.end_date is None or cycle.end_date is None or previous.end_date < cycle.start_date:
        return cycle
    late = previous.end_date - cycle.start_date
    return replace(cycle, start_date=previous.end_date, end_date=cycle.end_date + late, anchor_day=previous.anchor_day)


def renewed_by(
    subscriptions: Iterable[Subscription], mandate: str, tier: str, grace_days: int, first_charge: datetime | None
) -> tuple[Subscription, ...]:
    """The timeline on which the mandate renews the last period of its tier: one that it paid for or renewed before, or one
    that was paid up to its first charge. An authorisation alone thus never opens anything."""
    timeline = tuple(subscriptions)
    fit = [
        each
        for each in timeline
        if each.tier == tier
        and each.status not in ENDED
        and not each.is_given_back
        and each.end_date is not None
        and (each.razorpay_subscription_id == mandate or (first_charge is not None and each.end_date >= first_charge))
    ]
    if not fit:
        return timeline
    last = max(fit, key=lambda each: each.start_date)
    renewed = replace(last, auto_renew=True, grace_days=grace_days, razorpay_subscription_id=mandate, cancelled_at=None)
    others = {each.subscription_id for each in timeline if each.tier == tier and each is not last and each.auto_renew}
    return tuple(
        renewed if each is last else replace(each, auto_renew=False) if each.subscription_id in others else each
        for each in timeline
    )


def not_renewed_by(subscriptions: Iterable[Subscription], mandate: str) -> tuple[Subscription, ...]:
    """The timeline that the mandate renews no more: access lasts to the paid end."""
    return tuple(
        replace(each, auto_renew=False) if each.auto_renew and each.razorpay_subscription_id == mandate else each
        for each in subscriptions
    )


def revoke(subscriptions: Iterable[Subscription], subscription_id: str, now: datetime) -> tuple[Subscription, ...]:
    """The timeline without one period, which was refunded: what follows it moves forward. Unchanged where it is over already."""
    timeline = list(subscriptions)
    gone = next((each for each in timeline if each.subscription_id == subscription_id and not each.is_over(now)), None)
    if gone is None:
        return tuple(timeline)
    before = [each for each in timeline if each is not gone and each.start_date < gone.start_date]
    after = [each for each in timeline if each is not gone and each not in before]
    ahead = [each for each in before if not each.is_over(now)]
    return (*before, gone.cut(now, Status.REFUNDED), *_lay_out(after, now, ahead[-1] if ahead else None))


def gives_way(subscription: Subscription, new: Subscription) -> bool:
    """Whether a higher tier takes its place: against credit, or for ever; a pass bought ahead waits for any other."""
    return plans.tier(subscription.tier).gives_credit or new.end_date is None


def follow(subscriptions: Iterable[Subscription], first: Subscription, now: datetime) -> tuple[Subscription, ...]:
    """These subscriptions, one after the other from the end of `first` on."""
    return tuple(_lay_out(subscriptions, now, first))


def laid_again(subscriptions: Iterable[Subscription], now: datetime) -> tuple[Subscription, ...]:
    """The timeline with what waits behind another tier where that one's access ends by now: its renewal was turned on or off."""
    timeline = tuple(subscriptions)
    current = running(timeline, now)
    waiting = [each for each in timeline if each.start_date > now and not each.is_over(now)]
    if current is None:
        moved = [each for each in waiting if not each.is_cycle]  # a mandate's cycle begins when Razorpay says
        previous = None
    else:
        moved = [each for each in waiting if each.tier != current.tier]
        same = [each for each in timeline if each.tier == current.tier and not each.is_over(now)]
        previous = max(same, key=lambda each: (each.start_date, each is current))
    if not moved:
        return timeline
    moved.sort(key=lambda each: each.start_date)
    placed = _lay_out(moved, now, previous)
    if current is None:
        placed += _behind([each for each in waiting if each.is_cycle], placed)
    laid = {each.subscription_id: each for each in placed}
    return tuple(laid.get(each.subscription_id, each) for each in timeline)


def _behind(cycles: Iterable[Subscription], placed: Iterable[Subscription]) -> list[Subscription]:
    """Cycles that wait, moved back where what was just placed reaches into one of the same tier: nothing paid is lost."""
    last = {each.tier: each for each in placed}
    moved = []
    for each in sorted(cycles, key=lambda each: each.start_date):
        last[each.tier] = _after(each, last.get(each.tier))
        moved.append(last[each.tier])
    return moved


def _lay_out(queue: Iterable[Subscription], now: datetime, previous: Subscription | None = None) -> list[Subscription]:
    laid: list[Subscription] = []
    for each in queue:
        if previous is not None and previous.end_date is None:
            break  # nothing comes after for ever
        start = now if previous is None else max(_free_from(previous, each), now)
        previous = _begin(each, start, previous)
        laid.append(previous)
    return laid


def _free_from(previous: Subscription, each: Subscription) -> datetime:
    # The grace of a higher plan takes no day from a lower one that was paid for.
    end = previous.end_date if previous.tier == each.tier else previous.access_end
    return end or previous.start_date


def _begin(subscription: Subscription, start: datetime, previous: Subscription | None) -> Subscription:
    chained = previous is not None and previous.tier == subscription.tier and previous.end_date == start
    anchor = previous.anchor_day if chained and previous else plans.anchor(start)
    end = _end(subscription, start, anchor)
    if subscription.is_cycle and end and subscription.end_date:
        end = max(end, subscription.end_date)  # the mandate's next cycle begins there
    return replace(subscription, start_date=start, end_date=end, anchor_day=anchor)


def _end(subscription: Subscription, start: datetime, anchor: int) -> datetime | None:
    found = plans.find(subscription.tier, subscription.plan)
    if found:
        return found[1].lasts.end(start, anchor)
    # A plan that is no longer sold: whoever holds it keeps as much time as it had.
    return start + (subscription.end_date - subscription.start_date) if subscription.end_date else None
