"""Everything that is held on one user, found by its owner in every table: to hand it over, and to erase it.

In the tables of payments, notices and replies the index `owner` finds it. An index lags: whoever erases looks twice.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from typing import Any

from tollgate import calendar
from tollgate.config import settings
from tollgate.errors import ProviderUnavailable
from tollgate.metering import NO_TERMS
from tollgate.store import subscriptions
from tollgate.store.dynamodb import ConditionFailedError, from_item, send, to_item
from tollgate.store.payments import key
from tollgate.users import User

OWNER = "owner"
MOST_READ, MOST_WRITTEN = 100, 25  # DynamoDB's, in one batch
TRIES = 8
FIRST_WAIT = 0.05  # seconds, doubled each time DynamoDB leaves part of a batch undone


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of what is held: its table, what its rows are sorted by, and whether the index finds them."""

    name: str
    sort: str
    by_owner: bool = False

    @property
    def table(self) -> str:
        """The table, as this stage names it."""
        tables = settings().tables
        return {
            "subscriptions": tables.subscriptions,
            "payments": tables.payments,
            "usage": tables.usage_logs,
            "notices": tables.notices,
            "replies": tables.replies,
        }[self.name]

    def key(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The key of a row."""
        return {name: row[name] for name in ((self.sort,) if self.by_owner else ("userId", self.sort))}


SUBSCRIPTIONS = Section(name="subscriptions", sort="subscriptionId")
PAYMENTS = Section(name="payments", sort="id", by_owner=True)
USAGE = Section(name="usage", sort="timestamp")
NOTICES = Section(name="notices", sort="id", by_owner=True)
REPLIES = Section(name="replies", sort="id", by_owner=True)
HANDED_OVER = (SUBSCRIPTIONS, PAYMENTS, USAGE, NOTICES)
ERASED = (USAGE, NOTICES, REPLIES)


def page(section: Section, user_id: str, after: str, limit: int) -> tuple[list[dict[str, Any]], str | None]:
    """The user's rows behind `after`, and what to go on after; None at the end."""
    found, last = _keys(section, user_id, after, limit)
    return (_rows(section, [section.key(each) for each in found]) if section.by_owner else found), last


def _keys(section: Section, user_id: str, after: str, limit: int) -> tuple[list[dict[str, Any]], str | None]:
    start = {"ExclusiveStartKey": to_item({"userId": user_id, section.sort: after})} if after else {}
    index = {"IndexName": OWNER} if section.by_owner else {"ConsistentRead": True}
    answer = send(
        "query",
        TableName=section.table,
        KeyConditionExpression="userId = :user",
        ExpressionAttributeValues=to_item({":user": user_id}),
        Limit=limit,
        **index,
        **start,
    )
    last = answer.get("LastEvaluatedKey")
    return [from_item(each) for each in answer["Items"]], from_item(last)[section.sort] if last else None


def _rows(section: Section, keys: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for some in batched(keys, MOST_READ, strict=False):
        wanted = [to_item(each) for each in some]
        for wait in _waits():
            answer = send("batch_get_item", RequestItems={section.table: {"Keys": wanted, "ConsistentRead": True}})
            found += [from_item(each) for each in answer["Responses"].get(section.table, ())]
            wanted = answer.get("UnprocessedKeys", {}).get(section.table, {}).get("Keys", [])
            if not wanted:
                break
            time.sleep(wait)
        else:
            raise ProviderUnavailable("The database is busy; try again in a moment.")
    return sorted(found, key=lambda row: str(row[section.sort]))


def _waits() -> Iterator[float]:
    return (FIRST_WAIT * 2**attempt for attempt in range(TRIES))


def bury(user_id: str, before: User | None, now: datetime) -> None:
    """Put in the place of a user's record what tells later comers that the account was deleted, and nothing else.

    A credit balance is money and stays; so does what ended tokens, since some routes go on answering. Raises ConditionFailedError
    where somebody changed the record meanwhile.
    """
    signed_out = {"signedOutAt": int(before.signed_out_at.timestamp())} if before and before.signed_out_at else {}
    row = {
        "userId": user_id,
        "createdAt": calendar.iso(before.created_at if before else calendar.whole_second(now)),
        "deletedAt": calendar.iso(calendar.whole_second(now)),
        "version": (before.version if before else 0) + 1,
        "terms": NO_TERMS,
        **({"creditBalance": before.credit_balance} if before and before.credit_balance else {}),
        **signed_out,
    }
    held: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(userId)"}
    if before:
        as_read = "signedOutAt = :signedOutAt" if signed_out else "attribute_not_exists(signedOutAt)"
        held = {
            "ConditionExpression": f"version = :seen AND attribute_not_exists(deletedAt) AND {as_read}",
            "ExpressionAttributeValues": to_item(
                {":seen": before.version, **{f":{name}": at for name, at in signed_out.items()}}
            ),
        }
    send("put_item", TableName=settings().tables.users, Item=to_item(row), **held)


def erase(section: Section, user_id: str) -> bool:
    """Erase some of the user's rows; whether there may be more."""
    found, last = _keys(section, user_id, "", MOST_WRITTEN)
    wanted = [{"DeleteRequest": {"Key": to_item(section.key(each))}} for each in found]
    for wait in _waits() if wanted else ():
        answer = send("batch_write_item", RequestItems={section.table: wanted})
        wanted = answer.get("UnprocessedItems", {}).get(section.table, [])
        if not wanted:
            return last is not None
        time.sleep(wait)
    if wanted:
        raise ProviderUnavailable("The database is busy; try again in a moment.")
    return False


def forget_payer(row: Mapping[str, Any]) -> None:
    """Take the e-mail address off an order or a mandate; everything else on it is of the books."""
    if row.get("email") is None:
        return
    _change(settings().tables.payments, key(row["id"]), "SET email = :none", {":none": None})


def forget_reason(row: Mapping[str, Any]) -> None:
    """Take what a user wrote when cancelling off a period; everything else on it is of the books."""
    if "cancelReason" not in row:
        return
    place = subscriptions.key(row["userId"], row["subscriptionId"])
    _change(settings().tables.subscriptions, place, "REMOVE cancelReason", {})


def _change(table: str, place: Mapping[str, Any], change: str, values: Mapping[str, object]) -> None:
    with_values = {"ExpressionAttributeValues": to_item(values)} if values else {}
    name = next(iter(place))
    try:
        send(
            "update_item",
            TableName=table,
            Key=place,
            UpdateExpression=change,
            ConditionExpression=f"attribute_exists({name})",
            **with_values,
        )
    except ConditionFailedError:
        return
