"""Many at once on the real engine: threads race the store's conditional writes, which is where races are decided."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from tests.functions.harness import World
from tests.functions.test_admission import a_call, leases
from tollgate.ai import mix
from tollgate.errors import ProviderUnavailable, RateLimited, Refusal, UsageLimitReached
from tollgate.metering import Action, Admission
from tollgate.payments.orders import Payment
from tollgate.payments.settle import Settlement, settle
from tollgate.plans import Ai
from tollgate.store import admission
from tollgate.store.payments import Entry, find

THREADS, CALLS = 50, 200
NOTHING = admission.Ended(rows=[], micro_usd=0, chosen=None)


def at_once[T](work: Callable[[int], T], calls: int = CALLS, threads: int = THREADS) -> list[T | Refusal]:
    """What each call came to; the threads start together."""
    ready = Barrier(threads)

    def share(first: int) -> list[T | Refusal]:
        ready.wait()
        return [_outcome(work, each) for each in range(first, calls, threads)]

    with ThreadPoolExecutor(threads) as pool:
        return [each for found in pool.map(share, range(threads)) for each in found]


def _outcome[T](work: Callable[[int], T], number: int) -> T | Refusal:
    try:
        return work(number)
    except Refusal as refusal:
        return refusal


def kinds(outcomes: list[Admission | Refusal]) -> Counter[str]:
    return Counter(type(each).__name__ for each in outcomes)


def test_two_hundred_calls_on_one_remaining_unit_admit_exactly_one(world: World) -> None:
    outcomes = at_once(lambda _: admission.admit(a_call(world)))
    assert kinds(outcomes) == {Admission.__name__: 1, UsageLimitReached.__name__: CALLS - 1}
    item = world.item() or {}
    assert (item["resumes#2026-11"], item["resumesGenerated"], len(leases(world))) == ({"N": "1"}, {"N": "1"}, 1)


def test_a_quota_of_five_admits_five_and_the_counter_never_passes_it(world: World) -> None:
    world.buy("pro", "monthly")
    outcomes = at_once(lambda _: admission.admit(a_call(world, Action.ATS_SCAN)), 100)
    assert kinds(outcomes)[Admission.__name__] == 5
    assert (world.item() or {})["atsScans#2026-11"] == {"N": "5"}


def test_the_hourly_limit_holds_at_once(world: World) -> None:
    outcomes = at_once(lambda _: admission.admit(a_call(world, Action.ENHANCE_CONTENT)), 100)
    assert kinds(outcomes) == {Admission.__name__: 10, RateLimited.__name__: 90}


def test_units_given_back_at_once_come_back_exactly(world: World) -> None:
    world.buy("pro", "monthly")
    taken = at_once(lambda _: admission.admit(a_call(world, Action.COVER_LETTER)), 50)
    admitted = [each for each in taken if isinstance(each, Admission)]
    assert len(admitted) == 5
    # Every one three times, and all at once.
    at_once(lambda number: admission.give_back(admitted[number % 5], NOTHING), 15, 15)
    item = world.item() or {}
    assert (item["coverLetters#2026-11"], leases(world)) == ({"N": "0"}, [])
    again = at_once(lambda _: admission.admit(a_call(world, Action.COVER_LETTER)), 50)
    assert kinds(again)[Admission.__name__] == 5


def test_forty_hybrid_calls_at_once_give_exactly_twelve_to_gpt4o(world: World) -> None:
    world.buy("pro", "monthly")

    def one(_: int) -> Ai:
        admitted = admission.admit(a_call(world))
        chosen = mix.fold(admitted.mix)[1]
        admission.settle(admitted, admission.Ended(rows=[], micro_usd=0, chosen=chosen), chosen)
        return chosen

    services = at_once(one, 40, 20)
    assert Counter(map(str, services)) == {"gpt4o": 12, "gemini": 28}
    assert leases(world) == []


def test_a_dead_call_is_given_back_once_by_many_at_once(world: World) -> None:
    admission.admit(a_call(world))
    world.later(minutes=5)
    outcomes = at_once(lambda _: admission.admit(a_call(world)), 40, 20)
    assert kinds(outcomes)[Admission.__name__] == 1
    assert (world.item() or {})["resumes#2026-11"] == {"N": "1"}


def captured(world: World, tier: str = "pro", plan: str = "monthly") -> Payment:
    """A captured payment of an order of the user's."""
    paid = world.pay(world.order(tier, plan)["orderId"])["payment"]
    return Payment(
        id=paid["id"], order_id=paid["order_id"], amount=paid["amount"], currency="INR", status=paid["status"]
    )


def granted(outcomes: list[Settlement | Refusal]) -> set[str]:
    """The subscriptions that settlements speak of; whoever was told to try again was told nothing else."""
    assert all(isinstance(each, Settlement | ProviderUnavailable) for each in outcomes)
    return {str(each.subscription) for each in outcomes if isinstance(each, Settlement)}


def test_a_payment_settled_two_hundred_times_at_once_is_granted_once(world: World) -> None:
    payment = captured(world)
    sources = ("verify", "webhook:payment.captured", "webhook:order.paid", "reconciler")

    def one(number: int) -> Settlement:
        source = sources[number % len(sources)]
        event = f"event#{payment.id}{number % 7}" if source.startswith("webhook") else None
        return settle(payment, Entry(source=source, at=world.now, event=event))

    assert len(granted(at_once(one))) == 1
    assert len(world.rows("SubscriptionsTable")) == 1
    shown = world.get("/api/subscription/status").json
    assert (shown["tier"], shown["endDate"]) == ("pro", "2026-12-23T10:20:00Z")


def test_different_payments_of_one_user_at_once_are_all_granted_and_nothing_paid_is_lost(world: World) -> None:
    payments = [captured(world) for _ in range(4)]
    for _ in range(3):  # whoever is told to try again does so, as Razorpay does
        outcomes = at_once(lambda number: settle(payments[number % 4], Entry(source="verify", at=world.now)), 16, 8)
        if all(isinstance(each, Settlement) for each in outcomes):
            break
    assert len(world.rows("SubscriptionsTable")) == 4
    assert world.get("/api/subscription/status").json["endDate"] == "2027-03-23T10:20:00Z"


def test_two_payments_of_one_order_at_once_grant_one_and_keep_the_other(world: World) -> None:
    order = world.order("pro", "monthly")["orderId"]
    both = [world.pay(order)["payment"], world.pay(order, force=True)["payment"]]
    payments = [
        Payment(id=each["id"], order_id=order, amount=14900, currency="INR", status="captured") for each in both
    ]
    outcomes = at_once(lambda number: settle(payments[number % 2], Entry(source="verify", at=world.now)), 20, 10)
    reasons = {str(each.reason) for each in outcomes if isinstance(each, Settlement)}
    assert reasons == {"None", "duplicate_payment"}
    assert len(world.rows("SubscriptionsTable")) == 1


def test_whoever_looked_before_somebody_else_settled_decides_anew(world: World) -> None:
    order = world.order("pro", "monthly")["orderId"]
    first, second = (
        Payment(
            id=world.pay(order, force=True)["payment"]["id"],
            order_id=order,
            amount=14900,
            currency="INR",
            status="captured",
        )
        for _ in range(2)
    )
    entry = Entry(source="verify", at=world.now)
    looked = {each.id: find(order, each.id) for each in (first, second)}
    granted_first = settle(first, entry, looked[first.id])
    assert settle(first, entry, looked[first.id]) == granted_first
    assert settle(second, entry, looked[second.id]).reason == "duplicate_payment"
    assert len(world.rows("SubscriptionsTable")) == 1


@pytest.mark.parametrize("tier", ["one-time", "premium"])
def test_a_purchase_while_calls_are_running_loses_neither(world: World, tier: str) -> None:
    payment = captured(world, tier, "one-time" if tier == "one-time" else "monthly")

    def one(number: int) -> object:
        if number == 20:
            return settle(payment, Entry(source="verify", at=world.now))
        admitted = admission.admit(a_call(world, Action.ENHANCE_CONTENT))
        admission.settle(admitted, NOTHING, admitted.service)
        return admitted

    outcomes = at_once(one, 40, 20)
    if not any(isinstance(each, Settlement) for each in outcomes):  # told to try again
        settle(payment, Entry(source="verify", at=world.now))
    admitted = sum(isinstance(each, Admission) for each in outcomes)
    assert world.get("/api/subscription/status").json["tier"] == tier
    item = world.item() or {}
    assert item[f"rate#{int(world.now.timestamp()) // 3600}"] == {"N": str(admitted)}
    assert leases(world) == []
