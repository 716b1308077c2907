"""What stands in the emulator after `sam deploy`, read back by AWS's API and held against template.yaml.

Run by `make emulate` with the black-box tests, in one process with them: deploying takes a while and is done once.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx2
import pytest

from tests.blackbox.conftest import Person
from tests.blackbox.places import SECRET, Place
from tests.bundle import document
from tests.bundle.alarms import ALARMS
from tests.deploy.emulator import STACK, Deployed, unsupported

FUNCTIONS = sorted(document.functions())


def configuration(deployed: Deployed, function: str) -> document.Json:
    """What Lambda says of a function."""
    found: document.Json = deployed.emulator.client("lambda").get_function_configuration(
        FunctionName=deployed.resources[function]
    )
    return found


def test_the_stack_is_complete_but_for_what_the_emulator_refuses(deployed: Deployed) -> None:
    assert set(document.template()["Resources"]) - unsupported() - {"SharedLayer", "AiLayer"} <= set(deployed.resources)
    stacks = deployed.emulator.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
    assert [each["StackStatus"] for each in stacks] == ["CREATE_COMPLETE"]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stacks[0]["Outputs"]}
    assert deployed.resources["Api"] in outputs["ApiUrl"]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_is_what_the_template_says(deployed: Deployed, function: str) -> None:
    told, found = document.functions()[function], configuration(deployed, function)
    defaults = document.defaults()
    assert (found["Handler"], found["Runtime"]) == (told["Handler"], "python3.13")
    assert (found["Timeout"], found["MemorySize"]) == tuple(
        told.get(name, defaults[name]) for name in ("Timeout", "MemorySize")
    )
    assert found["TracingConfig"] == {"Mode": told.get("Tracing", defaults["Tracing"])}
    assert found["LoggingConfig"]["LogGroup"] == "/tollgate/dev/functions"
    assert len(found["Layers"]) == (2 if function in ai() else 1)


def ai() -> set[str]:
    """The functions with two layers."""
    return {name for name, each in document.functions().items() if each["Handler"].startswith("ai.")}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_finds_its_tables_and_its_share_of_the_secret(deployed: Deployed, function: str) -> None:
    found = configuration(deployed, function)["Environment"]["Variables"]
    declared = document.variables(document.functions()[function])
    assert set(found) == set(declared)
    for name, value in declared.items():
        if "resolve:secretsmanager" in json.dumps(value):
            assert found[name] == SECRET[name]
        elif name.endswith("_TABLE") and isinstance(value, dict):
            assert found[name] == deployed.resources[value["Ref"]]


def test_every_route_leads_to_its_function_and_there_are_no_others(deployed: Deployed) -> None:
    gateway, api = deployed.emulator.client("apigatewayv2"), deployed.resources["Api"]
    integrations = {
        each["IntegrationId"]: each["IntegrationUri"].rpartition(":")[2]
        for each in gateway.get_integrations(ApiId=api, MaxResults="500")["Items"]
    }
    found = {
        each["RouteKey"]: integrations[each["Target"].partition("/")[2]]
        for each in gateway.get_routes(ApiId=api, MaxResults="500")["Items"]
    }
    assert found == {
        f"{method} {path}": deployed.resources[name]
        for name, each in document.functions().items()
        for method, path in document.routes(each)
    }


@pytest.mark.parametrize("table", sorted(document.resources("AWS::DynamoDB::Table")))
def test_a_table_has_its_keys_indexes_stream_expiry_and_protection(deployed: Deployed, table: str) -> None:
    told, tables = document.resources("AWS::DynamoDB::Table")[table], deployed.emulator.client("dynamodb")
    found = tables.describe_table(TableName=deployed.resources[table])["Table"]
    assert found["KeySchema"] == told["KeySchema"]
    assert found["DeletionProtectionEnabled"] is bool(told.get("DeletionProtectionEnabled"))
    assert found.get("StreamSpecification", {}).get("StreamViewType") == told.get("StreamSpecification", {}).get(
        "StreamViewType"
    )
    indexes = {
        each["IndexName"]: (each["KeySchema"], each["Projection"]) for each in found.get("GlobalSecondaryIndexes", ())
    }
    assert indexes == {
        each["IndexName"]: (each["KeySchema"], each["Projection"]) for each in told.get("GlobalSecondaryIndexes", ())
    }
    expiry = tables.describe_time_to_live(TableName=deployed.resources[table])["TimeToLiveDescription"]
    assert expiry.get("AttributeName") == told.get("TimeToLiveSpecification", {}).get("AttributeName")


def test_streams_feed_whom_the_template_says_with_its_filters_and_dead_letters(deployed: Deployed) -> None:
    mappings = deployed.emulator.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    found = sorted(
        (each["FunctionArn"].rpartition(":")[2], each["EventSourceArn"].split("/")[1], _patterns(each))
        for each in mappings
    )
    told = sorted(
        (
            deployed.resources[name],
            deployed.resources[event["Properties"]["Stream"]["GetAtt"].removesuffix(".StreamArn")],
            _patterns(event["Properties"]),
        )
        for name, each in document.functions().items()
        for event in each.get("Events", {}).values()
        if event["Type"] == "DynamoDB"
    )
    assert found == told
    dead = deployed.resources["DeadChanges"].rpartition("/")[2]
    assert all(each["DestinationConfig"]["OnFailure"]["Destination"].endswith(f":{dead}") for each in mappings)
    assert all(each["FunctionResponseTypes"] == ["ReportBatchItemFailures"] for each in mappings)


def _patterns(source: document.Json) -> list[str]:
    return [each["Pattern"] for each in source.get("FilterCriteria", {}).get("Filters", ())]


def test_schedules_call_their_jobs_and_are_called_by_their_stage(deployed: Deployed) -> None:
    scheduler = deployed.emulator.client("scheduler")
    found = {}
    for each in scheduler.list_schedules()["Schedules"]:
        schedule = scheduler.get_schedule(Name=each["Name"])
        assert schedule["State"] == "ENABLED"
        assert "DeadLetterConfig" in schedule["Target"]
        found[each["Name"]] = (schedule["ScheduleExpression"], schedule["Target"]["Arn"].rpartition(":")[2])
    assert found == {
        f"tollgate-dev-{name}-{event}": (body["Properties"]["ScheduleExpression"], deployed.resources[name])
        for name, each in document.functions().items()
        for event, body in each.get("Events", {}).items()
        if body["Type"] == "ScheduleV2"
    }


def test_alarms_and_the_dashboard_are_there(deployed: Deployed) -> None:
    watch = deployed.emulator.client("cloudwatch")
    pages = watch.get_paginator("describe_alarms").paginate()
    found = {each["AlarmName"]: each["AlarmActions"] for page in pages for each in page["MetricAlarms"]}
    assert set(found) == {f"tollgate-dev-{name}" for name in set(ALARMS) - unsupported()}
    assert all(actions == [deployed.resources["AlarmTopic"]] for actions in found.values())
    assert [each["DashboardName"] for each in watch.list_dashboards()["DashboardEntries"]] == ["tollgate-dev"]


def test_logs_end_after_a_month(deployed: Deployed) -> None:
    groups = deployed.emulator.client("logs").describe_log_groups(logGroupNamePrefix="/tollgate/")["logGroups"]
    assert {each["logGroupName"]: each["retentionInDays"] for each in groups} == {
        "/tollgate/dev/access": 30,
        "/tollgate/dev/functions": 30,
    }


def test_a_function_is_refused_what_its_policy_leaves_out(deployed: Deployed, person: Person) -> None:
    """That the emulator asks the roles at all: with its policy gone, the function may not read its table any more."""
    roles, role = deployed.emulator.client("iam"), deployed.resources["PreferencesRole"]
    assert person.get("/api/account/preferences").status_code == 200
    (name,) = roles.list_role_policies(RoleName=role)["PolicyNames"]
    kept = roles.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    roles.delete_role_policy(RoleName=role, PolicyName=name)
    try:
        assert person.get("/api/account/preferences").status_code == 500
    finally:
        roles.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(kept))
    assert person.get("/api/account/preferences").status_code == 200


def test_what_functions_log_is_in_their_group(
    place: Place, deployed: Deployed, eventually: Callable[[Callable[[], bool]], None]
) -> None:
    assert httpx2.get(f"{place.url}/api/subscription/pricing", timeout=90, trust_env=False).status_code == 200
    logs = deployed.emulator.client("logs")

    def logged() -> bool:
        events = logs.filter_log_events(logGroupName="/tollgate/dev/functions")["events"]
        return any("GET /api/subscription/pricing" in each["message"] for each in events)

    eventually(logged)
