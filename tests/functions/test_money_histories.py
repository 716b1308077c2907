"""Whatever happens to a user's money, in whatever order: each payment is accounted for once, and access is always paid for."""

import os
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from tests.functions import harness
from tests.functions.harness import World
from tollgate import ids

PLANS = [
    ("one-time", "one-time"),
    ("student", "quarterly"),
    ("pro", "monthly"),
    ("pro", "yearly"),
    ("premium", "monthly"),
    ("lifetime", "lifetime"),
]
STEPS = st.one_of(
    st.tuples(st.just("order"), st.sampled_from(range(len(PLANS)))),
    st.tuples(st.just("pay"), st.integers(0, 9)),
    st.tuples(st.just("pay wrongly"), st.integers(0, 9)),
    st.tuples(st.just("verify"), st.integers(0, 9)),
    st.tuples(st.just("deliver"), st.integers(0, 99)),
    st.tuples(st.just("refund"), st.integers(0, 9)),
    st.tuples(st.just("refund a part"), st.integers(0, 9)),
    st.tuples(st.just("later"), st.sampled_from([1, 7, 31, 100])),
    st.tuples(st.just("cancel"), st.just(0)),
    st.tuples(st.just("reconcile"), st.just(0)),
)


@dataclass(slots=True)
class History:
    """One user's life with money."""

    world: World
    orders: list[str] = field(default_factory=list)
    proofs: list[dict[str, Any]] = field(default_factory=list)

    def do(self, step: str, which: int) -> None:
        act = getattr(self, step.replace(" ", "_"))
        act(which)

    def order(self, which: int) -> None:
        tier, plan = PLANS[which]
        reply = self.world.post("/api/subscription/create-order", {"tier": tier, "plan": plan})
        assert reply.status in {200, 409}
        if reply.status == 200:
            self.orders.append(reply.json["orderId"])

    def pay(self, which: int, **attempt: object) -> None:
        if not self.orders:
            return
        self.world.at(self.world.now)
        path = f"/_sim/orders/{self.orders[which % len(self.orders)]}/pay"
        answer = self.world.razorpay.post(path, json=attempt)
        if answer.status_code == 200:
            self.proofs.append(answer.json())

    def pay_wrongly(self, which: int) -> None:
        self.pay(which, amount=100 + which, force=True)

    def verify(self, which: int) -> None:
        if self.proofs:
            assert self.world.verify(self.proofs[which % len(self.proofs)]).status in {200, 202, 400}

    def deliver(self, which: int) -> None:
        events = self.events()
        if events:
            assert self.world.webhook(events[which % len(events)]).status == 200

    def refund(self, which: int, **part: object) -> None:
        if self.proofs:
            payment_id = self.proofs[which % len(self.proofs)]["razorpay_payment_id"]
            self.world.at(self.world.now)
            self.world.razorpay.post(f"/_sim/payments/{payment_id}/refund", json=part)

    def refund_a_part(self, which: int) -> None:
        self.refund(which, amount=100 + which)

    def later(self, days: int) -> None:
        self.world.later(days=days)

    def cancel(self, _which: int) -> None:
        assert self.world.post("/api/subscription/cancel", {}).status in {200, 403}

    def reconcile(self, _which: int) -> None:
        self.world.at(self.world.now)
        function = next(each for each in harness.served().functions if each.name == "ReconcilePayments")
        harness.handler(function)({}, harness.context(function))  # it also looks at what other tests have left open

    def events(self) -> list[bytes]:
        """Everything Razorpay has told of this user's payments, oldest first."""
        ours = {proof["razorpay_payment_id"] for proof in self.proofs}
        made = self.world.razorpay.get("/_sim/webhooks/deliveries").json()
        return [each["body"].encode() for each in made if any(payment_id in each["body"] for payment_id in ours)]

    def settle_down(self) -> None:
        """Faults off: every event comes."""
        for body in self.events():
            assert self.world.webhook(body).status == 200

    def payment(self, payment_id: str) -> dict[str, Any]:
        """As Razorpay has it."""
        auth = ("rzp_test_local", harness.KEY_SECRET)
        found: dict[str, Any] = self.world.razorpay.get(f"/v1/payments/{payment_id}", auth=auth).json()
        return found


def check(history: History) -> None:
    """What must hold at rest."""
    world, granted = history.world, set()
    for payment_id in {proof["razorpay_payment_id"] for proof in history.proofs}:
        payment, entry = history.payment(payment_id), world.row(payment_id)
        assert entry, f"{payment_id} was paid and is not accounted for"
        assert entry["amount"] == payment["amount"]
        assert ("subscription" in entry) != ("reason" in entry), (
            "granted or kept for review, never both and never neither"
        )
        refunds = [told["amount"] for name, told in entry.items() if name.startswith("refund#")]
        assert sum(refunds) == payment["amount_refunded"]
        if "subscription" in entry:
            granted.add(payment_id)
            order = world.row(str(entry["orderId"]))
            assert order, "granted for an order of ours"
            assert (order["amount"], order["userId"]) == (entry["amount"], world.user), "for its price, to its owner"
    lines = world.rows("SubscriptionsTable")
    assert sorted(line["razorpayPaymentId"] for line in lines) == sorted(granted), (
        "one grant a payment, one payment a grant"
    )
    running = [line for line in lines if runs(line, world.now)]
    assert len(running) <= 1, "one plan at a time"
    status = world.get("/api/subscription/status").json
    assert status["tier"] == (running[0]["tier"] if running else "free"), "access is what the records say was paid for"
    for line in running:
        assert history.payment(line["razorpayPaymentId"])["status"] == "captured", "nobody has for nothing"
    assert status["creditBalance"] >= 0


def runs(line: dict[str, Any], now: datetime) -> bool:
    begun = datetime.fromisoformat(line["startDate"]) <= now
    over = "endDate" in line and datetime.fromisoformat(line["endDate"]) <= now
    return begun and not over and line["status"] == "active"


def told(world: World) -> tuple[object, object]:
    """All that is written of the user and their purchases."""
    return world.item(), world.rows("SubscriptionsTable")


@settings(
    max_examples=int(os.environ.get("HISTORIES", "120")),
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(STEPS, min_size=6, max_size=30))
def test_every_payment_is_accounted_for_once_through_any_history(world: World, steps: list[tuple[str, int]]) -> None:
    world.at(harness.START)
    world.user = f"user-{ids.token(10)}"
    history = History(world)
    history.order(2)
    for step, which in steps:
        history.do(step, which)
    history.settle_down()
    check(history)
    event(f"payments: {min(len(history.proofs), 5)}")
    before = told(world)
    history.settle_down()  # Razorpay may send anything again, at any time
    assert told(world) == before
    check(history)
