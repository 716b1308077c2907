"""Least privilege, both ways: a function asks for nothing its policy forbids, and its policy allows nothing it never asks for.

The first is checked at every call of a test. For the second each worker notes what was asked; when a whole run is over and well,
what no test asked for fails it. What SAM adds by itself (logs, traces, streams, dead letters) is not looked at.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Any, Protocol

import pytest

from tests.bundle import document

type Asked = tuple[str, str, str]  # function, action, table or index

_asked: set[Asked] = set()
MAIL = "ses:SendEmail"  # what a call of the mail simulator needs


class Request(Protocol):
    """A request that a function made."""

    @property
    def name(self) -> str: ...
    @property
    def needs(self) -> frozenset[tuple[str, str]]: ...


def keep_within(function: str, requests: Iterable[Request]) -> None:
    """Fail where a request is not the function's to make; note all of them."""
    permitted = document.allowed(document.functions()[function])
    mail = frozenset(grant for grant in permitted if grant[0] == MAIL)
    for request in requests:
        needs = mail if request.name == "ses" else request.needs
        assert needs or request.name != "ses", f"{function} may not {MAIL}"
        assert needs <= permitted, f"{function} may not {set(needs - permitted)}"
        _asked.update((function, *each) for each in needs)


def unused(asked: set[Asked]) -> list[Asked]:
    """What policies allow and nothing asked for."""
    granted = {(name, *grant) for name, each in document.functions().items() for grant in document.allowed(each)}
    return sorted(granted - asked)


def pytest_testnodedown(node: Any, error: object) -> None:  # noqa: ANN401 -- xdist's
    """On the controller: take over what a worker noted."""
    del error
    _asked.update(tuple(each) for each in getattr(node, "workeroutput", {}).get("asked", ()))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """On a worker: hand over what was noted. On the controller, or without workers: judge a whole run that went well."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["asked"] = [list(each) for each in _asked]
        return
    given = session.config.option
    whole = not (given.file_or_dir or given.keyword or given.markexpr or given.lf or given.collectonly)
    if (whole or "TOLLGATE_JUDGE_PRIVILEGES" in os.environ) and not session.exitstatus and (found := unused(_asked)):
        said = "\n".join(f"  {name} never needs {action} on {target}" for name, action, target in found)
        sys.stdout.write(f"\nPolicies allow what nothing asked for in the whole run:\n{said}\n")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
