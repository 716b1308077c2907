"""The names under which use is counted. A name holds its window, so another window's count is never seen."""

from collections.abc import Iterable
from datetime import datetime

from tollgate import calendar, plans
from tollgate.plans import Unit, Window
from tollgate.users import User

SPENT = "spent#"
RATE = "rate#"


def counter(unit: Unit, window: Window, now: datetime) -> str:
    """The name under which a unit is counted in the window that `now` falls in."""
    match window:
        case Window.DAY:
            return f"{unit}#{calendar.day_stamp(now)}"
        case Window.MONTH:
            return f"{unit}#{calendar.month_stamp(now)}"
        case Window.PASS:
            return f"{unit}#pass"  # of the pass that the terms name; a new pass starts it anew


def pass_counters() -> tuple[str, ...]:
    """The names of all counts that belong to a pass."""
    return tuple(f"{unit}#{Window.PASS}" for unit in Unit)


def rate_counter(now: datetime) -> str:
    """The name under which calls are counted in the clock hour of `now`."""
    return f"{RATE}{calendar.hour_stamp(now)}"


def stale(names: Iterable[str], now: datetime, *windows: Window) -> frozenset[str]:
    """The counters of windows that are over; all kinds of window unless some are named.

    A window that has not begun is not over: a call from before midnight may end after others have counted in the new day.
    """
    return frozenset(name for name in names if _is_over(name, now) and (not windows or window_of(name) in windows))


def passed_hours(names: Iterable[str], now: datetime) -> frozenset[str]:
    """The counters of clock hours that are over. Whoever ends a call clears them away; those of days and months are history."""
    return frozenset(name for name in stale(names, now) if name.startswith(RATE))


def _is_over(name: str, now: datetime) -> bool:
    kind, _, stamp = name.partition("#")
    if kind == "rate":
        return int(stamp) < calendar.hour_stamp(now)
    # What belongs to a purchase has no window: the counts of a pass, and what a purchase's calls cost.
    running = {Window.DAY: calendar.day_stamp(now), Window.MONTH: calendar.month_stamp(now)}
    window = window_of(name)
    return window in running and stamp < running[window]


def window_of(name: str) -> Window | None:
    """The kind of window that a counter holds a date of: DAY or MONTH. None for hours, passes and purchases."""
    stamp = name.rpartition("#")[2]
    return {"####-##": Window.MONTH, "####-##-##": Window.DAY}.get("".join("#" if c.isdigit() else c for c in stamp))


def pass_of(user: User, now: datetime) -> str | None:
    """The subscription that counts of kind pass belong to."""
    current = user.running(now)
    return current.subscription_id if current and plans.tier(current.tier).is_pass else None


def spent_counter(user: User, now: datetime) -> str:
    """The name under which AI cost is added up, in micro-dollars: for the running subscription, or the month without one."""
    current = user.running(now)
    return f"{SPENT}{current.subscription_id if current else calendar.month_stamp(now)}"
