"""A user as a value: who, what was bought, what was used. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from tollgate import plans, subscriptions
from tollgate.errors import AccountDeleted, Unauthorized
from tollgate.subscriptions import Subscription

CLOCKS_DIFFER = timedelta(seconds=10)  # between two environments, at most


class Preference(StrEnum):
    """Which AI service a user of a hybrid tier wants."""

    AUTO = "auto"
    GEMINI = "gemini"
    GPT4O = "gpt4o"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notifications:
    """Which mails a user wants."""

    usage_alerts: bool = True
    subscription_expiry: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """What is known of a user. `version` counts the changes to what was bought; the counters move without it.

    `counters` maps names as `tollgate.counters.counter` makes them to whole numbers; `terms` is what the plan was last
    written to allow; `credit_balance` is in paise. `signed_out_at` is the second in which the user last signed out everywhere;
    `deleted_at` is set on what is left of a deleted account.
    """

    id: str
    created_at: datetime
    email: str | None = None
    version: int = 0
    subscriptions: tuple[Subscription, ...] = ()
    credit_balance: int = 0
    preference: Preference = Preference.AUTO
    notifications: Notifications = field(default_factory=Notifications)
    counters: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    terms: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    resumes_generated: int = 0
    signed_out_at: datetime | None = None
    deleted_at: datetime | None = None

    def must_accept(self, issued_at: datetime) -> None:
        """Raise Unauthorized for a token that was issued before the user last signed out everywhere.

        Tokens count whole seconds. One of the very second may be from before or from after; it is refused.
        """
        if self.signed_out_at and issued_at <= self.signed_out_at:
            raise Unauthorized

    def must_be_open(self) -> None:
        """Raise AccountDeleted where the account was deleted."""
        if self.deleted_at:
            raise AccountDeleted("This account was deleted.")

    def at_or_after(self, now: datetime) -> datetime:
        """`now`, or when the latest purchase was made where the clock that made it is ahead of ours by a little."""
        made = [each.created_at for each in self.subscriptions if now < each.created_at <= now + CLOCKS_DIFFER]
        return max(made, default=now)

    def running(self, now: datetime) -> Subscription | None:
        """The subscription that gives access at `now`."""
        return subscriptions.running(self.subscriptions, now)

    def tier(self, now: datetime) -> plans.Tier:
        """The tier in force at `now`, from the record and the clock alone."""
        current = self.running(now)
        return plans.tier(current.tier) if current else plans.BASE

    def scheduled(self, now: datetime) -> tuple[Subscription, ...]:
        """What was bought ahead in other tiers than the running one, soonest first."""
        tier = self.tier(now).id
        ahead = [each for each in self.subscriptions if each.start_date > now and not each.is_over(now)]
        return tuple(each for each in ahead if each.tier != tier)
