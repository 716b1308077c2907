"""What must hold of a user's quota and of the log of AI calls. Each yields what it finds broken."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime

from tollgate import calendar, metering, plans
from tollgate.closing import COST
from tollgate.counters import SPENT, counter, rate_counter
from tollgate.invariants.facts import Facts, Row
from tollgate.metering import UNIT_OF, Action
from tollgate.plans import Unit, Window
from tollgate.store import records
from tollgate.store.admission import LOST as SWEPT
from tollgate.store.usage_log import KEPT
from tollgate.users import CLOCKS_DIFFER


def _requests(facts: Facts, unit: Unit | None = None) -> dict[str, list[Row]]:
    """The log's rows by request; of one unit if it is named. What closed windows counted lies in the same table."""
    found: dict[str, list[Row]] = {}
    for row in facts.usage:
        if "requestId" in row and (unit is None or UNIT_OF.get(Action(row["action"])) is unit):
            found.setdefault(row["requestId"], []).append(row)
    return found


def _answered(rows: Iterable[Row]) -> bool:
    return any(bool(row["success"]) for row in rows)


def _swept(rows: Iterable[Row]) -> bool:
    return any(row.get("errorMessage") == SWEPT for row in rows)


def _at(row: Row) -> datetime:
    return calendar.parse(row["timestamp"].partition("#")[0])


def _had_pass(facts: Facts) -> bool:
    return any(plans.tier(each.tier).is_pass for each in facts.timeline)


def within_limits(facts: Facts) -> Iterator[str]:
    """Q1: no count is below zero, and none is above its limit where one plan held all through its window."""
    user = facts.user
    if user is None:
        return
    yield from (f"{name} is {count}" for name, count in user.counters.items() if count < 0)
    tier = user.tier(facts.now)
    for unit in Unit:
        limit = tier.limits[unit]
        count = user.counters.get(counter(unit, limit.window, facts.now), 0)
        if limit.count is not None and count > limit.count and _one_plan(facts, tier.id, limit.window):
            yield f"{unit} is used {count} times of {limit.count}"


def _one_plan(facts: Facts, tier: str, window: Window) -> bool:
    """Whether nothing but this tier was in force since the window began, as far as periods tell."""
    if window is Window.PASS:
        return bool((facts.record or {}).get("terms", {}).get("tier") == tier)
    today = calendar.india(facts.now).replace(hour=0, minute=0, second=0, microsecond=0)
    since = today if window is Window.DAY else today.replace(day=1)
    # What ended just before may have been used by an environment whose clock said that the window had begun.
    in_force = [each for each in facts.timeline if each.access_end is None or each.access_end > since - CLOCKS_DIFFER]
    others = [each for each in in_force if each.tier != tier and each.start_date <= facts.now]
    own = [each for each in in_force if each.tier == tier and each.start_date <= since]
    return not others and (tier == plans.BASE.id or bool(own))


def counted(facts: Facts) -> Iterator[str]:
    """Q2: what a window counts is what it settled and what is running, call by call. Where a pass counted some, it is no more."""
    user = facts.user
    if user is None:
        return
    running = Counter(name for each in records.leases(facts.record or {}) for name in each.counters())
    for unit in Unit:
        answered = _answered_at(facts, unit)
        for window in metering.WINDOWS_OF[unit]:
            if window is Window.PASS and facts.now - user.created_at > KEPT:
                continue  # its count outlasts the log of its calls
            name = counter(unit, window, facts.now)
            done = sum(counter(unit, window, at) == name for at in answered) + running[name]
            count = user.counters.get(name, 0)
            if count > done or (count < done and window is not Window.PASS and not _had_pass(facts)):
                yield f"{name} counts {count} and {done} calls were made"


def _answered_at(facts: Facts, unit: Unit) -> list[datetime]:
    """When the unit's calls that were answered began."""
    calls = _requests(facts, unit).values()
    return [_at(rows[0]) for rows in calls if _answered(rows) and not _swept(rows)]


def nothing_leaks(facts: Facts) -> Iterator[str]:
    """Q3: at rest no call that must have died holds what it took."""
    return (each.name for each in records.leases(facts.record or {}) if each.is_dead(facts.now))


def charged_once(facts: Facts) -> Iterator[str]:
    """Q4: a request is answered and charged at most once, and not while it still runs."""
    running = {each.request_id for each in records.leases(facts.record or {})}
    for name, rows in _requests(facts).items():
        answers = sum(bool(row["success"]) for row in rows)
        if answers > 1 or (answers and name in running):
            yield f"{name} has {answers} answers{' and still runs' if name in running else ''}"


def within_rate(facts: Facts) -> Iterator[str]:
    """Q6: no more calls in a clock hour than the highest plan of that hour allows."""
    count = facts.user.counters.get(rate_counter(facts.now), 0) if facts.user else 0
    begun = facts.now.replace(minute=0, second=0, microsecond=0)
    held = [each for each in facts.timeline if each.start_date <= facts.now]
    tiers = [plans.tier(each.tier) for each in held if each.access_end is None or each.access_end > begun]
    most = max(tier.calls_per_hour for tier in (plans.BASE, *tiers))
    if count > most:
        yield f"{count} calls in an hour of {most}"


def in_its_window(facts: Facts) -> Iterator[str]:
    """Q7: nothing is counted in a window that has not begun."""
    stamps = {Window.DAY: calendar.day_stamp(facts.now), Window.MONTH: calendar.month_stamp(facts.now)}
    for name in facts.user.counters if facts.user else ():
        unit, _, stamp = name.partition("#")
        window = Window.DAY if stamp.count("-") == 2 else Window.MONTH  # noqa: PLR2004 -- year-month-day
        if unit in set(Unit) and stamp[:1].isdigit() and stamp > stamps[window]:
            yield f"{name} is counted before its time"


def admitted_by_plan(facts: Facts) -> Iterator[str]:
    """Q8, Q9: the terms that admission compares with are those of the plan that runs now, or say that they are out of date."""
    user = facts.user
    if user is None or not user.terms or not metering.terms_hold(user, facts.now):
        return
    due = metering.terms_of(user, facts.now)
    wrong = sorted(name for name in due if user.terms.get(name) != due[name])
    if wrong:
        yield f"{', '.join(wrong)} of the terms are not the running plan's: {[user.terms.get(name) for name in wrong]}"


def logged(facts: Facts) -> Iterator[str]:
    """Q10, Q11: one row an attempt, numbered without a gap; what the log cost is booked on the user, and was billed."""
    for name, rows in _requests(facts).items():
        attempts = sorted(int(row["timestamp"].rpartition("#")[2]) for row in rows if row.get("errorMessage") != SWEPT)
        if attempts != list(range(len(attempts))):
            yield f"{name} has the attempts {attempts}"
    user = facts.user
    if user is None or facts.now - user.created_at > KEPT:
        return  # rows have gone
    costs = [sum(row.get("costMicroUsd", 0) for row in rows) for rows in _requests(facts).values()]
    booked = sum(count for name, count in user.counters.items() if name.startswith(SPENT))
    booked += sum(row.get(COST, 0) for row in facts.usage if "requestId" not in row)  # of months that are closed
    if booked != sum(costs):
        yield f"{booked} micro-dollars are booked and {sum(costs)} logged"
    everything = sum(row.get("costMicroUsd", 0) for row in facts.usage if "requestId" in row)
    if facts.billed is not None and everything != facts.billed:
        yield f"{everything} micro-dollars are logged and {facts.billed} billed"


def isolated(facts: Facts) -> Iterator[str]:
    """Q12: every row that is about a user is that user's."""
    named = {f"period {row['subscriptionId']}": row for row in facts.periods} | {
        f"row {name}": row for name, row in facts.ledger.items()
    }
    named |= {f"log {row['timestamp']}": row for row in facts.usage} | (
        {"record": facts.record} if facts.record else {}
    )
    return (
        f"{name} is {row['userId']}'s"
        for name, row in named.items()
        if row.get("userId", facts.user_id) != facts.user_id
    )
