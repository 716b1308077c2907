"""How long a call takes until its provider is asked, by how long the database takes to answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median, quantiles
from typing import Any

from bench import report
from bench.ai import body, upstream
from bench.pace import OURS, PLAIN
from bench.report import Goal
from bench.rounds import Subject, alternating
from bench.session import Session
from bench.shop import RESUME

LATENCIES = (0, 3, 10)  # milliseconds a request to the store
ROUNDS, QUICK_ROUNDS = 7, 3
CALLS, QUICK_CALLS = 60, 20


def waiting(session: Session) -> list[Goal]:
    """Print and save the time before the upstream."""
    if session.ground.function("ParseResume") is None:
        return []
    rounds, calls = (QUICK_ROUNDS, QUICK_CALLS) if session.quick else (ROUNDS, CALLS)
    shop = session.shop
    with upstream(session) as url:
        told: dict[str, Any] = {"upstream": url, "body": body(session), "calls": calls, "latencies": LATENCIES}

        def subject(name: str, whose: str) -> Subject:
            event = shop.request("ParseResume", shop.customer("lifetime", "lifetime"), {"text": RESUME})
            job = {**told, "of": whose, "handler": "ai.parse_resume.handler", "events": [event]}
            return Subject(name, "bench.subjects.waiting", job)

        found = alternating(session, "waiting", [subject(OURS, "ours"), subject(PLAIN, "plain")], rounds)
    figures = {
        f"{name}, {latency} ms": _figures([each[str(latency)] for each in runs])
        for name, runs in found.items()
        for latency in LATENCIES
    }
    report.table(
        f"Time until the provider is asked, wall ms: {rounds} rounds of {calls} calls",
        ("store takes", "p50", "range of rounds' p50", "p99", "requests to the store before"),
        [_row(name, each) for name, each in figures.items()],
        "Ours is parse-resume whole: it cleans the text and takes private facts out before it asks.",
    )
    report.save("waiting", session.facts, figures)
    return []


def _figures(rounds: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    every = [1000 * each for one in rounds for each in one["times"]]
    each = [round(1000 * median(one["times"]), 3) for one in rounds]
    asked = {name: rounds[0][name] for name in ("calls", "all")}  # before the provider, and in all
    return {"p50": round(median(every), 3), "p99": round(quantiles(every, n=100)[98], 3), "each": each, **asked}


def _row(name: str, found: Mapping[str, Any]) -> list[str]:
    each = found["each"]
    return [
        name,
        f"{found['p50']:.2f}",
        f"{min(each):.2f} to {max(each):.2f}",
        f"{found['p99']:.2f}",
        str(found["calls"]),
    ]
