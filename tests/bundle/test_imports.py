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
)
SHOWING = {"Pricing", "Compare", "Status", "History", "Usage", "AiConfig"}
PROGRAM = """
import importlib, json, sys
sys.path[:0] = ["layers/shared", "functions"]
importlib.import_module(sys.argv[1])
print(json.dumps([name for name in sys.argv[2:] if name in sys.modules]))
"""


def loaded(name: str) -> set[str]:
    """Which of the heavy packages are loaded once the function is."""
    module = functions()[name]["Handler"].rpartition(".")[0]
    ran = subprocess.run(  # noqa: S603 -- our own interpreter and our own program
        [sys.executable, "-c", PROGRAM, module, *HEAVY],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"PATH": "/usr/bin", "POWERTOOLS_TRACE_DISABLED": "true"},
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return set(json.loads(ran.stdout.splitlines()[-1]))


@pytest.mark.parametrize("name", sorted(functions()))
def test_a_function_loads_its_clients_only_when_it_needs_them(name: str) -> None:
    body = {"pydantic"}  # where a request has a body it is checked with pydantic; whoever only shows something has none
    assert loaded(name) <= (set() if name in SHOWING else body)
