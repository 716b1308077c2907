"""The readers of the tables' streams in a history, and what must have come of all that they were told."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.simulation.broken import BrokenError
from tests.simulation.streams import Consumer
from tollgate import calendar, mails, rollups
from tollgate.letters import Sender
from tollgate.notices import Kind, Notice
from tollgate.store import records
from tollgate.store.dynamodb import from_item
from tollgate.store.notices import Outcome
from tollgate.store.rollups import COUNTED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from local.template import Source
    from tests.simulation.seen import Change
    from tests.simulation.upstream import Ses
    from tollgate.rollups import Sums

type Json = dict[str, Any]

NOTICES = ("QueueNotices", "SendNotices")
FIGURES = ("RollUp", "RollUpCalls")


@dataclass(frozen=True, slots=True)
class Reader:
    """A function that reads a table's stream, and how far it has come."""

    function: str
    source: Source
    consumer: Consumer


def check_mails(notices: Iterable[Change], ses: Ses, sender: Sender) -> None:
    """S10: each notice came to an end; what is marked as sent went out, and once where nothing struck who sent it."""
    latest = {str(each.key): each.after for each in notices if each.after}  # also what has expired since
    wanted: Counter[tuple[str, str, str]] = Counter()
    for row in map(from_item, latest.values()):
        if "outcome" not in row:
            raise BrokenError(f"S10 {row['id']} was queued and nothing became of it")
        if row["outcome"] == Outcome.SENT:
            mail = mails.render(_notice(row), sender)
            wanted[f"{row['userId']}@example.com", row["kind"], mail.text] += 1
    took = Counter(each.what for each in ses.taken)
    if missing := wanted - took:
        raise BrokenError(f"S10 {[what[:2] for what in missing]} are marked as sent and never went out")
    struck = {each.what for each in ses.taken if each.by and (each.by.struck or each.by.dead)}
    if twice := [what[:2] for what in took - wanted if what not in struck]:
        raise BrokenError(f"S10 {twice} went out once more than there was to tell")


def _notice(row: Json) -> Notice:
    return Notice(
        id=row["id"],
        user_id=row["userId"],
        kind=Kind(row["kind"]),
        at=calendar.parse(row["queuedAt"]),
        facts=row["facts"],
    )


def check_figures(
    kept: Iterable[Json], periods: Iterable[Json], ledger: Iterable[Json], calls: Iterable[Change]
) -> None:
    """S11: the figures by day are a fold over the tables; of calls, also those that the log has forgotten."""
    held = defaultdict(list)
    for row in periods:
        held[row["userId"]].append(records.to_subscription(row))
    logged = [from_item(each.after) for each in calls if each.before is None and each.after and "action" in each.after]
    counted = [rollups.of_user(each) for each in held.values()]
    wanted = rollups.total([*counted, *map(rollups.of_ledger, ledger), *map(rollups.of_call, logged)])
    found = _sums(kept)
    for key in sorted(found.keys() | wanted.keys()):
        if found.get(key) != wanted.get(key):
            raise BrokenError(f"S11 {key} is {found.get(key)} and the tables say {wanted.get(key)}")


def _sums(rows: Iterable[Json]) -> Sums:
    found: Sums = {}
    for row in rows:
        figures = {name: value for name, value in row.items() if name not in {"series", "place"} and value}
        if row["place"] != COUNTED and figures:
            found[row["series"], row["place"]] = figures
    return found
