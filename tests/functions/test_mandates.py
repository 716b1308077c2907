"""Auto-renewal, from the authorisation to the last cycle: only money extends access, and nothing renews that was cancelled."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import pairwise, permutations
from typing import Any

import pytest

from tests.functions.harness import KEY_SECRET, Reply, World
from tests.functions.problems import problem

CREATE = "/api/subscription/create-order"
VERIFY = "/api/subscription/verify-payment"
CANCEL = "/api/subscription/cancel"
STATUS = "/api/subscription/status"

type Json = dict[str, Any]


def ask(world: World, tier: str = "pro", plan: str = "monthly", user: str | None = None) -> Reply:
    return world.post(CREATE, {"tier": tier, "plan": plan, "autoRenew": True}, token=world.token(user))


def opened(world: World, tier: str = "pro", plan: str = "monthly") -> Json:
    reply = ask(world, tier, plan)
    assert reply.status == 200, reply.body
    made: Json = reply.json
    return made


def authorise(world: World, subscription_id: str, **attempt: object) -> Json:
    world.at(world.now)
    done: Json = world.sim("POST", f"/subscriptions/{subscription_id}/authorise", **attempt)
    return done


def deliveries(world: World, subscription_id: str) -> list[tuple[str, bytes]]:
    """The events that name the subscription or one of its payments, in the order they happened."""
    world.at(world.now)
    state = world.razorpay.get("/_sim/state", params={"user": world.user}).json()
    invoices = {each["id"] for each in state["invoices"] if each["subscription_id"] == subscription_id}
    payments = {each["id"] for each in state["payments"] if each["invoice_id"] in invoices}
    naming = ",".join({subscription_id} | payments)
    made = world.razorpay.get("/_sim/webhooks/deliveries", params={"naming": naming}).json()
    return [(each["event"], each["body"].encode()) for each in made]


def told(world: World, subscription_id: str, skip: int = 0) -> int:
    """Deliver what happened since the first `skip` events; how many there are by now."""
    events = deliveries(world, subscription_id)
    for _, body in events[skip:]:
        assert world.webhook(body).status == 200
    return len(events)


def standing(world: World, tier: str = "pro", plan: str = "monthly") -> str:
    """A mandate that was authorised and charged; its id."""
    subscription_id: str = opened(world, tier, plan)["subscriptionId"]
    authorise(world, subscription_id)
    told(world, subscription_id)
    return subscription_id


def at_razorpay(world: World, subscription_id: str) -> Json:
    world.at(world.now)
    found: Json = world.razorpay.get(f"/v1/subscriptions/{subscription_id}", auth=("rzp_test_local", KEY_SECRET)).json()
    return found


def shown(world: World, *names: str) -> Any:  # noqa: ANN401 -- JSON
    status = world.get(STATUS).json
    return tuple(status[name] for name in names)


def periods(world: World) -> list[Json]:
    return world.rows("SubscriptionsTable")


# Opening


def test_a_mandate_is_opened_with_its_price_and_its_first_period(world: World) -> None:
    ask(world, user=f"{world.user}-before")  # the function is loaded
    made = opened(world)
    assert made["subscriptionId"].startswith("sub_")
    assert made["shortUrl"].endswith(made["subscriptionId"])
    assert (made["amount"], made["currency"], made["keyId"]) == (14_900, "INR", "rzp_test_local")
    assert made["breakdown"] == {
        "price": 14_900,
        "credit": 0,
        "payable": 14_900,
        "creditLeft": 0,
        "startsAt": "2026-11-23T10:20:00Z",
        "endsAt": "2026-12-22T18:30:00Z",
    }
    there = at_razorpay(world, made["subscriptionId"])
    assert (there["total_count"], there["start_at"]) == (120, None)
    assert there["expire_by"] == int(world.now.timestamp()) + 86_400
    assert {name: there["notes"][name] for name in ("userId", "tier", "plan")} == {
        "userId": world.user,
        "tier": "pro",
        "plan": "monthly",
    }
    assert shown(world, "tier", "autoRenew") == ("free", False)


def test_the_first_charge_grants_the_cycle_up_to_the_end_that_razorpay_names(world: World) -> None:
    made = opened(world)
    authorise(world, made["subscriptionId"])
    told(world, made["subscriptionId"])
    assert shown(world, "tier", "plan", "status", "endDate", "autoRenew") == (
        "pro",
        "monthly",
        "active",
        made["breakdown"]["endsAt"],
        True,
    )
    (period,) = periods(world)
    assert period["razorpaySubscriptionId"] == made["subscriptionId"]
    assert period["amount"] == 14_900


def test_a_month_that_is_not_paid_is_never_given(world: World) -> None:
    made = opened(world)
    assert authorise(world, made["subscriptionId"], outcome="fail")["payment"]["status"] == "failed"
    told(world, made["subscriptionId"])
    assert shown(world, "tier", "autoRenew") == ("free", False)
    assert periods(world) == []


SEVEN = (
    "payment.authorized",
    "payment.captured",
    "order.paid",
    "invoice.paid",
    "subscription.authenticated",
    "subscription.activated",
    "subscription.charged",
)


@pytest.mark.parametrize("seed", range(12))
def test_the_first_charge_counts_once_in_whatever_order_and_number_its_events_come(world: World, seed: int) -> None:
    made = opened(world)
    proof = authorise(world, made["subscriptionId"])
    events = dict(deliveries(world, made["subscriptionId"]))
    assert set(events) == set(SEVEN)
    orders = list(permutations(range(len(SEVEN))))
    order = orders[(seed * 419 + 7) % len(orders)]
    for turn, place in enumerate(order * 2):
        if turn == seed % 9:
            assert world.verify(proof).status == 200
        assert world.webhook(events[SEVEN[place]]).status == 200
    (period,) = periods(world)
    assert (period["startDate"], period["endDate"]) == ("2026-11-23T10:20:00Z", "2026-12-22T18:30:00Z")
    assert (period["autoRenew"], period["amount"]) == (True, 14_900)
    assert (world.row(made["subscriptionId"]) or {})["status"] == "active"
    assert "flagged" not in (world.row(proof["razorpay_payment_id"]) or {})


def test_no_event_but_the_charge_gives_access(world: World) -> None:
    made = opened(world)
    authorise(world, made["subscriptionId"])
    for name, body in deliveries(world, made["subscriptionId"]):
        if name != "subscription.charged":
            assert world.webhook(body).status == 200
    assert shown(world, "tier", "autoRenew") == ("free", False)


# Renewing


def test_it_renews_every_month_by_the_clock_on_the_days_of_the_calendar(world: World) -> None:
    world.at(datetime(2027, 1, 31, 6, 30, tzinfo=UTC))
    mandate = standing(world)
    seen = told(world, mandate)
    ends = []
    for month, day in ((2, 28), (3, 31), (4, 30), (5, 31)):
        world.at(datetime(2027, month, day, 6, 30, tzinfo=UTC))
        seen = told(world, mandate, seen)
        ends.append(shown(world, "endDate")[0])
        assert shown(world, "tier", "status", "autoRenew") == ("pro", "active", True)
    # Midnight in India is 18:30 of the day before.
    assert ends == ["2027-03-30T18:30:00Z", "2027-04-29T18:30:00Z", "2027-05-30T18:30:00Z", "2027-06-29T18:30:00Z"]
    paid = periods(world)
    assert len(paid) == 5
    assert all(first["endDate"] == second["startDate"] for first, second in pairwise(paid))
    assert [each["autoRenew"] for each in paid] == [False, False, False, False, True]


def test_cycles_that_are_told_late_and_backwards_end_in_the_same_state(world: World) -> None:
    mandate = standing(world)
    seen = told(world, mandate)
    world.later(days=70)
    for name, body in reversed(deliveries(world, mandate)[seen:]):
        assert world.webhook(body).status == 200, name
    assert shown(world, "tier", "endDate", "autoRenew") == ("pro", "2027-02-22T18:30:00Z", True)
    assert [each["endDate"] for each in sorted(periods(world), key=lambda each: each["startDate"])] == [
        "2026-12-22T18:30:00Z",
        "2027-01-22T18:30:00Z",
        "2027-02-22T18:30:00Z",
    ]


def test_between_the_end_and_the_charge_access_goes_on(world: World) -> None:
    mandate = standing(world)
    world.at(datetime(2026, 12, 22, 18, 30, tzinfo=UTC))
    assert shown(world, "tier", "status", "daysRemaining", "autoRenew") == ("pro", "past_due", 0, True)
    told(world, mandate)
    assert shown(world, "tier", "status") == ("pro", "active")


def test_the_last_cycle_is_paid_for_though_the_mandate_is_told_to_be_complete_before_it(world: World) -> None:
    mandate = opened(world)["subscriptionId"]
    authorise(world, mandate)
    charged = dict(deliveries(world, mandate))["subscription.charged"]
    completed = json.loads(charged) | {"event": "subscription.completed"}
    completed["payload"]["subscription"]["entity"]["status"] = "completed"
    assert world.webhook(json.dumps(completed).encode()).json == {"status": "noted"}
    assert world.webhook(charged).json == {"status": "granted"}
    assert shown(world, "tier", "status", "autoRenew", "endDate") == ("pro", "active", False, "2026-12-22T18:30:00Z")
    world.at(datetime(2026, 12, 22, 18, 30, tzinfo=UTC))
    assert shown(world, "tier") == ("free",)


# Failing


def test_three_failures_keep_access_the_fourth_ends_it_and_a_recovery_brings_it_back(world: World) -> None:
    mandate = standing(world)
    seen = told(world, mandate)
    world.sim("POST", f"/subscriptions/{mandate}/outcomes", always="fail")
    world.at(datetime(2026, 12, 22, 19, 0, tzinfo=UTC))
    for _ in range(3):
        seen = told(world, mandate, seen)
        assert shown(world, "tier", "status", "endDate", "autoRenew") == (
            "pro",
            "past_due",
            "2026-12-22T18:30:00Z",
            True,
        )
        assert (world.row(mandate) or {})["status"] == "pending"
        world.later(days=1)
    seen = told(world, mandate, seen)
    assert (world.row(mandate) or {})["status"] == "halted"
    assert shown(world, "tier", "autoRenew") == ("free", False)
    world.later(days=2)
    world.sim("POST", f"/subscriptions/{mandate}/recover")
    told(world, mandate, seen)
    assert shown(world, "tier", "status", "endDate", "autoRenew") == ("pro", "active", "2027-01-22T18:30:00Z", True)


def test_without_any_word_the_grace_ends_by_the_clock(world: World) -> None:
    mandate = standing(world)
    world.sim("POST", f"/subscriptions/{mandate}/outcomes", always="fail")
    world.at(datetime(2026, 12, 26, 18, 29, 59, tzinfo=UTC))
    assert shown(world, "tier", "status") == ("pro", "past_due")
    world.at(datetime(2026, 12, 26, 18, 30, tzinfo=UTC))
    assert shown(world, "tier", "status") == ("free", "active")


def test_events_of_a_failing_mandate_in_reverse_leave_what_the_latest_says(world: World) -> None:
    mandate = standing(world)
    seen = told(world, mandate)
    world.sim("POST", f"/subscriptions/{mandate}/outcomes", always="fail")
    world.at(datetime(2026, 12, 25, 19, 0, tzinfo=UTC))
    for _, body in reversed(deliveries(world, mandate)[seen:]):
        assert world.webhook(body).status == 200
    assert (world.row(mandate) or {})["status"] == "halted"
    assert shown(world, "tier", "autoRenew") == ("free", False)


def test_a_pause_in_the_customers_app_keeps_what_is_paid_and_a_resumption_renews_again(world: World) -> None:
    mandate = standing(world)
    world.later(days=3)
    world.sim("POST", f"/subscriptions/{mandate}/pause")
    seen = told(world, mandate)
    assert shown(world, "tier", "status", "autoRenew") == ("pro", "active", False)
    world.later(days=3)
    world.sim("POST", f"/subscriptions/{mandate}/resume")
    seen = told(world, mandate, seen)
    assert shown(world, "tier", "autoRenew") == ("pro", True)
    world.at(datetime(2026, 12, 23, 6, 0, tzinfo=UTC))
    told(world, mandate, seen)
    assert shown(world, "tier", "status", "endDate") == ("pro", "active", "2027-01-22T18:30:00Z")


def test_a_mandate_that_stays_paused_ends_with_what_was_paid(world: World) -> None:
    mandate = standing(world)
    world.sim("POST", f"/subscriptions/{mandate}/pause")
    world.later(seconds=1)
    told(world, mandate)
    world.at(datetime(2026, 12, 22, 18, 30, tzinfo=UTC))
    assert shown(world, "tier") == ("free",)


def test_a_mandate_revoked_in_the_customers_app_keeps_what_is_paid(world: World) -> None:
    mandate = standing(world)
    world.later(days=3)
    world.sim("POST", f"/subscriptions/{mandate}/cancel")
    told(world, mandate)
    assert shown(world, "tier", "autoRenew", "endDate") == ("pro", False, "2026-12-22T18:30:00Z")
    world.at(datetime(2026, 12, 22, 18, 30, tzinfo=UTC))
    assert shown(world, "tier") == ("free",)


# Cancelling


def test_cancelling_ends_the_mandate_with_its_cycle_and_keeps_access_until_then(world: World) -> None:
    mandate = standing(world)
    seen = told(world, mandate)
    world.later(days=3)
    reply = world.post(CANCEL, {"reason": "enough"})
    assert (reply.status, reply.json["endDate"]) == (200, "2026-12-22T18:30:00Z")
    assert shown(world, "tier", "status", "autoRenew") == ("pro", "cancelled", False)
    assert at_razorpay(world, mandate)["status"] == "active"
    world.at(datetime(2026, 12, 22, 19, 0, tzinfo=UTC))
    assert at_razorpay(world, mandate)["status"] == "cancelled"
    told(world, mandate, seen)
    assert shown(world, "tier") == ("free",)
    assert len(periods(world)) == 1


def test_cancelling_while_past_due_is_allowed_and_charges_nothing_more(world: World) -> None:
    mandate = standing(world)
    seen = told(world, mandate)
    world.sim("POST", f"/subscriptions/{mandate}/outcomes", next=["fail"])
    world.at(datetime(2026, 12, 22, 19, 0, tzinfo=UTC))
    seen = told(world, mandate, seen)
    assert world.post(CANCEL).status == 200
    assert at_razorpay(world, mandate)["status"] == "cancelled"
    world.later(days=2)
    told(world, mandate, seen)
    assert shown(world, "tier") == ("free",)
    assert at_razorpay(world, mandate)["paid_count"] == 1


def test_a_halted_mandate_can_be_cancelled_though_nothing_runs(world: World) -> None:
    mandate = standing(world)
    seen = told(world, mandate)
    world.sim("POST", f"/subscriptions/{mandate}/outcomes", always="fail")
    world.at(datetime(2026, 12, 27, 0, 0, tzinfo=UTC))
    told(world, mandate, seen)
    assert world.post(CANCEL).json == {"message": "Cancelled. Nothing renews any more.", "endDate": None}
    assert at_razorpay(world, mandate)["status"] == "cancelled"
    problem(world.post(CANCEL), 403, "subscription_required")


def test_where_razorpay_does_not_cancel_at_the_end_of_a_cycle_it_is_cancelled_at_once(world: World) -> None:
    mandate = standing(world)
    refusal = {"error": {"code": "BAD_REQUEST_ERROR", "description": "not in this state"}}
    world.sim("POST", "/faults", kind="custom", status=400, body=refusal, path="/v1/subscriptions/*/cancel")
    assert world.post(CANCEL).status == 200
    assert at_razorpay(world, mandate)["status"] == "cancelled"
    told(world, mandate)
    assert shown(world, "tier", "status", "endDate") == ("pro", "cancelled", "2026-12-22T18:30:00Z")


def test_a_charge_after_cancelling_is_kept_for_review_and_a_charge_before_is_granted(world: World) -> None:
    mandate = standing(world)
    seen = told(world, mandate)
    world.at(datetime(2026, 12, 22, 18, 31, tzinfo=UTC))
    before = [body for name, body in deliveries(world, mandate)[seen:] if name == "subscription.charged"]
    world.later(minutes=5)
    world.post(CANCEL)
    assert world.webhook(before[0]).json == {"status": "granted"}
    assert shown(world, "tier", "autoRenew", "endDate") == ("pro", False, "2027-01-22T18:30:00Z")
    later = json.loads(before[0])
    later["created_at"] += 86_400
    later["payload"]["payment"]["entity"]["id"] = f"pay_{world.user[5:]}"
    later["payload"]["subscription"]["entity"]["current_end"] += 31 * 86_400
    assert world.webhook(json.dumps(later).encode()).json == {"status": "kept"}
    row = world.row(f"pay_{world.user[5:]}") or {}
    assert (row["reason"], row["flagged"], row["userId"]) == ("renewal_cancelled", "open", world.user)
    assert len(periods(world)) == 2


def test_where_razorpay_does_not_hear_the_cancellation_it_is_told_again(world: World) -> None:
    mandate = standing(world)
    world.sim("POST", "/faults", kind="500", path="/v1/subscriptions/*/cancel", times=2)
    assert world.post(CANCEL).status == 200
    row = world.row(mandate) or {}
    assert (row["cancelAt"], row["cancelled"]) == ("2026-11-23T10:20:00Z", False)
    assert row["lookAt"] <= "2026-11-23T10:20:00Z"
