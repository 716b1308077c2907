"""What is due when: charges, refunds, retries. After a leap of the clock all of it is done, in order."""

import heapq
import itertools
from collections.abc import Callable
from datetime import datetime

type Act = Callable[[datetime], object]


class Agenda:
    """Acts by the instant they are due; each is told that instant and not the later one at which it is noticed."""

    def __init__(self) -> None:
        self._entries: list[tuple[datetime, int, Act]] = []
        self._order = itertools.count()

    def at(self, due: datetime, act: Act) -> None:
        heapq.heappush(self._entries, (due, next(self._order), act))

    def run(self, now: datetime) -> None:
        """Do everything due by `now`, oldest first, including what that adds."""
        while self._entries and self._entries[0][0] <= now:
            due, _, act = heapq.heappop(self._entries)
            act(due)

    def clear(self) -> None:
        self._entries.clear()
