"""Streams of the subscriptions and payments tables: keep the figures about users and money."""

from datetime import datetime

from tollgate import rollups
from tollgate.config import settings
from tollgate.store import rollups as store
from tollgate.streams import Change, stream


def roll_up(change: Change, _now: datetime) -> str:
    # The change only says where to look: what is told late, twice or out of turn leads to the same figures.
    if change.table == settings().tables.subscriptions:
        user_id = str(change.key["userId"])
        counted = store.count(f"user#{user_id}", lambda: rollups.of_user(store.periods(user_id)))
    else:
        name = str(change.key["id"])
        counted = store.count(f"ledger#{name}", lambda: rollups.of_ledger(store.ledger(name) or {}))
    return "counted" if counted else "nothing"


handler = stream("roll_up", roll_up)
