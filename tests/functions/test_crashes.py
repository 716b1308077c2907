"""A process that dies before or after any write, or any call to Razorpay: what comes next completes it, once.

Each scenario is first lived undisturbed and its effects are counted. Then it is lived again for each of them: the process dies
there, or the answer is lost, or the database is busy. Afterwards the same is delivered again, or nothing but what Razorpay tells
and the reconciler finds comes, and the end has to be the undisturbed one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.functions import harness
from tests.functions.bookkeeping import INSTANTS, check, events, forget, gateway, lines, reconcile
from tests.functions.dying import DEATHS, FAILURES, Died, Fate
from tests.functions.harness import Reply, World
from tests.functions.test_mandates import CANCEL, CREATE, authorise, opened, standing
from tests.functions.test_review import kept, resolve
from tollgate import ids, invariants

type Json = dict[str, Any]
type Act = Callable[[World, Any], Reply | None]

HOW_HEARD = {"source", "attempt#", "changes", "version", "cancelled"}  # by whom, and in how many steps
SOON = {200, 202, 409, 503}  # done, kept, done before, not now


@dataclass(frozen=True, slots=True)
class Scenario:
    """What was before, and the request that dies. `told`: Razorpay's events complete it too. `looked_up`: the reconciler does."""

    prepare: Callable[[World], Any]
    act: Act
    looked_up: bool = False
    told: bool = True
    days: int = 0  # until the end is the same whoever brought it about


def event(world: World, name: str, which: int = -1) -> bytes:
    """An event of the user's; the latest of that name unless another is asked for."""
    return [body for each, body in events(world) if each == name][which]


def delivery(world: World, body: bytes) -> Reply:
    return world.webhook(body)


def proof(world: World, paid: Json) -> Reply:
    return world.verify(paid)


def paid(world: World, tier: str = "pro", plan: str = "monthly") -> Json:
    return world.pay(world.order(tier, plan)["orderId"])


def of(name: str, prepare: Callable[[World], object]) -> Callable[[World], bytes]:
    """The event of that name, once the rest has happened."""

    def event_of(world: World) -> bytes:
        prepare(world)
        return event(world, name)

    return event_of


def upgrade(world: World) -> Json:
    world.buy("pro", "monthly")
    world.later(days=10)
    return paid(world, "premium", "monthly")


def extension(world: World) -> Json:
    world.buy("pro", "monthly")
    world.buy("student", "quarterly")
    return paid(world, "pro", "yearly")


def bought_ahead(world: World) -> Json:
    world.buy("premium", "monthly")
    return paid(world, "student", "quarterly")


def misfit(world: World) -> Json:
    return world.pay(world.order("pro", "monthly")["orderId"], amount=500, force=True)


def refunded(world: World, **part: int) -> None:
    world.buy("pro", "monthly")
    bought = world.buy("pro", "yearly")
    world.later(days=3)
    world.sim("POST", f"/payments/{bought['razorpayPaymentId']}/refund", **part)


def disputed(world: World, *turns: str) -> None:
    bought = world.buy("pro", "monthly")
    made = world.sim("POST", f"/payments/{bought['razorpayPaymentId']}/dispute")
    for turn in turns:
        for _, body in events(world):
            assert world.webhook(body).status == 200
        world.later(days=1)
        world.sim("POST", f"/disputes/{made['id']}/{turn}")


def disputed_after_an_upgrade(world: World) -> None:
    bought = world.buy("pro", "monthly")
    world.later(days=10)
    world.buy("premium", "monthly")
    made = world.sim("POST", f"/payments/{bought['razorpayPaymentId']}/dispute")
    world.sim("POST", f"/disputes/{made['id']}/lost")


def first_charge(world: World) -> Json:
    return authorise(world, opened(world)["subscriptionId"])


def second_charge(world: World) -> None:
    standing(world)
    world.at(datetime(2026, 12, 22, 19, 0, tzinfo=UTC))


def renewal_turned_on(world: World) -> None:
    world.buy("pro", "monthly")
    world.later(days=10)
    authorise(world, opened(world)["subscriptionId"])


def plan_changed(world: World) -> None:
    """From monthly to yearly: the new mandate's authorisation ends the old one."""
    standing(world)
    new: str = opened(world, "pro", "yearly")["subscriptionId"]
    authorise(world, new)


def halted(world: World) -> None:
    mandate = standing(world)
    world.sim("POST", f"/subscriptions/{mandate}/outcomes", always="fail")
    world.at(datetime(2026, 12, 26, 19, 0, tzinfo=UTC))


def lifetime_over_a_mandate(world: World) -> Json:
    standing(world)
    world.later(days=3)
    return paid(world, "lifetime", "lifetime")


def cancelling(world: World) -> None:
    standing(world)
    world.later(days=3)


def outgrown(world: World) -> None:
    """An upgrade whose old mandate the reconciler is to end."""
    standing(world)
    world.later(days=10)
    world.buy("premium", "monthly")
    world.later(days=1)


def unheard(world: World) -> None:
    """Paid, and nobody told us: the reconciler's turn."""
    paid(world)
    world.later(minutes=11)


def unheard_charge(world: World) -> None:
    first_charge(world)
    world.later(minutes=31)


def given(world: World, _: object) -> None:
    assert set(reconcile(world)) == {"looked", "granted", "kept", "failed", "unfinished"}


def cancel(world: World, _: object) -> Reply:
    return world.post(CANCEL, {"reason": "enough"})


def credit_gone(world: World) -> str:
    """A payment whose quoted credit another order has used: a person grants it."""
    world.buy("pro", "monthly")
    first, second = world.order("premium", "monthly"), world.order("premium", "yearly")
    assert world.verify(world.pay(first["orderId"])).status == 200
    late = world.pay(second["orderId"])
    assert world.verify(late).status == 202
    return str(late["razorpay_payment_id"])


SCENARIOS = {
    "verify": Scenario(paid, proof, looked_up=True),
    "webhook": Scenario(of("payment.captured", paid), delivery, looked_up=True),
    "reconciler": Scenario(unheard, given, looked_up=True),
    "first word is order.paid": Scenario(of("order.paid", paid), delivery, looked_up=True),
    "attempt": Scenario(of("payment.authorized", paid), delivery),
    "upgrade": Scenario(upgrade, proof, looked_up=True),
    "extension": Scenario(extension, proof, looked_up=True),
    "bought ahead": Scenario(bought_ahead, proof, looked_up=True),
    "misfit": Scenario(misfit, proof, looked_up=True),
    "full refund": Scenario(of("refund.processed", refunded), delivery),
    "partial refund": Scenario(of("refund.processed", lambda world: refunded(world, amount=5_000)), delivery),
    "dispute lost": Scenario(of("payment.dispute.lost", lambda world: disputed(world, "lost")), delivery),
    "dispute won": Scenario(of("payment.dispute.won", lambda world: disputed(world, "won")), delivery),
    "dispute won after all": Scenario(
        of("payment.dispute.won", lambda world: disputed(world, "lost", "won")), delivery
    ),
    "dispute of what was replaced": Scenario(of("payment.dispute.lost", disputed_after_an_upgrade), delivery),
    "mandate verified": Scenario(first_charge, proof, looked_up=True),
    "mandate charged": Scenario(of("subscription.charged", first_charge), delivery, looked_up=True),
    "mandate found": Scenario(unheard_charge, given, looked_up=True),
    "mandate authenticated": Scenario(of("subscription.authenticated", renewal_turned_on), delivery),
    "mandate halted": Scenario(of("subscription.halted", halted), delivery),
    "cycle": Scenario(of("subscription.charged", second_charge), delivery),
    "plan changed": Scenario(of("subscription.authenticated", plan_changed), delivery, days=31),
    "lifetime ends a mandate": Scenario(lifetime_over_a_mandate, proof),
    "outgrown": Scenario(outgrown, given),
    "cancel": Scenario(cancelling, cancel, told=False),
    "review grants": Scenario(credit_gone, lambda world, name: resolve(world, name, "grant"), told=False),
    "review refunds": Scenario(kept, lambda world, name: resolve(world, name, "refund"), told=False),
}


def begin(world: World, scenario: Scenario) -> Any:  # noqa: ANN401 -- what the act needs
    """Another user, to whom the same has happened."""
    world.at(harness.START)
    world.user = f"user-{ids.token(10)}"
    return scenario.prepare(world)


def end(world: World, days: int, *, webhooks: bool) -> invariants.Facts:
    """Faults off: everything is told, the reconciler runs, and everything holds."""
    told = 0
    for minutes in (0, 0, 35, 24 * 60 * days, 0):
        world.later(minutes=minutes)
        made = events(world)
        for _, body in made[told:] if webhooks else ():
            assert world.webhook(body).status == 200
        told = len(made)
        reconcile(world)
    found = check(world, at_rest=webhooks)
    forget(world)
    return found


def live(
    world: World, scenario: Scenario, fate: Fate, doom: tuple[int, str], again: Callable[[World, Any], object]
) -> invariants.Facts:
    """The scenario with that doom in it, and what comes after."""
    known = begin(world, scenario)
    fate.set(*doom)
    try:
        reply = scenario.act(world, known)
        assert reply is None or reply.status in SOON, reply.body
    except Died:
        assert doom[1] in DEATHS
    met = list(fate.effects)
    fate.spare()
    assert len(met) >= doom[0], "what was to happen did not come to pass"
    check(world)
    again(world, known)
    found = end(world, scenario.days, webhooks=again is not nobody)
    fate.effects[:] = met
    return found


def nobody(_world: World, _known: object) -> None:
    """Nobody tries again."""


def nothing(_world: World, _known: object) -> None:
    """Only what Razorpay tells of its own accord comes."""


AFTERWARDS: dict[str, Callable[[Scenario], bool]] = {
    "the same again": lambda _: True,
    "webhooks": lambda scenario: scenario.told,
    "reconciler": lambda scenario: scenario.looked_up,
}
CASES = [(name, after) for after, fits in AFTERWARDS.items() for name, scenario in SCENARIOS.items() if fits(scenario)]


@pytest.mark.parametrize(("name", "after"), CASES)
def test_what_a_crash_leaves_undone_is_completed_once(world: World, fate: Fate, name: str, after: str) -> None:
    scenario = SCENARIOS[name]
    again = {"the same again": scenario.act, "webhooks": nothing, "reconciler": nobody}[after]
    whole = live(world, scenario, fate, (0, ""), again)
    effects = list(fate.effects)
    assert effects, "a scenario that changes nothing proves nothing"
    apart = {*HOW_HEARD, *(INSTANTS if after == "reconciler" or scenario.act is given or scenario.days else ())}
    for number in range(1, len(effects) + 1):
        for kind in (*DEATHS, *FAILURES) if after == "the same again" else DEATHS:
            broken = live(world, scenario, fate, (number, kind), again)
            assert lines(broken, apart=apart) == lines(whole, apart=apart), f"{kind} effect {number} of {effects}"


# What is asked for again is not the same again: another order, or the mandate that is there


def opened_under(
    world: World, fate: Fate, doom: tuple[int, str], *, auto_renew: bool
) -> tuple[Reply | None, list[str]]:
    """Another user's first try under that doom: its reply, and its effects."""
    world.at(harness.START)
    world.user = f"user-{ids.token(10)}"
    fate.set(*doom)
    try:
        reply = world.post(CREATE, {"tier": "pro", "plan": "monthly", "autoRenew": auto_renew})
    except Died:
        reply = None
    met = list(fate.effects)
    fate.spare()
    check(world)
    return reply, met


def dooms(met: list[str]) -> list[tuple[int, str]]:
    """Everything that can happen at each of these effects."""
    return [(number, kind) for number in range(1, len(met) + 1) for kind in (*DEATHS, *FAILURES)]


def made_at_razorpay(world: World, shelf: str) -> list[Json]:
    """The user's orders or subscriptions there."""
    return [each for each in gateway(world)[shelf] if each["notes"] and each["notes"].get("userId") == world.user]


def test_an_order_that_died_half_made_is_asked_for_again_and_paid_once(world: World, fate: Fate) -> None:
    _, met = opened_under(world, fate, (0, ""), auto_renew=False)
    assert met == ["POST /v1/orders", "transact_write_items"]
    for number, kind in dooms(met):
        reply, _ = opened_under(world, fate, (number, kind), auto_renew=False)
        assert reply is None or reply.status in {200, 503}
        order = reply.json if reply and reply.status == 200 else world.order("pro", "monthly")
        assert world.verify(world.pay(order["orderId"])).status == 200
        end(world, 0, webhooks=True)
        assert len(world.rows("SubscriptionsTable")) == 1
        paid_there = [each["id"] for each in made_at_razorpay(world, "orders") if each["status"] == "paid"]
        assert paid_there == [order["orderId"]]


def test_an_order_that_razorpay_made_unheard_is_found_by_its_receipt(world: World, fate: Fate) -> None:
    reply, _ = opened_under(world, fate, (1, "unheard"), auto_renew=False)
    assert reply
    assert reply.status == 200
    assert [each["id"] for each in made_at_razorpay(world, "orders")] == [reply.json["orderId"]]


def test_a_mandate_that_died_half_made_is_asked_for_again_and_charges_once(world: World, fate: Fate) -> None:
    _, met = opened_under(world, fate, (0, ""), auto_renew=True)  # and Razorpay's plan is made, once for all
    _, met = opened_under(world, fate, (0, ""), auto_renew=True)
    assert met == ["put_item", "POST /v1/subscriptions", "transact_write_items"]
    for number, kind in dooms(met):
        reply, _ = opened_under(world, fate, (number, kind), auto_renew=True)
        assert reply is None or reply.status in {200, 409, 503}
        world.later(seconds=61)
        mandate = opened(world)["subscriptionId"]
        assert reply is None or reply.status != 200 or reply.json["subscriptionId"] == mandate
        assert world.verify(authorise(world, mandate)).status == 200
        end(world, 0, webhooks=True)
        assert len(world.rows("SubscriptionsTable")) == 1
        standing_there = [each["id"] for each in made_at_razorpay(world, "subscriptions") if not each["ended_at"]]
        assert standing_there == [mandate], f"{kind} effect {number}"
