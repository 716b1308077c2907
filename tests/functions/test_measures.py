"""What every alarm and the dashboard look at is measured, under the names and dimensions they look for."""

import io
import json
from typing import Any

import pytest

from tests.bundle.alarms import ALARMS, STAGED, Metric, metrics_of, on_dashboard
from tests.functions import harness, jobs, test_daily_report
from tests.functions.harness import World
from tests.functions.test_database_faults import Faults, faults
from tests.functions.test_endings import DOWN, END, nothing_waits
from tests.functions.test_margin import guarded
from tests.functions.test_privacy import told
from tests.functions.test_webhook import CAPTURED, paid
from tollgate import app

__all__ = ["faults", "nothing_waits", "told"]
PARSE = "/api/ai/parse-resume"
TEXT = {"text": "Asha Rao\nSkills\nPython"}

type Measured = dict[str, Any]


def measured(capsys: pytest.CaptureFixture[str]) -> list[Measured]:
    """The sets of metrics that were written since the last look."""
    lines = capsys.readouterr().out.splitlines()
    return [json.loads(line) for line in lines if line.startswith("{") and '"_aws"' in line]


def metrics_in(told: Measured) -> set[Metric]:
    """What CloudWatch makes of one set."""
    (directive,) = told["_aws"]["CloudWatchMetrics"]
    (keys,) = directive["Dimensions"]
    dimensions = frozenset((key, told[key]) for key in keys)
    namespace = directive["Namespace"].replace("/local", "/${Stage}")
    return {(namespace, each["Name"], dimensions) for each in directive["Metrics"]}


def money_moves(world: World) -> None:
    _, events = paid(world)
    world.webhook(events[CAPTURED])
    world.webhook(events[CAPTURED], secret="not the secret")
    world.webhook(b'{"entity": "event"}')
    world.buy("premium", "monthly")


def models_are_asked(world: World, faults: Faults) -> None:
    assert world.post(PARSE, TEXT).status == 200
    with guarded(USD_INR_PAISE="90000000", AI_DAILY_CEILING_INR="1"):
        assert world.post(PARSE, TEXT).status == 200
    world.fail("401")
    assert world.post(PARSE, TEXT).status == 503
    for name in ("gpt4o", "gemini"):
        app.ai().breaker.succeeded(name)
    world.fail("wrong-model")
    assert world.post(PARSE, TEXT).status == 200
    faults.plan(END, *DOWN)
    assert world.post(PARSE, TEXT).status == 200
    faults.planned.clear()


def something_breaks(world: World, faults: Faults) -> None:
    faults.plan("get_item", "AccessDeniedException")
    assert world.get("/api/subscription/status").status == 500
    faults.planned.clear()


def streams_tell(world: World) -> None:
    other = f"{world.user}-gone"
    gone = world.token(other, email=f"{other}@nowhere.invalid")
    assert world.post(PARSE, TEXT, token=gone).status == 200
    world.feed()
    world.feed(user=other)


def jobs_run(world: World) -> None:
    for name in ("ReconcilePayments", "ExpireSubscriptions", "ResetUsage", "SendReminders"):
        jobs.run(world, name)
    test_daily_report.begin(world)
    jobs.run(world, "DailyReport")


def test_whatever_an_alarm_or_the_dashboard_looks_at_is_measured(
    world: World, faults: Faults, capsys: pytest.CaptureFixture[str]
) -> None:
    money_moves(world)
    models_are_asked(world, faults)
    something_breaks(world, faults)
    streams_tell(world)
    jobs_run(world)
    found = {metric for each in measured(capsys) for metric in metrics_in(each)}
    wanted = {metric for alarm in ALARMS.values() for metric in metrics_of(alarm)} | set(on_dashboard())
    assert {metric for metric in wanted if metric[0] == STAGED} - found == set()


@pytest.mark.parametrize(("path", "status"), [("status", 200), ("create-order", 422), ("webhook", 401)])
def test_a_request_has_one_line_with_its_metrics_in_it(
    world: World, told: io.StringIO, capsys: pytest.CaptureFixture[str], path: str, status: int
) -> None:
    whole = f"/api/subscription/{path}"
    reply = world.get(whole) if path == "status" else world.post(whole, {})
    (line,) = measured(capsys)
    assert not [each for each in told.getvalue().splitlines() if '"request"' in each]
    assert (line["message"], line["status"]) == ("request", reply.status)
    assert line["route"].split()[1] == whole
    assert line["request_id"] in reply.body.decode() or reply.status == 200
    assert ("code" in line) == (reply.status >= 400)
    assert {name for _, name, _ in metrics_in(line)} >= {"Latency"}
    assert line["Latency"] == [line["took_ms"]]
    assert all(line[each["Name"]] for each in line["_aws"]["CloudWatchMetrics"][0]["Metrics"])
    assert reply.status in {status, 400}


def test_metrics_of_one_request_are_not_in_the_line_of_the_next(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.webhook(b"{}", secret="not the secret")
    world.get("/api/subscription/status")
    webhook, page = measured(capsys)
    assert "WebhooksUnverified" in webhook
    assert "WebhooksUnverified" not in page
    assert len(page["Latency"]) == 1


def test_a_line_tells_under_what_xray_knows_the_request(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world.get("/api/subscription/status")
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1")
    world.get("/api/subscription/status")
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0")
    world.get("/api/subscription/status")
    untraced, traced, passed_over = measured(capsys)
    assert not {"xray_trace_id"} & (untraced.keys() | passed_over.keys())
    assert traced["xray_trace_id"] == "1-5759e988-bd862e3fe1be46a994272793"


def test_stages_are_measured_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    from tollgate.config import namespace  # noqa: PLC0415 -- beside what it is about

    monkeypatch.setenv("STAGE", "prod")
    assert namespace() == "Tollgate/prod"
    assert harness.served().functions[0].environment["STAGE"] == "dev"


def test_waiting_for_a_model_does_not_hide_a_slow_page(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.post(PARSE, TEXT)
    (of_ai,) = measured(capsys)
    world.get("/api/subscription/status")
    (of_page,) = measured(capsys)
    assert ("AiLatency" in of_ai, "Latency" in of_ai) == (True, False)
    assert ("AiLatency" in of_page, "Latency" in of_page) == (False, True)


def test_what_was_spent_at_the_providers_is_measured_to_the_micro_dollar(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.buy("premium", "monthly")
    capsys.readouterr()
    world.fail("badjson", at="gpt4o")
    assert world.post(PARSE, TEXT).status == 200
    (numbers,) = measured(capsys)
    assert sum(numbers["AiSpend"]) == world.bill() > 0
