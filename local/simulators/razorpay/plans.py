"""Plans: a price and a rhythm, immutable once made."""

from local.simulators.razorpay import checks
from local.simulators.razorpay.account import Account
from local.simulators.razorpay.cycles import PERIODS
from local.simulators.razorpay.route import Call, Route
from local.simulators.razorpay.wire import Json, Refusal, new_id, seconds

FEWEST_DAYS = 7


def create(account: Account, call: Call) -> Json:
    checks.only(call.body, {"period", "interval", "item", "notes"})
    period, interval = checks.required(call.body, "period"), checks.integer(call.body, "interval")
    if period not in PERIODS:
        raise Refusal("The selected period is invalid.", field="period")
    if interval < (FEWEST_DAYS if period == "daily" else 1):
        raise Refusal("For daily plan, the interval should be greater than or equal to 7.", field="interval")
    now = seconds(call.now)
    made: Json = {
        "id": new_id("plan"),
        "entity": "plan",
        "interval": interval,
        "period": period,
        "item": _item(checks.item(checks.required(call.body, "item")), now),
        "notes": checks.notes(call.body),
        "created_at": now,
    }
    account.plans[made["id"]] = made
    return made


def _item(asked: Json, now: int) -> Json:
    return {
        "id": new_id("item"),
        "active": True,
        "name": asked["name"],
        "description": asked["description"],
        "amount": asked["amount"],
        "unit_amount": asked["amount"],
        "currency": asked["currency"],
        "type": "plan",
        "unit": None,
        "tax_inclusive": False,
        "hsn_code": None,
        "sac_code": None,
        "tax_rate": None,
        "tax_id": None,
        "tax_group_id": None,
        "created_at": now,
        "updated_at": now,
    }


def fetch(account: Account, call: Call) -> Json:
    return account.find(account.plans, call.path["plan_id"], "plan")


def listing(account: Account, call: Call) -> Json:
    return account.collection(account.plans, call.query, call.now)


ROUTES = [
    Route("POST", "/plans", create),
    Route("GET", "/plans", listing),
    Route("GET", "/plans/{plan_id}", fetch),
]
