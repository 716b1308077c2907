"""The notices table: what users are to be told, each occasion once. Nothing here waits for a mail."""

from datetime import timedelta
from typing import Any

from tollgate import calendar
from tollgate.config import settings
from tollgate.notices import Notice
from tollgate.store.dynamodb import to_attribute, to_item

KEPT = timedelta(days=400)  # longer than any window a notice is about


def queue(notice: Notice) -> dict[str, Any]:
    """The update that queues a notice; of the same occasion only the first changes anything."""
    first = {
        "userId": notice.user_id,
        "kind": notice.kind.value,
        "facts": dict(notice.facts),
        "queuedAt": calendar.iso(notice.at),
        "expiresAt": int((notice.at + KEPT).timestamp()),
    }
    return {
        "TableName": settings().tables.notices,
        "Key": {"id": to_attribute(notice.id)},
        "UpdateExpression": "SET " + ", ".join(f"#{name} = if_not_exists(#{name}, :{name})" for name in first),
        "ExpressionAttributeNames": {f"#{name}": name for name in first},
        "ExpressionAttributeValues": to_item({f":{name}": value for name, value in first.items()}),
    }
