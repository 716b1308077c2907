"""Payments kept for review, in the payments table: the index that lists them, and the decision on each."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tollgate import calendar
from tollgate.config import settings
from tollgate.payments.orders import Payment, Reason, Resolution
from tollgate.store import records, subscriptions, users
from tollgate.store.dynamodb import from_item, send, to_attribute, to_item
from tollgate.store.payments import OPEN, key, transact
from tollgate.subscriptions import Subscription
from tollgate.users import User


@dataclass(frozen=True, slots=True, kw_only=True)
class Flagged:
    """A payment kept for review. `resolution` is set once an administrator decided, `refund_id` once the money went back."""

    payment: Payment
    user_id: str | None
    reason: Reason
    at: str
    open: bool
    resolution: Resolution | None
    refund_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Who decided, and when."""

    admin: str
    at: datetime


def page(limit: int, cursor: str | None) -> tuple[list[Flagged], str | None]:
    """The payments that wait for a decision, newest first, and the cursor to go on from."""
    start: dict[str, Any] = {}
    if cursor:
        at, _, payment_id = cursor.partition("~")
        start["ExclusiveStartKey"] = to_item({"flagged": OPEN, "at": at, "id": payment_id})
    answer = send(
        "query",
        TableName=settings().tables.payments,
        IndexName="flagged",
        KeyConditionExpression="flagged = :open",
        ExpressionAttributeValues={":open": to_attribute(OPEN)},
        ScanIndexForward=False,
        Limit=limit,
        **start,
    )
    last = from_item(answer.get("LastEvaluatedKey", {}))
    return [_to_flagged(from_item(item)) for item in answer["Items"]], f"{last['at']}~{last['id']}" if last else None


def get(payment_id: str) -> Flagged | None:
    """The payment if it was ever kept for review."""
    answer = send("get_item", TableName=settings().tables.payments, Key=key(payment_id), ConsistentRead=True)
    row = from_item(answer.get("Item", {}))
    return _to_flagged(row) if "reason" in row else None


def _to_flagged(row: Mapping[str, Any]) -> Flagged:
    return Flagged(
        payment=Payment(
            id=row["id"],
            order_id=row["orderId"],
            amount=row["amount"],
            currency=row["currency"],
            status="captured",
        ),
        user_id=row.get("userId"),
        reason=Reason(row["reason"]),
        at=row["at"],
        open=row.get("flagged") == OPEN,
        resolution=Resolution(row["resolution"]) if "resolution" in row else None,
        refund_id=row.get("refundId"),
    )


def decide_refund(payment_id: str, by: Decision) -> None:
    """Decide that a payment goes back; deciding it again changes nothing. Raises ConditionFailedError where it was granted."""
    send("update_item", **_decide(payment_id, Resolution.REFUND, by, {}, "flagged = :open OR resolution = :resolution"))


def note_refund(payment_id: str, refund_id: str) -> None:
    """Note the refund that was made of it."""
    send(
        "update_item",
        TableName=settings().tables.payments,
        Key=key(payment_id),
        UpdateExpression="SET refundId = :refund",
        ExpressionAttributeValues=to_item({":refund": refund_id}),
    )


def grant(kept: Flagged, before: User | None, after: User, granted: Subscription, by: Decision) -> None:
    """Grant a kept payment, once. Raises ConditionFailedError where it was decided before, or the user changed."""
    given = {"subscription": records.from_subscription(granted)}
    transact(
        {"Update": _decide(kept.payment.id, Resolution.GRANT, by, given, "flagged = :open")},
        {"Update": users.change(after, before, by.at)},
        *subscriptions.rows(after, before),
    )


def _decide(
    payment_id: str, resolution: Resolution, by: Decision, facts: Mapping[str, object], condition: str
) -> dict[str, Any]:
    told = {"resolution": resolution.value, "resolvedBy": by.admin, "resolvedAt": calendar.iso(by.at), **facts}
    return {
        "TableName": settings().tables.payments,
        "Key": key(payment_id),
        "UpdateExpression": f"SET {', '.join(f'{name} = :{name}' for name in told)} REMOVE flagged",
        "ConditionExpression": condition,
        "ExpressionAttributeValues": to_item({**{f":{name}": value for name, value in told.items()}, ":open": OPEN}),
    }
