"""The life of a subscription: authorised once, charged each cycle, retried, halted, recovered, ended."""

from dataclasses import replace
from datetime import datetime, timedelta

from local.simulators.razorpay import customers, entities, invoices, payments, refunds
from local.simulators.razorpay.account import Account
from local.simulators.razorpay.cycles import Rhythm
from local.simulators.razorpay.invoices import Bill
from local.simulators.razorpay.mandate import Mandate, apply, tell, upfront
from local.simulators.razorpay.payments import Attempt
from local.simulators.razorpay.wire import Json, Refusal, moment, seconds

RETRY_AFTER = timedelta(days=1)
TRIES = 4
RECURRING = "Recurring Payment via Subscription"


def authorise(account: Account, mandate: Mandate, attempt: Attempt, now: datetime) -> Json:
    """The customer's first payment, with everything that follows from it; returns the payment."""
    if mandate.status != "created":
        raise Refusal(f"Subscription cannot be authenticated in {mandate.status} status.", field="status")
    mandate.attempt = attempt
    order = _order(account, upfront(mandate), now)
    if attempt.outcome != "success":
        return _not_authorised(account, mandate, order, now)
    payer = customers.of_payer(account, attempt.email, attempt.contact, now)
    mandate.body.update(customer_id=payer["id"], payment_method=attempt.method)
    start = _start_now if mandate.body["start_at"] is None else _start_later
    payment = start(account, mandate, order, now)
    mandate.attempt = replace(attempt, description=None, notes={})  # those were of this one payment
    return payment


def _not_authorised(account: Account, mandate: Mandate, order: Json, now: datetime) -> Json:
    """The customer's payment fails; a late yes comes as another payment."""
    attempt = mandate.attempt
    late = attempt.outcome == "late"
    payment = _begin(account, mandate, order, None, now)
    payments.fail(account, payment, entities.TIMED_OUT if late else entities.DECLINED, now)

    def answer(then: datetime) -> None:
        if mandate.status == "created":
            authorise(account, mandate, replace(attempt, outcome="success"), then)

    if late:
        account.agenda.at(now + timedelta(seconds=attempt.late_after), answer)
    return payment


def _start_now(account: Account, mandate: Mandate, order: Json, now: datetime) -> Json:
    _set_rhythm(mandate, now)
    authenticated = mandate.body | {"status": "authenticated"}
    _next_cycle(mandate)
    invoice = _issue(account, mandate, order, mandate.addons, now)
    payment = _begin(account, mandate, order, invoice, now)
    _pay(account, payment, invoice, now)
    if account.switches.authenticated_event:
        tell(account, authenticated, "authenticated", now)
    mandate.body["paid_count"] = 1
    _go_on(account, mandate)
    tell(account, mandate.body, "activated", now, payment)
    _charged(account, mandate, payment, now)
    return payment


def _start_later(account: Account, mandate: Mandate, order: Json, now: datetime) -> Json:
    """A mandate whose first cycle lies ahead: addons are invoiced, a mere token goes back."""
    bill = upfront(mandate)
    invoice = invoices.issue(account, mandate.body, order, bill, now) if mandate.addons else None
    payment = _begin(account, mandate, order, invoice, now)
    _pay(account, payment, invoice, now)
    if invoice is None:
        refunds.refund(account, payment, refunds.Wish(), now)
    starts = moment(mandate.body["start_at"])
    _set_rhythm(mandate, starts)
    mandate.body["status"] = "authenticated"
    _plan(account, mandate, starts)
    tell(account, mandate.body, "authenticated", now)
    return payment


def _set_rhythm(mandate: Mandate, start: datetime) -> None:
    plan, body = mandate.plan, mandate.body
    mandate.rhythm = Rhythm(start, plan["period"], plan["interval"])
    body["start_at"] = seconds(start)
    body["end_at"] = seconds(mandate.rhythm.boundary(body["total_count"] - 1))


def _next_cycle(mandate: Mandate) -> None:
    """Issue one more cycle: it counts as used whether it will be paid or not."""
    rhythm, body = _rhythm(mandate), mandate.body
    mandate.cycle += 1
    body["current_start"] = seconds(rhythm.boundary(mandate.cycle))
    body["current_end"] = seconds(rhythm.boundary(mandate.cycle + 1))
    body["remaining_count"] -= 1
    body["end_at"] = seconds(rhythm.boundary(mandate.cycle + body["remaining_count"]))


def _rhythm(mandate: Mandate) -> Rhythm:
    if mandate.rhythm is None:
        raise Refusal("The subscription has not started.")
    return mandate.rhythm


def _order(account: Account, bill: Bill, now: datetime) -> Json:
    """The order Razorpay makes for a charge; nobody asked for it and it has no receipt."""
    order = entities.order(amount=bill.amount, currency="INR", receipt=None, notes=[], now=now)
    account.orders[order["id"]] = order
    return order


def _issue(
    account: Account, mandate: Mandate, order: Json, addons: tuple[tuple[str, int, int], ...], now: datetime
) -> Json:
    body = mandate.body
    cycle = moment(body["current_start"]), moment(body["current_end"])
    mandate.invoice = invoices.issue(account, body, order, Bill((mandate.line, *addons), *cycle), now)
    return mandate.invoice


def _begin(account: Account, mandate: Mandate, order: Json, invoice: Json | None, now: datetime) -> Json:
    """A payment of this order, by the customer of the mandate."""
    payment = payments.begin(account, order, mandate.attempt, now)
    payment["description"] = mandate.attempt.description or RECURRING
    payment["invoice_id"] = invoice["id"] if invoice else None
    payment["customer_id"], payment["token_id"] = mandate.body["customer_id"], None
    return payment


def _pay(account: Account, payment: Json, invoice: Json | None, now: datetime) -> None:
    payments.authorise(account, payment, now)
    payments.capture(account, payment, now)
    if invoice is not None:
        invoices.paid(account, invoice, payment, now)


def _plan(account: Account, mandate: Mandate, due: datetime | None) -> None:
    """When to charge next; whatever was planned before is void."""
    mandate.due = due
    mandate.body["charge_at"] = seconds(due) if due else None
    if due is not None:
        account.agenda.at(due, lambda then: _when_due(account, mandate, due, then))


def _when_due(account: Account, mandate: Mandate, due: datetime, now: datetime) -> None:
    if mandate.due is due:
        charge(account, mandate, now)


def _go_on(account: Account, mandate: Mandate) -> None:
    """Active, and charged again at the end of the cycle unless this is the last."""
    body = mandate.body
    body.update(status="active", auth_attempts=0)
    mandate.invoice = None
    _plan(account, mandate, moment(body["current_end"]) if body["remaining_count"] else None)


def _charged(account: Account, mandate: Mandate, payment: Json, now: datetime) -> None:
    """Say that the cycle is paid; the last one ends the subscription at once, though it runs to `current_end`."""
    tell(account, mandate.body, "charged", now, payment)
    if mandate.body["remaining_count"] == 0:
        mandate.body.update(status="completed", ended_at=mandate.body["current_start"])
        _plan(account, mandate, None)
        tell(account, mandate.body, "completed", now, payment)


def charge(account: Account, mandate: Mandate, now: datetime) -> None:
    """What is due: the next cycle, one more try of an unpaid one, or the end that was asked for."""
    if mandate.status == "pending":
        _try(account, mandate, now)
    elif mandate.ends_with_cycle:
        end(account, mandate, now)
    else:
        _begin_cycle(account, mandate, now)


def _begin_cycle(account: Account, mandate: Mandate, now: datetime) -> None:
    if mandate.change is not None:
        apply(mandate, mandate.change)
        mandate.change = None
    _next_cycle(mandate)
    order = _order(account, Bill((mandate.line,)), now)
    _issue(account, mandate, order, (), now)
    if mandate.status == "halted":  # the cycle is invoiced, but nobody tries to collect
        left = mandate.body["remaining_count"]
        _plan(account, mandate, moment(mandate.body["current_end"]) if left else None)
        return
    if mandate.status == "authenticated":
        mandate.body["status"] = "active"
        tell(account, mandate.body, "activated", now)
    _try(account, mandate, now)


def _try(account: Account, mandate: Mandate, now: datetime) -> None:
    """One attempt to collect the present invoice."""
    outcome = mandate.outcomes.pop(0) if mandate.outcomes else mandate.usual_outcome
    if outcome == "success":
        collect(account, mandate, now)
    else:
        _refused(account, mandate, now)


def collect(account: Account, mandate: Mandate, now: datetime) -> Json:
    """The present invoice is paid; a pending or halted subscription lives again."""
    invoice = mandate.invoice
    if invoice is None:
        raise Refusal("There is no unpaid invoice.")
    revived = mandate.status in {"pending", "halted"}
    payment = _begin(account, mandate, account.orders[invoice["order_id"]], invoice, now)
    payment["notes"] = []
    _pay(account, payment, invoice, now)
    mandate.body["paid_count"] += 1
    _go_on(account, mandate)
    _charged(account, mandate, payment, now)
    if revived and mandate.status == "active":
        tell(account, mandate.body, "activated", now, payment)
    return payment


def _refused(account: Account, mandate: Mandate, now: datetime) -> None:
    """The charge failed: tried again every day, halted after the fourth time."""
    invoice, body = mandate.invoice, mandate.body
    if invoice is None:
        return
    payment = _begin(account, mandate, account.orders[invoice["order_id"]], invoice, now)
    payment.update(description=f"Failed {RECURRING}", notes=[])
    payments.fail(account, payment, entities.CHARGE_FAILED, now)
    body["auth_attempts"] += 1
    if body["auth_attempts"] < TRIES:
        body["status"] = "pending"
        _plan(account, mandate, now + RETRY_AFTER)
        tell(account, mandate.body, "pending", now)
    else:
        body["status"] = "halted"
        _plan(account, mandate, moment(body["current_end"]) if body["remaining_count"] else None)
        tell(account, mandate.body, "halted", now)


def end(account: Account, mandate: Mandate, now: datetime) -> None:
    """Cancelled for good; the cycle that was paid still runs to its end."""
    mandate.body.update(status="cancelled", ended_at=seconds(now))
    _plan(account, mandate, None)
    tell(account, mandate.body, "cancelled", now)


def cancel_at_cycle_end(account: Account, mandate: Mandate) -> None:
    """Cancel instead of the next charge; until then nothing of it shows."""
    mandate.ends_with_cycle = True
    if mandate.due is None:  # paused, or halted in the last cycle
        _plan(account, mandate, moment(mandate.body["current_end"]))
        mandate.body["charge_at"] = None


def charge_now(account: Account, mandate: Mandate, outcome: str, now: datetime) -> None:
    """The Dashboard's "charge this now": what is planned happens before its day."""
    if mandate.due is None:
        raise Refusal(f"Subscription is not chargeable in {mandate.status} status.", field="status")
    mandate.outcomes.insert(0, outcome)
    charge(account, mandate, now)


def recover(account: Account, mandate: Mandate, attempt: Attempt, now: datetime) -> Json:
    """The customer gives another card, or pays the open invoice: charged at once."""
    if mandate.status not in {"pending", "halted"}:
        raise Refusal(f"Subscription has nothing to recover in {mandate.status} status.", field="status")
    mandate.attempt = attempt
    mandate.body["payment_method"] = attempt.method
    return collect(account, mandate, now)


def expire(account: Account, mandate: Mandate) -> None:
    """Nobody paid in time; Razorpay says nothing about it."""
    if mandate.status == "created":
        mandate.body["status"] = "expired"
        _plan(account, mandate, None)


def pause(account: Account, mandate: Mandate, by: str, now: datetime) -> None:
    """No more charges until it is resumed; before the first cycle a pause is a cancellation."""
    if mandate.status == "authenticated":
        end(account, mandate, now)
        return
    if mandate.status != "active":
        raise Refusal(f"Subscription is not pausable in {mandate.status} status.", field="status")
    mandate.body.update(status="paused", paused_at=seconds(now), pause_initiated_by=by)
    _plan(account, mandate, None)
    tell(account, mandate.body, "paused", now)


def resume(account: Account, mandate: Mandate, by: str, now: datetime) -> None:
    """Charges go on with the next cycle; cycles that began meanwhile are left out."""
    if mandate.status != "paused":
        raise Refusal(f"Subscription is not resumable in {mandate.status} status.", field="status")
    if mandate.body["pause_initiated_by"] != by:
        raise Refusal("Subscription paused by the customer can be resumed by the customer only.")
    rhythm = _rhythm(mandate)
    mandate.cycle = max(mandate.cycle, rhythm.next_after(now) - 1)
    mandate.body.update(status="active", paused_at=None, pause_initiated_by=None)
    _plan(account, mandate, rhythm.boundary(mandate.cycle + 1))
    tell(account, mandate.body, "resumed", now)
