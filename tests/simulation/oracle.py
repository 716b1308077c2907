"""What ought to be so, by a model written apart from the product: plans, periods, quotas and money, one thing after the other.

It takes nothing of the product's: prices and limits are written down here once more, months are counted here once more.
Only for histories in which one act follows the other and nothing goes wrong.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.simulation.history import Act, Life

INDIA = timezone(timedelta(hours=5, minutes=30))
FREE = "free"
RANKS = ("free", "one-time", "student", "pro", "premium", "lifetime")
PRICES = {
    ("one-time", "one-time"): 4_900,
    ("student", "quarterly"): 9_900,
    ("pro", "monthly"): 14_900,
    ("pro", "yearly"): 149_000,
    ("premium", "monthly"): 24_900,
    ("premium", "yearly"): 249_000,
    ("lifetime", "lifetime"): 49_900,
}
PASS = timedelta(days=30)
MONTHS = {"monthly": 1, "quarterly": 3, "yearly": 12}
RESUMES: dict[str, int | None] = {"free": 1, "one-time": 1}  # the others: without limit
LETTERS: dict[str, int | None] = {"free": 0, "one-time": 0, "student": 5, "pro": 5}
HOURLY = {"free": 10, "one-time": 20, "student": 100, "pro": 100, "premium": 500, "lifetime": 500}
UNITS = {"/api/ai/parse-resume": "resumes", "/api/ai/cover-letter": "letters"}


@dataclass(slots=True)
class Period:
    """What was paid for, from one instant to another; for ever where there is no end."""

    tier: str
    start: datetime
    end: datetime | None
    value: int
    anchor: int
    gone: bool = False

    def runs(self, now: datetime) -> bool:
        return not self.gone and self.start <= now and (self.end is None or now < self.end)

    def ahead(self, now: datetime) -> bool:
        return not self.gone and (self.end is None or now < self.end)


@dataclass(slots=True)
class User:
    """One user as the model has it."""

    periods: list[Period] = field(default_factory=list)
    used: dict[tuple[str, object], int] = field(default_factory=dict)
    paid: int = 0

    def running(self, now: datetime) -> Period | None:
        return next((each for each in self.periods if each.runs(now)), None)

    def tier(self, now: datetime) -> str:
        found = self.running(now)
        return found.tier if found else FREE

    def call(self, path: str, now: datetime) -> int:
        """The status that a call gets; one that is let in is counted."""
        tier, unit = self.tier(now), UNITS.get(path)
        hour = ("hour", int(now.timestamp()) // 3600)
        limits = {"resumes": RESUMES, "letters": LETTERS}
        limit = limits[unit].get(tier) if unit else None
        window = self._window(unit or "", tier, now)
        if limit is not None and self.used.get(window, 0) >= limit:
            return 403
        if self.used.get(hour, 0) >= HOURLY[tier]:
            return 429
        self.used[hour] = self.used.get(hour, 0) + 1
        if unit:
            self.used[window] = self.used.get(window, 0) + 1
        return 200

    def _window(self, unit: str, tier: str, now: datetime) -> tuple[str, object]:
        if tier == "one-time" and unit == "resumes":
            return unit, id(self.running(now))  # of that very pass
        local = now.astimezone(INDIA)
        return unit, (local.year, local.month)

    def refuses(self, tier: str, now: datetime) -> bool:
        """Whether buying it now makes no sense: nothing to add to, or the pass is not spent."""
        found = self.running(now)
        if found is None:
            return False
        unspent = tier == found.tier == "one-time" and not self.used.get(("resumes", id(found)))
        return found.end is None or unspent

    def extends(self, tier: str, now: datetime) -> bool:
        """Whether it is the simple case that the model knows: nothing else stands, or the same is to last longer."""
        return all(each.tier == tier for each in self.periods if each.ahead(now)) and tier != "one-time"

    def buy(self, tier: str, plan: str, now: datetime) -> None:
        standing = [each for each in self.periods if each.ahead(now)]
        last = standing[-1] if standing else None
        begins = last.end if last and last.end else now.replace(microsecond=0)
        anchor = last.anchor if last else begins.astimezone(INDIA).day
        months = MONTHS.get(plan)
        end = later(begins, months, anchor) if months else begins + PASS if plan == "one-time" else None
        self.periods.append(Period(tier, begins, end, PRICES[tier, plan], anchor))


def later(start: datetime, months: int, anchor: int) -> datetime:
    """So many months later in India, on the anchor's day or the month's last."""
    local = start.astimezone(INDIA)
    first = date(local.year + (local.month - 1 + months) // 12, (local.month - 1 + months) % 12 + 1, 1)
    day = min(anchor, monthrange(first.year, first.month)[1])
    return local.replace(year=first.year, month=first.month, day=day).astimezone(UTC)


class DisagreedError(AssertionError):
    """Product and model do not say the same."""


@dataclass(slots=True)
class Watch:
    """The model beside a life. `lost`: something happened that it does not know (upgrades, bought ahead); it says no more."""

    user: User = field(default_factory=User)
    order: tuple[str, str] | None = None
    bought: set[str] = field(default_factory=set)
    lost: bool = False
    compared: int = 0

    def see(self, life: Life, act: Act, status: int, told: dict[str, Any]) -> None:
        """Compare an answer with the model's."""
        if self.lost:
            return
        now = datetime.fromtimestamp(life.ground.baton.seconds, UTC)
        handle = {"ai": self._ai, "order": self._order, "verify": self._verify, "status": self._status}.get(act.kind)
        if handle:
            self.compared += 1
            handle(act, status, told, now)

    def _ai(self, act: Act, status: int, _: dict[str, Any], now: datetime) -> None:
        path = act.get("path")
        wanted = self.user.call(path, now)
        self._same(f"{path} at {now:%Y-%m-%d %H:%M:%S} as {self.user.tier(now)}", wanted, status)

    def _order(self, act: Act, status: int, told: dict[str, Any], now: datetime) -> None:
        tier, plan = act.get("tier"), act.get("plan")
        refused = self.user.refuses(tier, now)
        self._same(f"order of {tier}", 409 if refused else 200, status)
        self.order = None
        if refused:
            return
        if not self.user.extends(tier, now) and self.user.running(now):
            self.lost = True
            return
        self.order = (tier, plan)
        self._same(f"price of {tier}/{plan}", PRICES[tier, plan], told["amount"])

    def _verify(self, _: Act, status: int, told: dict[str, Any], now: datetime) -> None:
        if self.order is None or told.get("razorpayPaymentId") in self.bought:
            return
        tier, plan = self.order
        self._same("verify", 200, status)
        self.bought.add(told["razorpayPaymentId"])
        self.user.buy(tier, plan, now)
        mine = self.user.periods[-1]
        self._same("tier", tier, told["tier"])
        for name, instant in (("startDate", mine.start), ("endDate", mine.end)):
            there = datetime.fromisoformat(told[name]) if told[name] else None
            near = instant == there or (instant and there and abs(instant - there) < timedelta(seconds=2))
            if not near:
                raise DisagreedError(f"O1 {name}: the model says {instant} and the product {there}")
        if len(self.user.periods) == 1 or self.user.periods[-2].end != mine.start:
            mine.anchor = datetime.fromisoformat(told["startDate"]).astimezone(INDIA).day  # the clock ticked meanwhile
        if mine.end and told["endDate"]:
            mine.start, mine.end = datetime.fromisoformat(told["startDate"]), datetime.fromisoformat(told["endDate"])

    def _status(self, _: Act, __: int, told: dict[str, Any], now: datetime) -> None:
        self._same(f"status at {now:%Y-%m-%d %H:%M:%S}", self.user.tier(now), told["tier"])

    def _same(self, what: str, ours: object, theirs: object) -> None:
        if ours != theirs:
            raise DisagreedError(f"O1 {what}: the model says {ours} and the product {theirs}")


def live(life: Life) -> None:
    """A life with the model watching. Raises DisagreedError, and whatever else breaks."""
    watch = Watch()
    life.seen = watch.see
    life.live()
