"""Cold start is a feature: what each function loads, in a process of its own."""

import json
import subprocess
import sys

import pytest

from tests.bundle.document import ROOT, functions

HEAVY = (
    "boto3",
    "botocore.session",  # botocore itself is what Powertools registers its name with
    "pydantic",
    "razorpay",
    "requests",
    "jwt",
    "cryptography",
    "openai",
    "google.generativeai",
    "google.protobuf",
    "httpx2",
    "pypdfium2",
    "docx",
    "sentry_sdk",
)
SHOWING = {"Pricing", "Compare", "OpenApi", "Docs", "Status", "History", "Usage", "AiConfig"}
PROGRAM = """
import importlib, json, sys
sys.path[:0] = ["layers/shared", "functions"]
importlib.import_module(sys.argv[1])
print(json.dumps([name for name in sys.argv[2:] if name in sys.modules]))
"""


# What Lambda sets: a function then builds while it starts what each of its requests needs.
CLOUD = {
    "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
    "AWS_REGION": "ap-south-1",
    "AWS_ACCESS_KEY_ID": "somebody",
    "AWS_SECRET_ACCESS_KEY": "a secret",
    "AWS_SESSION_TOKEN": "a session's",
}


def loaded(name: str, **environment: str) -> set[str]:
    """Which of the heavy packages are loaded once the function is."""
    module = functions()[name]["Handler"].rpartition(".")[0]
    ran = subprocess.run(  # noqa: S603 -- our own interpreter and our own program
        [sys.executable, "-c", PROGRAM, module, *HEAVY],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"PATH": "/usr/bin", "POWERTOOLS_TRACE_DISABLED": "true", **environment},
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return set(json.loads(ran.stdout.splitlines()[-1]))


@pytest.mark.parametrize("name", sorted(functions()))
def test_a_function_loads_its_clients_only_when_it_needs_them(name: str) -> None:
    body = {"pydantic"}  # where a request has a body it is checked with pydantic; whoever only shows something has none
    assert loaded(name) <= (set() if name in SHOWING else body)


@pytest.mark.parametrize("name", ["Status", "CreateOrder", "Webhook", "ParseResume"])  # one of each that builds things
def test_a_function_that_is_ready_for_its_requests_has_loaded_no_boto3(name: str) -> None:
    assert not loaded(name, **CLOUD) & {"boto3", "botocore.session"}
