"""What waits for a person, in the payments table: payments kept for review and signed events that could not be read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

from tollgate import calendar
from tollgate.config import settings
from tollgate.payments.mandates import Charge, Mandate
from tollgate.payments.orders import Order, Payment, Reason, Resolution
from tollgate.store import mandates, records, subscriptions, users
from tollgate.store.dynamodb import ConditionFailedError, from_item, send, to_attribute, to_item
from tollgate.store.payments import OPEN, key, put_new, transact
from tollgate.subscriptions import Subscription
from tollgate.users import User

EVENT, PUBLIC = "event#", "evt_"  # an event's row, and how it is named in addresses


@dataclass(frozen=True, slots=True, kw_only=True)
class Flagged:
    """What is kept for review. `resolution` is set once an administrator decided, `refund_id` once the money went back.

    `charge` is the cycle that a mandate's payment was for, where that is known. Of an event that could not be read, `event` is
    the name, `problem` the field in question and `told` what of it may be kept; the payment is an empty one.
    """

    payment: Payment
    user_id: str | None
    reason: Reason
    at: str
    open: bool
    resolution: Resolution | None
    refund_id: str | None
    mandate_id: str | None = None
    charge: Charge | None = None
    granted: Subscription | None = None
    event: str | None = None
    problem: str | None = None
    told: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def name(self) -> str:
        """What it is called in addresses."""
        return self.payment.id.replace(EVENT, PUBLIC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Who decided, and when."""

    admin: str
    at: datetime


def page(limit: int, cursor: str | None) -> tuple[list[Flagged], str | None]:
    """What waits for a decision, newest first, and the cursor to go on from."""
    start: dict[str, Any] = {}
    if cursor:
        at, _, name = cursor.partition("~")
        start["ExclusiveStartKey"] = to_item({"flagged": OPEN, "at": at, "id": _row_id(name)})
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
    found = [_to_flagged(from_item(item)) for item in answer["Items"]]
    last = from_item(answer.get("LastEvaluatedKey", {}))
    return found, f"{last['at']}~{str(last['id']).replace(EVENT, PUBLIC)}" if last else None


def _row_id(name: str) -> str:
    return name.replace(PUBLIC, EVENT, 1) if name.startswith(PUBLIC) else name


def get(name: str) -> Flagged | None:
    """What was ever kept for review under that name: a payment's id, or an event's."""
    answer = send("get_item", TableName=settings().tables.payments, Key=key(_row_id(name)), ConsistentRead=True)
    row = from_item(answer.get("Item", {}))
    return _to_flagged(row) if "reason" in row else None


def _to_flagged(row: Mapping[str, Any]) -> Flagged:
    payment = Payment(
        id=row["id"],
        order_id=row["orderId"],
        amount=row["amount"],
        currency=row["currency"],
        status="captured",
        invoice_id=row.get("invoiceId"),
    )
    granted = row.get("subscription")
    return Flagged(
        payment=payment,
        user_id=row.get("userId"),
        reason=Reason(row["reason"]),
        at=row["at"],
        open=row.get("flagged") == OPEN,
        resolution=Resolution(row["resolution"]) if "resolution" in row else None,
        refund_id=row.get("refundId"),
        mandate_id=row.get("mandateId"),
        charge=_charge(row, payment) if "paidAt" in row else None,
        granted=records.to_subscription(granted) if granted else None,
        event=row.get("event"),
        problem=row.get("problem"),
        told=MappingProxyType(row.get("told", {})),
    )


def _charge(row: Mapping[str, Any], payment: Payment) -> Charge:
    return Charge(
        mandate_id=row["mandateId"],
        payment=payment,
        starts=calendar.parse(row["startsAt"]),
        ends=calendar.parse(row["endsAt"]),
        at=row["paidAt"],
    )


def keep_unread(digest: str, event: str, problem: str, told: Mapping[str, str], at: datetime) -> None:
    """Keep a signed event that could not be read, once however often it comes, for ever."""
    row = {
        "id": f"{EVENT}{digest}",
        "kind": "event",
        "orderId": None,
        "amount": 0,
        "currency": "INR",
        "reason": Reason.MALFORMED_EVENT.value,
        "flagged": OPEN,
        "event": event,
        "problem": problem,
        "told": dict(told),
        "at": calendar.iso(at),
    }
    try:
        transact(put_new(row))
    except ConditionFailedError:
        return


def decide_refund(payment_id: str, by: Decision) -> None:
    """Decide that a payment goes back; deciding it again changes nothing. It stays listed until its refund is noted, so that one
    that did not get through is seen. Raises ConditionFailedError where it was granted."""
    send("update_item", **_decide(payment_id, Resolution.REFUND, by, {}, "flagged = :open OR resolution = :resolution"))


def close(kept: Flagged, resolution: Resolution, by: Decision) -> None:
    """Note that nothing is left to be done; how a payment was decided before stays. Raises ConditionFailedError where nothing
    was."""
    send("update_item", **_decide(kept.payment.id, resolution, by, {}, "flagged = :open"))


def note_refund(payment_id: str, refund_id: str) -> None:
    """Note the refund that was made of it; then nothing is left to be done."""
    send(
        "update_item",
        TableName=settings().tables.payments,
        Key=key(payment_id),
        UpdateExpression="SET refundId = :refund REMOVE flagged",
        ExpressionAttributeValues=to_item({":refund": refund_id}),
    )


def grant(
    kept: Flagged, order: Order, users_change: tuple[User | None, User], granted: Subscription, by: Decision
) -> None:
    """Grant a kept payment of an order, once. Raises ConditionFailedError where it was decided before, or the user changed."""
    paid = {
        "TableName": settings().tables.payments,
        "Key": key(order.id),
        "UpdateExpression": "SET paymentId = if_not_exists(paymentId, :payment) REMOVE #open, lookAt",
        "ExpressionAttributeNames": {"#open": "open"},
        "ExpressionAttributeValues": to_item({":payment": kept.payment.id}),
    }
    transact(*_granting(kept, users_change, granted, by), {"Update": paid})


def grant_charge(
    kept: Flagged, mandate: Mandate, users_change: tuple[User | None, User], granted: Subscription, by: Decision
) -> None:
    """Grant a kept charge of a mandate, once; its cycle is then paid for. Raises ConditionFailedError likewise, and where the
    mandate changed."""
    fresh = kept.charge and kept.charge.cycle not in mandate.cycles
    cycle = [mandates.paid(mandate, kept.charge)] if kept.charge and fresh else []
    transact(*_granting(kept, users_change, granted, by), *cycle)


def _granting(
    kept: Flagged, users_change: tuple[User | None, User], granted: Subscription, by: Decision
) -> list[dict[str, Any]]:
    before, after = users_change
    given = {"subscription": records.from_subscription(granted), "userId": after.id}
    return [
        {
            "Update": _decide(
                kept.payment.id, Resolution.GRANT, by, given, "flagged = :open AND attribute_not_exists(resolution)"
            )
        },
        {"Update": users.change(after, before, by.at)},
        *subscriptions.rows(after, before, by.at),
    ]


def _decide(
    payment_id: str, resolution: Resolution, by: Decision, facts: Mapping[str, object], condition: str
) -> dict[str, Any]:
    when = {"resolvedAt": calendar.iso(by.at), "changedOn": calendar.day_stamp(by.at)}
    told = {"resolution": resolution.value, "resolvedBy": by.admin, **when, **facts}
    closes = resolution not in {Resolution.GRANT, Resolution.REFUND}
    sets = [
        f"{name} = if_not_exists({name}, :{name})" if closes and name == "resolution" else f"{name} = :{name}"
        for name in told
    ]
    kept = "" if resolution is Resolution.REFUND else " REMOVE flagged"
    return {
        "TableName": settings().tables.payments,
        "Key": key(payment_id),
        # Counted, so that a refund that was read of before takes another look at what it is about.
        "UpdateExpression": f"SET {', '.join(sets)}, changes = if_not_exists(changes, :none) + :one{kept}",
        "ConditionExpression": condition,
        "ExpressionAttributeValues": to_item(
            {**{f":{name}": value for name, value in told.items()}, ":open": OPEN, ":none": 0, ":one": 1}
        ),
    }
