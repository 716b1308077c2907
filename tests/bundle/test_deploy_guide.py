"""docs/deploy.md says what the code and the template ask for."""

import json
import re
import subprocess
import sys
import tomllib
from datetime import UTC, datetime

from tests.bundle.document import ROOT, defaults, functions, template, variables
from tollgate.config import Tokens
from tollgate.http.tokens import verify
from tollgate.payments import webhooks

GUIDE = (ROOT / "docs" / "deploy.md").read_text("utf-8")
SECRET = "a secret of the guide, long enough for HS256"


def block(mark: str) -> str:
    """The code block after a mark."""
    found = re.search(rf"<!-- {mark} -->\n```\w*\n(.*?)```", GUIDE, re.DOTALL)
    assert found
    return found[1]


def test_the_events_to_choose_at_razorpay_are_those_that_are_handled() -> None:
    listed = block("events").split()
    assert sorted(listed) == sorted(webhooks.HANDLERS)


def test_the_secret_has_the_names_that_the_template_reads() -> None:
    read = {
        match[1]
        for function in functions().values()
        for value in variables(function).values()
        if (match := re.search(r"resolve:secretsmanager:\S+:SecretString:(\w+)\}\}", json.dumps(value)))
    }
    created = GUIDE[GUIDE.index("create-secret") : GUIDE.index("\nPY\n")]
    assert set(re.findall(r'^    "([A-Z_]+)":', created, re.MULTILINE)) == read


def test_every_parameter_is_explained() -> None:
    table = GUIDE[GUIDE.index("| parameter | answer |") : GUIDE.index("The other stages")]
    assert set(re.findall(r"`(\w+)`", "\n".join(row.split("|")[1] for row in table.splitlines() if row))) == set(
        template()["Parameters"]
    )


def test_the_tokens_it_makes_by_hand_are_an_administrators() -> None:
    made = subprocess.run(  # noqa: S603 -- the guide's own lines
        [sys.executable, "-c", block("token")],
        env={"JWT_SECRET": SECRET},
        capture_output=True,
        text=True,
        check=True,
    )
    identity = verify(made.stdout.strip(), Tokens(secret=SECRET), datetime.now(UTC))
    assert (identity.user_id, identity.role) == ("admin-1", "admin")


def test_each_stage_has_a_stack_a_region_and_a_secret_of_its_own() -> None:
    config = tomllib.loads((ROOT / "samconfig.toml").read_text("utf-8"))
    stages = {"default": "dev", "staging": "staging", "prod": "prod"}
    assert list(stages.values()) == template()["Parameters"]["Stage"]["AllowedValues"]
    for name, stage in stages.items():
        asked = config[name]["deploy"]["parameters"]
        assert asked["stack_name"] == f"tollgate-{stage}"
        assert asked["parameter_overrides"] == [f"Stage={stage}", f"SecretName=tollgate/{stage}"]
        assert (asked["capabilities"], asked["confirm_changeset"]) == ("CAPABILITY_IAM", True)


def test_a_new_word_has_every_function_deployed_and_its_secrets_read_again() -> None:
    assert "${SecretsRead}" in defaults()["Description"]["Sub"]
    assert all("Description" not in function for function in functions().values())
