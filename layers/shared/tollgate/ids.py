"""New identifiers. Only here; everything else is told its ids."""

import secrets
from collections.abc import Callable
from datetime import datetime

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # 32, so that each is as likely as the others in a byte

_sources: list[Callable[[int], bytes]] = [secrets.token_bytes]


def draw_from(source: Callable[[int], bytes] | None) -> None:
    """Draw from another source of bytes, for a simulation that is to be repeated; None is the system's randomness again."""
    _sources[:] = [source or secrets.token_bytes]


def subscription_id(now: datetime) -> str:
    """An id that sorts by time, so that history needs no index."""
    return f"tgs_{int(now.timestamp() * 1000):013d}{token(8)}"


def receipt(now: datetime) -> str:
    """Our own reference for an order, at most 40 characters."""
    return f"tg_{int(now.timestamp() * 1000):013d}{token(12)}"


def token(length: int) -> str:
    """Random text of the system's randomness, safe in names and addresses."""
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in _sources[0](length))
