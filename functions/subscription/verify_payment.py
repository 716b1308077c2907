"""POST /api/subscription/verify-payment: Checkout's proof of payment, turned into the plan it paid for."""

from aws_lambda_powertools.metrics import MetricUnit
from pydantic import BaseModel, ConfigDict, Field

from tollgate.app import gateway
from tollgate.errors import NotFound, PaymentNotVerified, PaymentPending, PaymentUnderReview
from tollgate.http import views
from tollgate.http.api import Access, Api, entrypoint, metrics
from tollgate.payments import renewals
from tollgate.payments.mandates import Mandate, Stage
from tollgate.payments.orders import Order, Payment
from tollgate.payments.settle import Settlement, settle
from tollgate.store import mandates, payments, users
from tollgate.store.payments import Entry, Found


class Proof(BaseModel):
    """The three fields that Razorpay's Checkout hands to the page, under Razorpay's names."""

    model_config = ConfigDict(strict=True)

    razorpay_order_id: str = Field(pattern=r"^order_[A-Za-z0-9]{1,40}$")
    razorpay_payment_id: str = Field(pattern=r"^pay_[A-Za-z0-9]{1,40}$")
    razorpay_signature: str = Field(min_length=1, max_length=256)


class MandateProof(BaseModel):
    """The same three fields of a mandate's authorisation."""

    model_config = ConfigDict(strict=True)

    razorpay_subscription_id: str = Field(pattern=r"^sub_[A-Za-z0-9]{1,40}$")
    razorpay_payment_id: str = Field(pattern=r"^pay_[A-Za-z0-9]{1,40}$")
    razorpay_signature: str = Field(min_length=1, max_length=256)


class Kind(BaseModel):
    """Which of the two it is."""

    razorpay_subscription_id: object = None


app = Api(Access.USER)


@app.post("/api/subscription/verify-payment")
def verify_payment() -> dict[str, object]:
    if app.body(Kind).razorpay_subscription_id is not None:
        return _verify_mandate(app.body(MandateProof))
    proof = app.body(Proof)
    if not gateway().is_payment_signature(proof.razorpay_order_id, proof.razorpay_payment_id, proof.razorpay_signature):
        raise PaymentNotVerified("The signature does not belong to this order and payment.")
    found = payments.find(proof.razorpay_order_id, proof.razorpay_payment_id, reader=app.caller.user_id)
    order = _own(found.order)
    settlement = _known(found, order) or _settle(proof, order, found)
    if settlement.subscription:
        renewals.outgrow(order.user_id, settlement.subscription, app.now)
    return _settled(settlement)


def _settled(settlement: Settlement) -> dict[str, object]:
    metrics.add_metric(name="PaymentsVerified", unit=MetricUnit.Count, value=1)  # of which webhooks must tell, too
    if settlement.subscription is None:
        raise PaymentUnderReview(
            "Your payment arrived but does not fit its order. We have kept it and will look at it.",
            reason=settlement.reason,
        )
    return views.subscription(settlement.subscription, app.now)


def _verify_mandate(proof: MandateProof) -> dict[str, object]:
    """The first cycle where it was charged; where that lies ahead, the period that the mandate will renew."""
    mandate_id, payment_id = proof.razorpay_subscription_id, proof.razorpay_payment_id
    if not gateway().is_mandate_signature(mandate_id, payment_id, proof.razorpay_signature):
        raise PaymentNotVerified("The signature does not belong to this subscription and payment.")
    known = mandates.find(mandate_id, payment_id)
    mandate = known.mandate
    if mandate is None or mandate.user_id != app.caller.user_id:
        raise NotFound("There is no such subscription of yours.")
    if known.ledgered and known.ledgered.user_id == mandate.user_id:
        return _settled(Settlement(subscription=known.ledgered.subscription, reason=known.ledgered.reason))
    payment = gateway().fetch_payment(payment_id)
    return _charged(mandate, payment) if payment.invoice_id else _authorised(mandate)


def _charged(mandate: Mandate, payment: Payment) -> dict[str, object]:
    bill = gateway().bill(payment.invoice_id or "")
    if bill.mandate_id != mandate.id:
        raise PaymentNotVerified("This payment belongs to another subscription.")
    _must_be_captured(payment)
    return _settled(renewals.settle(bill.paid_by(payment), Entry(source="verify", at=app.now)))


def _authorised(mandate: Mandate) -> dict[str, object]:
    seen = gateway().fetch_subscription(mandate.id, int(app.now.timestamp()))
    if seen.stage is Stage.CREATED:
        raise PaymentPending("Your bank has not completed the authorisation yet.")
    renewals.follow(seen, Entry(source="verify", at=app.now))
    user = users.get(mandate.user_id)
    renewed = [each for each in user.subscriptions if each.razorpay_subscription_id == mandate.id] if user else []
    if not renewed:
        raise PaymentPending("Your renewal is authorised; it begins with its first charge.")
    return views.subscription(renewed[-1], app.now)


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
    _must_be_captured(payment)
    return settle(payment, Entry(source="verify", at=app.now), found)


def _must_be_captured(payment: Payment) -> None:
    if payment.status in {"created", "authorized"}:
        raise PaymentPending("Your bank has not completed the payment yet. Your plan begins as soon as it does.")
    if not payment.is_captured:
        raise PaymentNotVerified(f"This payment is {payment.status}.")


handler = entrypoint(app, lambda: gateway().prepare())
