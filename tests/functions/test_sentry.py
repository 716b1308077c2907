"""What Sentry is told where a DSN is set: of bugs, where they are, and nothing that people sent. Without one, nothing at all."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
import sentry_sdk

from tests.functions.harness import World
from tests.unit.test_streams import failing, record, told
from tollgate import logs, sentry
from tollgate.config import settings
from tollgate.errors import ProviderUnavailable
from tollgate.jobs import Report, Row, sweep

type Event = dict[str, Any]


class Desk:
    """Sentry's part: takes envelopes and keeps the events in them."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.raw = b""
        self.status = 200
        desk = self

        class Reception(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                desk.raw += body
                desk.events += [each for each in map(json.loads, body.splitlines()) if "exception" in each]
                self.send_response(desk.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Reception)
        self.dsn = f"http://public@127.0.0.1:{self.server.server_port}/1"


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    made = Desk()
    Thread(target=made.server.serve_forever, daemon=True).start()
    monkeypatch.setenv("SENTRY_DSN", made.dsn)
    _afresh()
    yield made
    sentry_sdk.get_client().close(timeout=0)
    sentry_sdk.get_global_scope().set_client(None)
    made.server.shutdown()
    made.server.server_close()
    monkeypatch.undo()
    _afresh()


def _afresh() -> None:
    settings.cache_clear()
    sentry._start.cache_clear()  # noqa: SLF001 -- as in a fresh process


def break_status(world: World) -> None:
    """Half of a record, as nobody writes it, makes the status function fail."""
    world.raw.put_item(TableName="UsersTable", Item={"userId": {"S": world.user}, "createdAt": {"S": "Zebediah"}})


def test_a_bug_is_told_by_its_type_its_place_and_the_requests_id(world: World, desk: Desk) -> None:
    break_status(world)
    reply = world.get("/api/subscription/status")
    assert reply.status == 500
    (event,) = desk.events
    raised = event["exception"]["values"][-1]
    assert raised["type"] == "ValueError"
    assert any(each["module"].startswith("tollgate.") for each in raised["stacktrace"]["frames"])
    assert event["tags"] == {"request_id": reply.json["requestId"]}
    assert event["environment"] == settings().stage


def test_nothing_that_people_sent_is_told(world: World, desk: Desk) -> None:
    break_status(world)
    token = world.token(name="Quillfeather")
    world.get("/api/subscription/status", token=token)
    assert desk.events
    for canary in (b"Zebediah", b"Quillfeather", world.user.encode(), token.encode(), b"secret", b"authorization"):
        assert canary not in desk.raw.replace(b"/secrets.py", b"")
    (event,) = desk.events
    assert set(event) <= {*sentry.KEPT, "exception"}
    frames = [frame for each in event["exception"]["values"] for frame in each["stacktrace"]["frames"]]
    assert all(set(frame) <= set(sentry.FRAME) for frame in frames)
    assert all("value" not in each for each in event["exception"]["values"])


def test_a_batch_of_a_stream_tells_its_first_bug_and_who_consumed_it(desk: Desk) -> None:
    handler, _ = failing(1, 2, error=ValueError)
    assert told(handler, record(1, row="a"), record(2, row="b")) == ["1", "2"]
    (event,) = desk.events
    assert event["tags"] == {"consumer": "tests"}
    assert b"a secret of the row" not in desk.raw


def test_a_run_of_a_job_tells_its_first_bug_and_no_outage(desk: Desk) -> None:
    def work(row: Row, _: Report) -> None:
        raise ProviderUnavailable("the database") if row["n"] == 1 else ValueError("a secret of the row")

    swept = sweep([{"n": 1}], work, lambda: True, Report())
    assert (swept.failed, desk.events) == (1, [])
    swept = sweep([{"n": 1}, {"n": 2}, {"n": 3}], work, lambda: True, Report())
    assert (swept.failed, len(desk.events)) == (3, 1)
    assert b"a secret of the row" not in desk.raw


def test_a_refusal_is_no_bug(world: World, desk: Desk) -> None:
    assert world.post("/api/subscription/cancel", {}).status == 403
    assert not desk.raw


def test_a_sentry_that_refuses_or_is_gone_changes_no_reply(world: World, desk: Desk) -> None:
    break_status(world)
    desk.status = 500
    assert world.get("/api/subscription/status").json["code"] == "internal_error"
    desk.server.server_close()
    assert world.get("/api/subscription/status").json["code"] == "internal_error"


def test_a_dsn_that_is_none_changes_no_reply(world: World, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTRY_DSN", "no address")
    _afresh()
    break_status(world)
    assert world.get("/api/subscription/status").json["code"] == "internal_error"


def test_without_a_dsn_nobody_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SENTRY_DSN")
    _afresh()
    logs.report(ValueError("Zebediah"), request_id="1")
    assert not desk.raw
