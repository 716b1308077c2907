"""The whole local stack with the real template: what a newcomer does in the first minutes."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import httpx2
import pytest

from local import settings, stack
from local.stack import Stack

RESUME = "Asha Rao\nasha.rao@example.com\n\nExperience\nEngineer, Example Labs, 2021 - present\n\nSkills\nPython, AWS"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    chosen = settings.read({"PORT": "0", "DATA_DIR": str(tmp_path_factory.mktemp("whole"))}, None)
    with stack.started(chosen, report=lambda _line: None) as started:
        yield started


class Person:
    """A user of the API."""

    def __init__(self, stack: Stack, name: str) -> None:
        self._client = httpx2.Client(base_url=stack.url, timeout=40, trust_env=False)
        self._name = name
        self.sign_in()

    def sign_in(self) -> None:
        token = self._client.post("/_local/token", json={"userId": self._name}).json()["token"]
        self._client.headers["authorization"] = f"Bearer {token}"

    def get(self, path: str) -> httpx2.Response:
        return self._client.get(path)

    def post(self, path: str, body: object) -> httpx2.Response:
        return self._client.post(path, json=body)

    def close(self) -> None:
        self._client.close()


@pytest.fixture
def person(whole: Stack, request: pytest.FixtureRequest) -> Iterator[Person]:
    somebody = Person(whole, re.sub(r"\W", "-", request.node.name))
    yield somebody
    somebody.close()


def pays(whole: Stack, order: str) -> dict[str, str]:
    address = f"{whole.simulators['RAZORPAY']}/_sim/orders/{order}/pay"
    paid: dict[str, str] = httpx2.post(address, json={"method": "upi", "outcome": "success"}, trust_env=False).json()
    return {name: value for name, value in paid.items() if name.startswith("razorpay_")}


def test_a_plan_is_bought_at_the_simulator_and_verified(whole: Stack, person: Person) -> None:
    order = person.post("/api/subscription/create-order", {"tier": "pro", "plan": "monthly"}).json()
    verified = person.post("/api/subscription/verify-payment", pays(whole, order["orderId"]))
    assert (verified.status_code, verified.json()["tier"]) == (200, "pro")
    assert person.get("/api/subscription/status").json()["plan"] == "monthly"


def test_the_simulators_webhook_alone_activates_a_plan(
    whole: Stack, person: Person, eventually: Callable[[Callable[[], bool]], None]
) -> None:
    order = person.post("/api/subscription/create-order", {"tier": "pro", "plan": "monthly"}).json()
    pays(whole, order["orderId"])
    eventually(lambda: person.get("/api/subscription/status").json()["tier"] == "pro")


def test_a_resume_is_read_and_counted(person: Person) -> None:
    read = person.post("/api/ai/parse-resume", {"text": RESUME})
    assert (read.status_code, read.json()["resume"]["basics"]["email"]) == (200, "asha.rao@example.com")
    again = person.post("/api/ai/parse-resume", {"text": RESUME})
    assert (again.status_code, again.json()["code"]) == (403, "usage_limit_reached")


@pytest.mark.parametrize("what", ["pricing", "compare", "status", "usage", "history"])
def test_what_can_be_read_is_read(person: Person, what: str) -> None:
    assert person.get(f"/api/subscription/{what}").status_code == 200


def test_time_can_be_moved_past_the_end_of_a_plan(whole: Stack, person: Person) -> None:
    order = person.post("/api/subscription/create-order", {"tier": "pro", "plan": "monthly"}).json()
    person.post("/api/subscription/verify-payment", pays(whole, order["orderId"]))
    try:
        person.post("/_local/clock", {"advance": "P2M"})
        person.sign_in()  # a token lasts a day
        assert person.get("/api/subscription/status").json()["tier"] == "free"
    finally:
        whole.clock.set(datetime.now(UTC))
