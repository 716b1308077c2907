"""What a process needs before it can simulate: the environment of the functions, and the seams that make it repeatable."""

from __future__ import annotations

import logging
import os
from typing import Any

from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider

from local.simulators.razorpay import wire
from local.simulators.razorpay.engine import Engine as Razorpay
from local.simulators.razorpay.settings import Settings
from tests.functions import harness
from tests.simulation.baton import Baton, drawn
from tests.simulation.history import ANSWERS, Clock, Ground, Life, Plan
from tests.simulation.upstream import BASE, Ai, Gateway, Ses
from tollgate import app, clock, ids
from tollgate.payments import webhooks


class Drawn:
    """What the simulators draw their ids from, in the place of the system's randomness."""

    def __init__(self) -> None:
        self.random = drawn(0)

    def choice(self, options: str) -> str:
        return self.random.choice(options)

    def randbelow(self, number: int) -> int:
        return self.random.randrange(number)


def _nothing(*_: object, **__: object) -> None:
    """No figures about a world that is not."""


_drawn = Drawn()
_grounds: list[Ground] = []


def ground() -> Ground:
    """The process's ground, made once. It is the process's for good: real time and real randomness are gone from it."""
    if not _grounds:
        _grounds.append(_made())
    return _grounds[0]


def _made() -> Ground:
    os.environ.update(
        harness.tables()
        | {
            "STAGE": "local",
            "JWT_SECRET": harness.JWT_SECRET,
            "RAZORPAY_BASE_URL": BASE,
            "RAZORPAY_KEY_ID": "rzp_test_local",
            "RAZORPAY_KEY_SECRET": harness.KEY_SECRET,
            "RAZORPAY_WEBHOOK_SECRET": harness.WEBHOOK_SECRET,
            "OPENAI_API_KEY": "unused",
            "GEMINI_API_KEY": "unused",
            "POWERTOOLS_TRACE_DISABLED": "true",
            "POWERTOOLS_METRICS_DISABLED": "true",
            "POWERTOOLS_LOG_LEVEL": "CRITICAL",
            "AWS_DEFAULT_REGION": "ap-south-1",
        }
    )
    logging.getLogger("tollgate").setLevel(logging.CRITICAL + 1)  # it would be most of the work
    for name in ("add_metric", "add_dimension", "flush_metrics"):
        setattr(AmazonCloudWatchEMFProvider, name, _nothing)
    baton = Baton()
    clock.use(Clock(baton))
    setattr(wire, "secrets", _drawn)  # noqa: B010 -- the simulator's ids, which are no secret here
    gateway = Gateway(baton)
    sdk: Any = app.gateway()._sdk()  # noqa: SLF001 -- the SDK's own way to change how it sends
    sdk._get_version = str  # noqa: SLF001 -- it asks the file system anew for each request
    session = sdk.session
    session.trust_env = False
    session.mount(BASE, gateway)
    providers: Any = app.ai().providers
    for name in ("gpt4o", "gemini"):
        providers[name] = Ai(name, baton, ANSWERS)
    post: Any = app.post()
    post._client = ses = Ses(baton)  # noqa: SLF001 -- where boto3's would be
    return Ground(baton, gateway, providers, ses, harness.served().tables)


def begin(plan: Plan) -> Life:
    """A fresh world for a history, the same each time."""
    import random  # noqa: PLC0415 -- the product's jitter draws from the process's

    made = ground()
    _drawn.random = drawn(plan.seed + 3)
    random.seed(plan.seed + 4)
    ids.draw_from(drawn(plan.seed + 5).randbytes)
    for place, provider in enumerate(made.ai.values()):
        provider.random = drawn(plan.seed + 6 + place)
        provider.errors.clear()
        provider.billed.clear()
        provider.asked.clear()
    made.ses.taken.clear()
    app.ai().breaker._circuits.clear()  # noqa: SLF001 -- a new process knows of no failures
    made.baton.tasks.clear()
    made.gateway.engine = Razorpay(made.gateway._now, Settings(webhook_url=f"{BASE}/hook"))  # noqa: SLF001 -- its own clock
    made.gateway.engine.account.post.hold = True
    made.gateway.engine.account.post.endpoints[0].events = [*webhooks.HANDLERS]  # those that docs/deploy.md has sent
    return Life(plan, made)


__all__ = ["begin", "ground"]
