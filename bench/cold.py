"""Cold starts: a fresh process for each figure, next to bare handlers started in the same rounds."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from statistics import median

from bench import report
from bench.fresh import BARE, BARE_MEMORY, EAGER, EAGERLY, Figures, Runs, start, subjects, without_request
from bench.report import Goal
from bench.session import Session

RUNS, QUICK_RUNS, LEAST_RUNS = 15, 5, 3
MOST_SECONDS = 130.0  # the round that is running then is the last
MOST_OF_EAGER = 0.4
WHOLE_CPU = 1769  # MB of memory with which Lambda gives one CPU


def measured(session: Session, runs: int) -> dict[str, list[Figures]]:
    """All figures by subject. One of each in turn, round after round, so that a busy moment meets them all."""
    asked = subjects(session.ground)
    for each in asked:
        if each.name not in session.compiled:
            start(session, each)
    found: dict[str, list[Figures]] = {each.name: [] for each in asked}
    begun = time.monotonic()
    for number in range(1, runs + 1):
        for each in asked:
            if figures := start(session, each):
                found[each.name].append(figures)
        report.progress(f"cold: round {number} of {runs}")
        if number >= LEAST_RUNS and time.monotonic() - begun > MOST_SECONDS:
            break
    return {name: each for name, each in found.items() if each}


def cold(session: Session) -> list[Goal]:
    """Print and save the cold starts."""
    found = measured(session, QUICK_RUNS if session.quick else RUNS)
    asked = {each.name: each for each in subjects(session.ground)}
    compared = [found[name] for name, _ in BARE]
    wall = ("start", "load", "first")
    cpu = ("cpu load", "cpu first")
    ratios = ("÷ bare", "÷ logs", "÷ boto3")
    report.table(
        f"Cold start, wall ms: median of {len(compared[0])} fresh processes each, alternating",
        ("request", "start", "import", "ready", *ratios, "first call", "in all", *ratios),
        [
            [
                name,
                _ms(runs, "start"),
                _ms(runs, "load"),
                *_ratios(runs, compared, wall[:2]),
                _ms(runs, "first", digits=1),
                *_ratios(runs, compared, wall),
            ]
            for name, runs in found.items()
        ],
        "start: from spawning to Python's first line; import: of the handler; ready: both; first call: with the local engine\n"
        "and simulators behind it. Bytecode was written by a run before, as a build ships it. Ratios: to the rows on top.",
    )
    report.table(
        "Cold start, CPU ms (steadier than wall time where others use the machine too)",
        ("request", "import", "first call", "in all", *ratios, "as a cloud would", "÷ boto3"),
        [
            [
                name,
                _ms(runs, "cpu load"),
                _ms(runs, "cpu first"),
                *_ratios(runs, compared, cpu),
                *_modelled(runs, compared[-1], asked[name].memory),
            ]
            for name, runs in found.items()
        ],
        "as a cloud would: a model, not a measurement. Import has a whole CPU, the first call memory/1769 of one:\n"
        "import + first call x 1769 / MemorySize of the template (512 MB for the rows on top).",
    )
    for name in without_request(session.ground):
        report.say(f"  {name} is in the template and has no request here.")
    report.save("cold", session.facts, found)
    return _verdicts(found, {name: each.memory for name, each in asked.items()})


def _verdicts(found: Mapping[str, Runs], memory: Mapping[str, int]) -> list[Goal]:
    def modelled(name: str) -> float:
        return _in_the_cloud(found[name], memory[name])

    def at_most(name: str, other: str, most: float) -> Goal:
        text = f"{name}, started as a cloud would: at most {most:g} x the bare handler with {other.strip(' +')}"
        if name not in found or other not in found:
            return Goal(text, "–", None)
        ratio = modelled(name) / modelled(other)
        return Goal(text, f"{ratio:.2f}", ratio <= most)

    def beside_eager(name: str, text: str, *figures: str) -> Goal:
        text, other = (
            f"{name}, {text}, CPU: at most {MOST_OF_EAGER:g} x that of the same with all imported at the top",
            f"{name}{EAGERLY}",
        )
        if name not in found or other not in found:
            return Goal(text, "–", None)
        ratio = _middle(found[name], figures) / _middle(found[other], figures)
        return Goal(text, f"{ratio:.2f}", ratio <= MOST_OF_EAGER)

    (_, _), (logged, _), (reading, _) = BARE
    return [
        at_most("pricing", logged, 1.25),
        at_most("compare", logged, 1.25),
        at_most("status", reading, 1.5),
        at_most("webhook, first", reading, 1.5),
        *(beside_eager(name, "until it is ready", "cpu load") for name in EAGER),
        *(beside_eager(name, "with its first call", "cpu load", "cpu first") for name in EAGER),
    ]


def _ms(runs: Runs, *figures: str, digits: int = 0) -> str:
    return f"{_middle(runs, figures):.{digits}f}"


def _ratios(runs: Runs, compared: Sequence[Runs], figures: Sequence[str]) -> list[str]:
    own = _middle(runs, figures)
    return [f"{own:.0f}", *(f"{own / _middle(other, figures):.2f}" for other in compared)]


def _middle(runs: Runs, figures: Sequence[str]) -> float:
    return 1000.0 * median(sum(float(run[figure]) for figure in figures) for run in runs)


def _modelled(runs: Runs, other: Runs, memory: int) -> list[str]:
    own, others = _in_the_cloud(runs, memory), _in_the_cloud(other, BARE_MEMORY)
    return [f"{own:.0f}", f"{own / others:.2f}"]


def _in_the_cloud(runs: Runs, memory: int) -> float:
    return 1000.0 * median(float(run["cpu load"]) + float(run["cpu first"]) * WHOLE_CPU / memory for run in runs)
