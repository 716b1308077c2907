"""The shell of every scheduled function: how long it may take, and one line and one set of metrics a run."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from tollgate import clock
from tollgate.config import namespace
from tollgate.errors import ProviderUnavailable
from tollgate.logs import place_of
from tollgate.logs import report as tell
from tollgate.store.dynamodb import ConditionFailedError

RESERVE_MS = 30_000  # a run stops so long before Lambda would stop it
OUTAGE = 5  # rows in succession that the database does not answer for, after which a run leaves the rest to the next

type Handler = Callable[[dict[str, Any], Any], dict[str, Any]]
type HasTime = Callable[[], bool]
type Row = dict[str, Any]

logger = Logger(service="tollgate")
metrics = Metrics(namespace=namespace(), service="tollgate")


def job(name: str, run: Callable[[datetime, HasTime], Any]) -> Handler:
    """The Lambda handler of a scheduled function. `run` takes the instant and a question whether there is time left, and
    returns a report: a dataclass of numbers, with `failed` among them."""

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 -- Lambda's own
        del event  # what is due is read from the tables, so a run that comes late, twice or never is no matter
        report = asdict(run(clock.now(), lambda: context.get_remaining_time_in_millis() > RESERVE_MS))
        logger.info("job", job=name, request_id=context.aws_request_id, **report)
        metrics.add_dimension(name="job", value=name)  # a run that is missing is missing of one job
        metrics.add_metric(name="JobRuns", unit=MetricUnit.Count, value=1)
        metrics.add_metric(name="JobFailures", unit=MetricUnit.Count, value=int(report["failed"]))
        metrics.flush_metrics()
        return report

    return handler


@dataclass(slots=True)
class Report:
    """What one run over due rows did. `skipped` were changed by somebody else at that moment, `failed` could not be done and
    stay due, `unfinished` says that rows were left for the next run."""

    looked: int = 0
    skipped: int = 0
    failed: int = 0
    unfinished: bool = False


def sweep[R: Report](rows: Iterable[Row], work: Callable[[Row, R], None], has_time: HasTime, report: R) -> R:
    """Do the work of each row while there is time, and count how it went. A row that fails stops no other."""
    unanswered, told = 0, False
    for row in rows:
        if unanswered == OUTAGE or not has_time():
            report.unfinished = True
            break
        report.looked += 1
        try:
            work(row, report)
        except ConditionFailedError:
            report.skipped += 1
        except Exception as error:  # noqa: BLE001 -- the edge of a run: one row that cannot be read must not stop the rest
            report.failed += 1
            unanswered = unanswered + 1 if isinstance(error, ProviderUnavailable) else 0
            _say(row, error)
            if not told and not isinstance(error, ProviderUnavailable):  # one a run: the others are likely the same
                tell(error)
                told = True
            continue
        unanswered = 0
    return report


def _say(row: Row, error: Exception) -> None:
    logger.error("row", error=type(error).__name__, at=place_of(error), user_id=row.get("userId"))
