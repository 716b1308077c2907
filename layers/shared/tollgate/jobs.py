"""The shell of every scheduled function: how long it may take, and one line and one set of metrics a run."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from tollgate import clock

RESERVE_MS = 30_000  # a run stops so long before Lambda would stop it

type Handler = Callable[[dict[str, Any], Any], dict[str, Any]]

logger = Logger(service="tollgate")
metrics = Metrics(namespace="Tollgate", service="tollgate")


def job(name: str, run: Callable[[datetime, Callable[[], bool]], Any]) -> Handler:
    """The Lambda handler of a scheduled function. `run` takes the instant and a question whether there is time left, and
    returns a report: a dataclass of numbers, with `failed` among them."""

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 -- Lambda's own
        del event  # what is due is read from the tables, so a run that comes late, twice or never is no matter
        report = asdict(run(clock.now(), lambda: context.get_remaining_time_in_millis() > RESERVE_MS))
        logger.info("job", job=name, request_id=context.aws_request_id, **report)
        metrics.add_metric(name="JobRuns", unit=MetricUnit.Count, value=1)
        metrics.add_metric(name="JobFailures", unit=MetricUnit.Count, value=int(report["failed"]))
        metrics.flush_metrics()
        return report

    return handler
