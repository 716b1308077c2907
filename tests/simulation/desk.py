"""The review desk in a history: administrators who look what is kept for them and decide about it, two at once at times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.simulation.broken import BrokenError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.simulation.history import Act, Life

type Json = dict[str, Any]

LIST = "/api/admin/flagged-payments"


def listed(life: Life, act: Act) -> None:
    """See what waits."""

    def then(_: object, status: int, told: Json) -> None:
        if status == 200:
            life.waiting = list(dict.fromkeys([*life.waiting, *(each["paymentId"] for each in told["listed"])]))

    life.call(act, "GET", LIST, headers=_administrator(life), then=then)


def resolve(life: Life, act: Act) -> None:
    """Decide about something that was seen to wait, whatever was decided since. Money is decided about once."""
    if not life.waiting:
        return
    name, action = life.waiting[int(act.get("pick", 0) * len(life.waiting))], act.get("action")

    def then(_: object, status: int, told: Json) -> None:
        if status != 200 or action == "dismiss":  # which leaves a decision about the money as it is
            return
        if life.decided.setdefault(name, action) != action or told["resolution"] != action:
            raise BrokenError(f"S9 {name} was decided twice: {life.decided[name]}, {told['resolution']} and {action}")

    task = life.call(act, "POST", f"{LIST}/{name}/resolve", {"action": action}, headers=_administrator(life), then=then)
    task.name = f"{task.name} {name}"


def _administrator(life: Life) -> Json:
    return {"authorization": life.bearer("boss", "admin")}


ACTS: Mapping[str, Callable[[Life, Act], None]] = {"listed": listed, "resolve": resolve}


def check_rest(life: Life, ledger: Mapping[str, Json]) -> None:
    """S9: what an administrator was told to be decided is written like that."""
    for name, action in life.decided.items():
        if ledger[name].get("resolution") != action:
            raise BrokenError(f"S9 {name} was decided, {action}, and says {ledger[name].get('resolution')}")
