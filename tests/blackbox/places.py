"""Where the black-box tests run: an address and the secrets of its callers. What a place cannot do is said by name."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from local import control, settings, stack
from local.settings import LOCAL_VALUES
from local.simulators import gemini, openai
from local.simulators.razorpay.serving import running as razorpay
from local.simulators.razorpay.serving import serve
from local.simulators.razorpay.settings import Settings as Account
from tests.deploy import emulator
from tests.deploy.emulator import Deployed, Emulator

type Json = dict[str, Any]

FRONTEND = "http://localhost:5173"  # the origin that the template lets in where nobody names another


@dataclass(frozen=True)
class Place:
    """A running API, and what stands outside: who signs tokens and pays, what the post brought, who runs jobs by the clock."""

    url: str
    razorpay: str  # the simulator
    token_secret: str
    webhook_secret: str
    mails: Callable[[], list[Mail]]
    run: Callable[[str], None]  # a job by the name of its file
    move: Callable[[datetime], None] | None = None  # the clock; None where nobody can
    lacks: Mapping[str, str] = field(default_factory=dict)  # what cannot be tried here, and why

    def token(self, user: str, role: str | None = None, at: datetime | None = None) -> str:
        """What a user's application signs for them."""
        return control.token(
            self.token_secret, at or datetime.now(UTC), user=user, email=f"{user}@example.com", role=role
        )

    def signed(self, body: bytes) -> str:
        """Razorpay's signature of a webhook."""
        return hmac.digest(self.webhook_secret.encode(), body, hashlib.sha256).hex()


@dataclass(frozen=True)
class Mail:
    """One that was sent."""

    to: str
    subject: str


@contextlib.contextmanager
def local(data: Path) -> Iterator[Place]:
    """The local stack on the template."""
    chosen = settings.read({"PORT": "0", "DATA_DIR": str(data)}, None)
    with (
        stack.started(chosen, report=lambda _line: None) as started,
        httpx2.Client(base_url=started.url, timeout=60, trust_env=False) as http,
    ):

        def mails() -> list[Mail]:
            sent: list[Json] = http.get("/_local/mail").json()
            return [Mail(each["to"], each["subject"]) for each in sent]

        def run(job: str) -> None:
            assert http.post(f"/_local/jobs/{job}").status_code == 200

        def move(moment: datetime) -> None:
            assert http.post("/_local/clock", json={"now": moment.isoformat()}).status_code == 200

        yield Place(
            url=started.url,
            razorpay=started.simulators["RAZORPAY"],
            token_secret=LOCAL_VALUES["JWT_SECRET"],
            webhook_secret=LOCAL_VALUES["RAZORPAY_WEBHOOK_SECRET"],
            mails=mails,
            run=run,
            move=move,
        )


SECRET = {
    "JWT_SECRET": "the secret of a stack in an emulator, long enough",
    "RAZORPAY_KEY_SECRET": LOCAL_VALUES["RAZORPAY_KEY_SECRET"],
    "RAZORPAY_WEBHOOK_SECRET": "the webhook secret of a stack in an emulator",
    "RAZORPAY_WEBHOOK_SECRET_PREVIOUS": "nobody's, until the first rotation",
    "OPENAI_API_KEY": "key-of-openai",
    "GEMINI_API_KEY": "key-of-gemini",
}
PARAMETERS = {"RazorpayKeyId": LOCAL_VALUES["RAZORPAY_KEY_ID"], "AlarmMail": "owner@example.com"}


@contextlib.contextmanager
def simulators() -> Iterator[dict[str, str]]:
    """The world outside of the stack: the variables that say where it is."""

    def now() -> datetime:
        return datetime.now(UTC)

    with (
        razorpay(Account()) as payments,
        serve(openai.create(clock=now, required_key=SECRET["OPENAI_API_KEY"]), _listener()) as gpt,
        serve(gemini.create(clock=now, required_key=SECRET["GEMINI_API_KEY"]), _listener()) as other,
    ):
        yield {"RAZORPAY_BASE_URL": payments, "OPENAI_BASE_URL": f"{gpt}/v1", "GEMINI_BASE_URL": other}


def _listener() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


@contextlib.contextmanager
def deployed() -> Iterator[tuple[Place, Deployed]]:
    """The built template, deployed onto the emulator, its webhook told to Razorpay."""
    with simulators() as outside, emulator.running(outside) as running:
        made = emulator.deploy(running, SECRET, PARAMETERS)
        _tell_razorpay(outside["RAZORPAY_BASE_URL"], f"{made.url}/api/subscription/webhook")
        yield place_of(made, outside["RAZORPAY_BASE_URL"]), made


def place_of(made: Deployed, payments: str) -> Place:
    """A deployed stack as a place."""

    def run(job: str) -> None:
        made.invoke(job.title().replace("_", ""), {"source": "aws.scheduler", "time": _written(datetime.now(UTC))})

    return Place(
        url=made.url,
        razorpay=payments,
        token_secret=SECRET["JWT_SECRET"],
        webhook_secret=SECRET["RAZORPAY_WEBHOOK_SECRET"],
        mails=lambda: list(_mails(made.emulator)),
        run=run,
        lacks=emulator.GAPS,
    )


def _written(moment: datetime) -> str:
    return moment.replace(microsecond=0).isoformat().replace("+00:00", "Z")


def _mails(running: Emulator) -> Iterator[Mail]:
    kept: Json = httpx2.get(f"{running.endpoint}/_ministack/ses/messages", trust_env=False).json()
    for sent in kept["messages"].values():
        for each in sent:
            yield from (Mail(to, each["Subject"]) for to in each["To"])


def _tell_razorpay(payments: str, address: str) -> None:
    """Add the webhook, as docs/deploy.md has a person do it in the dashboard."""
    told = httpx2.post(
        f"{payments}/v1/webhooks",
        content=json.dumps({"url": address, "secret": SECRET["RAZORPAY_WEBHOOK_SECRET"]}),
        headers={"content-type": "application/json"},
        auth=(LOCAL_VALUES["RAZORPAY_KEY_ID"], LOCAL_VALUES["RAZORPAY_KEY_SECRET"]),
        trust_env=False,
    )
    assert told.status_code == 200, told.text


def later(days: int) -> datetime:
    """So many days from now on."""
    return datetime.now(UTC) + timedelta(days=days)
