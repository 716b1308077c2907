"""The world that the tests of the functions live in: one engine and three simulators a session."""

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from local import database, tables
from local.mail import Outbox, Ses
from local.simulators import gemini, openai, razorpay
from local.simulators.razorpay.serving import serve
from tests.functions import harness
from tests.functions.bookkeeping import settle_all
from tests.functions.dying import Fate, mortal
from tests.functions.harness import Step, World
from tests.watching import unwatched
from tollgate import app, clock

NOWHERE = "http://127.0.0.1:9"


class Watched:
    """A simulator that notes in the journal when it is asked."""

    def __init__(self, name: str, app: ASGIApp, journal: list[Step]) -> None:
        self.name, self.app, self.journal = name, app, journal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["path"].startswith("/_sim"):
            self.journal.append(Step(self.name))
        await self.app(scope, receive, send)


@pytest.fixture(scope="session")
def journal() -> list[Step]:
    """What the running request has done so far."""
    return []


@pytest.fixture(scope="session")
def outbox(tmp_path_factory: pytest.TempPathFactory) -> Outbox:
    """The mails that were sent, whoever they are for."""
    return Outbox(tmp_path_factory.mktemp("mail") / "mail.jsonl")


@pytest.fixture(scope="session")
def addresses(journal: list[Step], outbox: Outbox) -> Iterator[Mapping[str, str]]:
    """Where the engine and the simulators listen."""
    apps = {
        "razorpay": razorpay.create(
            clock=clock.now, settings=razorpay.Settings(webhook_url=f"{NOWHERE}/hook", public_url=NOWHERE)
        ),
        "openai": openai.create(clock=clock.now),
        "gemini": gemini.create(clock=clock.now),
        "ses": Starlette(routes=Ses(outbox, clock.now).routes()),
    }
    with ExitStack() as stack:
        engine = stack.enter_context(database.running())
        tables.create(engine.endpoint, harness.served())
        found = {"dynamodb": engine.endpoint}
        for name, simulator in apps.items():
            listener = socket.create_server(("127.0.0.1", 0))
            with unwatched():
                found[name] = stack.enter_context(serve(Watched(name, simulator, journal), listener))
        yield found


@pytest.fixture(scope="module", autouse=True)
def environment(addresses: Mapping[str, str], clients: dict[str, Any]) -> Iterator[None]:
    """The functions' environment and empty tables, and nothing left of it afterwards."""
    harness.empty_tables(clients["raw"])
    before = dict(os.environ)
    os.environ.update(
        harness.tables()
        | {
            "STAGE": "local",
            "JWT_SECRET": harness.JWT_SECRET,
            "RAZORPAY_BASE_URL": addresses["razorpay"],
            "RAZORPAY_KEY_ID": "rzp_test_local",
            "RAZORPAY_KEY_SECRET": harness.KEY_SECRET,
            "RAZORPAY_WEBHOOK_SECRET": harness.WEBHOOK_SECRET,
            "RAZORPAY_WEBHOOK_SECRET_PREVIOUS": harness.PREVIOUS_SECRET,
            "OPENAI_BASE_URL": f"{addresses['openai']}/v1",
            "OPENAI_API_KEY": "key-canary-openai",
            "GEMINI_BASE_URL": addresses["gemini"],
            "GEMINI_API_KEY": "key-canary-gemini",
            "AWS_ENDPOINT_URL_DYNAMODB": addresses["dynamodb"],
            "AWS_ENDPOINT_URL_SESV2": addresses["ses"],
            "AWS_REGION": "ap-south-1",
            "AWS_DEFAULT_REGION": "ap-south-1",
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "POWERTOOLS_TRACE_DISABLED": "true",
        }
    )
    harness.forget()
    yield
    harness.forget()
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def clients(addresses: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """The tests' own ways to the simulators and to the engine."""
    with ExitStack() as stack:
        made: dict[str, Any] = {
            name: stack.enter_context(httpx2.Client(base_url=addresses[name], trust_env=False))
            for name in ("razorpay", "openai", "gemini")
        }
        raw = tables.client(addresses["dynamodb"])
        stack.callback(raw.close)
        yield made | {"raw": raw}


@pytest.fixture
def world(clients: dict[str, Any], journal: list[Step]) -> Iterator[World]:
    """A user of whom nothing is known, on a Monday afternoon; webhooks are held back for the test to deliver."""
    made = World(**clients, journal=journal)
    made.at(harness.START)
    made.sim("POST", "/reset")
    made.sim("POST", "/webhooks/hold")
    for provider in (made.openai, made.gemini):
        provider.post("/_sim/reset")
    if app.ai.cache_info().currsize:
        breaker = app.ai().breaker
        for name in ("gpt4o", "gemini"):
            breaker.succeeded(name)
    journal.clear()
    with harness.watched(journal):
        yield made
    clock.travel(timedelta(0))


@pytest.fixture
def fate(world: World) -> Iterator[Fate]:
    """What happens to the product's ways out, with nothing of earlier tests due any more."""
    settle_all(world)
    world.at(harness.START)
    with mortal() as made:
        yield made
