"""What was used in months gone by: kept for ever beside the usage log, added up from counters as their windows close."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tollgate import calendar
from tollgate.closing import Closing
from tollgate.config import settings
from tollgate.metering import Lease
from tollgate.store import records, users
from tollgate.store.due import Index
from tollgate.store.dynamodb import from_item, send, to_item
from tollgate.users import User

# Users with counts of a day, and with counts of a month, by when the first of these windows closes.
DAYS = Index(name="days", shard="closes", at="dayClosesAt")
MONTHS = Index(name="months", shard="closes", at="monthClosesAt")
WINDOW = "window#"  # sorts behind every row of the log, which begins with its instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """A user's record as far as closing asks: the counts, the calls that are running, and when windows were to close."""

    user: User
    leases: tuple[Lease, ...]
    closes: Mapping[str, str | None]

    def is_due(self, now: datetime) -> bool:
        """Whether a window was to close by now; the index may still tell of what was done."""
        return any(at is not None and at <= calendar.iso(now) for at in self.closes.values())


def due(now: datetime) -> Iterator[dict[str, Any]]:
    """The users of whom a window has closed by now, as far as the indexes tell them."""
    table = settings().tables.users
    yield from DAYS.rows(table, calendar.iso(now))
    yield from MONTHS.rows(table, calendar.iso(now))


def counted(user_id: str) -> Counted | None:
    """The user's record, read consistently."""
    answer = send("get_item", TableName=settings().tables.users, Key=users.key(user_id), ConsistentRead=True)
    if "Item" not in answer:
        return None
    record = from_item(answer["Item"])
    closes = {index.at: record.get(index.at) for index in (DAYS, MONTHS)}
    return Counted(user=records.to_user(record), leases=records.leases(record), closes=closes)


def close(found: Counted, closing: Closing) -> None:
    """Take the closed windows' counters off the record and add them to the history of their months, all in one.

    Raises ConditionFailedError where one of them is not as it was read, or somebody else closed them.
    """
    writes = [{"Update": _clear(found, closing)}]
    writes += [{"Update": _add(found.user.id, month, counts)} for month, counts in closing.months.items()]
    if closing.months:
        send("transact_write_items", TransactItems=writes)
    else:
        send("update_item", **writes[0]["Update"])


def _clear(found: Counted, closing: Closing) -> dict[str, Any]:
    closes = {DAYS.at: closing.day_closes_at, MONTHS.at: closing.month_closes_at}
    names = {f"#n{place}": name for place, name in enumerate([*closing.closed, *sorted(closing.hours)])}
    alias = {name: place for place, name in names.items()}
    values: dict[str, Any] = {f":{alias[name][1:]}": count for name, count in closing.closed.items()}
    values |= {f":seen_{at}": seen for at, seen in found.closes.items() if seen}
    values |= {f":next_{at}": calendar.iso(instant) for at, instant in closes.items() if instant}
    as_read = [f"{alias[name]} = :{alias[name][1:]}" for name in closing.closed]
    as_read += [f"{at} = :seen_{at}" if seen else f"attribute_not_exists({at})" for at, seen in found.closes.items()]
    sets = [f"{at} = :next_{at}" for at, instant in closes.items() if instant]
    removes = [*names, *(at for at, instant in closes.items() if not instant)]
    clauses = (f"SET {', '.join(sets)}" if sets else "", f"REMOVE {', '.join(removes)}" if removes else "")
    return {
        "TableName": settings().tables.users,
        "Key": users.key(found.user.id),
        "UpdateExpression": " ".join(clause for clause in clauses if clause),
        "ConditionExpression": " AND ".join(as_read),
        "ExpressionAttributeValues": to_item(values),
        **({"ExpressionAttributeNames": names} if names else {}),
    }


def _key(user_id: str, month: str) -> dict[str, Any]:
    return to_item({"userId": user_id, "timestamp": f"{WINDOW}{month}"})


def _add(user_id: str, month: str, counts: Mapping[str, int]) -> dict[str, Any]:
    return {
        "TableName": settings().tables.usage_logs,
        "Key": _key(user_id, month),
        "UpdateExpression": "SET " + ", ".join(f"{name} = if_not_exists({name}, :zero) + :{name}" for name in counts),
        "ExpressionAttributeValues": to_item({":zero": 0, **{f":{name}": count for name, count in counts.items()}}),
    }


def read(user_id: str, months: Sequence[str]) -> tuple[User | None, dict[str, dict[str, int]]]:
    """The user and what is written of these months, as they are at one instant: nothing is seen twice or not at all that is
    being written down."""
    tables = settings().tables
    gets = [{"Get": {"TableName": tables.usage_logs, "Key": _key(user_id, month)}} for month in months]
    own = {"Get": {"TableName": tables.users, "Key": users.key(user_id)}}
    answer = send("transact_get_items", TransactItems=[own, *gets])
    user, *rows = [from_item(each["Item"]) if each.get("Item") else None for each in answer["Responses"]]
    written = {month: _counts(row) for month, row in zip(months, rows, strict=True) if row}
    return records.to_user(user) if user else None, written


def _counts(row: Mapping[str, Any]) -> dict[str, int]:
    return {name: value for name, value in row.items() if isinstance(value, int)}
