"""`python -m bench [step ...] [--quick] [--out DIR]`: measures, and writes what was found to docs/performance.md.

A run of all steps writes the page, its pictures and its figures; with `--quick` it is rough and they go to .local/bench. Some
steps alone print their tables. `python -m bench page` writes the page anew from the figures of the last run.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from bench import goals, page, report
from bench.ai import ai
from bench.calls import calls
from bench.cold import cold
from bench.cost import cost
from bench.deliveries import deliveries
from bench.ground import prepared
from bench.handler_shell import shell
from bench.histories import histories
from bench.imports import imports
from bench.items import items
from bench.modules import modules
from bench.pace import pace
from bench.refused import refused
from bench.report import Goal
from bench.schedules import schedules
from bench.session import Session
from bench.shop import Shop
from bench.sizes import sizes
from bench.waiting import waiting
from bench.warm import warm
from local.settings import ROOT

STEPS: Mapping[str, Callable[[Session], list[Goal]]] = {
    "modules": modules,
    "calls": calls,
    "pace": pace,
    "waiting": waiting,
    "shell": shell,
    "imports": imports,
    "sizes": sizes,
    "schedules": schedules,
    "deliveries": deliveries,
    "refused": refused,
    "items": items,
    "cost": cost,
    "histories": histories,
    "warm": warm,
    "ai": ai,
    "cold": cold,
}
DOCS = ROOT / "docs"
SAVED = (*STEPS, "failover")  # which the AI step saves beside its own


def main() -> int:
    """Run the steps that were asked for. The exit status says whether everything could be measured, not how well it did."""
    given = _arguments()
    out = given.out or (report.PLACE if given.quick else DOCS)
    if given.steps == ["page"]:
        return _write(report.saved(SAVED), out)
    facts = report.machine("make bench" if _is_whole(given) else " ".join(["python -m bench", *sys.argv[1:]]))
    report.header(facts)
    begun = time.monotonic()
    found: list[Goal] = []
    with prepared() as ground:
        report.say(f"DynamoDB: {ground.engine}, in memory. Razorpay, OpenAI and Gemini: the local simulators.")
        session = Session(ground, Shop(ground), facts, given.quick, given.peers or not given.steps)
        wanted = [name for name in STEPS if name in (given.steps or STEPS)]
        for number, name in enumerate(wanted, 1):
            report.progress(f"{name}: step {number} of {len(wanted)}, {time.monotonic() - begun:.0f} s so far")
            found += _step(session, name, begun)
    report.goals(found)
    report.problems(session.problems)
    report.say(f"\n{time.monotonic() - begun:.0f} s, load average now {report.load()}; figures in {report.PLACE}")
    if not given.steps:
        _write(report.saved(SAVED, since=str(facts["at"])), out)
    return 1 if session.problems else 0


def _step(session: Session, name: str, begun: float) -> list[Goal]:
    """One step. Whatever goes wrong in it is told and is not the others' loss."""
    try:
        found = STEPS[name](session)
    except Exception as error:
        logging.getLogger(__name__).exception("%s broke; the other steps go on", name)
        session.problems.append(f"{name}: {type(error).__name__}: {error}")
        return []
    report.add(name, goals=found, seconds=time.monotonic() - begun)
    return found


def _write(steps: report.Steps, out: Path) -> int:
    written = page.write(steps, out)
    report.say("\nGoals G1 to G15")
    for line in goals.judged(steps):
        report.say(f"  {line.verdict:<12}  {line.goal.id:<4} {line.what}: {line.ours} (goal: {line.limit})")
    report.say(f"Written: {written}")
    return 0


def _is_whole(given: argparse.Namespace) -> bool:
    return not given.steps and not given.quick


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measures the product on this machine.")
    parser.add_argument("steps", nargs="*", metavar="step", help=f"page, or: {', '.join(STEPS)}; default: all")
    parser.add_argument("--quick", action="store_true", help="fewer runs, rougher figures, kept out of docs")
    parser.add_argument("--peers", action="store_true", help="compare with LiteLLM too where steps are named")
    parser.add_argument("--out", type=Path, help="where the page goes; default: docs, with --quick .local/bench")
    given = parser.parse_args()
    if unknown := sorted(set(given.steps) - set(STEPS) - {"page"}):
        parser.error(f"no such step: {', '.join(unknown)}")
    return given


if __name__ == "__main__":
    if sys.argv[1:2] == ["load"]:  # loads a whole stack of its own, and measures nothing beside it
        from bench import load

        sys.exit(load.main(sys.argv[2:]))
    sys.exit(main())
