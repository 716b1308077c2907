"""Whether what is written of the users holds together: the invariants, asked of the tables as they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tollgate import calendar
from tollgate.invariants import Violation, broken
from tollgate.store import books
from tollgate.store.due import SHARDS

TRIES = 3
DAY = timedelta(days=1)


@dataclass(slots=True)
class Report:
    """How many users were judged, whom something does not hold of, and how often by invariant. Whoever is left out was brought
    from another system, with counts whose calls are not in the log, or has deleted the account."""

    judged: int = 0
    unsound: dict[str, list[Violation]] = field(default_factory=dict)
    left_out: int = 0
    unfinished: bool = False

    @property
    def kinds(self) -> dict[str, int]:
        """By invariant, of how many users it does not hold."""
        return dict(Counter(name for found in self.unsound.values() for name in sorted({each.id for each in found})))


def judge(user_ids: Iterable[str], has_time: Callable[[], bool] = lambda: True) -> Report:
    """Judge these users, while there is time. Nothing is written."""
    report = Report()
    for name in user_ids:
        if not has_time():
            report.unfinished = True
            break
        found = violations(name)
        if found is None:
            report.left_out += 1
            continue
        report.judged += 1
        if found:
            report.unsound[name] = found
    return report


def violations(user_id: str) -> list[Violation] | None:
    """What does not hold of the user; None where that cannot be said.

    Tables are read one after the other, and somebody may write meanwhile: what is broken is so each time it is looked at.
    """
    found: list[Violation] = []
    for attempt in range(TRIES):
        facts = books.facts(user_id)
        if facts.record and facts.record.keys() & {"imported", "deletedAt"}:
            return None
        here = broken(facts)
        found = [each for each in found if each in here] if attempt else here
        if not found:
            break
    return found


def due(now: datetime) -> Iterator[str]:
    """Whom to judge today: whose money moved since yesterday, and a sixteenth of all who call, another one each day."""
    today = calendar.india(now).date()
    seen: set[str] = set()
    for name in (*sorted(books.payers(today - DAY) | books.payers(today)), *books.callers(_shard(now))):
        if name not in seen:
            seen.add(name)
            yield name


def _shard(now: datetime) -> str:
    return SHARDS[calendar.india(now).date().toordinal() % len(SHARDS)]
