"""Two functions on one account at the same time: the other one runs whole before any one database request of the first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest

from tests.functions import harness
from tests.functions.bookkeeping import check, events, reconcile
from tests.functions.dying import Fate
from tests.functions.harness import Reply, World
from tests.functions.test_mandates import CANCEL, at_razorpay, standing
from tollgate import ids

type Json = dict[str, Any]

FEWEST = 2  # requests that a function makes which is worth interrupting


@dataclass(frozen=True, slots=True)
class Two:
    """What was before, the function that is interrupted, what runs in the middle of it, and what has to be so in the end."""

    before: Callable[[World], Any]
    first: Callable[[World, Any], Reply]
    second: Callable[[World, Any], object]
    after: Callable[[World, Any], None]


def interrupt(world: World, fate: Fate, two: Two, request: int) -> bool:
    """Live it with another user; whether the first function made as many requests."""
    world.at(harness.START)
    world.user = f"user-{ids.token(10)}"
    known, left = two.before(world), request

    def also() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            fate.also = None
            journal = list(world.journal)
            two.second(world, known)
            world.journal[:] = journal

    fate.also = also
    reply = two.first(world, known)
    fate.also = None
    assert reply.status == 200, reply.body
    if left > 0:
        return False
    check(world)
    for minutes in (0, 16):
        world.later(minutes=minutes)
        for _, body in events(world):
            assert world.webhook(body).status == 200
        reconcile(world)
    check(world, at_rest=True)
    two.after(world, known)
    return True


def tiers(world: World) -> list[str]:
    return sorted(each["tier"] for each in world.rows("SubscriptionsTable"))


# A renewal is charged while an upgrade is verified


def charged_and_upgraded(world: World) -> Json:
    mandate = standing(world)
    paid = world.pay(world.order("premium", "monthly")["orderId"])
    world.sim("POST", f"/subscriptions/{mandate}/charge")
    charge = [body for name, body in events(world) if name == "subscription.charged"][-1]
    return {"paid": paid, "charge": charge}


def both_are_granted_and_the_upgrade_runs(world: World, _: Json) -> None:
    assert tiers(world) == ["premium", "pro", "pro"]
    assert world.get("/api/subscription/status").json["tier"] == "premium"


# The webhook and the reconciler, while the browser's proof is verified


def paid_and_unheard(world: World) -> Json:
    paid = world.pay(world.order("pro", "monthly")["orderId"])
    world.later(minutes=16)
    return {"paid": paid, "event": world.events(paid["payment"]["id"])["payment.captured"]}


def both_others(world: World, known: Json) -> None:
    reconcile(world)
    assert world.webhook(known["event"]).status == 200


def one_grant(world: World, _: Json) -> None:
    assert tiers(world) == ["pro"]


# A cancellation, while more of the plan is bought


def renewing_and_paid(world: World) -> Json:
    return {"mandate": standing(world), "paid": world.pay(world.order("pro", "monthly")["orderId"])}


def cancelled(world: World, _: Json) -> Reply:
    reply = world.post(CANCEL, {"reason": "enough"})
    assert reply.status == 200, reply.body
    return reply


def nothing_renews_and_all_that_was_paid_is_there(world: World, known: Json) -> None:
    shown = world.get("/api/subscription/status").json
    assert (shown["tier"], shown["autoRenew"]) == ("pro", False)
    assert tiers(world) == ["pro", "pro"]
    row = world.row(known["mandate"])
    assert row
    assert row["cancelled"], "Razorpay was told"
    world.later(days=70)
    assert at_razorpay(world, known["mandate"])["paid_count"] == 1


def verified(world: World, known: Json) -> Reply:
    return world.verify(known["paid"])


CASES = {
    "a renewal is charged while an upgrade is verified": Two(
        charged_and_upgraded,
        verified,
        lambda world, known: world.webhook(known["charge"]),
        both_are_granted_and_the_upgrade_runs,
    ),
    "an upgrade is verified while a renewal is charged": Two(
        charged_and_upgraded,
        lambda world, known: world.webhook(known["charge"]),
        verified,
        both_are_granted_and_the_upgrade_runs,
    ),
    "webhook and reconciler run while the browser's proof is verified": Two(
        paid_and_unheard, verified, both_others, one_grant
    ),
    "a plan is cancelled while more of it is verified": Two(
        renewing_and_paid, verified, cancelled, nothing_renews_and_all_that_was_paid_is_there
    ),
    "more of a plan is verified while it is cancelled": Two(
        renewing_and_paid, cancelled, verified, nothing_renews_and_all_that_was_paid_is_there
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_whichever_request_another_function_comes_before_the_end_is_a_sound_one(
    world: World, fate: Fate, name: str
) -> None:
    reached = next(request for request in count(1) if not interrupt(world, fate, CASES[name], request))
    assert reached > FEWEST
