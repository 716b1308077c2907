"""The bench measures what there is, and its stub stands for the database."""

from typing import Any

import pytest

from bench.fresh import without_request
from bench.ground import Event, Ground
from bench.warm_process import Replay, Sending
from local import template
from local.settings import ROOT

ANSWER = b'{"Item": {}}'


class Client:
    """As much of a database client as the stub touches: the place where requests go out."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def tap(self, sending: Sending) -> None:
        self.sending = sending

    def ask(self, operation: str) -> bytes:
        answer: bytes = self.sending(operation, lambda: self.send(operation))
        return answer

    def send(self, operation: str) -> bytes:
        self.sent.append(operation)
        return ANSWER


def a_handler(client: Client, operations: list[str]) -> Any:  # noqa: ANN401 -- a Lambda handler
    def handle(_event: Event, _context: object) -> dict[str, Any]:
        return {"statusCode": 200, "body": [client.ask(each) for each in operations]}

    return handle


def test_every_route_of_the_template_has_a_request_in_the_bench() -> None:
    read = template.read(ROOT / "template.yaml")
    routed = {route.function.name for route in read.routes}
    missing = routed & set(without_request(Ground(read, "", {}, {}, ROOT)))
    assert not missing, f"bench/scenarios.py has no request for {sorted(missing)}"


def test_a_stubbed_database_is_asked_once_and_then_answers_from_memory() -> None:
    client = Client()
    stub = Replay(client.tap, a_handler(client, ["GetItem", "PutItem"]), {}, 200)
    replies = [stub({}, None)["body"] for _ in range(3)]
    assert len(client.sent) == 2
    assert replies == [[ANSWER, ANSWER]] * 3


def test_a_stubbed_database_refuses_what_it_was_not_asked_before() -> None:
    client, operations = Client(), ["GetItem"]
    stub = Replay(client.tap, a_handler(client, operations), {}, 200)
    operations[0] = "PutItem"
    with pytest.raises(RuntimeError, match="PutItem was asked where"):
        stub({}, None)
