"""What must hold of a user's money. Each yields what it finds broken. Amounts in paise."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import fields
from itertools import pairwise

from tollgate import plans
from tollgate.invariants.facts import Facts, Row
from tollgate.payments.mandates import CYCLE, FINAL, Stage
from tollgate.payments.orders import Resolution
from tollgate.payments.reversals import FINAL as FINAL_REFUND
from tollgate.payments.reversals import LOST, TURNS, WON
from tollgate.store import records
from tollgate.store.reversals import DISPUTE, REFUND
from tollgate.subscriptions import ENDED, Status, Subscription


def _refunds(row: Row) -> dict[str, Row]:
    return {name.removeprefix(REFUND): told for name, told in row.items() if name.startswith(REFUND)}


def _gone(row: Row, *, final: bool = False) -> int:
    """Paise of a payment that went back, or are to; only for good if `final`."""
    wanted = {"processed"} if final else {"processed", "created"}
    return sum(told["amount"] for told in _refunds(row).values() if told["status"] in wanted)


def _taken_back(row: Row) -> bool:
    """Whether a payment pays for nothing any more: all of it went back, or a dispute took it."""
    disputes = {value for name, value in row.items() if name.startswith(DISPUTE)}
    return _gone(row, final=True) >= row["amount"] or (LOST in disputes)


def conserved(facts: Facts) -> Iterator[str]:
    """I1: of every payment, captured minus refunded is granted or kept for review, to the paisa."""
    for name in facts.gateway.keys() | facts.payments.keys():
        told, row = facts.gateway.get(name), facts.payments.get(name)
        ours = row["amount"] - _gone(row) if row else 0
        if told and told.kept != ours:
            yield f"{name}: the gateway keeps {told.kept} paise and we account for {ours}"


def told_truly(facts: Facts) -> Iterator[str]:
    """I1, whatever is still on its way: what is written of a payment is what the gateway took, and no more of it is written as
    gone than the gateway gave back."""
    for name, row in facts.payments.items():
        told, gone = facts.gateway.get(name), _gone(row, final=True)
        kept = _gone(row) < row["amount"]  # what went back before it was ever captured is written only as gone
        if told and ((kept and not told.captured) or told.amount != row["amount"] or told.refunded < gone):
            yield f"{name}: {row['amount']} paise are written, {gone} of them as gone, and it is {told}"


def decided(facts: Facts) -> Iterator[str]:
    """I3, of what is written: it is granted or kept for review from its first moment on."""
    for name, row in facts.payments.items():
        if "subscription" not in row and "reason" not in row:
            yield f"{name} is neither granted nor kept for review"


def credited_once(facts: Facts) -> Iterator[str]:
    """I1: value is neither made nor lost. No period is credited twice or for more than it was worth, and what was credited is
    used or left, to the paisa, but for what a refund took back."""
    worth = {each.subscription_id: each for each in facts.timeline}
    given: Counter[str] = Counter()
    for order in _paid_orders(facts):
        given.update(order["credited"])
    for name, paise in given.items():
        value = worth[name].value if name in worth else 0
        if paise > value or worth[name].status not in ENDED:
            yield f"{name} was worth {value} paise and {paise} of it were credited"
    credited = sum(each.credited for each in worth.values() if each.status is Status.REPLACED)
    used = sum(each.credit for each in worth.values() if each.status is not Status.REFUNDED)
    taken = sum(sum(row.get("undone", {}).get("taken", {}).values()) for row in facts.granted.values())
    balance = facts.user.credit_balance if facts.user else 0
    lost = credited - used - balance - taken
    may_be_lost = any(
        _won(row) for row in facts.granted.values()
    )  # what was taken of a plan that then ran out is not due again
    if balance < 0 or lost < 0 or (lost and not may_be_lost):
        yield f"{credited} paise of credit were given, {used} are used, {balance} left and {taken} taken back"


def _paid_orders(facts: Facts) -> list[Row]:
    """The orders that were granted as quoted; what an administrator granted takes no credit."""
    rows = [row for row in facts.granted.values() if not _by_hand(row) and row.get("orderId") in facts.ledger]
    return [order for row in rows if "credited" in (order := facts.ledger[row["orderId"]])]


def _by_hand(row: Row) -> bool:
    return bool(row.get("resolution") == Resolution.GRANT)


def granted_once(facts: Facts) -> Iterator[str]:
    """I2: at most one grant a payment, an order and a cycle; each is one period, and each period is one grant."""
    periods = Counter(row["razorpayPaymentId"] for row in facts.periods)
    for name in periods.keys() | facts.granted.keys():
        if periods[name] != 1 or name not in facts.granted:
            yield f"{name} has {periods[name]} periods and {int(name in facts.granted)} grants"
    quoted = {name: row for name, row in facts.granted.items() if not _by_hand(row)}
    orders = Counter(row["orderId"] for row in quoted.values() if "mandateId" not in row)
    yield from (f"{name} was granted {times} times" for name, times in orders.items() if times > 1)
    for name, row in quoted.items():
        order = facts.ledger.get(row["orderId"]) if "mandateId" not in row else None
        if order and order.get("paymentId") != name:
            yield f"{row['orderId']} was granted for {name} and says {order.get('paymentId')}"
    cycles = Counter(value for row in facts.of_kind("mandate").values() for value in _cycles(row).values())
    yield from (f"{name} paid for {times} cycles" for name, times in cycles.items() if times > 1)
    for name, row in quoted.items():
        if row.get("mandateId") in facts.ledger and name not in cycles:
            yield f"{name} was granted for a cycle and {row['mandateId']} does not say so"


def _cycles(row: Row) -> dict[str, str]:
    return {name: value for name, value in row.items() if name.startswith(CYCLE)}


def accounted_for(facts: Facts) -> Iterator[str]:
    """I3: captured money is granted, refunded or kept for review, and what was to go back is on its way or before a person."""
    for name, told in facts.gateway.items():
        if told.kept > 0 and name not in facts.payments:
            yield f"{name}: {told.kept} paise were captured and nothing is written of them"
    for name, row in facts.payments.items():
        if (
            row.get("resolution") == Resolution.REFUND
            and "flagged" not in row
            and not row.get("refundId")
            and not _refunds(row)
        ):
            yield f"{name} was to go back, has not, and nobody sees it"


def paid_for(facts: Facts) -> Iterator[str]:
    """I4: no money, no plan. A grant is of captured money, of its order's or mandate's price, in rupees, to its owner; and
    nobody has access by a payment that went back."""
    for name, row in facts.granted.items():
        told = facts.gateway.get(name)
        if told and not (told.captured and (told.amount, told.currency) == (row["amount"], row["currency"])):
            yield f"{name} was granted as {row['amount']} {row['currency']} and is {told}"
        if not _by_hand(row) and (misfit := _misfit(facts, row)):
            yield f"{name} {misfit}"
        if row.get("subscription", {}).get("amount") != row["amount"]:
            yield f"{name} is not worth what was paid"
    for each in _standing(facts):
        paid = facts.granted.get(each.razorpay_payment_id or "")
        if paid is None or (each.is_active(facts.now) and _taken_back(paid) and not _won(paid)):
            yield f"{each.subscription_id} stands and {each.razorpay_payment_id} does not pay for it"


def _misfit(facts: Facts, row: Row) -> str | None:
    asked = facts.ledger.get(row["mandateId"] if "mandateId" in row else row["orderId"] or "")
    if asked is None:
        return "was asked for by nothing of ours"
    if (asked["userId"], row["userId"]) != (facts.user_id, facts.user_id):
        return f"is {asked['userId']}'s and was granted to {row['userId']}"
    price = asked["price"] if "mandateId" in row else _payable(asked)
    if (row["amount"], row["currency"]) != (price, plans.CURRENCY):
        return f"is {row['amount']} {row['currency']} and {price} paise were asked for"
    return None


def _payable(order: Row) -> int:
    given = sum(order["credited"].values()) + order["fromBalance"]
    payable: int = order["price"] - (given - order["creditLeft"])
    return payable if payable == order["amount"] >= plans.MINIMUM_CHARGE_PAISE else -1


def _won(row: Row) -> bool:
    return any(value == WON for name, value in row.items() if name.startswith(DISPUTE))


def _standing(facts: Facts) -> list[Subscription]:
    """What still gives access or will, as the user's record and the periods' own rows have it."""
    held = [*map(facts.standing, facts.user.subscriptions if facts.user else ()), *facts.timeline]
    return [each for each in dict.fromkeys(held) if not each.is_over(facts.now)]


def forward_only(before: Facts, after: Facts) -> Iterator[str]:
    """I5: nothing written is unwritten: orders, payments, mandates, periods never move back, and what goes back is a new fact."""
    for name, row in before.ledger.items():
        later = after.ledger.get(name)
        if later is None:
            yield f"{name} is gone"
            continue
        yield from (f"{name}: {fact} was {row[fact]!r}, is {later.get(fact)!r}" for fact in _taken(row, later))
    kept = {row["subscriptionId"]: row for row in after.periods}
    for row in before.periods:
        later = kept.get(row["subscriptionId"])
        if later is None or _reopened(row, later, after):
            yield f"{row['subscriptionId']} was {row['status']} and is {later and later['status']}"
    if (before.record or {}).get("version", 0) > (after.record or {}).get("version", 0):
        yield f"{before.user_id}'s version fell"


_FIXED = frozenset(
    {
        "paymentId",
        "orderId",
        "userId",
        "amount",
        "currency",
        "subscription",
        "reason",
        "resolution",
        "refundId",
        "cancelAt",
    }
)
_RISING = frozenset({"changes", "toldAt", "paidUntil", "cancelled"})


def _taken(row: Row, later: Row) -> Iterator[str]:
    """The facts of a row that may not change once they are there, or only rise, and did otherwise."""
    for fact, value in row.items():
        now = later.get(fact)
        if fact in _RISING:
            moved_back = now is None or now < value
        elif fact.startswith(REFUND):
            moved_back = now is None or (value["status"] in FINAL_REFUND and now != value)
        elif fact.startswith(DISPUTE):
            moved_back = now is None or TURNS.index(now) < TURNS.index(value)
        else:
            moved_back = now != value and _is_fixed(row, fact, later)
        if moved_back:
            yield fact


def _is_fixed(row: Row, fact: str, later: Row) -> bool:
    # A payment that was granted, maybe since, may come before a person again, for another reason.
    if fact == "reason" and "subscription" in later:
        return False
    ended = fact == "status" and row["kind"] == "mandate" and Stage(row[fact]) in FINAL
    return ended or fact in _FIXED or fact.startswith(CYCLE)


def _reopened(row: Row, later: Row, after: Facts) -> bool:
    if row["status"] not in ENDED or later["status"] == row["status"]:
        return False
    paid = after.granted.get(row["razorpayPaymentId"], {})
    return not (row["status"] == Status.REFUNDED and _won(paid))  # a dispute won after all restores


def rebuilt(facts: Facts) -> Iterator[str]:
    """I6: the user's timeline is what the periods' own rows add up to, and each of them is in the ledger."""
    held = {each.subscription_id: facts.standing(each) for each in (facts.user.subscriptions if facts.user else ())}
    rows = {each.subscription_id: each for each in facts.timeline}
    for name, each in held.items():
        if rows.get(name) != each:
            yield f"{name} is otherwise by itself than on the record: {_differences(each, rows.get(name))}"
    for name, each in rows.items():
        if not each.is_over(facts.now) and name not in held:
            yield f"{name} stands by itself and is not on the record"
    for row in facts.granted.values():
        period, granted = rows.get(row["subscription"]["subscriptionId"]), records.to_subscription(row["subscription"])
        if period and (period.tier, period.plan, period.amount) != (granted.tier, granted.plan, granted.amount):
            yield f"{granted.subscription_id} was granted as {granted.tier} and is {period.tier}"
    active = [each for each in held.values() if each.is_active(facts.now) and not each.is_past_due(facts.now)]
    if len(active) > 1:
        yield f"{len(active)} plans run at once"
    ahead = sorted((each for each in held.values() if not each.is_over(facts.now)), key=lambda each: each.start_date)
    for one, other in pairwise(ahead):
        if one.tier == other.tier and one.end_date and other.start_date < one.end_date:
            yield f"{one.subscription_id} and {other.subscription_id} are paid for and run at once"


def _differences(one: Subscription, other: Subscription | None) -> str:
    if other is None:
        return "it is not there"
    told = ((each.name, getattr(one, each.name), getattr(other, each.name)) for each in fields(one))
    return ", ".join(f"{name} {there} and {here}" for name, here, there in told if here != there)


def acknowledged(facts: Facts) -> Iterator[str]:
    """I9: what was answered 2xx is written."""
    return (f"{name} was acknowledged and is not written" for name in facts.acknowledged if name not in facts.ledger)


def refunded_once(facts: Facts) -> Iterator[str]:
    """I11: never more goes back than came, a refund is of one payment, and what a person decided to give back is not granted."""
    seen: Counter[str] = Counter()
    for name, row in facts.payments.items():
        seen.update(_refunds(row).keys())
        if _gone(row) > row["amount"]:
            yield f"{name}: {_gone(row)} paise of {row['amount']} went back"
        if row.get("resolution") == Resolution.REFUND and "subscription" in row:
            yield f"{name} was given back and granted"
    yield from (f"{name} is a refund of {times} payments" for name, times in seen.items() if times > 1)
    for name, told in facts.gateway.items():
        if told.captured and not 0 <= told.refunded <= told.amount:
            yield f"{name}: {told.refunded} paise of {told.amount} went back"
