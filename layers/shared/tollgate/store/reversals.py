"""Refunds and disputes, in the ledger entry of the payment they are about."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from tollgate import calendar
from tollgate.config import settings
from tollgate.payments.mandates import Mandate
from tollgate.payments.orders import Dispute, Payment, Reason, Refund, Resolution
from tollgate.store import mandates, records, subscriptions, users
from tollgate.store.dynamodb import from_item, send, to_item
from tollgate.store.payments import OPEN, Entry, key, ledger_row, note_event, put_new, transact
from tollgate.subscriptions import Subscription
from tollgate.users import User

REFUND, DISPUTE = "refund#", "dispute#"


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """How things stood before a payment was taken back, so that it can be undone: the period it had paid for, or, where that had
    been replaced, what was taken of the credit it gave."""

    period: Subscription | None = None
    taken: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reversible:
    """A payment's entry: what was granted for it, what went back, and what is disputed. `changes` counts what was noted.

    `undone` is set while a refund or a lost dispute holds what the payment paid for.
    """

    payment_id: str
    user_id: str | None
    amount: int
    granted: Subscription | None
    mandate_id: str | None
    refunds: Mapping[str, Refund]
    disputes: Mapping[str, str]
    undone: Undone | None
    flagged: bool
    changes: int
    reason: Reason | None = None

    @property
    def refunded(self) -> int:
        """Paise that went back for good."""
        return sum(each.amount for each in self.refunds.values() if each.status == "processed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a refund or dispute does, together with being noted.

    `user` before and after; what it undoes, or that it gives that again; the mandate that is to end; why a person has to look at
    it, or that nobody has to any more; the refund that settles what was kept for review.
    """

    user: tuple[User, User] | None = None
    undone: Undone | None = None
    given_again: bool = False
    mandate: Mandate | None = None
    reason: Reason | None = None
    closed: bool = False
    closed_by: str | None = None


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
        mandate_id=row.get("mandateId"),
        refunds=MappingProxyType(refunds),
        disputes=MappingProxyType({n.removeprefix(DISPUTE): v for n, v in row.items() if n.startswith(DISPUTE)}),
        undone=_to_undone(row["undone"]) if "undone" in row else None,
        flagged=row.get("flagged") == OPEN,
        changes=row.get("changes", 0),
        reason=Reason(row["reason"]) if "reason" in row else None,
    )


def _to_undone(record: Mapping[str, Any]) -> Undone:
    period = record.get("period")
    return Undone(period=records.to_subscription(period) if period else None, taken=record.get("taken"))


def _from_undone(undone: Undone) -> dict[str, Any]:
    period = {"period": records.from_subscription(undone.period)} if undone.period else {}
    return period | ({"taken": dict(undone.taken)} if undone.taken is not None else {})


def note_refund(found: Reversible, refund: Refund, effect: Effect, entry: Entry) -> None:
    """Note a refund and what it does. Raises ConditionFailedError where something changed since it was read."""
    _note(found, f"{REFUND}{refund.id}", _told(refund, entry), effect, entry)


def _told(refund: Refund, entry: Entry) -> dict[str, object]:
    return {"amount": refund.amount, "status": refund.status, "at": calendar.iso(entry.at)}


def note_dispute(found: Reversible, dispute: Dispute, effect: Effect, entry: Entry) -> None:
    """Note a dispute and, with it, what it does. Raises ConditionFailedError likewise."""
    _note(found, f"{DISPUTE}{dispute.id}", dispute.status, effect, entry)


def _note(found: Reversible, name: str, told: object, effect: Effect, entry: Entry) -> None:
    sets, removes, once = _facts(found, effect, entry)
    sets |= {name: told, "changes": found.changes + 1, "changedOn": calendar.day_stamp(entry.at)}
    names = {f"#f{place}": each for place, each in enumerate([*sets, *once, *removes])}
    of = {each: place for place, each in names.items()}
    values = {f":{of[each][1:]}": value for each, value in [*sets.items(), *once.items()]}
    changes = [f"{of[each]} = :{of[each][1:]}" for each in sets]
    changes += [f"{of[each]} = if_not_exists({of[each]}, :{of[each][1:]})" for each in once]
    update = {
        "TableName": settings().tables.payments,
        "Key": key(found.payment_id),
        "UpdateExpression": f"SET {', '.join(changes)}"
        + (f" REMOVE {', '.join(of[each] for each in removes)}" if removes else ""),
        "ConditionExpression": "attribute_exists(id) AND (attribute_not_exists(changes) OR changes = :seen)",
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": to_item(values | {":seen": found.changes}),
    }
    changed: list[dict[str, Any]] = []
    if effect.user:
        before, after = effect.user
        changed = [{"Update": users.change(after, before, entry.at)}, *subscriptions.rows(after, before, entry.at)]
    if effect.mandate:
        changed.append(mandates.to_end(effect.mandate, entry.at))
    transact({"Update": update}, *changed, *note_event(entry))


def _facts(found: Reversible, effect: Effect, entry: Entry) -> tuple[dict[str, Any], list[str], dict[str, Any]]:
    """What is set, what is removed, and what is set unless a person has decided it before."""
    sets: dict[str, Any] = {}
    once: dict[str, Any] = {}
    removes: list[str] = []
    if effect.undone:
        sets["undone"] = _from_undone(effect.undone)
    if effect.reason:
        sets["flagged"] = OPEN
        if not (found.flagged and found.reason is Reason.CREDIT_SPENT):  # which nobody has seen yet
            sets["reason"] = effect.reason.value
    if effect.given_again:
        removes.append("undone")
    if effect.closed and not effect.reason and found.flagged and found.granted:
        removes.append("flagged")
        once = _resolved(Resolution.DISMISS, entry)
    if effect.closed_by:
        removes.append("flagged")
        once = _resolved(Resolution.REFUND, entry) | {"refundId": effect.closed_by}
    return sets, removes, once


def _resolved(resolution: Resolution, entry: Entry) -> dict[str, Any]:
    return {"resolution": resolution.value, "resolvedBy": entry.source, "resolvedAt": calendar.iso(entry.at)}


def put_refunded(payment: Payment, refund: Refund, entry: Entry) -> None:
    """Keep a payment of which we first hear that it was refunded, so that nothing is granted for it. Raises
    ConditionFailedError where it has an entry."""
    told = {f"{REFUND}{refund.id}": _told(refund, entry), "changes": 1}
    transact(put_new(ledger_row(payment, entry) | {"reason": Reason.REFUNDED.value, **told}), *note_event(entry))
