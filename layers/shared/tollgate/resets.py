"""Closing windows: the counts of days and months that are over move from the users' records to their history."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from tollgate import jobs
from tollgate.closing import closing
from tollgate.jobs import HasTime, Row
from tollgate.store import history


@dataclass(slots=True)
class Report(jobs.Report):
    """What one run did. `waiting` are users with a call still running that counted in a closed window."""

    closed: int = 0
    waiting: int = 0


def reset(now: datetime, has_time: HasTime) -> Report:
    """Close the windows of all who used anything in one that is over: one read and one write each.

    A run that stops anywhere is continued by the next; of two at once each user is written by one.
    """
    return jobs.sweep(history.due(now), partial(_close, now), has_time, Report())


def _close(now: datetime, row: Row, report: Report) -> None:
    found = history.counted(row["userId"])
    if found is None or not found.is_due(now):
        return  # the index is behind
    done = closing(found.user, found.leases, now)
    if done is None:
        report.waiting += 1
        return
    history.close(found, done)
    report.closed += 1
