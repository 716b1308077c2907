"""An AWS emulator on this machine, and the built template deployed onto it by SAM CLI, as onto AWS.

ministack runs functions for real, in processes of their own with their layers, under the rights of their own roles, and feeds
them from streams and its HTTP gateway. What it leaves out of a stack is put in afterwards, through AWS's API, from the template
that CloudFormation says it used: see `_fill_gaps`. What it does otherwise than AWS, or not at all, is in `GAPS`.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import yaml  # type: ignore[import-untyped]  # -- PyYAML ships no types
from botocore.config import Config

from local.database import free_port
from tests.bundle.alarms import ALARMS
from tests.bundle.document import ROOT

type Json = dict[str, Any]

REGION = "ap-south-1"
STACK = "tollgate-dev"  # as samconfig.toml names it
SECRET_NAME = "tollgate/dev"
START_SECONDS = 30
# A shell between us and the emulator: when this process goes away, however it goes, so do the emulator and all its functions.
# Each function has its layers unpacked for itself, some gigabytes in all; rm is quicker with them than Python.
LEASH = '''"$@" </dev/null & engine=$!; read -r _; trap "" TERM; kill -TERM 0; kill -KILL "$engine"; rm -rf "$TMPDIR"'''
BUILD = ROOT / ".aws-sam" / "here"  # what `make package` built for this machine
GAPS = {
    "alarms on several metrics": "ministack's CloudFormation knows alarms on a single metric only",
    "an expiry that deletes": "ministack sets no expiry on a table that CloudFormation makes; it is set afterwards",
    "point-in-time recovery": "ministack's CloudFormation does not switch it on",
    "time zones of schedules": "ministack's CloudFormation makes every schedule one of UTC",
    "destinations of failed runs": "ministack's CloudFormation makes no EventInvokeConfig",
    "throttling": "ministack's gateway keeps no default route settings",
    "rights on one sender": "ministack asks for the right to send mail as anybody; SendNotices is given it afterwards",
    "the clock": "nobody can move the time of an emulator",
}


@dataclass(frozen=True)
class Emulator:
    """A running emulator, and clients of its services."""

    endpoint: str

    def client(self, service: str) -> Any:  # noqa: ANN401 -- boto3 has no types
        """A client of one service."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(read_timeout=60, retries={"total_max_attempts": 1}),
        )


@dataclass(frozen=True)
class Deployed:
    """The stack as it stands in the emulator."""

    emulator: Emulator
    template: Json = field(repr=False)  # after SAM's transform, as CloudFormation tells it

    @cached_property
    def resources(self) -> dict[str, str]:
        """Physical by logical ids."""
        pages = self.emulator.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=STACK)
        listed = [each for page in pages for each in page["StackResourceSummaries"]]
        return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in listed}

    @property
    def url(self) -> str:
        """Where the API answers: the address that needs no name of the host's own."""
        return f"{self.emulator.endpoint}/_aws/execute-api/{self.resources['Api']}/$default"

    def invoke(self, function: str, event: object) -> Json:
        """Run a function by Lambda's API; what it returned. Raises AssertionError with what it died of."""
        name = self.resources[function]
        answer = self.emulator.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event).encode())
        said = answer["Payload"].read()
        assert "FunctionError" not in answer, said
        found: Json = json.loads(said)
        return found


@contextlib.contextmanager
def running(variables: Mapping[str, str], port: int = 0) -> Iterator[Emulator]:
    """An emulator, ended with all its functions when the block is left. They find `variables` in their environment."""
    port = free_port(port)
    endpoint = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory(prefix="emulator-", ignore_cleanup_errors=True) as kept:
        folder = f"{kept}/work"
        Path(folder).mkdir()
        environment = {
            **{name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ},
            "HOME": folder,
            "TMPDIR": folder,
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "IOT_MTLS_ENABLED": "0",
            "MINISTACK_REGION": REGION,
            "AUTH": "true",  # functions may do what their roles allow, and nothing else
            "AWS_ENDPOINT_URL_DYNAMODB": endpoint,
            **variables,
        }
        log = Path(kept) / "log"
        with log.open("wb") as out:
            process = subprocess.Popen(  # noqa: S603 -- our own environment's program
                ["/bin/sh", "-c", LEASH, "sh", str(ROOT / ".venv-emulator" / "bin" / "python"), "-m", "ministack"],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        try:
            _wait(process, endpoint, log)
            yield Emulator(endpoint)
        finally:
            process.communicate()  # lets go of the leash


def _wait(process: subprocess.Popen[bytes], endpoint: str, log: Path) -> None:
    client, end = Emulator(endpoint).client("sts"), time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < end:
        with contextlib.suppress(Exception):
            client.get_caller_identity()
            return
        time.sleep(0.1)
    raise RuntimeError(f"the emulator did not start: {log.read_text('utf-8', 'replace')[-2000:]}")


def deploy(emulator: Emulator, secret: Mapping[str, str], parameters: Mapping[str, str]) -> Deployed:
    """What docs/deploy.md has a person do: the secret, the sender of mails, and `sam deploy`."""
    emulator.client("secretsmanager").create_secret(Name=SECRET_NAME, SecretString=json.dumps(dict(secret)))
    emulator.client("sesv2").create_email_identity(EmailIdentity="example.com")
    template = BUILD / "emulated.yaml"
    template.write_text(without(unsupported(), (BUILD / "template.yaml").read_text("utf-8")), "utf-8")
    given = {"Stage": "dev", "SecretName": SECRET_NAME, "Architecture": _architecture(), **parameters}
    _sam(emulator, template, given)
    told = emulator.client("cloudformation").get_template(StackName=STACK, TemplateStage="Processed")["TemplateBody"]
    deployed = Deployed(emulator, told if isinstance(told, dict) else json.loads(told))
    _fill_gaps(deployed)
    return deployed


def unsupported() -> set[str]:
    """The resources that the emulator's CloudFormation refuses."""
    return {name for name, alarm in ALARMS.items() if "Metrics" in alarm}


def without(names: set[str], text: str) -> str:
    """A template without some resources, byte for byte the same in what stays."""
    lines = text.splitlines(keepends=True)
    document = yaml.compose(text, Loader=yaml.SafeLoader)
    (resources,) = [value for key, value in document.value if key.value == "Resources"]
    for key, value in reversed(resources.value):
        if key.value in names:
            del lines[key.start_mark.line : value.end_mark.line]
    return "".join(lines)


def _architecture() -> str:
    return "x86_64" if platform.machine() in {"x86_64", "AMD64"} else "arm64"


def _sam(emulator: Emulator, template: Path, parameters: Mapping[str, str]) -> None:
    program = ROOT / ".venv-sam" / "bin" / "sam"
    done = subprocess.run(  # noqa: S603 -- our own environment's program
        [
            *(str(program), "deploy", "--config-file", str(ROOT / "samconfig.toml"), "--template-file", str(template)),
            *("--no-confirm-changeset", "--no-progressbar", "--parameter-overrides"),
            *(f"{name}={value}" for name, value in parameters.items()),
        ],
        env={
            **os.environ,
            "AWS_ENDPOINT_URL": emulator.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "SAM_CLI_TELEMETRY": "0",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]


def _fill_gaps(deployed: Deployed) -> None:
    """What AWS does and this does not: the routes and CORS of the API's body, the tables' expiry, rights on one sender."""
    api = deployed.resources["Api"]
    gateway = deployed.emulator.client("apigatewayv2")
    body = _resolved(deployed.template["Resources"]["Api"]["Properties"]["Body"], deployed.resources)
    for path, methods in body["paths"].items():
        for method, operation in methods.items():
            integration = operation["x-amazon-apigateway-integration"]
            made = gateway.create_integration(
                ApiId=api,
                IntegrationType="AWS_PROXY",
                IntegrationUri=integration["uri"].split("/functions/")[1].removesuffix("/invocations"),
                PayloadFormatVersion=integration["payloadFormatVersion"],
            )
            target = f"integrations/{made['IntegrationId']}"
            gateway.create_route(ApiId=api, RouteKey=f"{method.upper()} {path}", Target=target)
    gateway.update_api(ApiId=api, CorsConfiguration=_cors(body["x-amazon-apigateway-cors"]))
    tables = deployed.emulator.client("dynamodb")
    for name, resource in deployed.template["Resources"].items():
        if resource["Type"] == "AWS::DynamoDB::Table" and "TimeToLiveSpecification" in resource["Properties"]:
            tables.update_time_to_live(
                TableName=deployed.resources[name],
                TimeToLiveSpecification=resource["Properties"]["TimeToLiveSpecification"],
            )
    deployed.emulator.client("iam").put_role_policy(
        RoleName=deployed.resources["SendNoticesRole"],
        PolicyName="emulated",
        PolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Action": "ses:SendEmail", "Resource": "*"}],
            }
        ),
    )


def _cors(told: Json) -> Json:
    return {name[0].upper() + name[1:]: value for name, value in told.items()}


def _resolved(value: object, resources: Mapping[str, str]) -> Any:  # noqa: ANN401 -- any JSON
    """The body with the references that SAM leaves in it: to the functions behind routes, and to parameters."""
    if isinstance(value, list):
        return [_resolved(each, resources) for each in value]
    if not isinstance(value, dict):
        return value
    if "Fn::Sub" in value:
        text: str = value["Fn::Sub"]
        function = text.rpartition("${")[2].removesuffix(".Arn}/invocations")
        return f"/functions/arn:aws:lambda:{REGION}:000000000000:function:{resources[function]}/invocations"
    if value.keys() == {"Ref"}:
        return value["Ref"]
    return {name: _resolved(each, resources) for name, each in value.items()}
