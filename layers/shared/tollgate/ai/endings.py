"""The end of a metered call, also where the database does not take it: no answer and no cost is lost silently.

An answer that was paid for goes to the user, whatever becomes of our books. What a call took and cost is written again while
there is time; then the cost goes to the log, with an alarm, and the process tries once more with its next calls. Should it
die first, the user's next call gives back what the lease holds, and the log has what the providers will bill.
"""

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from aws_lambda_powertools.metrics import MetricUnit

from tollgate import clock
from tollgate.ai.ceiling import ceiling
from tollgate.errors import ProviderUnavailable
from tollgate.http.api import logger, metrics
from tollgate.metering import Admission
from tollgate.plans import Ai
from tollgate.store import admission as store
from tollgate.store.dynamodb import DatabaseError

TRIES = 3
ENOUGH_SECONDS = 4.0  # for one more try at a database that is slow, and the reply
HURRIED_SECONDS = 12.0  # a database that hangs may take as long as this and the function with it
MOST_WAITING = 100
OTHERS_AT_ONCE = 3

_FACTS = ("action", "requestId", "aiProvider", "model", "tokensUsed", "costMicroUsd", "success", "errorMessage")


@dataclass(frozen=True, slots=True)
class Ending:
    """How a call ended: what it cost, and who answered (None: nobody, and what it took is given back)."""

    admission: Admission
    ended: store.Ended
    answered: Ai | None = None

    def write(self) -> None:
        """Once, however often it is tried. Raises ProviderUnavailable."""
        if self.answered is None:
            store.give_back(self.admission, self.ended)
        else:
            store.settle(self.admission, self.ended, self.answered)

    @property
    def at_most_micro_usd(self) -> int:
        """What its attempts cost; as much as they can have cost where a provider's answer was lost."""
        return sum(int(row["metadata"]["costUpperMicroUsd"]) for row in self.ended.rows)

    def facts(self) -> list[dict[str, object]]:
        """What each attempt cost, without whose it was."""
        return [{name: row[name] for name in _FACTS if name in row} for row in self.ended.rows]


_waiting: deque[Ending] = deque(maxlen=MOST_WAITING)


def end(ending: Ending, seconds_left: Callable[[], float]) -> bool:
    """Write the end of a call; whether that went well. Where it did not, the log has what it cost and it is tried later."""
    ceiling.owe(ending.admission.call.at, ending.at_most_micro_usd)
    if seconds_left() < HURRIED_SECONDS:
        logger.warning("ending late", attempts=ending.facts())
    if not _written(ending, seconds_left):
        metrics.add_metric(name="CallsNotBooked", unit=MetricUnit.Count, value=1)
        logger.error("not booked", attempts=ending.facts())
        _waiting.append(ending)
        return False
    if seconds_left() >= ENOUGH_SECONDS:
        ceiling.pay_if_possible()
    if _waiting:
        _try_others(seconds_left)
    return True


def _written(ending: Ending, seconds_left: Callable[[], float]) -> bool:
    for attempt in range(TRIES):
        if attempt and seconds_left() < ENOUGH_SECONDS:
            return False
        try:
            ending.write()
        except (ProviderUnavailable, DatabaseError):
            clock.sleep(random.uniform(0, 0.1 * 2**attempt))  # noqa: S311 -- jitter, not a secret
        else:
            return True
    return False


def _try_others(seconds_left: Callable[[], float]) -> None:
    for _ in range(min(OTHERS_AT_ONCE, len(_waiting))):
        if seconds_left() < ENOUGH_SECONDS:
            return
        ending = _waiting.popleft()
        try:
            ending.write()
        except ProviderUnavailable:
            _waiting.append(ending)
        except DatabaseError:
            continue  # it will never be taken; the log has it
        else:
            logger.info("booked late", attempts=ending.facts())
