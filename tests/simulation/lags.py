"""What comes late, and by how much."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random


def never() -> float | None:
    """No lag to draw: it does not come at all."""
    return None


def at_once() -> float:
    """No lag."""
    return 0.0


@dataclass(frozen=True, slots=True)
class Lags:
    """By how many seconds things come late, drawn anew for each write.

    `index`: until an index shows it. `read`: until eventually consistent reads of the item do; till then they show it as it was
    before. `expiry`: from the instant an item expires until it is deleted; None is never.
    """

    index: Callable[[], float] = at_once
    read: Callable[[], float] = at_once
    expiry: Callable[[], float | None] = never

    @classmethod
    def seeded(cls, random: Random, index: float = 30, read: float = 1, expiry: float = 72 * 3600) -> Lags:
        """Lags between nothing and these."""
        return cls(
            index=lambda: random.uniform(0, index),
            read=lambda: random.uniform(0, read),
            expiry=lambda: random.uniform(0, expiry),
        )
