"""POST /api/subscription/verify-payment: Checkout's proof of payment, turned into the plan it paid for."""

from pydantic import BaseModel, ConfigDict, Field

from tollgate.app import gateway
from tollgate.errors import NotFound, PaymentNotVerified, PaymentPending, PaymentUnderReview
from tollgate.http import views
from tollgate.http.api import Access, Api, entrypoint
from tollgate.payments.orders import Order
from tollgate.payments.settle import Settlement, settle
from tollgate.store import payments
from tollgate.store.payments import Entry, Found


class Proof(BaseModel):
    """The three fields that Razorpay's Checkout hands to the page, under Razorpay's names."""

    model_config = ConfigDict(strict=True)

    razorpay_order_id: str = Field(pattern=r"^order_[A-Za-z0-9]{1,40}$")
    razorpay_payment_id: str = Field(pattern=r"^pay_[A-Za-z0-9]{1,40}$")
    razorpay_signature: str = Field(min_length=1, max_length=256)


app = Api(Access.USER)


@app.post("/api/subscription/verify-payment")
def verify_payment() -> dict[str, object]:
    proof = app.body(Proof)
    if not gateway().is_payment_signature(proof.razorpay_order_id, proof.razorpay_payment_id, proof.razorpay_signature):
        raise PaymentNotVerified("The signature does not belong to this order and payment.")
    found = payments.find(proof.razorpay_order_id, proof.razorpay_payment_id)
    order = _own(found.order)
    settlement = _known(found, order) or _settle(proof, order, found)
    if settlement.subscription is None:
        raise PaymentUnderReview(
            "Your payment arrived but does not fit its order. We have kept it and will look at it.",
            reason=settlement.reason,
        )
    return views.subscription(settlement.subscription, app.now)


def _own(order: Order | None) -> Order:
    if order is None or order.user_id != app.caller.user_id:
        raise NotFound("There is no such order of yours.")
    return order


def _known(found: Found, order: Order) -> Settlement | None:
    if found.ledgered is None or found.ledgered.order_id != order.id:
        return None
    return Settlement(subscription=found.ledgered.subscription, reason=found.ledgered.reason)


def _settle(proof: Proof, order: Order, found: Found) -> Settlement:
    payment = gateway().fetch_payment(proof.razorpay_payment_id)
    if payment.order_id != order.id:
        raise PaymentNotVerified("This payment belongs to another order.")
    if payment.status in {"created", "authorized"}:
        raise PaymentPending("Your bank has not completed the payment yet. Your plan begins as soon as it does.")
    if not payment.is_captured:
        raise PaymentNotVerified(f"This payment is {payment.status}.")
    return settle(payment, Entry(source="verify", at=app.now), found)


handler = entrypoint(app)
