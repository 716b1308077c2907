"""The invariants can fail: a sound state breaks none of them, and each planted fault breaks the one that is about it."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import pytest

from tests.unit.factories import DAY, NOW
from tollgate import calendar, invariants, metering, purchases, subscriptions
from tollgate.invariants import ALWAYS, AT_REST, STEPS, Facts, Told, broken, broken_by, confluent, state, unmoved
from tollgate.metering import Action
from tollgate.payments.mandates import Mandate, Stage, from_mandate
from tollgate.payments.orders import Made, from_order, from_quote
from tollgate.plans import find
from tollgate.purchases import quote
from tollgate.store import records, usage_log
from tollgate.subscriptions import Subscription
from tollgate.users import User

type Json = dict[str, Any]

UPGRADED = NOW + 10 * DAY
PAID = UPGRADED + DAY


class Books:
    """A user's records as the product would write them, open to be tampered with."""

    def __init__(self) -> None:
        self.user = User(id="u1", created_at=NOW)
        self.periods: dict[str, Json] = {}
        self.ledger: dict[str, Json] = {}
        self.usage: list[Json] = []
        self.gateway: dict[str, Told] = {}
        self.record: Json = {}

    def buy(self, number: int, tier: str, plan: str) -> None:
        """An order, its payment and its grant."""
        at = NOW if number == 1 else UPGRADED
        found = find(tier, plan)
        assert found
        made = Made(order_id=f"order_{number:014d}", receipt=f"tg_{number}", mode="test")
        order = from_quote(made, "u1", None, quote(self.user, *found, at), at)
        payment = f"pay_{number:014d}"
        new = subscriptions.bought(f"tgs_{number:021d}", tier, plan, at)
        new = new.paid(amount=order.amount, credit=order.credit.used, order_id=order.id, payment_id=payment)
        after = purchases.grant(self.user, new, order.credit, at)
        granted = next(each for each in after.subscriptions if each.subscription_id == new.subscription_id)
        self.ledger[order.id] = from_order(replace(order, payment_id=payment))
        self.pay(payment, order.amount, granted, orderId=order.id)
        self.keep(after)

    def renew(self, mandate_id: str) -> None:
        """A mandate, and its first charge at the end of what runs."""
        last = max(self.user.subscriptions, key=lambda each: each.start_date)
        assert last.end_date
        starts, ends, payment = last.end_date, last.end_date + 30 * DAY, "pay_00000000000009"
        mandate = Mandate(
            id=mandate_id,
            user_id="u1",
            email=None,
            tier="premium",
            plan="monthly",
            price=24_900,
            reference="tg_9",
            short_url="",
            created_at=NOW,
            expires_at=NOW,
            stage=Stage.ACTIVE,
            cycles=MappingProxyType({f"cycle#{int(ends.timestamp())}": payment}),
            changes=2,
        )
        new = subscriptions.bought(f"tgs_{9:021d}", "premium", "monthly", UPGRADED)
        new = replace(new, amount=24_900, start_date=starts, end_date=ends, razorpay_subscription_id=mandate_id)
        new = replace(new, razorpay_payment_id=payment)
        self.ledger[mandate_id] = from_mandate(mandate)
        self.pay(payment, 24_900, new, orderId="order_00000000000009", mandateId=mandate_id)
        self.keep(purchases.grant_cycle(self.user, new, UPGRADED))

    def pay(self, name: str, amount: int, granted: Subscription, **facts: str) -> None:
        self.ledger[name] = {
            "id": name,
            "kind": "payment",
            "userId": "u1",
            "amount": amount,
            "currency": "INR",
            "subscription": records.from_subscription(granted),
            **facts,
        }
        self.gateway[name] = Told(amount=amount, currency="INR", captured=True)

    def keep(self, after: User) -> None:
        self.user = after
        rows = {each.subscription_id: each for each in after.subscriptions}
        self.periods |= {name: {"userId": "u1", **records.from_subscription(each)} for name, each in rows.items()}
        self.record = {
            "userId": "u1",
            "createdAt": calendar.iso(NOW),
            **records.bought(after),
            "terms": metering.terms_of(after, UPGRADED),
        }

    def call(self, number: int, action: Action, *, success: bool = True) -> None:
        """An answered call, counted and booked."""
        at = UPGRADED + timedelta(minutes=number)
        row = usage_log.row("u1", f"req-{number}", action, at, success=success, costMicroUsd=50)
        self.usage.append(row)
        counters = [f"{metering.UNIT_OF[action]}#{calendar.month_stamp(at)}", "rate#0", f"spent#tgs_{2:021d}"]
        for name, step in zip(counters, (1, 1, 50), strict=True):
            self.record[name] = self.record.get(name, 0) + step

    def facts(self, now: datetime = PAID) -> Facts:
        return Facts(
            user_id="u1",
            now=now,
            record=self.record,
            periods=list(self.periods.values()),
            ledger=self.ledger,
            usage=self.usage,
            gateway=self.gateway,
            acknowledged=[name for name in self.ledger if name.startswith("pay_")],
            billed=sum(row.get("costMicroUsd", 0) for row in self.usage),
        )


PRO, PREMIUM, CYCLE = (f"tgs_{number:021d}" for number in (1, 2, 9))
PAY_1, PAY_2, PAY_9 = (f"pay_{number:014d}" for number in (1, 2, 9))
ORDER_1, ORDER_2 = (f"order_{number:014d}" for number in (1, 2))
MANDATE = "sub_00000000000009"


def books() -> Books:
    """Pro, an upgrade to premium with credit, its renewal by a mandate, and two calls."""
    made = Books()
    made.buy(1, "pro", "monthly")
    made.buy(2, "premium", "monthly")
    made.renew(MANDATE)
    made.call(1, Action.ATS_SCAN)
    made.call(2, Action.PARSE_RESUME)
    return made


def found(books: Books) -> set[str]:
    return {each.id for each in broken(books.facts(), at_rest=True)}


def test_a_sound_state_breaks_nothing() -> None:
    sound = books()
    assert broken(sound.facts(), at_rest=True) == []
    assert sound.ledger[ORDER_2]["credited"] == {PRO: sound.periods[PREMIUM]["credit"]}
    assert broken(Facts(user_id="u1", now=NOW), at_rest=True) == []


def refund(books: Books, paise: int, status: str = "processed", *, name: str = PAY_2) -> None:
    books.ledger[name][f"refund#rfnd_{paise}"] = {"amount": paise, "status": status}


def tell(books: Books, **changes: Any) -> None:  # noqa: ANN401 -- any field's value
    books.gateway[PAY_2] = replace(books.gateway[PAY_2], **changes)


def lease(books: Books, at: datetime, request: str) -> None:
    books.record[f"lease#{int(at.timestamp())}#ats-scan#{request}"] = {"month": 1}


def second_attempt(books: Books) -> Json:
    return books.usage[0] | {"timestamp": books.usage[0]["timestamp"][:-1] + "1"}


def one_refund_of_two(books: Books) -> None:
    refund(books, 7)
    refund(books, 7, name=PAY_1)


def a_payment_left_open(books: Books) -> None:
    books.ledger["pay_y"] = books.ledger[PAY_1] | {"id": "pay_y"}
    del books.ledger["pay_y"]["subscription"]


def forgotten(books: Books) -> None:
    a_payment_left_open(books)
    books.ledger["pay_y"] |= {"reason": "unknown_order", "resolution": "refund"}


def two_at_once(books: Books) -> None:
    for row in (books.periods[CYCLE], books.record["subscriptions"][-1]):
        row["startDate"] = calendar.iso(UPGRADED)


def a_duplicate_period(books: Books) -> None:
    again = books.periods[PREMIUM] | {"subscriptionId": "tgs_again"}
    books.periods["tgs_again"] = again
    books.record["subscriptions"].append(again)


def a_payment_nobody_noted(books: Books) -> None:
    books.gateway["pay_x"] = Told(amount=500, currency="INR", captured=True)


def a_second_grant_of_the_order(books: Books) -> None:
    first = books.ledger[PAY_2]
    books.ledger["pay_again"] = first | {"id": "pay_again"}


def another_price(books: Books) -> None:
    for row in (books.ledger[PAY_9], books.ledger[PAY_9]["subscription"], books.periods[CYCLE]):
        row["amount"] = 1
    books.gateway[PAY_9] = Told(amount=1, currency="INR", captured=True)
    books.record["subscriptions"] = [
        each | ({"amount": 1} if each["subscriptionId"] == CYCLE else {}) for each in books.record["subscriptions"]
    ]


def overlapping(books: Books) -> None:
    ahead = [*(each for each in books.record["subscriptions"] if each["subscriptionId"] == CYCLE), books.periods[CYCLE]]
    for row in ahead:
        row["startDate"] = calendar.iso(calendar.parse(row["startDate"]) - timedelta(days=1))


def an_unnamed_charge(books: Books) -> None:
    books.ledger[MANDATE] = {name: each for name, each in books.ledger[MANDATE].items() if each != PAY_9}


def a_scan_too_many(books: Books) -> None:
    books.record["terms"] |= {"pass": PREMIUM}
    books.record["resumes#pass"] = -1


def overdrawn(books: Books) -> None:
    for row in books.periods.values():
        row["tier"] = "pro"
    books.record["subscriptions"] = [each | {"tier": "pro"} for each in books.record["subscriptions"]]
    books.periods[PREMIUM]["startDate"] = books.record["subscriptions"][0]["startDate"] = calendar.iso(NOW - 60 * DAY)
    books.record["atsScans#2026-12"] = 6


PLANTS: dict[str, tuple[str, Callable[[Books], object]]] = {
    "the gateway refunded what we still account for": (
        "I1",
        lambda b: tell(b, refunded=100),
    ),
    "we account for a refund that the gateway never made": ("I1", lambda b: refund(b, 100)),
    "another amount is written than the gateway took": ("I1", lambda b: tell(b, amount=1)),
    "a period is credited for more than it was worth": (
        "I1",
        lambda b: b.ledger[ORDER_2]["credited"].update({PRO: 99_999}),
    ),
    "what is credited still stands": ("I1", lambda b: b.ledger[ORDER_2]["credited"].update({CYCLE: 1})),
    "a balance comes from nowhere": ("I1", lambda b: b.record.update(creditBalance=9_999_999)),
    "credit is lost": ("I1", lambda b: b.periods[PREMIUM].update(credit=1)),
    "a balance is below zero": ("I1", lambda b: b.record.update(creditBalance=-1)),
    "one payment has two periods": ("I2", a_duplicate_period),
    "a period has no grant": ("I2", lambda b: b.ledger[PAY_2].pop("subscription")),
    "a grant has no period": ("I2", lambda b: b.periods.pop(PREMIUM)),
    "one order is granted twice": ("I2", a_second_grant_of_the_order),
    "a granted order names another payment": ("I2", lambda b: b.ledger[ORDER_2].update(paymentId="pay_other")),
    "one payment paid for two cycles": ("I2", lambda b: b.ledger[MANDATE].update({"cycle#1": PAY_9})),
    "two periods of a tier overlap": ("I6", overlapping),
    "a charge was granted and no cycle names it": ("I2", an_unnamed_charge),
    "captured money is written nowhere": ("I3", a_payment_nobody_noted),
    "a payment is neither granted nor kept": ("I3", a_payment_left_open),
    "a payment that was to go back is forgotten": ("I3", forgotten),
    "a grant was never captured": ("I4", lambda b: tell(b, captured=False)),
    "a grant is of other money": ("I4", lambda b: tell(b, currency="USD")),
    "an order was paid with less than its price": ("I4", lambda b: b.ledger[ORDER_2].update(price=99_900)),
    "an order costs less than Razorpay takes": ("I4", lambda b: b.ledger[ORDER_2].update(amount=1)),
    "a charge is not the mandate's price": ("I4", another_price),
    "a grant has no order of ours": ("I4", lambda b: b.ledger.pop(ORDER_2)),
    "a grant is of another user's order": ("I4", lambda b: b.ledger[ORDER_2].update(userId="u2")),
    "a period is worth more than was paid": (
        "I4",
        lambda b: b.ledger[PAY_2]["subscription"].update(amount=99_900),
    ),
    "a refunded payment still gives access": ("I4", lambda b: refund(b, b.ledger[PAY_2]["amount"])),
    "a lost dispute still gives access": ("I4", lambda b: b.ledger[PAY_2].update({"dispute#disp_1": "lost"})),
    "a plan stands that nobody paid for": ("I4", lambda b: b.ledger.pop(PAY_9)),
    "the record has another end than the period's row": (
        "I6",
        lambda b: b.record["subscriptions"][-1].update(endDate="2030-01-01T00:00:00Z"),
    ),
    "the record has forgotten a period": ("I6", lambda b: b.record["subscriptions"].pop()),
    "a period is of another plan than was granted": (
        "I6",
        lambda b: b.ledger[PAY_1]["subscription"].update(tier="student"),
    ),
    "two plans run at once": ("I6", two_at_once),
    "what was acknowledged is not written": ("I9", lambda b: b.ledger.pop(PAY_1)),
    "more is refunded than was paid": ("I11", lambda b: refund(b, 99_999)),
    "one refund is of two payments": ("I11", one_refund_of_two),
    "what was given back is granted": ("I11", lambda b: b.ledger[PAY_2].update(resolution="refund")),
    "the gateway gave back more than it took": ("I11", lambda b: tell(b, refunded=99_999)),
    "a count is below zero": ("Q1", a_scan_too_many),
    "a count is above its limit": ("Q1", overdrawn),
    "a call is counted that was never made": ("Q2", lambda b: b.record.update({"atsScans#2026-12": 2})),
    "a call was made and not counted": ("Q2", lambda b: b.record.update({"atsScans#2026-12": 0})),
    "a dead call holds its unit": ("Q3", lambda b: lease(b, UPGRADED, "req-3")),
    "a call is answered twice": ("Q4", lambda b: b.usage.append(second_attempt(b))),
    "an answered call still runs": ("Q4", lambda b: lease(b, PAID, "req-1")),
    "too many calls in an hour": ("Q6", lambda b: b.record.update({f"rate#{calendar.hour_stamp(PAID)}": 501})),
    "a window counts before it begins": ("Q7", lambda b: b.record.update({"atsScans#2027-01": 1})),
    "admission goes by another plan": ("Q8", lambda b: b.record["terms"].update(tier="lifetime")),
    "admission goes by an end that is past": ("Q8", lambda b: b.record["terms"].update(until=metering.FOR_EVER)),
    "an attempt is missing in the log": ("Q10", lambda b: b.usage[0].update(second_attempt(b))),
    "the log costs more than is booked": ("Q10", lambda b: b.usage[0].update(costMicroUsd=60)),
    "a row is another user's": ("Q12", lambda b: b.periods[PRO].update(userId="u2")),
}


@pytest.mark.parametrize("fault", PLANTS)
def test_a_planted_fault_breaks_the_invariant_that_is_about_it(fault: str) -> None:
    name, plant = PLANTS[fault]
    spoilt = books()
    plant(spoilt)
    if name == "I9":
        facts = replace(spoilt.facts(), acknowledged=[PAY_1])
        assert name in {each.id for each in broken(facts)}
    assert name in found(spoilt) | ({"I9"} if name == "I9" else set())


@pytest.mark.parametrize(
    "fault", ["another amount is written than the gateway took", "a payment is neither granted nor kept"]
)
def test_what_is_written_of_money_is_judged_at_every_step_and_not_only_at_rest(fault: str) -> None:
    name, plant = PLANTS[fault]
    spoilt = books()
    plant(spoilt)
    assert name in {each.id for each in broken(spoilt.facts())}


def test_every_invariant_has_a_fault_planted() -> None:
    assert {name for name, _ in (*ALWAYS, *AT_REST)} <= {name for name, _ in PLANTS.values()}
    assert [name for name, _ in STEPS] == ["I5"]


def test_every_invariant_says_which_it_is() -> None:
    for name, check in (*ALWAYS, *AT_REST):
        assert f"{name}:" in (check.__doc__ or "") or f"{name}," in (check.__doc__ or ""), name


def test_what_the_providers_billed_is_what_the_log_says() -> None:
    facts = replace(books().facts(), billed=1)
    assert [each.id for each in broken(facts)] == ["Q10"]


def test_a_call_that_runs_counts_and_one_that_was_swept_does_not() -> None:
    running = books()
    lease(running, PAID, "req-3")
    assert found(running) == {"Q2"}
    running.record["atsScans#2026-12"] += 1
    assert found(running) == set()
    swept = books()
    lost = usage_log.row("u1", "req-4", Action.ATS_SCAN, UPGRADED, attempt=99, success=False, errorMessage="lost")
    swept.usage.append(lost)
    assert found(swept) == set()


@pytest.mark.parametrize(("seconds", "wrong"), [(2, set[str]()), (11, {"Q1"})])
def test_a_plan_that_ended_as_the_month_began_may_have_been_used_by_a_faster_clock(
    seconds: int, wrong: set[str]
) -> None:
    ended = books()
    began = calendar.midnight(calendar.next_month(PAID))
    over = calendar.iso(began - timedelta(seconds=seconds))
    ended.periods = {PRO: ended.periods[PRO] | {"status": "expired", "endDate": over}}
    ended.record |= {"subscriptions": [], f"resumes#{calendar.month_stamp(began)}": 2}
    assert {each.id for each in broken(ended.facts(began + timedelta(seconds=1)))} & {"Q1"} == wrong


def test_a_dispute_that_was_won_restores_what_a_lost_one_took() -> None:
    won = books()
    won.ledger[PAY_2]["dispute#disp_1"] = "won"
    assert found(won) == set()


def test_a_partly_refunded_payment_still_pays() -> None:
    part = books()
    refund(part, 100)
    part.gateway[PAY_2] = replace(part.gateway[PAY_2], refunded=100)
    assert found(part) == set()


def test_a_refund_that_failed_never_happened() -> None:
    failed = books()
    refund(failed, 100, "failed")
    assert found(failed) == set()


def test_the_log_of_another_quarter_is_not_expected_to_be_there() -> None:
    old = books()
    old.usage.clear()
    del old.record["atsScans#2026-12"], old.record["resumes#2026-12"]
    assert found(old) == {"Q10"}
    late = NOW + timedelta(days=91)
    assert "Q10" not in {each.id for each in broken(old.facts(late))}


# Steps


def step(change: Callable[[Books], object]) -> set[str]:
    before, after = books(), books()
    for made in (before, after):
        made.ledger[PAY_1]["refund#rfnd_1"] = {"amount": 5, "status": "processed"}
        made.ledger[PAY_1]["dispute#disp_1"] = "lost"
        made.ledger[PAY_2]["dispute#disp_2"] = "closed"
    change(after)
    return {each.id for each in broken_by(before.facts(), after.facts())}


FORWARD: dict[str, Callable[[Books], object]] = {
    "a refund is created": lambda b: refund(b, 5, "created"),
    "a dispute is won after all": lambda b: b.ledger[PAY_1].update({"dispute#disp_1": "won"}),
    "a period is refunded": lambda b: b.periods[PREMIUM].update(status="refunded"),
    "a mandate ends": lambda b: b.ledger[MANDATE].update(status="cancelled", changes=3),
    "a row is added": lambda b: b.ledger.update(order_3=b.ledger[ORDER_1]),
}
BACKWARD: dict[str, Callable[[Books], object]] = {
    "an order is gone": lambda b: b.ledger.pop(ORDER_1),
    "an order is unpaid again": lambda b: b.ledger[ORDER_1].pop("paymentId"),
    "an order has another payment": lambda b: b.ledger[ORDER_1].update(paymentId=PAY_2),
    "a grant is gone": lambda b: b.ledger[PAY_1].pop("subscription"),
    "a refund is gone": lambda b: b.ledger[PAY_1].pop("refund#rfnd_1"),
    "a processed refund is created": lambda b: b.ledger[PAY_1].update(
        {"refund#rfnd_1": {"amount": 5, "status": "created"}}
    ),
    "a lost dispute is open again": lambda b: b.ledger[PAY_1].update({"dispute#disp_1": "created"}),
    "a closed dispute is open again": lambda b: b.ledger[PAY_2].update({"dispute#disp_2": "created"}),
    "a period is gone": lambda b: b.periods.pop(PREMIUM),
    "a replaced period stands again": lambda b: b.periods[PRO].update(status="active"),
    "a cycle is paid by another payment": lambda b: b.ledger[MANDATE].update(
        {name: PAY_1 for name in b.ledger[MANDATE] if name.startswith("cycle#")}
    ),
    "a mandate counts fewer changes": lambda b: b.ledger[MANDATE].update(changes=1),
    "a version falls": lambda b: b.record.update(version=0),
}


@pytest.mark.parametrize("change", FORWARD)
def test_what_moves_forward_may_happen(change: str) -> None:
    assert step(FORWARD[change]) == set()


@pytest.mark.parametrize("change", BACKWARD)
def test_what_moves_back_is_found(change: str) -> None:
    assert step(BACKWARD[change]) == {"I5"}


def test_a_mandate_that_ended_stays_ended() -> None:
    before, after = books(), books()
    before.ledger[MANDATE]["status"] = "completed"
    assert {each.id for each in broken_by(before.facts(), after.facts())} == {"I5"}


def test_a_refunded_period_stands_again_only_by_a_dispute_that_was_won() -> None:
    before, after = books(), books()
    before.periods[PREMIUM]["status"] = "refunded"
    assert {each.id for each in broken_by(before.facts(), after.facts())} == {"I5"}
    after.ledger[PAY_2]["dispute#disp_1"] = "won"
    assert broken_by(before.facts(), after.facts()) == []


# Whole states


def test_the_same_state_under_other_ids_is_the_same() -> None:
    first, other = books(), books()
    rename = {PAY_1: "pay_9aaaaaaaaaaaa1", ORDER_1: "order_9bbbbbbbbbbb", PRO: "tgs_9ccccccccccccc"}

    def renamed(value: Any) -> Any:  # noqa: ANN401 -- JSON
        if isinstance(value, dict):
            return {renamed(name): renamed(each) for name, each in value.items()}
        if isinstance(value, list):
            return [renamed(each) for each in value]
        return rename.get(value, value) if isinstance(value, str) else value

    facts = other.facts()
    moved = replace(
        facts, record=renamed(facts.record), periods=renamed(facts.periods), ledger=renamed(dict(facts.ledger))
    )
    assert state(first.facts()) == state(moved)
    assert confluent([first.facts(), moved]) == []


def test_a_state_that_differs_in_anything_but_the_next_look_differs() -> None:
    first, other = books(), books()
    other.ledger[ORDER_1]["lookAt"] = "2030-01-01T00:00:00Z"
    assert unmoved(first.facts(), other.facts()) == []
    other.ledger[ORDER_1]["receipt"] = "another"
    assert [each.id for each in unmoved(first.facts(), other.facts(), "I10")] == ["I10"]
    assert [each.id for each in confluent([first.facts(), other.facts()])] == ["I8"]
    assert state(first.facts(), apart={"receipt"}) == state(other.facts(), apart={"receipt"})


def test_judging_a_state_leaves_it_as_it_was() -> None:
    facts = books().facts()
    before = deepcopy((facts.record, facts.periods, dict(facts.ledger), facts.usage))
    invariants.broken(facts, at_rest=True)
    state(facts)
    assert before == (facts.record, facts.periods, dict(facts.ledger), facts.usage)


def test_a_violation_reads_as_a_sentence() -> None:
    spoilt = books()
    refund(spoilt, 99_999)
    assert any(str(each).startswith("I11 ") for each in broken(spoilt.facts()))
