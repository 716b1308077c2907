"""Settlements: what Razorpay pays out, and the reconciliation rows that say for what."""

import json
import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from local.simulators.razorpay import checks
from local.simulators.razorpay.account import Account
from local.simulators.razorpay.route import Call, Route
from local.simulators.razorpay.wire import Json, Refusal, collection, digits, moment, new_id, seconds

INDIA = ZoneInfo("Asia/Kolkata")
WORKING_DAYS = 2
PAYOUT_TIME = time(11)
SATURDAY = 5
RECON_CAP = 1000
DECEMBER = 12


@dataclass(frozen=True, slots=True)
class Unsettled:
    """A captured payment or a processed refund waiting for its payout."""

    entity: Json
    due: datetime


def payout_after(now: datetime) -> datetime:
    """Eleven o'clock in India, two working days on; weekends do not count."""
    day, left = now.astimezone(INDIA).date(), WORKING_DAYS
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < SATURDAY
    return datetime.combine(day, PAYOUT_TIME, INDIA)


def settle_later(account: Account, entity: Json, now: datetime) -> None:
    due = payout_after(now)
    account.unsettled.append(Unsettled(entity, due))
    if account.switches.settle_automatically:
        account.agenda.at(due, lambda then: run(account, then))


def run(account: Account, now: datetime, *, everything: bool = False) -> Json | None:
    """Pay out what is due (or everything) in one settlement; nothing due, nothing done."""
    batch = [one for one in account.unsettled if everything or one.due <= now]
    if not batch:
        return None
    account.unsettled = [one for one in account.unsettled if one not in batch]
    settlement_id, utr = new_id("setl"), digits(16)
    rows = [_row(account, one.entity) for one in batch]
    for row in rows:
        row.update(settled=True, settled_at=seconds(now), settlement_id=settlement_id, settlement_utr=utr)
    account.recon.extend(rows)
    made: Json = {
        "id": settlement_id,
        "entity": "settlement",
        "amount": sum(row["credit"] - row["debit"] for row in rows),
        "status": "processed",
        "fees": 0,
        "tax": 0,
        "utr": utr,
        "created_at": seconds(now),
    }
    account.settlements[settlement_id] = made
    account.post.emit("settlement.processed", {"settlement": made}, now)
    return made


def _row(account: Account, entity: Json) -> Json:
    """One line of the reconciliation; only payments carry a fee, only refunds name another payment."""
    refunded = entity["entity"] == "refund"
    payment = account.payments[entity["payment_id"]] if refunded else entity
    order = account.orders[payment["order_id"]]
    card = account.cards.get(payment["card_id"], {})
    fee = 0 if refunded else payment["fee"]
    return {
        "entity_id": entity["id"],
        "type": entity["entity"],
        "debit": entity["amount"] if refunded else 0,
        "credit": 0 if refunded else entity["amount"] - fee,
        "amount": entity["amount"],
        "currency": entity["currency"],
        "fee": fee,
        "tax": 0 if refunded else payment["tax"],
        "on_hold": False,
        "settled": False,
        "created_at": entity["created_at"],
        "settled_at": None,
        "settlement_id": None,
        "posted_at": None,
        "credit_type": "default",
        "description": payment["description"],
        "notes": json.dumps(entity["notes"] or {}, separators=(",", ":")),
        "payment_id": payment["id"] if refunded else None,
        "settlement_utr": None,
        "order_id": order["id"],
        "order_receipt": order["receipt"],
        "method": payment["method"],
        "card_network": card.get("network"),
        "card_issuer": card.get("issuer"),
        "card_type": card.get("type"),
        "dispute_id": None,
    }


def combined(account: Account, call: Call) -> Json:
    """The reconciliation of a month, or of a day of it, by the date of settlement in India."""
    wanted = _period(call.query)
    skip, count = checks.page(call.query, RECON_CAP)
    found = [row for row in account.recon if _settled_in(row, wanted)]
    return collection(found[skip : skip + count])


def _period(query: Json) -> tuple[int, int, int | None]:
    year, month = str(query.get("year", "")), checks.number(query, "month", 0)
    if not re.fullmatch(r"\d{4}", year):
        raise Refusal("The year must be 4 digits.", field="year")
    if not 1 <= month <= DECEMBER:
        raise Refusal("The month is not a valid month.", field="month")
    return int(year), month, checks.number(query, "day", 0) or None


def _settled_in(row: Json, wanted: tuple[int, int, int | None]) -> bool:
    day = moment(row["settled_at"]).astimezone(INDIA)
    year, month, on = wanted
    return (day.year, day.month) == (year, month) and on in (None, day.day)


def fetch(account: Account, call: Call) -> Json:
    return account.find(account.settlements, call.path["settlement_id"], "setl")


def listing(account: Account, call: Call) -> Json:
    return account.collection(account.settlements, call.query, call.now)


ROUTES = [
    Route("GET", "/settlements/recon/combined", combined),
    Route("GET", "/settlements", listing),
    Route("GET", "/settlements/{settlement_id}", fetch),
]
