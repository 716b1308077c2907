"""Users, orders, payments and requests, made through the real handlers and the simulators' control planes."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import httpx2

from bench.context import Context
from bench.ground import Event, Ground, handler
from bench.report import UnmeasuredError
from local import gateway
from local.control import token
from local.gateway import Request
from local.settings import LOCAL_VALUES

type Json = dict[str, Any]

RESUME = """Asha Verma
Backend Engineer
Pune, Maharashtra, India
asha.verma@example.com | +91 98200 00000 | https://example.com/asha

Summary
Backend engineer with seven years of building payment and messaging systems in Python and Go. Has led two teams of four.

Experience
Senior Backend Engineer, Example Payments, Pune
2021-04 - Present
- Designed the settlement service that reconciles 1.2 million transactions a day across nine banks.
- Cut the nightly batch from four hours to twenty minutes with incremental processing on PostgreSQL.
- Introduced contract tests between eleven services; failed deployments fell from nine a month to one.

Backend Engineer, Sample Messaging, Bengaluru
2017-07 - 2021-03
- Wrote the delivery pipeline for 40 million messages a day with Kafka, Redis and Python.
- Moved fourteen services to Kubernetes on AWS without an interruption that a customer noticed.

Education
B.Tech. in Computer Science, College of Engineering Pune
2013 - 2017

Skills
Python, Go, PostgreSQL, DynamoDB, Kafka, Redis, AWS, Kubernetes, Docker, Terraform
"""
JOB = "Backend engineer at Example Bank. Python, DynamoDB, AWS, Kafka. Five years of experience with payments."


@dataclass(frozen=True, slots=True)
class Shop:
    """Makes what a scenario needs. Every user and every order is new."""

    ground: Ground
    http: httpx2.Client = field(default_factory=lambda: httpx2.Client(trust_env=False, timeout=10))
    numbers: count[int] = field(default_factory=lambda: count(1))

    def newcomer(self) -> str:
        """Somebody of whom nothing is written."""
        return f"user-{next(self.numbers):06d}"

    def customer(self, tier: str, plan: str) -> str:
        """Somebody who has bought that plan."""
        user = self.newcomer()
        self.call("VerifyPayment", self.paid(user, tier, plan), user)
        return user

    def paid(self, user: str, tier: str = "pro", plan: str = "monthly", **attempt: object) -> Json:
        """An order of the user's, paid at Razorpay; gives the three fields that its checkout hands over.

        `attempt` is what the payer does otherwise, in the simulator's words.
        """
        order = self.call("CreateOrder", {"tier": tier, "plan": plan}, user)["orderId"]
        answer: Json = self.simulator("RAZORPAY", f"/_sim/orders/{order}/pay", attempt)
        return {name: value for name, value in answer.items() if name.startswith("razorpay_")}

    def razorpay_event(self, name: str, proof: Json) -> Json:
        """The body of a webhook about that payment."""
        found = self.simulator("RAZORPAY", "/_sim/state", None)
        payment = next(each for each in found["payments"] if each["id"] == proof["razorpay_payment_id"])
        return {"entity": "event", "event": name, "contains": ["payment"], "payload": {"payment": {"entity": payment}}}

    def simulator(self, provider: str, path: str, body: object) -> Json:
        """Ask a simulator's control plane: a GET where there is no body."""
        url = f"{self.ground.simulators[provider]}{path}"
        answer = self.http.get(url) if body is None else self.http.post(url, json=body)
        answer.raise_for_status()
        found: Json = answer.json()
        return found

    def request(
        self, function: str, user: str | None = None, body: Json | None = None, *, query: str = "", **path: str
    ) -> Event:
        """The event of a request to the function's first route; `path` fills its parameters.

        Every user is an administrator too, for the routes that ask it.
        """
        now = datetime.now(UTC)
        route = next((each for each in self.ground.template.routes if each.function.name == function), None)
        if route is None:
            raise UnmeasuredError(f"the template has no route to {function}")
        headers = {"host": "api.example.com", "content-type": "application/json", "user-agent": "bench"}
        if user is not None:
            email = f"{user}@example.com"
            signed = token(LOCAL_VALUES["JWT_SECRET"], now, user=user, email=email, role="admin")
            headers["authorization"] = f"Bearer {signed}"
        raw = json.dumps(body).encode() if body is not None else b""
        asked = Request(route.method, route.path.format(**path), query, tuple(headers.items()), raw)
        return gateway.event(asked, route, path, now=now, request_id="bench")

    def webhook(self, body: Json, event_id: str = "evt_bench") -> Event:
        """A webhook request as Razorpay signs it."""
        event = self.request("Webhook", None, body)
        secret = LOCAL_VALUES["RAZORPAY_WEBHOOK_SECRET"].encode()
        event["headers"]["x-razorpay-signature"] = hmac.new(secret, event["body"].encode(), hashlib.sha256).hexdigest()
        event["headers"]["x-razorpay-event-id"] = event_id
        return event

    def send(self, function: str, event: Event) -> dict[str, Any]:
        """The reply of the function's own handler, run in this process."""
        found = self.ground.function(function)
        if found is None:
            raise UnmeasuredError(f"the template has no function {function}")
        with Path(os.devnull).open("w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
            return handler(found.handler)(event, Context())

    def call(self, function: str, body: Json | None, user: str | None) -> Json:
        """The body of a reply that must be a success."""
        reply = self.send(function, self.request(function, user, body))
        if reply["statusCode"] not in range(200, 300):
            raise UnmeasuredError(f"{function} answered {reply['statusCode']}: {reply['body']}")
        answer: Json = json.loads(reply["body"])
        return answer
