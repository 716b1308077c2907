"""Streams of the subscriptions and payments tables: queue what users are to be told."""

from datetime import datetime

from tollgate import occasions
from tollgate.config import settings
from tollgate.notices import Notice
from tollgate.payments.mandates import to_mandate
from tollgate.store import notices, records, subscriptions
from tollgate.streams import Change, stream

RECENT = 25  # periods of a user that a change may be about


def queue(change: Change, now: datetime) -> str:
    found = _occasions(change, now)
    for notice in found:
        notices.put(notice)
    return "queued" if found else "nothing"


def _occasions(change: Change, now: datetime) -> list[Notice]:
    if change.new is None:
        return []
    if (
        change.old is None and "imported" in change.new
    ):  # what another system sold is no news here; what becomes of it is
        return []
    if change.table == settings().tables.subscriptions:
        return _of_period(change, now)
    if change.new.get("kind") == "mandate":
        old = to_mandate(change.old) if change.old else None
        return occasions.of_mandate(old, to_mandate(change.new), settings().grace_days, now)
    return occasions.of_payment(change.old, change.new, now)


def _of_period(change: Change, now: datetime) -> list[Notice]:
    user_id = str(change.key["userId"])
    old = records.to_subscription(change.old) if change.old else None
    new = records.to_subscription(change.new or {})
    if not occasions.may_tell(old, new):
        return []
    recent, _ = subscriptions.page(user_id, RECENT, None)
    return occasions.of_period(user_id, old, new, recent, now)


handler = stream("queue_notices", queue)
