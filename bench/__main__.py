"""`python -m bench [modules|calls|schedules|warm|ai|cold|cost] [--quick] [--peers]`: measures, prints, and keeps the figures.

They lie in .local/bench.
"""

import argparse
import sys
import time
from collections.abc import Callable, Mapping

from bench import report
from bench.ai import ai
from bench.calls import calls
from bench.cold import cold
from bench.cost import cost
from bench.ground import prepared
from bench.modules import modules
from bench.report import Goal
from bench.schedules import schedules
from bench.session import Session
from bench.shop import Shop
from bench.warm import warm

STEPS: Mapping[str, Callable[[Session], list[Goal]]] = {
    "modules": modules,
    "calls": calls,
    "schedules": schedules,
    "warm": warm,
    "ai": ai,
    "cold": cold,
    "cost": cost,
}


def main() -> int:
    """Run the steps that were asked for. The exit status says whether every request could be measured, not how well it did."""
    given = _arguments()
    facts = report.machine(" ".join(["python -m bench", *sys.argv[1:]]))
    report.header(facts)
    begun = time.monotonic()
    goals: list[Goal] = []
    with prepared() as ground:
        report.say(f"DynamoDB: {ground.engine}, in memory. Razorpay, OpenAI and Gemini: the local simulators.")
        session = Session(ground, Shop(ground), facts, given.quick, given.peers)
        for name, step in STEPS.items():
            if name in (given.steps or STEPS):
                goals += step(session)
    report.goals(goals)
    report.problems(session.problems)
    report.say(f"\n{time.monotonic() - begun:.0f} s, load average now {report.load()}; figures in {report.PLACE}")
    return 1 if session.problems else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measures the product on this machine.")
    parser.add_argument("steps", nargs="*", metavar="step", help=f"{', '.join(STEPS)}; default: all")
    parser.add_argument("--quick", action="store_true", help="fewer runs, rougher figures")
    parser.add_argument("--peers", action="store_true", help="compare with LiteLLM too; installs it under .local/bench")
    given = parser.parse_args()
    if unknown := sorted(set(given.steps) - set(STEPS)):
        parser.error(f"no such step: {', '.join(unknown)}")
    return given


if __name__ == "__main__":
    if sys.argv[1:2] == ["load"]:  # loads a whole stack of its own, and measures nothing beside it
        from bench import load

        sys.exit(load.main(sys.argv[2:]))
    sys.exit(main())
