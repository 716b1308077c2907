"""What a million requests cost at AWS, by endpoint: counted units times list prices. The providers' bills are apart."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import partial
from statistics import mean, median
from time import process_time
from typing import Any

from bench import report
from bench.context import Context
from bench.counted import counting
from bench.ground import Event, Handler, handler
from bench.report import Goal, UnmeasuredError
from bench.scenarios import AI, PLAIN, Scenario
from bench.session import Session
from tests.simulation.store import Store

WAITS = 2.0  # seconds that an AI call waits for its model
DATABASE = 0.005  # seconds a call of DynamoDB's takes in its own region
WHOLE_CPU = 1769  # MB of memory with which Lambda gives one
TRACED = 0.05  # of requests, by X-Ray's own rule, beyond the first of each second
ACCESS = 130  # bytes of the gateway's line; Lambda's own (290) are not written unless something goes wrong
MOST_OF_AI, MOST_OF_STATUS = 12.0, 1.6  # dollars a million
SEVEN = (  # the tasks as they are mostly asked
    "parse, a PDF",
    "enhance-content",
    "generate-summary",
    "categorize-skills",
    "job-match",
    "cover-letter",
    "ats-scan, a PDF",
)
TEXT_ONLY = tuple(name for name in SEVEN if not name.endswith("a PDF"))
MILLION = 1_000_000
LOADS, TIMES = 2, 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """List prices in US dollars: of a million requests, units and traces, of a GB of logs, and of a GB-second on arm64."""

    region: str
    checked: str
    source: str
    gateway: float
    invocation: float
    gb_second: float
    write: float
    read: float
    log_gb: float
    trace: float


US_EAST_1 = Prices(
    region="us-east-1",
    checked="2026-11-23",
    source="AWS's price pages of API Gateway, Lambda, DynamoDB (after the cut of 2024-11-01), CloudWatch and X-Ray",
    gateway=1.00,
    invocation=0.20,
    gb_second=0.0000133334,
    write=0.625,
    read=0.125,
    log_gb=0.50,
    trace=5.00,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """What one request used. `cpu` are seconds of a whole processor, `waits` seconds without it, `logged` bytes."""

    writes: float
    reads: float
    calls: int
    cpu: float
    waits: float
    logged: int
    memory: int
    traced: bool

    @property
    def seconds(self) -> float:
        """How long Lambda runs: own work on the share of a processor that the memory brings, and waiting."""
        return self.cpu * max(WHOLE_CPU / self.memory, 1) + self.calls * DATABASE + self.waits

    def dollars(self, prices: Prices) -> dict[str, float]:
        """What a million of them cost, by service."""
        return {
            "gateway": prices.gateway,
            "Lambda": prices.invocation + self.seconds * self.memory / 1024 * prices.gb_second * MILLION,
            "DynamoDB": self.writes * prices.write + self.reads * prices.read,
            "logs": self.logged / 1e9 * prices.log_gb * MILLION,
            "X-Ray": TRACED * prices.trace if self.traced else 0.0,
        }


def cost(session: Session) -> list[Goal]:
    """Print and save what a million of each kind of request cost."""
    with counting(session) as store:
        found = {
            each.name: units
            for each in (*PLAIN, *AI)
            if session.ground.function(each.function)
            and (units := session.attempt(each.name, partial(_units, session, each, store)))
        }
    prices = US_EAST_1
    told = {name: units.dollars(prices) for name, units in found.items()}
    report.table(
        f"US dollars a million requests, {prices.region}, list prices of {prices.checked}",
        ("request", "MB", "writes", "reads", "ms", "log bytes", *next(iter(told.values()), {}), "in all"),
        [_row(name, found[name], parts) for name, parts in told.items()],
        f"{prices.source}.\n"
        f"Arm64, no free tiers. An AI call is taken to wait {WAITS:g} s for its model, which is billed apart. "
        f"X-Ray follows {TRACED:.0%} of the requests that are traced. What streams and jobs do afterwards is not in it.",
    )
    report.save("cost", session.facts, {name: parts | {"all": sum(parts.values())} for name, parts in told.items()})
    return _verdicts({name: sum(parts.values()) for name, parts in told.items()})


def _units(session: Session, scenario: Scenario, store: Store) -> Units:
    function = session.ground.function(scenario.function)
    if function is None:
        raise UnmeasuredError("the template has no such function")
    took: list[float] = []
    for _ in range(LOADS + TIMES):  # the first load what later ones find
        event = scenario.prepare(session.shop)
        if scenario.name in SEVEN:  # a user's first call of a month opens a window, which costs one write more
            _measured(handler(function.handler), event)
        written, read, asked = store.writes, store.reads, store.calls.total()
        cpu, reply, said = _measured(handler(function.handler), event)
        if reply["statusCode"] != scenario.status:
            raise UnmeasuredError(f"answered {reply['statusCode']}: {reply['body']}")
        took.append(cpu)
    return Units(
        writes=store.writes - written,
        reads=store.reads - read,
        calls=store.calls.total() - asked,
        cpu=median(took[LOADS:]),
        waits=WAITS if '"AiSpend"' in said else 0.0,  # only a call that asked a provider has it among its metrics
        logged=len(said.encode()) + ACCESS,
        memory=function.memory,
        traced=function.traced,
    )


def _measured(work: Handler, event: Event) -> tuple[float, dict[str, Any], str]:
    """CPU seconds of one call, its reply, and what it wrote to the log."""
    out, plain = io.StringIO(), logging.getLogger("tollgate")
    streams = [each for each in plain.handlers if isinstance(each, logging.StreamHandler)]
    level = plain.level
    before = [each.setStream(out) for each in streams]
    plain.setLevel("INFO")
    try:
        with redirect_stdout(out):
            begun = process_time()
            reply = work(event, Context())
            took = process_time() - begun
    finally:
        plain.setLevel(level)
        for each, stream in zip(streams, before, strict=True):
            each.setStream(stream)
    return took, reply, out.getvalue()


def _row(name: str, units: Units, parts: Mapping[str, float]) -> list[str]:
    figures = [f"{units.writes:g}", f"{units.reads:g}", f"{units.seconds * 1000:.0f}", str(units.logged)]
    return [
        name,
        str(units.memory),
        *figures,
        *(f"{each:.2f}" for each in parts.values()),
        f"{sum(parts.values()):.2f}",
    ]


def _verdicts(found: Mapping[str, float]) -> list[Goal]:
    def at_most(text: str, names: Collection[str], most: float, of: Callable[[Iterable[float]], float] = max) -> Goal:
        if not found.keys() >= set(names):
            return Goal(text, "–", None)
        dollars = of([found[name] for name in names])
        return Goal(text, f"{dollars:.2f}", dollars <= most)

    return [
        at_most(f"a million status calls: at most ${MOST_OF_STATUS:.2f}", ["status"], MOST_OF_STATUS),
        at_most(f"a million AI calls, the seven tasks alike: at most ${MOST_OF_AI:.2f}", SEVEN, MOST_OF_AI, mean),
        at_most(f"a million AI calls without a file, the dearest: at most ${MOST_OF_AI:.2f}", TEXT_ONLY, MOST_OF_AI),
    ]
