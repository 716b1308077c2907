"""Every 15 minutes: look up unpaid orders at Razorpay and settle what was paid."""

from collections.abc import Callable
from datetime import datetime

from aws_lambda_powertools.metrics import MetricUnit

from tollgate.jobs import job, metrics
from tollgate.payments.reconcile import Report, reconcile


def run(now: datetime, has_time: Callable[[], bool]) -> Report:
    report = reconcile(now, has_time)
    metrics.add_metric(name="PaymentsFound", unit=MetricUnit.Count, value=report.granted + report.kept)
    return report


handler = job("reconcile_payments", run)
