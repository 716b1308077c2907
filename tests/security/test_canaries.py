"""No secret, token or private word leaves by a reply, a log line, a traceback, a table of use or the package that is built."""

from __future__ import annotations

import io
import json
import logging
import os
import random
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.bundle.built import holds_a_secret
from tests.bundle.built import secrets as secrets_in
from tests.bundle.document import ROOT
from tests.functions import harness
from tests.functions.harness import World, served
from tests.security.peeking import kept
from tests.security.test_owasp import GOOD_BODIES, ROUTES, SIGN_OUT, filled
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


LINES = 10_000


def test_r31_of_ten_thousand_lines_none_holds_a_private_word_a_token_or_a_signature(
    world: World, secrets: None, said: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    """What nobody can make sense of is what a careless program would write down."""
    del secrets
    rng, lines = random.Random(31), 0  # noqa: S311 -- a reproducible draw
    claims = {"sub": world.user, "email": PRIVATE[1], "name": PRIVATE[0], "exp": 4_000_000_000}
    good, bad = (harness.signed_token(claims, secret=each) for each in (SECRETS["JWT_SECRET"], "another"))
    leaving = harness.signed_token(claims | {"sub": f"leaving-{world.user}"}, secret=SECRETS["JWT_SECRET"])
    headers = {"x-razorpay-signature": "canary-signature", "user-agent": PRIVATE[1], "idempotency-key": PRIVATE[2]}
    words = json.dumps([*PRIVATE, {PRIVATE[0]: list(PRIVATE)}])
    query = urlencode(dict(zip(("q", "cursor", "email"), PRIVATE, strict=True)))
    with harness.watched(world.journal):
        while lines < LINES:
            route = rng.choice(ROUTES)
            raw = rng.choice([words, words[:-1], f'{{"tier": {words}, "text": {words}, "resume": 1}}', f'"{good}"'])
            path = filled(route) + rng.choice(["", f"?{query}"])
            known = leaving if route.path == SIGN_OUT else good
            world.call(route.method, path, raw=raw.encode(), token=rng.choice([known, bad, bad]), headers=headers)
            if rng.randrange(100) == 0 or lines > LINES - 100:
                captured = capsys.readouterr()
                text = said.getvalue() + captured.out + captured.err
                said.seek(0)
                said.truncate()
                lines += text.count("\n")
                for canary in (
                    *SECRETS.values(),
                    *PRIVATE,
                    good,
                    leaving,
                    bad,
                    bad.rpartition(".")[2],
                    "canary-signature",
                ):
                    assert canary not in text, canary


def private(body: dict[str, object]) -> dict[str, object]:
    """The body with somebody's name, address and number in its texts."""
    words = f"{PRIVATE[0]}\n{PRIVATE[1]}\n+91 {PRIVATE[2]}"
    return {
        name: f"{value}\n{words}" if isinstance(value, str) and " " in value else value for name, value in body.items()
    }


def test_r29_no_file_that_is_deployed_holds_a_secret() -> None:
    """What is made of them is looked through as well, each time it is built: see `tests/bundle/built.py`."""
    for folder in ("functions", "layers"):
        for file in (each for each in (ROOT / folder).rglob("*") if each.is_file() and each.suffix != ".pyc"):
            assert not holds_a_secret(file.read_bytes()), file
    assert not holds_a_secret((ROOT / "template.yaml").read_bytes())


def test_r29_a_secret_in_what_was_built_is_found(tmp_path: Path) -> None:
    inside = {
        "CreateOrder/subscription/create_order.py": b"KEY = 'rzp_live_AbCdEf123'",
        "SharedLayer/python/tollgate/config.py": b"secret = 'local-key-secret'",
        "AiLayer/python/openai/.env": b"A=1",
        "AiLayer/python/openai/examples.py": b"'sk-' + 'x'",
        "CreateOrder/subscription/renew.py": b"-----BEGIN PRIVATE KEY-----",
        "CreateOrder/meta/docs.py": b"nothing",
    }
    for name, content in inside.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    found = {str(each.relative_to(tmp_path)) for each in secrets_in(tmp_path)}
    assert found == set(inside) - {"AiLayer/python/openai/examples.py", "CreateOrder/meta/docs.py"}


def test_r29_the_template_names_secrets_and_holds_none() -> None:
    """A value that is a secret is looked up when the stack is deployed, or handed over without being shown."""
    for function in served().functions:
        for name in SECRETS.keys() & function.environment.keys():
            assert function.environment[name].startswith("{{resolve:secretsmanager:"), (function.name, name)
