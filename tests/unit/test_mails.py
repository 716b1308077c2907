"""Every mail: the facts it has to tell, that nothing in it becomes markup, and that nothing was left out."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest

from tests.unit.factories import NOW
from tollgate import letters, money, plans
from tollgate.letters import Letter, Mail, Sender
from tollgate.mails import UnwritableError, render
from tollgate.notices import Kind, Notice, is_wanted
from tollgate.users import Notifications

SENDER = Sender(address="Resume Works <hello@example.in>", app_url="https://app.example.in/?a=1&b=2")
PERIOD = {
    "tier": "pro",
    "plan": "yearly",
    "amount": 149_000,
    "credit": 0,
    "paymentId": "pay_1",
    "startDate": "2026-11-23T10:20:00Z",
    "endDate": "2027-11-23T10:20:00Z",
    "autoRenew": False,
    "ahead": False,
}
USAGE = {"limitType": "coverLetters", "used": 4, "limit": 5, "resetDate": "2026-12-01"}
MANDATE = {"tier": "pro", "plan": "monthly", "amount": 14_900, "endDate": "2026-12-22T18:30:00Z", "graceDays": 4}
REMINDER = {"tier": "pro", "plan": "monthly", "endDate": "2026-12-23T10:20:00Z", "days": 3, "autoRenew": False}
PAYMENT = {"tier": "pro", "plan": "monthly", "amount": 14_900, "paymentId": "pay_1"}

# What each kind of notice carries, and what a reader has to find in its mail.
CASES: list[tuple[Kind, dict[str, Any], tuple[str, ...]]] = [
    (Kind.PAYMENT, PERIOD, ("₹1,490", "Pro yearly", "₹227.29", "23 November 2026 to 23 November 2027", "pay_1")),
    (Kind.PAYMENT, PERIOD | {"credit": 5_050}, ("₹50.50",)),
    (Kind.PAYMENT, PERIOD | {"ahead": True}, ("begins on 23 November 2026, when your present one ends",)),
    (
        Kind.PAYMENT,
        PERIOD | {"tier": "lifetime", "plan": "lifetime", "endDate": None},
        ("Lifetime plan", "without end"),
    ),
    (Kind.PAYMENT_UNDER_REVIEW, PAYMENT | {"tier": None, "plan": None}, ("₹149", "pay_1", "do not pay again")),
    (Kind.PAYMENT_FAILED, PAYMENT | {"orderId": "order_1"}, ("₹149", "order_1", "nothing has changed")),
    (Kind.PAYMENT_FAILED, MANDATE | {"final": False}, ("₹149", "until 27 December 2026", "tried again")),
    (Kind.PAYMENT_FAILED, MANDATE | {"final": False, "endDate": None}, ("keep your plan for now",)),
    (Kind.PAYMENT_FAILED, MANDATE | {"final": True}, ("could not be renewed", "no further one")),
    (Kind.REFUND, PAYMENT | {"refunded": 14_900, "whole": True}, ("₹149", "whole payment", "has ended")),
    (Kind.REFUND, PAYMENT | {"refunded": 14_900, "whole": True, "tier": None}, ("Nothing else changes",)),
    (Kind.REFUND, PAYMENT | {"refunded": 4_900, "whole": False}, ("₹49", "a part", "Your plan goes on")),
    (Kind.TAKEN_BACK, PAYMENT, ("₹149", "dispute", "has ended")),
    (Kind.STARTED, PERIOD, ("Pro yearly", "ATS scans", "5/month", "unlimited", "until 23 November 2027")),
    (Kind.STARTED, PERIOD | {"endDate": None}, ("without end",)),
    (Kind.RENEWED, PERIOD, ("23 November 2026 to 23 November 2027", "no day is lost")),
    (Kind.CANCELLED, PERIOD, ("As you asked", "until 23 November 2027", "23 November 2027, 3:50 pm IST")),
    (Kind.CANCELLED, PERIOD | {"endDate": None}, ("it has no end",)),
    (Kind.CANCELLED, MANDATE | {"byBank": True}, ("Your bank or payment app", "until 23 December 2026")),
    (Kind.EXPIRED, PERIOD, ("ended on 23 November 2027", "nothing you made is lost".capitalize())),
    (Kind.EXPIRY_REMINDER, REMINDER, ("in 3 days", "23 December 2026, 3:50 pm IST", "Renew", "no day is lost")),
    (
        Kind.EXPIRY_REMINDER,
        REMINDER | {"tier": "one-time", "plan": "one-time"},
        ("What is left of it then is lost", "another"),
    ),
    (Kind.EXPIRY_REMINDER, REMINDER | {"days": 1}, ("ends tomorrow",)),
    (Kind.EXPIRY_REMINDER, REMINDER | {"days": 0}, ("ends today",)),
    (Kind.EXPIRY_REMINDER, REMINDER | {"autoRenew": True}, ("renewed automatically", "cancel before then")),
    (Kind.USAGE_NEAR_LIMIT, USAGE, ("4 of 5 cover letters", "1 December 2026")),
    (Kind.USAGE_AT_LIMIT, USAGE | {"used": 5}, ("5 of 5", "cover letters", "1 December 2026")),
    (Kind.USAGE_AT_LIMIT, USAGE | {"resetDate": None}, ("does not start again",)),
]
NAMES = [f"{kind}-{place}" for place, (kind, _, _) in enumerate(CASES)]
ABOUT_USAGE = {Kind.USAGE_AT_LIMIT, Kind.USAGE_NEAR_LIMIT}
ABOUT_EXPIRY = {Kind.EXPIRED, Kind.EXPIRY_REMINDER}


def mail(kind: Kind, facts: dict[str, Any], sender: Sender = SENDER) -> Mail:
    return render(Notice(id="n", user_id="u", kind=kind, at=NOW, facts=facts), sender)


class Read(HTMLParser):
    """What a person sees of a page, and whether its tags fit together."""

    VOID = frozenset({"meta", "br"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.open: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def test_every_kind_has_its_mail() -> None:
    assert {kind for kind, _, _ in CASES} == set(Kind)


@pytest.mark.parametrize(("kind", "facts", "told"), CASES, ids=NAMES)
def test_a_mail_tells_its_facts_as_a_page_and_as_text(kind: Kind, facts: dict[str, Any], told: tuple[str, ...]) -> None:
    sent = mail(kind, facts)
    page = Read(sent.html)
    for fact in told:
        assert fact in f"{sent.subject} {sent.text}"
        assert fact in f"{sent.subject} {page.text}"


@pytest.mark.parametrize(("kind", "facts", "told"), CASES, ids=NAMES)
def test_a_mail_is_whole(kind: Kind, facts: dict[str, Any], told: tuple[str, ...]) -> None:
    sent = mail(kind, facts)
    page = Read(sent.html)
    assert page.open == []  # every tag is closed
    assert page.tags <= {"html", "head", "meta", "title", "body", "table", "tr", "td", "th", "p", "h1", "a"}
    assert page.links == [SENDER.app_url]
    assert SENDER.app_url in sent.text
    assert "Resume Works" in page.text
    for words in (sent.subject, sent.text, page.text):
        assert re.search(r"[{}]|None|\bnan\b|datetime", words) is None
        assert "  " not in words
    assert 0 < len(sent.subject) < 78
    assert "\n" not in sent.subject
    assert len(sent.html) < 100_000  # beyond that, Gmail cuts


@pytest.mark.parametrize(("kind", "facts", "told"), CASES, ids=NAMES)
def test_nothing_a_fact_holds_becomes_markup(kind: Kind, facts: dict[str, Any], told: tuple[str, ...]) -> None:
    evil = "<script>alert(1)</script>\"'&\r\nBcc: all@example.com"
    words = {name: evil for name in ("paymentId", "orderId") if name in facts}
    gone = {"tier": evil, "plan": evil} if "tier" in facts and kind is not Kind.STARTED else {}
    sent = mail(kind, facts | words | gone, Sender(address=f"{evil} <a@example.com>", app_url='https://x/"><script>'))
    page = Read(sent.html)
    assert "script" not in page.tags
    assert page.open == []
    assert not set(sent.subject) & set("\r\n")


def test_the_layout_escapes_every_part_of_a_letter() -> None:
    evil = "<b>&</b>"
    letter = Letter(subject=evil, heading=evil, paragraphs=(evil,), rows=((evil, evil),), closing=evil, action=evil)
    page = Read(letters.mail(letter, evil, Sender(address="a@example.com", app_url=evil)).html)
    assert "b" not in page.tags
    assert page.text.count(evil) == 8  # title, heading, paragraph, both cells, closing, action, reason
    assert page.links == [evil]


def test_what_was_sold_once_and_is_not_any_more_is_still_named() -> None:
    assert "gold weekly" in mail(Kind.RENEWED, PERIOD | {"tier": "gold", "plan": "weekly"}).text


@pytest.mark.parametrize("facts", [{}, PERIOD | {"endDate": "soon"}, PERIOD | {"amount": "much"}])
def test_a_notice_that_lacks_a_fact_is_no_mail(facts: dict[str, Any]) -> None:
    with pytest.raises(UnwritableError):
        mail(Kind.PAYMENT, facts)


def test_dates_are_those_of_india() -> None:
    late = datetime(2026, 11, 30, 18, 30, tzinfo=UTC)  # midnight there
    facts = PERIOD | {"startDate": late.strftime("%Y-%m-%dT%H:%M:%SZ")}
    assert "1 December 2026 to" in mail(Kind.RENEWED, facts).text


def test_a_sender_without_a_name_is_the_product() -> None:
    assert Sender(address="no-reply@example.com", app_url="https://x").name == "ATS Resume Generator"


@pytest.mark.parametrize("kind", Kind)
def test_only_alerts_and_expiry_mails_can_be_turned_off(kind: Kind) -> None:
    assert is_wanted(kind, Notifications(usage_alerts=False)) == (kind not in ABOUT_USAGE)
    assert is_wanted(kind, Notifications(subscription_expiry=False)) == (kind not in ABOUT_EXPIRY)
    assert is_wanted(kind, Notifications())


@pytest.mark.parametrize(
    ("paise", "written"),
    [(0, "₹0"), (100, "₹1"), (4_900, "₹49"), (149_000, "₹1,490"), (149_005, "₹1,490.05"), (12_345_600, "₹1,23,456"),
     (1_234_567_890, "₹1,23,45,678.90"), (-4_900, "-₹49")],
)  # fmt: skip
def test_amounts_are_grouped_as_india_does(paise: int, written: str) -> None:
    assert money.written(paise) == written


@pytest.mark.parametrize("tier", [tier for tier in plans.TIERS if tier.paid], ids=lambda tier: tier.id)
def test_a_start_tells_what_the_plan_includes(tier: plans.Tier) -> None:
    for plan in tier.plans:
        sent = mail(Kind.STARTED, PERIOD | {"tier": tier.id, "plan": plan.id})
        for unit, label in (("resumes", "Resumes: "), ("coverLetters", "Cover letters: ")):
            assert (label in sent.text) == (tier.limits[plans.Unit(unit)].count != 0)
