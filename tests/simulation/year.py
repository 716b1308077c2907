"""A year of a thousand users: they buy, call, get refunds; schedules run; every day everything that was touched is judged."""

from __future__ import annotations

import os
import sys
import time
from collections import defaultdict
from contextlib import redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.simulation.baton import drawn
from tests.simulation.ground import begin
from tests.simulation.history import Act, Known, Life, Plan
from tests.simulation.plans import PATHS, PRODUCTS
from tollgate import invariants
from tollgate.invariants import Facts, Told

USERS, DAYS = 1000, 365
DAY = 86_400
BUYS, CALLS, REFUNDS = 3, 30, 0.3  # a day
START = datetime(2026, 12, 1, 3, 30, tzinfo=UTC).timestamp()  # nine in the morning in India

type Json = dict[str, Any]


class Year:
    """The year as far as it went."""

    def __init__(self, users: int = USERS, days: int = DAYS, seed: int = 1) -> None:
        self.users, self.days = users, days
        self.random = drawn(seed)
        self.life: Life = begin(Plan(seed, "year", START, (), ("QueueNotices",)))
        self.touched: set[int] = set()
        self.judged = self.acts = self.heard = 0

    def live(self) -> None:
        """All of it. Raises Broken, or AssertionError with what does not hold."""
        begun = time.monotonic()
        for day in range(self.days):
            self._day(day)
            self._judge(everybody=day == self.days - 1)
            if day % 30 == 29:
                self._say(day, begun)
            self.life.ground.baton.seconds = START + (day + 1) * DAY

    def _say(self, day: int, begun: float) -> None:
        spent = time.monotonic() - begun
        told = f"{day + 1} days, {self.acts} acts, {self.judged} users judged, {spent:.0f} s, {time.process_time():.0f} of CPU"
        print(told, file=sys.stderr, flush=True)  # noqa: T201 -- a command

    def _day(self, day: int) -> None:
        for _ in range(self._often(BUYS)):
            self._buys(self.random.randrange(self.users))
        for _ in range(self._often(CALLS)):
            self._does(Act("ai", self.random.randrange(self.users), (("path", self.random.choice(PATHS)),)))
        if self.random.random() < REFUNDS and day:
            self.life._refund(Act("refund", 0, (("pick", self.random.random()),)))  # noqa: SLF001 -- ours
        self._events()
        for name in ("expire", "reset", "remind", "reconcile"):
            self._does(Act("job", -1, (("name", name),)))
        self._does(Act("stream", -1))

    def _often(self, mean: float) -> int:
        return self.random.randrange(int(2 * mean) + 1)

    def _buys(self, user: int) -> None:
        tier, plan = self.random.choice(PRODUCTS)
        self.life.orders.clear()
        self.life.proofs.clear()
        self._does(Act("order", user, (("tier", tier), ("plan", plan))))
        self._does(Act("pay", user))
        if self.random.random() < 0.7:
            self._does(Act("verify", user))

    def _does(self, act: Act) -> None:
        self.acts += 1
        if act.user >= 0:
            self.touched.add(act.user)
        getattr(self.life, f"_{act.kind}")(act)
        self.life._run(judged=False)  # noqa: SLF001 -- ours
        self.life.log.clear()
        self.life.asked.clear()

    def _events(self) -> None:
        life = self.life
        account = life.ground.gateway.engine.account
        life.ground.gateway.engine.now()
        for place in range(self.heard, len(account.post.deliveries)):
            if place not in life.delivered:
                life._webhook(Act("deliver", -1), place)  # noqa: SLF001 -- ours
                life._run(judged=False)  # noqa: SLF001 -- ours
                self.acts += 1
        self.heard = len(account.post.deliveries)

    # Judging

    def _judge(self, *, everybody: bool) -> None:
        rows = self._by_user()
        told = self._told()
        names = range(self.users) if everybody else sorted(self.touched)
        for number in names:
            user = f"user-{self.life.plan.seed}-{number}"
            found = invariants.broken(self._facts(user, rows, told), at_rest=True)
            self.judged += 1
            assert not found, "\n".join(map(str, found))
        self.touched.clear()

    def _by_user(self) -> dict[tuple[str, str], list[Json]]:
        found: dict[tuple[str, str], list[Json]] = defaultdict(list)
        for table in ("UsersTable", "SubscriptionsTable", "PaymentsTable", "UsageLogsTable"):
            for row in self.life._rows(table):  # noqa: SLF001 -- ours
                found[table, row.get("userId", "")].append(row)
        return found

    def _told(self) -> dict[str, dict[str, Told]]:
        account = self.life.ground.gateway.engine.account
        found: dict[str, dict[str, Told]] = defaultdict(dict)
        for each in account.payments.values():
            owner = account.orders[each["order_id"]]["notes"]["userId"]
            found[owner][each["id"]] = Told(
                amount=each["amount"],
                currency=each["currency"],
                captured=bool(each["captured"]),
                refunded=each["amount_refunded"],
            )
        return found

    def _facts(self, user: str, rows: dict[tuple[str, str], list[Json]], told: dict[str, dict[str, Told]]) -> Facts:
        now = self.life._now()  # noqa: SLF001 -- ours
        usage = [
            each
            for each in rows["UsageLogsTable", user]
            if each.get("expiresAt", now.timestamp() + 1) > now.timestamp()
        ]
        record = rows["UsersTable", user]
        return Known(
            user_id=user,
            now=now,
            record=record[0] if record else None,
            periods=rows["SubscriptionsTable", user],
            ledger={row["id"]: row for row in rows["PaymentsTable", user] if "id" in row},
            usage=usage,
            gateway=told.get(user, {}),
        )


def main(users: int = USERS, days: int = DAYS) -> int:
    """The command."""
    begun = time.monotonic()
    year = Year(users, days)
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
        year.live()  # what the handlers log goes nowhere
    spent = time.monotonic() - begun
    told = f"{year.acts} acts, {year.judged} times a user judged, {spent:.0f} s, {time.process_time():.0f} of CPU"
    print(f"{users} users, {days} days: all holds; {told}")  # noqa: T201 -- a command
    return 0
