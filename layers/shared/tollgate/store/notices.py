"""The notices table: what users are to be told, each occasion once, and what became of it. Nothing here waits for a mail."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from tollgate import calendar, ids
from tollgate.config import settings
from tollgate.errors import ProviderUnavailable
from tollgate.notices import Kind, Notice
from tollgate.store.dynamodb import ConditionFailedError, from_item, send, to_attribute, to_item

KEPT = timedelta(days=400)  # longer than any window a notice is about
LEASE = timedelta(seconds=90)  # longer than whoever sends it lives


class Outcome(StrEnum):
    """What became of a notice; none of these is tried again."""

    SENT = "sent"
    NO_ADDRESS = "noAddress"
    UNWANTED = "unwanted"
    OUTDATED = "outdated"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A notice that its holder alone may send, until the lease is over."""

    notice: Notice
    holder: str


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
        "Key": _key(notice.id),
        "UpdateExpression": "SET " + ", ".join(f"#{name} = if_not_exists(#{name}, :{name})" for name in first),
        "ExpressionAttributeNames": {f"#{name}": name for name in first},
        "ExpressionAttributeValues": to_item({f":{name}": value for name, value in first.items()}),
    }


def put(notice: Notice) -> None:
    """Queue a notice, once."""
    send("update_item", **queue(notice))


def is_queued(notice_id: str) -> bool:
    """Whether a notice was queued before; a moment ago may not be seen, and queuing it again does nothing."""
    return "Item" in send(
        "get_item", TableName=settings().tables.notices, Key=_key(notice_id), ProjectionExpression="id"
    )


def claim(notice_id: str, now: datetime) -> Claim | None:
    """Take a notice to send it; None where nothing is left to do. Raises ProviderUnavailable while somebody else holds it."""
    holder, until = ids.token(12), calendar.iso(now + LEASE)
    try:
        answer = send(
            "update_item",
            TableName=settings().tables.notices,
            Key=_key(notice_id),
            UpdateExpression="SET claimedUntil = :until, claimedBy = :holder ADD tries :one",
            ConditionExpression=(
                "attribute_exists(id) AND attribute_not_exists(outcome) "
                "AND (attribute_not_exists(claimedUntil) OR claimedUntil <= :now)"
            ),
            ExpressionAttributeValues=to_item(
                {":until": until, ":holder": holder, ":one": 1, ":now": calendar.iso(now)},
            ),
            ReturnValues="ALL_NEW",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except ConditionFailedError as refused:
        there = refused.items[0]
        if there is None or "outcome" in there:
            return None
        if there.get("claimedBy") != holder:  # else our own write got through and its answer was lost
            raise ProviderUnavailable("Somebody else is sending this notice.") from refused
        return Claim(notice=_to_notice(there), holder=holder)
    return Claim(notice=_to_notice(from_item(answer["Attributes"])), holder=holder)


def end(claim: Claim, outcome: Outcome, now: datetime, **told: str) -> None:
    """Write down what became of it, and let go of it. Does nothing where the lease went to somebody else meanwhile."""
    facts = {"outcome": outcome.value, "endedAt": calendar.iso(now), **told}
    sets = ", ".join(f"{name} = :{name}" for name in facts)
    _finish(claim, f"SET {sets} REMOVE claimedUntil, claimedBy", {f":{name}": value for name, value in facts.items()})


def let_go(claim: Claim) -> None:
    """Leave it to the next try."""
    _finish(claim, "REMOVE claimedUntil, claimedBy", {})


def _finish(claim: Claim, update: str, values: dict[str, str]) -> None:
    try:
        send(
            "update_item",
            TableName=settings().tables.notices,
            Key=_key(claim.notice.id),
            UpdateExpression=update,
            ConditionExpression="claimedBy = :mine",
            ExpressionAttributeValues=to_item({":mine": claim.holder, **values}),
        )
    except ConditionFailedError:
        return


def _key(notice_id: str) -> dict[str, Any]:
    return {"id": to_attribute(notice_id)}


def _to_notice(row: dict[str, Any]) -> Notice:
    return Notice(
        id=row["id"],
        user_id=row["userId"],
        kind=Kind(row["kind"]),
        at=calendar.parse(row["queuedAt"]),
        facts=MappingProxyType(row["facts"]),
    )
