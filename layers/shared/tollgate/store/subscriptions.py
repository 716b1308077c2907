"""The subscriptions table: every period anybody paid for, kept for ever, in the order of time."""

from datetime import datetime
from typing import Any

from tollgate.config import settings
from tollgate.store import records, users
from tollgate.store.dynamodb import from_item, send, to_attribute, to_item
from tollgate.subscriptions import Subscription
from tollgate.users import User


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
    key = {"userId": to_attribute(user_id), "subscriptionId": to_attribute(subscription_id)}
    answer = send("get_item", TableName=settings().tables.subscriptions, Key=key, ConsistentRead=True)
    return records.to_subscription(from_item(answer["Item"])) if "Item" in answer else None


def rows(after: User, before: User | None) -> list[dict[str, Any]]:
    """The writes of the rows that differ from what was read."""
    known = set(before.subscriptions) if before else set()
    return [_put(after.id, each) for each in after.subscriptions if each not in known]


def save(after: User, before: User, now: datetime) -> None:
    """Write a change to the user and to the subscriptions' own rows together. Raises ConditionFailedError."""
    items: list[Any] = [{"Update": users.change(after, before, now)}, *rows(after, before)]
    send("transact_write_items", TransactItems=items)


def _put(user_id: str, subscription: Subscription) -> dict[str, Any]:
    row = {"userId": user_id, **records.from_subscription(subscription)}
    return {"Put": {"TableName": settings().tables.subscriptions, "Item": to_item(row)}}
