"""CPU a request once the process is warm, each subject in a process of its own beside the bare handlers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from statistics import median

from bench import PATHS, report, scenarios
from bench.ground import Event
from bench.report import Goal, UnmeasuredError
from bench.scenarios import Scenario
from bench.session import Session
from bench.shop import Shop
from local.settings import ROOT

ROUNDS, QUICK_ROUNDS = 9, 5
BARE = {"plain": ("plain.handler", 150), "logged": ("logged.handler", 100), "reading": ("reading.handler", 40)}
"""The bare handlers, and how often each is called a round."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a measuring process is told. `calls` is how many a round has; with `once` each has an event of its own.

    `stubbed` answers the database's requests from memory.
    """

    handler: str
    status: int
    events: list[Event]
    once: bool
    calls: int
    rounds: int
    stubbed: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table."""

    name: str
    scenario: Scenario
    calls: int
    stubbed: bool = False
    once: bool = False

    def job(self, handler: str, shop: Shop, rounds: int) -> Job:
        """What it takes to measure it: a few events more than the rounds, to warm up with."""
        count = self.calls * rounds + 5 if self.once else 1
        events = [self.scenario.prepare(shop) for _ in range(count)]
        return Job(handler, self.scenario.status, events, self.once, self.calls, rounds, self.stubbed)


def rows() -> list[Row]:
    """What is measured."""
    known = {each.name: each for each in (*scenarios.PLAIN, *scenarios.AI)}

    def both(name: str, calls: int, *, once: bool = False) -> list[Row]:
        return [
            Row(f"{name}, local engine", known[name], calls // 2 if once else calls, once=once),
            Row(f"{name}, stubbed", known[name], calls, stubbed=True),
        ]

    return [
        Row("pricing", known["pricing"], 150),
        *both("status", 60),
        *both("verify, again", 40),
        *both("verify, first", 20, once=True),
        *both("webhook, first", 20, once=True),
        *both("parse, steady", 30),
    ]


def warm(session: Session) -> list[Goal]:
    """Print and save the CPU a warm request takes."""
    rounds = QUICK_ROUNDS if session.quick else ROUNDS
    found: dict[str, dict[str, list[float]]] = {}
    for row in rows():
        figures = session.attempt(row.name, partial(run, session, row, rounds))
        if figures:
            found[row.name] = figures
            report.progress(f"warm: {row.name}")
    report.table(
        f"CPU a warm request, ms: median of {rounds} rounds, alternating with the bare handlers in the same process",
        ("request", "CPU", "range", "bare", "÷", "+ logs", "÷", "+ one GetItem", "÷"),
        [_row(name, figures) for name, figures in found.items()],
        "stubbed: the database client whole, but the answers come from memory instead of a socket. first: each request settles\n"
        "a payment and fetches it from the simulator. parse: the provider answers at once; its JSON is still validated.",
    )
    report.save("warm", session.facts, found)
    return []


def run(session: Session, row: Row, rounds: int) -> dict[str, list[float]]:
    """The row's figures: CPU seconds a call, round by round, of the subject and of the bare handlers."""
    ground = session.ground
    function = ground.function(row.scenario.function)
    if function is None:
        raise UnmeasuredError("the template has no such function")
    job = row.job(function.handler, session.shop, rounds)
    told = ground.scratch / "job.json"
    told.write_text(json.dumps(asdict(job)), encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-m", "bench.warm_process", str(told)],
        env={**ground.environment, "PYTHONPATH": os.pathsep.join(PATHS)},
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if ran.returncode:
        raise UnmeasuredError(f"{ran.stderr.decode()[-2000:]}")
    figures: dict[str, list[float]] = json.loads((ground.scratch / "job.json.out").read_text(encoding="utf-8"))
    return figures


def _row(name: str, figures: Mapping[str, Sequence[float]]) -> list[str]:
    own, *bare = (1000 * median(figures[kind]) for kind in ("subject", *BARE))
    low, high = 1000 * min(figures["subject"]), 1000 * max(figures["subject"])
    compared = [cell for each in bare for cell in (f"{each:.3f}", f"{own / each:.1f}")]
    return [name, f"{own:.2f}", f"{low:.2f} to {high:.2f}", *compared]
