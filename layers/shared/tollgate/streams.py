"""The shell of every function behind a table's stream: changes as values, one line and one set of metrics a batch.

A stream tells each change at least once, and the changes of one row in their order; so what consumes it does each thing once by
itself. What fails is reported by its number and told again; what came after it in the batch was done and is told again too.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from tollgate import clock
from tollgate.config import namespace
from tollgate.errors import ProviderUnavailable
from tollgate.logs import place_of, report
from tollgate.store.dynamodb import from_item

RESERVE_MS = 10_000  # nothing new is begun so shortly before Lambda would stop the function
EXPIRY = "dynamodb.amazonaws.com"  # who deletes rows whose time is over

type Handler = Callable[[dict[str, Any], Any], dict[str, Any]]

logger = Logger(service="tollgate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of one row. `old` is None for a new row, `new` for one that is gone; each only as far as the stream's view
    type tells it. `id` names the change, however often it is told; `expired` says that the table's expiry removed the row."""

    id: str
    table: str
    sequence: str
    at: datetime
    key: Mapping[str, Any]
    old: Mapping[str, Any] | None
    new: Mapping[str, Any] | None
    expired: bool = False


def to_change(record: Mapping[str, Any]) -> Change:
    """The change in a record of Lambda's event."""
    told = record["dynamodb"]
    table = record["eventSourceARN"].split("/")[1]
    return Change(
        id=f"{table}#{record['eventID']}",
        table=table,
        sequence=told["SequenceNumber"],
        at=datetime.fromtimestamp(told["ApproximateCreationDateTime"], UTC),
        key=from_item(told["Keys"]),
        old=from_item(told["OldImage"]) if "OldImage" in told else None,
        new=from_item(told["NewImage"]) if "NewImage" in told else None,
        expired=(record.get("userIdentity") or {}).get("principalId") == EXPIRY,
    )


def stream(name: str, consume: Callable[[Change, datetime], str]) -> Handler:
    """The Lambda handler of a consumer. `consume` takes one change and the instant, and says in a word what came of it.

    What it raises is that change's failure alone: the others of the batch go on, but for later changes of the same row. The
    event source has to say `FunctionResponseTypes: [ReportBatchItemFailures]`, or a failure would count as success.
    """

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 -- Lambda's own
        outcomes: Counter[str] = Counter()
        failures: list[str] = []
        held: set[str] = set()  # rows with a failure in this batch, whose later changes wait for it
        for record in event["Records"]:
            row = repr(sorted(record["dynamodb"]["Keys"].items()))
            late = context.get_remaining_time_in_millis() < RESERVE_MS
            outcome = None if late or row in held else _consumed(name, consume, record, first=not failures)
            if outcome is None:
                held.add(row)
                failures.append(record["dynamodb"]["SequenceNumber"])
            else:
                outcomes[outcome] += 1
        _tell(name, outcomes, len(failures), context)
        return {"batchItemFailures": [{"itemIdentifier": sequence} for sequence in failures]}

    return handler


def _consumed(
    name: str, consume: Callable[[Change, datetime], str], record: Mapping[str, Any], *, first: bool
) -> str | None:
    try:
        return str(consume(to_change(record), clock.now()))
    except ProviderUnavailable as error:  # somebody else's fault, and likely gone when it is told again
        logger.warning("stream", consumer=name, event=record.get("eventID"), unavailable=True, reason=error.detail)
    except Exception as error:  # noqa: BLE001 -- the edge: one change that cannot be handled must not keep the others
        _log_bug(name, record, error, first=first)
    return None


def _log_bug(name: str, record: Mapping[str, Any], error: Exception, *, first: bool) -> None:
    logger.error("bug", consumer=name, event=record.get("eventID"), error=type(error).__name__, at=place_of(error))
    if first:  # one a batch: the others are likely the same, and the batch has to end in time
        report(error, consumer=name)


def _tell(name: str, outcomes: Counter[str], failed: int, context: Any) -> None:  # noqa: ANN401 -- Lambda's own
    logger.info("stream", consumer=name, request_id=context.aws_request_id, outcomes=dict(outcomes), failed=failed)
    measure(name, StreamChanges=outcomes.total() + failed, StreamFailures=failed)


def measure(consumer: str, **counts: int) -> None:
    """Write these counts of a consumer's, as a set of their own: nothing of it is left for the next."""
    metrics = EphemeralMetrics(namespace=namespace(), service="tollgate")
    metrics.add_dimension(name="consumer", value=consumer)
    for each, count in counts.items():
        metrics.add_metric(name=each, unit=MetricUnit.Count, value=count)
    metrics.flush_metrics()


def stream_of_batches[T](
    name: str, read: Callable[[Change], T], write: Callable[[Sequence[T], datetime], Mapping[str, int]]
) -> Handler:
    """The Lambda handler of a consumer that makes one write of many changes. `write` says in words what came of how many.

    A change that cannot be read fails alone; where the write fails, every change does, and is told again.
    """

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 -- Lambda's own
        found: dict[str, T] = {}
        failures: list[str] = []
        for record in event["Records"]:
            sequence = record["dynamodb"]["SequenceNumber"]
            try:
                found[sequence] = read(to_change(record))
            except Exception as error:  # noqa: BLE001 -- the edge: one change that cannot be read must not keep the others
                _log_bug(name, record, error, first=not failures)
                failures.append(sequence)
        outcomes: Counter[str] = Counter()
        try:
            outcomes.update(write(list(found.values()), clock.now()))
        except ProviderUnavailable as error:
            logger.warning("stream", consumer=name, unavailable=True, reason=error.detail)
            failures = [record["dynamodb"]["SequenceNumber"] for record in event["Records"]]
        _tell(name, outcomes, len(failures), context)
        return {"batchItemFailures": [{"itemIdentifier": sequence} for sequence in failures]}

    return handler
