"""Looking for money that nobody told us of: a dead webhook and a closed browser together lose nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from tollgate import app
from tollgate.errors import ProviderUnavailable, Refusal
from tollgate.payments import renewals
from tollgate.payments.mandates import Mandate, Slot
from tollgate.payments.orders import Order
from tollgate.payments.settle import settle
from tollgate.store import mandates, payments
from tollgate.store.dynamodb import ConditionFailedError
from tollgate.store.payments import Entry

PAGE = 25  # of each shard at a time


@dataclass(slots=True)
class Report:
    """What one run did, with orders and mandates alike. `unfinished` says that some were left for the next run."""

    looked: int = 0
    granted: int = 0
    kept: int = 0
    failed: int = 0
    unfinished: bool = False


def reconcile(now: datetime, has_time: Callable[[], bool]) -> Report:
    """Look up the unpaid orders and the mandates that are due and settle what was paid, while there is time.

    An order that was looked up is due again later, so a run that stops anywhere is continued by the next, and two at once do
    no harm: settlement grants once.
    """
    report = Report()
    _orders(now, has_time, report)
    _mandates(now, has_time, report)
    return report


def _mandates(now: datetime, has_time: Callable[[], bool], report: Report) -> None:
    for due in mandates.due(now, PAGE):
        for each in due:
            if not has_time():
                report.unfinished = True
                return
            _look_at(each, now, report)


def _look_at(each: Mandate | Slot, now: datetime, report: Report) -> None:
    report.looked += 1
    try:
        settled = renewals.look(each, now)
    except (Refusal, ConditionFailedError):
        report.failed += 1
        renewals.look_again(each.id, now)
        return
    report.granted += sum(one.subscription is not None for one in settled)
    report.kept += sum(one.subscription is None for one in settled)


def _orders(now: datetime, has_time: Callable[[], bool], report: Report) -> None:
    for due in payments.due_orders(now, PAGE):
        failed = report.failed
        for order in due:
            if not has_time():
                report.unfinished = True
                return
            _look(order, now, report)
        if report.failed > failed:
            break  # Razorpay or the database does not answer: the next run goes on from here


def _look(order: Order, now: datetime, report: Report) -> None:
    report.looked += 1
    try:
        captured = [each for each in app.gateway().payments_of(order.id) if each.is_captured]
        for payment in captured:
            settled = settle(payment, Entry(source="reconciler", at=now))
            report.granted += settled.subscription is not None
            report.kept += settled.subscription is None
            if settled.subscription:
                renewals.outgrow(order.user_id, settled.subscription, now)
        payments.looked(order, now)
    except ProviderUnavailable:
        report.failed += 1
