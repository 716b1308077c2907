"""The mails users get: what each says. Pure; `tollgate.letters` lays them out and escapes what they say."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

from tollgate import calendar, money, plans
from tollgate.http.catalogue import ROWS_OF_FEATURES, ROWS_OF_UNITS, allowance
from tollgate.letters import Letter, Mail, Sender, mail
from tollgate.margin import GST_PER_CENT, margin
from tollgate.notices import ABOUT_EXPIRY, ABOUT_USAGE, Kind, Notice
from tollgate.plans import Unit
from tollgate.refusals import WORDS

type Facts = Mapping[str, Any]


_LETTERS: dict[Kind, Callable[[Facts], Letter]] = {}


def letter(kind: Kind) -> Callable[[Callable[[Facts], Letter]], Callable[[Facts], Letter]]:
    """Register what a mail of this kind says."""

    def register(write: Callable[[Facts], Letter]) -> Callable[[Facts], Letter]:
        _LETTERS[kind] = write
        return write

    return register


class UnwritableError(Exception):
    """A notice lacks a fact that its mail tells, or has one that cannot be read: a bug of ours, and no reason to wait."""


def render(notice: Notice, sender: Sender) -> Mail:
    """The mail of a notice. Raises UnwritableError."""
    try:
        return mail(_LETTERS[notice.kind](notice.facts), _why(notice.kind), sender)
    except (KeyError, TypeError, ValueError) as error:
        raise UnwritableError(notice.kind) from error


def _why(kind: Kind) -> str:
    if kind in ABOUT_USAGE:
        return "You get this mail because usage alerts are on in your preferences; you can turn them off there."
    if kind in ABOUT_EXPIRY:
        return "You get this mail because expiry reminders are on in your preferences; you can turn them off there."
    return "You get this mail because it is about a payment or a plan of yours."


# What they say


@letter(Kind.PAYMENT)
def _payment(facts: Facts) -> Letter:
    plan, amount = _plan(facts), money.written(facts["amount"])
    when = (
        f"The period it pays for begins on {_day(facts['startDate'])}, when your present one ends."
        if facts["ahead"]
        else "Thank you."
    )
    credit = facts.get("credit", 0)
    return Letter(
        subject=f"Payment received: {amount} for {plan}",
        heading="We have received your payment",
        paragraphs=(f"Your payment of {amount} for the {plan} plan was successful. {when}",),
        rows=(
            ("Plan", plan),
            ("Amount paid", amount),
            (f"GST included ({GST_PER_CENT} %)", money.written(margin(facts["amount"], 0, 0).gst)),
            *((("Credit from your earlier plan", money.written(credit)),) if credit else ()),
            ("Period", _period(facts)),
            ("Payment id", str(facts["paymentId"])),
        ),
        closing="Please keep this mail as your confirmation. It is not a tax invoice.",
        action="See your payments",
    )


@letter(Kind.PAYMENT_UNDER_REVIEW)
def _under_review(facts: Facts) -> Letter:
    amount = money.written(facts["amount"])
    return Letter(
        subject=f"We are looking at your payment of {amount}",
        heading="Your payment arrived, and we are looking at it",
        paragraphs=(
            f"We have received {amount} from you, but it does not fit what we expected, so no plan was started for it yet.",
            "You need not do anything, and please do not pay again. We will either start your plan or send the money back.",
        ),
        rows=(("Amount", amount), ("Payment id", str(facts["paymentId"]))),
    )


@letter(Kind.PAYMENT_FAILED)
def _failed(facts: Facts) -> Letter:
    plan, amount = _plan(facts), money.written(facts["amount"])
    if "final" not in facts:
        return Letter(
            subject=f"Your payment for {plan} did not go through",
            heading="Your payment did not go through",
            paragraphs=(
                f"The payment of {amount} for the {plan} plan failed, and nothing has changed in your account.",
                "If money left your account, your bank returns it. Should it reach us after all, your plan starts by itself.",
                "You can try again whenever you like.",
            ),
            rows=(("Plan", plan), ("Amount", amount), ("Order id", str(facts["orderId"]))),
            action="Try again",
        )
    return _renewal_given_up(plan, amount) if facts["final"] else _renewal_failed(facts, plan, amount)


def _renewal_failed(facts: Facts, plan: str, amount: str) -> Letter:
    paid = calendar.parse(facts["endDate"]) if facts["endDate"] else None
    until = f"until {calendar.written(paid + timedelta(days=facts['graceDays']))}" if paid else "for now"
    return Letter(
        subject=f"The renewal of your {plan} plan did not go through",
        heading="Your renewal did not go through",
        paragraphs=(
            f"We could not collect {amount} for the next period of your {plan} plan.",
            f"It is tried again over the next days, and you keep your plan {until}.",
            "Please see that your account or card can be charged. If it still fails, your plan ends; you can renew at any time.",
        ),
        rows=(("Plan", plan), ("Amount", amount), *(((("Paid until", calendar.written(paid))),) if paid else ())),
        action="See your plan",
    )


def _renewal_given_up(plan: str, amount: str) -> Letter:
    return Letter(
        subject=f"Your {plan} plan could not be renewed",
        heading="Your plan could not be renewed",
        paragraphs=(
            f"Every attempt to collect {amount} for your {plan} plan failed, and no further one is made by itself.",
            "Your resumes stay where they are. To go on with the plan, renew it in your account.",
        ),
        rows=(("Plan", plan), ("Amount", amount)),
        action="Renew now",
    )


@letter(Kind.REFUND)
def _refund(facts: Facts) -> Letter:
    amount, paid = money.written(facts["refunded"]), money.written(facts["amount"])
    plan = _plan(facts) if facts["tier"] else None
    ended = f"The {plan} period it paid for has ended." if plan else "Nothing else changes in your account."
    whole = f"Your whole payment is on its way back. {ended}"
    part = f"This is a part of your payment of {paid}. Your plan goes on."
    return Letter(
        subject=f"Refund of {amount}",
        heading="We have sent money back to you",
        paragraphs=(
            f"We have refunded {amount}. {whole if facts['whole'] else part}",
            "Banks usually show it within five to seven working days, on the account or card that you paid with.",
        ),
        rows=(("Refund", amount), ("Of a payment of", paid), ("Payment id", str(facts["paymentId"]))),
        action="See your payments",
    )


@letter(Kind.TAKEN_BACK)
def _taken_back(facts: Facts) -> Letter:
    amount = money.written(facts["amount"])
    return Letter(
        subject=f"Your bank took back the payment of {amount}",
        heading="A disputed payment was taken back",
        paragraphs=(
            f"Your bank decided the dispute about your payment of {amount} and took the money back.",
            "The period that it paid for has ended.",
            "If you did not mean to dispute it, you can buy the plan again at any time.",
        ),
        rows=(("Amount", amount), ("Payment id", str(facts["paymentId"]))),
    )


@letter(Kind.STARTED)
def _started(facts: Facts) -> Letter:
    plan = _plan(facts)
    return Letter(
        subject=f"Your {plan} plan has started",
        heading=f"Your {plan} plan has started",
        paragraphs=("Everything it includes is open to you from now on.",),
        rows=(*_includes(facts["tier"]), ("Runs", _until(facts))),
        action="Write your next resume",
    )


@letter(Kind.RENEWED)
def _renewed(facts: Facts) -> Letter:
    plan = _plan(facts)
    return Letter(
        subject=f"Your {plan} plan is renewed",
        heading=f"Your {plan} plan is renewed",
        paragraphs=("Your new period follows your present one without a gap, and no day is lost.",),
        rows=(("Plan", plan), ("New period", _period(facts))),
    )


@letter(Kind.CANCELLED)
def _cancelled(facts: Facts) -> Letter:
    plan, end = _plan(facts), facts["endDate"]
    by = (
        f"Your bank or payment app stopped the automatic renewal, so your {plan} plan will not be charged again."
        if facts.get("byBank")
        else f"As you asked, your {plan} plan will not be renewed or charged again."
    )
    kept = (
        f"You keep it until {_day(end)}; after that you can go on using the free plan."
        if end
        else "You keep it: it has no end."
    )
    return Letter(
        subject=f"Your {plan} plan is cancelled",
        heading=f"Your {plan} plan is cancelled",
        paragraphs=(f"{by} {kept}",),
        rows=(("Plan", plan), *((("Access until", _minute(end)),) if end else ())),
        closing="Changed your mind? You can renew at any time.",
        action="Renew your plan",
    )


@letter(Kind.EXPIRED)
def _expired(facts: Facts) -> Letter:
    plan = _plan(facts)
    return Letter(
        subject=f"Your {plan} plan has ended",
        heading=f"Your {plan} plan has ended",
        paragraphs=(
            f"Your {plan} plan ended on {_day(facts['endDate'])}. Your account is now on the free plan.",
            "Nothing you made is lost, and you can renew at any time.",
        ),
        action="Renew your plan",
    )


@letter(Kind.EXPIRY_REMINDER)
def _reminder(facts: Facts) -> Letter:
    plan, days, end = _plan(facts), int(facts["days"]), _day(facts["endDate"])
    left = {0: "today", 1: "tomorrow"}.get(days, f"in {days} days")
    if facts.get("autoRenew"):
        return Letter(
            subject=f"Your {plan} plan renews {left}",
            heading=f"Your {plan} plan renews {left}",
            paragraphs=(
                f"Your {plan} plan is paid until {end} and is then renewed automatically.",
                "Your bank tells you before it charges you.",
                "If you do not want that, cancel before then; you keep your plan until that day.",
            ),
            action="See your plan",
        )
    return Letter(
        subject=f"Your {plan} plan ends {left}",
        heading=f"Your {plan} plan ends {left}",
        paragraphs=(f"Your {plan} plan runs until {end}. {_before_it_ends(facts)}",),
        rows=(("Plan", plan), ("Ends", _minute(facts["endDate"]))),
        action="See your plan" if _is_pass(facts) else "Renew your plan",
    )


def _before_it_ends(facts: Facts) -> str:
    if _is_pass(facts):
        return "What is left of it then is lost. You can buy another once its resume is written, or when it has ended."
    return "Renew now and the new period begins when this one ends: no day is lost."


@letter(Kind.USAGE_NEAR_LIMIT)
def _near_limit(facts: Facts) -> Letter:
    what = WORDS[Unit(facts["limitType"])]
    return Letter(
        subject=f"You have used {facts['used']} of {facts['limit']} {what}",
        heading=f"{facts['used']} of {facts['limit']} {what} used",
        paragraphs=(f"You are close to your plan's limit of {what}. {_resets(facts)}",),
        rows=(("Used", str(facts["used"])), ("Limit", str(facts["limit"]))),
        action="See your usage",
    )


@letter(Kind.USAGE_AT_LIMIT)
def _at_limit(facts: Facts) -> Letter:
    what = WORDS[Unit(facts["limitType"])]
    return Letter(
        subject=f"You have used all of your {what}: {facts['used']} of {facts['limit']}",
        heading=f"{facts['used']} of {facts['limit']} {what} used",
        paragraphs=(
            f"You have reached your plan's limit of {what}. {_resets(facts)} A larger plan gives you more at once.",
        ),
        rows=(("Used", str(facts["used"])), ("Limit", str(facts["limit"]))),
        action="See larger plans",
    )


# Words


def _plan(facts: Facts) -> str:
    """A plan as people call it: `Pro monthly`, or `Student` where there is only one."""
    found = plans.find(facts["tier"], facts["plan"])
    if found is None:  # sold once, and not any more
        return f"{facts['tier']} {facts['plan']}"
    tier, plan = found
    return tier.name if len(tier.plans) == 1 else f"{tier.name} {plan.id}"


def _is_pass(facts: Facts) -> bool:
    found = plans.find(facts["tier"], facts["plan"])
    return found is not None and found[0].is_pass


def _day(instant: str) -> str:
    return calendar.written(calendar.parse(instant))


def _minute(instant: str) -> str:
    return calendar.written_to_the_minute(calendar.parse(instant))


def _period(facts: Facts) -> str:
    begin = _day(facts["startDate"])
    return f"{begin} to {_day(facts['endDate'])}" if facts["endDate"] else f"from {begin} on, without end"


def _until(facts: Facts) -> str:
    return f"until {_day(facts['endDate'])}" if facts["endDate"] else "without end"


def _includes(tier_id: str) -> tuple[tuple[str, str], ...]:
    tier = plans.tier(tier_id)
    counted = [(ROWS_OF_UNITS[unit], str(allowance(limit))) for unit, limit in tier.limits.items() if limit.count != 0]
    perks = [name for feature, name in ROWS_OF_FEATURES.items() if feature in tier.features]
    return (*counted, *((("Also included", ", ".join(perks)),) if perks else ()))


def _resets(facts: Facts) -> str:
    reset = facts.get("resetDate")
    if reset is None:
        return "It is for the whole of the plan you bought and does not start again."
    on = date.fromisoformat(reset)
    return f"The count starts again at zero on {on.day} {calendar.MONTHS[on.month - 1]} {on.year}."
