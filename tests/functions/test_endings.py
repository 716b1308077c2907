"""The end of a call where the database does not take it: the answer or the unit is the user's, and no cost is lost silently."""

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.functions.harness import World
from tests.functions.problems import problem
from tests.functions.test_admission import a_call, leases, used
from tests.functions.test_database_faults import PARSE, TEXT, Faults, faults
from tests.functions.test_privacy import told
from tollgate.ai import endings
from tollgate.plans import Ai
from tollgate.store import admission, usage_log

__all__ = ["faults", "told"]
END = "transact_write_items"
DOWN = ["ThrottlingError"] * 50


@pytest.fixture(autouse=True)
def nothing_waits() -> Iterator[None]:
    """No test inherits what another left to be tried again."""
    endings._waiting.clear()  # noqa: SLF001 -- a process of its own has nothing waiting
    yield
    endings._waiting.clear()  # noqa: SLF001 -- as above


def lines(told: io.StringIO, message: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in told.getvalue().splitlines() if line.startswith("{")]
    return [each for each in found if each.get("message") == message]


def spent(world: World) -> int:
    return sum(int(value["N"]) for name, value in (world.item() or {}).items() if name.startswith("spent#"))


def test_an_end_that_the_database_declines_for_a_moment_is_written_all_the_same(world: World, faults: Faults) -> None:
    faults.plan(END, "ThrottlingError", "InternalServerError")
    assert world.post(PARSE, TEXT).status == 200
    assert (len(world.usage()), leases(world), spent(world)) == (1, [], world.bill())


@pytest.mark.parametrize(
    "kind", ["ThrottlingError", "InternalServerError", "TransactionConflict", "AccessDeniedException"]
)
def test_an_answer_that_cannot_be_booked_reaches_the_user_and_its_cost_the_log(
    world: World, faults: Faults, told: io.StringIO, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    faults.plan(END, *[kind] * 50)
    reply = world.post(PARSE, TEXT)
    assert (reply.status, reply.json["usage"]["used"]) == (200, 1)
    (line,) = lines(told, "not booked")
    assert sum(each["costMicroUsd"] for each in line["attempts"]) == world.bill()
    (facts,) = line["attempts"]
    assert facts["requestId"] == reply.json["meta"]["requestId"]
    assert {"action", "aiProvider", "model", "tokensUsed", "success"} < set(facts)
    assert '"CallsNotBooked":[1]' in capsys.readouterr().out
    assert world.user not in json.dumps(line)


def test_what_could_not_be_booked_is_booked_with_the_next_call(world: World, faults: Faults, told: io.StringIO) -> None:
    world.buy("pro", "monthly")
    faults.plan(END, *DOWN)
    world.post(PARSE, TEXT)
    assert (world.usage(), len(leases(world))) == ([], 1)
    faults.plan(END)
    world.post(PARSE, TEXT)
    assert (len(world.usage()), leases(world), used(world)) == (2, [], 2)
    assert sum(row["costMicroUsd"] for row in world.usage()) == world.bill() == spent(world)
    assert lines(told, "booked late")
    world.post(PARSE, TEXT)
    assert len(world.usage()) == 3


def test_what_is_booked_after_its_lease_was_swept_costs_no_unit_and_is_booked_once(
    world: World, faults: Faults
) -> None:
    world.buy("pro", "monthly")
    faults.plan(END, *DOWN)
    world.post(PARSE, TEXT)
    faults.plan(END)
    world.later(minutes=5)
    other = admission.admit(a_call(world))
    admission.sweep(other)
    assert used(world) == 1
    admission.give_back(other, admission.Ended(rows=[], micro_usd=0, chosen=other.lease.chosen))
    world.post(PARSE, TEXT)
    assert used(world) == 1
    kept = world.usage()
    assert sorted(str(row["errorMessage"]) for row in kept) == ["None", "None", "lost"]
    assert sum(row.get("costMicroUsd", 0) for row in kept) == world.bill() == spent(world)


def test_a_process_that_dies_with_it_leaves_the_unit_to_the_next_call(world: World, faults: Faults) -> None:
    faults.plan(END, *DOWN)
    assert world.post(PARSE, TEXT).status == 200
    endings._waiting.clear()  # noqa: SLF001 -- the process is gone
    faults.plan(END)
    world.later(minutes=5)
    assert world.post(PARSE, TEXT).json["usage"]["used"] == 1
    assert [row["errorMessage"] for row in world.usage()] == ["lost", None]


def test_a_refusal_that_cannot_be_given_back_at_once_is_given_back_later(
    world: World, faults: Faults, told: io.StringIO
) -> None:
    world.buy("pro", "monthly")
    world.fail("refusal")
    faults.plan(END, *DOWN)
    problem(world.post(PARSE, TEXT), 422, "content_refused")
    (line,) = lines(told, "not booked")
    assert sum(each["costMicroUsd"] for each in line["attempts"]) == world.bill()
    faults.plan(END)
    world.post(PARSE, TEXT)
    assert (used(world), leases(world)) == (1, [])
    assert sum(row["costMicroUsd"] for row in world.usage()) == world.bill()


def test_a_call_with_little_time_left_tells_the_log_before_it_asks_the_database(
    world: World, faults: Faults, told: io.StringIO
) -> None:
    del faults
    assert world.post(PARSE, TEXT, seconds=10).status == 200
    (line,) = lines(told, "ending late")
    assert sum(each["costMicroUsd"] for each in line["attempts"]) == world.bill()


def test_without_time_for_another_try_there_is_none(world: World, faults: Faults) -> None:
    faults.plan(END, "InternalServerError")
    reply = world.post(PARSE, TEXT, seconds=3.9)
    assert reply.status == 200
    assert world.steps.count("TransactWriteItems") <= 1


def test_an_end_that_comes_after_the_sweep_is_booked_once_however_often_it_is_tried(world: World) -> None:
    world.buy("pro", "monthly")
    late = admission.admit(a_call(world))
    row = usage_log.row(world.user, late.call.request_id, late.call.action, late.call.at, costMicroUsd=700)
    world.later(minutes=5)
    admission.sweep(admission.admit(a_call(world)))
    for _ in range(3):
        admission.settle(late, admission.Ended(rows=[row], micro_usd=700, chosen=None), Ai.GEMINI)
    assert spent(world) == 700
    assert len([each for each in world.usage() if each.get("costMicroUsd") == 700]) == 1


def test_an_end_that_was_written_and_is_tried_again_is_not_booked_twice(world: World) -> None:
    made = admission.admit(a_call(world))
    row = usage_log.row(world.user, made.call.request_id, made.call.action, made.call.at, costMicroUsd=700)
    for _ in range(3):
        admission.settle(made, admission.Ended(rows=[row], micro_usd=700, chosen=None), Ai.GEMINI)
    assert (spent(world), len(world.usage()), used(world)) == (700, 1, 1)
