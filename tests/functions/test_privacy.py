"""Nothing of what people send shows up where it is not theirs: logs, metrics, tables of use, refusals."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from tests.functions.harness import World
from tests.functions.test_webhook import CAPTURED, paid
from tests.samples import make
from tollgate.http.api import logger

RESUME = "Zebediah Quillfeather\nzebediah.canary@example.org\n+91 98765 00042\nSkills: Canarythmetic\n"
CANARIES = ("Zebediah", "Quillfeather", "zebediah.canary", "98765 00042", "Canarythmetic")
PARSE = "/api/ai/parse-resume"


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Iterator[io.StringIO]:
    """Everything that is logged or measured, at the most talkative level."""
    out = io.StringIO()
    handler = next(each for each in logger.handlers if isinstance(each, logging.StreamHandler))
    plain = logging.getLogger("tollgate")
    stream, level = handler.setStream(out), plain.level
    plain.setLevel(logging.DEBUG)
    yield out
    plain.setLevel(level)
    if stream is not None:
        handler.setStream(stream)
    capsys.readouterr()


def everything_said(told: io.StringIO, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> str:
    captured = capsys.readouterr()
    records = " ".join(f"{each.getMessage()} {vars(each)}" for each in caplog.records)
    return told.getvalue() + captured.out + captured.err + records


SCRIPTS = ["ok", "500", "401", "429-rate", "badjson", "wrong-shape", "refusal", "length", "html502", "reset-mid-body"]


@pytest.mark.parametrize("script", SCRIPTS)
def test_no_word_of_a_resume_is_logged_measured_or_kept_in_the_log_of_use(
    world: World,
    told: io.StringIO,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    script: str,
) -> None:
    caplog.set_level(logging.DEBUG, logger="tollgate")
    world.buy("premium", "monthly")
    world.fail(script, script)
    token = world.token(email="zebediah.canary@example.org", name="Zebediah Quillfeather")
    reply = world.post(PARSE, {"text": RESUME}, token=token)
    said = everything_said(told, capsys, caplog)
    kept = str(world.usage())
    for canary in (*CANARIES, token, token.rpartition(".")[2], "key-canary", "secret of the tests"):
        assert canary not in said
        assert canary not in kept
        if reply.status != 200:
            assert canary.encode() not in reply.body


BROKEN = {
    "broken file": {"file": "Zebediah Quillfeather", "contentType": "pdf"},
    "wrong kind": {"file": "WmViZWRpYWg=", "contentType": "Zebediah"},
    "wrong type": {"text": {"Zebediah": "Quillfeather"}},
    "too long": {"text": "Zebediah " * 10_000},
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_a_refusal_does_not_repeat_what_was_sent(
    world: World,
    told: io.StringIO,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    body: dict[str, object],
) -> None:
    reply = world.post(PARSE, body)
    assert 400 <= reply.status < 500
    assert b"Zebediah" not in reply.body
    assert "Zebediah" not in everything_said(told, capsys, caplog)


def test_payments_leave_no_signature_secret_or_address_in_the_log(
    world: World, told: io.StringIO, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    proof, events = paid(world)
    event = json.loads(events[CAPTURED])["payload"]["payment"]["entity"]
    world.webhook(events[CAPTURED])
    world.webhook(events[CAPTURED], headers={"x-razorpay-signature": "canary-signature"})
    world.verify(proof)
    world.verify(proof, razorpay_signature="canary-signature")
    world.sim("POST", "/faults", kind="500", path="/v1/orders")
    world.post("/api/subscription/create-order", {"tier": "pro", "plan": "monthly"})
    said = everything_said(told, capsys, caplog)
    assert said.count("payment.captured") >= 1
    for canary in (
        proof["razorpay_signature"],
        "canary-signature",
        "local-key-secret",
        "local-webhook-secret",
        event["email"],
        event["contact"],
        event["vpa"],
        f"{world.user}@example.com",
    ):
        assert canary not in said


def test_what_razorpay_is_told_about_a_buyer_is_their_id_and_nothing_else(world: World) -> None:
    world.order("pro", "monthly")
    assert "@" not in json.dumps(world.sim("GET", "/state")["orders"])


def test_a_bug_names_the_request_and_nothing_else(world: World, told: io.StringIO) -> None:
    """Half of a record, as nobody writes it, makes the status function fail."""
    world.raw.put_item(TableName="UsersTable", Item={"userId": {"S": world.user}, "createdAt": {"S": "Zebediah"}})
    reply = world.get("/api/subscription/status")
    assert (reply.status, reply.headers["content-type"]) == (500, "application/problem+json")
    assert (reply.json["code"], reply.json["error"]) == ("internal_error", "Internal server error")
    assert set(reply.json) == {"type", "title", "status", "detail", "error", "code", "requestId"}
    assert "Zebediah" not in reply.body.decode() + told.getvalue()
    assert "ValueError" not in reply.body.decode()
    assert reply.json["requestId"] in told.getvalue()


def test_a_files_text_goes_to_the_provider_and_nowhere_else(
    world: World, told: io.StringIO, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    reply = world.post(PARSE, {"text": make.text("vikram_nair_java")})
    assert reply.status == 200
    said = everything_said(told, capsys, caplog) + str(world.usage()) + str(world.item())
    for fact in make.facts("vikram_nair_java"):
        if len(fact) > 6:
            assert fact not in said
