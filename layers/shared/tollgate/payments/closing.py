"""Closing a day: ledger, Razorpay and settlements are compared, what is safe is repaired, and the report is kept.

A day is an India day, and closed once it is over. Lists at Razorpay are complete only after a while and a payment may be captured
days after it was begun, so each run looks back over an overlap. Work is cut into steps; a run that has to stop keeps a draft.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from itertools import batched
from typing import Any

from tollgate import app, calendar
from tollgate.errors import ProviderUnavailable, Refusal
from tollgate.payments import audit, renewals, reversals
from tollgate.payments.audit import SAFE, Case, Difference, Kind, Line, Noted, Taken
from tollgate.payments.orders import LATE, MalformedPaymentError, Reason, Refund, to_refund
from tollgate.payments.settle import NotCapturedError, settle
from tollgate.store import audits
from tollgate.store.audits import Kept
from tollgate.store.dynamodb import ConditionFailedError
from tollgate.store.payments import Entry

DAY = timedelta(days=1)
IN_FLIGHT = timedelta(hours=1)  # a day is not over before its last webhooks have come
REFUNDS_TAKE = timedelta(days=30)  # until a bank has decided one, and more
DISPUTES_TAKE = timedelta(days=90)
SETTLED_LATE = timedelta(days=1)  # settlements may enter the report after their day
SETTLED_FIRST = timedelta(days=14)  # how far the very first run looks back
SETTLES_WITHIN = timedelta(days=7)  # two working days, holidays and a weekend
CHUNK = 50  # payments looked at between two looks at the time
DAYS_LISTED = 10  # of payments, for the lines of one settlement day; the rest is asked for one by one
ROUNDS = 2  # a payment is granted first, then its refunds are noted
TRIES = 5
OPEN, REPAIRED, WAITING = "open", "repaired", "waiting"


@dataclass(slots=True)
class Report:
    """What one run did, in numbers: days closed, payments looked at, and the differences that are open, new and repaired.
    `flagged` is how many payments waited for a decision when the last of the days was closed."""

    days: int = 0
    looked: int = 0
    differences: int = 0
    new: int = 0
    repaired: int = 0
    waiting: int = 0
    flagged: int = 0
    failed: int = 0
    unfinished: bool = False


class OutOfTimeError(Exception):
    """The run has to stop; the next goes on from its draft."""


@dataclass(slots=True, kw_only=True)
class Draft:
    """How far a day has come: steps done, the last payment of the running step, and what was found so far."""

    day: date
    step: int = 0
    after: str = ""
    open: dict[str, Difference] = field(default_factory=dict)
    repaired: dict[str, tuple[Difference, str]] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)
    figures: dict[str, int] = field(default_factory=dict)


def close_days(now: datetime, has_time: Callable[[], bool]) -> Report:
    """Close every India day since the last that was closed; where there is none, look at the last one again.

    A run that comes late, twice or at the same time as another finds and repairs the same.
    """
    report = Report()
    cursor = audits.closed()
    for day in _days(cursor, now):
        auditor = _Auditor(_draft(day), report, now, has_time, is_first=cursor is None)
        try:
            auditor.run()
            _close(auditor, now)
        except (OutOfTimeError, Refusal) as stopped:
            audits.keep_draft(_kept(auditor.draft, now))
            report.unfinished = True
            report.failed += isinstance(stopped, Refusal)
            break
        report.days += 1
    return report


def _days(cursor: date | None, now: datetime) -> list[date]:
    last = calendar.india(now - IN_FLIGHT).date() - DAY
    missed = (last - cursor).days if cursor else 1
    return [last - DAY * back for back in range(max(missed, 1) - 1, -1, -1)]


def _begins(day: date) -> datetime:
    return datetime.combine(day, time(), calendar.IST).astimezone(UTC)


def _draft(day: date) -> Draft:
    kept = audits.draft()
    if kept is None or kept.day != day:
        return Draft(day=day)
    found = Draft(day=day, step=kept.facts["step"], after=kept.facts["after"], figures=dict(kept.facts["figures"]))
    found.waiting = [entry["id"] for entry in _of(kept, WAITING)]
    found.open = {one.name: one for one in map(audit.to_difference, _of(kept, OPEN))}
    for entry in _of(kept, REPAIRED):
        difference = audit.to_difference(entry)
        found.repaired[difference.name] = difference, entry["outcome"]
    return found


def _of(kept: Kept | None, section: str) -> list[dict[str, Any]]:
    return [entry for entry in kept.entries if entry["section"] == section] if kept else []


def _kept(draft: Draft, now: datetime) -> Kept:
    entries = [{"section": OPEN} | audit.from_difference(one) for one in draft.open.values()]
    entries += [
        {"section": REPAIRED, "outcome": outcome} | audit.from_difference(one)
        for one, outcome in draft.repaired.values()
    ]
    entries += [{"section": WAITING, "id": name} for name in draft.waiting]
    facts = {"step": draft.step, "after": draft.after, "figures": draft.figures}
    return Kept(day=draft.day, at=calendar.iso(now), facts=facts, entries=tuple(entries))


def _close(auditor: _Auditor, now: datetime) -> None:
    """Keep the report, together with what another run of this day reported as repaired."""
    for _ in range(TRIES):
        earlier = audits.report(auditor.draft.day)
        kept, new = _report(auditor.draft, earlier, auditor.yesterday, now)
        try:
            audits.close(kept, audits.closed())
        except ConditionFailedError:
            continue  # another run closed the day at this moment
        auditor.report.differences += len(auditor.draft.open)
        auditor.report.new += new
        auditor.report.waiting += len(auditor.draft.waiting)
        auditor.report.flagged = auditor.draft.figures.get("flaggedWaiting", 0)
        return
    raise ProviderUnavailable("Too many runs close this day at once.")


def _report(draft: Draft, earlier: Kept | None, yesterday: Kept | None, now: datetime) -> tuple[Kept, int]:
    since = {_name(entry): entry["since"] for kept in (earlier, yesterday) for entry in _of(kept, OPEN)}
    waits_since = {entry["id"]: entry["since"] for kept in (earlier, yesterday) for entry in _of(kept, WAITING)}
    repaired = {_name(entry): entry for entry in _of(earlier, REPAIRED)}
    named = {*draft.open, *draft.repaired}
    today = draft.day.isoformat()
    for name, (one, outcome) in draft.repaired.items():
        told = {"outcome": outcome, "since": since.get(name, today), "section": REPAIRED}
        repaired[name] = audit.from_difference(one) | told
    entries = [
        audit.from_difference(one) | {"section": OPEN, "since": since.get(name, today)}
        for name, one in sorted(draft.open.items())
    ]
    entries += repaired.values()
    entries += [
        {"section": WAITING, "id": name, "since": waits_since.get(name, today)} for name in sorted(draft.waiting)
    ]
    facts = {
        "figures": draft.figures,
        "kinds": dict(Counter(one.kind.value for one in draft.open.values())),
        "differences": len(draft.open),
        "repaired": len(repaired),
        "waiting": len(draft.waiting),
    }
    revision = (earlier.revision if earlier else 0) + 1
    kept = Kept(day=draft.day, at=calendar.iso(now), facts=facts, entries=tuple(entries), revision=revision)
    return kept, len(named - set(since) - {_name(entry) for entry in _of(earlier, REPAIRED)})


def _name(entry: Mapping[str, Any]) -> str:
    return audit.to_difference(entry).name


class _Auditor:
    """One day's comparison, in steps."""

    def __init__(
        self, draft: Draft, report: Report, now: datetime, has_time: Callable[[], bool], *, is_first: bool
    ) -> None:
        self.draft, self.report = draft, report
        self._now, self._has_time, self._is_first = now, has_time, is_first
        named = [one for one in draft.open.values() if one.id.startswith("rfnd_")]
        self._refunded = {one.payment_id for one in named if one.payment_id}  # whose refunds have to be looked at
        self._disputed: dict[str, dict[str, str | None]] = defaultdict(dict)
        self.yesterday = audits.report(draft.day - DAY)

    def run(self) -> None:
        steps = list(self._steps())
        while self.draft.step < len(steps):
            self._go_on()
            steps[self.draft.step]()
            self.draft.step, self.draft.after = self.draft.step + 1, ""
            audits.keep_draft(_kept(self.draft, self._now))  # a run that Lambda stops has lost a step at most

    def _go_on(self) -> None:
        if not self._has_time():
            raise OutOfTimeError

    def _steps(self) -> Iterator[Callable[[], None]]:
        day = self.draft.day
        for back in range(LATE.days, -1, -1):
            yield partial(self._payments, day - DAY * back)
        yield from (self._refunds, self._disputes, self._carried)
        for back in range((SETTLED_FIRST if self._is_first else SETTLED_LATE).days, -1, -1):
            yield partial(self._settlements, day - DAY * back)
        yield from (self._waiting, self._figures)

    # Payments

    def _payments(self, day: date) -> None:
        """What Razorpay took on a day, and every entry that last changed on it."""
        known = _by_id(app.gateway().made_between("payment", _begins(day), _begins(day + DAY)))
        names = {*known, *audits.changed_on(day)}
        for cases in self._looked_at(names, known):
            if day == self.draft.day:
                self._count([case for case in cases if case.payment_id in known])

    def _looked_at(self, names: Collection[str], known: Mapping[str, Mapping[str, Any]]) -> Iterator[list[Case]]:
        for chunk in batched(sorted(name for name in names if name > self.draft.after), CHUNK, strict=False):
            ours = audits.noted(chunk)
            theirs = {name: self._taken(name, known) for name in chunk}
            wanted = {name: self._owed_by(taken, ours.get(name)) for name, (taken, _) in theirs.items()}
            owed = audits.owed([name for name in wanted.values() if name])
            cases = [
                Case(payment_id=name, theirs=taken, ours=ours.get(name), owed=owed.get(wanted[name] or ""))
                for name, (taken, is_readable) in theirs.items()
                if is_readable
            ]
            judged = self._judged([self._with_reversals(case) for case in cases])
            self.report.looked += len(chunk)
            self.draft.after = chunk[-1]
            yield judged
            self._go_on()

    def _taken(self, name: str, known: Mapping[str, Mapping[str, Any]]) -> tuple[Taken | None, bool]:
        entity = known.get(name) or app.gateway().entity("payment", name)
        try:
            return (audit.to_taken(entity) if entity else None), True
        except MalformedPaymentError as error:
            self._unreadable(name, name, str(error))
            return None, False

    def _unreadable(self, name: str, payment_id: str | None, what: str) -> None:
        one = Difference(kind=Kind.UNREADABLE, id=name, payment_id=payment_id, theirs=what)
        self.draft.open[one.name] = one

    def _owed_by(self, theirs: Taken | None, ours: Noted | None) -> str | None:
        """The name of the order or mandate that a payment was for."""
        if ours:
            return ours.mandate_id or ours.order_id
        if theirs is None or not theirs.captured or theirs.is_token:
            return None
        invoice = theirs.payment.invoice_id
        try:
            return app.gateway().bill(invoice).mandate_id if invoice else theirs.payment.order_id
        except ProviderUnavailable:
            return None  # not an invoice for a cycle of a mandate

    def _with_reversals(self, case: Case) -> Case:
        if case.theirs is None:
            return case
        noted = case.ours.disputes if case.ours else {}
        disputes = {name: self._dispute(name) for name in noted} | self._disputed.get(case.payment_id, {})
        has_refunds = case.theirs.refunded or (case.ours and case.ours.refunds) or case.payment_id in self._refunded
        refunds = self._refunds_of(case.payment_id) if has_refunds else {}
        return replace(case, refunds=refunds, disputes=disputes)

    def _refunds_of(self, payment_id: str) -> dict[str, Refund]:
        found = {}
        for entity in app.gateway().refunds_of(payment_id):
            try:
                made = to_refund(entity, audit.refund_status(entity))
                found[made.id] = made
            except MalformedPaymentError as error:
                self._unreadable(str(entity.get("id")), payment_id, str(error))
        return found

    def _dispute(self, name: str) -> str | None:
        entity = app.gateway().entity("dispute", name)
        try:
            return audit.dispute_status(entity) if entity else None
        except MalformedPaymentError:
            return "unreadable"

    def _judged(self, cases: list[Case]) -> list[Case]:
        """Name what differs, repair what is safe, and say what is left."""
        differing = False
        for case in cases:
            found = audit.compare(case)
            self._name(case, found)
            differing = differing or any(one.kind in SAFE for one in found)
        if not differing:
            return cases
        audits.keep_draft(_kept(self.draft, self._now))  # named before it is repaired, should this run die here
        return [self._repaired(case) for case in cases]

    def _repaired(self, case: Case) -> Case:
        found = audit.compare(case)
        for _ in range(ROUNDS):
            if not any(one.kind in SAFE for one in found) or not self._repair(case, found):
                break
            case = replace(case, ours=audits.noted([case.payment_id]).get(case.payment_id))
            found = audit.compare(case)
            self._name(case, found)
        return case

    def _name(self, case: Case, found: list[Difference]) -> None:
        names = {one.name for one in found}
        for name, one in list(self.draft.open.items()):
            if one.payment_id == case.payment_id and one.kind in SAFE and name not in names:
                self.draft.repaired[name] = one, _outcome(one, case.ours)
                self.report.repaired += 1
                del self.draft.open[name]
        self.draft.open |= {one.name: one for one in found}

    def _repair(self, case: Case, found: list[Difference]) -> bool:
        """Settle or note, by the code that webhooks use; whether it went through."""
        entry = Entry(source="daily_report", at=self._now)
        if case.theirs is None:
            return False
        try:
            if case.ours is None:
                self._settle(case, case.theirs, entry)
            for one in found:
                if one.id in case.refunds and one.kind in SAFE:
                    reversals.refunded(case.theirs.payment, case.refunds[one.id], entry)
        except (Refusal, ConditionFailedError, NotCapturedError):
            self.report.failed += 1
            return False
        return True

    def _settle(self, case: Case, theirs: Taken, entry: Entry) -> None:
        payment = theirs.payment
        if not payment.is_captured:  # all of it went back before we heard of it
            for made in case.refunds.values():
                reversals.refunded(payment, made, entry)
        elif payment.invoice_id:
            renewals.settle(app.gateway().bill(payment.invoice_id).paid_by(payment), entry)
        else:
            settled = settle(payment, entry)
            if settled.subscription and case.owed:
                renewals.outgrow(case.owed.user_id, settled.subscription, self._now)

    def _count(self, cases: list[Case]) -> None:
        figures = Counter(self.draft.figures)
        for case in cases:
            if case.theirs and case.theirs.captured and not case.theirs.is_token:
                figures["payments"] += 1
                figures["paymentsPaise"] += case.theirs.payment.amount
                figures["feesPaise"] += case.theirs.fee or 0
                figures["granted"] += bool(case.ours and case.ours.granted)
                figures["keptForReview"] += bool(case.ours and not case.ours.granted)
        self.draft.figures = dict(figures)

    # What went back

    def _refunds(self) -> None:
        """The refunds of the last weeks, as far as the ledger does not tell them just so."""
        day = self.draft.day
        made = app.gateway().made_between("refund", _begins(day) - REFUNDS_TAKE, _begins(day + DAY))
        begins = int(_begins(day).timestamp())
        today = [each for each in made if _number(each, "created_at") >= begins and each.get("status") != "failed"]
        self.draft.figures["refunds"] = len(today)
        self.draft.figures["refundsPaise"] = sum(_number(each, "amount") for each in today)
        entries = audits.noted(sorted(self._about(made)))
        names = set()
        for each in made:
            try:
                refund = to_refund(each, audit.refund_status(each))
            except MalformedPaymentError as error:
                self._unreadable(str(each.get("id")), _payment_of(each), str(error))
                continue
            entry = entries.get(refund.payment_id)
            if entry is None or entry.refunds.get(refund.id) != refund:
                names.add(refund.payment_id)
        self._refunded |= names
        for _ in self._looked_at(names, {}):
            pass

    def _disputes(self) -> None:
        """The disputes of the last months, as far as the ledger does not tell them just so."""
        day = self.draft.day
        made = app.gateway().made_between("dispute", _begins(day) - DISPUTES_TAKE, _begins(day + DAY))
        entries = audits.noted(sorted(self._about(made)))
        for each in made:
            name, payment_id = str(each.get("id")), _payment_of(each)
            try:
                status = audit.dispute_status(each)
            except MalformedPaymentError as error:
                self._unreadable(name, payment_id, str(error))
                continue
            entry = entries.get(payment_id or "")
            if payment_id and (entry is None or entry.disputes.get(name) != status):
                self._disputed[payment_id][name] = status
        for _ in self._looked_at(self._disputed, {}):
            pass

    def _about(self, entities: list[dict[str, Any]]) -> set[str]:
        """The payments that refunds or disputes are about."""
        for each in entities:
            if _payment_of(each) is None:
                self._unreadable(str(each.get("id")), None, "payment_id")
        return {name for name in map(_payment_of, entities) if name}

    def _carried(self) -> None:
        """What yesterday's report left open is looked at again until it is gone."""
        left = [audit.to_difference(entry) for entry in _of(self.yesterday, OPEN)]
        self._refunded |= {one.payment_id for one in left if one.payment_id and one.id.startswith("rfnd_")}
        for _ in self._looked_at({one.payment_id for one in left if one.payment_id}, {}):
            pass

    # Settlements

    def _settlements(self, day: date) -> None:
        rows = app.gateway().settled_on(day)
        if rows is None:
            one = Difference(kind=Kind.SETTLEMENTS_UNREADABLE, id=day.isoformat())
            self.draft.open[one.name] = one
            return
        lines = self._lines(rows)
        if day == self.draft.day:
            self.draft.figures["settledPaise"] = sum(line.credit - line.debit for line in lines)
        stood = self._stood(lines)
        about: dict[str, list[Line]] = defaultdict(list)
        for line in lines:
            about[self._payment_behind(line) or line.id].append(line)
        self._refunded |= {line.payment_id for line in lines if line.type == "refund" and line.payment_id}
        known = _by_id(_listed([line for line in lines if line.type == "payment"]))
        for cases in self._looked_at([name for name in about if name.startswith("pay_")], known):
            for case in cases:
                self._settled(about[case.payment_id], case, stood)
        for name, others in about.items():
            if not name.startswith("pay_"):
                self._settled(others, None, stood)

    def _payment_behind(self, line: Line) -> str | None:
        """The payment that a line is about, which lines for disputes may leave to be looked up."""
        if line.payment_id or line.dispute_id is None:
            return line.payment_id
        return _payment_of(app.gateway().entity("dispute", line.dispute_id) or {})

    def _lines(self, rows: list[dict[str, Any]]) -> list[Line]:
        lines = []
        for row in rows:
            try:
                lines.append(audit.to_line(row))
            except MalformedPaymentError as error:
                self._unreadable(str(row.get("entity_id")), None, str(error))
        return lines

    def _settled(self, lines: list[Line], case: Case | None, stood: Mapping[str, tuple[str, ...]]) -> None:
        for line in lines:
            self.draft.open |= {one.name: one for one in audit.settled(line, case, stood[line.id])}

    def _stood(self, lines: list[Line]) -> dict[str, tuple[str, ...]]:
        """The settlements that each of these lines' payments and refunds ever stood in, as often as it did; noted for ever."""
        here: dict[str, dict[str, int]] = defaultdict(dict)
        for (name, settlement), times in Counter((line.id, line.settlement_id) for line in lines).items():
            here[name][settlement] = times
        before = audits.settlements_of(list(here))
        every = {name: before.get(name, {}) | stood for name, stood in here.items()}
        for name, stood in every.items():
            if stood != before.get(name):
                audits.note_settled(name, stood, self._now)
        return {name: tuple(Counter(stood).elements()) for name, stood in every.items()}

    # What waits

    def _waiting(self) -> None:
        """Payments that should have been settled by now: not a difference, but somebody should know."""
        if any(one.kind is Kind.SETTLEMENTS_UNREADABLE for one in self.draft.open.values()):
            return
        names = {entry["id"] for entry in _of(self.yesterday, WAITING)}
        names |= set(audits.changed_on(self.draft.day - SETTLES_WITHIN))
        entries, done = audits.noted(list(names)), audits.settlements_of(list(names))
        never = {
            one.payment_id for one in self.draft.open.values() if one.kind in {Kind.NOT_AT_RAZORPAY, Kind.NOT_CAPTURED}
        }
        waits = {name for name, entry in entries.items() if entry.reason != Reason.REFUNDED}
        self.draft.waiting = sorted(waits - set(done) - never)

    def _figures(self) -> None:
        self.draft.figures |= {
            "flaggedWaiting": audits.flagged_waiting(),
            "openOrdersOlderThan4Days": audits.open_orders(self._now - LATE),
        }


def _number(entity: Mapping[str, Any], name: str) -> int:
    value = entity.get(name)
    return value if isinstance(value, int) else 0  # a figure; what cannot be read is named elsewhere


def _payment_of(entity: Mapping[str, Any]) -> str | None:
    name = entity.get("payment_id")
    return name if isinstance(name, str) and name.startswith("pay_") else None


def _by_id(entities: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {str(each.get("id")): each for each in entities}


def _listed(lines: list[Line]) -> list[dict[str, Any]]:
    """Razorpay's payments of the days on which these lines' payments were made, as far as those are few."""
    days = sorted({calendar.india(datetime.fromtimestamp(line.created_at, UTC)).date() for line in lines})
    return [
        each
        for day in days[-DAYS_LISTED:]
        for each in app.gateway().made_between("payment", _begins(day), _begins(day + DAY))
    ]


def _outcome(one: Difference, ours: Noted | None) -> str:
    if one.kind in {Kind.NOT_ON_LEDGER, Kind.UNKNOWN_ORDER}:
        return "granted" if ours and ours.granted else "kept for review"
    return "noted"
