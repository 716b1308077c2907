"""What the daily check reads and keeps, in the payments table: the ledger by days, settled lines, drafts, reports and a cursor.

A report's lists lie in parts beside it, so that no number of differences is too many. The parts of a report are written before
the report itself, under names of their own: whoever reads meanwhile reads the one before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import batched
from types import MappingProxyType
from typing import Any

from tollgate import calendar, ids
from tollgate.config import settings
from tollgate.errors import ProviderUnavailable
from tollgate.payments.audit import Noted, Owed
from tollgate.payments.mandates import CYCLE
from tollgate.payments.orders import Refund
from tollgate.store.dynamodb import from_item, send, to_attribute, to_item
from tollgate.store.payments import EVENTS_KEPT, OPEN, SHARDS, key, transact
from tollgate.store.reversals import DISPUTE, REFUND

BATCH = 100  # of DynamoDB's, rows read together
PART = 250  # list entries in a row of a report
TRIES = 5
CURSOR, DRAFT = "audit#cursor", "audit#draft"
SETTLED, REPORT = "settled#", "report#"

type Entry = dict[str, Any]  # of a list: what it belongs to, and the facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A report, or the draft of one, as it is kept. `revision` counts how often the day was closed."""

    day: date
    at: str
    facts: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    entries: tuple[Entry, ...] = ()
    parts: tuple[str, ...] = ()
    revision: int = 0


# The ledger


def changed_on(day: date) -> list[str]:
    """The ids of the payments whose ledger entry last changed on that day in India."""
    request: dict[str, Any] = {
        "TableName": settings().tables.payments,
        "IndexName": "changed",
        "KeyConditionExpression": "changedOn = :day",
        "ExpressionAttributeValues": to_item({":day": day.isoformat()}),
    }
    return [from_item(item)["id"] for page in _pages(request) for item in page["Items"]]


def _pages(request: Mapping[str, Any]) -> Iterator[Any]:
    start: dict[str, Any] = {}
    while True:
        answer = send("query", **request, **start)
        yield answer
        if not answer.get("LastEvaluatedKey"):
            return
        start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}


def _read(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Rows by their names, read consistently, however many."""
    rows: dict[str, dict[str, Any]] = {}
    for some in batched(sorted(set(names)), BATCH, strict=False):
        rows |= _batch([key(name) for name in some])
    return rows


def _batch(wanted: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    table = settings().tables.payments
    rows: dict[str, dict[str, Any]] = {}
    for _ in range(TRIES):
        answer = send("batch_get_item", RequestItems={table: {"Keys": wanted, "ConsistentRead": True}})
        rows |= {row["id"]: row for row in map(from_item, answer["Responses"].get(table, ()))}
        wanted = answer.get("UnprocessedKeys", {}).get(table, {}).get("Keys", [])
        if not wanted:
            return rows
    raise ProviderUnavailable("The database is busy; try again in a moment.")


def noted(payment_ids: Sequence[str]) -> dict[str, Noted]:
    """The ledger entries of these payments, as far as there are any."""
    return {name: _to_noted(row) for name, row in _read(payment_ids).items() if row.get("kind") == "payment"}


def _to_noted(row: Mapping[str, Any]) -> Noted:
    refunds = {
        name.removeprefix(REFUND): Refund(
            id=name.removeprefix(REFUND),
            payment_id=row["id"],
            amount=told.get("amount", 0),
            status=told.get("status", ""),
        )
        for name, told in row.items()
        if name.startswith(REFUND) and isinstance(told, Mapping)
    }
    return Noted(
        payment_id=row["id"],
        order_id=row.get("orderId"),
        mandate_id=row.get("mandateId"),
        user_id=row.get("userId"),
        amount=row.get("amount", 0),  # whatever was done to the entry, it is compared
        currency=row.get("currency", ""),
        granted="subscription" in row,
        reason=row.get("reason"),
        refunds=MappingProxyType(refunds),
        disputes=MappingProxyType({n.removeprefix(DISPUTE): v for n, v in row.items() if n.startswith(DISPUTE)}),
    )


def owed(names: Sequence[str]) -> dict[str, Owed]:
    """The orders and mandates of these ids, as far as they are ours."""
    return {name: _to_owed(row) for name, row in _read(names).items() if row.get("kind") in {"order", "mandate"}}


def _to_owed(row: Mapping[str, Any]) -> Owed:
    cycles = {value for name, value in row.items() if name.startswith(CYCLE)}
    single = {row["paymentId"]} if "paymentId" in row else set()
    return Owed(id=row["id"], user_id=row.get("userId", ""), paid_by=frozenset(cycles | single))


# What was settled


def settlements_of(names: Sequence[str]) -> dict[str, dict[str, int]]:
    """The settlements that these payments and refunds stood in before, and how often in each."""
    rows = _read([f"{SETTLED}{name}" for name in names])
    return {name.removeprefix(SETTLED): row["settlements"] for name, row in rows.items()}


def note_settled(name: str, settlements: Mapping[str, int], at: datetime) -> None:
    """Note in which settlements a payment or refund stood, and how often in each."""
    row = {"id": f"{SETTLED}{name}", "kind": "settled", "settlements": settlements, "at": calendar.iso(at)}
    send("put_item", TableName=settings().tables.payments, Item=to_item(row))


# What waits for somebody


def flagged_waiting() -> int:
    """How many payments wait for an administrator's decision."""
    request = {
        "TableName": settings().tables.payments,
        "IndexName": "flagged",
        "KeyConditionExpression": "flagged = :open",
        "ExpressionAttributeValues": {":open": to_attribute(OPEN)},
        "Select": "COUNT",
    }
    return sum(page["Count"] for page in _pages(request))


def open_orders(before: datetime) -> int:
    """How many orders made before then are still looked up because nobody paid them."""
    found = 0
    for shard in range(SHARDS):
        request = {
            "TableName": settings().tables.payments,
            "IndexName": "open",
            "KeyConditionExpression": "#open = :shard",
            "FilterExpression": "createdAt < :before",
            "ExpressionAttributeNames": {"#open": "open"},
            "ExpressionAttributeValues": to_item({":shard": f"order#{shard}", ":before": calendar.iso(before)}),
            "Select": "COUNT",
        }
        found += sum(page["Count"] for page in _pages(request))
    return found


# Drafts, reports and the cursor


def closed() -> date | None:
    """The last day whose report is complete."""
    row = _row(CURSOR)
    return date.fromisoformat(row["closed"]) if row else None


def _row(name: str) -> dict[str, Any] | None:
    answer = send("get_item", TableName=settings().tables.payments, Key=key(name), ConsistentRead=True)
    return from_item(answer["Item"]) if "Item" in answer else None


def report(day: date) -> Kept | None:
    """The report of a day, with all its lists."""
    found = report_head(day)
    return _filled(found) if found else None


def report_head(day: date) -> Kept | None:
    """The report of a day without its lists."""
    row = _row(f"{REPORT}{day.isoformat()}")
    return _to_kept(row) if row else None


def part(name: str) -> tuple[Entry, ...]:
    """One part of a report's lists."""
    row = _row(name)
    return tuple(row["entries"]) if row else ()


def draft() -> Kept | None:
    """What an earlier run left of a day that it could not finish."""
    row = _row(DRAFT)
    if row is None or not row["facts"]:
        return None
    try:
        return _filled(_to_kept(row))
    except KeyError:
        return None  # so old that its parts are gone


def _to_kept(row: Mapping[str, Any]) -> Kept:
    return Kept(
        day=date.fromisoformat(row["day"]),
        at=row["at"],
        facts=row["facts"],
        parts=tuple(row["parts"]),
        revision=row.get("revision", 0),
    )


def _filled(head: Kept) -> Kept:
    rows = _read(head.parts)
    entries = tuple(entry for name in head.parts for entry in rows[name]["entries"])
    return Kept(day=head.day, at=head.at, facts=head.facts, entries=entries, parts=head.parts, revision=head.revision)


def _put_parts(name: str, entries: Sequence[Entry], gone: Mapping[str, int] | None = None) -> list[str]:
    names: list[str] = []
    own = ids.token(8)  # two runs at once write parts of their own
    for place, some in enumerate(batched(entries, PART, strict=False)):
        names.append(f"{name}#{own}#{place}")
        row = {"id": names[-1], "kind": "part", "entries": list(some), **(gone or {})}
        send("put_item", TableName=settings().tables.payments, Item=to_item(row))
    return names


def keep_draft(kept: Kept) -> None:
    """Keep what a run has done so far of a day, for the next run to go on from."""
    gone = {"expiresAt": int((calendar.parse(kept.at) + EVENTS_KEPT).timestamp())}
    row = _to_row(DRAFT, "draft", kept, _put_parts(DRAFT, kept.entries, gone))
    send("put_item", TableName=settings().tables.payments, Item=to_item(row))


def _to_row(name: str, kind: str, kept: Kept, parts: Sequence[str]) -> dict[str, Any]:
    return {
        "id": name,
        "kind": kind,
        "day": kept.day.isoformat(),
        "at": kept.at,
        "facts": kept.facts,
        "parts": parts,
        "revision": kept.revision,
    }


def close(kept: Kept, cursor: date | None) -> None:
    """Keep a day's report, count the day as closed if it comes after `cursor`, and drop its draft; together or not at all.

    Raises ConditionFailedError where another run closed the day or moved the cursor meanwhile.
    """
    table = settings().tables.payments
    name = f"{REPORT}{kept.day.isoformat()}"
    row = _to_row(name, "report", kept, _put_parts(name, kept.entries))
    before = {":seen": kept.revision - 1}
    first = kept.revision == 1
    report = {
        "TableName": table,
        "Item": to_item(row),
        "ConditionExpression": "attribute_not_exists(id)" if first else "revision = :seen",
        **({} if first else {"ExpressionAttributeValues": to_item(before)}),
    }
    empty = _to_row(DRAFT, "draft", Kept(day=kept.day, at=kept.at), [])
    writes: list[dict[str, Any]] = [{"Put": report}, {"Put": {"TableName": table, "Item": to_item(empty)}}]
    if cursor is None or kept.day > cursor:
        writes.append({"Update": _cursor_update(kept.day, cursor)})
    transact(*writes)


def _cursor_update(day: date, before: date | None) -> dict[str, Any]:
    known = {":seen": before.isoformat()} if before else {}
    return {
        "TableName": settings().tables.payments,
        "Key": key(CURSOR),
        "UpdateExpression": "SET closed = :day, #kind = :cursor",
        "ConditionExpression": "closed = :seen" if before else "attribute_not_exists(id)",
        "ExpressionAttributeNames": {"#kind": "kind"},
        "ExpressionAttributeValues": to_item({":day": day.isoformat(), ":cursor": "cursor", **known}),
    }
