"""What the scheduled functions ask of the database, by the number of users and by how many of them are due.

Counted by the published rules on the store that the simulation uses: calls, write units (indexes included) and read units.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bench import report
from bench.report import Goal, UnmeasuredError
from bench.session import Session
from tests.simulation.store import Store
from tollgate import entitlements, expiry, reminders, resets, subscriptions
from tollgate.metering import Action, Call
from tollgate.plans import Ai, Unit
from tollgate.store import admission, dynamodb, records
from tollgate.store import subscriptions as rows
from tollgate.store.admission import Ended
from tollgate.store.due import SHARDS, shard
from tollgate.store.users import fresh
from tollgate.subscriptions import Subscription
from tollgate.users import User

SIZES, QUICK_SIZES = (1_000, 10_000, 100_000), (1_000, 10_000)
FIXED = 500  # due users among ever more others
SHARE = 10  # one user in so many is due
HALF_A_UNIT = 0.5  # what a query costs that finds nothing
MOST_WRITES, MOST_READS, MOST_MORE = 2.1, 0.05, 1.05
BEGIN = datetime(2026, 11, 5, 6, 30, tzinfo=UTC)
MONTH_ENDS = datetime(2026, 11, 30, 18, 30, tzinfo=UTC)  # in India
LATER = timedelta(days=11)  # when those begin who are not due

type Job = Callable[[datetime, Callable[[], bool]], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one run cost, all in all."""

    job: str
    users: int
    due: int
    calls: int
    writes: int
    reads: float
    scans: int

    def each(self, figure: float) -> float:
        """A figure by due user."""
        return figure / self.due


class Town:
    """Users in a store of their own. `now` is the store's clock."""

    def __init__(self, session: Session) -> None:
        self.now = BEGIN
        self.store = Store(session.ground.template.tables, lambda: self.now)

    def run(self, name: str, job: Job, users: int, due: int, done: str) -> Cost:
        """One run; `done` is the count in its report that has to be `due`."""
        self.store.calls.clear()
        self.store.reads, self.store.writes = 0.0, 0
        told = asdict(job(self.now, lambda: True))
        if told[done] != due or told["failed"]:
            raise UnmeasuredError(f"{name} reports {told}, not {due} {done}")
        calls = self.store.calls
        return Cost(
            job=name,
            users=users,
            due=due,
            calls=calls.total(),
            writes=self.store.writes,
            reads=self.store.reads,
            scans=calls["scan"],
        )


def schedules(session: Session) -> list[Goal]:
    """Print and save what each scheduled function asks, and what the turn of a month asks without any."""
    sizes = QUICK_SIZES if session.quick else SIZES
    found = [cost for users in sizes for cost in _costs(session, users)]
    turns = {users: _turn(session, users) for users in sizes}
    report.table(
        "Scheduled functions: what one run asks of the database",
        ("job", "users", "due", "calls", "calls/due", "write units/due", "read units/due", "scans"),
        [_row(each) for each in found],
        f"Read units without the {len(SHARDS)} queries an index that find nothing. Closing is a transaction, which costs twice.",
    )
    report.table(
        "The turn of a month with no job at all",
        ("users", "operations", "who then see nothing used", "calls of the first request after it"),
        [[f"{users:,}", *map(str, turn)] for users, turn in turns.items()],
    )
    report.save("schedules", session.facts, {"runs": [asdict(each) for each in found], "turns": turns})
    return _verdicts(found, turns)


def _costs(session: Session, users: int) -> Iterator[Cost]:
    for name, due in (("expire, one in ten due", users // SHARE), (f"expire, {FIXED} due", FIXED)):
        with _town(session) as town:
            _bought(town, users, due)
            town.now = BEGIN + timedelta(days=30)
            yield town.run(name, expiry.expire, users, due, "expired")
    with _town(session) as town:
        _bought(town, users, users // SHARE)
        _recorded(town, users // SHARE)
        town.now = BEGIN + timedelta(days=27)
        yield town.run("remind, one in ten due", reminders.remind, users, users // SHARE, "queued")
    with _town(session) as town:
        _used(town, users, users // SHARE)
        town.now = MONTH_ENDS
        yield town.run("close, one in ten due", resets.reset, users, users // SHARE, "closed")
    report.progress(f"schedules: {users:,} users")


@contextmanager
def _town(session: Session) -> Iterator[Town]:
    town = Town(session)
    with dynamodb.using(town.store):
        yield town


def _name(number: int) -> str:
    return f"user-{number:08}"


def _month(start: datetime) -> Subscription:
    return subscriptions.bought("tgs_1", "pro", "monthly", start)


def _bought(town: Town, users: int, due: int) -> None:
    """Everybody has a month; only of some it ends first."""
    for number in range(users):
        start = BEGIN if number < due else BEGIN + LATER
        row = rows.row(_name(number), _month(start), start)
        town.store.put("SubscriptionsTable", dynamodb.to_item(row))


def _recorded(town: Town, users: int) -> None:
    """What stands on the records of those whose month ends first."""
    for number in range(users):
        user = replace(fresh(_name(number), None, BEGIN), subscriptions=(_month(BEGIN),))
        record = {"userId": user.id, "createdAt": "2026-11-05T06:30:00Z", **records.bought(user)}
        town.store.put("UsersTable", dynamodb.to_item(record))


def _used(town: Town, users: int, due: int) -> None:
    """Some have parsed a resume in November; the others' records lie there without a count."""
    call = Call(user_id=_name(0), request_id="r", action=Action.PARSE_RESUME, at=BEGIN)
    admission.settle(admission.admit(call), Ended(rows=[], micro_usd=0, chosen=None), Ai.GEMINI)
    (used,) = town.store.items("UsersTable")
    idle = {name: value for name, value in used.items() if "#" not in name and name != "monthClosesAt"}
    for number in range(users):
        name = _name(number)
        own = {"userId": {"S": name}, "closes": {"S": shard(name)}}
        town.store.put("UsersTable", {**(used if number < due else idle), **own})


def _turn(session: Session, users: int) -> tuple[int, int, int]:
    """Operations at the turn of a month, how many of the users who had used their resume then have it back, and the calls that
    the first of them makes to be let in again."""
    with _town(session) as town:
        _used(town, users, users)
        town.store.calls.clear()
        town.now = MONTH_ENDS
        town.store.arrive()
        operations = town.store.calls.total()
        back = sum(_has_all(town, records.to_user(dynamodb.from_item(each))) for each in town.store.items("UsersTable"))
        admission.admit(Call(user_id=_name(0), request_id="s", action=Action.PARSE_RESUME, at=town.now))
        return operations, back, town.store.calls.total() - operations


def _has_all(town: Town, user: User) -> bool:
    return user.resumes_generated > 0 and entitlements.used(user, Unit.RESUMES, town.now) == 0


def _row(cost: Cost) -> list[str]:
    return [
        cost.job,
        f"{cost.users:,}",
        f"{cost.due:,}",
        f"{cost.calls:,}",
        f"{cost.each(cost.calls):.3f}",
        f"{cost.each(cost.writes):.3f}",
        f"{_reads(cost):.3f}",
        str(cost.scans),
    ]


def _reads(cost: Cost) -> float:
    """Read units by due user, beside what asking every shard costs."""
    return cost.each(max(cost.reads - len(SHARDS) * HALF_A_UNIT, 0))


def _verdicts(found: list[Cost], turns: dict[int, tuple[int, int, int]]) -> list[Goal]:
    expiring = [each for each in found if each.job.startswith("expire")]
    fixed = [each.calls for each in expiring if each.due == FIXED and "one in ten" not in each.job]
    writes = max(each.each(each.writes) for each in expiring)
    reads = max(_reads(each) for each in expiring)
    more = max(fixed) / min(fixed)
    flat = _spread([each for each in found if "one in ten" in each.job])
    return [
        Goal(f"expiry: at most {MOST_WRITES} write units a due user", f"{writes:.3f}", writes <= MOST_WRITES),
        Goal(f"expiry: at most {MOST_READS} read units a due user", f"{reads:.3f}", reads <= MOST_READS),
        Goal(f"expiry: {FIXED} due among ever more users ask at most {MOST_MORE} x", f"{more:.3f}", more <= MOST_MORE),
        Goal(f"every job: write units a due user within {MOST_MORE} x at all sizes", f"{flat:.3f}", flat <= MOST_MORE),
        Goal("no scan", str(sum(each.scans for each in found)), not any(each.scans for each in found)),
        Goal(
            "a month turns without an operation, for everybody",
            ", ".join(f"{turn[0]} for {turn[1]:,} of {users:,}" for users, turn in turns.items()),
            all(turn[:2] == (0, users) for users, turn in turns.items()),
        ),
    ]


def _spread(found: list[Cost]) -> float:
    by_job: dict[str, list[float]] = {}
    for each in found:
        by_job.setdefault(each.job, []).append(each.each(each.writes))
    return max(max(each) / min(each) for each in by_job.values())
