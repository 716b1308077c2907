"""Each of the planted bugs still fits the product as it is: a table of what was found must not rot."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.simulation.mutants import BUGS, ROOT, Bug, planted


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_bug_can_be_planted(bug: Bug, tmp_path: Path) -> None:
    for part in ("layers/shared/tollgate", "functions"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    planted(bug, tmp_path)
    for each in tmp_path.rglob("*.py"):
        compile(each.read_text("utf-8"), str(each), "exec")


def test_there_are_twenty_three() -> None:
    assert len({each.name for each in BUGS}) == len(BUGS) == 23
