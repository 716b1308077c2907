"""Histories of the real handlers, by seed. In a process of their own: it has neither real time nor real randomness."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.simulation.plans import plan

ROOT = Path(__file__).resolve().parents[2]
SEEDS = 120


def simulation(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.simulation", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 -- ourselves


def test_everything_holds_after_any_history() -> None:
    done = simulation("--seeds", str(SEEDS), "--jobs", "1")
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    assert f"{SEEDS} histories" in done.stdout


def test_a_seed_is_lived_the_same_way_twice() -> None:
    once, again = (simulation("--replay", "22").stdout for _ in range(2))
    assert "it holds" in once
    assert once == again


def test_a_seed_draws_one_plan() -> None:
    assert all(plan(seed) == plan(seed) for seed in range(20))
    assert len({str(plan(seed)) for seed in range(20)}) == 20
