"""What the API shows of our values, in its own names. Amounts are paise unless a field says rupees."""

from __future__ import annotations

from datetime import datetime

from tollgate import calendar, subscriptions
from tollgate.http.catalogue import features
from tollgate.purchases import Quote
from tollgate.subscriptions import Status, Subscription
from tollgate.users import User


def instant(value: datetime | None) -> str | None:
    """An instant as the API writes it; None is no end."""
    return calendar.iso(value) if value else None


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
        **({"razorpaySubscriptionId": value.razorpay_subscription_id} if value.razorpay_subscription_id else {}),
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
        "status": (Status.PAST_DUE if last and last.is_past_due(now) else subscriptions.chain_status(chain)).value,
        "startDate": instant(first.start_date) if first else None,
        "endDate": instant(last.end_date) if last else None,
        "daysRemaining": last.days_remaining(now) if last else None,
        "autoRenew": any(
            each.auto_renew for each in user.subscriptions if each.tier == tier.id and not each.is_over(now)
        ),
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
