"""The usage log: one row an attempt at a provider, kept 90 days. Never any text of a user's."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from tollgate import calendar
from tollgate.config import settings
from tollgate.metering import Action
from tollgate.store.dynamodb import send, to_item

KEPT = timedelta(days=90)


def row(
    user_id: str, request_id: str, action: Action, at: datetime, attempt: int = 0, **facts: object
) -> dict[str, Any]:
    """A row. `facts` are the attempt's: aiProvider, model, tokensUsed, costMicroUsd, success, errorMessage, latencyMs."""
    return {
        "userId": user_id,
        "timestamp": f"{calendar.iso(at)}#{request_id}#{attempt}",
        "action": action.value,
        "requestId": request_id,
        "expiresAt": int((at + KEPT).timestamp()),
        **facts,
    }


def put(entry: Mapping[str, Any]) -> None:
    """Keep a row."""
    send("put_item", TableName=settings().tables.usage_logs, Item=to_item(entry))
