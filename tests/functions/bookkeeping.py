"""A user's facts, gathered from the tables and the gateway as they are, for the invariants to judge."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Any

from tests.functions import jobs
from tests.functions.harness import World
from tollgate import invariants
from tollgate.invariants import Facts, Told
from tollgate.invariants.state import canonical
from tollgate.payments import mandates
from tollgate.store import dynamodb

type Json = dict[str, Any]

INSTANTS = (
    "at",
    "source",
    "startDate",
    "endDate",
    "createdAt",
    "anchorDay",
    "until",
    "toldAt",
    "paidUntil",
    "cancelAt",
)


def gateway(world: World) -> Json:
    """All that the simulator has of the world's user: of everybody, it would be more with every test."""
    world.at(world.now)
    found: Json = world.razorpay.get("/_sim/state", params={"user": world.user}).json()
    return found


def payments_of(world: World, there: Json) -> dict[str, Json]:
    """The user's payments at the gateway: of orders made for the user, and of mandates."""
    orders = {each["id"] for each in there["orders"] if _is_whose(each, world.user)}
    subscriptions = {each["id"] for each in there["subscriptions"] if _is_whose(each, world.user)}
    invoices = {each["id"] for each in there["invoices"] if each["subscription_id"] in subscriptions}
    return {
        each["id"]: each for each in there["payments"] if each["order_id"] in orders or each["invoice_id"] in invoices
    }


def _is_whose(entity: Json, user: str) -> bool:
    return isinstance(entity["notes"], dict) and entity["notes"].get("userId") == user


def facts(world: World, *, acknowledged: frozenset[str] = frozenset()) -> Facts:
    """Everything there is of the world's user now."""
    there = gateway(world)
    paid = payments_of(world, there)
    names = set(paid) | set(mandates.slots_of("test", world.user)) | {each["payment_id"] for each in there["refunds"]}
    names |= {
        each["id"] for shelf in ("orders", "subscriptions") for each in there[shelf] if _is_whose(each, world.user)
    }
    rows = rows_of(world, sorted(names | acknowledged))
    item = world.item()
    return Facts(
        user_id=world.user,
        now=world.now,
        record=dynamodb.from_item(item) if item else None,
        periods=world.rows("SubscriptionsTable"),
        ledger={name: row for name, row in rows.items() if row.get("userId", world.user) == world.user},
        usage=world.usage(),
        gateway={name: told(each) for name, each in paid.items()},
        acknowledged=acknowledged,
    )


def told(payment: Json) -> Told:
    """What the gateway says of a payment."""
    return Told(
        amount=payment["amount"],
        currency=payment["currency"],
        captured=bool(payment["captured"]),
        refunded=payment["amount_refunded"],
    )


def rows_of(world: World, names: list[str]) -> dict[str, Json]:
    """Rows of the payments table, read consistently."""
    found: dict[str, Json] = {}
    for start in range(0, len(names), 100):
        keys = [{"id": {"S": name}} for name in names[start : start + 100]]
        answer = world.raw.batch_get_item(RequestItems={"PaymentsTable": {"Keys": keys, "ConsistentRead": True}})
        assert not answer["UnprocessedKeys"]
        found |= {row["id"]: row for row in map(dynamodb.from_item, answer["Responses"]["PaymentsTable"])}
    return found


def check(world: World, *, at_rest: bool = False, before: Facts | None = None, **known: Any) -> Facts:  # noqa: ANN401 -- facts' own
    """The user's facts, none of them broken; with what was `before`, nor undone by a step."""
    now = facts(world, **known)
    found = invariants.broken(now, at_rest=at_rest) + (invariants.broken_by(before, now) if before else [])
    assert not found, "\n".join(map(str, found))
    return now


def lines(found: Facts, *, apart: Collection[str] = ()) -> list[str]:
    """The whole state, line by line, to the minute: the clock ticks while a busy machine thinks."""
    text = json.dumps(json.loads(canonical(found, apart=apart)), indent=1)
    text = re.sub(r"(T\d\d:\d\d):\d\dZ", r"\1Z", text)
    return re.sub(r"\b1[78]\d{8}\b", lambda seconds: str(int(seconds[0]) // 60), text).splitlines()


def reconcile(world: World) -> Json:
    """One run of the scheduled function. It also looks at what other tests have left open."""
    return jobs.run(world, "ReconcilePayments")


def settle_all(world: World) -> None:
    """Have the reconciler look at whatever earlier tests have left open, until nothing is due any more; far from now."""
    world.later(days=400)
    while reconcile(world)["looked"]:
        pass


def events(world: World) -> list[tuple[str, bytes]]:
    """Everything the gateway has told of the user's money, in the order it happened."""
    there = gateway(world)
    subscriptions = [each["id"] for each in there["subscriptions"] if _is_whose(each, world.user)]
    names = [*payments_of(world, there), *subscriptions]
    made = world.razorpay.get("/_sim/webhooks/deliveries", params={"naming": ",".join(names)}).json() if names else []
    return [(each["event"], each["body"].encode()) for each in made]


def forget(world: World) -> None:
    """Leave nothing for the reconciler of other tests to look at."""
    for row in facts(world).ledger.values():
        if "open" in row:
            world.raw.update_item(
                TableName="PaymentsTable",
                Key={"id": {"S": row["id"]}},
                UpdateExpression="REMOVE #open, lookAt",
                ExpressionAttributeNames={"#open": "open"},
            )
