"""No secret, token or private word leaves by a reply, a log line, a traceback, a table of use or the package that is built."""

from __future__ import annotations

import io
import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bundle.document import ROOT
from tests.functions import harness
from tests.functions.harness import World, served
from tests.security.peeking import kept
from tests.security.test_owasp import GOOD_BODIES, ROUTES, filled
from tollgate.http.api import logger

SECRETS = {
    "JWT_SECRET": "canary-jwt-6b1f0e-long-enough-for-HS256-keys",
    "RAZORPAY_KEY_SECRET": harness.KEY_SECRET,
    "RAZORPAY_WEBHOOK_SECRET": harness.WEBHOOK_SECRET,
    "RAZORPAY_WEBHOOK_SECRET_PREVIOUS": harness.PREVIOUS_SECRET,
    "OPENAI_API_KEY": "key-canary-openai",
    "GEMINI_API_KEY": "key-canary-gemini",
    "AWS_SECRET_ACCESS_KEY": "canary-aws-secret",
}
PRIVATE = ("Zebediah Quillfeather", "zebediah.canary@example.org", "98765 00042")
BROKEN = [
    b"",
    b"[",
    b"\xff",
    b'{"text": "Zebediah Quillfeather", "tier": 1}',
    b'{"razorpay_signature": "canary-signature"}',
]


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Iterator[io.StringIO]:
    """Everything that is logged at the most talkative level, by us and by every library."""
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    ours = next(each for each in logger.handlers if isinstance(each, logging.StreamHandler))
    root, plain = logging.getLogger(), logging.getLogger("tollgate")
    levels, stream = (root.level, plain.level), ours.setStream(out)
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    plain.setLevel(logging.DEBUG)
    yield out
    root.removeHandler(handler)
    root.setLevel(levels[0])
    plain.setLevel(levels[1])
    if stream is not None:
        ours.setStream(stream)
    capsys.readouterr()


@pytest.fixture
def secrets() -> Iterator[None]:
    """Other values in the place of those the tests know."""
    before = dict(os.environ)
    os.environ.update(SECRETS)
    harness.forget()
    yield
    os.environ.clear()
    os.environ.update(before)
    harness.forget()


def test_r29_r31_no_canary_comes_out_of_any_route_whether_it_works_or_fails(
    world: World, secrets: None, said: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    del secrets
    with harness.watched(world.journal):
        token = harness.signed_token(
            {"sub": world.user, "role": "admin", "email": PRIVATE[1], "name": PRIVATE[0], "exp": 4_000_000_000},
            secret=SECRETS["JWT_SECRET"],
        )
        replies = []
        for route in ROUTES:
            good = private(GOOD_BODIES.get(route.path, {}))
            for script in ("ok", "500", "401", "badjson", "html502"):
                world.fail(script, script)
                world.sim("POST", "/faults", kind="500", path="/v1/*")
                replies.append(world.call(route.method, filled(route), good, token=token))
            replies += [world.call(route.method, filled(route), raw=raw, token=token) for raw in BROKEN]
            replies.append(world.call(route.method, filled(route), good, token=token[:-3] + "abc"))
            replies.append(
                world.call(
                    route.method, filled(route), good, token=token, headers={"x-razorpay-signature": "canary-signature"}
                )
            )
        world.raw.put_item(
            TableName="UsersTable", Item={"userId": {"S": world.user}, "createdAt": {"S": f"{PRIVATE[0]} broken"}}
        )
        replies += [  # a record that nobody can read makes them fail where it hurts
            world.call(route.method, filled(route), private(GOOD_BODIES.get(route.path, {})), token=token)
            for route in ROUTES
        ]
    captured = capsys.readouterr()
    lines = said.getvalue() + captured.out + captured.err
    assert lines.count('"message":"request"') >= len(ROUTES) * 10
    assert {reply.status for reply in replies} >= {200, 401, 422, 500, 503}
    assert "Traceback" not in lines
    for canary in (*SECRETS.values(), *PRIVATE, token, token.rpartition(".")[2], "canary-signature"):
        assert canary not in lines, canary
        assert canary not in str(world.usage())
    for reply in replies:
        text = reply.body.decode()
        assert not [each for each in SECRETS.values() if each in text + str(reply.headers)]
        assert reply.status == 200 or not [each for each in PRIVATE if each in text], text
    assert "canary" not in kept(world).replace(PRIVATE[1], "")


def private(body: dict[str, object]) -> dict[str, object]:
    """The body with somebody's name, address and number in its texts."""
    words = f"{PRIVATE[0]}\n{PRIVATE[1]}\n+91 {PRIVATE[2]}"
    return {
        name: f"{value}\n{words}" if isinstance(value, str) and " " in value else value for name, value in body.items()
    }


KEY = re.compile(
    r"\bsk-[A-Za-z0-9_-]{20,}|\bAIza[A-Za-z0-9_-]{30,}|\brzp_live_[A-Za-z0-9]{6,}|\bAKIA[A-Z0-9]{16}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----|\beyJ[A-Za-z0-9_-]{20,}\.eyJ[A-Za-z0-9_-]{20,}\."
)


def test_r29_no_file_that_is_deployed_holds_a_key_or_a_token() -> None:
    for folder in ("functions", "layers"):
        for file in (each for each in (ROOT / folder).rglob("*") if each.is_file() and each.suffix != ".pyc"):
            assert not KEY.search(file.read_text(encoding="utf-8", errors="replace")), file
    assert not KEY.search((ROOT / "template.yaml").read_text(encoding="utf-8"))


def test_r29_the_template_names_secrets_and_holds_none() -> None:
    """A value that is a secret is looked up when the stack is deployed, or handed over without being shown."""
    for function in served().functions:
        for name in SECRETS.keys() & function.environment.keys():
            assert function.environment[name].startswith("{{resolve:secretsmanager:"), (function.name, name)


def test_r29_what_was_built_holds_no_local_value() -> None:
    """The values of the local stack are no secrets, and yet nothing to be found in the cloud."""
    for folder in ("functions", "layers"):
        for file in Path(ROOT / folder).rglob("*.py"):
            text = file.read_text(encoding="utf-8")
            assert not [
                each for each in ("local-key-secret", "local-webhook-secret", "rzp_test_local") if each in text
            ], file
