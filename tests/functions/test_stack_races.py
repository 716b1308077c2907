"""Many at once at the front door: the whole local stack, each call in a worker process of its own, as Lambda does it."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from local import settings, stack
from local.stack import Stack
from tests.functions.harness import JWT_SECRET, KEY_SECRET, WEBHOOK_SECRET, signature

TEXT = {"text": "Asha Rao, engineer"}
PARSE = "/api/ai/parse-resume"
WORKERS = 6


@dataclass(slots=True)
class Front:
    """A running stack and a caller of it."""

    stack: Stack
    http: httpx2.Client

    def token(self, user: str) -> dict[str, str]:
        made = self.http.post("/_local/token", json={"userId": user}).json()["token"]
        return {"authorization": f"Bearer {made}"}

    def all(self, *requests: dict[str, Any], width: int = 32) -> list[httpx2.Response]:
        """All requests at once, as many at a time as `width`."""

        async def one(client: httpx2.AsyncClient, gate: asyncio.Semaphore, request: dict[str, Any]) -> httpx2.Response:
            async with gate:
                return await client.request(**request)

        async def every() -> list[httpx2.Response]:
            limits = httpx2.Limits(max_connections=width)
            async with httpx2.AsyncClient(
                base_url=self.stack.url, timeout=60, trust_env=False, limits=limits
            ) as client:
                gate = asyncio.Semaphore(width)
                return list(await asyncio.gather(*(one(client, gate, each) for each in requests)))

        return asyncio.run(every())

    def sim(self, method: str, path: str, **body: object) -> Any:  # noqa: ANN401 -- JSON
        return self.http.request(method, f"{self.stack.simulators['RAZORPAY']}/_sim{path}", json=body).json()

    def paid(self, user: str, tier: str, plan: str) -> tuple[dict[str, str], list[dict[str, Any]]]:
        """A proof of payment, and the webhooks about it that are held back."""
        made = self.http.post(
            "/api/subscription/create-order", json={"tier": tier, "plan": plan}, headers=self.token(user)
        )
        order = made.json()["orderId"]
        self.sim("POST", "/webhooks/hold")
        proof = self.sim("POST", f"/orders/{order}/pay")
        letters = [each for each in self.sim("GET", "/webhooks/deliveries") if order in each["body"]]
        return {name: value for name, value in proof.items() if name.startswith("razorpay_")}, letters

    def status(self, user: str) -> Any:  # noqa: ANN401 -- JSON
        return self.http.get("/api/subscription/status", headers=self.token(user)).json()


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    data: Path = tmp_path_factory.mktemp("stack")
    given = {"PORT": "0", "DATA_DIR": str(data), "JWT_SECRET": JWT_SECRET}
    with (
        stack.started(settings.read(given, None), report=lambda _: None) as started,
        httpx2.Client(base_url=started.url, timeout=60, trust_env=False) as http,
    ):
        yield Front(started, http)


def test_two_hundred_calls_on_one_remaining_resume_admit_exactly_one(front: Front) -> None:
    headers = front.token("race-one")
    replies = front.all(*({"method": "POST", "url": PARSE, "json": TEXT, "headers": headers} for _ in range(200)))
    assert Counter(each.status_code for each in replies) == {200: 1, 403: 199}
    used = front.http.get("/api/subscription/usage", headers=headers).json()
    assert (used["resumesUsed"], used["totalResumesGenerated"]) == (1, 1)


def test_verification_and_webhooks_with_duplicates_at_once_grant_once(front: Front) -> None:
    proof, letters = front.paid("race-two", "pro", "monthly")
    verify: dict[str, Any] = {
        "method": "POST",
        "url": "/api/subscription/verify-payment",
        "json": proof,
        "headers": front.token("race-two"),
    }
    webhooks = [
        {
            "method": "POST",
            "url": "/api/subscription/webhook",
            "content": each["body"].encode(),
            "headers": {
                "content-type": "application/json",
                "x-razorpay-signature": signature(each["body"].encode(), WEBHOOK_SECRET),
            },
        }
        for each in letters
    ]
    assert len(webhooks) == 3
    replies = front.all(*[each for _ in range(6) for each in (verify, *webhooks)])
    assert {each.status_code for each in replies} <= {200, 503}  # 503: somebody else is at it, try again
    assert front.http.post(verify["url"], json=proof, headers=verify["headers"]).status_code == 200
    history = front.http.get("/api/subscription/history", headers=front.token("race-two")).json()
    assert len(history) == 1
    assert front.status("race-two")["tier"] == "pro"
    granted = {each.json()["subscriptionId"] for each in replies if "subscriptionId" in each.text}
    assert granted <= {history[0]["subscriptionId"]}


def test_forty_hybrid_calls_at_once_give_exactly_twelve_to_gpt4o(front: Front) -> None:
    proof, _ = front.paid("race-three", "pro", "monthly")
    headers = front.token("race-three")
    bought = front.http.post("/api/subscription/verify-payment", json=proof, headers=headers)
    assert bought.status_code == 200, bought.text
    warm = [
        front.token(f"warmer-{number}") for number in range(WORKERS)
    ]  # so that no worker loads its clients in the race
    for _ in range(2):
        front.all(*({"method": "POST", "url": PARSE, "json": TEXT, "headers": each} for each in warm), width=WORKERS)
    replies = front.all(
        *({"method": "POST", "url": PARSE, "json": TEXT, "headers": headers} for _ in range(40)), width=WORKERS
    )
    services = Counter(each.json()["meta"]["aiService"] if each.status_code == 200 else each.text for each in replies)
    assert services == {"gpt4o": 12, "gemini": 28}


def test_the_key_secret_of_the_local_simulator_signs_nothing_for_webhooks(front: Front) -> None:
    body = json.dumps({"event": "payment.captured", "payload": {}}).encode()
    headers = {"content-type": "application/json", "x-razorpay-signature": signature(body, KEY_SECRET)}
    assert front.http.post("/api/subscription/webhook", content=body, headers=headers).status_code == 400
