"""The subscriptions table: every period anybody paid for, kept for ever, in the order of time."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from tollgate import calendar
from tollgate.config import settings
from tollgate.store import records, users
from tollgate.store.due import Index, shard
from tollgate.store.dynamodb import from_item, send, to_attribute, to_item
from tollgate.subscriptions import Status, Subscription
from tollgate.users import User

DUE = Index(name="due", shard="due", at="dueAt")  # rows whose standing the clock will change, by when
DECIDING = (
    "status",
    "startDate",
    "endDate",
    "autoRenew",
    "graceDays",
)  # what a row's standing and its next change follow from


def page(user_id: str, limit: int, before: str | None) -> tuple[list[Subscription], str | None]:
    """A user's subscriptions, newest first, and the id to go on from, None at the end."""
    start = (
        {"ExclusiveStartKey": {"userId": to_attribute(user_id), "subscriptionId": to_attribute(before)}}
        if before
        else {}
    )
    answer = send(
        "query",
        TableName=settings().tables.subscriptions,
        KeyConditionExpression="userId = :user",
        ExpressionAttributeValues={":user": to_attribute(user_id)},
        ScanIndexForward=False,
        Limit=limit + 1,  # one more tells whether there is a next page
        **start,
    )
    found = [records.to_subscription(from_item(item)) for item in answer["Items"]]
    shown = found[:limit]
    return shown, shown[-1].subscription_id if len(found) > limit else None


def get(user_id: str, subscription_id: str) -> Subscription | None:
    """One period, read consistently."""
    place = key(user_id, subscription_id)
    answer = send("get_item", TableName=settings().tables.subscriptions, Key=place, ConsistentRead=True)
    return records.to_subscription(from_item(answer["Item"])) if "Item" in answer else None


def rows(after: User, before: User | None, now: datetime) -> list[dict[str, Any]]:
    """The writes of the rows that differ from what was read."""
    known = set(before.subscriptions) if before else set()
    return [_put(after.id, each, now) for each in after.subscriptions if each not in known]


def save(after: User, before: User, now: datetime) -> None:
    """Write a change to the user and to the subscriptions' own rows together. Raises ConditionFailedError."""
    items: list[Any] = [{"Update": users.change(after, before, now)}, *rows(after, before, now)]
    send("transact_write_items", TransactItems=items)


def _put(user_id: str, subscription: Subscription, now: datetime) -> dict[str, Any]:
    return {"Put": {"TableName": settings().tables.subscriptions, "Item": to_item(row(user_id, subscription, now))}}


def row(user_id: str, subscription: Subscription, now: datetime) -> dict[str, Any]:
    """A period's row: how it stands at `now`, and among those that are due once the clock will change that."""
    due_at = subscription.due_at(now)
    watched = {DUE.shard: shard(user_id), DUE.at: calendar.iso(due_at)} if due_at else {}
    standing = replace(subscription, status=subscription.standing(now))
    return {"userId": user_id, **records.from_subscription(standing), **watched}


def due(now: datetime) -> Iterator[dict[str, Any]]:
    """The rows whose standing the clock has changed by now, as far as the index tells them."""
    return DUE.rows(settings().tables.subscriptions, calendar.iso(now))


def changing(since: datetime, through: datetime) -> Iterator[dict[str, Any]]:
    """The rows whose standing the clock will change in that time, likewise."""
    return DUE.rows(settings().tables.subscriptions, calendar.iso(through), calendar.iso(since))


def advance(found: Mapping[str, Any], now: datetime) -> Status:
    """Write down where a row stands at `now` and when it is due next; the standing.

    Raises ConditionFailedError where the row is not as it was found: somebody else wrote it, and whoever does so writes this too.
    """
    period = records.to_subscription(found)
    standing, due_at = period.standing(now), period.due_at(now)
    seen = {f":{name}": found[name] for name in DECIDING if name in found}
    as_found = [f"#{name} = :{name}" if name in found else f"attribute_not_exists(#{name})" for name in DECIDING]
    values = {":standing": standing.value, **seen, **({":due": calendar.iso(due_at)} if due_at else {})}
    send(
        "update_item",
        TableName=settings().tables.subscriptions,
        Key=key(found["userId"], found["subscriptionId"]),
        UpdateExpression=f"SET #status = :standing{', #at = :due' if due_at else ' REMOVE #due, #at'}",
        ConditionExpression=" AND ".join(as_found),
        ExpressionAttributeNames={f"#{name}": name for name in DECIDING}
        | {"#at": DUE.at}
        | ({} if due_at else {"#due": DUE.shard}),
        ExpressionAttributeValues=to_item(values),
    )
    return standing


def key(user_id: str, subscription_id: str) -> dict[str, Any]:
    """The key of a period's row."""
    return {"userId": to_attribute(user_id), "subscriptionId": to_attribute(subscription_id)}
