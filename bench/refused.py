"""What a refused call costs, and what one user's flood of calls does to everybody else."""

from __future__ import annotations

import time
from dataclasses import asdict
from http import HTTPStatus
from statistics import median, quantiles
from typing import Any

from bench import report
from bench.counted import counting, spent
from bench.ground import Event
from bench.report import Goal, UnmeasuredError
from bench.session import Session
from bench.shop import RESUME

REPEATED = 20
ROUNDS, QUICK_ROUNDS = 3, 2
CALLS, QUICK_CALLS = 100, 20  # of the others a round
HOSTILE = 100  # calls of the hostile user for each of the others'
FORBIDDEN = 403


def refused(session: Session) -> list[Goal]:
    """Print and save both."""
    units = _units(session)
    report.table(
        "A call that is refused: what it asks of the database",
        ("call", "calls", "read units", "write units"),
        [[name, f"{each['calls']:g}", f"{each['reads']:g}", f"{each['writes']:g}"] for name, each in units.items()],
    )
    times = _times(session)
    report.table(
        f"Others' status calls while one user calls {HOSTILE} times as often, wall ms",
        ("", "p50", "p99"),
        [[name, f"{median(each['p50']):.2f}", f"{median(each['p99']):.2f}"] for name, each in times.items()],
        "One environment serves both in turn, on the local engine; timed are the others' calls alone. In Lambda each request\n"
        "has an environment to itself, so what queues here for a processor is not in it.",
    )
    report.save("refused", session.facts, {"units": units, "times": times})
    return []


def _exhausted(session: Session) -> Event:
    """A call of somebody whose only resume is used up."""
    shop = session.shop
    event = shop.request("ParseResume", shop.newcomer(), {"text": RESUME})
    shop.send("ParseResume", event)
    return event


def _units(session: Session) -> dict[str, dict[str, Any]]:
    with counting(session) as store:
        event = _exhausted(session)
        first = spent(session, store, "ParseResume", event, FORBIDDEN)
        many = [spent(session, store, "ParseResume", event, FORBIDDEN) for _ in range(REPEATED)]
    last = many[-1]
    return {"refused": asdict(first), f"refused, {REPEATED} times more: the last": asdict(last)}


def _times(session: Session) -> dict[str, dict[str, list[float]]]:
    rounds, calls = (QUICK_ROUNDS, QUICK_CALLS) if session.quick else (ROUNDS, CALLS)
    shop = session.shop
    polite = shop.request("Status", shop.customer("pro", "monthly"))
    hostile = _exhausted(session)
    found: dict[str, dict[str, list[float]]] = {name: {"p50": [], "p99": []} for name in ("alone", "beside the flood")}
    for _ in range(rounds):
        for name, flood in (("alone", 0), ("beside the flood", HOSTILE)):
            times = _polite(session, polite, hostile, flood, calls)
            found[name]["p50"].append(median(times))
            found[name]["p99"].append(quantiles(times, n=100, method="inclusive")[98])
        report.progress("refused: a round")
    return found


def _polite(session: Session, polite: Event, hostile: Event, flood: int, calls: int) -> list[float]:
    """Milliseconds of each of the others' calls, before each of which the hostile user calls so often."""
    times = []
    for _ in range(calls):
        for _ in range(flood):
            session.shop.send("ParseResume", hostile)
        begun = time.perf_counter()
        reply = session.shop.send("Status", polite)
        times.append(1000 * (time.perf_counter() - begun))
        if reply["statusCode"] != HTTPStatus.OK:
            raise UnmeasuredError(f"status answered {reply['statusCode']}")
    return times
