"""DynamoDB in memory, for simulation: one call is one step, and nothing happens between calls but what the clock brings.

It is an `Engine` of `tollgate.store.dynamodb`: `dynamodb.use(Store(...))`. Its caller calls it from one thread at a time; there
is no lock and no thread in here, so a scheduler decides alone in which order requests take effect.

What real DynamoDB does late, it does late by the seconds that `Lags` draws: an index hears of a write, a read that need not be
consistent shows it, an expired item goes. (A query of a table itself always shows the latest; that much is not modelled.)
Where its answers differ from those of the embedded engine, the differential test says so and why.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from heapq import heappop, heappush
from typing import Any

from local import template
from tests.simulation import conditions, parsing
from tests.simulation.conditions import Condition
from tests.simulation.documents import apart, parts
from tests.simulation.known import OPERATIONS, READ, RETURNS, check, member
from tests.simulation.lags import Lags
from tests.simulation.operands import Names, resolved
from tests.simulation.queries import NotModelledError, Walk
from tests.simulation.seen import Change, Seen
from tests.simulation.tables import Index, Key, Row, Table, read_units, write_units
from tests.simulation.values import Item, MalformedError, checked_item, invalid, item_size, number
from tests.simulation.writes import (
    FAILED,
    PREPARED,
    Answer,
    Request,
    Write,
    mentioned,
    returned,
    target,
    values_of,
)
from tollgate.store.dynamodb import DatabaseError

TOKEN_SECONDS = 600
FEW, MANY = 1, 100  # operations of a transaction, keys of a batch
TRANSACTION_BYTES = 4 * 1024 * 1024
EXPIRY_REACH = 5 * 365.25 * 86_400  # what expired longer ago than that is never deleted
TWICE = "Transaction request cannot include multiple operations on one item"


class Store:
    """See the module. `now` is the clock, `observe` is told of every request; both may be replaced at any time."""

    def __init__(
        self,
        tables: Iterable[template.Table],
        now: Callable[[], datetime],
        lags: Lags | None = None,
        observe: Callable[[Seen], None] | None = None,
    ) -> None:
        self.tables = {made.name: made for made in (Table(each.request, each.expiry) for each in tables)}
        self.now = now
        self.lags = lags or Lags()
        self.observe = observe
        self.calls: Counter[str] = Counter()
        self.reads = 0.0
        self.writes = 0
        self.streams: dict[str, list[Change]] = {name: [] for name, table in self.tables.items() if table.view}
        self._instant = now().timestamp()
        self._changes: list[Change] = []
        self._sequence = 0
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._heard: dict[tuple[str, str, Key], float] = {}  # when an index hears the last of a row
        self._tokens: dict[str, tuple[float, str]] = {}
        self._operations: dict[str, Callable[[Request], Answer]] = {
            "get_item": self._get_item,
            "put_item": self._put_item,
            "update_item": self._update_item,
            "delete_item": self._delete_item,
            "query": self._query,
            "batch_get_item": self._batch_get_item,
            "transact_write_items": self._transact_write_items,
            "transact_get_items": self._transact_get_items,
        }

    def __call__(self, operation: str, request: Request) -> Answer:
        """The answer, in DynamoDB's own shapes. Raises DatabaseError, and NotModelledError for what is not known here."""
        check(OPERATIONS, operation, request)
        self.arrive()
        self._changes = []
        self.calls[operation] += 1
        reads, writes = self.reads, self.writes
        answer, error = None, None
        try:
            answer = self._operations[operation](request)
        except DatabaseError as refused:
            error = refused
            raise
        finally:
            if self.observe:
                spent = (self.reads - reads, self.writes - writes)
                self.observe(Seen(operation, request, answer, error, *spent, self._changes))
        if request.get("ReturnConsumedCapacity", "NONE") != "NONE":
            units = self.reads - reads + self.writes - writes
            answer["ConsumedCapacity"] = {"TableName": request["TableName"], "CapacityUnits": float(units)}
        return answer

    def close(self) -> None:
        """Nothing is open."""

    # Time

    def arrive(self) -> None:
        """Let everything happen that was due by now."""
        now = self.now().timestamp()
        while self._due and self._due[0][0] <= now:
            self._instant, _, happen = heappop(self._due)
            happen()
        self._instant = now

    def _later(self, instant: float, happen: Callable[[], None]) -> None:
        self._sequence += 1
        heappush(self._due, (instant, self._sequence, happen))

    # For tests: what no request of the product's can see or do.

    def items(self, table: str) -> Iterator[Item]:
        """Everything in a table, whatever its indexes know of it."""
        for row in [*self.tables[table].rows.values()]:
            yield row.copy()

    def put(self, table: str, item: Item) -> None:
        """Have an item in a table, at no cost and seen by nobody but indexes, expiry and stream."""
        found = self.tables[table]
        kept = checked_item(item)
        writes = self.writes
        self._apply(Write(found, found.place_of(kept), None, Row(kept, item_size(kept))))
        self.writes = writes

    # Reading

    def _table(self, request: Request) -> Table:
        table = self.tables.get(request["TableName"])
        if table is None:
            raise DatabaseError("ResourceNotFoundException", "Requested resource not found")
        return table

    def _get_item(self, request: Request) -> Answer:
        table = self._table(request)
        consistent = request.get("ConsistentRead", False)
        row = self._row(table, table.key_of(checked_item(request["Key"])), consistent=consistent)
        shown = self._shown(request)
        self.reads += _read(row, consistent=consistent)
        return {"Item": shown(row)} if row else {}

    def _row(self, table: Table, key: Key, *, consistent: bool) -> Row | None:
        if not consistent and key in table.past:
            until, before = table.past[key]
            if self._instant < until:
                return before
            del table.past[key]
        return table.rows.get(key)

    def _shown(self, request: Request) -> Callable[[Row], Item]:
        """What shows a row as the request wants it."""
        paths = _projection(request)
        names, _ = mentioned(request, _names_in(paths), frozenset())
        return _showing(paths, names)

    def _batch_get_item(self, request: Request) -> Answer:
        found: dict[str, list[Item]] = {}
        if not FEW <= sum(len(each["Keys"]) for each in request["RequestItems"].values()) <= MANY:
            raise invalid("Too many items requested for the BatchGetItem call, or none")
        for name, body in request["RequestItems"].items():
            if not body.keys() <= READ | {"Keys"}:
                raise NotModelledError(f"batch_get_item with {', '.join(sorted(body))}")
            table = self._table({"TableName": name})
            keys = [table.key_of(checked_item(each)) for each in body["Keys"]]
            if len(set(keys)) < len(keys):
                raise invalid("Provided list of item keys contains duplicates")
            shown = self._shown(body)
            consistent = body.get("ConsistentRead", False)
            rows = [self._row(table, key, consistent=consistent) for key in keys]
            self.reads += sum(_read(row, consistent=consistent) for row in rows)
            found[name] = [shown(row) for row in rows if row]
        return {"Responses": found, "UnprocessedKeys": {}}

    def _transact_get_items(self, request: Request) -> Answer:
        members = [member(each) for each in request["TransactItems"]]
        if not FEW <= len(members) <= MANY:
            raise invalid("Member must have length less than or equal to 100, and at least 1")
        answers: list[Answer] = []
        places: set[tuple[str, Key]] = set()
        reasons: list[dict[str, Any]] = []
        for _, body in members:
            table = self._table(body)
            try:
                key = table.key_of(checked_item(body["Key"]))
                shown = self._shown(body)
            except DatabaseError as error:
                reasons.append(_reason(error))
                continue
            reasons.append({"Code": "None"})
            places.add((table.name, key))
            row = table.rows.get(key)
            self.reads += 2 * _read(row, consistent=True)
            answers.append({"Item": shown(row)} if row else {})
        if len(answers) < len(members):
            raise _cancelled(reasons)
        if len(places) < len(members):
            raise invalid(TWICE)
        return {"Responses": answers}

    # Queries

    def _query(self, request: Request) -> Answer:
        table = self._table(request)
        index = self._index(table, request)
        schema = index.schema if index else table.schema
        text, paths = request["KeyConditionExpression"], _projection(request)
        asked = [conditions.condition(text, "KeyConditionExpression")]
        if "FilterExpression" in request:
            asked.append(conditions.condition(request["FilterExpression"], "FilterExpression"))
        used = _names_in(paths).union(*(each.names for each in asked))
        names, values = mentioned(request, used, values_of(asked))
        for each in asked:
            each.check(values)
        keep = asked[1:]
        _check_filters(keep, schema.names, names)
        walk = Walk(table, index, parsing.condition(text, "KeyConditionExpression"), names, values)
        page = walk.page(request)
        kept = [row for row in page.rows if all(each.test(row.item, names, values) for each in keep)]
        self.reads += read_units(page.bytes) * (1.0 if request.get("ConsistentRead") else 0.5)
        answer: Answer = {"Count": len(kept), "ScannedCount": len(page.rows)}
        if request.get("Select") != "COUNT":
            answer["Items"] = [*map(_showing(paths, names), kept)]
        if page.more:
            last = page.rows[-1].item
            answer["LastEvaluatedKey"] = {name: dict(last[name]) for name in (*schema.names, *table.schema.names)}
        return answer

    def _index(self, table: Table, request: Request) -> Index | None:
        if "IndexName" not in request:
            return None
        index = table.indexes.get(request["IndexName"])
        if index is None:
            raise invalid(f"The table does not have the specified index: {request['IndexName']}")
        if request.get("ConsistentRead"):
            raise invalid("Consistent reads are not supported on global secondary indexes")
        return index

    # Writing

    def _put_item(self, request: Request) -> Answer:
        return self._written("put_item", "Put", request)

    def _update_item(self, request: Request) -> Answer:
        return self._written("update_item", "Update", request)

    def _delete_item(self, request: Request) -> Answer:
        return self._written("delete_item", "Delete", request)

    def _written(self, operation: str, kind: str, request: Request) -> Answer:
        wanted = request.get("ReturnValues", "NONE")
        if wanted not in RETURNS[operation]:
            raise invalid(f"Value '{wanted}' at 'returnValues' failed to satisfy constraint")
        about = target(self._table(request), kind, request)
        try:
            write = PREPARED[kind](about)
        except DatabaseError as error:
            if error.code == "ConditionalCheckFailedException":
                self.writes += _write_cost(about.table.rows.get(about.key), None)
            raise
        self.writes += _write_cost(write.before, write.after)
        self._apply(write)
        return returned(write, wanted)

    def _transact_write_items(self, request: Request) -> Answer:
        members = [member(each) for each in request["TransactItems"]]
        if not FEW <= len(members) <= MANY:
            raise invalid("Member must have length less than or equal to 100, and at least 1")
        token = request.get("ClientRequestToken")
        said = json.dumps(request["TransactItems"], sort_keys=True, default=repr) if token else ""
        if token and self._done_before(token, said):
            self.reads += 2 * len(members)
            return {}
        writes = self._prepared(members)
        if sum(write.after.size for write in writes if write.after) > TRANSACTION_BYTES:
            raise invalid("Aggregated size of all items in transaction cannot exceed 4 MB")
        for write in writes:
            self.writes += 2 * _write_cost(write.before, write.after)
            self._apply(write)
        if token:
            self._tokens[token] = (self._instant, said)
        return {}

    def _done_before(self, token: str, said: str) -> bool:
        done = self._tokens.get(token)
        if done is None or self._instant - done[0] > TOKEN_SECONDS:
            return False
        if done[1] != said:
            raise DatabaseError("IdempotentParameterMismatchException", "This token was used with other parameters")
        return True

    def _prepared(self, members: Sequence[tuple[str, Request]]) -> list[Write]:
        """The writes of a transaction, none of them made. Raises TransactionCanceledException where one cannot be."""
        reasons: list[dict[str, Any]] = []
        writes: list[Write] = []
        places: list[tuple[str, Key]] = []
        for kind, body in members:
            try:
                about = target(self._table(body), kind, body)
                places.append((about.table.name, about.key))
                writes.append(PREPARED[kind](about))
            except DatabaseError as error:
                reasons.append(_reason(error))
            else:
                reasons.append({"Code": "None"})
        if len(set(places)) < len(places):
            raise invalid(TWICE)
        if len(writes) < len(members):
            self.writes += sum(
                2 * _write_cost(self.tables[name].rows.get(key), None) for name, key in places
            )  # a cancelled one is charged for all it looked at
            raise _cancelled(reasons)
        return writes

    def _apply(self, write: Write, *, expired: bool = False) -> None:
        table, after = write.table, write.after
        before = table.replace(write.key, after)
        if (before and before.item) == (after and after.item):
            return  # no index and no stream hears of what changed nothing
        if (stale := self.lags.read()) > 0:
            table.past[write.key] = (self._instant + stale, before)
        for index in table.indexes.values():
            old, new = index.project(before), index.project(after)
            if old is not None or new is not None:
                self.writes += 0 if expired else index.writes(old, new)
                self._tell(table, index, write.key, new)
        if table.expiry and after and table.expiry in after.item:
            self._expire_later(table, write.key, after)
        if self.observe or table.view:
            self._note(table, before, after, expired=expired)

    def _tell(self, table: Table, index: Index, key: Key, shown: Row | None) -> None:
        """Have an index hear of a row, after what it has still to hear of it."""
        place = (table.name, index.name, key)
        instant = max(self._instant + self.lags.index(), self._heard.get(place, 0))
        if instant <= self._instant:
            index.place(key, shown)
            return
        self._heard[place] = instant

        def hear() -> None:
            index.place(key, shown)
            if self._heard.get(place) == instant:
                del self._heard[place]

        self._later(instant, hear)

    def _expire_later(self, table: Table, key: Key, row: Row) -> None:
        expires = row.item[table.expiry or ""].get("N")
        lag = self.lags.expiry()
        if expires is None or lag is None or number(expires) < self._instant - EXPIRY_REACH:
            return

        def expire() -> None:
            there = table.rows.get(key)
            if there is not None and there.item.get(table.expiry or "") == {"N": expires}:
                self._apply(Write(table, key, there, None), expired=True)

        self._later(max(float(expires), self._instant) + lag, expire)

    def _note(self, table: Table, before: Row | None, after: Row | None, *, expired: bool) -> None:
        self._sequence += 1
        item = (after or before or Row({}, 0)).item
        change = Change(
            table=table.name,
            key={name: item[name] for name in table.schema.names},
            before=before.item if before else None,
            after=after.item if after else None,
            at=self._instant,
            sequence=self._sequence,
            expired=expired,
        )
        self._changes.append(change)
        if table.view:
            self.streams[table.name].append(change)


# What a reading request shows.


def _projection(request: Request) -> list[parsing.Path]:
    """The paths that a request wants; none is everything."""
    if "ProjectionExpression" not in request:
        return []
    if request.get("Select") == "COUNT":
        raise invalid("Cannot specify the ProjectionExpression when choosing to get only the Count")
    return parsing.projection(request["ProjectionExpression"])


def _names_in(paths: Iterable[parsing.Path]) -> frozenset[str]:
    return frozenset(part for path in paths for part in path if isinstance(part, str) and part.startswith("#"))


def _showing(paths: Sequence[parsing.Path], names: Names) -> Callable[[Row], Item]:
    """What shows a row, or what of it lies at these paths."""
    if not paths:
        return Row.copy
    wanted = [resolved(path, names) for path in paths]
    apart(wanted)
    return lambda row: parts(row.copy(), wanted)


def _check_filters(filters: Iterable[Condition], keys: Sequence[str], names: Names) -> None:
    for path in (path for each in filters for path in each.paths):
        if resolved(path, names)[0] in keys:
            raise invalid("Filter Expression can only contain non-primary key attributes")


def _cancelled(reasons: Sequence[Mapping[str, Any]]) -> DatabaseError:
    codes = ", ".join(reason["Code"] for reason in reasons)
    message = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
    return DatabaseError("TransactionCanceledException", message, reasons=reasons)


def _reason(error: DatabaseError) -> dict[str, Any]:
    """Why a member of a transaction cannot be done; what concerns the request as a whole is raised again."""
    if error.code == "ConditionalCheckFailedException":
        found = {"Item": error.item} if error.item else {}
        return {"Code": "ConditionalCheckFailed", "Message": FAILED, **found}
    if error.code == "ValidationException" and not isinstance(error, MalformedError):
        return {"Code": "ValidationError", "Message": error.message}
    raise error


# Units: source as for sizes. A failed condition costs what the item there would; a transaction twice as much.


def _write_cost(before: Row | None, after: Row | None) -> int:
    return write_units(max(before.size if before else 0, after.size if after else 0))


def _read(row: Row | None, *, consistent: bool) -> float:
    return read_units(row.size if row else 0) * (1.0 if consistent else 0.5)
