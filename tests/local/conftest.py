"""The local stack around a small template, for the tests of its parts."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from local import settings, stack
from local.settings import Settings
from local.stack import Stack

FIXTURES = Path(__file__).parent / "fixtures"
NOWHERE = "http://127.0.0.1:9"
SECRET = "a secret for tests, long enough for HS256"


def settings_without_simulators(data: Path, **given: str) -> Settings:
    """Settings of a stack on a free port, whose providers are nowhere."""
    addresses = {f"{provider}_BASE_URL": NOWHERE for provider in stack.PROVIDERS}
    return settings.read({"PORT": "0", "DATA_DIR": str(data), "JWT_SECRET": SECRET, **addresses, **given}, None)


@pytest.fixture(scope="session")
def reports() -> list[str]:
    """What the stack told the terminal."""
    return []


@pytest.fixture(scope="session")
def small_stack(tmp_path_factory: pytest.TempPathFactory, reports: list[str]) -> Iterator[Stack]:
    """The stack, serving the template in fixtures/."""
    chosen = settings_without_simulators(tmp_path_factory.mktemp("stack"))
    with stack.started(chosen, path=FIXTURES / "template.yaml", report=reports.append) as started:
        yield started


@pytest.fixture
def front(small_stack: Stack) -> Iterator[httpx2.Client]:
    """A client of the front door."""
    with httpx2.Client(base_url=small_stack.url, timeout=40, trust_env=False) as client:
        yield client


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], None]:
    """Waits for something that happens on its own time, and fails if it does not."""

    def wait(holds: Callable[[], bool]) -> None:
        end = time.monotonic() + 20
        while not holds():
            assert time.monotonic() < end, "it did not happen"
            time.sleep(0.05)

    return wait
