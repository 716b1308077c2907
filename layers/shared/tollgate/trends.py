"""What the rolled-up figures say over some days: by day, in all, and by what they are broken down by. Pure.

Amounts are paise, AI cost is micro-dollars, days are India's. Every day is there, also one on which nothing happened.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from tollgate.margin import margin
from tollgate.rollups import MONTHS_A_YEAR

type Figures = Mapping[str, int]
type Places = Mapping[str, Figures]


@dataclass(frozen=True, slots=True)
class Range:
    """Days of India, the last included."""

    first: date
    last: date

    def __iter__(self) -> Iterator[date]:
        return (self.first + timedelta(days=number) for number in range(len(self)))

    def __len__(self) -> int:
        return (self.last - self.first).days + 1


@dataclass(frozen=True, slots=True)
class Standing:
    """How users stand at the end of a day: how many in each plan, and what their plans bring in a year, in paise."""

    day: date
    users: Mapping[tuple[str, str], int]
    a_year: int

    @property
    def paying(self) -> int:
        return sum(self.users.values())

    @property
    def a_month(self) -> int:
        """Monthly recurring revenue, floored once and not plan by plan."""
        return self.a_year // MONTHS_A_YEAR

    @property
    def tiers(self) -> dict[str, int]:
        """The users in each tier."""
        found: Counter[str] = Counter()
        for (tier, _), users in self.users.items():
            found[tier] += users
        return dict(found)


def standing(places: Places, days: Range) -> list[Standing]:
    """How users stand at the end of each day, from the moves of every month through the last."""
    moves = _moves(places)
    users: Counter[tuple[str, str]] = Counter()
    a_year = 0
    found: dict[date, Standing] = {}
    for day in sorted(moves.keys() | set(days)):
        for plan, (more_users, more_a_year) in moves.get(day, {}).items():
            users[plan] += more_users
            a_year += more_a_year
        found[day] = Standing(day, {plan: number for plan, number in users.items() if number}, a_year)
    return [found[day] for day in days]


def _moves(places: Places) -> dict[date, dict[tuple[str, str], tuple[int, int]]]:
    moves: dict[date, dict[tuple[str, str], tuple[int, int]]] = {}
    for place, figures in places.items():
        month, tier, plan = place.split("#")
        for day in {name[1:] for name in figures}:
            of_day = moves.setdefault(date.fromisoformat(f"{month}-{day}"), {})
            of_day[tier, plan] = (figures.get(f"n{day}", 0), figures.get(f"y{day}", 0))
    return moves


def at(place: str) -> list[str]:
    """The parts of a place: a day, then what its series is broken down by."""
    return place.split("#")


def by(places: Places, *parts: int) -> dict[tuple[str, ...], Counter[str]]:
    """The figures added up by some parts of their places, in order."""
    found: dict[tuple[str, ...], Counter[str]] = {}
    for place, figures in places.items():
        of = at(place)
        found.setdefault(tuple(of[part] for part in parts), Counter()).update(figures)
    return dict(sorted(found.items()))


def daily(places: Places, days: Range, shown: Callable[[Figures], dict[str, int]]) -> list[dict[str, object]]:
    """One entry a day."""
    found = by(places, 0)
    return [{"date": day.isoformat(), **shown(found.get((day.isoformat(),), Counter()))} for day in days]


def in_all(places: Places) -> Counter[str]:
    """All of them added up."""
    found: Counter[str] = Counter()
    for figures in places.values():
        found.update(figures)
    return found


def money(figures: Figures) -> dict[str, int]:
    """Revenue: what came in, what of it went back, to the state and to the gateway, and what is left."""
    gst = figures.get("gst", 0) - figures.get("gstBack", 0)
    gross, refunded, chargeback, fee = (figures.get(name, 0) for name in ("gross", "refunded", "chargeback", "fee"))
    return {
        "payments": figures.get("captured", 0),
        "grossPaise": gross,
        "refunds": figures.get("refunds", 0),
        "refundedPaise": refunded,
        "chargebackPaise": chargeback,
        "gstPaise": gst,
        "feePaise": fee,
        "netPaise": gross - refunded - chargeback - gst - fee,
    }


def payments(figures: Figures) -> dict[str, int]:
    """How payments went."""
    return {
        "captured": figures.get("captured", 0),
        "capturedPaise": figures.get("gross", 0),
        "granted": figures.get("granted", 0),
        "flagged": figures.get("flagged", 0),
        "waiting": figures.get("waiting", 0),
        "failed": figures.get("failed", 0),
        "refunded": figures.get("refunds", 0),
        "refundedPaise": figures.get("refunded", 0),
        "disputed": figures.get("disputed", 0),
        "lost": figures.get("lost", 0),
    }


def calls(figures: Figures) -> dict[str, int]:
    """AI calls: attempts at a provider, those it did not answer, and what they cost."""
    return {
        "calls": figures.get("calls", 0),
        "failures": figures.get("failures", 0),
        "inputTokens": figures.get("input", 0),
        "outputTokens": figures.get("output", 0),
        "cachedTokens": figures.get("cached", 0),
        "costMicroUsd": figures.get("microUsd", 0),
    }


def margins(paid: Places, asked: Places, paise_per_usd: int) -> list[dict[str, object]]:
    """What each tier's payments left, against what its AI calls cost, in paise."""
    net = {of[0]: money(figures)["netPaise"] for of, figures in by(paid, 1).items()}
    spent = {of[0]: figures["microUsd"] for of, figures in by(asked, 1).items()}
    found: list[dict[str, object]] = []
    for tier in sorted(net.keys() | spent.keys()):
        cost = margin(0, spent.get(tier, 0), paise_per_usd).ai_cost
        left = net.get(tier, 0)
        found.append({"tier": tier, "netPaise": left, "aiCostPaise": cost, "marginPaise": left - cost})
    return found


def per_user(revenue: int, stands: Iterable[Standing]) -> int | None:
    """What a paying user brought over these days, on average, in paise; None where there was none."""
    numbers = [each.paying for each in stands]
    return revenue * len(numbers) // sum(numbers) if sum(numbers) else None
