"""How large a user's record gets in twelve months of use: from 1,024 bytes on every write of it costs twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from bench import report
from bench.report import Goal
from bench.session import Session
from tests.simulation.store import Store
from tests.simulation.values import item_size
from tollgate import calendar, ids, plans, purchases, resets, subscriptions
from tollgate.errors import Refusal
from tollgate.metering import Action, Call
from tollgate.plans import Ai, Plan, Tier
from tollgate.store import admission, dynamodb, users
from tollgate.store.admission import Ended

MONTHS = 12
BEGIN = datetime(2026, 12, 1, 4, 30, tzinfo=UTC)
DAYS = (0, 3, 9, 17, 26)  # of each month, on which a user does every kind of thing
MICRO_USD = 12_345  # that each call costs
USER = "auth0|66f1c2d3e4b5a69788776655"  # as identity providers name people
EMAIL = "asha.verma.pune@example.com"


class Months:
    """A user's months on a store of their own. `now` is its clock."""

    def __init__(self, session: Session) -> None:
        self.now = BEGIN
        self.store = Store(session.ground.template.tables, lambda: self.now)
        self.resting, self.largest = 0, 0

    def use(self, tier: Tier, plan: Plan | None, *, jobs: bool) -> None:
        """Twelve months of it, with the monthly job running or dead."""
        for month in range(MONTHS):
            start = calendar.add_months(BEGIN, month, BEGIN.day)
            for day in DAYS:
                self.now = start + timedelta(days=day, minutes=37 * month)
                self._buy(tier, plan)
                for number, action in enumerate(Action):
                    self._call(action, f"{month:02}-{day:02}-{number:02}")
                if jobs:
                    resets.reset(self.now + timedelta(hours=20), lambda: True)
            self.resting = max(self.resting, self._size())

    def _buy(self, tier: Tier, plan: Plan | None) -> None:
        before = users.get(USER)
        if plan is None or (before and before.running(self.now)):
            return
        user = before or users.fresh(USER, EMAIL, self.now)
        new = subscriptions.bought(ids.subscription_id(self.now), tier.id, plan.id, self.now)
        new = new.paid(
            amount=plan.price_paise, credit=0, order_id="order_R7xKq2mVbN4sLp", payment_id="pay_R7xKq2mVbN4sLp"
        )
        after = purchases.grant(user, new, purchases.NO_CREDIT, self.now)
        dynamodb.send("transact_write_items", TransactItems=[{"Update": users.change(after, before, self.now)}])

    def _call(self, action: Action, name: str) -> None:
        call = Call(user_id=USER, email=EMAIL, request_id=f"2c5ea4c0-4067-11e9-8{name}", action=action, at=self.now)
        try:
            admitted = admission.admit(call)
        except Refusal:
            return
        self.largest = max(self.largest, self._size())
        ended = Ended(rows=[], micro_usd=MICRO_USD, chosen=admitted.lease.chosen)
        admission.settle(admitted, ended, admitted.lease.chosen or Ai.GEMINI)

    def _size(self) -> int:
        return max(map(item_size, self.store.items("UsersTable")), default=0)


def items(session: Session) -> list[Goal]:
    """Print and save the sizes, plan by plan."""
    wanted: list[tuple[Tier, Plan | None]] = [(plans.BASE, None), *plans.offers()]
    found: dict[str, dict[str, Any]] = {}
    for tier, plan in wanted:
        name = f"{tier.id} {plan.id}" if plan else tier.id
        for jobs in (True, False):
            with _months(session) as months:
                months.use(tier, plan, jobs=jobs)
            row = found.setdefault(name, {})
            row["jobs run" if jobs else "jobs dead"] = {"resting": months.resting, "largest": months.largest}
    report.progress("items: twelve months of each plan")
    report.table(
        f"A user's record after {MONTHS} months, bytes as DynamoDB counts them",
        ("plan", "at rest", "during a call", "at rest, jobs dead", "during a call, jobs dead"),
        [
            [name, *(str(each[which][size]) for which in ("jobs run", "jobs dead") for size in ("resting", "largest"))]
            for name, each in found.items()
        ],
        f"{len(DAYS)} days a month with every kind of call; bought again whenever it has ended. Largest of all months.",
    )
    report.save("items", session.facts, found)
    return []


@contextmanager
def _months(session: Session) -> Iterator[Months]:
    months = Months(session)
    with dynamodb.using(months.store):
        yield months
