"""The template's security, rule by rule. What a rule would object to is listed with the reason why it stays."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # -- PyYAML ships no types

from tests.bundle.document import ROOT, defaults, functions, resources, routes, template

# Resources that a rule does not hold for, and why.
EXCEPTIONS = {
    "a table can be restored": {"RepliesTable": "holds stored replies for a day; without them a call is made again"},
    "a topic is encrypted": {
        "AlarmTopic": "alarms cannot publish with AWS's own key, and a key of ours costs more than they say"
    },
}
KNOWN = {
    "AWS::Serverless::HttpApi",
    "AWS::Serverless::Function",
    "AWS::Serverless::LayerVersion",
    "AWS::DynamoDB::Table",
    "AWS::SQS::Queue",
    "AWS::SNS::Topic",
    "AWS::SNS::Subscription",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::Logs::LogGroup",
}
WAITING, MOST_MEMORY = 256, 512  # MB of a function that waits for a model, and of any, see decision 21


def of(kind: str, rule: str) -> list[str]:
    """The resources of a type that a rule holds for."""
    return sorted(resources(kind).keys() - EXCEPTIONS.get(rule, {}).keys())


def _walk(value: object, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _walk(each, f"{path}/{key}")
    elif isinstance(value, list):
        for each in value:
            yield from _walk(each, path)
    else:
        yield path, value


def test_every_kind_of_resource_has_been_thought_about() -> None:
    assert {each["Type"] for each in template()["Resources"].values()} <= KNOWN


def test_exceptions_name_what_there_is() -> None:
    assert {name for each in EXCEPTIONS.values() for name in each} <= set(template()["Resources"])


@pytest.mark.parametrize("name", of("AWS::DynamoDB::Table", "a table can be restored"))
def test_a_table_can_be_restored_and_not_be_deleted_by_mistake(name: str) -> None:
    table = resources("AWS::DynamoDB::Table")[name]
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["DeletionProtectionEnabled"] is True
    assert template()["Resources"][name]["DeletionPolicy"] == "Retain"


@pytest.mark.parametrize("name", of("AWS::SQS::Queue", "a queue is encrypted"))
def test_a_queue_is_encrypted_and_keeps_what_it_got_for_two_weeks(name: str) -> None:
    queue = resources("AWS::SQS::Queue")[name]
    assert (queue["SqsManagedSseEnabled"], queue["MessageRetentionPeriod"]) == (True, 14 * 24 * 3600)


def test_a_topic_is_encrypted() -> None:
    assert all(
        "KmsMasterKeyId" in resources("AWS::SNS::Topic")[name] for name in of("AWS::SNS::Topic", "a topic is encrypted")
    )


@pytest.mark.parametrize("name", of("AWS::Logs::LogGroup", "logs end"))
def test_logs_are_kept_for_a_time(name: str) -> None:
    assert 0 < resources("AWS::Logs::LogGroup")[name]["RetentionInDays"] <= 90


@pytest.mark.parametrize("name", sorted(functions()))
def test_a_functions_rights_are_statements_of_its_own_without_a_wildcard(name: str) -> None:
    function = functions()[name]
    assert {"Role", "VpcConfig", "FunctionUrlConfig", "PermissionsBoundary"}.isdisjoint(function)
    for policy in function.get("Policies", ()):
        for statement in policy["Statement"]:
            assert statement["Effect"] == "Allow"
            assert {"NotAction", "NotResource", "Principal"}.isdisjoint(statement)
            said = [str(value) for path, value in _walk(statement) if path.split("/")[1] in {"Action", "Resource"}]
            assert not any("*" in each for each in said), said
            assert all(re.fullmatch(r"(dynamodb|ses):[A-Z]\w+", each) for each in _listed(statement["Action"]))


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


@pytest.mark.parametrize("name", sorted(functions()))
def test_who_asks_for_nothing_on_a_schedule_or_a_stream_loses_nothing_that_failed(name: str) -> None:
    for event in functions()[name].get("Events", {}).values():
        properties = event["Properties"]
        if event["Type"] == "ScheduleV2":
            # By its ARN: a QueueLogicalId has SAM make a queue of that name, and a stack with two of them is refused.
            assert properties["DeadLetterConfig"] == {"Arn": {"GetAtt": "DeadJobs.Arn"}}
            assert properties["ScheduleExpressionTimezone"] == "Asia/Kolkata"
        elif event["Type"] == "DynamoDB":
            assert properties["DestinationConfig"]["OnFailure"]["Type"] == "SQS"
        else:
            assert event["Type"] == "HttpApi"
            assert properties["ApiId"] == {"Ref": "Api"}


def test_a_run_that_fails_by_itself_is_kept_as_well_as_one_that_was_never_started() -> None:
    for name, function in functions().items():
        if any(each["Type"] == "ScheduleV2" for each in function.get("Events", {}).values()):
            assert "EventInvokeConfig" in function, name
            assert function["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]["Type"] == "SQS"


def test_the_gateway_throttles_logs_and_answers_one_origin() -> None:
    (api,) = resources("AWS::Serverless::HttpApi").values()
    assert 0 < api["DefaultRouteSettings"]["ThrottlingRateLimit"] <= 1000
    assert 0 < api["DefaultRouteSettings"]["ThrottlingBurstLimit"] <= 1000
    assert api["AccessLogSettings"]["DestinationArn"] == {"GetAtt": "AccessLogs.Arn"}
    assert not re.search(r"sourceIp|userAgent|header|identity|authorizer", api["AccessLogSettings"]["Format"])
    cors = api["CorsConfiguration"]
    assert cors["AllowOrigins"] == [{"Ref": "FrontendOrigin"}]
    assert not cors.get("AllowCredentials")
    assert "*" not in cors["AllowHeaders"] + cors["AllowMethods"]
    methods = {method for each in functions().values() for method, _ in routes(each)}
    assert set(cors["AllowMethods"]) == methods


def test_every_function_is_traced_that_does_more_than_read_once_and_runs_on_a_runtime_that_is_looked_after() -> None:
    assert (defaults()["Tracing"], defaults()["Runtime"]) == ("Active", "python3.13")
    assert {name for name, each in functions().items() if "Tracing" in each} == READS_ONCE


READS_ONCE = {"Pricing", "Compare", "Status", "Usage", "AiConfig"}


@pytest.mark.parametrize("name", sorted(functions()))
def test_a_function_pays_for_no_processor_that_waits(name: str) -> None:
    waits = "AiLayer" in str(functions()[name].get("Layers"))
    assert int(functions()[name].get("MemorySize") or defaults()["MemorySize"]) <= (WAITING if waits else MOST_MEMORY)


def test_no_parameter_holds_a_secret() -> None:
    for name, body in template()["Parameters"].items():
        assert not re.search(r"(Key|Password|Token)$", name), name
        assert not re.search(r"sk-|rzp_live|AIza", str(body.get("Default", "")))


def test_aliases_are_written_out_before_cloudformation_reads_them() -> None:
    """CloudFormation knows no aliases; `sam build` writes them out, and merge keys would hide what a resource has."""
    text = (ROOT / "template.yaml").read_text("utf-8")
    assert not re.search(r"^\s*<<:", text, re.MULTILINE)
    assert yaml.compose(text, Loader=yaml.SafeLoader)
