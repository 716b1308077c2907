"""Users and subscriptions as they are written down, and back."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from tollgate import calendar
from tollgate.metering import Lease, read_lease
from tollgate.subscriptions import ENDED, Status, Subscription
from tollgate.users import Notifications, Preference, User

_INSTANTS = ("start_date", "end_date", "created_at", "cancelled_at")
_RARE = frozenset({"refunded", "credited"})  # nothing, on nearly every period: left out, so that records stay small
_NAMES = {
    field.name: "".join(part.title() if i else part for i, part in enumerate(field.name.split("_")))
    for field in fields(Subscription)
}


def from_subscription(subscription: Subscription) -> dict[str, Any]:
    """A subscription as a record; what is None is left out."""
    values = {name: getattr(subscription, field) for field, name in _NAMES.items()}
    return {
        name: calendar.iso(value) if isinstance(value, datetime) else value
        for name, value in values.items()
        if value is not None and (value or name not in _RARE)
    }


def to_subscription(record: Mapping[str, Any]) -> Subscription:
    """The subscription of a record."""
    values = {field: record[name] for field, name in _NAMES.items() if name in record}
    instants = {field: calendar.parse(values[field]) for field in _INSTANTS if field in values}
    return Subscription(**{"end_date": None, **values, **instants, "status": Status(values["status"])})


def bought(user: User) -> dict[str, Any]:
    """The part of a user's record that purchases and choices change."""
    return {
        "subscriptions": [from_subscription(each) for each in user.subscriptions if each.status not in ENDED],
        "creditBalance": user.credit_balance,
        "preference": user.preference.value,
        "notifications": {
            "usageAlerts": user.notifications.usage_alerts,
            "subscriptionExpiry": user.notifications.subscription_expiry,
        },
        "version": user.version,
    }


def to_user(record: Mapping[str, Any]) -> User:
    """The user of a record."""
    notifications = record.get("notifications", {})
    return User(
        id=record["userId"],
        created_at=calendar.parse(record["createdAt"]),
        email=record.get("email"),
        version=record.get("version", 0),
        subscriptions=tuple(to_subscription(each) for each in record.get("subscriptions", ())),
        credit_balance=record.get("creditBalance", 0),
        preference=Preference(record.get("preference", Preference.AUTO)),
        notifications=Notifications(
            usage_alerts=notifications.get("usageAlerts", True),
            subscription_expiry=notifications.get("subscriptionExpiry", True),
        ),
        counters=MappingProxyType({name: value for name, value in record.items() if _is_counter(name)}),
        terms=MappingProxyType(record.get("terms", {})),
        resumes_generated=record.get("resumesGenerated", 0),
        signed_out_at=datetime.fromtimestamp(record["signedOutAt"], UTC) if "signedOutAt" in record else None,
        deleted_at=calendar.parse(record["deletedAt"]) if "deletedAt" in record else None,
    )


def _is_counter(name: str) -> bool:
    return "#" in name and not name.startswith("lease#")


def leases(record: Mapping[str, Any]) -> tuple[Lease, ...]:
    """The running calls on a user's record."""
    return tuple(read_lease(name, steps, record) for name, steps in record.items() if name.startswith("lease#"))
