"""Orders: what is to be paid."""

from local.simulators.razorpay import checks, entities
from local.simulators.razorpay.account import Account
from local.simulators.razorpay.route import Call, Route
from local.simulators.razorpay.wire import Json, Refusal, collection

CREATE_FIELDS = {
    "amount",
    "currency",
    "receipt",
    "notes",
    "partial_payment",
    "first_payment_min_amount",
    "payment_capture",
    "payment",
    "offer_id",
    "customer_id",
    "method",
    "bank_account",
    "token",
}


def create(account: Account, call: Call) -> Json:
    body = call.body
    checks.only(body, CREATE_FIELDS)
    amount, currency = _amount(account, body), checks.rupees_only(body)
    receipt, notes = checks.receipt(body), checks.notes(body)
    if receipt and account.switches.unique_receipts and _with_receipt(account, receipt):
        raise Refusal("Receipt should be unique.", field="receipt")
    made = entities.order(amount=amount, currency=currency, receipt=receipt, notes=notes, now=call.now)
    account.orders[made["id"]] = made
    if _captured_by_hand(account, body):
        account.manual.add(made["id"])
    return made


def _amount(account: Account, body: Json) -> int:
    amount = checks.integer(body, "amount")
    if amount < checks.MINIMUM:
        raise Refusal("Order amount less than minimum amount allowed", field="amount")
    if amount > account.settings.max_amount:
        raise Refusal("Amount exceeds maximum amount allowed.", field="amount")
    return amount


def _captured_by_hand(account: Account, body: Json) -> bool:
    """The order's own capture setting, else the account's."""
    setting = body.get("payment")
    if isinstance(setting, dict) and "capture" in setting:
        return bool(setting["capture"] == "manual")
    if "payment_capture" in body:
        return not checks.flag(body, "payment_capture", default=True)
    return account.switches.capture_manually


def _with_receipt(account: Account, receipt: str) -> list[Json]:
    return [order for order in account.orders.values() if order["receipt"] == receipt]


def fetch(account: Account, call: Call) -> Json:
    return account.order(call.path["order_id"])


def listing(account: Account, call: Call) -> Json:
    query = call.query

    def wanted(order: Json) -> bool:
        if "receipt" in query and order["receipt"] != query["receipt"]:
            return False
        return "authorized" not in query or _has_authorised(account, order) == (query["authorized"] == "1")

    page = account.listing(account.orders, query, call.now, wanted)
    if "payments" in call.expand:
        page = [order | {"payments": collection(account.payments_of(order["id"]))} for order in page]
    return collection(page)


def _has_authorised(account: Account, order: Json) -> bool:
    return any(payment["status"] == "authorized" for payment in account.payments_of(order["id"]))


def payments(account: Account, call: Call) -> Json:
    """Every attempt to pay the order, failed ones too, oldest first."""
    return collection(account.payments_of(account.order(call.path["order_id"])["id"]))


def edit(account: Account, call: Call) -> Json:
    order = account.order(call.path["order_id"])
    checks.only(call.body, {"notes"})
    order["notes"] = checks.new_notes(call.body)
    return order


ROUTES = [
    Route("POST", "/orders", create),
    Route("GET", "/orders", listing),
    Route("GET", "/orders/{order_id}", fetch),
    Route("PATCH", "/orders/{order_id}", edit),
    Route("GET", "/orders/{order_id}/payments", payments),
]
