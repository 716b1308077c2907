"""How fast the simulation lives histories of the real handlers."""

from __future__ import annotations

import re
import subprocess
import sys

from bench import report
from bench.report import Goal, UnmeasuredError
from bench.session import Session
from local.settings import ROOT

SEEDS, QUICK_SEEDS = 1_000, 200


def histories(session: Session) -> list[Goal]:
    """Print and save what the simulation says of itself."""
    seeds = QUICK_SEEDS if session.quick else SEEDS
    report.progress(f"histories: {seeds:,} seeds")
    ran = subprocess.run(
        [sys.executable, "-m", "tests.simulation", "--seeds", str(seeds), "--jobs", "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    said = re.search(r"(\d+) histories .*?([\d.]+) histories/s/core; (\d+) broken; (\d+) s", ran.stdout)
    if said is None:
        raise UnmeasuredError(f"the simulation said: {(ran.stdout + ran.stderr)[-300:].strip()}")
    lived, pace, broken, seconds = said.groups()
    found = {"histories": int(lived), "pace": float(pace), "broken": int(broken), "seconds": int(seconds)}
    report.table(
        "Simulated histories of the real handlers",
        ("", "histories", "a second and core", "broken", "s"),
        [["python -m tests.simulation", lived, pace, broken, seconds]],
    )
    report.save("histories", session.facts, found)
    return []
