"""Invoices: one for every cycle of a subscription, the only thing that ties its payments to it."""

from dataclasses import dataclass
from datetime import datetime

from local.simulators.razorpay.account import Account
from local.simulators.razorpay.route import Call, Route
from local.simulators.razorpay.wire import Json, new_id, seconds


@dataclass(frozen=True, slots=True)
class Bill:
    """What an invoice charges: its lines as (name, paise each, quantity) and the cycle it is for."""

    lines: tuple[tuple[str, int, int], ...]
    begins: datetime | None = None
    ends: datetime | None = None

    @property
    def amount(self) -> int:
        return sum(each * quantity for _, each, quantity in self.lines)


def issue(account: Account, subscription: Json, order: Json, bill: Bill, now: datetime) -> Json:
    """The invoice of this order, not paid yet."""
    customer = account.customers[subscription["customer_id"]]
    made = _head(subscription, customer, order) | _body(bill, now)
    account.invoices[made["id"]] = made
    return made


def _head(subscription: Json, customer: Json, order: Json) -> Json:
    return {
        "id": new_id("inv"),
        "entity": "invoice",
        "receipt": None,
        "invoice_number": None,
        "customer_id": customer["id"],
        "customer_details": {
            "id": customer["id"],
            "name": customer["name"],
            "email": customer["email"],
            "contact": customer["contact"],
            "gstin": None,
            "billing_address": None,
            "shipping_address": None,
            "customer_name": customer["name"],
            "customer_email": customer["email"],
            "customer_contact": customer["contact"],
        },
        "order_id": order["id"],
        "subscription_id": subscription["id"],
    }


def _body(bill: Bill, now: datetime) -> Json:
    amount, at = bill.amount, seconds(now)
    return {
        "line_items": [_line(*line) for line in bill.lines],
        "payment_id": None,
        "status": "issued",
        "expire_by": None,
        "issued_at": at,
        "paid_at": None,
        "cancelled_at": None,
        "expired_at": None,
        "sms_status": None,
        "email_status": None,
        "date": at,
        "terms": None,
        "partial_payment": False,
        "gross_amount": amount,
        "tax_amount": 0,
        "taxable_amount": amount,
        "amount": amount,
        "amount_paid": 0,
        "amount_due": amount,
        "currency": "INR",
        "currency_symbol": "₹",
        "description": None,
        "notes": [],
        "comment": None,
        "short_url": f"https://rzp.io/i/{new_id()[:9]}",
        "view_less": True,
        "billing_start": seconds(bill.begins) if bill.begins else None,
        "billing_end": seconds(bill.ends) if bill.ends else None,
        "type": "invoice",
        "group_taxes_discounts": False,
        "created_at": at,
        "idempotency_key": None,
    }


def _line(name: str, each: int, quantity: int) -> Json:
    amount = each * quantity
    return {
        "id": new_id("li"),
        "item_id": None,
        "ref_id": None,
        "ref_type": None,
        "name": name,
        "description": None,
        "amount": each,
        "unit_amount": each,
        "gross_amount": amount,
        "tax_amount": 0,
        "taxable_amount": amount,
        "net_amount": amount,
        "currency": "INR",
        "type": "plan",
        "tax_inclusive": False,
        "hsn_code": None,
        "sac_code": None,
        "tax_rate": None,
        "unit": None,
        "quantity": quantity,
        "taxes": [],
    }


def paid(account: Account, invoice: Json, payment: Json, now: datetime) -> None:
    """The payment covers the invoice; everyone is told."""
    invoice.update(
        payment_id=payment["id"],
        status="paid",
        paid_at=seconds(now),
        amount_paid=invoice["amount"],
        amount_due=0,
    )
    order = account.orders[invoice["order_id"]]
    account.post.emit("invoice.paid", {"payment": payment, "order": order, "invoice": invoice}, now)


def fetch(account: Account, call: Call) -> Json:
    return account.find(account.invoices, call.path["invoice_id"], "inv")


def listing(account: Account, call: Call) -> Json:
    """Newest first; of one subscription, payment or customer where named."""
    names = [name for name in ("subscription_id", "payment_id", "customer_id") if name in call.query]

    def wanted(invoice: Json) -> bool:
        return all(invoice[name] == call.query[name] for name in names)

    return account.collection(account.invoices, call.query, call.now, wanted)


ROUTES = [Route("GET", "/invoices", listing), Route("GET", "/invoices/{invoice_id}", fetch)]
