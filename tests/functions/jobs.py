"""Scheduled functions as the scheduler calls them, and engines on which a run dies."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from typing import Any

from tests import privileges
from tests.functions import harness
from tests.functions.harness import World
from tollgate.store import dynamodb
from tollgate.store.dynamodb import DatabaseError, Engine

type Json = dict[str, Any]

WRITES = frozenset({"update_item", "put_item", "transact_write_items"})


def run(world: World, name: str, seconds: float | None = None) -> Json:
    """One run of a function, at the world's time; what it asked of the database is held against its policy."""
    world.at(world.now)
    function = next(each for each in harness.served().functions if each.name == name)
    world.journal.clear()
    report: Json = harness.handler(function)({}, harness.context(function, seconds))
    privileges.keep_within(name, world.journal)
    return report


class Killed(BaseException):
    """The function's environment went away."""


class Dying:
    """An engine on which the n-th request of some kinds kills the run: before it is made, or when it is made and not answered."""

    def __init__(self, engine: Engine, kinds: frozenset[str], number: int, *, after: bool) -> None:
        self._engine, self._kinds, self._number, self._after = engine, kinds, number, after
        self.met = 0

    def __call__(self, operation: str, request: Mapping[str, Any]) -> Json:
        self.met += operation in self._kinds
        deadly = operation in self._kinds and self.met == self._number
        if deadly and not self._after:
            raise Killed
        answer = self._engine(operation, request)
        if deadly:
            raise Killed
        return answer

    def close(self) -> None:
        self._engine.close()


class Refusing:
    """An engine that answers every request about one user with an error."""

    def __init__(self, engine: Engine, user: str, code: str) -> None:
        self._engine, self._user, self._code = engine, user, code

    def __call__(self, operation: str, request: Mapping[str, Any]) -> Json:
        if operation != "query" and self._user in str(request):
            raise DatabaseError(self._code)
        return self._engine(operation, request)

    def close(self) -> None:
        self._engine.close()


class Interrupted:
    """An engine before whose first write, or first request of these kinds, something else happens that the run has no part in."""

    def __init__(self, world: World, happens: Callable[[], object], kinds: Container[str] = WRITES) -> None:
        self._world, self._happens, self._kinds = world, happens, kinds
        self._engine = dynamodb.engine()
        self.waiting = True

    def __call__(self, operation: str, request: Mapping[str, Any]) -> Json:
        if operation in self._kinds and self.waiting:
            self.waiting = False
            noted = list(self._world.journal)
            self._happens()
            self._world.journal[:] = noted
        return self._engine(operation, request)

    def close(self) -> None:
        self._engine.close()


def killed(world: World, name: str, kinds: frozenset[str], number: int, *, after: bool) -> bool:
    """A run that dies at its n-th request of these kinds; whether it did not end before."""
    with dynamodb.using(Dying(dynamodb.engine(), kinds, number, after=after)):
        try:
            run(world, name)
        except Killed:
            return True
    return False
