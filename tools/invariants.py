"""`python -m tools check-invariants`: judge what is written of the users, in the tables that the environment names."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta

from tollgate import calendar, clock, soundness
from tollgate.errors import ProviderUnavailable
from tollgate.store import books
from tollgate.store.due import SHARDS
from tollgate.store.dynamodb import DatabaseError


def main(arguments: Sequence[str]) -> int:
    """The command. 1 where something does not hold, 2 where nothing can be said. Nothing is written, to no table."""
    parser = argparse.ArgumentParser(
        prog="python -m tools check-invariants",
        description="The tables are those of USERS_TABLE, SUBSCRIPTIONS_TABLE, PAYMENTS_TABLE and USAGE_LOGS_TABLE, of the "
        "account and region in AWS's usual variables; AWS_ENDPOINT_URL_DYNAMODB leads elsewhere, as to the local stack's.",
    )
    parser.add_argument("--user", action="append", default=[], help="judge this one; may be given again")
    parser.add_argument("--days", type=int, default=1, help="judge all whose payments changed in so many days (1)")
    parser.add_argument("--callers", action="store_true", help="and all who used anything in a day or month not closed")
    given = parser.parse_args(arguments)
    try:
        report = soundness.judge(given.user or _found(given.days, callers=given.callers))
    except (ProviderUnavailable, DatabaseError) as error:
        sys.stderr.write(f"The tables cannot be read: {error}\n")
        return 2
    for name, found in report.unsound.items():
        sys.stdout.writelines(f"{name}: {each}\n" for each in found)
    left_out = f", {report.left_out} left out: imported or deleted" if report.left_out else ""
    sys.stdout.write(f"{report.judged} users judged{left_out}; {len(report.unsound)} are unsound\n")
    return 1 if report.unsound else 0


def _found(days: int, *, callers: bool) -> Iterable[str]:
    """Everybody once, in order."""
    return dict.fromkeys(_everybody(days, callers=callers))


def _everybody(days: int, *, callers: bool) -> Iterator[str]:
    today = calendar.india(clock.now()).date()
    for back in range(days + 1):
        yield from sorted(books.payers(today - timedelta(days=back)))
    for shard in SHARDS if callers else ():
        yield from books.callers(shard)
