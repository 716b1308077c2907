"""One set of tests, over HTTP alone: for the local stack, and where TOLLGATE_PLACE is `deployed` for one in an AWS emulator."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from datetime import datetime

import httpx2
import pytest

from tests.blackbox import places
from tests.blackbox.places import Json, Place
from tests.deploy.emulator import GAPS, Deployed

PATIENCE = 60.0  # seconds for what happens on its own time


@pytest.fixture(scope="session")
def _running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Place, Deployed | None]]:
    if os.environ.get("TOLLGATE_PLACE") == "deployed":
        with places.deployed() as found:
            yield found
    else:
        with places.local(tmp_path_factory.mktemp("local")) as place:
            yield place, None


@pytest.fixture(scope="session")
def place(_running: tuple[Place, Deployed | None]) -> Place:
    """Where the tests run."""
    return _running[0]


@pytest.fixture(scope="session")
def deployed(_running: tuple[Place, Deployed | None]) -> Deployed:
    """The stack in the emulator, for tests that look at it by AWS's API."""
    assert _running[1] is not None, "set TOLLGATE_PLACE=deployed"
    return _running[1]


@pytest.fixture(autouse=True)
def _able(request: pytest.FixtureRequest) -> None:
    """Leave out, by name, what a place cannot do."""
    for mark in request.node.iter_markers("needs"):
        (ability,) = mark.args
        assert ability in GAPS
        lacks = request.getfixturevalue("place").lacks
        if ability in lacks:
            pytest.skip(f"{ability}: {lacks[ability]}")


class Person:
    """A user of the API, at work."""

    def __init__(self, place: Place, name: str, role: str | None = None) -> None:
        self._place, self._role, self.name = place, role, name
        self._client = httpx2.Client(timeout=90, trust_env=False)
        self.sign_in()

    def sign_in(self, at: datetime | None = None) -> None:
        self._client.headers["authorization"] = f"Bearer {self._place.token(self.name, self._role, at)}"

    def send(self, method: str, path: str, body: object = None, **headers: str) -> httpx2.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._client.request(method, f"{self._place.url}{path}", json=body, headers=named)

    def get(self, path: str, **headers: str) -> httpx2.Response:
        return self.send("GET", path, **headers)

    def post(self, path: str, body: object, **headers: str) -> httpx2.Response:
        return self.send("POST", path, body, **headers)

    def pays(self, tier: str, plan: str, **more: object) -> Json:
        """Order and pay; what the checkout hands to the frontend."""
        ordered = self.post("/api/subscription/create-order", {"tier": tier, "plan": plan, **more})
        assert ordered.status_code == 200, ordered.text
        paid: Json = httpx2.post(
            f"{self._place.razorpay}/_sim/orders/{ordered.json()['orderId']}/pay",
            json={"method": "upi", "outcome": "success"},
            trust_env=False,
        ).json()
        return {name: value for name, value in paid.items() if name.startswith("razorpay_")}

    def buys(self, tier: str, plan: str, **more: object) -> None:
        """Order, pay and have it verified."""
        verified = self.post("/api/subscription/verify-payment", self.pays(tier, plan, **more))
        assert (verified.status_code, verified.json()["tier"]) == (200, tier)

    def status(self) -> Json:
        found: Json = self.get("/api/subscription/status").json()
        return found

    def close(self) -> None:
        self._client.close()


@pytest.fixture
def person(place: Place, request: pytest.FixtureRequest) -> Iterator[Person]:
    """Somebody whom no other test knows."""
    somebody = Person(place, re.sub(r"\W", "-", request.node.name)[:60])
    yield somebody
    somebody.close()


@pytest.fixture
def admin(place: Place) -> Iterator[Person]:
    """An administrator."""
    somebody = Person(place, "admin-1", "admin")
    yield somebody
    somebody.close()


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], None]:
    """Waits for something that happens on its own time, and fails if it does not."""

    def wait(holds: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < end, "it did not happen"
            time.sleep(0.2)

    return wait
