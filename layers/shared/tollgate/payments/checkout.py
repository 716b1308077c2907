"""Opening a purchase: the quote, the order or mandate at Razorpay, and our record of it."""

from datetime import datetime

from tollgate import app, calendar, ids, plans, purchases
from tollgate.config import settings
from tollgate.errors import InvalidRequest, TierRequired
from tollgate.http import views
from tollgate.payments import opening
from tollgate.payments.orders import Made, from_quote
from tollgate.plans import Plan, Tier
from tollgate.store import open_orders
from tollgate.users import User


def order(user: User, tier: Tier, plan: Plan, *, auto_renew: bool, now: datetime) -> dict[str, object]:
    """An order for the plan at today's price, ready for Checkout.

    Razorpay makes the order first: an order of which we then lose the record was never shown to anybody and cannot be paid.
    """
    _check_buyer(user, tier)
    if auto_renew:
        _check_auto_renewal(tier, plan)
        return opening.open_mandate(user, tier, plan, now)
    quote = purchases.quote(user, tier, plan, calendar.whole_second(now))
    open_orders.make_room(user.id, now)
    gateway, receipt = app.gateway(), ids.receipt(now)
    notes = {"userId": user.id, "tier": tier.id, "plan": plan.id}
    order_id = gateway.create_order(quote.payable, plans.CURRENCY, receipt, notes)
    made = Made(order_id=order_id, receipt=receipt, mode=gateway.mode)
    open_orders.put(from_quote(made, user.id, user.email, quote, now))
    return {
        "orderId": order_id,
        "amount": quote.payable,
        "currency": plans.CURRENCY,
        "keyId": gateway.key_id,
        "breakdown": views.breakdown(quote),
    }


def _check_buyer(user: User, tier: Tier) -> None:
    domains = settings().academic_domains
    if not purchases.may_buy(user.email, tier, domains):
        raise TierRequired(f"The {tier.name} plan is for academic e-mail addresses.", domains=list(domains))


def _check_auto_renewal(tier: Tier, plan: Plan) -> None:
    if not plan.auto_renews:
        error = {"field": "autoRenew", "message": "this plan does not renew by itself"}
        raise InvalidRequest(
            f"The {tier.name} plan cannot renew by itself. Order it without autoRenew.", errors=[error]
        )
