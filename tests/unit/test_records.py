"""What is written down comes back the same; what was ended is not carried along."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.factories import DAY, NOW, a_subscription, a_user, an_order
from tollgate import ids, metering
from tollgate.payments import orders
from tollgate.payments.orders import MalformedPaymentError, to_payment
from tollgate.plans import Unit
from tollgate.purchases import Credit
from tollgate.store import dynamodb, records
from tollgate.subscriptions import Status, Subscription
from tollgate.users import Notifications, Preference, User

PAISE = st.integers(0, 10**9)
INSTANTS = st.datetimes(
    datetime(2020, 1, 1),  # noqa: DTZ001 -- a bound
    datetime(2090, 1, 1),  # noqa: DTZ001 -- a bound
    timezones=st.just(UTC),
).map(lambda each: each.replace(microsecond=0))
IDS = st.text(min_size=1, max_size=20)

SUBSCRIPTIONS = st.builds(
    Subscription,
    subscription_id=IDS,
    tier=st.sampled_from(["pro", "one-time"]),
    plan=st.just("monthly"),
    amount=PAISE,
    credit=PAISE,
    start_date=INSTANTS,
    end_date=st.none() | INSTANTS,
    anchor_day=st.integers(1, 31),
    created_at=INSTANTS,
    status=st.sampled_from(Status),
    razorpay_order_id=st.none() | IDS,
    razorpay_payment_id=st.none() | IDS,
    razorpay_subscription_id=st.none() | IDS,
    auto_renew=st.booleans(),
    cancelled_at=st.none() | INSTANTS,
    cancel_reason=st.none() | st.text(max_size=50),
)


@given(SUBSCRIPTIONS)
def test_a_subscription_comes_back_as_it_was_written(each: Subscription) -> None:
    written = dynamodb.from_item(dynamodb.to_item(records.from_subscription(each)))
    assert records.to_subscription(written) == each


def test_a_subscription_is_written_under_the_names_of_the_specification() -> None:
    full = a_subscription(
        "pro",
        razorpay_order_id="order_1",
        razorpay_payment_id="pay_1",
        razorpay_subscription_id="sub_1",
        cancelled_at=NOW,
        cancel_reason="x",
    )
    written = records.from_subscription(full)
    assert set(written) >= {
        "subscriptionId",
        "tier",
        "plan",
        "status",
        "amount",
        "currency",
        "razorpayOrderId",
        "razorpayPaymentId",
        "razorpaySubscriptionId",
        "startDate",
        "endDate",
        "autoRenew",
        "credit",
        "cancelledAt",
        "cancelReason",
        "createdAt",
    }
    assert written["startDate"] == "2026-11-23T06:30:00Z"


def test_what_is_unknown_to_this_version_does_not_hinder_reading() -> None:
    written = records.from_subscription(a_subscription("lifetime")) | {"colour": "blue"}
    assert records.to_subscription(written) == a_subscription("lifetime")


@given(
    st.lists(SUBSCRIPTIONS, max_size=4),
    PAISE,
    st.sampled_from(Preference),
    st.builds(Notifications, usage_alerts=st.booleans(), subscription_expiry=st.booleans()),
)
def test_a_user_comes_back_as_written_without_what_was_ended(
    held: list[Subscription], balance: int, preference: Preference, notifications: Notifications
) -> None:
    user = User(
        id="u1",
        created_at=NOW,
        email="a@example.com",
        version=7,
        subscriptions=tuple(held),
        credit_balance=balance,
        preference=preference,
        notifications=notifications,
    )
    row = records.bought(user) | {"userId": "u1", "createdAt": "2026-11-23T06:30:00Z", "email": "a@example.com"}
    ended = {Status.REFUNDED, Status.REPLACED}
    kept = tuple(each for each in held if each.status not in ended)
    assert records.to_user(dynamodb.from_item(dynamodb.to_item(row))) == replace(user, subscriptions=kept)


def test_counters_terms_and_leases_are_told_apart() -> None:
    user = a_user(tier="pro")
    call = metering.Call(user_id="u1", request_id="r1", action=metering.Action.JOB_MATCH, at=NOW)
    row = records.bought(user) | {
        "userId": "u1",
        "createdAt": "2026-11-23T06:30:00Z",
        "resumes#2026-11": 2,
        "rate#1": 1,
        call.lease: metering.steps(user.tier(NOW), Unit.JOB_MATCHES),
        "terms": dict(user.terms),
        "resumesGenerated": 2,
        "mix": ["0:0:0:0"],
    }
    read = dynamodb.from_item(dynamodb.to_item(row))
    back = records.to_user(read)
    assert dict(back.counters) == {"resumes#2026-11": 2, "rate#1": 1}
    assert back.resumes_generated == 2
    assert back.terms == user.terms
    assert metering.terms_hold(back, NOW)
    assert [each.request_id for each in records.leases(read)] == ["r1"]


def test_a_user_of_whom_only_the_first_call_was_written_is_read_with_defaults() -> None:
    user = records.to_user({"userId": "u1", "createdAt": "2026-11-23T06:30:00Z", "resumes#2026-11": 1})
    assert user == User(id="u1", created_at=NOW, counters=MappingProxyType({"resumes#2026-11": 1}))


@given(st.dictionaries(IDS, PAISE, max_size=3), PAISE, PAISE, st.none() | IDS, st.none() | st.emails())
def test_an_order_comes_back_as_it_was_written(
    credited: dict[str, int], balance: int, left: int, payment_id: str | None, email: str | None
) -> None:
    credit = Credit(by_subscription=credited, from_balance=balance, left=left)
    order = an_order(credit=credit, payment_id=payment_id, email=email)
    assert orders.to_order(dynamodb.from_item(dynamodb.to_item(orders.from_order(order)))) == order


ENTITY = {
    "id": "pay_1",
    "order_id": "order_1",
    "amount": 14_900,
    "currency": "INR",
    "status": "captured",
    "invoice_id": None,
    "method": "upi",
    "notes": [],
    "fee": 352,
}


def test_a_payment_is_read_from_razorpays_entity() -> None:
    payment = to_payment(ENTITY)
    assert (payment.id, payment.order_id, payment.amount, payment.currency) == ("pay_1", "order_1", 14_900, "INR")
    assert payment.is_captured
    assert payment.invoice_id is None


@pytest.mark.parametrize("status", ["created", "authorized", "failed", "refunded", "Captured", "captured_"])
def test_only_captured_money_is_ours(status: str) -> None:
    assert not to_payment({**ENTITY, "status": status}).is_captured


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("amount", "14900"),
        ("amount", 149.0),
        ("amount", float("nan")),
        ("amount", -1),
        ("amount", True),
        ("amount", None),
        ("amount", 10**12 + 1),
        ("amount", 10**400),
        ("id", None),
        ("id", "order_1"),
        ("id", "pay_" + "1" * 41),
        ("id", "pay_\ud800"),
        ("id", "pay_1 "),
        ("order_id", {"a": 1}),
        ("order_id", "pay_1"),
        ("order_id", "order_" + "1" * 3_000),
        ("invoice_id", 7),
        ("invoice_id", "sub_1"),
        ("status", "captured "),
        ("status", "x" * 65),
        ("id", "pay_"),
        ("id", ["pay_1"]),
        ("currency", None),
        ("currency", ""),
        ("status", None),
        ("status", 1),
    ],
)
def test_what_claims_to_be_a_payment_is_not_believed(name: str, value: object) -> None:
    with pytest.raises(MalformedPaymentError):
        to_payment({**ENTITY, name: value})


@pytest.mark.parametrize("entity", [None, [], "pay_1", 1, {}, [ENTITY]])
def test_what_is_no_object_is_no_payment(entity: object) -> None:
    with pytest.raises(MalformedPaymentError):
        to_payment(entity)


@pytest.mark.parametrize("name", ["order_id", "invoice_id"])
@pytest.mark.parametrize("value", [None, "", 0, []])
def test_an_order_or_invoice_that_is_not_there_is_none(name: str, value: object) -> None:
    payment = to_payment({**ENTITY, name: value})
    assert None in {payment.order_id, payment.invoice_id}


@pytest.mark.parametrize("name", ["method", "error_reason"])
@pytest.mark.parametrize("value", [None, "", 0, [], {"a": 1}, "x" * 65, "asha@example.com", "\ud800"])
def test_remarks_that_are_no_word_are_left_out(name: str, value: object) -> None:
    payment = to_payment({**ENTITY, name: value})
    assert payment.error is None
    assert payment.method == (None if name == "method" else "upi")


@given(st.lists(st.integers(0, 10**11), min_size=2, max_size=6, unique=True))
def test_ids_sort_by_time(milliseconds: list[int]) -> None:
    start = datetime(2020, 1, 1, tzinfo=UTC)
    instants = sorted(start + timedelta(milliseconds=2 * each) for each in milliseconds)
    made = [ids.subscription_id(each) for each in instants]
    assert sorted(made) == made


def test_ids_differ_and_a_receipt_fits_razorpays_forty_characters() -> None:
    assert len({ids.subscription_id(NOW) for _ in range(500)}) == 500
    assert len({ids.receipt(NOW) for _ in range(500)}) == 500
    assert len(ids.receipt(NOW + 20_000 * DAY)) <= 40
    assert len(ids.token(12)) == 12
