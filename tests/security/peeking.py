"""What the security tests look at: every database request as it is sent, and all that is kept of a user."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tests.functions.harness import World
from tollgate.store import dynamodb
from tollgate.store.dynamodb import Engine

type Json = dict[str, Any]

TABLES = ("SubscriptionsTable", "UsageLogsTable")


class Peeking:
    """An engine that keeps the text of what it is asked, and has another one answer."""

    def __init__(self, engine: Engine, asked: list[str]) -> None:
        self._engine, self._asked = engine, asked

    def __call__(self, operation: str, request: Mapping[str, Any]) -> Json:
        self._asked.append(f"{operation} {json.dumps(request, default=str)}")
        return self._engine(operation, request)

    def close(self) -> None:
        self._engine.close()


@contextmanager
def peeked() -> Iterator[list[str]]:
    """The text of every database request of the product, until the block is left."""
    asked: list[str] = []
    before = dynamodb.engine()
    dynamodb.use(Peeking(before, asked))
    try:
        yield asked
    finally:
        dynamodb.use(before)


def kept(world: World, *rows: str) -> str:
    """Everything that lies in the tables of the user, and the named rows of the payments table, as one text."""
    found = [world.item(), *(world.rows(table) for table in TABLES), *(world.row(name) for name in rows)]
    return json.dumps(found, default=str, sort_keys=True)


def names(value: object) -> set[str]:
    """Every name of a field in a JSON value, at any depth."""
    if isinstance(value, dict):
        return set(value) | {name for each in value.values() for name in names(each)}
    return {name for each in value for name in names(each)} if isinstance(value, list) else set()
