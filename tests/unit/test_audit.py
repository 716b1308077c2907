"""The comparison itself: three sides that agree have no difference, and each thing changed is named by its kind."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollgate.payments import audit
from tollgate.payments.audit import EXPLAINED, SAFE, Case, Difference, Kind, Line, Noted, Owed, Taken
from tollgate.payments.orders import MalformedPaymentError, Payment, Reason, Refund

PAY, ORDER, USER = "pay_1", "order_1", "user-1"


def taken(**changed: Any) -> Taken:  # noqa: ANN401 -- any field of the payment or of what was taken
    own = {name: changed.pop(name) for name in list(changed) if name in Taken.__dataclass_fields__}
    told: dict[str, Any] = {"id": PAY, "order_id": ORDER, "amount": 14_900, "currency": "INR", "status": "captured"}
    plain: dict[str, Any] = {"captured": True, "refunded": 0, "fee": 352, "tax": 54, "created_at": 1, "is_token": False}
    return Taken(payment=Payment(**told | changed), **plain | own)


def noted(**changed: Any) -> Noted:  # noqa: ANN401 -- any field
    plain: dict[str, Any] = {
        "payment_id": PAY,
        "order_id": ORDER,
        "mandate_id": None,
        "user_id": USER,
        "amount": 14_900,
        "currency": "INR",
        "granted": True,
        "reason": None,
        "refunds": {},
        "disputes": {},
    }
    return Noted(**plain | changed)


def case(**changed: Any) -> Case:  # noqa: ANN401 -- any field
    owed = Owed(id=ORDER, user_id=USER, paid_by=frozenset({PAY}))
    plain: dict[str, Any] = {"payment_id": PAY, "theirs": taken(), "ours": noted(), "owed": owed}
    return Case(**plain | changed)


def kinds(found: list[Difference]) -> list[Kind]:
    return [one.kind for one in found]


REFUND = Refund(id="rfnd_1", payment_id=PAY, amount=900, status="processed")
UNPAID = Owed(id=ORDER, user_id=USER, paid_by=frozenset())


@given(
    amount=st.integers(100, 10**7),
    user=st.text(min_size=1, max_size=9),
    back=st.integers(1, 99),
    reason=st.none() | st.sampled_from(Reason),
)
def test_sides_that_agree_have_no_difference(amount: int, user: str, back: int, reason: Reason | None) -> None:
    refund = replace(REFUND, amount=back)
    agreeing = case(
        theirs=taken(amount=amount, refunded=back),
        ours=noted(
            amount=amount,
            user_id=user,
            granted=reason is None,
            reason=reason,
            refunds={refund.id: refund},
            disputes={"disp_1": "created"},
        ),
        owed=Owed(id=ORDER, user_id=user, paid_by=frozenset({PAY})),
        refunds={refund.id: refund},
        disputes={"disp_1": "created"},
    )
    assert audit.compare(agreeing) == []


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({"ours": None, "owed": UNPAID}, Kind.NOT_ON_LEDGER),
        ({"ours": None, "owed": None}, Kind.UNKNOWN_ORDER),
        ({"ours": None}, Kind.ENTRY_LOST),
        ({"theirs": None}, Kind.NOT_AT_RAZORPAY),
        ({"theirs": taken(status="authorized", captured=False)}, Kind.NOT_CAPTURED),
        ({"theirs": taken(amount=14_901)}, Kind.AMOUNT_DIFFERS),
        ({"ours": noted(currency="USD")}, Kind.CURRENCY_DIFFERS),
        ({"ours": noted(order_id="order_2")}, Kind.ORDER_DIFFERS),
        ({"ours": noted(user_id="user-2")}, Kind.OWNER_DIFFERS),
        ({"ours": noted(user_id=None)}, Kind.OWNER_DIFFERS),
        ({"owed": None}, Kind.GRANTED_WITHOUT_ORDER),
        ({"refunds": {"rfnd_1": REFUND}}, Kind.REFUND_NOT_NOTED),
        ({"ours": noted(refunds={"rfnd_1": REFUND})}, Kind.REFUND_NOT_AT_RAZORPAY),
        ({"disputes": {"disp_1": "created"}}, Kind.DISPUTE_NOT_NOTED),
        ({"ours": noted(disputes={"disp_1": "won"}), "disputes": {"disp_1": "lost"}}, Kind.DISPUTE_STATUS_DIFFERS),
        ({"ours": noted(disputes={"disp_1": "won"}), "disputes": {"disp_1": None}}, Kind.DISPUTE_NOT_AT_RAZORPAY),
    ],
)
def test_each_thing_that_differs_has_its_kind(changed: dict[str, Any], kind: Kind) -> None:
    (one,) = audit.compare(case(**changed))
    assert one.kind is kind
    assert one.payment_id == PAY
    assert audit.to_difference(audit.from_difference(one)) == one


@pytest.mark.parametrize(
    ("ours", "theirs", "kind"),
    [
        ("created", "processed", Kind.REFUND_BEHIND),
        ("created", "failed", Kind.REFUND_BEHIND),
        ("processed", "failed", Kind.REFUND_STATUS_DIFFERS),
        ("processed", "created", Kind.REFUND_STATUS_DIFFERS),
        ("failed", "processed", Kind.REFUND_STATUS_DIFFERS),
    ],
)
def test_a_refund_that_is_decided_here_is_never_decided_again(ours: str, theirs: str, kind: Kind) -> None:
    here, there = replace(REFUND, status=ours), replace(REFUND, status=theirs)
    assert kinds(audit.compare(case(ours=noted(refunds={"rfnd_1": here}), refunds={"rfnd_1": there}))) == [kind]


@pytest.mark.parametrize(
    "changed",
    [
        {"ours": None, "theirs": taken(status="failed", captured=False)},
        {"ours": None, "theirs": taken(is_token=True)},
        {"ours": None, "theirs": None},
        {"ours": noted(granted=False, reason=Reason.REFUNDED), "theirs": taken(status="refunded", captured=False)},
        {"ours": noted(granted=False, reason=Reason.UNKNOWN_ORDER, user_id=None), "owed": None},
    ],
)
def test_what_moved_no_money_or_is_kept_for_review_is_no_difference(changed: dict[str, Any]) -> None:
    assert audit.compare(case(**changed)) == []


def line(**changed: Any) -> Line:  # noqa: ANN401 -- any field
    plain: dict[str, Any] = {
        "id": PAY,
        "type": "payment",
        "settlement_id": "setl_1",
        "amount": 14_900,
        "debit": 0,
        "credit": 14_548,
        "fee": 352,
        "tax": 54,
        "created_at": 1,
        "payment_id": None,
        "dispute_id": None,
        "plain": True,
    }
    return Line(**plain | changed)


BACK = line(id="rfnd_1", type="refund", amount=900, debit=900, credit=0, fee=0, tax=0, payment_id=PAY)


@pytest.mark.parametrize(
    ("told", "changed", "expected"),
    [
        (line(), {}, []),
        (line(amount=15_000, credit=14_648), {}, [Kind.SETTLED_AMOUNT_DIFFERS]),
        (line(fee=353, credit=14_547), {}, [Kind.SETTLED_FEE_DIFFERS]),
        (line(tax=55), {}, [Kind.SETTLED_TAX_DIFFERS]),
        (line(credit=14_900), {}, [Kind.SETTLED_CREDIT_DIFFERS]),
        (line(credit=14_900, plain=False), {}, []),
        (line(fee=9, credit=14_891), {"theirs": taken(fee=None)}, []),
        (line(), {"theirs": taken(status="failed", captured=False)}, [Kind.SETTLED_UNKNOWN]),
        (BACK, {"refunds": {"rfnd_1": REFUND}}, []),
        (BACK, {}, [Kind.SETTLED_UNKNOWN]),
        (replace(BACK, amount=901, debit=901), {"refunds": {"rfnd_1": REFUND}}, [Kind.SETTLED_AMOUNT_DIFFERS]),
        (replace(BACK, debit=901), {"refunds": {"rfnd_1": REFUND}}, [Kind.SETTLED_CREDIT_DIFFERS]),
        (line(type="adjustment"), {}, [Kind.SETTLED_ADJUSTMENT]),
        (line(type="adjustment", dispute_id="disp_1"), {"ours": noted(disputes={"disp_1": "lost"})}, []),
        (
            line(type="adjustment", dispute_id="disp_1"),
            {"ours": noted(disputes={"disp_1": "won"})},
            [Kind.SETTLED_ADJUSTMENT],
        ),
    ],
)
def test_a_settled_line_is_held_against_what_it_settles(
    told: Line, changed: dict[str, Any], expected: list[Kind]
) -> None:
    assert kinds(audit.settled(told, case(**changed), ("setl_1",))) == expected


def test_a_line_of_nobodys_is_named_and_so_is_one_settled_twice() -> None:
    found = audit.settled(line(), None, ("setl_2", "setl_1"))
    assert kinds(found) == [Kind.SETTLED_UNKNOWN, Kind.SETTLED_TWICE]
    assert [(one.id, one.theirs) for one in found] == [("pay_1@setl_1", 14_900), ("pay_1", "setl_1, setl_2")]


def test_every_kind_says_what_it_means_and_what_to_do() -> None:
    assert set(EXPLAINED) == set(Kind)
    assert all(one.means and one.advice for one in EXPLAINED.values())


def test_only_four_kinds_are_repaired() -> None:
    assert {Kind.NOT_ON_LEDGER, Kind.UNKNOWN_ORDER, Kind.REFUND_NOT_NOTED, Kind.REFUND_BEHIND} == SAFE


ENTITY = {"id": "pay_1", "order_id": "order_1", "amount": 100, "currency": "INR", "status": "captured", "created_at": 5}


def test_razorpays_payment_is_read_with_its_fee_and_whether_its_money_was_ever_ours() -> None:
    read = audit.to_taken(ENTITY | {"fee": 2, "tax": None, "amount_refunded": None})
    assert (read.captured, read.refunded, read.fee, read.tax) == (True, 0, 2, None)
    assert audit.to_taken(ENTITY | {"status": "refunded", "captured": True}).captured
    assert not audit.to_taken(ENTITY | {"status": "refunded", "captured": False}).captured
    assert not audit.to_taken(ENTITY | {"status": "authorized", "captured": False}).captured


@pytest.mark.parametrize("broken", [{"created_at": None}, {"fee": "2"}, {"amount": "100"}, {"amount_refunded": True}])
def test_a_payment_that_cannot_be_read_is_refused(broken: dict[str, object]) -> None:
    with pytest.raises(MalformedPaymentError):
        audit.to_taken(ENTITY | broken)


def test_a_line_without_its_settlement_cannot_be_read() -> None:
    with pytest.raises(MalformedPaymentError):
        audit.to_line({"entity_id": "pay_1", "type": "payment"})


def test_razorpays_words_for_refunds_and_disputes_become_the_ledgers() -> None:
    assert [audit.refund_status({"status": each}) for each in ("pending", "processed", "failed")] == [
        "created",
        "processed",
        "failed",
    ]
    told = ("open", "under_review", "won", "lost", "closed")
    assert [audit.dispute_status({"status": each}) for each in told] == ["created", "created", "won", "lost", "closed"]
    for read in (audit.refund_status, audit.dispute_status):
        with pytest.raises(MalformedPaymentError):
            read({})
