"""Writing down what the clock did to subscriptions: scheduled ones that have begun, running ones that are over.

Nothing waits for it. Who has which plan follows from the dates (`Subscription.is_active`); the rows are tidied up so that
notices and figures follow from their changes.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from tollgate import jobs
from tollgate.jobs import HasTime, Row
from tollgate.store import subscriptions
from tollgate.subscriptions import Status


@dataclass(slots=True)
class Report(jobs.Report):
    """What one run did."""

    started: int = 0
    expired: int = 0


def expire(now: datetime, has_time: HasTime) -> Report:
    """Write down of every subscription that is due where it stands now: one conditional write each.

    A run that stops anywhere is continued by the next; of two at once each row is changed by one. A period whose start and end
    both went by unnoticed is expired at once: nobody wants to hear that a plan began which is over.
    """
    return jobs.sweep(subscriptions.due(now), partial(_advance, now), has_time, Report())


def _advance(now: datetime, row: Row, report: Report) -> None:
    standing = subscriptions.advance(row, now)
    report.started += standing is Status.ACTIVE
    report.expired += standing is Status.EXPIRED
