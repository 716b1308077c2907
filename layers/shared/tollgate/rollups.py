"""What rows of the tables count for in the figures by day. Pure: a row's figures follow from the row alone.

Figures are integers under a series and a place in it: a day or a month of India, then what it is broken down by. What was counted
of a row before is kept with them; what is added is the difference, so it does not matter how often and in what order one looks.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from tollgate import calendar, plans, subscriptions
from tollgate.margin import margin
from tollgate.subscriptions import Status, Subscription

MONEY = "money"  # <day>#<tier>#<plan>: payments and what went back, in paise
CALLS = "calls"  # <day>#<tier>#<provider>#<task>#<model>: attempts at a provider, tokens and micro-dollars
STANDING = "standing"  # <month>#<tier>#<plan>: n<day> more users at that day's end than the day before, y<day> more paise a year
ARRIVALS = "arrivals"  # <day>: users who are new, came back, or left
UNKNOWN = "unknown"
MONTHS_A_YEAR = 12

type Key = tuple[str, str]  # series and place
type Sums = dict[Key, dict[str, int]]
type Row = Mapping[str, Any]


def add(sums: Sums, series: str, place: str, **figures: int) -> None:
    """Add figures at a place."""
    there = sums.setdefault((series, place), {})
    for name, figure in figures.items():
        there[name] = there.get(name, 0) + figure


def difference(after: Sums, before: Sums) -> Sums:
    """What has to be added to `before` for it to become `after`; nothing where it is the same."""
    found: Sums = {}
    for sums, sign in ((after, 1), (before, -1)):
        for (series, place), figures in sums.items():
            add(found, series, place, **{name: sign * figure for name, figure in figures.items()})
    return _without_zeros(found)


def total(many: Iterable[Sums]) -> Sums:
    """All of them in one."""
    found: Sums = {}
    for sums in many:
        for (series, place), figures in sums.items():
            add(found, series, place, **figures)
    return _without_zeros(found)


def _without_zeros(sums: Sums) -> Sums:
    kept = {key: {name: figure for name, figure in figures.items() if figure} for key, figures in sums.items()}
    return {key: figures for key, figures in kept.items() if figures}


# Users


def of_user(periods: Iterable[Subscription]) -> Sums:
    """What one user's periods, all that were ever bought, count for: as what they stand at the end of each day, now and to come.

    At a day's end a user stands in the one plan that runs then, so the tiers add up to the users. Access within a day counts for
    nothing. New is who stands in a paid plan for the first time, churned who stood in one the day before.
    """
    held = [replace(each, status=Status.ACTIVE) for each in periods]  # what was cut short has its true end
    found: Sums = {}
    before, met = None, False
    for day in sorted({calendar.india(edge).date() for each in held for edge in _edges(each)}):
        now = subscriptions.running(held, last_second(day))
        if _same(before, now):
            before = now
            continue
        _move(found, day, before, -1)
        _move(found, day, now, 1)
        if before is None:
            add(found, ARRIVALS, day.isoformat(), **{"returned" if met else "new": 1})
        elif now is None:
            add(found, ARRIVALS, day.isoformat(), churned=1)
        before, met = now, True
    return _without_zeros(found)


def last_second(day: date) -> datetime:
    """The last whole second of an India day."""
    return calendar.midnight(day + timedelta(days=1)) - timedelta(seconds=1)


def a_year(period: Subscription) -> int:
    """What the plan of a period brings in a year while it goes on, in paise; passes, and what is for ever, nothing.

    It is what the period was sold for, credit included, so that a change of the catalogue moves no figure.
    """
    found = plans.find(period.tier, period.plan)
    months = found[1].lasts.months if found else 0
    return (period.amount + period.credit) * MONTHS_A_YEAR // months if months else 0


def _edges(period: Subscription) -> list[datetime]:
    return [edge for edge in (period.start_date, period.end_date, period.access_end) if edge]


def _same(one: Subscription | None, other: Subscription | None) -> bool:
    return _stands(one) == _stands(other)


def _stands(period: Subscription | None) -> tuple[str, str, int] | None:
    return (period.tier, period.plan, a_year(period)) if period else None


def _move(found: Sums, day: date, period: Subscription | None, by: int) -> None:
    if period:
        place = f"{day:%Y-%m}#{period.tier}#{period.plan}"
        add(found, STANDING, place, **{f"n{day:%d}": by, f"y{day:%d}": by * a_year(period)})


# Money


def of_ledger(row: Row) -> Sums:
    """What a row of the payments table counts for: a payment, or an order's attempts to pay that failed."""
    found: Sums = {}
    if row.get("kind") == "payment":
        _add_payment(found, row)
    elif row.get("kind") == "order":
        for name, attempt in row.items():
            if name.startswith("attempt#") and attempt["status"] == "failed":
                add(found, MONEY, _place(row, attempt["at"]), failed=1)
    return _without_zeros(found)


def _add_payment(found: Sums, row: Row) -> None:
    rupees = row["currency"] == plans.CURRENCY
    amount = row["amount"] if rupees else 0  # another currency's is counted and not added
    back = _add_refunds(found, row, rupees=rupees)
    disputes = [status for name, status in row.items() if name.startswith("dispute#")]
    lost = max(amount - back, 0) if "lost" in disputes else 0
    costs = margin(amount, 0, 0)
    add(
        found,
        MONEY,
        _place(row, row["at"]),
        captured=1,
        gross=amount,
        gst=costs.gst,
        fee=costs.fee,
        granted=int("subscription" in row),
        flagged=int("reason" in row),
        waiting=int(row.get("flagged") == "open"),
        disputed=len(disputes),
        lost=disputes.count("lost"),
        chargeback=lost,
        gstBack=margin(lost, 0, 0).gst,
    )


def _add_refunds(found: Sums, row: Row, *, rupees: bool) -> int:
    back = 0
    for name, refund in row.items():
        if name.startswith("refund#") and refund["status"] == "processed":
            amount = refund["amount"] if rupees else 0
            gst = margin(amount, 0, 0).gst
            # A note from before they were dated counts on the payment's day.
            place = _place(row, refund.get("at", row["at"]))
            add(found, MONEY, place, refunds=1, refunded=amount, gstBack=gst)
            back += amount
    return back


def _place(row: Row, at: str) -> str:
    return f"{_day(at)}#{row.get('tier', UNKNOWN)}#{row.get('plan', UNKNOWN)}"


def _day(at: str) -> str:
    return calendar.day_stamp(calendar.parse(at))


# AI calls


def of_call(row: Row) -> Sums:
    """What a row of the usage log counts for: one attempt at a provider, or a call that was lost before any was heard of."""
    at = str(row["timestamp"]).partition("#")[0]
    told = row.get("metadata") or {}
    of = (told.get("tier", UNKNOWN), row.get("aiProvider", UNKNOWN), row["action"], row.get("model", UNKNOWN))
    tokens = row.get("tokensUsed") or {}
    found: Sums = {}
    add(
        found,
        CALLS,
        "#".join((_day(at), *map(str, of))),
        calls=1,
        failures=int(not row.get("success")),
        **{name: tokens.get(name, 0) for name in ("input", "output", "cached")},
        microUsd=row.get("costMicroUsd", 0),
    )
    return _without_zeros(found)
