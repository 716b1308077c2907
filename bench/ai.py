"""What an AI call costs beside the provider: our whole path next to others, on an upstream that answers at once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from statistics import median
from typing import Any

from bench import report
from bench.failover import failover
from bench.report import Goal
from bench.rounds import PEERS, Figures, Subject, alternating
from bench.session import Session
from bench.shop import RESUME
from local.settings import ROOT
from local.simulators.llm import answer
from tollgate import app
from tollgate.ai.schema import openai_schema
from tollgate.resumes.schema import Resume

ROUNDS, QUICK_ROUNDS, CALLS = 7, 3, 30
USERS = 6  # of the hybrid plan, which lets each make 100 calls an hour
SDK, PLAIN, OURS = "OpenAI SDK alone", "plain version, stubbed store", "ours, stubbed store"
OURS_WHOLE, PLAIN_WHOLE = "ours, local engine", "plain version, local engine"
ROUTER, PROXY = "LiteLLM Router", "LiteLLM proxy"
MOST = {SDK: 2.0, PLAIN: 1.0, ROUTER: 1.0, PROXY: 0.2}
PARSING = f"{OURS}, with parse-resume's own work"


def ai(session: Session) -> list[Goal]:
    """Print and save the comparison."""
    if session.ground.function("ParseResume") is None:
        return []
    found = measured(session)
    names = (SDK, PLAIN, ROUTER, PROXY)
    compared = [found[name] for name in names if name in found]
    report.table(
        f"AI path on an upstream of no latency: median of {QUICK_ROUNDS if session.quick else ROUNDS} rounds of {CALLS} calls",
        (
            "CPU ms a request",
            "CPU",
            "range",
            "a core does/s",
            "wall p50",
            "database",
            *(f"÷ {name}" for name in names if name in found),
        ),
        [_row(name, rounds, compared) for name, rounds in found.items()],
        "database: requests before the provider is asked, and in all. "
        "CPU is what to compare; wall time also waits for whatever else the machine does. One caller at a time.\n"
        "The proxy's CPU is its server's alone. LiteLLM keeps no quota, plan or usage\n"
        "record here (it has no database); the plain version keeps them in six calls, four before the upstream, and lets two\n"
        "requests at once past one limit. Ours admits, routes, validates the answer, logs and settles in two calls. What\n"
        "parse-resume does besides: it cleans the text, takes private facts out, and looks up in it what the model answered.",
    )
    report.save("ai", session.facts, found)
    with upstream(session) as url:
        return _verdicts(found) + failover(url, session.facts)


def measured(session: Session) -> dict[str, list[Figures]]:
    """The rounds of every peer, alternating."""
    with upstream(session) as url:
        told = {"upstream": url, "body": body(session), "calls": CALLS}
        return alternating(session, "ai", peers(session, told), QUICK_ROUNDS if session.quick else ROUNDS)


def peers(session: Session, told: Mapping[str, object]) -> list[Subject]:
    """Who is compared. LiteLLM only where it was asked for and could be installed."""

    def event(user: str) -> object:
        return session.shop.request("ParseResume", user, {"text": RESUME})

    def lasting() -> list[object]:
        return [event(session.shop.customer("lifetime", "lifetime"))]

    mixed = [event(session.shop.customer("pro", "monthly")) for _ in range(USERS)]

    def peer(name: str, module: str, **job: object) -> Subject:
        return Subject(name, f"bench.peers.{module}", {**told, **job})

    found = [
        peer(SDK, "sdk"),
        peer(PLAIN, "plain", events=lasting(), stubbed=True),
        peer(OURS, "ours", handler="asking.handler", events=lasting(), stubbed=True),
        peer(PARSING, "ours", handler="ai.parse_resume.handler", events=lasting(), stubbed=True),
        peer(PLAIN_WHOLE, "plain", events=lasting(), stubbed=False),
        peer(OURS_WHOLE, "ours", handler="asking.handler", events=lasting(), stubbed=False),
        peer("ours, hybrid plan, local engine", "ours", handler="asking.handler", events=mixed, stubbed=False),
    ]
    return [*found, *with_litellm(session, told, ROUTER, PROXY)] if session.peers else found


def with_litellm(session: Session, told: Mapping[str, object], router: str, proxy: str) -> list[Subject]:
    """LiteLLM's SDK and its proxy with one caller, where they are installed."""
    if not PEERS.exists():
        session.problems.append(f"LiteLLM: there is no {PEERS.parent.parent.name}; `make bench` makes it")
        return []
    return [
        Subject(router, "bench.peers.litellm_router", told, str(PEERS)),
        Subject(proxy, "bench.subjects.proxied", {**told, "callers": 1}, str(PEERS)),
    ]


@contextmanager
def upstream(session: Session) -> Iterator[str]:
    """A provider in a process of its own that answers at once; gives its address."""
    text = session.ground.scratch / "answer.txt"
    text.write_text(answer(openai_schema(Resume), RESUME), encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, "-m", "bench.peers.upstream", str(text)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            port = process.stdout.readline().strip() if process.stdout else ""
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def body(session: Session) -> dict[str, Any]:
    """What our adapter sends to OpenAI for this resume, so that everybody sends the same."""
    shop = session.shop
    app.build_ai()  # as a function does while it starts
    shop.call("ParseResume", {"text": RESUME}, shop.customer("lifetime", "lifetime"))
    sent: dict[str, Any] = shop.simulator("OPENAI", "/_sim/requests", None)["requests"][-1]["body"]
    return sent


def _row(
    name: str, rounds: Sequence[Mapping[str, float]], compared: Sequence[Sequence[Mapping[str, float]]]
) -> list[str]:
    cpu, each = _middle(rounds, "cpu"), [1000 * one["cpu"] for one in rounds]
    ratios = [f"{cpu / _middle(other, 'cpu'):.2f}" for other in compared]
    wall = _middle(rounds, "wall")
    return [
        name,
        f"{cpu:.2f}",
        f"{min(each):.2f} to {max(each):.2f}",
        f"{1000 / cpu:.0f}",
        f"{wall:.2f}",
        _requests(rounds[-1]),
        *ratios,
    ]


def _requests(figures: Mapping[str, float]) -> str:
    return f"{figures['database before']:.0f}, {figures['database']:.0f}" if "database" in figures else "–"


def _middle(rounds: Sequence[Mapping[str, float]], figure: str) -> float:
    return 1000 * median(each[figure] for each in rounds)


def _verdicts(found: Mapping[str, Sequence[Mapping[str, float]]]) -> list[Goal]:
    def against(ours: str, other: str, most: float) -> Goal:
        text = f"the AI path (admission, routing, SDK, log; {ours}) takes at most {most:g} x the CPU of: {other}"
        if ours not in found or other not in found:
            return Goal(text, "–", None)
        ratio = _middle(found[ours], "cpu") / _middle(found[other], "cpu")
        return Goal(text, f"{ratio:.2f}", ratio <= most)

    return [
        *(against(OURS, name, most) for name, most in MOST.items()),
        *(against(OURS_WHOLE, PLAIN_WHOLE if name == PLAIN else name, most) for name, most in MOST.items()),
        _first(found, OURS_WHOLE, 1),
        _first(found, PLAIN_WHOLE, 4),
    ]


def _first(found: Mapping[str, Sequence[Mapping[str, float]]], name: str, expected: int) -> Goal:
    text = f"requests to the database before the provider is asked, {name}: {expected}"
    if not found.get(name):
        return Goal(text, "–", None)
    made = found[name][-1]["database before"]
    return Goal(text, f"{made:.0f}", made == expected)
