"""Every morning: compare the days that are over with Razorpay's payments, refunds and settlements, and keep the report."""

from collections.abc import Callable
from datetime import datetime, timedelta

from aws_lambda_powertools.metrics import MetricUnit

from tollgate.ai import models
from tollgate.jobs import job, metrics
from tollgate.payments.closing import Report, close_days

NOTICE = timedelta(days=30)  # to try the successor of a model before it is the only one


def run(now: datetime, has_time: Callable[[], bool]) -> Report:
    report = close_days(now, has_time)
    if report.days:  # a run that closed no day knows none of these
        metrics.add_metric(name="PaymentDifferences", unit=MetricUnit.Count, value=report.differences)
        metrics.add_metric(name="SettlementsWaiting", unit=MetricUnit.Count, value=report.waiting)
        metrics.add_metric(name="PaymentsFlagged", unit=MetricUnit.Count, value=report.flagged)
    metrics.add_metric(name="ModelsRetiring", unit=MetricUnit.Count, value=len(models.retiring(now, NOTICE)))
    return report


handler = job("daily_report", run)
