"""`tollgate import-users`: reads the three collections, writes what is missing, and says what could not be taken."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from tollgate import clock
from tollgate.config import settings
from tollgate.errors import ProviderUnavailable
from tollgate.store.dynamodb import DatabaseError
from tollgate.subscriptions import Subscription
from tools.importer import reading, taking, writing
from tools.importer.reading import Document, UnreadableError
from tools.importer.taking import Call, NothingToTakeError, RejectedError, Taken

ROOT = Path(__file__).resolve().parents[2]
BATCH = 50  # users whose rows are written together
TELLING = 500  # users between two lines of progress
RUPEE = 100  # paise


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to import, and how. `unit_paise` is what an amount of one stands for."""

    users: Path
    subscriptions: Path | None = None
    usage: Path | None = None
    report: Path | None = None
    dry_run: bool = False
    unit_paise: int = RUPEE


@dataclass(slots=True)
class Outcome:
    """What became of it, in numbers, and every document that was not taken or that somebody should look at."""

    totals: Counter[str] = field(default_factory=Counter)
    told: list[dict[str, Any]] = field(default_factory=list)

    def tell(self, outcome: str, collection: str, document: Document, reason: str) -> None:
        """Note something about a document."""
        self.totals[f"{collection} {outcome}"] += 1
        about = {"collection": collection, "place": document.place, "id": document.fields.get("_id")}
        self.told.append({"outcome": outcome, **about, "reason": reason})


def run(plan: Plan, now: datetime, progress: Callable[[int], None] = lambda _: None) -> Outcome:
    """Import; a run that was stopped is started again, and finds what it has done. Raises UnreadableError, OSError and
    ProviderUnavailable."""
    outcome = Outcome()
    bought = _by_owner(plan.subscriptions, "subscriptions", outcome)
    used = _by_owner(plan.usage, "usage", outcome)
    payments: set[str] = set()
    batch: list[writing.Row] = []
    users = 0
    for document in _users(plan.users, outcome):
        taken = _taken(document, now, outcome)
        if taken is None:
            continue
        own = [*bought.pop(taken.user.id, []), *_embedded(document, "subscription")]
        periods = list(_periods(own, plan, now, outcome, payments))
        taken = taking.with_periods(taken, periods, now)
        usage = [*used.pop(taken.user.id, []), *_embedded(document, "usage")]
        taken = _with_usage(taken, [each for each in usage if not taking.is_call(each.fields)], now, outcome)
        calls = list(_calls([each for each in usage if taking.is_call(each.fields)], periods, now, outcome))
        for note in taken.notes:
            outcome.tell("noted", "users", document, note)
        batch += writing.rows(taken.user, periods, calls, now)
        users += 1
        if users % BATCH == 0:
            batch = _write(batch, plan, outcome)
        if users % TELLING == 0:
            progress(users)
    _write(batch, plan, outcome)
    progress(users)
    _orphans(outcome, subscriptions=bought, usage=used)
    return outcome


def _by_owner(path: Path | None, collection: str, outcome: Outcome) -> dict[str, list[Document]]:
    found: dict[str, list[Document]] = {}
    for document in reading.documents(path) if path else ():
        outcome.totals[f"{collection} read"] += 1
        try:
            owner = taking.owner(document.fields, document.problem)
        except RejectedError as rejected:
            outcome.tell("rejected", collection, document, str(rejected))
            continue
        found.setdefault(owner, []).append(document)
    return found


def _users(path: Path, outcome: Outcome) -> Iterator[Document]:
    seen: set[str] = set()
    addresses: dict[str, str] = {}
    for document in reading.documents(path):
        outcome.totals["users read"] += 1
        name = str(document.fields.get("_id"))
        if document.problem:
            outcome.tell("rejected", "users", document, document.problem)
        elif name in seen and document.fields.get("_id") is not None:
            outcome.tell("rejected", "users", document, "stands in the file before")
        else:
            seen.add(name)
            address = str(document.fields.get("email") or "").strip().lower()
            if address and addresses.setdefault(address, name) != name:
                outcome.tell("noted", "users", document, f"has the e-mail address of {addresses[address]}")
            yield document


def _taken(document: Document, now: datetime, outcome: Outcome) -> Taken | None:
    try:
        return taking.user(document.fields, now)
    except RejectedError as rejected:
        outcome.tell("rejected", "users", document, str(rejected))
        return None


def _embedded(document: Document, name: str) -> list[Document]:
    """What early versions kept inside the user's own document; it has no id of its own."""
    found = document.fields.get(name)
    if not isinstance(found, dict) or not found:
        return []
    return [Document(document.place, {"_id": f"{document.fields['_id']}", **found})]


def _periods(
    found: Sequence[Document], plan: Plan, now: datetime, outcome: Outcome, payments: set[str]
) -> Iterator[Subscription]:
    ids: set[str] = set()
    for document in found:
        try:
            period = taking.period(document.fields, plan.unit_paise, now)
        except NothingToTakeError as nothing:
            outcome.totals["subscriptions skipped"] += 1
            outcome.told.append(_skipped("subscriptions", document, str(nothing)))
            continue
        except RejectedError as rejected:
            outcome.tell("rejected", "subscriptions", document, str(rejected))
            continue
        if period.subscription_id in ids or period.razorpay_payment_id in payments:
            outcome.tell("rejected", "subscriptions", document, "stands for a payment that was taken before")
            continue
        ids.add(period.subscription_id)
        payments |= {period.razorpay_payment_id} if period.razorpay_payment_id else set()
        if document.fields.get("autoRenew") and document.fields.get("razorpaySubscriptionId"):
            renewal = (
                "is taken as a plan that ends: its mandate stays with the original, so cancel it at Razorpay or its "
            )
            outcome.tell("noted", "subscriptions", document, renewal + "charges are kept for review")
        yield period


def _skipped(collection: str, document: Document, reason: str) -> dict[str, Any]:
    about = {"collection": collection, "place": document.place, "id": document.fields.get("_id")}
    return {"outcome": "skipped", **about, "reason": reason}


def _with_usage(taken: Taken, found: Sequence[Document], now: datetime, outcome: Outcome) -> Taken:
    """The user with the counts of the first document that has some; what else there is of them is reported."""
    counted = False
    for document in found:
        if counted:
            outcome.tell("rejected", "usage", document, "holds counts of a user whose counts were taken before")
            continue
        try:
            taken, counted = taking.with_usage(taken, document.fields, now), True
            outcome.totals["usage counts taken"] += 1
        except RejectedError as rejected:
            outcome.tell("rejected", "usage", document, str(rejected))
    return taken


def _calls(
    found: Sequence[Document], periods: Sequence[Subscription], now: datetime, outcome: Outcome
) -> Iterator[Call]:
    ids: set[str] = set()
    for document in found:
        try:
            call = taking.call(document.fields, periods, now)
        except NothingToTakeError as nothing:
            outcome.totals["usage skipped"] += 1
            outcome.told.append(_skipped("usage", document, str(nothing)))
            continue
        except RejectedError as rejected:
            outcome.tell("rejected", "usage", document, str(rejected))
            continue
        if call.id in ids:
            outcome.tell("rejected", "usage", document, "stands in the file before")
            continue
        ids.add(call.id)
        yield call


def _orphans(outcome: Outcome, **left: Mapping[str, list[Document]]) -> None:
    for collection, of_owner in left.items():
        for owner, documents in of_owner.items():
            for document in documents:
                outcome.tell("rejected", collection, document, f"belongs to {owner}, who is not among the users taken")


def _write(batch: list[writing.Row], plan: Plan, outcome: Outcome) -> list[writing.Row]:
    written = batch if plan.dry_run else writing.write(batch)
    there = Counter(each.kind for each in batch)
    new = Counter(each.kind for each in written)
    for kind in there:
        outcome.totals[f"{kind} rows written"] += new[kind]
        outcome.totals[f"{kind} rows there already"] += there[kind] - new[kind]
    return []


# The command


def main(arguments: Sequence[str]) -> int:
    """The command; 0 where everything was taken, 1 where something was rejected, 2 where it could not go on."""
    plan = _plan(arguments)
    started = time.monotonic()
    try:
        outcome = run(plan, clock.now(), lambda users: _say(f"{users:,} users, {_speed(users, started)}"))
    except (UnreadableError, OSError, ProviderUnavailable, DatabaseError) as error:
        _say(f"Stopped: {error}. What was written stays; the same command goes on from there.")
        return 2
    for name, number in sorted(outcome.totals.items()):
        _say(f"{name:32} {number:>10,}")
    if plan.report:
        lines = (json.dumps(each, ensure_ascii=False, default=str) for each in outcome.told)
        plan.report.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        _say(f"{len(outcome.told):,} documents to look at are in {plan.report}")
    if plan.dry_run:
        _say("Nothing was written: this was a dry run, so every row counts as written.")
    return int(any(name.endswith("rejected") for name in outcome.totals))


def _plan(arguments: Sequence[str]) -> Plan:
    parser = argparse.ArgumentParser(prog="tollgate import-users", description=__doc__)
    parser.add_argument("--users", type=Path, required=True, help="mongoexport of the users, as lines or as an array")
    parser.add_argument("--subscriptions", type=Path, help="mongoexport of the subscriptions")
    parser.add_argument("--usage", type=Path, help="mongoexport of the usage: counters, calls, or both")
    parser.add_argument("--report", type=Path, help="write what was not taken here, a JSON object a line")
    parser.add_argument("--dry-run", action="store_true", help="read, check and report; write nothing")
    parser.add_argument("--amounts", choices=("rupees", "paise"), default="rupees", help="what amounts stand for")
    parser.add_argument("--local", metavar="URL", help="the database of a running local stack, as it prints it")
    given = parser.parse_args(arguments)
    if given.local:
        _use_local(given.local)
    return Plan(
        users=given.users,
        subscriptions=given.subscriptions,
        usage=given.usage,
        report=given.report,
        dry_run=given.dry_run,
        unit_paise=RUPEE if given.amounts == "rupees" else 1,
    )


def _use_local(endpoint: str) -> None:
    """The tables of the local stack, under the names it has them under."""
    from local import template  # noqa: PLC0415 -- only where it is asked for

    named = {
        name: value
        for each in template.read(ROOT / "template.yaml").functions
        for name, value in each.environment.items()
    }
    aws = {"AWS_REGION": "ap-south-1", "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
    tables = {name: value for name, value in named.items() if name.endswith("_TABLE")}
    os.environ.update({**aws, **tables, "AWS_ENDPOINT_URL_DYNAMODB": endpoint})  # noqa: TID251 -- a command's own process
    settings.cache_clear()


def _speed(users: int, started: float) -> str:
    return f"{users / max(time.monotonic() - started, 0.001):,.0f} a second"


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
