"""All that is written of one user, read for the invariants to judge it; and of whom there is something new to judge."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from tollgate import clock
from tollgate.config import settings
from tollgate.invariants import Facts
from tollgate.store import accounts, audits, history, users
from tollgate.store.accounts import PAYMENTS, SUBSCRIPTIONS, USAGE, Section
from tollgate.store.dynamodb import from_item, send

FAR = "9"  # no instant sorts behind it
FOR_EVER = float("inf")


def facts(user_id: str) -> Facts:
    """The rows of every table, each read consistently, one table after the other. What the gateway says is not asked."""
    answer = send("get_item", TableName=settings().tables.users, Key=users.key(user_id), ConsistentRead=True)
    periods, ledger, usage = (_rows(section, user_id) for section in (SUBSCRIPTIONS, PAYMENTS, USAGE))
    now = clock.now()
    return Facts(
        user_id=user_id,
        now=now,
        record=from_item(answer["Item"]) if "Item" in answer else None,
        periods=periods,
        ledger={row["id"]: row for row in ledger},
        usage=[row for row in usage if not _is_over(row, now)],
    )


def _rows(section: Section, user_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after: str | None = ""
    while after is not None:
        some, after = accounts.page(section, user_id, after, accounts.MOST_READ)
        found += some
    return found


def _is_over(row: dict[str, Any], now: datetime) -> bool:
    """Whether a row is kept no longer; it may lie there for days yet."""
    return bool(row.get("expiresAt", FOR_EVER) <= now.timestamp())


def payers(day: date) -> set[str]:
    """Whose payments changed on that day in India."""
    found = audits.noted(audits.changed_on(day)).values()
    return {each.user_id for each in found if each.user_id}


def callers(shard: str) -> Iterator[str]:
    """Who used anything in a day or month that is not closed, of a sixteenth of all users."""
    for index in (history.DAYS, history.MONTHS):
        for row in index.of(shard, settings().tables.users, "0", FAR):
            yield str(row["userId"])
