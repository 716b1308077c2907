"""The table of attacks names tests that are there, and every test of `tests/security` is in it."""

import ast
import re
from functools import cache

from tests.bundle.document import ROOT

TABLE = ROOT / "docs" / "security.md"
TEST = re.compile(r"`([\w/]+\.py)::(test_\w+)`")


@cache
def those_in(path: str) -> set[str]:
    """The tests of a file."""
    tree = ast.parse((ROOT / "tests" / path).read_text(encoding="utf-8"))
    return {each.name for each in tree.body if isinstance(each, ast.FunctionDef) and each.name.startswith("test_")}


@cache
def named() -> set[tuple[str, str]]:
    """The tests that the table names, as file and test."""
    return set(TEST.findall(TABLE.read_text(encoding="utf-8")))


def test_every_test_that_the_table_names_is_there() -> None:
    assert len(named()) > 40
    assert [(path, test) for path, test in sorted(named()) if test not in those_in(path)] == []


def test_every_row_names_a_test() -> None:
    rows = [each for each in TABLE.read_text(encoding="utf-8").splitlines() if re.match(r"\| (API\d|9\.|R\d)", each)]
    assert len(rows) > 25
    assert [each for each in rows if not TEST.search(each)] == []


def test_every_attack_is_in_the_table() -> None:
    for path in sorted((ROOT / "tests" / "security").glob("test_*.py")):
        name = f"security/{path.name}"
        assert those_in(name) == {test for where, test in named() if where == name}
