"""The rollups table: figures by series and place, and beside them what was counted of each row, so that nothing is counted twice.

Rows are known here by a digest: the table names no user.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from hashlib import sha256
from itertools import batched, islice
from typing import Any

from tollgate.config import settings
from tollgate.errors import ProviderUnavailable
from tollgate.rollups import Key, Sums, difference, total
from tollgate.store import records
from tollgate.store.dynamodb import ConditionFailedError, from_item, send, to_item
from tollgate.subscriptions import Subscription

MOST_WRITES = 100  # DynamoDB's, in one transaction
MOST_CALLS = MOST_WRITES // 2  # each is marked, and each may be at a place of its own
MARKS_KEPT = timedelta(days=7)  # a stream tells nothing that is older than a day
TRIES = 8
BEHIND = "~"  # sorts behind what a place goes on with
COUNTED = "counted"


def count(source: str, figures: Callable[[], Sums]) -> bool:
    """Bring what is counted of a source up to date with `figures`, which reads it; whether anything was to be done.

    What is counted of it is read before the source, and written in one transaction with what that adds to the sums, on condition
    that nobody did so meanwhile. So whoever looks last has seen the last state, and no difference is added twice, whatever is
    told again, out of turn, or to two at once. Raises ProviderUnavailable.
    """
    changed = False
    for _ in range(TRIES):
        revision, before = _counted(source)
        missing = difference(figures(), before)
        if not missing:
            return changed
        part = dict(islice(missing.items(), MOST_WRITES - 1))
        try:
            _write([_keep(source, revision, total([before, part])), *map(_add, part.items())])
        except ConditionFailedError:
            continue
        changed = True
        if len(part) == len(missing):
            return True
    raise ProviderUnavailable("Too much is happening to this row at once.")


def count_calls(calls: Mapping[str, Sums], now: datetime) -> int:
    """Add rows of the usage log, by their names, once each; how many were not counted before. Such a row is never changed."""
    return sum(_count_some(dict(some), now) for some in batched(calls.items(), MOST_CALLS, strict=False))


def _count_some(calls: dict[str, Sums], now: datetime) -> int:
    while calls:
        sums = total(calls.values())
        try:
            _write([*(_mark(name, now) for name in calls), *map(_add, sums.items())])
        except ConditionFailedError as known:
            calls = {name: each for place, (name, each) in enumerate(calls.items()) if not known.failed[place]}
            continue
        return len(calls)
    return 0


def _write(writes: Sequence[dict[str, Any]]) -> None:
    send("transact_write_items", TransactItems=writes)


def _add(entry: tuple[Key, Mapping[str, int]]) -> dict[str, Any]:
    (series, place), figures = entry
    names = {f"#f{number}": name for number, name in enumerate(figures)}
    return {
        "Update": {
            "TableName": settings().tables.rollups,
            "Key": to_item({"series": series, "place": place}),
            "UpdateExpression": "ADD " + ", ".join(f"{alias} :{alias[1:]}" for alias in names),
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": to_item({f":{alias[1:]}": figures[name] for alias, name in names.items()}),
        }
    }


# What is counted, read consistently: what is missed now would be told of no more


def periods(user_id: str) -> list[Subscription]:
    """All that a user ever bought."""
    request = {
        "TableName": settings().tables.subscriptions,
        "KeyConditionExpression": "userId = :user",
        "ExpressionAttributeValues": to_item({":user": user_id}),
        "ConsistentRead": True,
    }
    return [records.to_subscription(row) for row in _rows(request)]


def ledger(name: str) -> dict[str, Any] | None:
    """A row of the payments table."""
    answer = send("get_item", TableName=settings().tables.payments, Key=to_item({"id": name}), ConsistentRead=True)
    return from_item(answer["Item"]) if "Item" in answer else None


# What was counted before


def _key(name: str) -> dict[str, Any]:
    return to_item({"series": f"{COUNTED}#{sha256(name.encode()).hexdigest()[:40]}", "place": COUNTED})


def _counted(source: str) -> tuple[int, Sums]:
    answer = send("get_item", TableName=settings().tables.rollups, Key=_key(source), ConsistentRead=True)
    row = from_item(answer.get("Item", {}))
    places = row.get("figures", {})
    sums = {(series, place): there for series, of in places.items() for place, there in of.items()}
    return row.get("revision", 0), sums


def _keep(source: str, revision: int, sums: Sums) -> dict[str, Any]:
    places: dict[str, dict[str, Mapping[str, int]]] = {}
    for (series, place), figures in sums.items():
        places.setdefault(series, {})[place] = figures
    seen = {"ExpressionAttributeValues": to_item({":seen": revision})} if revision else {}
    return {
        "Put": {
            "TableName": settings().tables.rollups,
            "Item": _key(source) | to_item({"revision": revision + 1, "figures": places}),
            "ConditionExpression": "revision = :seen" if revision else "attribute_not_exists(series)",
            **seen,
        }
    }


def _mark(name: str, now: datetime) -> dict[str, Any]:
    return {
        "Put": {
            "TableName": settings().tables.rollups,
            "Item": _key(name) | to_item({"expiresAt": int((now + MARKS_KEPT).timestamp())}),
            "ConditionExpression": "attribute_not_exists(series)",
        }
    }


# The sums


def days(series: str, first: date, last: date) -> dict[str, dict[str, int]]:
    """The figures of a series from one day to another, both included, by place."""
    return _read(series, first.isoformat(), f"{last.isoformat()}{BEHIND}")


def months(series: str, last: date) -> dict[str, dict[str, int]]:
    """The figures of a series from its beginning through that day's month, by place."""
    return _read(series, "0", f"{last:%Y-%m}{BEHIND}")


def _read(series: str, first: str, last: str) -> dict[str, dict[str, int]]:
    request = {
        "TableName": settings().tables.rollups,
        "KeyConditionExpression": "#series = :series AND #place BETWEEN :first AND :last",
        "ExpressionAttributeNames": {"#series": "series", "#place": "place"},
        "ExpressionAttributeValues": to_item({":series": series, ":first": first, ":last": last}),
    }
    rows = {str(row.pop("place")): row for row in _rows(request)}
    return {place: {name: figure for name, figure in row.items() if name != "series"} for place, row in rows.items()}


def _rows(request: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    start: dict[str, Any] = {}
    while True:
        answer = send("query", **request, **start)
        yield from map(from_item, answer["Items"])
        if not answer.get("LastEvaluatedKey"):
            return
        start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
