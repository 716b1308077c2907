"""How long a question takes when its provider is down: the first one, and those that come while the breaker is open."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from statistics import median
from time import perf_counter

from bench import report
from bench.report import Goal
from bench.shop import RESUME
from tollgate import clock
from tollgate.ai.breaker import Breaker
from tollgate.ai.failover import FIRST_ATTEMPT_SECONDS, Failover
from tollgate.ai.gemini_rest import GeminiRest
from tollgate.ai.models import Model
from tollgate.ai.openai import OpenAI
from tollgate.ai.provider import Request
from tollgate.resumes.schema import Resume

BUDGET_SECONDS = 25.0
CALLS = 40
MOST_FIRST = 0.05  # seconds beside the time-out: the other provider's answer, and what a first call loads
MOST_LATER = 0.005  # seconds more than with both up

type Times = Sequence[float]


def failover(url: str, facts: Mapping[str, object]) -> list[Goal]:
    """Print and save the times; `url` is an upstream that answers at once in both providers' ways."""
    found = {"both up": timed(url, url)}
    with refusing() as nobody:
        found["gpt4o refuses connections"] = timed(nobody, url)
    with hanging() as silent:
        report.progress(f"failover: waiting for a provider that never answers, {FIRST_ATTEMPT_SECONDS:.0f} s")
        found["gpt4o never answers"] = timed(silent, url)
    report.table(
        "Time to the other provider when one is down, wall ms",
        ("gpt4o is asked first", "first call", "second", f"median of {CALLS} later", "more than with both up"),
        [_row(times, found["both up"], name) for name, times in found.items()],
        f"The first attempt may take {FIRST_ATTEMPT_SECONDS:.0f} s of a request's {BUDGET_SECONDS:.0f}. A time-out opens the\n"
        "breaker at once, a refused connection at the third, since it costs next to nothing.",
    )
    report.save("failover", facts, found)
    return [_goal(name, times, found["both up"]) for name, times in found.items() if name != "both up"]


def timed(gpt4o: str, gemini: str) -> Times:
    """Seconds of each of some calls that go to gpt4o first, one after the other."""
    openai, google = OpenAI("bench", f"{gpt4o}/v1"), GeminiRest("bench", gemini)
    asking = Failover({"gpt4o": openai, "gemini": google}, Breaker(), clock.system)
    Failover({"gemini": google}, Breaker(), clock.system).run(
        _request, "gemini", budget_seconds=BUDGET_SECONDS
    )  # connects
    times = []
    for _ in range(CALLS + 2):
        begun = perf_counter()
        asking.run(_request, "gpt4o", budget_seconds=BUDGET_SECONDS)
        times.append(perf_counter() - begun)
    openai.close()
    google.close()
    return times


def _request(model: Model) -> Request:
    return Request(model, "Read the resume.", RESUME, Resume, 4_000, "req-bench")


@contextmanager
def refusing() -> Iterator[str]:
    """An address where nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


@contextmanager
def hanging() -> Iterator[str]:
    """An address where connections are taken and nothing is said."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def _later(times: Times) -> float:
    return median(times[2:])


def _row(times: Times, up: Times, name: str) -> list[str]:
    first, second, later = (1000 * each for each in (times[0], times[1], _later(times)))
    return [name, f"{first:.1f}", f"{second:.1f}", f"{later:.2f}", f"{later - 1000 * _later(up):+.2f}"]


def _goal(name: str, times: Times, up: Times) -> Goal:
    second, later = times[1] - _later(up), _later(times) - _later(up)
    return Goal(
        f"{name}: first call its time-out and {1000 * MOST_FIRST:.0f} ms, median of the later {1000 * MOST_LATER:.0f} ms more",
        f"{times[0]:.3f} s; the second {1000 * second:+.1f} ms, the median {1000 * later:+.1f} ms",
        times[0] <= FIRST_ATTEMPT_SECONDS + MOST_FIRST and second <= MOST_FIRST and later <= MOST_LATER,
    )
