"""reset_usage: counts of days and months that are over become history; what anybody sees is the same before and after."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.functions import harness, jobs
from tests.functions.harness import World
from tests.functions.problems import problem
from tollgate.metering import Action, Admission, Call
from tollgate.plans import Ai
from tollgate.store import admission, dynamodb
from tollgate.store.admission import Ended
from tollgate.store.usage_log import row as log_row

type Json = dict[str, Any]

JOB = "ResetUsage"
PATH = "/api/subscription/usage"
ASKS = frozenset({"query", "get_item"})
DECADE = timedelta(days=3650)
RESUME = {"text": "Asha Rao, engineer"}
MATCH = {"resume": "Asha Rao\nSkills\nPython, AWS", "jobDescription": "We look for a Python engineer who knows AWS."}
NOVEMBER_ENDS = datetime.fromisoformat("2026-11-30T18:30:00Z")


def run(world: World, seconds: float | None = None) -> Json:
    return jobs.run(world, JOB, seconds)


@pytest.fixture(autouse=True)
def _alone(world: World) -> None:
    """Nothing of earlier tests is due any more."""
    world.at(harness.START + DECADE)
    run(world)
    world.at(harness.START)


def done(**counts: int) -> Json:
    """A report with these counts."""
    looked = sum(counts.values())
    return {"looked": looked, "closed": 0, "waiting": 0, "skipped": 0, "failed": 0, "unfinished": False, **counts}


def past(world: World) -> list[Json]:
    """What the user is shown of earlier months."""
    reply = world.get(f"{PATH}?history=12")
    assert (reply.status, world.steps) == (200, ["TransactGetItems"])
    shown: list[Json] = reply.json["history"]
    return shown


def a_month(month: str, **used: int) -> Json:
    return {"month": month, "resumes": 0, "atsScans": 0, "jobMatches": 0, "coverLetters": 0, **used}


def counters(world: World) -> dict[str, int]:
    """The counts of days and months on the user's record."""
    item = dynamodb.from_item(world.item() or {})
    return {name: value for name, value in item.items() if "#20" in name}


def closes(world: World) -> dict[str, str]:
    """When the user's windows were to close."""
    item = dynamodb.from_item(world.item() or {})
    return {name: item[name] for name in ("dayClosesAt", "monthClosesAt") if name in item}


def admit(world: World, action: Action = Action.PARSE_RESUME, request: str = "r") -> Admission:
    """A call that was let in and runs."""
    return admission.admit(Call(user_id=world.user, request_id=request, action=action, at=world.now))


def answer(world: World, call: Admission) -> None:
    row = log_row(world.user, call.call.request_id, call.call.action, call.call.at, attempt=1, success=True)
    admission.settle(call, Ended(rows=[row], micro_usd=0, chosen=None), Ai.GEMINI)


def match(world: World, times: int = 1) -> None:
    for _ in range(times):
        assert world.post("/api/ai/job-match", MATCH).status == 200


def test_a_month_that_is_over_moves_to_the_history(world: World) -> None:
    world.post("/api/ai/parse-resume", RESUME)
    assert closes(world) == {"monthClosesAt": "2026-11-30T18:30:00Z"}
    world.at(NOVEMBER_ENDS - timedelta(seconds=1))
    assert run(world) == done()
    world.at(NOVEMBER_ENDS)
    assert run(world) == done(closed=1)
    assert (counters(world), closes(world)) == ({}, {})
    assert past(world) == [a_month("2026-11", resumes=1)]
    assert run(world) == done()


def test_the_days_of_a_month_add_up_in_it(world: World) -> None:
    world.buy("pro", "monthly")
    for times in (2, 0, 3):
        match(world, times)
        world.later(days=1)
        run(world)
        assert not any(name.startswith("jobMatches") for name in counters(world))
    assert past(world) == []  # the month is not over yet
    world.post("/api/ai/parse-resume", RESUME)
    world.at(NOVEMBER_ENDS)
    run(world)
    assert past(world) == [a_month("2026-11", resumes=1, jobMatches=5)]


def test_what_anybody_sees_is_the_same_while_no_job_runs(world: World) -> None:
    world.buy("pro", "yearly")
    for _ in range(3):
        match(world, 2)
        world.post("/api/ai/parse-resume", RESUME)
        world.later(days=31)
    before, used = past(world), world.get(PATH).json
    assert before == [a_month(month, resumes=1, jobMatches=2) for month in ("2027-01", "2026-12", "2026-11")]
    assert run(world) == done(closed=1)
    assert (past(world), world.get(PATH).json) == (before, used)


def test_a_call_after_midnight_and_before_the_run_belongs_to_its_own_month(world: World) -> None:
    world.buy("pro", "monthly")
    world.post("/api/ai/parse-resume", RESUME)
    match(world)
    world.at(NOVEMBER_ENDS + timedelta(seconds=5))
    world.post("/api/ai/parse-resume", RESUME)
    match(world, 2)
    assert closes(world) == {"dayClosesAt": "2026-11-23T18:30:00Z", "monthClosesAt": "2026-11-30T18:30:00Z"}
    assert run(world) == done(closed=1)
    assert past(world) == [a_month("2026-11", resumes=1, jobMatches=1)]
    assert closes(world) == {"dayClosesAt": "2026-12-01T18:30:00Z", "monthClosesAt": "2026-12-31T18:30:00Z"}
    assert {name: n for name, n in counters(world).items() if n} == {
        "resumes#2026-12": 1,
        "jobMatches#2026-12-01": 2,
    }


def test_a_call_that_runs_over_midnight_is_waited_for(world: World) -> None:
    world.at(NOVEMBER_ENDS - timedelta(seconds=10))
    call = admit(world)
    world.at(NOVEMBER_ENDS + timedelta(seconds=5))
    assert run(world) == done(waiting=1)
    admission.give_back(call, Ended(rows=[], micro_usd=0, chosen=None))
    world.later(days=1)
    assert run(world) == done(closed=1)
    assert past(world) == []


def test_a_call_that_is_answered_over_midnight_counts_in_the_month_that_it_began_in(world: World) -> None:
    world.at(NOVEMBER_ENDS - timedelta(seconds=10))
    call = admit(world)
    world.at(NOVEMBER_ENDS + timedelta(seconds=5))
    answer(world, call)
    assert run(world) == done(closed=1)
    assert past(world) == [a_month("2026-11", resumes=1)]


def test_the_end_of_a_later_call_does_not_take_a_months_counts_before_they_are_history(world: World) -> None:
    world.post("/api/ai/parse-resume", RESUME)
    world.at(NOVEMBER_ENDS + timedelta(hours=5))
    world.post("/api/ai/parse-resume", RESUME)
    run(world)
    assert past(world) == [a_month("2026-11", resumes=1)]


def test_what_a_call_took_that_died_is_not_use(world: World) -> None:
    admit(world)
    world.at(NOVEMBER_ENDS)
    assert run(world) == done(closed=1)
    assert past(world) == []
    assert world.post("/api/ai/parse-resume", RESUME).status == 200  # sweeps what the dead call held
    world.later(days=31)
    run(world)
    assert past(world) == [a_month("2026-12", resumes=1)]


def test_what_a_month_without_a_purchase_cost_us_is_kept_and_not_shown(world: World) -> None:
    world.post("/api/ai/parse-resume", RESUME)
    world.at(NOVEMBER_ENDS)
    run(world)
    kept = next(row for row in world.usage() if row["timestamp"].startswith("window#"))
    assert kept == {
        "userId": world.user,
        "timestamp": "window#2026-11",
        "resumes": 1,
        "costMicroUsd": world.bill(),
    }
    assert past(world) == [a_month("2026-11", resumes=1)]


def test_usage_itself_stays_one_read(world: World) -> None:
    assert (world.get(PATH).status, world.steps) == (200, ["GetItem"])


def test_a_newcomer_has_no_history(world: World) -> None:
    assert past(world) == []


@pytest.mark.parametrize("asked", ["0", "25", "-1", "x", "", "1.5", "\N{ARABIC-INDIC DIGIT ONE}"])
def test_only_a_sensible_number_of_months_may_be_asked_for(world: World, asked: str) -> None:
    refused = world.get(f"{PATH}?history={asked}")
    problem(refused, 422, "invalid_request")


def test_of_two_runs_at_once_one_writes_and_the_history_counts_once(world: World) -> None:
    world.post("/api/ai/parse-resume", RESUME)
    world.at(NOVEMBER_ENDS)
    other: list[Json] = []
    with dynamodb.using(jobs.Interrupted(world, lambda: other.append(run(world)))):
        assert run(world) == done(skipped=1)
    assert other == [done(closed=1)]
    assert past(world) == [a_month("2026-11", resumes=1)]


def test_a_count_that_moves_at_that_moment_is_left_to_the_next_run(world: World) -> None:
    world.buy("pro", "monthly")
    world.post("/api/ai/parse-resume", RESUME)
    world.at(NOVEMBER_ENDS)

    def one_more() -> None:  # from a function whose clock is a second behind
        world.at(NOVEMBER_ENDS - timedelta(seconds=1))
        answer(world, admit(world))
        world.at(NOVEMBER_ENDS)

    with dynamodb.using(jobs.Interrupted(world, one_more)):
        assert run(world) == done(skipped=1)
    assert run(world) == done(closed=1)
    assert past(world) == [a_month("2026-11", resumes=2)]


def test_a_window_that_opens_at_that_moment_will_be_closed_too(world: World) -> None:
    world.buy("pro", "monthly")
    world.post("/api/ai/parse-resume", RESUME)
    world.at(NOVEMBER_ENDS)
    with dynamodb.using(jobs.Interrupted(world, lambda: match(world))):
        assert run(world) == done(skipped=1)
    assert run(world) == done(closed=1)
    assert closes(world) == {"dayClosesAt": "2026-12-01T18:30:00Z"}


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("kinds", [ASKS, jobs.WRITES], ids=["at a read", "at a write"])
def test_a_run_killed_anywhere_is_completed_by_the_next(world: World, kinds: frozenset[str], *, after: bool) -> None:
    user = world.user
    for number in range(1, 60):
        world.at(harness.START)
        world.user = f"{user}-{number}"
        world.buy("pro", "monthly")
        match(world)
        world.post("/api/ai/parse-resume", RESUME)
        world.at(NOVEMBER_ENDS)
        if not jobs.killed(world, JOB, kinds, number, after=after):
            break
        run(world)
        assert counters(world) == {}
        assert past(world) == [a_month("2026-11", resumes=1, jobMatches=1)]
        assert run(world) == done()
    assert 1 < number < 59


def test_a_record_that_cannot_be_read_stops_no_other_and_is_reported_every_time(world: World) -> None:
    for _ in range(3):
        world.post("/api/ai/parse-resume", RESUME)
        last, world.user = world.user, f"{world.user}x"
    key = {"userId": {"S": last}}
    world.raw.update_item(
        TableName="UsersTable",
        Key=key,
        UpdateExpression="SET createdAt = :odd",
        ExpressionAttributeValues={":odd": {"S": "odd"}},
    )
    world.at(NOVEMBER_ENDS)
    assert run(world) == done(closed=2, failed=1)
    assert run(world) == done(failed=1)
    world.raw.delete_item(TableName="UsersTable", Key=key)


def test_the_work_is_in_proportion_to_what_is_due(world: World) -> None:
    world.at(NOVEMBER_ENDS)
    world.post("/api/ai/parse-resume", RESUME)  # of a month that goes on
    world.at(harness.START)
    world.user = f"{world.user}x"
    world.post("/api/ai/parse-resume", RESUME)
    world.at(NOVEMBER_ENDS)
    assert run(world) == done(closed=1)
    assert sorted(world.steps) == ["GetItem"] + ["Query"] * 32 + ["TransactWriteItems"]


def test_a_run_without_time_left_leaves_the_rest_to_the_next(world: World) -> None:
    world.post("/api/ai/parse-resume", RESUME)
    world.at(NOVEMBER_ENDS)
    assert run(world, seconds=20) == {**done(), "unfinished": True}
    assert run(world) == done(closed=1)


def test_a_record_stays_below_a_kilobyte_after_a_year_of_use(world: World) -> None:
    world.buy("pro", "yearly")
    largest = 0
    for _ in range(12):
        for _ in range(2):
            match(world)
            world.post("/api/ai/parse-resume", RESUME)
            world.post("/api/ai/cover-letter", MATCH)
            world.post("/api/ai/ats-scan", MATCH)
            largest = max(largest, size(world.item() or {}))
            world.later(days=15)
            run(world)
    assert largest < 1024


def size(item: Json) -> int:
    """What DynamoDB counts an item as, in bytes: names, and values by their kind."""
    return sum(len(name) + _size(value) for name, value in item.items())


def _size(attribute: Json) -> int:
    ((kind, value),) = attribute.items()
    match kind:
        case "S":
            return len(value.encode())
        case "N":
            return len(value.strip("-").rstrip("0")) // 2 + 2
        case "M":
            return 3 + len(value) + size(value)
        case "L":
            return 3 + sum(1 + _size(each) for each in value)
    return 1
