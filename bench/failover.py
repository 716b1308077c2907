"""How long a question takes when its provider is down: the first one, and those that come while the breaker is open."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from statistics import median
from time import perf_counter

from bench import report
from bench.report import Goal
from bench.shop import RESUME
from tollgate import clock
from tollgate.ai.breaker import Breaker
from tollgate.ai.failover import FIRST_ATTEMPT_SECONDS, Failover
from tollgate.ai.gemini import Gemini
from tollgate.ai.models import Model, other
from tollgate.ai.openai import OpenAI
from tollgate.ai.provider import Provider, Request
from tollgate.resumes.schema import Resume

BUDGET_SECONDS = 25.0
CALLS = 40
UP = "nobody"
MOST_FIRST = 0.05  # seconds beside the time-out: the other provider's answer, and what a first call loads
MOST_LATER = 0.005  # seconds more than with both up

type Times = Sequence[float]
"""Seconds of the first call, the second, and each later one."""


def failover(url: str, facts: Mapping[str, object]) -> list[Goal]:
    """Print and save the times; `url` is an upstream that answers at once in both providers' ways."""
    found = measured(url)
    report.table(
        "Time to the other provider when one is down, wall ms",
        ("who is down", "first call", "second", f"median of {CALLS} later", "more than with both up"),
        [_row(name, found) for name in found],
        f"The first attempt may take {FIRST_ATTEMPT_SECONDS:.0f} s of a request's {BUDGET_SECONDS:.0f}. A time-out opens the\n"
        "breaker at once, a refused connection at the third, since it costs next to nothing. Later calls alternate. A call that\n"
        "goes to the other provider costs what that one's client costs: it is compared with calls that went there at once.",
    )
    report.save("failover", facts, found)
    return [_goal(name, found) for name in found if not name.startswith(UP)]


def measured(url: str) -> dict[str, list[float]]:
    """The times of everybody who asks. All have their later calls in turn, so that a busy moment meets them all."""
    with refusing() as nobody, hanging() as silent, ExitStack() as opened:
        asking = {
            f"{UP}, {first} asked": opened.enter_context(_asking(first, url, url)) for first in ("gpt4o", "gemini")
        }
        for first in ("gpt4o", "gemini"):
            asking[f"{first} refuses connections"] = opened.enter_context(_asking(first, nobody, url))
            asking[f"{first} never answers"] = opened.enter_context(_asking(first, silent, url))
        report.progress(f"failover: waiting for providers that never answer, {2 * FIRST_ATTEMPT_SECONDS:.0f} s")
        found: dict[str, list[float]] = {name: [] for name in asking}
        for _ in range(CALLS + 2):
            for name, ask in asking.items():
                begun = perf_counter()
                ask()
                found[name].append(perf_counter() - begun)
        return found


@contextmanager
def _asking(first: str, its: str, others: str) -> Iterator[Callable[[], object]]:
    """A question to `first` at the address `its`, with the other provider at another; clients are built and connected."""
    places = {other(first): others, first: its}
    openai, google = OpenAI("bench", f"{places['gpt4o']}/v1"), Gemini("bench", places["gemini"])
    providers: dict[str, Provider] = {"gpt4o": openai, "gemini": google}
    openai.prepare()
    google.prepare()
    Failover({other(first): providers[other(first)]}, Breaker(), clock.system).run(
        _request, other(first), budget_seconds=BUDGET_SECONDS
    )
    both = Failover(providers, Breaker(), clock.system)
    yield lambda: both.run(_request, first, budget_seconds=BUDGET_SECONDS)
    openai.close()
    google.close()


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


def _up(name: str, found: Mapping[str, Times]) -> Times:
    """Calls that went at once where the calls of this row end up."""
    down = name.partition(" ")[0]
    return found[name if name.startswith(UP) else f"{UP}, {other(down)} asked"]


def _row(name: str, found: Mapping[str, Times]) -> list[str]:
    times, up = found[name], _up(name, found)
    first, second, later = (1000 * each for each in (times[0], times[1], _later(times)))
    return [name, f"{first:.1f}", f"{second:.1f}", f"{later:.2f}", f"{later - 1000 * _later(up):+.2f}"]


def _goal(name: str, found: Mapping[str, Times]) -> Goal:
    times, up = found[name], _up(name, found)
    second, later = times[1] - _later(up), _later(times) - _later(up)
    return Goal(
        f"{name}: first call its time-out and {1000 * MOST_FIRST:.0f} ms, the later ones {1000 * MOST_LATER:.0f} ms more",
        f"{times[0]:.3f} s; the second {1000 * second:+.1f} ms, a later one {1000 * later:+.1f} ms",
        times[0] <= FIRST_ATTEMPT_SECONDS + MOST_FIRST and second <= MOST_FIRST and later <= MOST_LATER,
    )
