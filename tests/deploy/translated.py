"""`python tests/deploy/translated.py`: has SAM translate template.yaml as the cloud does before it deploys anything.

Run with SAM CLI's own environment, whose translator is the cloud's. Linting tells nothing of resources that come out twice, nor
of names that SAM gives by itself and that a second stage in the same account would give again; the cloud refuses such stacks.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
from samcli.yamlhelper import yaml_parse  # type: ignore[import-not-found]  # -- in SAM CLI's environment only
from samtranslator.model.exceptions import (  # type: ignore[import-not-found]  # -- as above
    InvalidDocumentException,
)
from samtranslator.parser.parser import Parser  # type: ignore[import-not-found]  # -- as above
from samtranslator.translator.translator import Translator  # type: ignore[import-not-found]  # -- as above

ROOT = Path(__file__).resolve().parents[2]
MOST_RESOURCES = 500  # of one stack
UPLOADED = "s3://uploaded/code"
# The property that names a resource, where it has to be the account's only one of its name.
NAMES = {
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::CloudWatch::Dashboard": "DashboardName",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::IAM::Role": "RoleName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Lambda::LayerVersion": "LayerName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::Scheduler::Schedule": "Name",
}


def translated(stage: str) -> dict[str, Any]:
    """The plain CloudFormation resources of a stage."""
    template: dict[str, Any] = yaml_parse((ROOT / "template.yaml").read_text("utf-8"))
    del template["Metadata"]  # anchors, not SAM's
    template["Globals"]["Function"]["CodeUri"] = UPLOADED
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::LayerVersion":
            resource["Properties"]["ContentUri"] = UPLOADED
    session = boto3.Session(region_name="ap-south-1")
    made: dict[str, Any] = Translator({}, Parser(), boto_session=session).translate(template, {"Stage": stage})[
        "Resources"
    ]
    return made


def faults(dev: dict[str, Any], prod: dict[str, Any]) -> Iterator[str]:
    """What the cloud would refuse."""
    if len(dev) > MOST_RESOURCES:
        yield f"{len(dev)} resources are more than a stack can have"
    for name in sorted(names(dev) & names(prod)):
        yield f"{name} is the name of something in every stage, and an account can have one of that name"


def names(resources: dict[str, Any]) -> set[str]:
    """The names that are given, and not made up by CloudFormation from the stack's."""
    given = (each.get("Properties", {}).get(NAMES.get(each["Type"], "")) for each in resources.values())
    return {json.dumps(each) for each in given if each is not None and "${Stage}" not in json.dumps(each)}


def main() -> int:
    """0 where it can be translated, fits a stack, and can stand beside another stage."""
    try:
        found = list(faults(translated("dev"), translated("prod")))
    except InvalidDocumentException as error:
        found = [cause.message for cause in error.causes]
    sys.stderr.write("".join(f"{each}\n" for each in found))
    return min(len(found), 1)


if __name__ == "__main__":
    sys.exit(main())
