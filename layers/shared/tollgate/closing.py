"""Closing the windows that use is counted in: what leaves a user's record, and what it adds to the history of its month. Pure.

Nothing waits for it: a counter is named by its window, so one whose window is over is never looked at. Closing keeps records
small and gives users a history, of which what is not closed yet is part all the same.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tollgate import calendar
from tollgate.counters import RATE, SPENT, stale, window_of
from tollgate.metering import Lease
from tollgate.plans import Unit, Window
from tollgate.users import User

COST = "costMicroUsd"  # what a month without a purchase cost us at the AI providers, beside what was used in it


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """What closing comes to. `closed` are the counters of days and months that are over, as they were read; `hours` those of
    passed hours, which nobody asks for later; `months` what is added to each month's history; the instants are when the
    windows that stay open close, None where none is."""

    closed: Mapping[str, int]
    hours: frozenset[str]
    months: Mapping[str, Mapping[str, int]]
    day_closes_at: datetime | None
    month_closes_at: datetime | None


def closing(user: User, leases: Iterable[Lease], now: datetime) -> Closing | None:
    """What there is to close at `now`; None while a call that counted in a closed window is still running.

    What a call took that died on the way is not use, whether or not it was given back already.
    """
    over = stale(user.counters, now)
    closed = {name: user.counters[name] for name in over if not name.startswith(RATE)}
    touching = [each for each in leases if closed.keys() & each.counters().keys()]
    if any(not each.is_dead(now) for each in touching):
        return None
    lost = Counter[str]()
    for each in touching:
        lost.update(each.counters())
    left = {window_of(name) for name in user.counters if name not in over}
    return Closing(
        closed=closed,
        hours=over - closed.keys(),
        months=_by_month({name: count - lost[name] for name, count in closed.items()}),
        day_closes_at=calendar.midnight(calendar.next_day(now)) if Window.DAY in left else None,
        month_closes_at=calendar.midnight(calendar.next_month(now)) if Window.MONTH in left else None,
    )


def _by_month(counters: Mapping[str, int]) -> dict[str, dict[str, int]]:
    months: dict[str, Counter[str]] = {}
    for name, count in counters.items():
        kind, _, stamp = name.partition("#")
        months.setdefault(stamp[: len("2026-11")], Counter())[COST if f"{kind}#" == SPENT else kind] += count
    return {month: +counts for month, counts in months.items() if +counts}


def months_before(now: datetime, number: int) -> list[str]:
    """The last closed months, as `2026-10`, newest first."""
    today = calendar.india(now)
    current = today.year * 12 + today.month - 1
    return [f"{month // 12:04}-{month % 12 + 1:02}" for month in range(current - 1, current - 1 - number, -1)]


def history(
    user: User, written: Mapping[str, Mapping[str, int]], months: Sequence[str], now: datetime
) -> list[dict[str, object]]:
    """What was used in those months, as the API shows it: what is written down and what is closed but not written yet."""
    over = {name: user.counters[name] for name in stale(user.counters, now, Window.DAY, Window.MONTH)}
    unwritten = _by_month(over)
    shown: list[dict[str, object]] = []
    for month in months:
        used = Counter(unwritten.get(month, {})) + Counter(written.get(month, {}))
        if any(used[unit] for unit in Unit):
            shown.append({"month": month, **{unit.value: used[unit] for unit in Unit}})
    return shown
