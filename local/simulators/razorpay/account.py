"""One Razorpay account in memory: everything it holds, its clock, its agenda and its post."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from local.simulators.razorpay.agenda import Agenda
from local.simulators.razorpay.checks import known_id, number, page
from local.simulators.razorpay.settings import Settings, Switches
from local.simulators.razorpay.webhooks import Post
from local.simulators.razorpay.wire import Json, Refusal, collection, seconds

if TYPE_CHECKING:
    from local.simulators.razorpay.mandate import Mandate
    from local.simulators.razorpay.settlements import Unsettled

END_OF_TIME = 4_765_046_400  # the largest instant Razorpay's own checks accept


@dataclass(slots=True)
class Account:
    """Entities by id, in the order they were made. All of it belongs to the event loop; nothing awaits in between."""

    key_id: str
    key_secret: str
    settings: Settings
    switches: Switches
    agenda: Agenda
    post: Post
    orders: dict[str, Json] = field(default_factory=dict)
    payments: dict[str, Json] = field(default_factory=dict)
    refunds: dict[str, Json] = field(default_factory=dict)
    customers: dict[str, Json] = field(default_factory=dict)
    disputes: dict[str, Json] = field(default_factory=dict)
    plans: dict[str, Json] = field(default_factory=dict)
    subscriptions: dict[str, Json] = field(default_factory=dict)
    mandates: dict[str, "Mandate"] = field(default_factory=dict)
    invoices: dict[str, Json] = field(default_factory=dict)
    settlements: dict[str, Json] = field(default_factory=dict)
    recon: list[Json] = field(default_factory=list)
    unsettled: list["Unsettled"] = field(default_factory=list)
    cards: dict[str, Json] = field(default_factory=dict)
    manual: set[str] = field(default_factory=set)  # orders whose payments are captured by hand
    refund_keys: dict[tuple[str, str], tuple[str, Json]] = field(default_factory=dict)

    def find(self, shelf: dict[str, Json], value: object, prefix: str) -> Json:
        """The entity of this id, or Razorpay's word that there is none."""
        known = known_id(value, prefix)
        if known not in shelf:
            raise Refusal("The id provided does not exist")
        return shelf[known]

    def shelves(self) -> dict[str, dict[str, Json]]:
        """Everything kept, by the name the control plane lists it under."""
        names = (
            "orders",
            "payments",
            "refunds",
            "customers",
            "disputes",
            "settlements",
            "plans",
            "subscriptions",
            "invoices",
        )
        return {name: getattr(self, name) for name in names}

    def order(self, order_id: str) -> Json:
        return self.find(self.orders, order_id, "order")

    def payment(self, payment_id: object) -> Json:
        return self.find(self.payments, payment_id, "pay")

    def payments_of(self, order_id: str) -> list[Json]:
        return [payment for payment in self.payments.values() if payment["order_id"] == order_id]

    def listing(
        self, shelf: dict[str, Json], query: Json, now: datetime, wanted: Callable[[Json], bool] = lambda _: True
    ) -> list[Json]:
        """A page of a list, newest first, within `from` and `to`, without what lists do not show yet."""
        skip, count = page(query)
        since = number(query, "from", 0)
        until = number(query, "to", END_OF_TIME)
        if self.switches.list_lag_seconds:
            until = min(until, seconds(now) - self.switches.list_lag_seconds)
        found = [one for one in reversed(shelf.values()) if since <= one["created_at"] <= until and wanted(one)]
        return found[skip : skip + count]

    def collection(
        self, shelf: dict[str, Json], query: Json, now: datetime, wanted: Callable[[Json], bool] = lambda _: True
    ) -> Json:
        return collection(self.listing(shelf, query, now, wanted))
