"""AI calls on one core: CPU a call and calls a second, by one caller and by eight, on an upstream and a store of no latency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from bench import report
from bench.ai import body, upstream, with_litellm
from bench.report import Goal
from bench.rounds import PEERS, Figures, Subject, alternating
from bench.session import Session
from bench.shop import RESUME

ROUNDS, QUICK_ROUNDS = 7, 3
CALLS, QUICK_CALLS, CROWD_CALLS = 150, 30, 30
CROWD = 8
FLOOR, SDK = "floor: two signed requests, http.client", "OpenAI SDK alone"
PLAIN, OURS = "original design, re-created", "ours"
ROUTER, PROXY = "LiteLLM SDK (Router)", "LiteLLM proxy"
TOGETHER = f", {CROWD} callers"


def pace(session: Session) -> list[Goal]:
    """Print and save both."""
    if session.ground.function("ParseResume") is None:
        return []
    rounds, calls = (QUICK_ROUNDS, QUICK_CALLS) if session.quick else (ROUNDS, CALLS)
    with upstream(session) as url:
        told = {"upstream": url, "body": body(session), "calls": calls}
        found = alternating(session, "pace", _alone(session, told), rounds)
    with upstream(session) as url:
        together = _together(session, {"upstream": url, "body": told["body"], "calls": min(calls, CROWD_CALLS)})
        found |= alternating(session, "pace, callers at once", together, max(rounds - 2, 2))
    rows = {name: _figures(name, each, calls, min(calls, CROWD_CALLS)) for name, each in found.items()}
    report.table(
        f"AI calls on one core: median of {rounds} rounds of {calls} calls",
        ("subject", "CPU ms a call", "range", "calls a second"),
        [
            [name, f"{each['cpu']:.2f}", f"{min(each['each']):.2f} to {max(each['each']):.2f}", f"{each['rate']:.0f}"]
            for name, each in rows.items()
        ],
        "Every process of a subject is held to one core; upstream and callers of the proxy use the others. Ours by eight\n"
        "callers is eight environments, as Lambda would start them, on that one core. The store answers from memory, the\n"
        "requests to it are made and signed. CPU of the proxy: its server's alone. LiteLLM keeps no plan, quota or log here;\n"
        "the original design keeps them and lets two calls at once past one limit; the floor keeps what ours keeps and\n"
        "decides nothing.",
    )
    report.save("pace", session.facts, rows)
    return []


def _lasting(session: Session) -> list[object]:
    shop = session.shop
    return [shop.request("ParseResume", shop.customer("lifetime", "lifetime"), {"text": RESUME})]


def _ours(session: Session, told: Mapping[str, object], name: str, copies: int = 1) -> Subject:
    job = {**told, "handler": "asking.handler", "events": _lasting(session), "stubbed": True}
    return Subject(name, "bench.peers.ours", job, copies=copies)


def _plain(session: Session, told: Mapping[str, object], name: str, copies: int = 1) -> Subject:
    return Subject(name, "bench.peers.plain", {**told, "events": _lasting(session), "stubbed": True}, copies=copies)


def _alone(session: Session, told: Mapping[str, object]) -> list[Subject]:
    return [
        Subject(FLOOR, "bench.subjects.floor", {**told, "handler": "asking.handler", "events": _lasting(session)}),
        Subject(SDK, "bench.peers.sdk", told),
        _ours(session, told, OURS),
        _plain(session, told, PLAIN),
        *with_litellm(session, told, ROUTER, PROXY),
    ]


def _together(session: Session, told: Mapping[str, object]) -> list[Subject]:
    found = [
        _ours(session, told, OURS + TOGETHER, CROWD),
        _plain(session, told, PLAIN + TOGETHER, CROWD),
    ]
    if PEERS.exists():
        found.append(Subject(PROXY + TOGETHER, "bench.subjects.proxied", {**told, "callers": CROWD}, str(PEERS)))
    return found


def _figures(name: str, rounds: Sequence[Figures], alone: int, together: int) -> dict[str, Any]:
    calls = together * CROWD if name.endswith(TOGETHER) else alone
    cpu = [round(1000 * each["cpu"], 3) for each in rounds]
    rates = [round(calls / each["took"], 1) for each in rounds]
    return {"cpu": median(cpu), "rate": median(rates), "each": cpu, "rates": rates}
