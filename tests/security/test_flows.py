"""API6 of the OWASP top ten, the flows of the business: whoever schemes with plan changes gets nothing cheaper than its price."""

from __future__ import annotations

import random
from collections import Counter
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise

from tests.unit.factories import NOW, a_user
from tollgate import entitlements, plans, purchases, subscriptions
from tollgate.errors import Conflict, InvalidRequest
from tollgate.plans import Unit, Window
from tollgate.purchases import CreditGoneError
from tollgate.users import User

ACTORS, MOVES = 1_000, 30
OFFERS = [(tier, plan) for tier, plan in plans.offers() if plan.price_paise]
FOR_EVER = 10**9


class Actor:
    """Somebody who buys, waits and uses at random, and what it brought them by our own count."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)  # noqa: S311 -- a reproducible draw
        self.user: User = a_user()
        self.now = NOW
        self.paid = self.passes = 0
        self.had = Fraction(0)  # paise: the time that plans ran, each at its list price
        self.taken: Counter[tuple[Unit, Window, str]] = Counter()
        self.most: dict[tuple[Unit, Window, str], float] = {}

    def buy(self) -> None:
        """One of the plans, where that makes sense."""
        tier, plan = self.rng.choice(OFFERS[:-1] if self.rng.randrange(20) else OFFERS)
        try:
            quoted = purchases.quote(self.user, tier, plan, self.now)
            name = f"tgs_{self.paid}_{len(self.user.subscriptions)}_{self.rng.random()}"
            new = subscriptions.bought(name, tier.id, plan.id, self.now)
            new = new.paid(amount=quoted.payable, credit=quoted.credit.used, order_id=f"o{name}", payment_id=f"p{name}")
            self.user = purchases.grant(self.user, new, quoted.credit, self.now)
        except (Conflict, InvalidRequest, CreditGoneError):
            return
        self.paid += quoted.payable
        self.passes += tier.is_pass

    def wait(self) -> None:
        """Up to six weeks, in which plans run and are worth their price."""
        until = self.now + timedelta(seconds=self.rng.randrange(self.rng.choice([3_600, 86_400, 42 * 86_400])))
        turns = {at for each in self.user.subscriptions for at in (each.start_date, each.end_date) if at}
        marks = [self.now, *sorted(at for at in turns if self.now < at < until), until]
        for begun, ended in pairwise(marks):
            running = self.user.running(begun + (ended - begun) / 2)
            if running and running.end_date:
                plan = plans.find(running.tier, running.plan)
                assert plan
                lasts = int((running.end_date - running.start_date).total_seconds())
                self.had += Fraction(plan[1].price_paise * int((ended - begun).total_seconds()), lasts)
        self.now = until

    def use(self) -> None:
        """As much of a unit as they are let, or a few."""
        unit = self.rng.choice(list(Unit))
        for _ in range(self.rng.choice([1, 12])):
            limit = entitlements.get_usage_limit(self.user, unit, self.now)
            if entitlements.has_reached_limit(self.user, unit, self.now):
                return
            self.user = entitlements.increment_usage(self.user, unit, self.now)
            key = (unit, limit.window, span(limit.window, self.now))
            self.taken[key] += 1
            self.most[key] = max(self.most.get(key, 0), FOR_EVER if limit.count is None else limit.count)


def span(window: Window, now: datetime) -> str:
    """The day or month in India that an instant falls into."""
    stamp = (now + timedelta(hours=5, minutes=30)).date().isoformat()
    return {Window.DAY: stamp, Window.MONTH: stamp[:7]}.get(window, "")


def test_api6_a_thousand_actors_get_no_day_and_no_unit_cheaper_than_the_plan_that_gives_it() -> None:
    changes = 0
    for seed in range(ACTORS):
        actor = Actor(seed)
        for _ in range(MOVES):
            actor.rng.choice([actor.buy, actor.wait, actor.use])()
        left = actor.user.credit_balance + sum(each.unused(actor.now) for each in actor.user.subscriptions)
        assert actor.paid - left >= actor.had, seed
        changes += any(each.status is subscriptions.Status.REPLACED for each in actor.user.subscriptions)
        for (unit, window, when), taken in actor.taken.items():
            most = actor.most[unit, window, when] * (actor.passes if window is Window.PASS else 1)
            assert taken <= most, (seed, unit, window, when)
    assert changes > ACTORS // 4
