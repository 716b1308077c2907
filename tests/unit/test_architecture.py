"""The rules of the house that a reader could break without noticing, read from the source."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tollgate import plans

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "layers/shared/tollgate"
SOURCES = sorted([*PACKAGE.rglob("*.py"), *(ROOT / "functions").rglob("*.py")])

CORE = {
    "tollgate.plans",
    "tollgate.calendar",
    "tollgate.closing",
    "tollgate.money",
    "tollgate.subscriptions",
    "tollgate.purchases",
    "tollgate.entitlements",
    "tollgate.metering",
    "tollgate.counters",
    "tollgate.refusals",
    "tollgate.users",
    "tollgate.errors",
    "tollgate.ai.mix",
    "tollgate.ai.models",
}


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def path_of(module: str) -> Path:
    return (ROOT / "layers/shared" / module.replace(".", "/")).with_suffix(".py")


def is_module(name: str) -> bool:
    return path_of(name).exists()


def at_run_time(tree: ast.Module) -> Iterator[ast.AST]:
    """Every node but those that only a type checker sees."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting.extend(node.orelse)
            continue
        yield node
        waiting.extend(ast.iter_child_nodes(node))


def imports(path: Path) -> set[str]:
    """The modules a file imports, anywhere in it."""
    found = set()
    for node in at_run_time(parsed(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            modules = {name for name in names if name.startswith("tollgate") and is_module(name)}
            found |= modules or {node.module}
    return found


@pytest.mark.parametrize("module", sorted(CORE))
def test_the_core_imports_the_standard_library_and_the_core_only(module: str) -> None:
    foreign = {
        name
        for name in imports(path_of(module))
        if name.split(".")[0] not in sys.stdlib_module_names and name not in CORE and name != "tollgate"
    }
    assert foreign == set()


@pytest.mark.parametrize("module", sorted(CORE))
def test_the_core_reads_no_clock_no_environment_no_file_and_rolls_no_dice(module: str) -> None:
    assert imports(path_of(module)).isdisjoint(
        {"os", "time", "random", "secrets", "uuid", "pathlib", "socket", "logging"}
    )


def docstrings(tree: ast.Module) -> set[int]:
    holders = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    bodies = [node.body for node in ast.walk(tree) if isinstance(node, holders)]
    return {id(body[0].value) for body in bodies if body and isinstance(body[0], ast.Expr)}


@pytest.mark.parametrize("path", [path for path in SOURCES if path.name != "plans.py"], ids=relative)
def test_nothing_but_the_catalogue_names_a_tier_or_a_plan(path: Path) -> None:
    names = {tier.id for tier in plans.TIERS} | {plan.id for tier in plans.TIERS for plan in tier.plans}
    tree = parsed(path)
    prose = docstrings(tree)
    told = {
        (node.lineno, node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and id(node) not in prose and node.value in names
    }
    assert told == set()


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_nothing_that_is_deployed_imports_test_tools(path: Path) -> None:
    roots = {name.split(".")[0] for name in imports(path)}
    assert roots.isdisjoint({"unittest", "pytest", "moto", "hypothesis", "tests", "local", "bench"})


def mentions_a_secret_value(node: ast.expr) -> bool:
    words = ("signature", "digest", "hmac", "mac", "secret")
    named = [each.id for each in ast.walk(node) if isinstance(each, ast.Name)]
    named += [each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)]
    return any(word in name.lower().split("_") for name in named for word in words)


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_signatures_are_compared_in_constant_time_only(path: Path) -> None:
    tree = parsed(path)
    compared = [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare)
        and any(isinstance(each, ast.Eq | ast.NotEq | ast.In | ast.NotIn) for each in node.ops)
        and any(mentions_a_secret_value(each) for each in (node.left, *node.comparators))
    ]
    assert compared == []
    called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    if "hmac.new" in called:
        assert "hmac.compare_digest" in called


def test_the_rules_are_checked_on_real_files() -> None:
    assert len(SOURCES) > 40
    assert all(path_of(module).exists() for module in CORE)
