"""Two engines asked the same, and their answers held against each other; what is known to differ is named and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.documents import NO_PLACE
from tests.simulation.remote import Outcome, outcome, plain
from tests.simulation.seen import Seen
from tests.simulation.store import Store
from tests.simulation.writes import UNDEFINED
from tollgate.store.dynamodb import Engine

type Json = dict[str, Any]

ROOMY = "it lets a document path be where nothing can hold it; DynamoDB refuses such an update"
EITHER = "of two mistakes, in a table's name and in an expression, it tells of the other"
UPSERT = "it gives the key as the old item of an update that made the item; DynamoDB gives nothing"
LAZY = "it misses what an expression mentions and the request does not define only where it gets to it; DynamoDB always does"


@dataclass(slots=True)
class Difference:
    """A request that two engines answered differently."""

    operation: str
    request: Mapping[str, Any]
    ours: Outcome
    theirs: Outcome
    seen: Seen

    def __str__(self) -> str:
        error = self.seen.error
        why = [error.message, *(each.get("Message") for each in error.reasons)] if error else []
        return f"{self.operation} {self.request!r}\n  store:  {self.ours}\n  engine: {self.theirs}\n  said:   {why}"


@dataclass(slots=True)
class Pair:
    """The store and an engine, asked together. `asked` counts answers by operation and code, `gaps` what the engine lacks."""

    store: Store
    engine: Engine
    asked: Counter[tuple[str, str]] = field(default_factory=Counter)
    gaps: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)
    _seen: list[Seen] = field(default_factory=list)

    def ask(self, operation: str, request: Mapping[str, Any]) -> None:
        """Ask both, note what differs, and have the engine's tables follow the store's where it is the engine that is wrong."""
        self._seen.clear()
        self.store.observe = self._seen.append
        ours, theirs = outcome(self.store, operation, request), outcome(self.engine, operation, request)
        self.asked[operation, theirs[0]] += 1
        if ours == theirs:
            return
        gap = known(self._seen[0], ours, theirs)
        if gap is None:
            self.differences.append(Difference(operation, request, ours, theirs, self._seen[0]))
        else:
            self.gaps[gap] += 1
            self.follow()

    def state(self) -> tuple[Json, Json]:
        """Everything that lies in the store's tables and indexes, and in the engine's."""
        ours: Json = {}
        theirs: Json = {}
        for name, table in self.store.tables.items():
            ours[name] = _sorted(self.store.items(name))
            theirs[name] = _sorted(self.engine("scan", {"TableName": name})["Items"])
            for index in table.indexes.values():
                place = f"{name}/{index.name}"
                ours[place] = _sorted(row.copy() for row in index.rows.values())
                theirs[place] = _sorted(self.engine("scan", {"TableName": name, "IndexName": index.name})["Items"])
        return ours, theirs

    def follow(self) -> None:
        """Make the engine's tables what the store's are."""
        for name, table in self.store.tables.items():
            there = {repr(plain(item)): item for item in self.engine("scan", {"TableName": name})["Items"]}
            wanted = {repr(plain(item)): item for item in self.store.items(name)}
            for text in there.keys() - wanted.keys():
                key = {part: there[text][part] for part in table.schema.names}
                self.engine("delete_item", {"TableName": name, "Key": key})
            for text in wanted.keys() - there.keys():
                self.engine("put_item", {"TableName": name, "Item": wanted[text]})


def _sorted(items: Any) -> list[Any]:  # noqa: ANN401 -- items of either
    return sorted((plain(item) for item in items), key=repr)


_DOUBTFUL = frozenset({"InternalServerError", "ResourceNotFoundException", "SerializationException"})


def known(seen: Seen, ours: Outcome, theirs: Outcome) -> str | None:
    """Which known gap of the engine explains a difference; None where it is news."""
    if {ours[0], theirs[0]} == {"ResourceNotFoundException", "ValidationException"}:
        return EITHER
    if seen.error is not None:
        reasons = [reason.get("Message") for reason in seen.error.reasons]
        if NO_PLACE in {seen.error.message, *reasons} and _otherwise_equal(reasons, ours, theirs):
            return ROOMY
        return LAZY if UNDEFINED in f"{seen.error.message} {reasons}" and theirs[0] not in _DOUBTFUL else None
    request = seen.request
    if seen.operation == "update_item" and request.get("ReturnValues") == "ALL_OLD" and theirs[0] == "done":
        rest = dict(theirs[1])
        old = rest.pop("Attributes", {})
        return UPSERT if rest == ours[1] and old.keys() == request["Key"].keys() else None
    return None


def _otherwise_equal(reasons: list[Any], ours: Outcome, theirs: Outcome) -> bool:
    """Whether both agree on all members of a transaction but those with such a path."""
    if not reasons:
        return theirs[0] == "done"
    others = theirs[1][1] if theirs[0] == "TransactionCanceledException" else [("None", None)] * len(reasons)
    return all(
        told == other or message == NO_PLACE for told, other, message in zip(ours[1][1], others, reasons, strict=True)
    )
