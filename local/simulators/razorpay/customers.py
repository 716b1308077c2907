"""Customers: made by hand or, for a subscription, by Razorpay itself."""

from datetime import datetime

from local.simulators.razorpay import checks, entities
from local.simulators.razorpay.account import Account
from local.simulators.razorpay.route import Call, Route
from local.simulators.razorpay.wire import Json, Refusal

FIELDS = {"name", "email", "contact", "gstin", "notes", "fail_existing"}
LENGTHS = {"name": 50, "email": 64, "contact": 15}


def create(account: Account, call: Call) -> Json:
    checks.only(call.body, FIELDS)
    _lengths(call.body)
    existing = _existing(account, call.body.get("email"), call.body.get("contact"))
    if existing is None:
        made = add(account, call.body | {"notes": checks.notes(call.body)}, call.now)
        made["gstin"] = call.body.get("gstin")
        return made
    if checks.flag(call.body, "fail_existing", default=True):
        raise Refusal("Customer already exists for the merchant")
    return existing


def _lengths(body: Json) -> None:
    for field, longest in LENGTHS.items():
        if len(checks.text(body, field) or "") > longest:
            raise Refusal(f"The {field} may not be greater than {longest} characters.", field=field)


def _existing(account: Account, email: str | None, contact: str | None) -> Json | None:
    """The customer with this e-mail address and this telephone number."""
    same = (one for one in account.customers.values() if (one["email"], one["contact"]) == (email, contact))
    return next(same, None)


def add(account: Account, body: Json, now: datetime) -> Json:
    made = entities.customer(
        name=body.get("name"),
        email=body.get("email"),
        contact=body.get("contact"),
        notes=body.get("notes") or [],
        now=now,
    )
    account.customers[made["id"]] = made
    return made


def of_payer(account: Account, email: str, contact: str, now: datetime) -> Json:
    """The customer who pays here, made when new."""
    known = _existing(account, email, contact)
    return known or add(account, {"email": email, "contact": contact}, now)


def fetch(account: Account, call: Call) -> Json:
    return account.find(account.customers, call.path["customer_id"], "cust")


def listing(account: Account, call: Call) -> Json:
    return account.collection(account.customers, call.query, call.now)


def edit(account: Account, call: Call) -> Json:
    known = fetch(account, call)
    checks.only(call.body, FIELDS)
    _lengths(call.body)
    known.update({name: value for name, value in call.body.items() if name in known})
    return known


ROUTES = [
    Route("POST", "/customers", create),
    Route("GET", "/customers", listing),
    Route("GET", "/customers/{customer_id}", fetch),
    Route("PUT", "/customers/{customer_id}", edit),
]
