"""Every alarm can be raised, is told to somebody, and says in the runbook what to do; whatever can fail has one."""

import re

import pytest

from tests.bundle.alarms import ALARMS, STAGED, dashboard, metrics_of, on_dashboard, period_of, sections
from tests.bundle.document import ROOT, Json, functions, resources

RUNBOOK = sections((ROOT / "docs" / "runbook.md").read_text("utf-8"))
PARTS = ("**Means.**", "**Look.**", "**Do.**", "**Over when.**")
# What AWS measures by itself, as its service's documentation names it.
OF_AWS = {
    ("AWS/ApiGateway", "5xx", ("ApiId",)),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible", ("QueueName",)),
    ("AWS/Lambda", "IteratorAge", ("FunctionName",)),
}
LONGEST = 7 * 24 * 3600  # that periods of an hour and more may add up to; shorter ones to a day


def named(shell: str, folder: str) -> dict[str, str]:
    """The functions of a folder by the name that their shell measures them under."""
    found = {}
    for name, function in functions().items():
        if function["Handler"].startswith(f"{folder}."):
            path = (ROOT / "functions" / "/".join(function["Handler"].split(".")[:-1])).with_suffix(".py")
            told = re.search(rf'^handler = {shell}\w*\(\s*"(\w+)"', path.read_text("utf-8"), re.MULTILINE)
            assert told, path
            found[told[1]] = name
    return found


JOBS, CONSUMERS = named("job", "maintenance"), named("stream", "streams")


def looked_at(metric: str, dimension: str, alarms: dict[str, Json] = ALARMS) -> set[str]:
    """The values of a dimension for which some alarm looks at a metric."""
    every = [each for alarm in alarms.values() for each in metrics_of(alarm)]
    return {value for _, name, found in every if name == metric for key, value in found if key == dimension}


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_is_told_when_it_begins_and_when_it_is_over(name: str) -> None:
    alarm = ALARMS[name]
    assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": "AlarmTopic"}]
    assert alarm["AlarmName"] == {"Sub": f"tollgate-${{Stage}}-{name}"}
    assert alarm["AlarmDescription"].endswith(".")
    assert "AlarmTopic" in resources("AWS::SNS::Topic")


@pytest.mark.parametrize("name", ALARMS)
def test_no_news_means_what_it_should(name: str) -> None:
    """Silence is bad of what runs by the clock, says nothing new of what is counted once a day, and is good of errors."""
    alarm, watched = ALARMS[name], metrics_of(ALARMS[name])
    if alarm["ComparisonOperator"] == "LessThanThreshold":
        assert alarm["TreatMissingData"] == "breaching"
    elif "Metrics" not in alarm and any(("job", "daily_report") in dimensions for _, _, dimensions in watched):
        assert alarm["TreatMissingData"] == "ignore"
    else:
        assert alarm["TreatMissingData"] == "notBreaching"


@pytest.mark.parametrize("name", ALARMS)
def test_cloudwatch_can_evaluate_an_alarm(name: str) -> None:
    alarm, period = ALARMS[name], period_of(ALARMS[name])
    assert period % 60 == 0
    assert period * alarm["EvaluationPeriods"] <= (LONGEST if period >= 3600 else 24 * 3600)
    assert len(alarm.get("Metrics", ())) <= 10 + 1
    results = [each for each in alarm.get("Metrics", ()) if each.get("ReturnData", True)]
    assert len(results) == ("Metrics" in alarm)


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_looks_at_this_stage_alone(name: str) -> None:
    for namespace, metric, dimensions in metrics_of(ALARMS[name]):
        if namespace.startswith("AWS/"):
            assert (namespace, metric, tuple(key for key, _ in dimensions)) in OF_AWS
            assert all(value.startswith("${") for _, value in dimensions)
        else:
            assert namespace == STAGED
            assert ("service", "tollgate") in dimensions


def test_a_job_that_does_not_run_or_fails_raises_an_alarm() -> None:
    assert JOBS
    missing = {name: each for name, each in ALARMS.items() if each["TreatMissingData"] == "breaching"}
    assert looked_at("JobRuns", "job", missing) == looked_at("JobFailures", "job") == set(JOBS)


@pytest.mark.parametrize("job", JOBS)
def test_a_job_is_missed_after_its_interval_and_not_within_it(job: str) -> None:
    events = functions()[JOBS[job]]["Events"].values()
    interval = min(_seconds(each["Properties"]["ScheduleExpression"]) for each in events)
    (alarm,) = [each for each in ALARMS.values() if looked_at("JobRuns", "job", {"": each}) == {job}]
    assert interval < period_of(alarm) * alarm["EvaluationPeriods"] <= max(4 * interval, 26 * 3600)


def _seconds(expression: str) -> int:
    """The longest time between two runs of an ordinary day."""
    if rate := re.fullmatch(r"rate\((\d+) minutes?\)", expression):
        return int(rate[1]) * 60
    cron = re.fullmatch(r"cron\(\d+ (\S+) .*\)", expression)
    assert cron, expression
    return 3600 if cron[1] == "*" else 24 * 3600


def test_a_consumer_of_a_stream_that_fails_or_falls_behind_raises_an_alarm() -> None:
    fed = {
        name
        for name, each in functions().items()
        if any(e["Type"] == "DynamoDB" for e in each.get("Events", {}).values())
    }
    assert set(CONSUMERS.values()) == fed
    assert looked_at("StreamFailures", "consumer") == set(CONSUMERS)
    assert looked_at("IteratorAge", "FunctionName") == {f"${{{name}}}" for name in fed}


def test_a_dead_letter_raises_an_alarm() -> None:
    queues = {f"${{{name}.QueueName}}" for name in resources("AWS::SQS::Queue")}
    assert looked_at("ApproximateNumberOfMessagesVisible", "QueueName") == queues


def test_the_runbook_has_a_section_for_every_alarm_and_for_nothing_else() -> None:
    assert set(RUNBOOK) == set(ALARMS)


@pytest.mark.parametrize("name", ALARMS)
def test_a_section_says_what_it_means_where_to_look_what_to_do_and_when_it_is_over(name: str) -> None:
    section = RUNBOOK[name]
    places = [section.find(part) for part in PARTS]
    assert -1 not in places
    assert places == sorted(places)


@pytest.mark.parametrize("name", ALARMS)
def test_a_section_shows_where_to_look(name: str) -> None:
    assert re.search(r"^(fields|filter|stats) |`aws |`GET /", RUNBOOK[name], re.MULTILINE)


def test_every_number_of_ours_that_raises_an_alarm_is_on_the_dashboard() -> None:
    shown = set(on_dashboard())
    ours = {metric for alarm in ALARMS.values() for metric in metrics_of(alarm) if metric[0] == STAGED}
    per_job = {metric for metric in ours if metric[1] == "JobFailures"}
    assert ours - per_job <= shown


def test_the_dashboard_fits_its_grid() -> None:
    taken = [(each["properties"]["title"], each["x"] + each["width"]) for each in dashboard()]
    assert all(end <= 24 for _, end in taken)
    assert len({title for title, _ in taken}) == len(taken)
