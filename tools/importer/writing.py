"""Writes what was taken, many users at once, each row only where none is: what is there is newer and stays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tollgate import calendar, metering
from tollgate.config import settings
from tollgate.counters import window_of
from tollgate.plans import Window
from tollgate.store import records, subscriptions, usage_log
from tollgate.store.due import shard
from tollgate.store.dynamodb import ConditionFailedError, send, to_item
from tollgate.store.history import DAYS, MONTHS
from tollgate.subscriptions import Subscription
from tollgate.users import User
from tools.importer.taking import Call

MOST = 100  # DynamoDB's, in one transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row to be written where there is none: its table, its item, and the attribute that every row there has."""

    kind: str
    table: str
    item: dict[str, Any]
    key: str

    def put(self) -> dict[str, Any]:
        """The write."""
        held = f"attribute_not_exists({self.key})"
        return {"Put": {"TableName": self.table, "Item": to_item(self.item), "ConditionExpression": held}}


def rows(user: User, periods: Sequence[Subscription], calls: Sequence[Call], now: datetime) -> Iterator[Row]:
    """The rows of a user: every period, payment and call, and last the record, which makes the others count."""
    tables, mark = settings().tables, {"imported": calendar.iso(now)}
    for each in periods:
        item = subscriptions.row(user.id, each, now) | mark
        yield Row(kind="subscription", table=tables.subscriptions, item=item, key="userId")
        if each.razorpay_payment_id:
            yield Row(kind="payment", table=tables.payments, item=_ledgered(user, each) | mark, key="id")
    for call in calls:
        item = usage_log.row(user.id, call.id, call.action, call.at, **call.facts) | mark
        yield Row(kind="call", table=tables.usage_logs, item=item, key="userId")
    yield Row(kind="user", table=tables.users, item=_record(user, now) | mark, key="userId")


def _ledgered(user: User, period: Subscription) -> dict[str, Any]:
    """A payment as if we had granted it: a late event finds it done, and a refund finds what it was for."""
    return {
        "id": period.razorpay_payment_id,
        "kind": "payment",
        "orderId": period.razorpay_order_id,
        "amount": period.amount,
        "currency": period.currency,
        "method": None,
        "source": "import",
        "at": calendar.iso(period.created_at),
        "changedOn": calendar.day_stamp(period.created_at),
        "userId": user.id,
        "tier": period.tier,
        "plan": period.plan,
        "subscription": records.from_subscription(period),
    }


def _record(user: User, now: datetime) -> dict[str, Any]:
    windows = {window_of(name) for name in user.counters}
    closes = {
        **({DAYS.at: calendar.iso(calendar.midnight(calendar.next_day(now)))} if Window.DAY in windows else {}),
        **({MONTHS.at: calendar.iso(calendar.midnight(calendar.next_month(now)))} if Window.MONTH in windows else {}),
    }
    return {
        "userId": user.id,
        "createdAt": calendar.iso(user.created_at),
        **({"email": user.email} if user.email else {}),  # a null would stand in the way of a token's
        **records.bought(user),
        "terms": metering.terms_of(user, now),
        **user.counters,
        "resumesGenerated": user.resumes_generated,
        **({DAYS.shard: shard(user.id), **closes} if closes else {}),
    }


def write(wanted: Sequence[Row]) -> list[Row]:
    """Write these rows, in batches; those that were written. A row that is there already does not keep its batch back."""
    written: list[Row] = []
    left = list(wanted)
    while left:
        batch, left = left[:MOST], left[MOST:]
        try:
            send("transact_write_items", TransactItems=[each.put() for each in batch])
            written += batch
        except ConditionFailedError as refused:
            left = [row for row, failed in zip(batch, refused.failed, strict=True) if not failed] + left
    return written
