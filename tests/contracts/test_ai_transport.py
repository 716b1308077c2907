"""The transport under the AI clients: answers come whole, and nothing is ever sent twice."""

from __future__ import annotations

import gzip
import os
import select
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx2
import pytest

from tests.contracts import wire
from tests.contracts.wire import DROP, HANG, Say, Wire
from tollgate.ai.transport import Proxied, Transport, transport
from tollgate.connections import Connections

type Asking = Callable[[], httpx2.Response]


@pytest.fixture
def line() -> Iterator[Wire]:
    with wire.running() as made:
        yield made


@pytest.fixture
def ask(line: Wire) -> Iterator[Asking]:
    """Posts to the wire by httpx2 with our transport."""
    with httpx2.Client(base_url=line.url, transport=Transport(line.url)) as client:
        yield lambda: client.post("/v1/ask?how=well", json={"q": "₹"}, headers={"x-own": "1"}, timeout=0.3)


def test_a_request_arrives_as_it_was_made_and_its_answer_as_it_was_given(line: Wire, ask: Asking) -> None:
    line.plan = [Say(429, b'{"wait": true}')]
    answer = ask()
    assert (answer.status_code, answer.json(), answer.headers["content-type"]) == (
        429,
        {"wait": True},
        "application/x-amz-json-1.0",
    )
    headers, _ = line.requests[0]
    assert line.bodies() == [{"q": "₹"}]
    assert (headers["x-own"], headers["host"]) == ("1", line.url.removeprefix("http://"))


def test_a_packed_answer_is_unpacked(line: Wire, ask: Asking) -> None:
    line.plan = [Say(200, gzip.compress(b'{"text": "packed"}'), kind="gzip")]
    assert ask().json() == {"text": "packed"}


def test_calls_follow_each_other_on_one_connection(line: Wire, ask: Asking) -> None:
    for _ in range(5):
        ask()
    assert (line.connections, len(line.requests)) == (1, 5)


@pytest.mark.parametrize(
    ("plan", "error"),
    [
        (HANG, httpx2.ReadTimeout),
        (DROP, httpx2.ReadError),
        (Say(200, b'{"text": "whole"}', ends="half"), httpx2.ReadError),
    ],
)
def test_a_call_whose_answer_is_lost_is_not_sent_again_not_even_on_a_kept_connection(
    line: Wire, ask: Asking, plan: wire.Plan, error: type[Exception]
) -> None:
    ask()
    line.plan = [plan]
    with pytest.raises(error):
        ask()
    assert len(line.requests) == 2
    assert ask().status_code == 200


def test_a_connection_that_was_closed_while_it_waited_is_not_used(line: Wire) -> None:
    line.plan = [Say(ends="silently")]
    connections = Connections(line.url)
    try:
        connections.post("/", b"{}", {}, connect=1, seconds=1)
        (waiting,) = connections._idle  # noqa: SLF001 -- to wait until the other side has closed it
        select.select([waiting.socket._real], [], [], 5)  # noqa: SLF001 -- as above
        assert connections.post("/", b"{}", {}, connect=1, seconds=1).status == 200
    finally:
        connections.close()
    assert (line.connections, len(line.requests)) == (2, 2)


def test_an_answer_may_be_waited_for_differently_than_a_connection(line: Wire) -> None:
    line.plan = [HANG]
    connections, raised = Connections(line.url), list[type[BaseException]]()

    def ask() -> None:
        try:
            connections.post("/", b"{}", {}, connect=600, seconds=0.1)
        except TimeoutError as error:
            raised.append(type(error))

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(20)
    assert raised == [TimeoutError]


def test_where_nobody_listens_nothing_was_sent() -> None:
    with httpx2.Client(transport=Transport("http://127.0.0.1:9")) as client, pytest.raises(httpx2.ConnectError):
        client.post("http://127.0.0.1:9/", json={}, timeout=1)


@contextmanager
def environment(**values: str) -> Iterator[None]:
    before = dict(os.environ)
    for name in ("http_proxy", "https_proxy", "no_proxy", "NO_PROXY"):
        os.environ.pop(name, None)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def test_where_the_environment_names_a_proxy_it_is_used_unless_it_is_excepted() -> None:
    with environment(HTTPS_PROXY="http://127.0.0.1:3128", NO_PROXY="near.example.com"):
        assert isinstance(transport("https://api.example.com/v1"), Proxied)
        assert isinstance(transport("https://near.example.com/v1"), Transport)
        assert isinstance(transport("http://api.example.com/v1"), Transport)


def test_through_a_proxy_too_an_answer_has_to_come_in_time(line: Wire) -> None:
    with environment(HTTP_PROXY=line.url):
        way = transport("http://api.example.com/v1")
    with httpx2.Client(transport=way) as client:
        assert client.post("http://api.example.com/v1/ask", json={}, timeout=5).json() == {}
        line.plan = [Say(ends="trickling")]
        with pytest.raises(httpx2.ReadTimeout):
            client.post("http://api.example.com/v1/ask", json={}, timeout=0.3)
    assert [headers["host"] for headers, _ in line.requests] == ["api.example.com"] * 2


def test_an_answer_that_trickles_ends_at_the_deadline(line: Wire, ask: Asking) -> None:
    line.plan = [Say(200, b'{"text": "very slow indeed"}', ends="trickling")]
    with pytest.raises(httpx2.ReadTimeout):
        ask()
