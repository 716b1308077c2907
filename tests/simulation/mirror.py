"""An engine that has another one answer and holds the store's answer against it: for what the product really asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.remote import Outcome, outcome, plain
from tests.simulation.store import Store
from tollgate.store.dynamodb import DatabaseError, Engine

type Json = dict[str, Any]


@dataclass(slots=True)
class Mirror:
    """`engine` answers; `asked` counts what, and `differences` are the requests that the store answered otherwise."""

    engine: Engine
    store: Store
    asked: Counter[str] = field(default_factory=Counter)
    differences: list[tuple[str, Mapping[str, Any], Outcome, Outcome]] = field(default_factory=list)

    def __call__(self, operation: str, request: Mapping[str, Any]) -> Json:
        """See `Engine`."""
        self.asked[operation] += 1
        ours = outcome(self.store, operation, request)
        told: list[Json] = []
        refused: list[DatabaseError] = []
        theirs = outcome(lambda *asked: self._ask(told, refused, *asked), operation, request)
        if ours != theirs:
            self.differences.append((operation, request, ours, theirs))
        if refused:
            raise refused[0]
        return told[0]

    def _ask(self, told: list[Json], refused: list[DatabaseError], operation: str, request: Mapping[str, Any]) -> Json:
        try:
            told.append(self.engine(operation, request))
        except DatabaseError as error:
            refused.append(error)
            raise
        return told[0]

    def close(self) -> None:
        """Close the engine."""
        self.engine.close()


def load(store: Store, everything: Mapping[str, list[Json]]) -> None:
    """Have in the store what lies in the engine's tables."""
    for table, items in everything.items():
        for item in items:
            store.put(table, item)


def lying(store: Store) -> dict[str, list[Any]]:
    """What lies in the store's tables, in one order."""
    return {name: in_order(store.items(name)) for name in store.tables}


def in_order(items: Any) -> list[Any]:  # noqa: ANN401 -- items of either
    """Items, as far as they can be compared."""
    return sorted((plain(item) for item in items), key=repr)
