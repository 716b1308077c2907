"""The three-way check: our ledger, Razorpay's payments with their refunds and disputes, and what Razorpay settled. Pure.

A difference is a fact that two of the three tell differently. Each has a kind, and each kind says what it means and what to do.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from tollgate.payments.orders import MalformedPaymentError, Payment, Reason, Refund, to_payment

LARGEST_TOKEN = 500  # paise that prove a mandate whose first charge lies ahead; Razorpay gives them back by itself


class Kind(StrEnum):
    """The ways in which the three can differ."""

    NOT_ON_LEDGER = "not_on_ledger"
    UNKNOWN_ORDER = "unknown_order"
    ENTRY_LOST = "entry_lost"
    NOT_AT_RAZORPAY = "not_at_razorpay"
    NOT_CAPTURED = "not_captured"
    AMOUNT_DIFFERS = "amount_differs"
    CURRENCY_DIFFERS = "currency_differs"
    ORDER_DIFFERS = "order_differs"
    OWNER_DIFFERS = "owner_differs"
    GRANTED_WITHOUT_ORDER = "granted_without_order"
    UNREADABLE = "unreadable"
    REFUND_NOT_NOTED = "refund_not_noted"
    REFUND_BEHIND = "refund_behind"
    REFUND_AMOUNT_DIFFERS = "refund_amount_differs"
    REFUND_STATUS_DIFFERS = "refund_status_differs"
    REFUND_NOT_AT_RAZORPAY = "refund_not_at_razorpay"
    DISPUTE_NOT_NOTED = "dispute_not_noted"
    DISPUTE_STATUS_DIFFERS = "dispute_status_differs"
    DISPUTE_NOT_AT_RAZORPAY = "dispute_not_at_razorpay"
    SETTLED_UNKNOWN = "settled_unknown"
    SETTLED_TWICE = "settled_twice"
    SETTLED_AMOUNT_DIFFERS = "settled_amount_differs"
    SETTLED_FEE_DIFFERS = "settled_fee_differs"
    SETTLED_TAX_DIFFERS = "settled_tax_differs"
    SETTLED_CREDIT_DIFFERS = "settled_credit_differs"
    SETTLED_ADJUSTMENT = "settled_adjustment"
    SETTLEMENTS_UNREADABLE = "settlements_unreadable"


# The only kinds that are repaired, by the same settlement and the same notes that webhooks end in.
SAFE = frozenset({Kind.NOT_ON_LEDGER, Kind.UNKNOWN_ORDER, Kind.REFUND_NOT_NOTED, Kind.REFUND_BEHIND})


@dataclass(frozen=True, slots=True)
class Explained:
    """What a kind of difference means, and what to do about it."""

    means: str
    advice: str


_LOOK = "Compare the payment in Razorpay's Dashboard with the ledger entry; correct whichever is wrong by hand."
_ASK = "Ask Razorpay's support, naming the settlement and the payment."
EXPLAINED: Mapping[Kind, Explained] = MappingProxyType(
    {
        Kind.NOT_ON_LEDGER: Explained(
            "Razorpay captured money for an order or mandate of ours, and the ledger does not know it.",
            "Nothing, once it is repaired: it was granted, or kept for review where it does not fit its order.",
        ),
        Kind.UNKNOWN_ORDER: Explained(
            "Razorpay captured money for something that we did not ask to be paid.",
            "Resolve it among the payments kept for review: refund it, unless it belongs to another business of this account.",
        ),
        Kind.ENTRY_LOST: Explained(
            "The order or mandate says that this payment paid it, but its ledger entry is gone.",
            "Restore the entry from a backup of the payments table. Do not refund: the plan was given.",
        ),
        Kind.NOT_AT_RAZORPAY: Explained(
            "The ledger has a payment that Razorpay does not know under this key.",
            "Find out who wrote the entry. Where a plan was granted for it, it was granted for nothing.",
        ),
        Kind.NOT_CAPTURED: Explained(
            "The ledger counts a payment that Razorpay did not capture: no money came.",
            "Look at the payment at Razorpay; where a plan was granted, it was granted for nothing.",
        ),
        Kind.AMOUNT_DIFFERS: Explained("Ledger and Razorpay tell different amounts of one payment, in paise.", _LOOK),
        Kind.CURRENCY_DIFFERS: Explained("Ledger and Razorpay tell different currencies of one payment.", _LOOK),
        Kind.ORDER_DIFFERS: Explained("Ledger and Razorpay name different orders for one payment.", _LOOK),
        Kind.OWNER_DIFFERS: Explained(
            "The payment is booked for another user than the one whose order or mandate it paid.",
            "Find out which of the two has the plan; move it by hand.",
        ),
        Kind.GRANTED_WITHOUT_ORDER: Explained(
            "A plan was granted for a payment of which no order or mandate is left.",
            "Restore the order from a backup of the payments table.",
        ),
        Kind.UNREADABLE: Explained(
            "Razorpay's word on this payment, refund or dispute lacks what we rely on.",
            "Look at it in Razorpay's Dashboard; if it is in order there, our reading of it has to be mended.",
        ),
        Kind.REFUND_NOT_NOTED: Explained(
            "Razorpay gave money back and the ledger does not know it.",
            "Nothing, once it is repaired: a full refund has then ended the period that the payment paid for.",
        ),
        Kind.REFUND_BEHIND: Explained(
            "Razorpay decided a refund that the ledger has as begun.", "Nothing, once it is repaired."
        ),
        Kind.REFUND_AMOUNT_DIFFERS: Explained(
            "Ledger and Razorpay tell different amounts of one refund, in paise.", _LOOK
        ),
        Kind.REFUND_STATUS_DIFFERS: Explained(
            "The ledger has another final word on a refund than Razorpay.",
            "Look at the refund at Razorpay: where it failed after all, the user's period ended for nothing.",
        ),
        Kind.REFUND_NOT_AT_RAZORPAY: Explained(
            "The ledger has a refund that Razorpay does not know.",
            "Find out who wrote it: a period may have ended though no money went back.",
        ),
        Kind.DISPUTE_NOT_NOTED: Explained(
            "A payment is disputed at Razorpay and the ledger does not know it.",
            "Answer the dispute at Razorpay in time, and send its event again from the Dashboard.",
        ),
        Kind.DISPUTE_STATUS_DIFFERS: Explained(
            "Ledger and Razorpay tell differently how a dispute stands.",
            "Send the dispute's last event again from Razorpay's Dashboard.",
        ),
        Kind.DISPUTE_NOT_AT_RAZORPAY: Explained(
            "The ledger has a dispute that Razorpay does not know.",
            "Find out who wrote it: a period may have ended for it.",
        ),
        Kind.SETTLED_UNKNOWN: Explained(
            "Razorpay settled a payment or refund that neither it nor the ledger knows as done.", _ASK
        ),
        Kind.SETTLED_TWICE: Explained("One payment or refund stands in more than one line of settlement.", _ASK),
        Kind.SETTLED_AMOUNT_DIFFERS: Explained("It was settled with another amount than it had, in paise.", _ASK),
        Kind.SETTLED_FEE_DIFFERS: Explained("The fee taken at settlement is not the payment's fee, in paise.", _ASK),
        Kind.SETTLED_TAX_DIFFERS: Explained("The tax taken at settlement is not the payment's tax, in paise.", _ASK),
        Kind.SETTLED_CREDIT_DIFFERS: Explained(
            "What was paid out is not the amount less the fee, in paise; for a refund, what was held back is not its amount.",
            _ASK,
        ),
        Kind.SETTLED_ADJUSTMENT: Explained(
            "Razorpay paid out or held back money for no payment, refund or lost dispute that the ledger knows.",
            "Look at the settlement at Razorpay; book it by hand, or ask for what it was.",
        ),
        Kind.SETTLEMENTS_UNREADABLE: Explained(
            "Razorpay does not show this account the lines of its settlements for the day.",
            "Ask Razorpay to enable settlement reconciliation; until then compare the payouts by hand.",
        ),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One difference, named. `id` is what it is about: a payment, refund, dispute, or line of a settlement."""

    kind: Kind
    id: str
    payment_id: str | None = None
    order_id: str | None = None
    user_id: str | None = None
    ours: str | int | None = None
    theirs: str | int | None = None

    @property
    def name(self) -> str:
        """What it is recognised by from one day to the next."""
        return f"{self.kind}#{self.id}"


def from_difference(difference: Difference) -> dict[str, Any]:
    """A difference as a record; what is None is left out."""
    return {name: value for name, value in asdict(difference).items() if value is not None}


def to_difference(record: Mapping[str, Any]) -> Difference:
    """The difference of a record."""
    told = {name: record[name] for name in Difference.__dataclass_fields__ if name in record}
    return Difference(**told | {"kind": Kind(record["kind"])})


# The three sides


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A payment as Razorpay has it. Amounts in paise; fee, which includes the tax, and tax are None where not known yet."""

    payment: Payment
    captured: bool
    refunded: int
    fee: int | None
    tax: int | None
    created_at: int
    is_token: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """A payment's ledger entry: granted, or kept for a reason."""

    payment_id: str
    order_id: str | None
    mandate_id: str | None
    user_id: str | None
    amount: int
    currency: str
    granted: bool
    reason: str | None
    refunds: Mapping[str, Refund]
    disputes: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """The order or mandate that a payment was for: whose it is, and by which payments it was paid."""

    id: str
    user_id: str
    paid_by: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of a settlement. Amounts in paise; `payment_id` is the payment of a refund."""

    id: str
    type: str
    settlement_id: str
    amount: int
    debit: int
    credit: int
    fee: int
    tax: int
    created_at: int
    payment_id: str | None
    dispute_id: str | None
    plain: bool  # paid out by the usual arithmetic, not out of credits that were bought ahead


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """All that is known of one payment. `refunds` and `disputes` are Razorpay's; a dispute it does not know is None."""

    payment_id: str
    theirs: Taken | None
    ours: Noted | None
    owed: Owed | None
    refunds: Mapping[str, Refund] = field(default_factory=dict)
    disputes: Mapping[str, str | None] = field(default_factory=dict)


def _whole(entity: Mapping[str, Any], name: str) -> int:
    value = entity.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise MalformedPaymentError(name)
    return value


def _text(entity: Mapping[str, Any], name: str) -> str | None:
    value = entity.get(name)
    return value if isinstance(value, str) and value else None


def to_taken(entity: Mapping[str, Any]) -> Taken:
    """The payment in an entity of Razorpay's. Raises MalformedPaymentError."""
    payment = to_payment(entity)
    back = payment.status == "refunded" and entity.get("captured") in {True, "1"}  # else it was given back uncaptured
    return Taken(
        payment=payment,
        captured=payment.is_captured or back,
        refunded=_whole(entity, "amount_refunded") if entity.get("amount_refunded") is not None else 0,
        fee=_whole(entity, "fee") if entity.get("fee") is not None else None,
        tax=_whole(entity, "tax") if entity.get("tax") is not None else None,
        created_at=_whole(entity, "created_at"),
        is_token=bool(entity.get("customer_id")) and not payment.invoice_id and payment.amount <= LARGEST_TOKEN,
    )


_REFUND_WORDS = {"pending": "created"}  # Razorpay's word for what its first event tells
_DISPUTE_WORDS = dict.fromkeys(("open", "under_review", "action_required"), "created")


def refund_status(entity: Mapping[str, Any]) -> str:
    """How a refund of Razorpay's stands, in the ledger's words. Raises MalformedPaymentError."""
    status = _text(entity, "status")
    if status is None:
        raise MalformedPaymentError("status")
    return _REFUND_WORDS.get(status, status)


def dispute_status(entity: Mapping[str, Any]) -> str:
    """How a dispute of Razorpay's stands, in the ledger's words. Raises MalformedPaymentError."""
    status = _text(entity, "status")
    if status is None:
        raise MalformedPaymentError("status")
    return _DISPUTE_WORDS.get(status, status)


def to_line(entity: Mapping[str, Any]) -> Line:
    """The line of a settlement in a row of Razorpay's report. Raises MalformedPaymentError."""
    name, settlement = _text(entity, "entity_id"), _text(entity, "settlement_id")
    if name is None or settlement is None:
        raise MalformedPaymentError("entity_id")
    return Line(
        id=name,
        type=_text(entity, "type") or "",
        settlement_id=settlement,
        payment_id=_text(entity, "payment_id"),
        dispute_id=_text(entity, "dispute_id"),
        plain=entity.get("credit_type", "default") == "default",
        **{each: _whole(entity, each) for each in ("amount", "created_at")},
        **{
            each: _whole(entity, each) if entity.get(each) is not None else 0
            for each in ("debit", "credit", "fee", "tax")
        },
    )


# One payment


def compare(case: Case) -> list[Difference]:
    """Every difference between the ledger and Razorpay about one payment."""
    if case.ours is None:
        return list(_unknown_here(case))
    if case.theirs is None:
        return [_named(case, Kind.NOT_AT_RAZORPAY, ours=_standing(case.ours))]
    return [*_payment(case, case.theirs, case.ours), *_refunds(case, case.ours), *_disputes(case, case.ours)]


def _named(
    case: Case, kind: Kind, *, of: str | None = None, ours: str | int | None = None, theirs: str | int | None = None
) -> Difference:
    told = case.ours.order_id if case.ours else None
    user_id = (case.ours.user_id if case.ours else None) or (case.owed.user_id if case.owed else None)
    return Difference(
        kind=kind,
        id=of or case.payment_id,
        payment_id=case.payment_id,
        order_id=told or (case.theirs.payment.order_id if case.theirs else None),
        user_id=user_id,
        ours=ours,
        theirs=theirs,
    )


def _standing(entry: Noted) -> str:
    return "granted" if entry.granted else f"kept: {entry.reason}"


def _unknown_here(case: Case) -> Iterator[Difference]:
    if case.theirs is None or not case.theirs.captured or case.theirs.is_token:
        return
    kind = Kind.NOT_ON_LEDGER if case.owed else Kind.UNKNOWN_ORDER
    if case.owed and case.payment_id in case.owed.paid_by:
        kind = Kind.ENTRY_LOST
    yield _named(case, kind, theirs=case.theirs.payment.amount)


def _payment(case: Case, theirs: Taken, ours: Noted) -> Iterator[Difference]:
    paid = theirs.payment
    if not theirs.captured and ours.reason != Reason.REFUNDED:
        yield _named(case, Kind.NOT_CAPTURED, ours=_standing(ours), theirs=paid.status)
    for kind, here, there in (
        (Kind.AMOUNT_DIFFERS, ours.amount, paid.amount),
        (Kind.CURRENCY_DIFFERS, ours.currency, paid.currency),
        (Kind.ORDER_DIFFERS, ours.order_id, paid.order_id),
    ):
        if here != there:
            yield _named(case, kind, ours=here, theirs=there)
    if case.owed is None:
        if ours.granted:
            yield _named(case, Kind.GRANTED_WITHOUT_ORDER, ours=ours.mandate_id or ours.order_id)
    elif ours.user_id != case.owed.user_id and (ours.granted or ours.user_id):
        yield _named(case, Kind.OWNER_DIFFERS, ours=ours.user_id, theirs=case.owed.user_id)


def _refunds(case: Case, ours: Noted) -> Iterator[Difference]:
    for name, made in case.refunds.items():
        noted = ours.refunds.get(name)
        if noted is None:
            yield _named(case, Kind.REFUND_NOT_NOTED, of=name, theirs=made.amount)
            continue
        if noted.amount != made.amount:
            yield _named(case, Kind.REFUND_AMOUNT_DIFFERS, of=name, ours=noted.amount, theirs=made.amount)
        if noted.status != made.status:
            kind = Kind.REFUND_BEHIND if noted.status == "created" else Kind.REFUND_STATUS_DIFFERS
            yield _named(case, kind, of=name, ours=noted.status, theirs=made.status)
    for name in sorted(set(ours.refunds) - set(case.refunds)):
        yield _named(case, Kind.REFUND_NOT_AT_RAZORPAY, of=name, ours=ours.refunds[name].amount)


def _disputes(case: Case, ours: Noted) -> Iterator[Difference]:
    for name, status in case.disputes.items():
        noted = ours.disputes.get(name)
        if status is None:
            yield _named(case, Kind.DISPUTE_NOT_AT_RAZORPAY, of=name, ours=noted)
        elif noted is None:
            yield _named(case, Kind.DISPUTE_NOT_NOTED, of=name, theirs=status)
        elif noted != status:
            yield _named(case, Kind.DISPUTE_STATUS_DIFFERS, of=name, ours=noted, theirs=status)


# One line of a settlement


def settled(line: Line, case: Case | None, settlements: tuple[str, ...]) -> list[Difference]:
    """Every difference between a line and what it settles. `case` is the line's payment, or the payment of its refund;
    `settlements` are all that the line's payment or refund ever stood in, this one included, as often as it did."""
    found = list(_settled(line, case))
    if len(settlements) > 1:
        found.append(_line(line, case, Kind.SETTLED_TWICE, ours=1, theirs=", ".join(sorted(settlements))))
    return found


def _line(
    line: Line, case: Case | None, kind: Kind, *, ours: str | int | None = None, theirs: str | int | None = None
) -> Difference:
    about = _named(case, kind) if case else Difference(kind=kind, id=line.id)
    return Difference(
        kind=kind,
        id=f"{line.id}@{line.settlement_id}" if kind is not Kind.SETTLED_TWICE else line.id,
        payment_id=about.payment_id or line.payment_id,
        order_id=about.order_id,
        user_id=about.user_id,
        ours=ours,
        theirs=theirs,
    )


def _settled(line: Line, case: Case | None) -> Iterator[Difference]:
    match line.type:
        case "payment":
            yield from _settled_payment(line, case)
        case "refund":
            yield from _settled_refund(line, case)
        case _:
            lost = case and case.ours and line.dispute_id and case.ours.disputes.get(line.dispute_id) == "lost"
            if not lost:
                yield _line(line, case, Kind.SETTLED_ADJUSTMENT, theirs=line.credit - line.debit)


def _settled_payment(line: Line, case: Case | None) -> Iterator[Difference]:
    theirs = case.theirs if case else None
    if theirs is None or not theirs.captured:
        yield _line(
            line, case, Kind.SETTLED_UNKNOWN, ours=theirs.payment.status if theirs else None, theirs=line.amount
        )
        return
    for kind, known, told in (
        (Kind.SETTLED_AMOUNT_DIFFERS, theirs.payment.amount, line.amount),
        (Kind.SETTLED_FEE_DIFFERS, theirs.fee, line.fee),
        (Kind.SETTLED_TAX_DIFFERS, theirs.tax, line.tax),
        (Kind.SETTLED_CREDIT_DIFFERS, line.amount - line.fee if line.plain else None, line.credit - line.debit),
    ):
        if known is not None and known != told:
            yield _line(line, case, kind, ours=known, theirs=told)


def _settled_refund(line: Line, case: Case | None) -> Iterator[Difference]:
    made = case.refunds.get(line.id) if case else None
    if made is None:
        yield _line(line, case, Kind.SETTLED_UNKNOWN, theirs=line.amount)
        return
    if made.amount != line.amount:
        yield _line(line, case, Kind.SETTLED_AMOUNT_DIFFERS, ours=made.amount, theirs=line.amount)
    if line.plain and line.debit - line.credit != line.amount:
        yield _line(line, case, Kind.SETTLED_CREDIT_DIFFERS, ours=line.amount, theirs=line.debit - line.credit)
