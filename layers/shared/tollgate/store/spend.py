"""What a day's AI calls cost, on one item a day in the rollups table. It goes away after a week."""

from datetime import date, timedelta
from typing import Any

from tollgate import calendar
from tollgate.config import settings
from tollgate.spend import Spend
from tollgate.store.dynamodb import Item, from_item, send, to_item

SERIES = "spend"
KEPT = timedelta(days=7)


def read(day: date) -> Spend:
    """What is counted of a day. Raises ProviderUnavailable."""
    return _spend(day, send("get_item", **_place(day), ConsistentRead=True).get("Item", {}))


def add(day: date, micro_usd: int) -> Spend:
    """Count more of a day, in one atomic write; what is counted then. Raises ProviderUnavailable, when it may have been done."""
    answer = send(
        "update_item",
        **_place(day),
        UpdateExpression="SET expiresAt = :expires ADD microUsd :more",
        ExpressionAttributeValues=to_item(
            {":expires": int((calendar.midnight(day) + KEPT).timestamp()), ":more": micro_usd}
        ),
        ReturnValues="ALL_NEW",
    )
    return _spend(day, answer["Attributes"])


def _place(day: date) -> dict[str, Any]:
    return {
        "TableName": settings().tables.rollups,
        "Key": to_item({"series": SERIES, "place": day.isoformat()}),
    }


def _spend(day: date, item: Item) -> Spend:
    known = from_item(item)
    return Spend(day=day, micro_usd=known.get("microUsd", 0), raised_inr=known.get("raisedInr", 0))
