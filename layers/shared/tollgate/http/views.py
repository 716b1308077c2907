"""What the API shows of our values, in its own names. Amounts are paise unless a field says rupees."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from tollgate import calendar, entitlements, plans, subscriptions
from tollgate.money import in_rupees
from tollgate.payments.orders import PROPOSED
from tollgate.plans import Feature, Limit, Plan, Tier, Unit, Window
from tollgate.purchases import Quote
from tollgate.subscriptions import Subscription
from tollgate.users import User

if TYPE_CHECKING:
    from tollgate.store.review import Flagged


def instant(value: datetime | None) -> str | None:
    """An instant as the API writes it; None is no end."""
    return calendar.iso(value) if value else None


def features(tier: Tier) -> list[str]:
    """What a tier opens, in the order of the pricing page."""
    return [feature.value for feature in Feature if feature in tier.features]


def pricing() -> dict[str, object]:
    """All plans by tier; a tier with several plans holds them by name."""
    return {tier.id: _prices(tier) for tier in plans.TIERS}


def _prices(tier: Tier) -> dict[str, object]:
    priced: dict[str, object] = {plan.id: _price(tier, plan) for plan in tier.plans}
    return priced if len(priced) > 1 else _price(tier, tier.plans[0])


def _price(tier: Tier, plan: Plan) -> dict[str, object]:
    return {
        "amount": in_rupees(plan.price_paise),
        "amountPaise": plan.price_paise,
        "currency": plans.CURRENCY,
        "plan": plan.id,
        "features": features(tier),
        "limits": entitlements.limits_of(tier),
    }


ROWS_OF_UNITS = {
    Unit.RESUMES: "Resumes",
    Unit.ATS_SCANS: "ATS scans",
    Unit.JOB_MATCHES: "Job matches",
    Unit.COVER_LETTERS: "Cover letters",
}
ROWS_OF_FEATURES = {
    Feature.ALL_TEMPLATES: "All templates",
    Feature.PORTFOLIO: "Portfolio",
    Feature.ANALYTICS: "Analytics",
    Feature.PRIORITY_SUPPORT: "Priority support",
}
PER = {Window.DAY: "/day", Window.MONTH: "/month", Window.PASS: " in all"}


def comparison() -> dict[str, object]:
    """The tiers as columns, what they give as rows."""
    rows = [
        *(
            _row(unit.value, label, {tier.id: _allowance(tier.limits[unit]) for tier in plans.TIERS})
            for unit, label in ROWS_OF_UNITS.items()
        ),
        *(
            _row(feature.value, label, {tier.id: feature in tier.features for tier in plans.TIERS})
            for feature, label in ROWS_OF_FEATURES.items()
        ),
        _row("calls-per-hour", "AI calls per hour", {tier.id: tier.calls_per_hour for tier in plans.TIERS}),
        _row("ai-service", "AI service", {tier.id: tier.ai.value for tier in plans.TIERS}),
    ]
    return {"tiers": [tier.id for tier in plans.TIERS], "rows": rows}


def _row(feature: str, label: str, values: dict[str, object]) -> dict[str, object]:
    return {"feature": feature, "label": label, "values": values}


def _allowance(limit: Limit) -> str | bool:
    if limit.count is None:
        return "unlimited"
    return f"{limit.count}{PER[limit.window]}" if limit.count else False


def subscription(value: Subscription, now: datetime) -> dict[str, object]:
    """A subscription, as its owner sees it."""
    return {
        "subscriptionId": value.subscription_id,
        "tier": value.tier,
        "plan": value.plan,
        "status": value.status_at(now).value,
        "amount": value.amount,
        "credit": value.credit,
        "currency": value.currency,
        "date": instant(value.created_at),
        "startDate": instant(value.start_date),
        "endDate": instant(value.end_date),
        "autoRenew": value.auto_renew,
        "razorpayOrderId": value.razorpay_order_id,
        "razorpayPaymentId": value.razorpay_payment_id,
    }


def history_entry(value: Subscription, now: datetime) -> dict[str, object]:
    """A line of the purchase history."""
    shown = subscription(value, now)
    return {
        name: shown[name]
        for name in ("subscriptionId", "tier", "plan", "amount", "currency", "date", "startDate", "endDate", "status")
    }


def status(user: User, now: datetime) -> dict[str, object]:
    """What is running, until when, and what comes after it."""
    tier = user.tier(now)
    chain = subscriptions.chain(user.subscriptions, now)
    first, last = (chain[0], chain[-1]) if chain else (None, None)
    return {
        "tier": tier.id,
        "plan": first.plan if first else tier.plans[0].id,
        "status": subscriptions.chain_status(chain).value,
        "startDate": instant(first.start_date) if first else None,
        "endDate": instant(last.end_date) if last else None,
        "daysRemaining": last.days_remaining(now) if last else None,
        "autoRenew": any(each.auto_renew for each in chain),
        "features": features(tier),
        "scheduled": [_scheduled(each) for each in user.scheduled(now)],
        "creditBalance": user.credit_balance,
    }


def _scheduled(value: Subscription) -> dict[str, object]:
    return {
        "subscriptionId": value.subscription_id,
        "tier": value.tier,
        "plan": value.plan,
        "startDate": instant(value.start_date),
        "endDate": instant(value.end_date),
    }


def breakdown(quote: Quote) -> dict[str, object]:
    """How an order's amount comes about. What is charged is `payable`, to the paisa."""
    return {
        "price": quote.price,
        "credit": quote.credit.used,
        "payable": quote.payable,
        "creditLeft": quote.credit.left,
        "startsAt": instant(quote.starts_at),
        "endsAt": instant(quote.ends_at),
    }


def flagged(kept: Flagged) -> dict[str, object]:
    """A payment kept for review, as an administrator sees it."""
    return {
        "paymentId": kept.payment.id,
        "orderId": kept.payment.order_id,
        "userId": kept.user_id,
        "amount": kept.payment.amount,
        "currency": kept.payment.currency,
        "reason": kept.reason.value,
        "proposedAction": PROPOSED[kept.reason].value,
        "status": "open" if kept.open else "resolved",
        "resolution": kept.resolution.value if kept.resolution else None,
        "refundId": kept.refund_id,
        "at": kept.at,
    }
