"""The table of Razorpay's scenarios and the tests that cover them, held together in both directions."""

import ast
import re
from functools import cache

from tests.bundle.document import ROOT

TABLE = ROOT / "docs" / "razorpay-scenarios.md"
SCENARIOS = "tests/functions/test_razorpay_scenarios.py"
ID = re.compile(r"\b(?:ORD|BP|RZP|FLT)-(?:\d\d|VALIDATION)\b")
TEST = re.compile(r"`((?:tests/[\w/]+\.py::)?test_\w+)`")
NOT_HERE = "not run here"


@cache
def rows() -> dict[str, str]:
    """What the table says of each id, by id."""
    cells = [
        line.strip("|").split("|") for line in TABLE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")
    ]
    return {row[0].strip(): row[-1].strip() for row in cells if ID.fullmatch(row[0].strip())}


@cache
def those_in(path: str) -> dict[str, str]:
    """The tests of a file with their docstrings."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    functions = [each for each in tree.body if isinstance(each, ast.FunctionDef) and each.name.startswith("test_")]
    return {each.name: ast.get_docstring(each) or "" for each in functions}


def named(cell: str) -> set[tuple[str, str]]:
    """The tests that a cell names, as file and test; without a file they are scenarios."""
    found = [name.rpartition("::") for name in TEST.findall(cell)]
    return {(path or SCENARIOS, test) for path, _, test in found}


def covered() -> dict[str, set[str]]:
    """The scenarios' tests, by the ids that they carry."""
    found: dict[str, set[str]] = {}
    for name, docstring in those_in(SCENARIOS).items():
        for each in ID.findall(docstring):
            found.setdefault(each, set()).add(name)
    return found


def test_every_row_names_tests_that_are_there_or_says_why_there_is_none() -> None:
    assert len(rows()) > 70
    for name, cell in rows().items():
        listed = named(cell)
        assert listed or cell.startswith(NOT_HERE), f"{name} names no test and no reason"
        assert not (listed and cell.startswith(NOT_HERE)), f"{name} is not run and names a test"
        for path, test in listed:
            assert (ROOT / path).exists(), f"{name}: no file {path}"
            assert test in those_in(path), f"{name}: no test {test} in {path}"


def test_every_row_that_runs_is_carried_by_a_scenario_and_names_all_that_carry_it() -> None:
    for name, cell in rows().items():
        if not cell.startswith(NOT_HERE):
            assert {test for path, test in named(cell) if path == SCENARIOS} == covered().get(name, set()), name


def test_every_scenario_is_in_the_table() -> None:
    assert covered().keys() <= rows().keys()
    assert [name for name, docstring in those_in(SCENARIOS).items() if not ID.search(docstring)] == []
