"""The names under which use is counted. A name holds its window, so another window's count is never seen."""

from collections.abc import Iterable
from datetime import datetime

from tollgate import calendar, plans
from tollgate.plans import Unit, Window
from tollgate.users import User


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
    return f"rate#{calendar.hour_stamp(now)}"


def stale(names: Iterable[str], now: datetime, *windows: Window) -> frozenset[str]:
    """The counters of windows that are over; all kinds of window unless some are named."""
    current = {rate_counter(now), *(counter(unit, window, now) for unit in Unit for window in Window)}
    return frozenset(name for name in names if name not in current and (not windows or _window(name) in windows))


def _window(name: str) -> Window | None:
    stamp = name.rpartition("#")[2]
    return {"####-##": Window.MONTH, "####-##-##": Window.DAY}.get("".join("#" if c.isdigit() else c for c in stamp))


def pass_of(user: User, now: datetime) -> str | None:
    """The subscription that counts of kind pass belong to."""
    current = user.running(now)
    return current.subscription_id if current and plans.tier(current.tier).is_pass else None
