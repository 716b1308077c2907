"""New orders, and how many of a user's wait for their money: a row a user lists them, so that no script can fill the table.

An order is listed in the transaction that writes it, on condition that there is room. Nothing takes it off again when it is paid,
which keeps the list out of every grant; a list that is full is looked through instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tollgate import calendar
from tollgate.config import settings
from tollgate.errors import Conflict
from tollgate.payments.orders import LATE, MOST_OPEN, Order, from_order, next_look
from tollgate.store.dynamodb import ConditionFailedError, from_item, send, to_item
from tollgate.store.payments import SHARDS, key, read, transact

type Listed = dict[str, Any]  # an order's id, and when it was made


def make_room(user_id: str, now: datetime) -> None:
    """See that one more order has a place. Raises Conflict where as many as may be are unpaid and not too old to be paid."""
    answer = send("get_item", TableName=settings().tables.payments, Key=key(_name(user_id)))
    listed: list[Listed] = from_item(answer["Item"])["orders"] if "Item" in answer else []
    if len(listed) < MOST_OPEN:
        return
    waiting = _waiting(listed, now)
    if len(waiting) >= MOST_OPEN:
        raise _full()
    _rewrite(user_id, listed, waiting)


def put(order: Order) -> None:
    """Keep an order that Razorpay has made, among those to be looked up until they are paid or too old.

    Raises Conflict where others took the last places in this moment.
    """
    look = next_look(order.created_at, order.created_at)
    watched = {"open": _shard(order.id), "lookAt": calendar.iso(look)} if look else {}
    row = {"Put": {"TableName": settings().tables.payments, "Item": to_item(from_order(order) | watched)}}
    entry = {"id": order.id, "at": calendar.iso(order.created_at)}
    listed = {
        "TableName": settings().tables.payments,
        "Key": key(_name(order.user_id)),
        "UpdateExpression": (
            "SET orders = list_append(if_not_exists(orders, :none), :order), #kind = :kind, expiresAt = :gone"
        ),
        "ConditionExpression": "attribute_not_exists(orders) OR size(orders) < :most",
        "ExpressionAttributeNames": {"#kind": "kind"},
        "ExpressionAttributeValues": to_item(
            {
                ":none": [],
                ":order": [entry],
                ":kind": "orders",
                ":gone": int((order.created_at + LATE).timestamp()),
                ":most": MOST_OPEN,
            },
        ),
    }
    try:
        transact(row, {"Update": listed})
    except ConditionFailedError as error:
        raise _full() from error


def _waiting(listed: Sequence[Listed], now: datetime) -> list[Listed]:
    """Those of the list that are neither paid nor too old to be paid."""
    paid = {name for name, row in read(each["id"] for each in listed).items() if "paymentId" in row}
    oldest = calendar.iso(now - LATE)
    return [each for each in listed if each["id"] not in paid and each["at"] > oldest]


def _rewrite(user_id: str, before: Sequence[Listed], after: Sequence[Listed]) -> None:
    try:
        send(
            "update_item",
            TableName=settings().tables.payments,
            Key=key(_name(user_id)),
            UpdateExpression="SET orders = :after",
            ConditionExpression="orders = :before",
            ExpressionAttributeValues=to_item({":before": before, ":after": after}),
        )
    except ConditionFailedError:
        return  # somebody else has just done it


def _full() -> Conflict:
    detail = f"You have {MOST_OPEN} orders that are not paid. Pay one of them, or try again in a few days."
    return Conflict(detail, openOrders=MOST_OPEN)


def _name(user_id: str) -> str:
    return f"orders#{user_id}"


def _shard(order_id: str) -> str:
    return f"order#{sum(order_id.encode()) % SHARDS}"
