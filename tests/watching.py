"""Where branch coverage looks away: watching costs two fifths more time, and sees nothing new in what others go through too."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from coverage import Coverage

TESTS = Path(__file__).parent
# What goes the same ways many times over. A line that only they reach counts as not covered.
REPEATED = (
    "functions/test_crashes.py",
    "functions/test_fuzz.py",
    "functions/test_interleavings.py",
    "functions/test_money_machine.py",
    "functions/test_without_jobs.py",
    "security/",
    "simulation/",
)
CHILDREN = "COVERAGE_PROCESS_CONFIG"  # by which coverage watches processes that are started


@contextmanager
def unwatched() -> Iterator[None]:
    """Nothing done here is covered, nor what threads and processes do that start here."""
    watching = Coverage.current()
    if watching is None:
        yield
        return
    children = os.environ.pop(CHILDREN, None)
    watching.stop()
    try:
        yield
    finally:
        watching.start()
        if children is not None:
            os.environ[CHILDREN] = children


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Run a test that repeats what others do without coverage."""
    if not item.path.is_relative_to(TESTS) or not str(item.path.relative_to(TESTS)).startswith(REPEATED):
        return (yield)
    with unwatched():
        return (yield)
