"""The morning's check and the command judge what is really written; a planted fault is found, named and alarmed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from tests.functions import jobs
from tests.functions.harness import World
from tests.functions.test_daily_report import begin
from tollgate import soundness
from tollgate.store import dynamodb
from tools import invariants

TEXT = "Asha Rao\nEngineer at Acme from 2020 to 2024\nPython, SQL\nLed a team of four and cut costs by 20%"


@pytest.fixture(autouse=True)
def _own_days(world: World) -> None:
    """Days that no other test looks at, and no windows of other tests' users."""
    begin(world)
    for item in world.raw.scan(TableName="UsersTable")["Items"]:
        world.raw.update_item(TableName="UsersTable", Key={"userId": item["userId"]}, UpdateExpression="REMOVE closes")


def lived(world: World) -> None:
    """A user who has bought, called and got some money back."""
    world.buy("pro", "monthly")
    assert world.post("/api/ai/enhance-content", {"section": "work", "content": "- Led a team"}).status == 200
    assert soundness.judge([world.user]).unsound == {}


def tampered(world: World, **values: object) -> None:
    """Somebody writes to the user's record by hand."""
    names = {f"#{place}": name.replace("_", "#") for place, name in enumerate(values)}
    world.raw.update_item(
        TableName="UsersTable",
        Key={"userId": {"S": world.user}},
        UpdateExpression="SET " + ", ".join(f"#{place} = :v{place}" for place in range(len(values))),
        ExpressionAttributeNames=names,
        ExpressionAttributeValues={f":v{place}": dynamodb.to_attribute(v) for place, v in enumerate(values.values())},
    )


def morning(world: World) -> dict[str, Any]:
    """The scheduled function a day later, every request held against its policy."""
    world.later(days=1)
    return jobs.run(world, "DailyReport")


def test_who_paid_the_day_before_is_judged_and_sound(world: World) -> None:
    lived(world)
    report = morning(world)
    assert report["judged"] >= 1
    assert report["unsound"] == 0


def test_a_period_that_nobody_paid_for_is_found_and_measured_and_no_name_is_logged(
    world: World, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    lived(world)
    tampered(world, creditBalance=5_000)
    caplog.clear()
    capsys.readouterr()
    assert morning(world)["unsound"] == 1
    (line,) = [vars(each) for each in caplog.records if each.getMessage() == "unsound"]
    assert line["invariants"] == {"I1": 1}
    told = capsys.readouterr().out
    assert '"UsersUnsound":[1.0]' in told
    assert world.user not in told + str(line)


def test_who_calls_is_judged_within_sixteen_days(world: World) -> None:
    assert world.post("/api/ai/parse-resume", {"text": TEXT}).status == 200
    days = [world.now + timedelta(days=number) for number in range(16)]
    assert sum(world.user in set(soundness.due(day)) for day in days) == 1


def test_what_is_written_between_two_reads_is_no_fault(world: World) -> None:
    lived(world)
    real = dynamodb.engine()
    asked: list[object] = []

    class Meanwhile:
        """The record is read once as it was before."""

        def __call__(self, operation: str, request: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- DynamoDB's own
            if operation == "get_item" and not asked:
                asked.append(request)
                return {}
            return real(operation, request)

        def close(self) -> None:
            real.close()

    with dynamodb.using(Meanwhile()):
        assert soundness.judge([world.user]).unsound == {}
    assert asked


def test_the_imported_and_the_deleted_are_left_out(world: World) -> None:
    lived(world)
    tampered(world, creditBalance=5_000, imported="2026-01-01T00:00:00Z")
    report = soundness.judge([world.user])
    assert (report.judged, report.left_out, report.unsound) == (0, 1, {})


def test_a_run_without_time_says_that_some_are_left(world: World) -> None:
    report = soundness.judge([world.user], lambda: False)
    assert (report.judged, report.unfinished) == (0, True)


def test_the_command_says_who_and_what_and_answers_by_its_status(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    lived(world)
    capsys.readouterr()
    assert invariants.main(["--callers"]) == 0
    assert capsys.readouterr().out == "1 users judged; 0 are unsound\n"
    tampered(world, creditBalance=5_000)
    assert invariants.main(["--user", world.user]) == 1
    assert f"{world.user}: I1 0 paise of credit were given, 0 are used, 5000 left" in capsys.readouterr().out
    assert invariants.main([]) == 1
