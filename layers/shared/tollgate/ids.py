"""New identifiers. Only here; everything else is told its ids."""

import secrets
from datetime import datetime

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def subscription_id(now: datetime) -> str:
    """An id that sorts by time, so that history needs no index."""
    return f"tgs_{int(now.timestamp() * 1000):013d}{token(8)}"


def receipt(now: datetime) -> str:
    """Our own reference for an order, at most 40 characters."""
    return f"tg_{int(now.timestamp() * 1000):013d}{token(12)}"


def token(length: int) -> str:
    """Random text of the system's randomness, safe in names and addresses."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
