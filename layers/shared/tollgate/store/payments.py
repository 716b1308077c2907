"""The payments table: orders, payments (each granted or kept for review) and the webhook events already handled.

The row of a payment is its ledger entry and at the same time what makes a second grant impossible: it is written in the
transaction that grants, on condition that it is not there yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tollgate import calendar
from tollgate.config import settings
from tollgate.errors import ProviderUnavailable
from tollgate.payments.orders import Order, Payment, Reason, next_look, to_order
from tollgate.store import records, subscriptions, users
from tollgate.store.dynamodb import ConditionFailedError, from_item, send, to_attribute, to_item
from tollgate.subscriptions import Subscription
from tollgate.users import User

SHARDS = 4  # of the index of open orders
OPEN = "open"  # what the index of payments kept for review is keyed by
EVENTS_KEPT = timedelta(days=30)  # Razorpay retries for a day and replays for at most 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledgered:
    """A payment that was dealt with: granted as a subscription, or kept for review with a reason."""

    payment_id: str
    user_id: str | None
    order_id: str | None
    reason: Reason | None
    subscription: Subscription | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is known of a payment: its order, its ledger entry, and whether this very event was handled before.

    `reader` is whose record was read along with it, and `user` that record, None where nothing is written.
    """

    order: Order | None
    ledgered: Ledgered | None
    seen: bool
    reader: str | None = None
    user: User | None = None

    def owner(self, order: Order) -> User | None:
        """The order's owner as last written; read now unless that was done with the order."""
        return self.user if self.reader == order.user_id else users.get(order.user_id)


def order(order_id: str) -> Order | None:
    """One order, read consistently."""
    answer = send("get_item", TableName=settings().tables.payments, Key=key(order_id), ConsistentRead=True)
    return to_order(from_item(answer["Item"])) if "Item" in answer else None


def due_orders(now: datetime, limit: int) -> Iterator[list[Order]]:
    """Unpaid orders that are to be looked up by now, by pages of at most `limit` of each shard."""
    return ([to_order(row) for row in page] for page in due_rows("order", now, limit))


def due_rows(kind: str, now: datetime, limit: int) -> Iterator[list[dict[str, Any]]]:
    """The open rows of a kind that are to be looked up by now, by pages of at most `limit` of each shard.

    Each comes once, however long the index goes on to show what was dealt with.
    """
    onward: dict[int, dict[str, Any]] = {shard: {} for shard in range(SHARDS)}
    while onward:
        found: list[dict[str, Any]] = []
        for shard, start in [*onward.items()]:
            answer = send(
                "query",
                TableName=settings().tables.payments,
                IndexName="open",
                KeyConditionExpression="#open = :shard AND lookAt <= :now",
                ExpressionAttributeNames={"#open": "open"},
                ExpressionAttributeValues=to_item({":shard": f"{kind}#{shard}", ":now": calendar.iso(now)}),
                Limit=limit,
                **start,
            )
            found += [from_item(item) for item in answer["Items"]]
            if "LastEvaluatedKey" in answer:
                onward[shard] = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
            else:
                del onward[shard]
        yield found


def looked(order: Order, now: datetime) -> None:
    """Note that an unpaid order was looked up: when to look again, or never. Does nothing to one that was paid meanwhile."""
    look = next_look(order.created_at, now)
    again = {
        "UpdateExpression": "SET lookAt = :look" if look else "REMOVE #open, lookAt",
        "ConditionExpression": "attribute_exists(#open)",
        "ExpressionAttributeNames": {"#open": "open"},
        **({"ExpressionAttributeValues": to_item({":look": calendar.iso(look)})} if look else {}),
    }
    try:
        send("update_item", TableName=settings().tables.payments, Key=key(order.id), **again)
    except ConditionFailedError:
        return


def find(order_id: str | None, payment_id: str, event: str | None = None, reader: str | None = None) -> Found:
    """The order, the ledger entry and the event, read together and consistently.

    With them the record of `reader`, who is probably the order's owner and so need not be read by itself.
    """
    wanted = {name for name in (order_id, payment_id, event) if name}
    table, people = settings().tables.payments, settings().tables.users
    keys: dict[str, Any] = {table: {"Keys": [key(name) for name in sorted(wanted)], "ConsistentRead": True}}
    if reader:
        keys[people] = {"Keys": [users.key(reader)], "ConsistentRead": True}
    found = _together(keys)
    rows = {row["id"]: row for row in found.get(table, ())}
    known = [records.to_user(row) for row in found.get(people, ())]
    order = rows.get(order_id) if order_id else None
    return Found(
        order=to_order(order) if order and order.get("kind") == "order" else None,
        ledgered=to_ledgered(rows[payment_id]) if payment_id in rows else None,
        seen=event in rows,
        reader=reader,
        user=known[0] if known else None,
    )


def read(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The rows of these ids, read together and consistently; a hundred at most. Raises ProviderUnavailable."""
    table = settings().tables.payments
    keys = [key(name) for name in sorted(set(names))]
    return {row["id"]: row for row in _together({table: {"Keys": keys, "ConsistentRead": True}}).get(table, ())}


def _together(keys: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    answer = send("batch_get_item", RequestItems=keys)
    if answer.get("UnprocessedKeys"):
        raise ProviderUnavailable("The database is busy; try again in a moment.")
    return {table: [from_item(item) for item in items] for table, items in answer["Responses"].items()}


def key(name: str) -> dict[str, Any]:
    """The key of an order, a payment or an event."""
    return {"id": to_attribute(name)}


def to_ledgered(row: Mapping[str, Any]) -> Ledgered:
    """What the ledger says of a payment."""
    granted = row.get("subscription")
    return Ledgered(
        payment_id=row["id"],
        user_id=row.get("userId"),
        order_id=row.get("orderId"),
        reason=Reason(row["reason"]) if "reason" in row else None,
        subscription=records.to_subscription(granted) if granted else None,
    )


def grant(
    payment: Payment, order: Order, before: User | None, after: User, granted: Subscription, entry: Entry
) -> None:
    """Write ledger entry, order, user and subscriptions in one transaction.

    On condition that the payment has no entry yet, the order no payment, and the user is as read. Raises ConditionFailedError.
    """
    table = settings().tables.payments
    row = ledger_row(payment, entry) | {
        "userId": order.user_id,
        "tier": order.tier,
        "plan": order.plan,
        "subscription": records.from_subscription(granted),
    }
    paid = {
        "TableName": table,
        "Key": key(order.id),
        "UpdateExpression": "SET paymentId = :payment REMOVE #open, lookAt",
        "ConditionExpression": "attribute_not_exists(paymentId)",
        "ExpressionAttributeNames": {"#open": "open"},
        "ExpressionAttributeValues": to_item({":payment": payment.id}),
    }
    transact(
        put_new(row),
        {"Update": paid},
        {"Update": users.change(after, before, entry.at)},
        *subscriptions.rows(after, before, entry.at),
        *note_event(entry),
    )


def flag(payment: Payment, order: Order | None, reason: Reason, entry: Entry) -> None:
    """Keep a payment for review. Raises ConditionFailedError where it has an entry already."""
    row = ledger_row(payment, entry) | {"reason": reason.value, "flagged": OPEN}
    if order:
        row |= {"userId": order.user_id, "tier": order.tier, "plan": order.plan}
    transact(put_new(row), *note_event(entry))


def note_attempt(order: Order, payment: Payment, entry: Entry) -> None:
    """Note on an order how a payment of it went that moved no money. Never touches a paid order's payment."""
    update = {
        "TableName": settings().tables.payments,
        "Key": key(order.id),
        "UpdateExpression": "SET #attempt = :attempt",
        "ExpressionAttributeNames": {"#attempt": f"attempt#{payment.id}"},
        "ExpressionAttributeValues": to_item(
            {":attempt": {"status": payment.status, "error": payment.error, "at": calendar.iso(entry.at)}},
        ),
    }
    transact({"Update": update}, *note_event(entry))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Where a ledger entry comes from: which way in, when, and which webhook event if any."""

    source: str
    at: datetime
    event: str | None = None


def ledger_row(payment: Payment, entry: Entry) -> dict[str, Any]:
    """A payment's entry, as far as the payment tells it."""
    return {
        "id": payment.id,
        "kind": "payment",
        "orderId": payment.order_id,
        "amount": payment.amount,
        "currency": payment.currency,
        "method": payment.method,
        "source": entry.source,
        "at": calendar.iso(entry.at),
        "changedOn": calendar.day_stamp(entry.at),  # by which the daily check finds it again
    }


def put_new(row: Mapping[str, Any]) -> dict[str, Any]:
    """The write of an entry that must not be there yet."""
    return {
        "Put": {
            "TableName": settings().tables.payments,
            "Item": to_item(row),
            "ConditionExpression": "attribute_not_exists(id)",
        },
    }


def note_event(entry: Entry) -> list[dict[str, Any]]:
    """The write that marks an event as handled, if the entry comes from one."""
    if entry.event is None:
        return []
    gone = entry.at + EVENTS_KEPT
    row = {"id": entry.event, "kind": "event", "at": calendar.iso(entry.at), "expiresAt": int(gone.timestamp())}
    return [{"Put": {"TableName": settings().tables.payments, "Item": to_item(row)}}]


def transact(*writes: dict[str, Any]) -> None:
    """Make these writes together or not at all. Raises ConditionFailedError."""
    items: Sequence[Any] = writes
    send("transact_write_items", TransactItems=items)
