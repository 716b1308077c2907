"""Whatever happens to a user's money, in whatever order, and whoever dies on the way: every invariant holds after every step.

A random life of one user over the real handlers, an engine that is really atomic, and Razorpay's simulator: orders, mandates,
refunds, disputes, a person who decides, leaps of the clock, events that come late, twice, backwards or never, two functions at
once, and processes that die. HISTORIES sets how many lives are tried; SHRINK=1 has a failing one cut down, which takes minutes.
To live a failing one again, put the decorator that it prints on `Life`.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from tests.functions import harness, jobs
from tests.functions.bookkeeping import check, events, facts, forget, lines, reconcile, settle_all
from tests.functions.dying import DEATHS, FAILURES, Died, Fate, mortal
from tests.functions.harness import Reply, World
from tests.functions.test_mandates import CANCEL, CREATE
from tests.functions.test_review import resolve
from tollgate import ids, invariants, plans

type Json = dict[str, Any]

HISTORIES = int(os.environ.get("HISTORIES", "30"))
STEPS = 40
BOUGHT = [(tier.id, plan.id) for tier, plan in plans.offers()]
RENEWED = [(tier, plan) for tier, plan in BOUGHT if (found := plans.find(tier, plan)) and found[1].auto_renews]
NOT_NOW = 503
LEFT_OUT = {Phase.explain} | (set() if os.environ.get("SHRINK") else {Phase.shrink})


class Life(RuleBasedStateMachine):
    """One user, and everything that can happen to their money."""

    world: ClassVar[World]
    fate: ClassVar[Fate]
    tried: ClassVar[Counter[str]] = Counter()

    orders: Bundle[str] = Bundle("orders")
    mandates: Bundle[str] = Bundle("mandates")
    proofs: Bundle[Json] = Bundle("proofs")
    disputes: Bundle[str] = Bundle("disputes")
    refunds: Bundle[str] = Bundle("refunds")

    def __init__(self) -> None:
        super().__init__()
        self.world.at(harness.START)
        self.world.user = f"user-{ids.token(10)}"
        self.world.sim("POST", "/reset")
        self.world.sim("POST", "/webhooks/hold")
        self.fate.spare()
        self.acknowledged: set[str] = set()
        self.facts: invariants.Facts | None = None
        self.tried["histories"] += 1

    # What the tools do

    def ask(self, request: Callable[[], Reply | None], *expected: int) -> Reply | None:
        """The reply, or None where the process died; a failure that was planned is answered 503."""
        try:
            reply = request()
        except Died:
            self.tried["deaths"] += 1
            return None
        finally:
            met = self.fate.is_met
            self.fate.spare()
        assert reply is None or reply.status in ({*expected, NOT_NOW} if met else expected), reply.body
        return reply

    def at_razorpay(self, path: str, **body: object) -> Json | None:
        """What somebody does there; None where it cannot be done as things stand."""
        self.world.at(self.world.now)
        answer = self.world.razorpay.post(f"/_sim{path}", json=body)
        assert answer.status_code in {200, 400}, answer.text
        return answer.json() if answer.status_code == 200 else None

    def meanwhile(self, step: int, other: Callable[[], object]) -> None:
        """Have something else happen before the next request's database request of that number, as another process would."""
        left = step

        def also() -> None:
            nonlocal left
            left -= 1
            if left == 0:
                self.fate.also, journal = None, list(self.world.journal)
                other()
                self.world.journal[:] = journal

        self.fate.also = also

    def delivery(self, which: int | None) -> Callable[[], object]:
        """What another process does: the reconciler for None, the webhook of that event otherwise."""
        if which is None:
            return self.reconcile
        body = self.event(which)
        return lambda: self.delivered(body)

    # Buying

    @initialize(target=proofs, plan=st.sampled_from(BOUGHT))
    def first(self, plan: tuple[str, str]) -> Json | MultipleResults[Json]:
        return self.buy(plan, told=True)

    @rule(target=proofs, plan=st.sampled_from(BOUGHT), told=st.booleans())
    def buy(self, plan: tuple[str, str], *, told: bool) -> Json | MultipleResults[Json]:
        """Order and pay; `told` says whether the browser stays open until that is verified."""
        order = self.ordered({"tier": plan[0], "plan": plan[1]})
        proof = self.at_razorpay(f"/orders/{order}/pay") if order else None
        if proof and told:
            self.verify(proof, at=0, which=None)
        return proof or multiple()

    @rule(target=orders, plan=st.sampled_from(BOUGHT))
    def order(self, plan: tuple[str, str]) -> str | MultipleResults[str]:
        return self.ordered({"tier": plan[0], "plan": plan[1]}) or multiple()

    @rule(target=orders)
    def renew(self) -> str | MultipleResults[str]:
        return self.ordered(None) or multiple()

    def ordered(self, wanted: Json | None) -> str | None:
        path = CREATE if wanted else "/api/subscription/renew"
        reply = self.ask(lambda: self.world.post(path, wanted), 200, 409)
        return str(reply.json["orderId"]) if reply and reply.status == 200 else None

    @rule(target=proofs, order=orders, outcome=st.sampled_from(["success", "success", "fail", "late", "authorize"]))
    def pay(self, order: str, outcome: str) -> Json | MultipleResults[Json]:
        return self.paid(self.at_razorpay(f"/orders/{order}/pay", outcome=outcome))

    @rule(target=proofs, order=orders, amount=st.sampled_from([None, 100, 14_900]))
    def pay_otherwise(self, order: str, amount: int | None) -> Json | MultipleResults[Json]:
        """A second time, or another amount than was asked for."""
        changed = {"amount": amount} if amount else {}
        return self.paid(self.at_razorpay(f"/orders/{order}/pay", force=True, **changed))

    def paid(self, attempt: Json | None) -> Json | MultipleResults[Json]:
        return attempt if attempt and "razorpay_signature" in attempt else multiple()

    @rule(proof=proofs, at=st.integers(0, 4), which=st.none() | st.integers(-6, -1))
    def verify(self, proof: Json, at: int, which: int | None) -> None:
        """The browser's call; something else happens in the middle of it where `at` says so."""
        self.meanwhile(at, self.delivery(which))
        reply = self.ask(lambda: self.world.verify(proof), 200, 202, 400)
        self.fate.also = None
        if reply and (reply.status == 200 or (reply.status == 202 and reply.json["code"] != "payment_pending")):
            self.acknowledge(proof["razorpay_payment_id"], reply)

    def acknowledge(self, payment_id: str, reply: Reply) -> None:
        """A proof of an authorisation alone is answered 200 with the period that it will renew: nothing was paid."""
        if "razorpayPaymentId" not in reply.json or reply.json["razorpayPaymentId"] == payment_id:
            self.acknowledged.add(payment_id)

    # Webhooks

    def event(self, which: int) -> bytes | None:
        made = events(self.world)
        return made[which % len(made)][1] if made else None

    @rule(which=st.integers(-8, 99), at=st.integers(0, 4))
    def deliver(self, which: int, at: int) -> None:
        """Any event of the past, once more or for the first time; the reconciler may run in the middle of it."""
        self.meanwhile(at, self.reconcile)
        self.delivered(self.event(which))
        self.fate.also = None

    @rule(backwards=st.booleans(), times=st.integers(1, 2))
    def deliver_lately(self, *, backwards: bool, times: int) -> None:
        lately = [body for _, body in events(self.world)[-7:]]
        for body in (lately[::-1] if backwards else lately) * times:
            self.delivered(body)

    def delivered(self, body: bytes | None) -> None:
        if body is None:
            return
        reply = self.ask(lambda: self.world.webhook(body), 200)
        if reply and reply.status == 200 and reply.json["status"] in {"granted", "kept"}:
            self.acknowledged.add(json.loads(body)["payload"]["payment"]["entity"]["id"])

    # Renewal

    @rule(target=mandates, plan=st.sampled_from(RENEWED), outcome=st.sampled_from([None, "fail", "late"]))
    def open(self, plan: tuple[str, str], outcome: str | None) -> str | MultipleResults[str]:
        """Ask for a mandate; `outcome` is how its authorisation ends, if it does not just go well."""
        wanted = {"tier": plan[0], "plan": plan[1], "autoRenew": True}
        reply = self.ask(lambda: self.world.post(CREATE, wanted), 200, 409)
        if reply is None or reply.status != 200:
            return multiple()
        mandate: str = reply.json["subscriptionId"]
        self.at_razorpay(f"/subscriptions/{mandate}/authorise", outcome=outcome or "success")
        return mandate

    @rule(target=proofs, mandate=mandates)
    def authorise(self, mandate: str) -> Json | MultipleResults[Json]:
        return self.paid(self.at_razorpay(f"/subscriptions/{mandate}/authorise"))

    @rule(mandate=mandates, does=st.sampled_from(["pause", "resume", "cancel", "recover", "charge", "fail", "success"]))
    def customer(self, mandate: str, does: str) -> None:
        """What the customer does in the bank's app, or how the next charges will end."""
        if does in {"fail", "success"}:
            self.at_razorpay(f"/subscriptions/{mandate}/outcomes", always=does)
        else:
            self.at_razorpay(f"/subscriptions/{mandate}/{does}")

    @rule(at=st.integers(0, 4), which=st.none() | st.integers(-6, -1))
    def cancel(self, at: int, which: int | None) -> None:
        self.meanwhile(at, self.delivery(which))
        self.ask(lambda: self.world.post(CANCEL, {}), 200, 403, 409)
        self.fate.also = None

    # Money that goes back

    @rule(target=refunds, proof=proofs, part=st.sampled_from([None, None, 100, 4_000]), waits=st.booleans())
    def refund(self, proof: Json, part: int | None, *, waits: bool) -> str | MultipleResults[str]:
        """All or a part of a payment goes back, at once or when the bank says so."""
        self.world.razorpay.patch("/_sim/options", json={"refunds_wait": waits})
        body = {"amount": part} if part else {}
        made = self.at_razorpay(f"/payments/{proof['razorpay_payment_id']}/refund", **body)
        self.world.razorpay.patch("/_sim/options", json={"refunds_wait": False})
        return str(made["id"]) if made and waits else multiple()

    @rule(refund=consumes(refunds), outcome=st.sampled_from(["processed", "processed", "failed"]))
    def refund_ends(self, refund: str, outcome: str) -> None:
        self.at_razorpay(f"/refunds/{refund}/settle", outcome=outcome)

    @rule(target=disputes, proof=proofs)
    def dispute(self, proof: Json) -> str | MultipleResults[str]:
        payment = facts(self.world).gateway.get(proof["razorpay_payment_id"])
        if payment is None or payment.kept == 0:
            return multiple()
        made = self.at_razorpay(f"/payments/{proof['razorpay_payment_id']}/dispute")
        return str(made["id"]) if made else multiple()

    @rule(dispute=disputes, turn=st.sampled_from(["lost", "lost", "won", "won", "closed"]))
    def decide_dispute(self, dispute: str, turn: str) -> None:
        """How the bank decides; what was lost may be won after all."""
        self.at_razorpay(f"/disputes/{dispute}/{turn}")

    @rule(which=st.integers(0, 9), action=st.sampled_from(["grant", "refund"]))
    def resolve(self, which: int, action: str) -> None:
        kept = [name for name, row in facts(self.world).payments.items() if "reason" in row]
        if kept:
            self.ask(lambda: resolve(self.world, kept[which % len(kept)], action), 200, 409)

    # Time

    @rule(hours=st.sampled_from([0.2, 1, 24, 72, 24 * 9, 24 * 28, 24 * 31, 24 * 100]))
    def later(self, hours: float) -> None:
        self.world.later(hours=hours)

    @rule()
    def reconcile(self) -> None:
        def run() -> None:
            reconcile(self.world)

        self.ask(run)

    @rule()
    def tidy(self) -> None:
        """The job that writes down what has begun and ended."""

        def run() -> None:
            jobs.run(self.world, "ExpireSubscriptions")

        self.ask(run)

    # Use

    @rule()
    def use(self) -> None:
        self.ask(lambda: self.world.post("/api/ai/parse-resume", {"text": "Asha Rao, engineer"}), 200, 403, 429)

    # Death

    @rule(number=st.integers(1, 3), kind=st.sampled_from([*DEATHS, *DEATHS, *FAILURES]))
    def doom(self, number: int, kind: str) -> None:
        """Whatever comes next dies there, or is not heard."""
        self.fate.set(number, kind)

    @invariant()
    def holds(self) -> None:
        self.tried["steps"] += 1
        self.facts = check(self.world, before=self.facts, acknowledged=frozenset(self.acknowledged))

    def teardown(self) -> None:
        """Faults off: everything is told, looked up and at rest; then everything is told again and changes nothing."""
        self.fate.spare()
        self.fate.also = None
        if sys.exception():
            forget(self.world)
            return  # it has failed already
        told = 0
        for minutes in (0, 16, 60 * 24, 0):
            self.world.later(minutes=minutes)
            made = events(self.world)
            for _, body in made[told:]:
                assert self.world.webhook(body).status == 200
            told = len(made)
            reconcile(self.world)
        self.use()  # the next call gives back what those hold that died
        rested = check(self.world, at_rest=True, before=self.facts, acknowledged=frozenset(self.acknowledged))
        self.tried["payments"] += len(rested.gateway)
        shown = self.world.get("/api/subscription/status").json["tier"]
        assert shown == (rested.user.tier(rested.now).id if rested.user else plans.BASE.id)
        for _, body in reversed(events(self.world)):
            assert self.world.webhook(body).status == 200
        assert lines(facts(self.world)) == lines(rested), "what was told before changes nothing"
        forget(self.world)


@pytest.fixture
def life(world: World) -> Iterator[type[Life]]:
    """Lives in this world, under one fate."""
    settle_all(world)
    with mortal() as fate:
        Life.world, Life.fate = world, fate
        Life.tried.clear()
        yield Life


def test_every_invariant_holds_after_every_step_of_any_life(
    life: type[Life], capsys: pytest.CaptureFixture[str]
) -> None:
    tried = settings(
        max_examples=HISTORIES,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
        phases=[each for each in Phase if each not in LEFT_OUT],
    )
    try:
        run_state_machine_as_test(life, settings=tried)
    finally:
        with capsys.disabled():
            print("\nmoney:", ", ".join(f"{count} {what}" for what, count in life.tried.items()))  # noqa: T201 -- what was tried
