"""Every morning: compare the days that are over with Razorpay's payments, refunds and settlements, keep the report, and judge
the users by the invariants."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from aws_lambda_powertools.metrics import MetricUnit

from tollgate import soundness
from tollgate.ai import models
from tollgate.jobs import job, logger, metrics
from tollgate.payments import closing
from tollgate.payments.closing import close_days

NOTICE = timedelta(days=30)  # to try the successor of a model before it is the only one


@dataclass(slots=True)
class Report(closing.Report):
    """What one run did; of how many users it was judged whether their records hold together, and of how many they do not."""

    judged: int = 0
    unsound: int = 0


def run(now: datetime, has_time: Callable[[], bool]) -> Report:
    report = close_days(now, has_time)
    if report.days:  # a run that closed no day knows none of these
        metrics.add_metric(name="PaymentDifferences", unit=MetricUnit.Count, value=report.differences)
        metrics.add_metric(name="SettlementsWaiting", unit=MetricUnit.Count, value=report.waiting)
        metrics.add_metric(name="PaymentsFlagged", unit=MetricUnit.Count, value=report.flagged)
    metrics.add_metric(name="ModelsRetiring", unit=MetricUnit.Count, value=len(models.retiring(now, NOTICE)))
    return _judged(report, now, has_time)


def _judged(report: closing.Report, now: datetime, has_time: Callable[[], bool]) -> Report:
    found = soundness.judge(soundness.due(now), has_time)
    metrics.add_metric(name="UsersUnsound", unit=MetricUnit.Count, value=len(found.unsound))
    if found.unsound:
        logger.error("unsound", invariants=found.kinds)  # whose records they are is asked for by hand
    known = asdict(report) | {"unfinished": report.unfinished or found.unfinished}
    return Report(**known, judged=found.judged, unsound=len(found.unsound))


handler = job("daily_report", run)
