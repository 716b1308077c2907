"""What every request of a function pays before and after its own work: route, parse, check, a line, metrics."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from statistics import median

from bench import report
from bench.report import Goal
from bench.rounds import PEERS, Figures, Subject, alternating
from bench.session import Session

ROUNDS, QUICK_ROUNDS = 7, 3
CALLS, QUICK_CALLS = 5_000, 1_000
OURS, LOGGED, VALIDATING = "ours", "Powertools + Logger + Metrics", "Powertools, all and its validation"
RESOLVER, FASTAPI = "Powertools' resolver alone", "FastAPI + Mangum"
BODY = '{"name": "resume.pdf", "count": 3, "kind": "pdf"}'
EVENT = {
    "version": "2.0",
    "routeKey": "POST /shell",
    "rawPath": "/shell",
    "rawQueryString": "",
    "headers": {"content-type": "application/json", "content-length": str(len(BODY)), "host": "api.example.com"},
    "requestContext": {
        "accountId": "000000000000",
        "apiId": "bench",
        "domainName": "api.example.com",
        "http": {
            "method": "POST",
            "path": "/shell",
            "protocol": "HTTP/1.1",
            "sourceIp": "192.0.2.1",
            "userAgent": "bench",
        },
        "requestId": "bench",
        "routeKey": "POST /shell",
        "stage": "$default",
        "timeEpoch": 1_800_000_000_000,
    },
    "body": BODY,
    "isBase64Encoded": False,
}


def shell(session: Session) -> list[Goal]:
    """Print and save the CPU of an endpoint that does next to nothing."""
    rounds, calls = (QUICK_ROUNDS, QUICK_CALLS) if session.quick else (ROUNDS, CALLS)
    told = {"event": EVENT, "calls": calls, "answers": "resume.pdf"}

    def subject(name: str, module: str, python: str = sys.executable) -> Subject:
        job = {**told, "handler": f"bench.shell.{module}.handler"}
        return Subject(name, "bench.subjects.handling", job, python)

    subjects = [
        subject(RESOLVER, "resolver"),
        subject(OURS, "ours"),
        subject(LOGGED, "powertools"),
        subject(VALIDATING, "validating"),
    ]
    if PEERS.exists():
        subjects.append(subject(FASTAPI, "fastapi_mangum", str(PEERS)))
    else:
        session.problems.append(f"{FASTAPI}: there is no {PEERS.parent.parent.name}; `make bench` makes it")
    found = alternating(session, "shell", subjects, rounds)
    report.table(
        f"The shell of a request, CPU ms: median of {rounds} rounds of {calls:,} calls",
        ("a body of three fields checked, a small reply", "CPU", "range", "ours ÷ it"),
        [_row(name, each, found.get(OURS, each)) for name, each in found.items()],
        "Ours and the two Powertools rows with Logger write a line and two metrics a request; the resolver alone and FastAPI\n"
        "write nothing. Who is calling is not looked at by any of them.",
    )
    report.save("shell", session.facts, found)
    return []


def _row(name: str, rounds: Sequence[Figures], ours: Sequence[Figures]) -> list[str]:
    each = [1000 * one["cpu"] for one in rounds]
    return [name, f"{median(each):.3f}", f"{min(each):.3f} to {max(each):.3f}", f"{cpu(ours) / cpu(rounds):.2f}"]


def cpu(rounds: Sequence[Mapping[str, float]]) -> float:
    """The median's milliseconds of CPU."""
    return 1000 * median(one["cpu"] for one in rounds)
