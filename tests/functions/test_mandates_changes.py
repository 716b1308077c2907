"""Auto-renewal beside everything else: proofs, plan changes, lifetime, outages, and the reconciler."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.functions import jobs
from tests.functions.bookkeeping import check, gateway
from tests.functions.harness import KEY_SECRET, WEBHOOK_SECRET, Reply, World, signature
from tests.functions.problems import fields, problem
from tests.functions.test_mandates import (
    CANCEL,
    VERIFY,
    ask,
    at_razorpay,
    authorise,
    deliveries,
    opened,
    periods,
    shown,
    standing,
    told,
)
from tests.functions.test_refunds import bought, refund_event
from tollgate import plans
from tollgate.errors import Conflict
from tollgate.payments import opening
from tollgate.store import dynamodb, users

AUTH = ("rzp_test_local", KEY_SECRET)


def run(world: World) -> dict[str, Any]:
    """One run of the reconciler."""
    return jobs.run(world, "ReconcilePayments")


def subscriptions(world: World) -> list[dict[str, Any]]:
    world.at(world.now)
    found: list[dict[str, Any]] = world.razorpay.get("/v1/subscriptions", auth=AUTH).json()["items"]
    return found


# The browser's proof


def test_the_proof_of_a_first_payment_grants_its_cycle_before_any_event_came(world: World) -> None:
    made = opened(world)
    reply = world.verify(authorise(world, made["subscriptionId"]))
    assert reply.status == 200
    assert {
        name: reply.json[name] for name in ("tier", "status", "endDate", "autoRenew", "razorpaySubscriptionId")
    } == {
        "tier": "pro",
        "status": "active",
        "endDate": made["breakdown"]["endsAt"],
        "autoRenew": True,
        "razorpaySubscriptionId": made["subscriptionId"],
    }
    told(world, made["subscriptionId"])
    assert len(periods(world)) == 1


def test_proving_it_twice_or_after_its_events_says_the_same(world: World) -> None:
    made = opened(world)
    proof = authorise(world, made["subscriptionId"])
    told(world, made["subscriptionId"])
    first = world.verify(proof)
    assert (first.status, first.json) == (200, world.verify(proof).json)
    assert len(periods(world)) == 1


@pytest.mark.parametrize("way", ["swapped", "webhook secret", "as an order", "upper case"])
def test_a_signature_of_another_kind_proves_no_mandate(world: World, way: str) -> None:
    made = opened(world)
    proof = authorise(world, made["subscriptionId"])
    mandate, payment = proof["razorpay_subscription_id"], proof["razorpay_payment_id"]
    forged = {
        "swapped": signature(f"{mandate}|{payment}".encode(), KEY_SECRET),
        "webhook secret": signature(f"{payment}|{mandate}".encode(), WEBHOOK_SECRET),
        "as an order": signature(f"order_1|{payment}".encode(), KEY_SECRET),
        "upper case": proof["razorpay_signature"].upper(),
    }
    problem(world.verify(proof, razorpay_signature=forged[way]), 400, "payment_not_verified")
    assert world.item() is None


def test_an_orders_signature_with_its_ids_swapped_proves_no_mandate(world: World) -> None:
    paid = world.pay(world.order("pro", "monthly")["orderId"])
    swapped = {
        "razorpay_subscription_id": paid["razorpay_payment_id"],
        "razorpay_payment_id": paid["razorpay_order_id"],
        "razorpay_signature": paid["razorpay_signature"],
    }
    reply = world.post(VERIFY, swapped)
    problem(reply, 422, "invalid_request")
    assert fields(reply) == ["razorpay_subscription_id", "razorpay_payment_id"]


def test_a_secret_in_the_body_signs_no_mandate(world: World) -> None:
    made = opened(world)
    forged = {
        "razorpay_subscription_id": made["subscriptionId"],
        "razorpay_payment_id": "pay_forged",
        "razorpay_signature": signature(f"pay_forged|{made['subscriptionId']}".encode(), "mine"),
        "secret": "mine",
    }
    problem(world.post(VERIFY, forged), 400, "payment_not_verified")


def test_somebody_elses_mandate_is_not_found_and_stays_theirs(world: World) -> None:
    made = opened(world)
    proof = authorise(world, made["subscriptionId"])
    thief = f"{world.user}-thief"
    problem(world.verify(proof, thief), 404, "not_found")
    assert world.item(thief) is None
    assert world.verify(proof).status == 200
    problem(world.verify(proof, thief), 404, "not_found")


def test_a_payment_of_another_mandate_proves_nothing(world: World) -> None:
    first = authorise(world, opened(world)["subscriptionId"])
    other = opened(world, "premium", "yearly")["subscriptionId"]
    payment = first["razorpay_payment_id"]
    forged = {
        "razorpay_subscription_id": other,
        "razorpay_payment_id": payment,
        "razorpay_signature": signature(f"{payment}|{other}".encode(), KEY_SECRET),  # as if the secret were known
    }
    problem(world.post(VERIFY, forged), 400, "payment_not_verified")
    assert periods(world) == []


# Where a plan runs


def test_renewal_turned_on_while_the_plan_runs_charges_at_its_end_and_not_before(world: World) -> None:
    world.buy("pro", "monthly")
    world.later(days=10)
    made = opened(world)
    assert made["breakdown"]["startsAt"] == "2026-12-23T10:20:00Z"
    proof = authorise(world, made["subscriptionId"], method="card")
    reply = world.verify(proof)
    assert (reply.status, reply.json["autoRenew"], reply.json["endDate"]) == (200, True, "2026-12-23T10:20:00Z")
    seen = told(world, made["subscriptionId"])
    for body in world.events(proof["razorpay_payment_id"]).values():
        assert world.webhook(body).json["status"] in {"ignored", "noted", "seen"}
    assert len(periods(world)) == 1
    assert shown(world, "autoRenew", "endDate") == (True, "2026-12-23T10:20:00Z")
    assert "flagged" not in (world.row(proof["razorpay_payment_id"]) or {})
    world.at(datetime(2026, 12, 23, 12, 0, tzinfo=UTC))
    told(world, made["subscriptionId"], seen)
    assert shown(world, "tier", "status", "endDate") == ("pro", "active", "2027-01-22T18:30:00Z")
    first, second = periods(world)
    assert (first["endDate"], first["autoRenew"]) == (second["startDate"], False)


def test_an_authorisation_that_is_never_given_changes_nothing(world: World) -> None:
    world.buy("pro", "monthly")
    made = opened(world)
    world.later(days=2)
    assert at_razorpay(world, made["subscriptionId"])["status"] == "expired"
    run(world)
    assert (world.row(made["subscriptionId"]) or {})["status"] == "expired"
    assert "open" not in (world.row(made["subscriptionId"]) or {})
    assert shown(world, "tier", "autoRenew") == ("pro", False)
    assert opened(world)["subscriptionId"] != made["subscriptionId"]


def test_what_was_bought_ahead_waits_behind_every_renewal(world: World) -> None:
    mandate = standing(world)
    seen = told(world, mandate)
    world.buy("student", "quarterly")
    world.buy("pro", "monthly")
    world.at(datetime(2026, 12, 22, 19, 0, tzinfo=UTC))
    told(world, mandate, seen)
    status = world.get("/api/subscription/status").json
    assert (status["tier"], status["plan"], status["endDate"]) == ("pro", "monthly", "2027-02-22T18:30:00Z")
    (ahead,) = status["scheduled"]
    assert (ahead["tier"], ahead["startDate"]) == ("student", "2027-02-22T18:30:00Z")


@pytest.mark.parametrize(
    ("held", "wanted"), [("student/quarterly", "pro"), ("premium/monthly", "pro"), ("pro/monthly", "premium")]
)
def test_renewal_of_another_tier_than_the_running_one_asks_to_buy_it_first(
    world: World, held: str, wanted: str
) -> None:
    world.buy(*held.split("/"))
    body = problem(ask(world, wanted), 409, "conflict")
    assert "first" in str(body["detail"])
    assert subscriptions(world) == []


def test_a_plan_without_end_is_not_renewed(world: World) -> None:
    world.buy("lifetime", "lifetime")
    problem(ask(world), 409, "conflict")


def test_what_renews_already_is_not_renewed_twice(world: World) -> None:
    standing(world)
    problem(ask(world), 409, "conflict")
    assert len(subscriptions(world)) == 1


def test_a_change_of_plan_charges_the_difference_now_and_renews_the_new_plan_from_its_end(world: World) -> None:
    old = standing(world)
    seen = told(world, old)
    world.later(days=10)
    world.buy("premium", "monthly")
    assert shown(world, "tier", "autoRenew", "endDate") == ("premium", False, "2027-01-03T10:20:00Z")
    made = opened(world, "premium", "monthly")
    assert made["breakdown"]["startsAt"] == "2027-01-03T10:20:00Z"
    assert at_razorpay(world, old)["status"] == "active"
    authorise(world, made["subscriptionId"])
    told(world, made["subscriptionId"])
    assert at_razorpay(world, old)["status"] == "cancelled"
    assert shown(world, "tier", "autoRenew") == ("premium", True)
    world.at(datetime(2027, 1, 3, 12, 0, tzinfo=UTC))
    told(world, old, seen)
    told(world, made["subscriptionId"])
    assert shown(world, "tier", "status", "autoRenew", "endDate") == ("premium", "active", True, "2027-02-02T18:30:00Z")
    assert at_razorpay(world, old)["paid_count"] == 1
    assert sorted(each["tier"] for each in periods(world)) == ["premium", "premium", "pro"]


def test_from_monthly_to_yearly_the_old_mandate_goes_once_the_new_one_is_authorised(world: World) -> None:
    old = standing(world)
    made = opened(world, "pro", "yearly")
    assert (made["amount"], made["breakdown"]["startsAt"]) == (149_000, "2026-12-22T18:30:00Z")
    world.later(days=1)
    assert at_razorpay(world, old)["status"] == "active"
    assert shown(world, "autoRenew") == (True,)
    new = ask(world, "pro", "yearly").json["subscriptionId"]
    authorise(world, new)
    told(world, new)
    told(world, old)
    assert at_razorpay(world, old)["status"] == "cancelled"
    assert shown(world, "autoRenew", "endDate") == (True, "2026-12-22T18:30:00Z")
    world.at(datetime(2026, 12, 23, 6, 0, tzinfo=UTC))
    told(world, new)
    assert shown(world, "plan", "endDate") == ("yearly", "2027-12-22T18:30:00Z")


def test_an_upgrade_without_a_new_mandate_ends_the_old_one_before_it_charges(world: World) -> None:
    old = standing(world)
    world.later(days=10)
    world.buy("premium", "monthly")
    world.later(days=1)
    run(world)
    assert at_razorpay(world, old)["status"] == "cancelled"
    assert shown(world, "tier", "autoRenew") == ("premium", False)


def test_a_new_mandate_that_is_told_of_twice_at_once_takes_the_old_ones_place(world: World) -> None:
    old = standing(world)
    world.buy("premium", "monthly")
    new = opened(world, "premium", "monthly")["subscriptionId"]
    proof = authorise(world, new)
    (event,) = [body for name, body in deliveries(world, new) if name == "subscription.authenticated"]
    with dynamodb.using(jobs.Interrupted(world, lambda: world.webhook(event))):
        assert world.verify(proof).status == 200
    assert (at_razorpay(world, old)["status"], at_razorpay(world, new)["status"]) == ("cancelled", "authenticated")


def test_who_cancelled_can_turn_renewal_on_again_and_is_charged_once_at_the_end(world: World) -> None:
    old = standing(world)
    world.later(days=1)
    world.post(CANCEL)
    world.later(days=1)
    new = opened(world)
    assert new["subscriptionId"] != old
    authorise(world, new["subscriptionId"])
    told(world, new["subscriptionId"])
    assert shown(world, "status", "autoRenew") == ("active", True)
    world.at(datetime(2026, 12, 22, 20, 0, tzinfo=UTC))
    told(world, old)
    told(world, new["subscriptionId"])
    assert shown(world, "tier", "status", "autoRenew", "endDate") == ("pro", "active", True, "2027-01-22T18:30:00Z")
    assert [each["paid_count"] for each in subscriptions(world)] == [1, 1]


def test_a_new_mandate_in_the_place_of_a_halted_one_leaves_that_without_a_charge(world: World) -> None:
    old = standing(world)
    seen = told(world, old)
    world.sim("POST", f"/subscriptions/{old}/outcomes", always="fail")
    world.at(datetime(2026, 12, 27, 0, 0, tzinfo=UTC))
    told(world, old, seen)
    new = opened(world)
    assert new["breakdown"]["startsAt"] == "2026-12-27T00:00:00Z"
    authorise(world, new["subscriptionId"])
    told(world, new["subscriptionId"])
    assert at_razorpay(world, old)["status"] == "cancelled"
    assert shown(world, "tier", "autoRenew", "endDate") == ("pro", True, "2027-01-26T18:30:00Z")


def test_buying_the_plan_by_hand_while_past_due_keeps_both_and_loses_nothing(world: World) -> None:
    mandate = standing(world)
    seen = told(world, mandate)
    world.sim("POST", f"/subscriptions/{mandate}/outcomes", next=["fail"])
    world.at(datetime(2026, 12, 22, 20, 0, tzinfo=UTC))
    seen = told(world, mandate, seen)
    world.buy("pro", "monthly")
    assert shown(world, "tier", "status", "autoRenew") == ("pro", "active", True)
    world.later(days=1)
    told(world, mandate, seen)
    assert shown(world, "tier", "status", "endDate") == ("pro", "active", "2027-02-22T18:30:00Z")


# Lifetime


def test_buying_lifetime_ends_the_mandate_at_once(world: World) -> None:
    old = standing(world)
    world.later(days=3)
    world.buy("lifetime", "lifetime")
    assert at_razorpay(world, old)["status"] == "cancelled"
    world.later(days=60)
    told(world, old)
    assert shown(world, "tier", "autoRenew", "endDate") == ("lifetime", False, None)
    assert at_razorpay(world, old)["paid_count"] == 1


def test_where_razorpay_does_not_answer_lifetime_ends_the_mandate_later(world: World) -> None:
    old = standing(world)
    world.later(days=3)
    world.sim("POST", "/faults", kind="502", path="/v1/subscriptions/*/cancel", times=3)
    world.buy("lifetime", "lifetime")
    for _ in range(4):
        assert at_razorpay(world, old)["status"] == "active"
        world.later(minutes=15)
        run(world)
        if at_razorpay(world, old)["status"] == "cancelled":
            break
    assert at_razorpay(world, old)["status"] == "cancelled"
    world.later(days=2)
    run(world)
    assert "open" not in (world.row(old) or {})


def test_lifetime_granted_by_a_webhook_ends_the_mandate_too(world: World) -> None:
    old = standing(world)
    world.later(days=3)
    paid = world.pay(world.order("lifetime", "lifetime")["orderId"])
    assert world.webhook(world.events(paid["razorpay_payment_id"])["payment.captured"]).json == {"status": "granted"}
    assert at_razorpay(world, old)["status"] == "cancelled"


def test_a_charge_that_slips_through_after_lifetime_is_kept_for_review(world: World) -> None:
    old = standing(world)
    seen = told(world, old)
    world.sim("POST", "/faults", kind="500", path="/v1/subscriptions/*/cancel", times=9)
    world.at(datetime(2026, 12, 20, 0, 0, tzinfo=UTC))
    world.buy("lifetime", "lifetime")
    world.at(datetime(2026, 12, 23, 0, 0, tzinfo=UTC))
    told(world, old, seen)
    charged = [json.loads(body) for name, body in deliveries(world, old)[seen:] if name == "subscription.charged"]
    row = world.row(charged[0]["payload"]["payment"]["entity"]["id"]) or {}
    assert (row["reason"], row["flagged"]) == ("renewal_cancelled", "open")
    assert shown(world, "tier", "endDate") == ("lifetime", None)


# Two at once, and outages


def test_cycles_told_late_and_backwards_lose_no_day_of_what_was_bought_meanwhile(world: World) -> None:
    mandate = opened(world)["subscriptionId"]
    authorise(world, mandate)
    world.buy("pro", "yearly")
    world.later(days=31)
    first, second = (body for name, body in deliveries(world, mandate) if name == "subscription.charged")
    assert world.webhook(second).status == world.webhook(first).status == 200
    year, month = sorted((row["startDate"], row["endDate"]) for row in periods(world))[1:]
    assert year[1] == month[0]
    check(world)


def test_a_charge_told_to_a_slower_clock_than_the_one_that_began_lifetime_is_kept(world: World) -> None:
    made = opened(world)
    paid = authorise(world, made["subscriptionId"])["payment"]["id"]
    world.later(seconds=6)
    world.buy("lifetime", "lifetime")
    world.later(seconds=-6)
    assert world.webhook(dict(deliveries(world, made["subscriptionId"]))["subscription.charged"]).status == 200
    assert (world.row(paid) or {})["reason"] == "nothing_to_add"


def test_two_tabs_are_offered_the_same_mandate(world: World) -> None:
    assert opened(world)["subscriptionId"] == opened(world)["subscriptionId"]
    world.later(hours=2)
    opened(world)
    assert len(subscriptions(world)) == 1


def test_one_that_is_about_to_run_out_is_not_offered_again(world: World) -> None:
    first = opened(world)["subscriptionId"]
    world.later(hours=23, minutes=55)
    assert opened(world)["subscriptionId"] != first
    assert at_razorpay(world, first)["status"] == "cancelled"


def test_many_requests_at_once_make_one_mandate(world: World) -> None:
    ask(world, user=f"{world.user}-before")  # Razorpay has the plan
    tier, plan = plans.find("pro", "monthly") or pytest.fail("no such plan")
    user = users.fresh(world.user, None, world.now)

    def open_one(_: int) -> object:
        try:
            return opening.open_mandate(user, tier, plan, world.now)["subscriptionId"]
        except Conflict:
            return None

    with ThreadPoolExecutor(6) as pool:
        made = set(pool.map(open_one, range(6))) - {None}
    mine = [each for each in subscriptions(world) if each["notes"]["userId"] == world.user]
    assert {each["id"] for each in mine if each["status"] == "created"} == made
    assert len(made) == 1


def test_if_two_mandates_are_authorised_the_second_extends_and_only_one_goes_on(world: World) -> None:
    monthly, yearly = opened(world)["subscriptionId"], opened(world, "pro", "yearly")["subscriptionId"]
    authorise(world, monthly)
    authorise(world, yearly)
    told(world, monthly)
    told(world, yearly)
    assert sum(each["amount"] for each in periods(world)) == 14_900 + 149_000
    assert [at_razorpay(world, each)["status"] for each in (monthly, yearly)] == ["active", "cancelled"]
    assert shown(world, "tier", "endDate") == ("pro", "2027-12-22T02:40:00Z")


@pytest.mark.parametrize("kind", ["drop", "empty", "html"])
def test_a_mandate_whose_creation_timed_out_is_found_by_its_reference_and_not_made_twice(
    world: World, kind: str
) -> None:
    ask(world, user=f"{world.user}-before")  # Razorpay has the plan
    world.sim("POST", "/faults", kind=kind, method="POST", path="/v1/subscriptions")
    made = opened(world)
    mine = [each["id"] for each in subscriptions(world) if each["notes"]["userId"] == world.user]
    assert mine == [made["subscriptionId"]]
    authorise(world, made["subscriptionId"])
    told(world, made["subscriptionId"])
    assert shown(world, "tier") == ("pro",)


def test_where_razorpay_makes_nothing_the_next_attempt_does(world: World) -> None:
    world.sim("POST", "/faults", kind="500", method="POST", path="/v1/subscriptions")
    problem(ask(world), 503, "provider_unavailable")
    assert subscriptions(world) == []
    assert opened(world)["subscriptionId"].startswith("sub_")
    assert len(subscriptions(world)) == 1


def test_what_was_made_and_lost_by_a_crash_is_swept(world: World) -> None:
    made = opened(world)["subscriptionId"]
    slot = f"renewal#test#{world.user}#pro#monthly"
    row = world.row(slot) or {}
    del row["mandateId"]  # as if the function had died between the two
    row |= {"open": "mandate#0", "lookAt": row["createdAt"]}
    world.raw.put_item(TableName="PaymentsTable", Item=dynamodb.to_item(row))
    world.raw.delete_item(TableName="PaymentsTable", Key={"id": {"S": made}})
    problem(ask(world), 409, "conflict")
    world.later(minutes=15)
    run(world)
    assert at_razorpay(world, made)["status"] == "cancelled"
    assert "open" not in (world.row(slot) or {})
    assert opened(world)["subscriptionId"] != made


def test_razorpays_plan_is_made_once_for_all_users_and_found_again_by_its_reference(world: World) -> None:
    opened(world)
    world.user = f"{world.user}-2"
    opened(world)
    plans = world.razorpay.get("/v1/plans", auth=AUTH).json()["items"]
    assert [(each["period"], each["interval"], each["item"]["amount"]) for each in plans] == [("monthly", 1, 14_900)]
    name = plans[0]["notes"]["reference"]
    assert (world.row(name) or {})["planId"] == plans[0]["id"]
    world.raw.delete_item(TableName="PaymentsTable", Key={"id": {"S": name}})  # as if it had been lost on the way
    world.user = f"{world.user}-3"
    opened(world)
    assert (world.row(name) or {})["planId"] == plans[0]["id"]
    assert len(world.razorpay.get("/v1/plans", auth=AUTH).json()["items"]) == 1


# With all webhooks dead


def test_with_all_webhooks_dead_and_the_browser_closed_the_first_charge_is_found(world: World) -> None:
    made = opened(world)
    authorise(world, made["subscriptionId"])
    assert shown(world, "tier") == ("free",)
    world.later(minutes=11)
    assert run(world)["granted"] == 1
    assert shown(world, "tier", "endDate", "autoRenew") == ("pro", made["breakdown"]["endsAt"], True)
    told(world, made["subscriptionId"])
    assert len(periods(world)) == 1


def test_with_all_webhooks_dead_renewals_failures_and_the_end_are_followed(world: World) -> None:
    mandate = opened(world)["subscriptionId"]
    authorise(world, mandate)
    world.later(minutes=11)
    run(world)
    world.at(datetime(2026, 12, 22, 19, 45, tzinfo=UTC))
    assert run(world)["granted"] == 1
    assert shown(world, "status", "endDate", "autoRenew") == ("active", "2027-01-22T18:30:00Z", True)
    world.sim("POST", f"/subscriptions/{mandate}/outcomes", always="fail")
    world.at(datetime(2027, 1, 22, 19, 45, tzinfo=UTC))
    run(world)
    assert shown(world, "tier", "status", "autoRenew") == ("pro", "past_due", True)
    world.at(datetime(2027, 1, 25, 19, 45, tzinfo=UTC))
    run(world)
    assert shown(world, "tier", "autoRenew") == ("free", False)
    assert (world.row(mandate) or {})["status"] == "halted"
    assert len(periods(world)) == 2


def test_the_reconciler_tells_razorpay_again_of_a_cancellation_until_it_is_confirmed(world: World) -> None:
    mandate = standing(world)
    world.sim("POST", "/faults", kind="500", path="/v1/subscriptions/*/cancel", times=2)
    assert world.post(CANCEL).status == 200
    for _ in range(3):
        world.later(minutes=15)
        run(world)
    assert (world.row(mandate) or {})["cancelled"] is True
    world.at(datetime(2026, 12, 23, 0, 0, tzinfo=UTC))
    assert at_razorpay(world, mandate)["status"] == "cancelled"
    run(world)
    assert "open" not in (world.row(mandate) or {})
    assert shown(world, "tier") == ("free",)


def test_a_mandate_that_charges_on_though_its_end_was_confirmed_is_ended_at_once_and_its_charge_kept(
    world: World,
) -> None:
    mandate = standing(world)
    seen = told(world, mandate)
    world.later(days=1)
    world.sim("POST", "/faults", kind="custom", status=200, body={}, path="/v1/subscriptions/*/cancel")
    world.post(CANCEL)
    world.at(datetime(2026, 12, 23, 0, 0, tzinfo=UTC))
    assert at_razorpay(world, mandate)["paid_count"] == 2
    assert run(world)["kept"] == 1
    assert at_razorpay(world, mandate)["status"] == "cancelled"
    told(world, mandate, seen)
    assert shown(world, "tier") == ("free",)
    assert len(periods(world)) == 1


def test_a_mandate_that_razorpay_does_not_know_keeps_nobody_waiting(world: World) -> None:
    mandate = standing(world)
    world.at(datetime(2026, 12, 24, 0, 0, tzinfo=UTC))
    world.sim("POST", "/reset")
    assert run(world)["failed"] >= 1
    assert (world.row(mandate) or {})["lookAt"] == "2026-12-24T00:10:00Z"


# What does not fit


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"amount": 1}, "amount_differs"),
        ({"amount": 24_900}, "amount_differs"),
        ({"currency": "USD"}, "currency_differs"),
    ],
)
def test_a_charge_that_differs_from_the_mandates_own_price_is_kept(
    world: World, change: dict[str, object], reason: str
) -> None:
    made = opened(world)
    proof = authorise(world, made["subscriptionId"])
    event = json.loads(dict(deliveries(world, made["subscriptionId"]))["subscription.charged"])
    event["payload"]["payment"]["entity"].update(change)
    assert world.webhook(json.dumps(event).encode()).json == {"status": "kept"}
    row = world.row(proof["razorpay_payment_id"]) or {}
    assert (row["reason"], row["flagged"], row["userId"]) == (reason, "open", world.user)
    assert periods(world) == []


def test_a_charge_of_a_mandate_we_never_made_is_kept(world: World) -> None:
    made = opened(world)
    authorise(world, made["subscriptionId"])
    event = json.loads(dict(deliveries(world, made["subscriptionId"]))["subscription.charged"])
    event["payload"]["subscription"]["entity"]["id"] = "sub_stranger"
    event["payload"]["payment"]["entity"]["id"] = f"pay_{world.user[5:]}"
    assert world.webhook(json.dumps(event).encode()).json == {"status": "kept"}
    assert (world.row(f"pay_{world.user[5:]}") or {})["reason"] == "unknown_order"
    event["event"] = "subscription.halted"
    assert world.webhook(json.dumps(event).encode()).json == {"status": "seen"}


def test_a_second_payment_of_a_cycle_is_kept(world: World) -> None:
    mandate = standing(world)
    event = json.loads(dict(deliveries(world, mandate))["subscription.charged"])
    event["payload"]["payment"]["entity"]["id"] = f"pay_{world.user[5:]}"
    assert world.webhook(json.dumps(event).encode()).json == {"status": "kept"}
    assert (world.row(f"pay_{world.user[5:]}") or {})["reason"] == "duplicate_payment"
    assert len(periods(world)) == 1


# What goes back


def charges(world: World, mandate: str) -> list[str]:
    """The payments of a mandate's cycles, oldest first."""
    bodies = [body for name, body in deliveries(world, mandate) if name == "subscription.charged"]
    return [json.loads(body)["payload"]["payment"]["entity"]["id"] for body in bodies]


def refunded(world: World, payment: str, **part: object) -> None:
    """A refund at Razorpay, and what it tells of it."""
    world.sim("POST", f"/payments/{payment}/refund", **part)
    for name, body in world.events(payment).items():
        if name.startswith("refund."):
            assert world.webhook(body).status == 200


def test_a_refund_of_the_latest_cycle_ends_its_period_and_the_mandate_with_it(world: World) -> None:
    mandate = standing(world)
    seen = told(world, mandate)
    world.later(days=2)
    (payment,) = charges(world, mandate)
    refunded(world, payment)
    assert shown(world, "tier", "autoRenew") == ("free", False)
    assert at_razorpay(world, mandate)["status"] == "cancelled"
    assert (world.row(mandate) or {})["cancelled"] is True
    world.at(datetime(2027, 1, 22, 19, 0, tzinfo=UTC))
    told(world, mandate, seen)
    assert at_razorpay(world, mandate)["paid_count"] == 1
    assert [each["status"] for each in world.get("/api/subscription/history").json] == ["refunded"]


def test_a_refund_of_an_earlier_cycle_leaves_the_present_one_and_its_renewal(world: World) -> None:
    mandate = standing(world)
    seen = told(world, mandate)
    world.at(datetime(2026, 12, 22, 19, 0, tzinfo=UTC))
    seen = told(world, mandate, seen)
    first, _ = charges(world, mandate)
    refunded(world, first)
    assert shown(world, "tier", "autoRenew", "endDate") == ("pro", True, "2027-01-22T18:30:00Z")
    assert at_razorpay(world, mandate)["status"] == "active"


def test_a_part_of_a_cycle_that_goes_back_ends_neither_period_nor_mandate(world: World) -> None:
    mandate = standing(world)
    (payment,) = charges(world, mandate)
    refunded(world, payment, amount=5_000)
    assert shown(world, "tier", "autoRenew") == ("pro", True)
    assert at_razorpay(world, mandate)["status"] == "active"


def test_where_razorpay_does_not_answer_the_refunded_mandate_is_ended_by_the_reconciler(world: World) -> None:
    mandate = standing(world)
    (payment,) = charges(world, mandate)
    world.sim("POST", "/faults", kind="500", path="/v1/subscriptions/*/cancel")
    refunded(world, payment)
    assert shown(world, "tier", "autoRenew") == ("free", False)
    assert (world.row(mandate) or {})["cancelled"] is False
    world.later(minutes=15)
    run(world)
    assert (world.row(mandate) or {})["cancelled"] is True
    world.at(datetime(2027, 1, 23, 0, 0, tzinfo=UTC))
    assert at_razorpay(world, mandate)["paid_count"] == 1


def test_a_refund_of_what_a_mandate_was_to_renew_ends_that_mandate_before_it_charges(world: World) -> None:
    bought = world.buy("pro", "monthly")
    mandate = opened(world)["subscriptionId"]
    authorise(world, mandate)
    told(world, mandate)
    assert shown(world, "autoRenew") == (True,)
    refunded(world, bought["razorpayPaymentId"])
    assert shown(world, "tier", "autoRenew") == ("free", False)
    world.at(datetime(2026, 12, 24, 0, 0, tzinfo=UTC))
    assert at_razorpay(world, mandate)["paid_count"] == 0


def test_a_consent_told_of_late_gives_no_grace_to_a_period_that_was_given_back_after_its_end(world: World) -> None:
    payment = bought(world)
    new = opened(world)["subscriptionId"]
    authorise(world, new)
    consent = [body for name, body in deliveries(world, new) if name == "subscription.authenticated"]
    world.later(days=30, hours=1)
    assert shown(world, "tier") == ("free",)
    assert world.webhook(refund_event(world, payment, 14_900)).status == 200
    assert world.webhook(*consent).status == 200
    assert shown(world, "tier") == ("free",)


def test_a_charge_that_was_under_way_when_the_cycle_before_it_was_refunded_is_kept_to_be_given_back(
    world: World,
) -> None:
    mandate = standing(world)
    world.sim("POST", "/faults", kind="custom", status=200, body={}, path="/v1/subscriptions/*/cancel")
    refunded(world, charges(world, mandate)[0])
    world.at(datetime(2026, 12, 22, 19, 0, tzinfo=UTC))
    told(world, mandate)
    second = charges(world, mandate)[1]
    assert (world.row(second) or {})["reason"] == "renewal_cancelled"
    assert shown(world, "tier") == ("free",)


def test_a_lost_dispute_of_a_cycle_ends_the_mandate_and_a_won_one_brings_back_the_period_alone(world: World) -> None:
    mandate = standing(world)
    world.later(days=3)
    dispute = world.sim("POST", f"/payments/{charges(world, mandate)[0]}/dispute")
    for turn, tier in (("lost", "free"), ("won", "pro")):
        body = disputed(world, charges(world, mandate)[0], dispute["id"], turn)
        assert world.webhook(body).json == {"status": "noted"}
        assert shown(world, "tier", "autoRenew") == (tier, False)
        assert at_razorpay(world, mandate)["status"] == "cancelled"
    assert shown(world, "endDate") == ("2026-12-22T18:30:00Z",)
    world.at(datetime(2026, 12, 22, 18, 30, tzinfo=UTC))
    assert shown(world, "tier") == ("free",)  # and no grace: nobody is going to be charged


def test_a_won_dispute_of_an_earlier_cycle_leaves_the_renewal_as_it_is(world: World) -> None:
    mandate = standing(world)
    seen = told(world, mandate)
    world.at(datetime(2026, 12, 22, 19, 0, tzinfo=UTC))
    told(world, mandate, seen)
    first = charges(world, mandate)[0]
    for turn in ("lost", "won"):
        world.webhook(disputed(world, first, "disp_00000000000001", turn))
        assert shown(world, "tier", "autoRenew", "endDate") == ("pro", True, "2027-01-22T18:30:00Z")


def test_a_period_that_was_cancelled_before_its_dispute_comes_back_cancelled(world: World) -> None:
    mandate = standing(world)
    world.later(days=1)
    world.post(CANCEL, {"reason": "enough"})
    for turn in ("lost", "won"):
        world.webhook(disputed(world, charges(world, mandate)[0], "disp_00000000000001", turn))
    assert shown(world, "tier", "status", "autoRenew") == ("pro", "cancelled", False)


def disputed(world: World, payment: str, dispute: str, turn: str) -> bytes:
    entity = {"id": dispute, "entity": "dispute", "payment_id": payment, "amount": 14_900, "status": turn}
    paid = next(each for each in gateway(world)["payments"] if each["id"] == payment)
    body = {"event": f"payment.dispute.{turn}", "payload": {"payment": {"entity": paid}, "dispute": {"entity": entity}}}
    return json.dumps(body | {"created_at": int(world.now.timestamp())}).encode()


# A charge under review


def flagged_charge(world: World, **change: object) -> tuple[str, str]:
    """A mandate's first charge that came as something else than was asked for; the mandate and the payment."""
    made = opened(world)
    proof = authorise(world, made["subscriptionId"])
    event = json.loads(dict(deliveries(world, made["subscriptionId"]))["subscription.charged"])
    event["payload"]["payment"]["entity"].update(change)
    assert world.webhook(json.dumps(event).encode()).json == {"status": "kept"}
    return made["subscriptionId"], proof["razorpay_payment_id"]


def resolve(world: World, payment: str, action: str) -> Reply:
    path = f"/api/admin/flagged-payments/{payment}/resolve"
    return world.post(path, {"action": action}, token=world.token("boss", role="admin"))


def test_a_flagged_charge_that_is_granted_is_the_cycle_it_was_for(world: World) -> None:
    mandate, payment = flagged_charge(world, amount=14_800)
    reply = resolve(world, payment, "grant")
    assert (reply.status, reply.json["resolution"]) == (200, "grant")
    assert shown(world, "tier", "endDate", "autoRenew") == ("pro", "2026-12-22T18:30:00Z", True)
    (period,) = periods(world)
    assert (period["amount"], period["razorpaySubscriptionId"]) == (14_800, mandate)
    row = world.row(mandate) or {}
    assert row["paidUntil"] == "2026-12-22T18:30:00Z"
    assert payment in row.values()
    problem(resolve(world, payment, "grant"), 409, "conflict")
    told(world, mandate)
    assert len(periods(world)) == 1
    world.at(datetime(2026, 12, 22, 19, 0, tzinfo=UTC))
    told(world, mandate)
    assert shown(world, "endDate") == ("2027-01-22T18:30:00Z",)


def test_a_second_charge_of_one_cycle_that_is_granted_gives_as_much_time_again(world: World) -> None:
    mandate = standing(world)
    event = json.loads(dict(deliveries(world, mandate))["subscription.charged"])
    event["payload"]["payment"]["entity"]["id"] = payment = f"pay_{world.user[5:]}"
    world.webhook(json.dumps(event).encode())
    assert resolve(world, payment, "grant").status == 200
    assert shown(world, "endDate") == ("2027-01-22T18:30:00Z",)
    assert sum(each["amount"] for each in periods(world)) == 2 * 14_900


def test_a_charge_after_the_cancellation_can_be_granted_where_its_user_wants_it_after_all(world: World) -> None:
    mandate = standing(world)
    seen = told(world, mandate)
    world.sim("POST", "/faults", kind="custom", status=200, body={}, path="/v1/subscriptions/*/cancel")
    world.post(CANCEL)
    world.at(datetime(2026, 12, 22, 19, 0, tzinfo=UTC))
    told(world, mandate, seen)
    payment = charges(world, mandate)[1]
    assert (world.row(payment) or {})["reason"] == "renewal_cancelled"
    assert resolve(world, payment, "grant").status == 200
    assert shown(world, "tier", "endDate", "autoRenew") == ("pro", "2027-01-22T18:30:00Z", False)


def test_a_charge_whose_cycle_is_over_gives_its_time_from_now_on(world: World) -> None:
    _, payment = flagged_charge(world, amount=14_800)
    world.at(datetime(2027, 3, 1, 6, 30, tzinfo=UTC))
    assert resolve(world, payment, "grant").status == 200
    assert shown(world, "tier", "startDate", "endDate") == ("pro", "2027-03-01T06:30:00Z", "2027-04-01T06:30:00Z")


def test_a_charge_that_cannot_be_granted_says_what_can_be_done_instead(world: World) -> None:
    mandate, payment = flagged_charge(world, amount=14_800)
    world.buy("lifetime", "lifetime")
    refusal = resolve(world, payment, "grant")
    problem(refusal, 409, "conflict")
    assert "refund it" in refusal.json["detail"]
    assert resolve(world, payment, "refund").json["resolution"] == "refund"
    assert at_razorpay(world, mandate)["status"] == "cancelled"


def test_a_charge_of_a_mandate_that_is_not_ours_says_so_and_can_be_given_back(world: World) -> None:
    made = opened(world)
    authorise(world, made["subscriptionId"])
    event = json.loads(dict(deliveries(world, made["subscriptionId"]))["subscription.charged"])
    event["payload"]["subscription"]["entity"]["id"] = "sub_stranger"
    payment = event["payload"]["payment"]["entity"]["id"]
    assert world.webhook(json.dumps(event).encode()).json == {"status": "kept"}
    refusal = resolve(world, payment, "grant")
    problem(refusal, 409, "conflict")
    assert "No mandate of ours" in refusal.json["detail"]
    assert resolve(world, payment, "refund").status == 200


def test_a_mandate_of_the_other_mode_is_never_charged_for_a_plan(world: World) -> None:
    made = opened(world)
    authorise(world, made["subscriptionId"])
    row = (world.row(made["subscriptionId"]) or {}) | {"mode": "live"}
    world.raw.put_item(TableName="PaymentsTable", Item=dynamodb.to_item(row))
    event = dict(deliveries(world, made["subscriptionId"]))["subscription.charged"]
    assert world.webhook(event).json == {"status": "kept"}
    assert periods(world) == []


# A lower plan bought ahead of a renewing one


def test_a_lower_plan_bought_ahead_begins_when_the_grace_of_the_renewing_one_has_run_out(world: World) -> None:
    mandate = standing(world, "premium", "monthly")
    world.buy("student", "quarterly")
    world.sim("POST", f"/subscriptions/{mandate}/outcomes", always="fail")
    assert shown(world, "scheduled")[0][0]["startDate"] == "2026-12-26T18:30:00Z"
    world.at(datetime(2026, 12, 26, 18, 29, 59, tzinfo=UTC))
    assert shown(world, "tier", "status") == ("premium", "past_due")
    world.at(datetime(2026, 12, 26, 18, 30, tzinfo=UTC))
    # Three months by the calendar: not a day of it was used up by the grace.
    assert shown(world, "tier", "startDate", "endDate") == ("student", "2026-12-26T18:30:00Z", "2027-03-26T18:30:00Z")


def test_a_mandate_that_is_halted_lets_the_lower_plan_begin_at_once(world: World) -> None:
    mandate = standing(world, "premium", "monthly")
    world.buy("student", "quarterly")
    seen = told(world, mandate)
    world.sim("POST", f"/subscriptions/{mandate}/outcomes", always="fail")
    world.at(datetime(2026, 12, 25, 19, 0, tzinfo=UTC))
    told(world, mandate, seen)
    assert shown(world, "tier", "startDate", "endDate") == ("student", "2026-12-25T19:00:00Z", "2027-03-25T19:00:00Z")


def test_a_recovery_moves_the_lower_plan_behind_the_new_cycle_whole(world: World) -> None:
    mandate = standing(world, "premium", "monthly")
    world.buy("student", "quarterly")
    seen = told(world, mandate)
    world.sim("POST", f"/subscriptions/{mandate}/outcomes", next=["fail"])
    world.at(datetime(2026, 12, 22, 19, 0, tzinfo=UTC))
    seen = told(world, mandate, seen)
    world.at(datetime(2026, 12, 23, 19, 0, tzinfo=UTC))
    told(world, mandate, seen)
    assert shown(world, "tier", "endDate", "autoRenew") == ("premium", "2027-01-22T18:30:00Z", True)
    (ahead,) = shown(world, "scheduled")[0]
    assert (ahead["startDate"], ahead["endDate"]) == ("2027-01-26T18:30:00Z", "2027-04-26T18:30:00Z")


def test_cancelling_the_renewal_brings_the_lower_plan_forward_to_the_paid_end(world: World) -> None:
    standing(world, "premium", "monthly")
    world.buy("student", "quarterly")
    world.post(CANCEL)
    (ahead,) = shown(world, "scheduled")[0]
    assert (ahead["startDate"], ahead["endDate"]) == ("2026-12-22T18:30:00Z", "2027-03-22T18:30:00Z")
    (row,) = [each for each in periods(world) if each["tier"] == "student"]
    assert row["startDate"] == "2026-12-22T18:30:00Z"
