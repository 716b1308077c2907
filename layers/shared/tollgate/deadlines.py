"""Work that must not take longer than it may."""

from __future__ import annotations

import threading
from collections.abc import Callable


class DeadlineExceededError(Exception):
    """The time was over before the work was."""


def within[T](seconds: float, work: Callable[[], T]) -> T:
    """Run blocking `work` in a thread of its own and wait at most `seconds` for it.

    For what has no time-out (looking up a name) or one that counts from one byte to the next, so that a server that trickles
    holds it for ever. The abandoned thread is a daemon and ends with its connection. It costs half a millisecond.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001 -- it is raised again in the thread that waits
            errors.append(error)

    worker = threading.Thread(target=run, daemon=True)
    worker.start()
    worker.join(max(seconds, 0))
    if errors:
        raise errors[0]
    if not results:
        raise DeadlineExceededError
    return results[0]
