"""Refunds and disputes, in the ledger entry of the payment they are about."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from tollgate.config import settings
from tollgate.payments.orders import Dispute, Payment, Reason, Refund
from tollgate.store import records, subscriptions, users
from tollgate.store.dynamodb import from_item, send, to_item
from tollgate.store.payments import Entry, key, ledger_row, note_event, put_new, transact
from tollgate.subscriptions import Subscription
from tollgate.users import User

REFUND, DISPUTE = "refund#", "dispute#"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reversible:
    """A payment's entry: what was granted for it, what went back, and what is disputed. `changes` counts what was noted."""

    payment_id: str
    user_id: str | None
    amount: int
    granted: Subscription | None
    refunds: Mapping[str, Refund]
    disputes: Mapping[str, str]
    changes: int

    @property
    def refunded(self) -> int:
        """Paise that went back for good."""
        return sum(each.amount for each in self.refunds.values() if each.status == "processed")


def get(payment_id: str) -> Reversible | None:
    """The payment's entry, read consistently."""
    answer = send("get_item", TableName=settings().tables.payments, Key=key(payment_id), ConsistentRead=True)
    if "Item" not in answer:
        return None
    row = from_item(answer["Item"])
    refunds = {
        name.removeprefix(REFUND): Refund(
            id=name.removeprefix(REFUND), payment_id=payment_id, amount=told["amount"], status=told["status"]
        )
        for name, told in row.items()
        if name.startswith(REFUND)
    }
    granted = row.get("subscription")
    return Reversible(
        payment_id=payment_id,
        user_id=row.get("userId"),
        amount=row["amount"],
        granted=records.to_subscription(granted) if granted else None,
        refunds=MappingProxyType(refunds),
        disputes=MappingProxyType({n.removeprefix(DISPUTE): v for n, v in row.items() if n.startswith(DISPUTE)}),
        changes=row.get("changes", 0),
    )


def note_refund(found: Reversible, refund: Refund, users_change: tuple[User, User] | None, entry: Entry) -> None:
    """Note a refund and what it does to the user. Raises ConditionFailedError where either changed since it was read."""
    _note(found, f"{REFUND}{refund.id}", {"amount": refund.amount, "status": refund.status}, users_change, entry)


def note_dispute(found: Reversible, dispute: Dispute, users_change: tuple[User, User] | None, entry: Entry) -> None:
    """Note a dispute and, with it, what it does to the user. Raises ConditionFailedError likewise."""
    _note(found, f"{DISPUTE}{dispute.id}", dispute.status, users_change, entry)


def _note(found: Reversible, name: str, told: object, users_change: tuple[User, User] | None, entry: Entry) -> None:
    update = {
        "TableName": settings().tables.payments,
        "Key": key(found.payment_id),
        "UpdateExpression": "SET #told = :told, changes = :next",
        "ConditionExpression": "attribute_exists(id) AND (attribute_not_exists(changes) OR changes = :seen)",
        "ExpressionAttributeNames": {"#told": name},
        "ExpressionAttributeValues": to_item({":told": told, ":seen": found.changes, ":next": found.changes + 1}),
    }
    changed: list[dict[str, Any]] = []
    if users_change:
        before, after = users_change
        changed = [{"Update": users.change(after, before, entry.at)}, *subscriptions.rows(after, before)]
    transact({"Update": update}, *changed, *note_event(entry))


def put_refunded(payment: Payment, refund: Refund, entry: Entry) -> None:
    """Keep a payment of which we first hear that it was refunded, so that nothing is granted for it. Raises
    ConditionFailedError where it has an entry."""
    told = {f"{REFUND}{refund.id}": {"amount": refund.amount, "status": refund.status}, "changes": 1}
    transact(put_new(ledger_row(payment, entry) | {"reason": Reason.REFUNDED.value, **told}), *note_event(entry))
