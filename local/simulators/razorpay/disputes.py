"""Disputes: a customer's bank asks the money back."""

from datetime import datetime, timedelta
from typing import Literal, get_args

from local.simulators.razorpay import checks, entities
from local.simulators.razorpay.account import Account
from local.simulators.razorpay.route import Call, Route
from local.simulators.razorpay.wire import Json, Refusal, seconds

type Turn = Literal["under_review", "action_required", "won", "lost", "closed"]
TURNS: tuple[str, ...] = get_args(Turn.__value__)
FINAL = {"won", "lost", "closed"}
TIME_TO_RESPOND = timedelta(days=7)


def open_one(account: Account, payment: Json, asked: Json, now: datetime) -> Json:
    """The bank opens a dispute; no amount means all of the payment."""
    made = entities.dispute(
        payment_id=payment["id"],
        amount=int(asked.get("amount") or payment["amount"]),
        reason_code=asked.get("reason_code", "chargeback"),
        phase=asked.get("phase", "chargeback"),
        respond_by=now + TIME_TO_RESPOND,
        now=now,
    )
    account.disputes[made["id"]] = made
    _tell(account, made, "created", now)
    return made


def turn(account: Account, dispute: Json, to: str, now: datetime) -> Json:
    """The dispute takes a turn; a lost one costs its amount, unless arbitration gives it back."""
    if to not in TURNS:
        raise Refusal(f"a dispute can be {', '.join(TURNS)}")
    if dispute["status"] in FINAL and (dispute["status"], to) != ("lost", "won"):
        raise Refusal(f"The dispute is {dispute['status']} already.", field="status")
    dispute["status"] = "open" if to == "action_required" else to
    dispute["amount_deducted"] = dispute["amount"] if to == "lost" else 0
    _tell(account, dispute, to, now)
    return dispute


def _tell(account: Account, dispute: Json, what: str, now: datetime) -> None:
    payment = account.payments[dispute["payment_id"]]
    account.post.emit(f"payment.dispute.{what}", {"payment": payment, "dispute": dispute}, now)


def fetch(account: Account, call: Call) -> Json:
    return account.find(account.disputes, call.path["dispute_id"], "disp")


def listing(account: Account, call: Call) -> Json:
    return account.collection(account.disputes, call.query, call.now)


def accept(account: Account, call: Call) -> Json:
    return turn(account, fetch(account, call), "lost", call.now)


def contest(account: Account, call: Call) -> Json:
    """Keep the evidence; with `action: submit` the bank starts to look at it."""
    dispute = fetch(account, call)
    checks.only(call.body, {"amount", "summary", "action", "shipping_proof", "billing_proof", "others"})
    dispute["evidence"].update(amount=call.body.get("amount", dispute["amount"]), summary=call.body.get("summary"))
    if call.body.get("action") == "submit":
        dispute["evidence"]["submitted_at"] = seconds(call.now)
        turn(account, dispute, "under_review", call.now)
    return dispute


ROUTES = [
    Route("GET", "/disputes", listing),
    Route("GET", "/disputes/{dispute_id}", fetch),
    Route("POST", "/disputes/{dispute_id}/accept", accept),
    Route("PATCH", "/disputes/{dispute_id}/contest", contest),
]
