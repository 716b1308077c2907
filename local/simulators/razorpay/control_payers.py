"""What payers, their banks and the Dashboard do, on request."""

from local.simulators.razorpay import disputes, mandates, payments, refunds, settlements, subscriptions
from local.simulators.razorpay.command import Command, Entry, built, one_of
from local.simulators.razorpay.mandate import Mandate, outcome_of
from local.simulators.razorpay.wire import Json, Refusal

CHANGEABLE = {"amount", "currency", "status", "captured", "order_id", "method", "notes", "email", "contact"}


def pay(command: Command) -> Json:
    """Pay an order as a checkout would; a success brings the three fields, a failure the checkout's error."""
    account, now = command.engine.account, command.engine.now()
    paid = payments.pay(account, account.order(command.path["id"]), built(payments.Attempt, command.body), now)
    return {"payment": paid, **payments.outcome(account, paid)}


def change_payment(command: Command) -> Json:
    """Make a payment say something else than what was ordered, to see who notices."""
    payment = command.engine.account.payment(command.path["id"])
    unknown = sorted(set(command.body) - CHANGEABLE)
    if unknown:
        raise Refusal(f"only {', '.join(sorted(CHANGEABLE))} can be changed")
    payment.update(command.body)
    return payment


def answer(command: Command) -> Json:
    """The bank's late answer to a failed or authorised payment."""
    account, payment = command.engine.account, command.engine.account.payment(command.path["id"])
    outcome = one_of(command.body.get("outcome", "captured"), "captured", "authorized", "failed")
    payments.answer(account, payment, outcome, command.engine.now())
    return payment


def refund(command: Command) -> Json:
    """A refund made in the Dashboard: no API call of ours, only its events."""
    account = command.engine.account
    return refunds.by_hand(account, account.payment(command.path["id"]), command.body, command.engine.now())


def settle_refund(command: Command) -> Json:
    account = command.engine.account
    made = account.find(account.refunds, command.path["id"], "rfnd")
    outcome = one_of(command.body.get("outcome", "processed"), "processed", "failed")
    refunds.settle(account, made, outcome, command.engine.now())
    return made


def dispute(command: Command) -> Json:
    account = command.engine.account
    return disputes.open_one(account, account.payment(command.path["id"]), command.body, command.engine.now())


def turn_dispute(command: Command) -> Json:
    account = command.engine.account
    known = account.find(account.disputes, command.path["id"], "disp")
    return disputes.turn(account, known, command.path["turn"], command.engine.now())


def settle(command: Command) -> Json:
    """Pay out everything that waits, whatever its day."""
    engine = command.engine
    return {"settlement": settlements.run(engine.account, engine.now(), everything=True)}


def authorise(command: Command) -> Json:
    """The customer's first payment of a subscription."""
    account, mandate = command.engine.account, _mandate(command)
    paid = mandates.authorise(account, mandate, built(payments.Attempt, command.body), command.engine.now())
    return {"subscription": mandate.body, "payment": paid, **outcome_of(account, mandate, paid)}


def charge(command: Command) -> Json:
    """What is planned next happens now: `outcome` success or fail."""
    mandate = _mandate(command)
    outcome = one_of(command.body.get("outcome", "success"), "success", "fail")
    mandates.charge_now(command.engine.account, mandate, outcome, command.engine.now())
    return mandate.body


def plan_outcomes(command: Command) -> Json:
    """How the charges of the clock will end: the `next` ones in turn, and `always` after them."""
    mandate = _mandate(command)
    mandate.outcomes = [one_of(one, "success", "fail") for one in command.body.get("next", mandate.outcomes)]
    mandate.usual_outcome = one_of(command.body.get("always", mandate.usual_outcome), "success", "fail")
    return {"next": mandate.outcomes, "always": mandate.usual_outcome}


def recover(command: Command) -> Json:
    """The customer puts a pending or halted subscription right."""
    account, mandate = command.engine.account, _mandate(command)
    paid = mandates.recover(account, mandate, built(payments.Attempt, command.body), command.engine.now())
    return {"subscription": mandate.body, "payment": paid}


def pause_by_customer(command: Command) -> Json:
    mandate = _mandate(command)
    mandates.pause(command.engine.account, mandate, "customer", command.engine.now())
    return mandate.body


def resume_by_customer(command: Command) -> Json:
    mandate = _mandate(command)
    mandates.resume(command.engine.account, mandate, "customer", command.engine.now())
    return mandate.body


def cancel_by_customer(command: Command) -> Json:
    """The mandate is revoked in the customer's app."""
    mandate = _mandate(command)
    if mandate.is_final:
        raise Refusal(f"Subscription is not cancellable in {mandate.status} status.", field="status")
    mandates.end(command.engine.account, mandate, command.engine.now())
    return mandate.body


def _mandate(command: Command) -> Mandate:
    return subscriptions.find(command.engine.account, command.path["id"])


TABLE: list[Entry] = [
    ("POST", "/orders/{id}/pay", pay),
    ("PATCH", "/payments/{id}", change_payment),
    ("POST", "/payments/{id}/answer", answer),
    ("POST", "/payments/{id}/refund", refund),
    ("POST", "/payments/{id}/dispute", dispute),
    ("POST", "/refunds/{id}/settle", settle_refund),
    ("POST", "/disputes/{id}/{turn}", turn_dispute),
    ("POST", "/settlements/run", settle),
    ("POST", "/subscriptions/{id}/authorise", authorise),
    ("POST", "/subscriptions/{id}/pay", authorise),
    ("POST", "/subscriptions/{id}/charge", charge),
    ("POST", "/subscriptions/{id}/outcomes", plan_outcomes),
    ("POST", "/subscriptions/{id}/recover", recover),
    ("POST", "/subscriptions/{id}/pause", pause_by_customer),
    ("POST", "/subscriptions/{id}/resume", resume_by_customer),
    ("POST", "/subscriptions/{id}/cancel", cancel_by_customer),
]
