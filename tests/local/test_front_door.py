"""The front door over real HTTP: requests in, processes behind, the gateway's own answers."""

import base64
import importlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import httpx2
import jwt
import pytest

from local.stack import Stack

SECRET = "a secret for tests, long enough for HS256"  # conftest.py sets it


def wish(front: httpx2.Client, **what: object) -> httpx2.Response:
    return front.post("/answers", json=what)


def test_a_request_reaches_its_function_as_an_event(front: httpx2.Client) -> None:
    reply = front.get("/items/a%20b?x=1&x=2", headers={"X-Upper": "Y", "Cookie": "c=1"})
    event = reply.json()["event"]
    assert event["routeKey"] == "GET /items/{id}"
    assert event["pathParameters"] == {"id": "a b"}
    assert event["queryStringParameters"] == {"x": "1,2"}
    assert event["headers"]["x-upper"] == "Y"
    assert event["cookies"] == ["c=1"]


def test_bytes_arrive_as_base64(front: httpx2.Client) -> None:
    reply = front.post("/echo", content=b"\x00\x01", headers={"content-type": "application/pdf"})
    event = reply.json()["event"]
    assert (event["isBase64Encoded"], base64.b64decode(event["body"])) == (True, b"\x00\x01")


def test_the_function_knows_itself_and_its_time(front: httpx2.Client) -> None:
    told = front.get("/echo").json()
    assert told["context"]["function"] == told["environment"]["AWS_LAMBDA_FUNCTION_NAME"] == "Echo"
    assert told["context"]["memory"] == 512
    assert 0 < told["context"]["left"] <= 2000
    assert told["context"]["request"] != front.get("/echo").json()["context"]["request"]


def test_the_function_sees_the_templates_variables_and_nothing_of_this_shell(front: httpx2.Client) -> None:
    environment = front.get("/echo").json()["environment"]
    assert environment["ITEMS_TABLE"] == "tollgate-local-items"
    assert environment["JWT_SECRET"] == SECRET
    assert "PYTEST_CURRENT_TEST" not in environment


def test_an_unknown_route_gets_the_gateways_404(front: httpx2.Client) -> None:
    for path in ("/", "/nope", "/echo/"):
        reply = front.get(path)
        assert (reply.status_code, reply.json()) == (404, {"message": "Not Found"})
    assert front.delete("/echo").status_code == 404


@pytest.mark.parametrize("size", [7 * 1024 * 1024, 11 * 1024 * 1024])
def test_a_body_too_large_for_the_function_or_the_gateway_is_refused(front: httpx2.Client, size: int) -> None:
    reply = front.post("/echo", content=b"x" * size)
    assert (reply.status_code, reply.json()) == (413, {"message": "Request Entity Too Large"})


def test_a_body_that_grows_too_large_while_it_comes_is_refused(front: httpx2.Client) -> None:
    reply = front.post("/echo", content=(b"x" * 1024 * 1024 for _ in range(11)))
    assert (reply.status_code, reply.headers["connection"]) == (413, "close")


BROKEN = {"message": "Internal Server Error"}


@pytest.mark.parametrize(
    "what",
    [
        {"raise": "ouch"},
        {"exit": 3},
        {"unwritable": True},
        {"size": 7 * 1024 * 1024},
        {"return": {"statusCode": "?"}},
        {"sleep": 5},
    ],
    ids=lambda what: next(iter(what)),
)
def test_a_function_that_fails_is_a_500_that_tells_nothing(front: httpx2.Client, what: dict[str, Any]) -> None:
    reply = wish(front, **what)
    assert (reply.status_code, reply.json()) == (500, BROKEN)
    assert front.get("/echo").status_code == 200


def test_the_terminal_learns_why_a_function_failed(
    front: httpx2.Client, reports: list[str], eventually: Callable[[Callable[[], bool]], None]
) -> None:
    wish(front, **{"raise": "a reason of its own"})
    assert "POST /answers: RuntimeError: a reason of its own" in reports
    eventually(lambda: "RuntimeError: a reason of its own" in reports)


def test_the_terminal_shows_errors_that_functions_log_and_not_the_rest(
    front: httpx2.Client,
    small_stack: Stack,
    reports: list[str],
    eventually: Callable[[Callable[[], bool]], None],
) -> None:
    wish(front, say="only for the file")
    wish(front, say="for everybody", level="ERROR")
    eventually(lambda: any("for everybody" in line for line in reports))
    assert not any("only for the file" in line for line in reports)
    assert "only for the file" in small_stack.log.read_text(encoding="utf-8")


def test_two_hundred_parallel_requests_are_all_answered(small_stack: Stack) -> None:
    with (
        httpx2.Client(base_url=small_stack.url, timeout=60, trust_env=False, limits=httpx2.Limits()) as client,
        ThreadPoolExecutor(200) as callers,
    ):
        replies = list(callers.map(lambda _: client.get("/echo").status_code, range(200)))
    assert replies == [200] * 200


def test_a_process_has_one_request_at_a_time(small_stack: Stack) -> None:
    """Two that overlap in time are never in one process: each sleeps while the others come in."""

    def call(_: int) -> dict[str, Any]:
        body = {"sleep": 0.3, "return": None}
        with httpx2.Client(base_url=small_stack.url, timeout=60, trust_env=False) as client:
            reply: dict[str, Any] = client.post("/answers", json={**body, "pid": True}).json()
            return reply

    with ThreadPoolExecutor(8) as callers:
        spans = list(callers.map(call, range(8)))
    for one in spans:
        others = [span for span in spans if span is not one and span["pid"] == one["pid"]]
        assert all(span["end"] <= one["start"] or span["start"] >= one["end"] for span in others)


def test_the_gateway_answers_a_preflight_for_a_route_of_the_function(front: httpx2.Client) -> None:
    asked = {"origin": "https://app.example.com", "access-control-request-method": "POST"}
    reply = front.options("/answers", headers=asked)
    assert reply.status_code == 204
    assert reply.headers["access-control-allow-origin"] == "https://app.example.com"
    echoed = front.get("/echo", headers={"origin": "https://app.example.com"})
    assert echoed.headers["access-control-allow-origin"] == "https://app.example.com"


# The control routes.


def test_a_token_is_signed_with_the_local_secret(front: httpx2.Client) -> None:
    token = front.post("/_local/token", json={"userId": "u1", "email": "u1@example.com", "role": "admin"}).json()[
        "token"
    ]
    claims = jwt.decode(token, SECRET, algorithms=["HS256"], options={"verify_exp": False, "verify_iat": False})
    assert (claims["sub"], claims["email"], claims["role"]) == ("u1", "u1@example.com", "admin")
    assert claims["exp"] - claims["iat"] == 24 * 3600


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"userId": ""}', b'{"userId": 5}', b'{"userId": "u", "role": {}}']
)
def test_a_token_for_nobody_is_refused(front: httpx2.Client, body: bytes) -> None:
    reply = front.post("/_local/token", content=body)
    assert reply.status_code == 400
    assert reply.json()["error"]


def test_moving_the_clock_moves_every_function(front: httpx2.Client) -> None:
    set_to = front.post("/_local/clock", json={"now": "2027-01-31T00:00:00Z"}).json()["now"]
    assert set_to.startswith("2027-01-31T00:00:0")
    moved = front.post("/_local/clock", json={"advance": "P1M"}).json()["now"]
    assert moved.startswith("2027-02-28T00:00:0")
    told = front.post("/_local/jobs/nightly").json()["runs"][0]["result"]["now"]
    assert timedelta(0) <= datetime.fromisoformat(told) - datetime.fromisoformat(moved) < timedelta(minutes=1)
    assert front.get("/echo").json()["event"]["requestContext"]["time"].startswith("28/Feb/2027")


@pytest.mark.parametrize(
    "body", [{}, {"now": "soon"}, {"advance": "1M"}, {"now": "2027-01-01T00:00:00Z", "advance": "P1D"}]
)
def test_a_clock_setting_that_cannot_be_read_says_what_is_wanted(front: httpx2.Client, body: dict[str, str]) -> None:
    before = front.get("/_local/clock").json()["now"][:16]
    reply = front.post("/_local/clock", json=body)
    assert (reply.status_code, "ISO 8601" in reply.json()["error"]) == (400, True)
    assert front.get("/_local/clock").json()["now"][:13] == before[:13]


def test_a_job_runs_once_for_each_of_its_schedules(front: httpx2.Client) -> None:
    daily, monthly = front.post("/_local/jobs/nightly").json()["runs"]
    assert daily["result"]["event"]["source"] == "aws.scheduler"
    assert monthly["result"]["event"] == {"window": "month"}


def test_a_job_takes_a_payload_of_ones_own(front: httpx2.Client) -> None:
    (run,) = front.post("/_local/jobs/nightly", json={"window": "day"}).json()["runs"]
    assert run["result"]["event"] == {"window": "day"}


def test_an_unknown_job_names_the_known_ones(front: httpx2.Client) -> None:
    reply = front.post("/_local/jobs/echo")
    assert reply.status_code == 404
    assert "nightly" in reply.json()["error"]


def test_a_mail_sent_through_ses_can_be_read(front: httpx2.Client, small_stack: Stack) -> None:
    ses = importlib.import_module("boto3").client(
        "sesv2",
        endpoint_url=f"{small_stack.url}/_local/ses",
        region_name="ap-south-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    try:
        sent = ses.send_email(
            FromEmailAddress="billing@example.com",
            Destination={"ToAddresses": ["asha@example.com"]},
            Content={
                "Simple": {"Subject": {"Data": "Paid"}, "Body": {"Text": {"Data": "₹499"}, "Html": {"Data": "<p>"}}}
            },
            EmailTags=[{"Name": "kind", "Value": "payment"}],
        )
    finally:
        ses.close()
    assert sent["MessageId"]
    mail = front.get("/_local/mail").json()[-1]
    assert mail.pop("at").endswith("Z")
    assert mail == {"to": "asha@example.com", "subject": "Paid", "text": "₹499", "html": "<p>", "kind": "payment"}


def test_health_tells_what_runs(front: httpx2.Client) -> None:
    told = front.get("/_local/health").json()
    assert told["status"] == "ok"
    assert told["database"] in {"dynoxide", "ministack"}
    assert told["simulators"] == {}


def test_the_buying_page_loads_razorpays_checkout(front: httpx2.Client) -> None:
    page = front.get("/_local/checkout")
    assert page.headers["content-type"].startswith("text/html")
    assert 'src="https://checkout.razorpay.com/v1/checkout.js"' in page.text


def test_an_unknown_control_route_is_a_404_of_its_own(front: httpx2.Client) -> None:
    assert front.get("/_local/nope").status_code == 404


def test_log_lines_are_json(small_stack: Stack, front: httpx2.Client) -> None:
    wish(front, say="structured")
    lines = small_stack.log.read_text(encoding="utf-8").splitlines()
    assert {"level": "INFO", "message": "structured"} in [json.loads(line) for line in lines if line.startswith("{")]
