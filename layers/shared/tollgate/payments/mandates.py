"""Mandates: a user's consent at Razorpay to be charged for a plan again and again. Values, and how they are written. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from tollgate import calendar, plans
from tollgate.payments.orders import MalformedPaymentError, Payment, named
from tollgate.plans import Plan

YEARS, MONTHS_A_YEAR = 10, 12
OPEN_FOR = timedelta(days=1)  # how long an authorisation may be completed
TIGHT = timedelta(minutes=10)  # what is left of that for a mandate to be offered again
SETTING_UP = timedelta(seconds=60)  # no request that makes a mandate lives longer
CYCLE = "cycle#"


class Stage(StrEnum):
    """Where a mandate stands at Razorpay, from its beginning to its ends: of two told of one second, the later one holds."""

    CREATED = "created"
    AUTHENTICATED = "authenticated"
    ACTIVE = "active"
    PENDING = "pending"
    PAUSED = "paused"
    HALTED = "halted"
    CANCELLED = "cancelled"
    COMPLETED = "completed"
    EXPIRED = "expired"


RENEWING = frozenset({Stage.AUTHENTICATED, Stage.ACTIVE, Stage.PENDING})
FINAL = frozenset({Stage.CANCELLED, Stage.COMPLETED, Stage.EXPIRED})
_PLACE = {stage: place for place, stage in enumerate(Stage)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mandate:
    """A mandate of ours. `price` in paise is charged each cycle, whatever the catalogue says by then.

    `starts_at` is set where the first charge lies ahead. `told_at` is the second at which `stage` was true. `cancel_at` is when
    its end was asked for, `cancelled` whether Razorpay has confirmed that. `replaces` is an earlier one of the same plan that
    may still charge. `cycles` maps what was charged to its payments. `mode` is that of the key that made it, test or live.
    `changes` counts what was noted.
    """

    id: str
    user_id: str
    email: str | None
    tier: str
    plan: str
    price: int
    reference: str
    short_url: str
    created_at: datetime
    expires_at: datetime
    starts_at: datetime | None = None
    stage: Stage = Stage.CREATED
    told_at: int = 0
    paid_until: datetime | None = None
    cancel_at: datetime | None = None
    cancelled: bool = False
    replaces: str | None = None
    cycles: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    changes: int = 0
    mode: str = "test"

    @property
    def latest_payment(self) -> str | None:
        """The payment of the last cycle that was granted."""
        last = max(self.cycles, key=lambda name: int(name.removeprefix(CYCLE)), default=None)
        return self.cycles[last] if last else None

    @property
    def is_final(self) -> bool:
        return self.stage in FINAL

    @property
    def stands(self) -> bool:
        """Whether it may charge, or be authorised to, and nobody wants it to end."""
        return not self.is_final and self.cancel_at is None

    @property
    def renews(self) -> bool:
        """Whether it keeps access through the days of a late renewal."""
        return self.stage in RENEWING and self.cancel_at is None

    @property
    def left_behind(self) -> str | None:
        """The mandate that may still charge once another takes this one's place: itself, or one that it replaced."""
        return self.id if self.stands and self.stage is not Stage.CREATED else self.replaces

    def is_open_for(self, plan: Plan, starts_at: datetime | None, now: datetime) -> bool:
        """Whether it waits to be authorised for just this."""
        wanted = (plan.price_paise, starts_at)
        fresh = self.stage is Stage.CREATED and self.stands and now + TIGHT < self.expires_at
        return fresh and (self.price, self.starts_at) == wanted

    def is_news(self, stage: Stage, told_at: int) -> bool:
        """Whether it stood like that later than what is known; what is final stays."""
        return not self.is_final and (told_at, _PLACE[stage]) > (self.told_at, _PLACE[self.stage])


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A mandate as Razorpay tells it, true at `at` in seconds of 1970."""

    id: str
    stage: Stage
    at: int
    short_url: str | None = None

    @property
    def is_final(self) -> bool:
        return self.stage in FINAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """A cycle that was paid: the payment, the cycle's dates, and the second at which it was paid."""

    mandate_id: str
    payment: Payment
    starts: datetime
    ends: datetime
    at: int

    @property
    def cycle(self) -> str:
        """The attribute that makes a second grant of the cycle impossible."""
        return f"{CYCLE}{int(self.ends.timestamp())}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """An invoice of Razorpay's for one cycle."""

    mandate_id: str
    payment_id: str | None
    starts: datetime
    ends: datetime
    paid_at: int

    def paid_by(self, payment: Payment) -> Charge:
        return Charge(mandate_id=self.mandate_id, payment=payment, starts=self.starts, ends=self.ends, at=self.paid_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A user's one place for a mandate of a plan. Written before Razorpay is asked, so that nothing is made twice.

    `reference` stands in the notes of what is made; `mandate_id` once that is known; `failed` where it came to nothing.
    """

    id: str
    reference: str
    created_at: datetime
    mandate_id: str | None = None
    failed: bool = False

    def is_busy(self, now: datetime) -> bool:
        """Whether another request may be making the mandate at this moment."""
        return self.mandate_id is None and not self.failed and now - self.created_at < SETTING_UP


def slot_id(mode: str, user_id: str, tier: str, plan: str) -> str:
    """The place of a user's mandate for a plan. Test and live have their own."""
    return f"renewal#{mode}#{user_id}#{tier}#{plan}"


def slots_of(mode: str, user_id: str) -> list[str]:
    """All such places of a user."""
    return [slot_id(mode, user_id, tier.id, plan.id) for tier in plans.TIERS for plan in tier.plans if plan.auto_renews]


def plan_key(mode: str, tier: str, plan: Plan) -> str:
    """The name of a plan at Razorpay: once per catalogue price and key mode."""
    return f"plan#{mode}#{tier}#{plan.id}#{plan.price_paise}"


def rhythm(plan: Plan) -> tuple[str, int]:
    """A plan's period and interval in Razorpay's words."""
    years, months = divmod(plan.lasts.months, MONTHS_A_YEAR)
    unit, interval = ("month", plan.lasts.months) if months else ("year", years)
    return f"{unit}ly", interval


def total_count(plan: Plan) -> int:
    """How many cycles a mandate is made for: ten years."""
    return YEARS * MONTHS_A_YEAR // plan.lasts.months


def first_end(plan: Plan, start: datetime) -> datetime | None:
    """When a cycle that begins at `start` ends: the calendar period later, at the beginning of that day in India."""
    end = plan.lasts.end(start, plans.anchor(start))
    return datetime.combine(calendar.india(end).date(), time(), calendar.IST).astimezone(UTC) if end else None


def next_look(mandate: Mandate, now: datetime) -> datetime:
    """When a mandate is looked up at Razorpay next: soon after its next charge, and daily in between."""
    if mandate.cancel_at and not mandate.cancelled:
        return now + timedelta(minutes=1)  # the next run
    if mandate.stage is Stage.CREATED:
        return now + min(max(now - mandate.created_at, TIGHT), timedelta(days=1))
    due = mandate.paid_until or mandate.starts_at
    soon = due + timedelta(hours=1) if due and now < due else now + timedelta(hours=6)
    return min(soon, now + timedelta(days=1))


def to_seen(entity: object, at: int) -> Seen:
    """The subscription in an entity of Razorpay's. Raises MalformedPaymentError."""
    if not isinstance(entity, Mapping):
        raise MalformedPaymentError("subscription")
    stage, link = entity.get("status"), entity.get("short_url")
    if not isinstance(stage, str) or stage not in set(Stage):
        raise MalformedPaymentError("status")
    name = named(entity, "id", "sub_")
    return Seen(id=name, stage=Stage(stage), at=at, short_url=link if isinstance(link, str) else None)


def to_charge(entity: Mapping[str, Any], payment: Payment, at: int) -> Charge:
    """The cycle that a subscription event says was paid. Raises MalformedPaymentError."""
    return Charge(
        mandate_id=named(entity, "id", "sub_"),
        payment=payment,
        starts=_instant(entity, "current_start"),
        ends=_instant(entity, "current_end"),
        at=at,
    )


def to_bill(entity: object) -> Bill:
    """The cycle in an invoice of Razorpay's. Raises MalformedPaymentError."""
    if not isinstance(entity, Mapping):
        raise MalformedPaymentError("invoice")
    payment_id = entity.get("payment_id")
    paid = isinstance(payment_id, str) and entity.get("status") == "paid"
    return Bill(
        mandate_id=named(entity, "subscription_id", "sub_"),
        payment_id=payment_id if paid else None,
        starts=_instant(entity, "billing_start"),
        ends=_instant(entity, "billing_end"),
        paid_at=int(_instant(entity, "paid_at").timestamp()) if paid else 0,
    )


def _instant(entity: Mapping[str, Any], name: str) -> datetime:
    value = entity.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= 4_765_046_400:  # noqa: PLR2004 -- the year 2120, Razorpay's last
        raise MalformedPaymentError(name)
    return datetime.fromtimestamp(value, UTC)


_INSTANTS = {
    "created_at": "createdAt",
    "expires_at": "expiresBy",  # expiresAt is the table's own word for rows that go
    "starts_at": "startsAt",
    "paid_until": "paidUntil",
    "cancel_at": "cancelAt",
}
_PLAIN = {
    "id": "id",
    "user_id": "userId",
    "email": "email",
    "tier": "tier",
    "plan": "plan",
    "price": "price",
    "reference": "reference",
    "short_url": "shortUrl",
    "told_at": "toldAt",
    "cancelled": "cancelled",
    "replaces": "replaces",
    "changes": "changes",
    "mode": "mode",
}


def from_mandate(mandate: Mandate) -> dict[str, Any]:
    """A mandate as a record; what is None is left out."""
    plain = {name: getattr(mandate, attribute) for attribute, name in _PLAIN.items()}
    instants = {name: getattr(mandate, attribute) for attribute, name in _INSTANTS.items()}
    return {
        **plain,
        **{name: calendar.iso(value) for name, value in instants.items() if value},
        **mandate.cycles,
        "status": mandate.stage.value,
        "kind": "mandate",
    }


def to_mandate(record: Mapping[str, Any]) -> Mandate:
    """The mandate of a record."""
    instants: dict[str, Any] = {
        attribute: calendar.parse(record[name]) for attribute, name in _INSTANTS.items() if name in record
    }
    return Mandate(
        **{attribute: record[name] for attribute, name in _PLAIN.items() if name in record},
        **instants,
        stage=Stage(record["status"]),
        cycles=MappingProxyType({name: value for name, value in record.items() if name.startswith(CYCLE)}),
    )
