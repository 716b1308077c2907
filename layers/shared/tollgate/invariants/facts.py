"""What is known of one user: the rows of every table, and what the gateway says. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from tollgate.store import records
from tollgate.subscriptions import Subscription
from tollgate.users import User

type Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A payment as the gateway has it now, in paise. `refunded` counts what is on its way back too."""

    amount: int
    currency: str
    captured: bool
    refunded: int = 0

    @property
    def kept(self) -> int:
        """What of it is ours. Money that was never captured never was."""
        return self.amount - self.refunded if self.captured else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that is written of one user at `now`, as plain values.

    `record` is the user's item; `periods` the rows of the subscriptions table; `ledger` those of the payments table by id:
    orders, payments, mandates; `usage` the usage log. `gateway` maps payments to what the gateway says of them, as far as it
    was asked. `acknowledged` names what was answered 2xx and must therefore be in the ledger. `billed` is what the AI providers
    say that all of the log cost, in micro-dollars.
    """

    user_id: str
    now: datetime
    record: Row | None = None
    periods: Sequence[Row] = ()
    ledger: Mapping[str, Row] = field(default_factory=lambda: MappingProxyType({}))
    usage: Sequence[Row] = ()
    gateway: Mapping[str, Told] = field(default_factory=lambda: MappingProxyType({}))
    acknowledged: Collection[str] = ()
    billed: int | None = None

    def of_kind(self, kind: str) -> dict[str, Row]:
        """The ledger's rows of a kind: order, payment, mandate."""
        return {name: row for name, row in self.ledger.items() if row.get("kind") == kind}

    @property
    def payments(self) -> dict[str, Row]:
        return self.of_kind("payment")

    @property
    def granted(self) -> dict[str, Row]:
        return {name: row for name, row in self.payments.items() if "subscription" in row}

    @property
    def user(self) -> User | None:
        return records.to_user(self.record) if self.record and "createdAt" in self.record else None

    @property
    def timeline(self) -> list[Subscription]:
        """The periods as their own rows tell them, standing as the clock has it, whether or not a job has written that down."""
        return [self.standing(records.to_subscription(row)) for row in self.periods]

    def standing(self, period: Subscription) -> Subscription:
        """The period as it stands now."""
        return replace(period, status=period.standing(self.now))


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """An invariant that does not hold, and of what."""

    id: str
    what: str

    def __str__(self) -> str:
        return f"{self.id} {self.what}"
