"""The daily ceiling on what all users' calls together may cost: off by default, one small write a call, passed by one at most."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from functools import partial
from random import Random
from typing import Any

import pytest

from tests.functions import harness
from tests.functions.harness import START, Reply, World
from tests.functions.problems import problem
from tests.functions.test_database_faults import Faults, faults
from tests.functions.test_endings import DOWN, END, lines, nothing_waits
from tests.functions.test_margin import guarded
from tests.functions.test_privacy import told
from tests.simulation.baton import Baton, Died, Task, drawn
from tests.simulation.store import Store
from tests.simulation.upstream import Database
from tollgate import clock
from tollgate.ai.ceiling import Ceiling, ceiling
from tollgate.errors import AiPaused, ProviderUnavailable
from tollgate.http.api import metrics
from tollgate.store import dynamodb, spend
from tollgate.store.dynamodb import Engine

__all__ = ["faults", "nothing_waits", "told"]
TODAY = date(2026, 11, 23)
MIDNIGHT = datetime(2026, 11, 23, 18, 30, tzinfo=UTC)  # the next day begins in India
RATE = {"USD_INR_PAISE": "100000000"}  # a rupee is a micro-dollar
PARSE = "/api/ai/parse-resume"
TEXT = {"text": "Asha Rao, engineer"}
RESUME = "Asha Rao\nEngineer at Acme from 2020 to 2024\nPython, SQL\nLed a team of four and cut costs by 20%"
JOB = "Acme is looking for an engineer who knows Python and SQL and has led a team for years. Apply to Acme now."
TASKS: dict[str, Mapping[str, object]] = {
    PARSE: TEXT,
    "/api/ai/enhance-content": {"section": "work", "content": "- Led a team"},
    "/api/ai/generate-summary": {"resume": RESUME},
    "/api/ai/categorize-skills": {"skills": ["Python", "SQL", "Mentoring"]},
    "/api/ai/job-match": {"resume": RESUME, "jobDescription": JOB},
    "/api/ai/cover-letter": {"resume": RESUME, "jobDescription": JOB},
    "/api/ai/ats-scan": {"text": RESUME},
}
ADMIN = "/api/admin/ai-costs"


@pytest.fixture(autouse=True)
def fresh(world: World) -> Iterator[None]:
    """A new process, on days of which nothing is counted."""
    for day in (TODAY, TODAY + timedelta(days=1)):
        world.raw.delete_item(TableName="RollupsTable", Key=place(day))
    another_process()
    yield
    another_process()


def another_process() -> None:
    """What a process that was just started knows."""
    ceiling.seen, ceiling.owed = None, {}


def place(day: date) -> dict[str, Any]:
    return {"series": {"S": spend.SERIES}, "place": {"S": day.isoformat()}}


def item(world: World, day: date = TODAY) -> dict[str, Any] | None:
    found = world.raw.get_item(TableName="RollupsTable", Key=place(day), ConsistentRead=True).get("Item")
    return dynamodb.from_item(found) if found else None


def counted(world: World, day: date = TODAY) -> int:
    return int((item(world, day) or {}).get("microUsd", 0))


def raise_by(world: World, rupees: int) -> None:
    """As the runbook says."""
    world.raw.update_item(
        TableName="RollupsTable",
        Key=place(TODAY),
        UpdateExpression="ADD raisedInr :rupees",
        ExpressionAttributeValues={":rupees": {"N": str(rupees)}},
    )


def paused(reply: Reply) -> None:
    problem(reply, 503, "ai_paused")


# Off, and what it costs when it is on


def test_without_the_setting_nothing_is_asked_written_or_refused(world: World) -> None:
    for _ in range(2):
        world.user += "x"
        assert world.post(PARSE, TEXT).status == 200
        assert world.steps == ["UpdateItem", "gemini", "TransactWriteItems"]
    assert item(world) is None
    told = world.get(ADMIN, token=world.token("boss", role="admin")).json
    assert told["ceiling"] is None


def test_a_process_reads_the_day_once_and_then_adds_to_it_after_each_call(world: World) -> None:
    world.buy("pro", "monthly")
    with guarded(AI_DAILY_CEILING_INR="5000"):
        assert world.post(PARSE, TEXT).status == 200
        first = world.steps
        assert world.post(PARSE, TEXT).status == 200
    assert [step for step in first if step[0].isupper()] == [
        "GetItem",
        "UpdateItem",
        "TransactWriteItems",
        "UpdateItem",
    ]
    assert [step for step in world.steps if step[0].isupper()] == ["UpdateItem", "TransactWriteItems", "UpdateItem"]
    assert counted(world) == world.bill() == sum(row["costMicroUsd"] for row in world.usage())


@pytest.mark.parametrize("path", TASKS)
def test_every_task_is_counted_and_can_be_refused(world: World, path: str) -> None:
    world.buy("premium", "monthly")
    with guarded(AI_DAILY_CEILING_INR="1", **RATE):
        assert world.post(path, TASKS[path]).status == 200
        paused(world.post(path, TASKS[path]))
    assert counted(world) == world.bill() > 0


# The ceiling


def test_at_the_ceiling_everybody_is_refused_with_nothing_taken_and_nobody_asked(world: World) -> None:
    world.buy("pro", "monthly")
    with guarded(AI_DAILY_CEILING_INR="1", **RATE):
        assert world.post(PARSE, TEXT).status == 200
        before, usage, asked, bill = world.item(), world.usage(), world.upstream(), world.bill()
        for _ in range(2):  # what has seen it, and what was just started
            told = problem(world.post(PARSE, TEXT), 503, "ai_paused", until="2026-11-23T18:30:00Z", retryAfter=29_400)
            assert world.replies[-1].headers["retry-after"] == "29400"
            assert world.steps == ["GetItem"]
            another_process()
        assert told["detail"] == "The AI is paused until 24 November 2026, 12:00 am IST. Nothing was counted."
        paused(world.post(PARSE, TEXT, token=world.token("somebody-new")))
    assert (world.item(), world.usage(), world.upstream(), world.bill()) == (before, usage, asked, bill)
    assert world.item("somebody-new") is None
    assert counted(world) == bill


def test_below_the_ceiling_a_call_is_let_through_and_at_it_none(world: World) -> None:
    world.buy("premium", "monthly")
    with guarded(AI_DAILY_CEILING_INR="1000000", **RATE):
        assert world.post(PARSE, TEXT).status == 200
    cost = world.bill()
    another_process()
    with guarded(AI_DAILY_CEILING_INR=str(cost + 1), **RATE):
        assert world.post(PARSE, TEXT).status == 200
    another_process()
    with guarded(AI_DAILY_CEILING_INR=str(2 * cost), **RATE):
        paused(world.post(PARSE, TEXT))


def test_a_refused_call_may_be_sent_again_under_its_key(world: World) -> None:
    key = {"idempotency-key": "one and the same".replace(" ", "-")}
    with guarded(AI_DAILY_CEILING_INR="1", **RATE):
        spend.add(TODAY, 1)
        paused(world.post(PARSE, TEXT, headers=key))
        raise_by(world, 1_000_000)
        reply = world.post(PARSE, TEXT, headers=key)
    assert (reply.status, "idempotent-replayed" in reply.headers) == (200, False)


def test_the_next_day_opens_at_midnight_in_india_and_not_a_second_earlier(world: World) -> None:
    world.buy("pro", "monthly")
    with guarded(AI_DAILY_CEILING_INR="1", **RATE):
        world.post(PARSE, TEXT)
        world.at(MIDNIGHT - timedelta(seconds=1))
        problem(world.post(PARSE, TEXT), 503, "ai_paused", retryAfter=1)
        world.at(MIDNIGHT)
        assert world.post(PARSE, TEXT).status == 200
        paused(world.post(PARSE, TEXT))
    assert counted(world) + counted(world, TODAY + timedelta(days=1)) == world.bill()


def test_a_count_goes_away_a_week_after_its_day_began(world: World) -> None:
    with guarded(AI_DAILY_CEILING_INR="1"):
        world.post(PARSE, TEXT)
    assert (item(world) or {})["expiresAt"] == int((MIDNIGHT + timedelta(days=6)).timestamp())


def test_a_new_day_begins_with_its_first_microsecond(world: World) -> None:
    with guarded(AI_DAILY_CEILING_INR="1", **RATE):
        spend.add(TODAY, 1)
        with pytest.raises(AiPaused) as refused:
            Ceiling().check(MIDNIGHT - timedelta(microseconds=1))
        Ceiling().check(MIDNIGHT)
    assert (refused.value.headers["Retry-After"], item(world, TODAY + timedelta(days=1))) == ("1", None)


def test_what_a_process_knows_of_yesterday_says_nothing_of_today(world: World) -> None:
    with guarded(AI_DAILY_CEILING_INR="1000000", **RATE):
        world.post(PARSE, TEXT)
        spend.add(TODAY + timedelta(days=1), 1_000_000)
        world.at(MIDNIGHT)
        paused(world.post(PARSE, TEXT))


def test_a_call_counts_on_the_day_on_which_it_began(world: World) -> None:
    with guarded(AI_DAILY_CEILING_INR="5000"):
        ceiling.check(MIDNIGHT - timedelta(seconds=1))
        ceiling.owe(MIDNIGHT - timedelta(seconds=1), 700)
        ceiling.check(MIDNIGHT)
        ceiling.owe(MIDNIGHT, 30)
        ceiling.pay()
    assert (counted(world), counted(world, TODAY + timedelta(days=1))) == (700, 30)


def test_raising_it_for_today_lets_paused_processes_go_on_at_once(world: World) -> None:
    world.buy("pro", "monthly")
    with guarded(AI_DAILY_CEILING_INR="1", **RATE):
        world.post(PARSE, TEXT)
        paused(world.post(PARSE, TEXT))
        raise_by(world, 1_000_000)
        assert world.post(PARSE, TEXT).status == 200
        raise_by(world, -1_000_000)
        assert world.post(PARSE, TEXT).status == 200, "what this process knows is from before"
        paused(world.post(PARSE, TEXT))


# What counts


@pytest.mark.parametrize("script", ["badjson", "length", "refusal"])
def test_a_failed_call_counts_as_what_it_is_billed(world: World, script: str) -> None:
    world.buy("premium", "monthly")
    world.fail(script)
    with guarded(AI_DAILY_CEILING_INR="5000"):
        assert world.post(PARSE, TEXT).status in {422, 503}
    assert counted(world) == world.bill() == sum(row["costMicroUsd"] for row in world.usage()) > 0


def test_a_failover_counts_with_both_its_attempts(world: World) -> None:
    world.buy("premium", "monthly")
    world.fail("badjson", at="gpt4o")
    with guarded(AI_DAILY_CEILING_INR="5000"):
        assert world.post(PARSE, TEXT).json["meta"]["aiService"] == "gemini"
    assert len(world.usage()) == 2
    assert counted(world) == world.bill()


def test_an_answer_that_was_lost_counts_as_much_as_it_can_have_cost(world: World) -> None:
    world.buy("premium", "monthly")
    world.fail("reset-mid-body", at="gpt4o")
    with guarded(AI_DAILY_CEILING_INR="5000"):
        assert world.post(PARSE, TEXT).status == 200
    known, most = (
        sum(row["costMicroUsd"] for row in world.usage()),
        sum(row["metadata"]["costUpperMicroUsd"] for row in world.usage()),
    )
    assert known < world.bill() <= most == counted(world)


def test_a_call_that_cost_nothing_is_not_written_down(world: World) -> None:
    world.fail("500")
    with guarded(AI_DAILY_CEILING_INR="5000"):
        problem(world.post(PARSE, TEXT), 503, "provider_unavailable")
        assert world.steps[-1] == "TransactWriteItems"
    assert item(world) is None


# Where the database does not take the count


@pytest.mark.parametrize("kind", ["ThrottlingException", "InternalServerError", "AccessDeniedException"])
def test_an_answer_whose_cost_cannot_be_counted_reaches_the_user_and_the_next_call_pays_first(
    world: World, faults: Faults, told: io.StringIO, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    world.buy("pro", "monthly")
    with guarded(AI_DAILY_CEILING_INR="5000"):
        faults.plan("update_item", "ok", kind)
        assert world.post(PARSE, TEXT).status == 200
        assert (item(world), lines(told, "not counted")[0]["owed"]) == (None, {"2026-11-23": world.bill()})
        assert '"CallsNotBooked":[1]' in capsys.readouterr().out
        owed, before = world.bill(), world.item()
        faults.plan("update_item", kind)
        assert world.post(PARSE, TEXT).status in {500, 503}
        assert (world.item(), world.bill(), world.steps) == (before, owed, [])  # the fault comes before the journal
        assert world.post(PARSE, TEXT).status == 200
    assert counted(world) == world.bill() > owed


def test_a_count_that_was_made_and_not_heard_of_is_made_twice_rather_than_never(world: World, faults: Faults) -> None:
    with guarded(AI_DAILY_CEILING_INR="5000"):
        faults.plan("update_item", "ok", "lost")
        assert world.post(PARSE, TEXT).status == 200
    assert counted(world) == 2 * world.bill()


def test_a_call_that_is_booked_late_is_counted_once_and_before_the_next_one(world: World, faults: Faults) -> None:
    world.buy("pro", "monthly")
    with guarded(AI_DAILY_CEILING_INR="5000"):
        faults.plan(END, *DOWN)
        assert world.post(PARSE, TEXT).status == 200
        assert (world.usage(), item(world)) == ([], None)
        faults.plan(END)
        assert world.post(PARSE, TEXT).status == 200
    assert len(world.usage()) == 2
    assert counted(world) == world.bill() == sum(row["costMicroUsd"] for row in world.usage())


def test_a_call_without_time_for_it_leaves_its_count_to_the_next(world: World) -> None:
    world.buy("pro", "monthly")
    with guarded(AI_DAILY_CEILING_INR="5000"):
        assert world.post(PARSE, TEXT, seconds=3.9).status == 200
        assert item(world) is None
        assert world.post(PARSE, TEXT).status == 200
    assert counted(world) == world.bill()


def test_a_process_that_dies_owing_takes_one_calls_cost_with_it(world: World, faults: Faults) -> None:
    world.buy("pro", "monthly")
    with guarded(AI_DAILY_CEILING_INR="5000"):
        faults.plan("update_item", "ok", "ThrottlingException")
        world.post(PARSE, TEXT)
        lost = world.bill()
        another_process()
        world.post(PARSE, TEXT)
    assert counted(world) == world.bill() - lost


# Who is told


def test_four_fifths_and_the_ceiling_itself_are_told_once_each(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.buy("premium", "monthly")
    world.post(PARSE, TEXT)
    most, said = world.bill() * 5, []
    with guarded(AI_DAILY_CEILING_INR=str(most), **RATE):
        for _ in range(7):
            capsys.readouterr()
            world.post(PARSE, TEXT)
            out = capsys.readouterr().out
            said.append([name for name in ("AiCeilingNear", "AiCeilingReached") if f'"{name}":[1]' in out])
    assert said == [[], [], [], ["AiCeilingNear"], ["AiCeilingReached"], [], []]


def test_administrators_see_todays_count_and_ceiling(world: World) -> None:
    boss = world.token("boss", role="admin")
    with guarded(AI_DAILY_CEILING_INR="5000"):
        world.post(PARSE, TEXT)
        raise_by(world, 200)
        told = world.get(ADMIN, token=boss).json["ceiling"]
        assert told == {
            "date": "2026-11-23",
            "ceilingInr": 5_200,
            "spentMicroUsd": world.bill(),
            "reached": False,
        }
        raise_by(world, -5_200)
        assert world.get(ADMIN, token=boss).json["ceiling"]["reached"] is True


# Several processes


class Meanwhile:
    """An engine before whose next settlement something else happens, each once."""

    def __init__(self, engine: Engine, others: list[Callable[[], None]]) -> None:
        self._engine, self._others = engine, others

    def __call__(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        if operation == "transact_write_items" and self._others:
            self._others.pop(0)()
        return self._engine(operation, request)

    def close(self) -> None:
        self._engine.close()


def test_of_seven_processes_whose_calls_are_all_under_way_none_lets_a_second_one_through(world: World) -> None:
    world.buy("premium", "monthly")
    memories: dict[str, tuple[Any, Any]] = {path: (None, {}) for path in TASKS}

    def call(path: str) -> Reply:
        """In the process of that function."""
        outer, journal = (ceiling.seen, ceiling.owed), list(world.journal)
        ceiling.seen, ceiling.owed = memories[path]
        reply = world.post(path, TASKS[path])
        memories[path] = (ceiling.seen, ceiling.owed)
        (ceiling.seen, ceiling.owed), world.journal[:] = outer, journal
        return reply

    statuses: list[int] = []

    def told(path: str) -> None:
        statuses.append(call(path).status)

    first, *rest = TASKS
    others: list[Callable[[], None]] = [partial(told, path) for path in rest]
    with guarded(AI_DAILY_CEILING_INR="1", **RATE):
        with dynamodb.using(Meanwhile(dynamodb.engine(), others)):
            told(first)
        assert statuses == [200] * 7
        asked = world.upstream()
        for path in TASKS:
            paused(call(path))
    assert world.upstream() == asked
    assert counted(world) == world.bill()


FAULTS = ("unreached", "unheard", "throttled", "twice", "dies before", "dies after", "slow")
MOST = 400
SEEDS = 40


def test_however_processes_race_the_ceiling_is_passed_by_one_call_of_each_at_most() -> None:
    """Every request is a step, at any of which others may come first or something fails."""
    with guarded(AI_DAILY_CEILING_INR=str(MOST), **RATE):
        for seed in range(SEEDS):
            race(seed, faulty=bool(seed % 2))
    metrics.write("nobody's", clock.now())


def race(seed: int, *, faulty: bool) -> None:
    """A few processes call until they are refused; the sum of all calls but each one's last is below the ceiling."""
    random, baton = drawn(seed), Baton()
    baton.random, baton.seconds = drawn(seed + 1), START.timestamp()
    store = Store(harness.served().tables, lambda: datetime.fromtimestamp(baton.seconds, UTC))
    processes = [_Process(baton, drawn(seed * 100 + number)) for number in range(random.randrange(2, 9))]
    for each in processes:
        struck = {random.randrange(1, 40): random.choice(FAULTS) for _ in range(3 * faulty)}
        baton.start(Task("calls", each.call_until_it_is_refused, struck))
    with dynamodb.using(Database(baton, store)):
        ended = baton.run()
        counted = spend.read(TODAY).micro_usd
    assert all(task.error is None or isinstance(task.error, Died) for task in ended), seed
    assert sum(sum(each.billed[:-1]) for each in processes) < MOST, seed
    billed = sum(sum(each.billed) for each in processes)
    if faulty:
        lost = sum(sum(each.billed[-1:]) for each in processes if not each.refused)  # with those that died
        assert counted >= billed - lost, seed
    else:
        assert counted == billed >= MOST, seed


class _Process:
    """One that is asked again and again."""

    def __init__(self, baton: Baton, random: Random) -> None:
        self.baton, self.random = baton, random
        self.mine = Ceiling()
        self.billed: list[int] = []
        self.refused = False

    def call_until_it_is_refused(self) -> None:
        while not self.refused:
            with suppress(ProviderUnavailable):  # it will be asked again
                self._call()

    def _call(self) -> None:
        try:
            self.mine.check(START)
        except AiPaused:
            self.refused = True
            return
        cost = self.random.randrange(1, 40)
        self.billed.append(cost)
        with suppress(ProviderUnavailable):  # billed, and not heard of
            self.baton.io("ask", lambda: None, lambda _: ProviderUnavailable("so planned"))
        self.mine.owe(START, cost)
        self.mine.pay_if_possible()
