"""Mandates in the payments table: each one's row, a user's place for it, Razorpay's plans, and the ledger of their charges.

A row's `changes` is counted up by every write that decides something, on condition that it is as it was read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from tollgate import calendar
from tollgate.config import settings
from tollgate.payments import mandates
from tollgate.payments.mandates import Charge, Mandate, Slot, Stage
from tollgate.payments.orders import Reason
from tollgate.store import records, subscriptions, users
from tollgate.store.dynamodb import ConditionFailedError, send, to_item
from tollgate.store.payments import (
    OPEN,
    Entry,
    Ledgered,
    due_rows,
    key,
    ledger_row,
    note_event,
    put_new,
    read,
    to_ledgered,
    transact,
)
from tollgate.subscriptions import Subscription
from tollgate.users import User

SHARDS = 4  # of the index of what is looked up at Razorpay

type UserChange = tuple[User | None, User]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the table knows of a charge: its mandate, its ledger entry, and whether this very event was handled before."""

    mandate: Mandate | None
    ledgered: Ledgered | None
    seen: bool


def find(mandate_id: str, payment_id: str | None = None, event: str | None = None) -> Known:
    """The mandate, the ledger entry and the event, read together and consistently."""
    rows = read([name for name in (mandate_id, payment_id, event) if name])
    row, paid = rows.get(mandate_id), rows.get(payment_id or "")
    return Known(
        mandate=mandates.to_mandate(row) if row and row.get("kind") == "mandate" else None,
        ledgered=to_ledgered(paid) if paid else None,
        seen=event in rows,
    )


def of_user(mode: str, user_id: str) -> list[Mandate]:
    """The mandates in all the user's places, whatever became of them."""
    slots = read(mandates.slots_of(mode, user_id)).values()
    names = [slot["mandateId"] for slot in slots if "mandateId" in slot]
    found = [mandates.to_mandate(row) for row in read(names).values()] if names else []
    earlier = [each.replaces for each in found if each.replaces]
    return found + ([mandates.to_mandate(row) for row in read(earlier).values()] if earlier else [])


def slot(name: str) -> Slot | None:
    """A user's place for a mandate, if it was ever taken."""
    row = read([name]).get(name)
    return _to_slot(row) if row else None


def plan_id(name: str) -> str | None:
    """Razorpay's id of a plan, if it was made."""
    row = read([name]).get(name)
    return str(row["planId"]) if row else None


def put_plan(name: str, made: str, before: str | None) -> None:
    """Keep Razorpay's id of a plan in the place of another. Raises ConditionFailedError where somebody did so meanwhile."""
    row = {"id": name, "kind": "plan", "planId": made}
    held: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(id)"}
    if before:
        held = {"ConditionExpression": "planId = :before", "ExpressionAttributeValues": to_item({":before": before})}
    send("put_item", TableName=settings().tables.payments, Item=to_item(row), **held)


def _to_slot(row: Mapping[str, Any]) -> Slot:
    return Slot(
        id=row["id"],
        reference=row["reference"],
        created_at=calendar.parse(row["createdAt"]),
        mandate_id=row.get("mandateId"),
        failed=row.get("failed", False),
    )


def take(new: Slot, before: Slot | None) -> None:
    """Take a user's place before Razorpay is asked. Raises ConditionFailedError where somebody else took it meanwhile."""
    row = {
        "id": new.id,
        "kind": "renewal",
        "reference": new.reference,
        "createdAt": calendar.iso(new.created_at),
        **_watched(new.id, new.created_at + mandates.TIGHT),
    }
    held: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(id)"}
    if before:
        filled = "mandateId = :mandate" if before.mandate_id else "attribute_not_exists(mandateId)"
        mandate = {":mandate": before.mandate_id} if before.mandate_id else {}
        held = {
            "ConditionExpression": f"#reference = :before AND {filled}",
            "ExpressionAttributeNames": {"#reference": "reference"},
            "ExpressionAttributeValues": to_item({":before": before.reference, **mandate}),
        }
    send("put_item", TableName=settings().tables.payments, Item=to_item(row), **held)


def give_up(held: Slot) -> None:
    """Mark a place of which nothing came, so that it can be taken at once. Raises ConditionFailedError where something did."""
    send("update_item", **_slot_update(held, "SET failed = :yes", {":yes": True}))


def retire(held: Slot) -> Slot:
    """Mark a place of which nothing will come any more. Raises ConditionFailedError where something did."""
    gone = replace(held, reference=f"{held.reference}-gone", failed=True)
    values = {":yes": True, ":gone": gone.reference}
    send("update_item", **_slot_update(held, "SET failed = :yes, #reference = :gone REMOVE #open, lookAt", values))
    return gone


def _slot_update(held: Slot, change: str, values: Mapping[str, object]) -> dict[str, Any]:
    return {
        "TableName": settings().tables.payments,
        "Key": key(held.id),
        "UpdateExpression": change,
        "ConditionExpression": "#reference = :reference AND attribute_not_exists(mandateId)",
        "ExpressionAttributeNames": {"#reference": "reference"} | ({"#open": "open"} if "#open" in change else {}),
        "ExpressionAttributeValues": to_item({":reference": held.reference, **values}),
    }


def put(mandate: Mandate, held: Slot) -> None:
    """Keep a mandate that Razorpay has made, in its user's place. Raises ConditionFailedError where the place is another's."""
    row = mandates.from_mandate(mandate) | _watched(mandate.id, mandates.next_look(mandate, mandate.created_at))
    filled = _slot_update(held, "SET mandateId = :mandate REMOVE #open, lookAt", {":mandate": mandate.id})
    transact(put_new(row), {"Update": filled})


def _watched(name: str, look: datetime) -> dict[str, Any]:
    return {"open": f"mandate#{sum(name.encode()) % SHARDS}", "lookAt": calendar.iso(look)}


def due(now: datetime, limit: int) -> Iterator[list[Mandate | Slot]]:
    """Mandates, and places that were never filled, that are to be looked up by now, by pages of at most `limit` of each shard."""
    for page in due_rows("mandate", now, limit):
        yield [mandates.to_mandate(row) if row["kind"] == "mandate" else _to_slot(row) for row in page]


def looked(name: str, again: datetime | None) -> None:
    """Note when to look up a mandate again; None is never."""
    change: dict[str, Any] = {
        "UpdateExpression": "SET lookAt = :look" if again else "REMOVE #open, lookAt",
        "ConditionExpression": "attribute_exists(#open)",
        "ExpressionAttributeNames": {"#open": "open"},
        **({"ExpressionAttributeValues": to_item({":look": calendar.iso(again)})} if again else {}),
    }
    try:
        send("update_item", TableName=settings().tables.payments, Key=key(name), **change)
    except ConditionFailedError:
        return


def note(mandate: Mandate, told: Mapping[str, object], change: UserChange | None, entry: Entry) -> None:
    """Note how a mandate stands and what that does to its user. Raises ConditionFailedError where either changed since."""
    transact({"Update": _update(mandate, told)}, *_changed(change, entry), *note_event(entry))


def told(stage: Stage, at: int) -> dict[str, object]:
    """What a mandate's row says of where it stands."""
    return {"status": stage.value, "toldAt": at}


def end(standing: Sequence[Mandate], change: UserChange | None, at: datetime) -> None:
    """Note together that these mandates are to end, and what their user then has. The reconciler sees to it that they do.

    Raises ConditionFailedError.
    """
    updates = [to_end(each, at) for each in standing]
    changed = _changed(change, Entry(source="cancel", at=at))
    if updates or changed:
        transact(*updates, *changed)


def to_end(mandate: Mandate, at: datetime) -> dict[str, Any]:
    """The write that notes that a mandate is to end."""
    now = calendar.iso(at)
    return {"Update": _update(mandate, {"cancelAt": now, "lookAt": now})}


def ended(mandate: Mandate) -> None:
    """Note that Razorpay has confirmed the end of a mandate."""
    send(
        "update_item",
        TableName=settings().tables.payments,
        Key=key(mandate.id),
        UpdateExpression="SET cancelled = :yes",
        ExpressionAttributeValues=to_item({":yes": True}),
    )


def grant(mandate: Mandate, charge: Charge, granted: Subscription, change: UserChange, entry: Entry) -> None:
    """Write ledger entry, mandate, user and subscriptions in one transaction.

    On condition that the payment has no entry yet, and that mandate and user are as read. Raises ConditionFailedError.
    """
    row = _row(mandate, charge, entry) | {"subscription": records.from_subscription(granted)}
    transact(put_new(row), paid(mandate, charge), *_changed(change, entry), *note_event(entry))


def paid(mandate: Mandate, charge: Charge) -> dict[str, Any]:
    """The write that notes that a cycle of a mandate is paid for."""
    until = max(mandate.paid_until or charge.ends, charge.ends)
    news = told(Stage.ACTIVE, charge.at) if mandate.is_news(Stage.ACTIVE, charge.at) else {}
    facts = {charge.cycle: charge.payment.id, "paidUntil": calendar.iso(until), **news}
    return {"Update": _update(mandate, facts)}


def flag(mandate: Mandate | None, charge: Charge, reason: Reason, entry: Entry) -> None:
    """Keep a charge for review, with the cycle it was for. Raises ConditionFailedError where it has an entry already."""
    cycle = {"startsAt": calendar.iso(charge.starts), "endsAt": calendar.iso(charge.ends), "paidAt": charge.at}
    row = _row(mandate, charge, entry) | {"reason": reason.value, "flagged": OPEN, **cycle}
    transact(put_new(row), *note_event(entry))


def _row(mandate: Mandate | None, charge: Charge, entry: Entry) -> dict[str, Any]:
    whose = {"userId": mandate.user_id, "tier": mandate.tier, "plan": mandate.plan} if mandate else {}
    return ledger_row(charge.payment, entry) | {
        "mandateId": charge.mandate_id,
        "invoiceId": charge.payment.invoice_id,
        **whose,
    }


def _changed(change: UserChange | None, entry: Entry) -> list[dict[str, Any]]:
    if change is None:
        return []
    before, after = change
    return [{"Update": users.change(after, before, entry.at)}, *subscriptions.rows(after, before, entry.at)]


def _update(mandate: Mandate, told: Mapping[str, object]) -> dict[str, Any]:
    sets = {"changes": mandate.changes + 1, **told}
    return {
        "TableName": settings().tables.payments,
        "Key": key(mandate.id),
        "UpdateExpression": "SET " + ", ".join(f"#f{place} = :f{place}" for place in range(len(sets))),
        "ConditionExpression": "changes = :seen",
        "ExpressionAttributeNames": {f"#f{place}": name for place, name in enumerate(sets)},
        "ExpressionAttributeValues": to_item(
            {f":f{place}": value for place, value in enumerate(sets.values())} | {":seen": mandate.changes}
        ),
    }
