"""The goals G1 to G15, and what a run says of each.

A goal has lines; a line holds one figure of ours against a peer's or a limit. What was not measured is said to be not measured,
and what is missed says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, median
from typing import Any

from bench import deliveries, handler_shell, imports, pace, sizes
from bench.cost import MOST_OF_AI, MOST_OF_STATUS, SEVEN, TEXT_ONLY
from bench.items import MONTHS
from bench.refused import HOSTILE
from bench.schedules import FIXED

type Steps = Mapping[str, Mapping[str, Any]]  # what each step saved, by its name


@dataclass(frozen=True, slots=True)
class Line:
    """One figure, what it is held against, and whether that is met; None where it was not measured."""

    goal: Goal
    what: str
    ours: str
    peer: str
    ratio: str
    limit: str
    met: bool | None

    @property
    def verdict(self) -> str:
        return {True: "met", False: "not met", None: "not measured"}[self.met]


@dataclass(frozen=True, slots=True)
class Goal:
    """A goal: its lines, from the figures of a run, and why it is missed where it is."""

    id: str
    title: str
    lines: Callable[[Goal, Steps], Iterator[Line]]
    missed: Callable[[Steps], str] = lambda _: ""

    def judged(self, steps: Steps) -> list[Line]:
        """Its lines. A step that failed, or that tells something else by now, leaves a line that says so."""
        found: list[Line] = []
        try:
            found.extend(self.lines(self, steps))
        except (KeyError, IndexError, TypeError, ValueError, StopIteration, RuntimeError) as error:
            found.append(Line(self, self.title, "–", "–", "–", f"{type(error).__name__}: {error}", None))
        return found

    def reason(self, steps: Steps) -> str:
        """Why it is missed, from the same figures."""
        try:
            return self.missed(steps)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            return f"the profile was not measured ({type(error).__name__}: {error})"


def _at_most(goal: Goal, what: str, ours: float, most: float, unit: str = "", digits: int = 2) -> Line:
    return Line(goal, what, _told(ours, unit, digits), "–", "–", f"≤ {_plain(most)}{unit}", ours <= most)


def _at_least(goal: Goal, what: str, ours: float, least: float, unit: str = "", digits: int = 0) -> Line:
    return Line(goal, what, _told(ours, unit, digits), "–", "–", f"≥ {_plain(least)}{unit}", ours >= least)


def _share(
    goal: Goal, what: str, ours: float, peer: tuple[str, float | None], most: float, *, unit: str = "", digits: int = 2
) -> Line:
    """Ours as a share of a peer's, which may be `most`."""
    name, theirs = peer
    if theirs is None:
        return Line(goal, what, _told(ours, unit, digits), f"{name}: –", "–", f"≤ {_plain(most)} ×", None)
    ratio = ours / theirs
    told = f"{name}: {_told(theirs, unit, digits)}"
    return Line(goal, what, _told(ours, unit, digits), told, f"{ratio:.2f}", f"≤ {_plain(most)} ×", ratio <= most)


def _times(goal: Goal, what: str, ours: float, peer: tuple[str, float | None], least: float) -> Line:
    """Ours as a multiple of a peer's, which has to be `least`."""
    name, theirs = peer
    if theirs is None:
        return Line(goal, what, f"{ours:.0f}/s", f"{name}: –", "–", f"≥ {_plain(least)} ×", None)
    ratio = ours / theirs
    return Line(
        goal, what, f"{ours:.0f}/s", f"{name}: {theirs:,.0f}/s", f"{ratio:.2f}", f"≥ {_plain(least)} ×", ratio >= least
    )


def _told(figure: float, unit: str, digits: int) -> str:
    return f"{figure:,.{digits}f}{unit}" if figure != int(figure) else f"{int(figure):,}{unit}"


def _plain(figure: float) -> str:
    return f"{figure:,.0f}" if figure == int(figure) else f"{figure:,g}"


def _results(steps: Steps, name: str) -> dict[str, Any]:
    found: dict[str, Any] = steps[name]["results"]
    return found


def _peer(found: Mapping[str, Any], name: str, figure: str) -> tuple[str, float | None]:
    return name, found[name][figure] if name in found else None


# G1, G2: requests to the database


def _answered(steps: Steps) -> dict[str, Any]:
    """AI calls that a provider was asked for, without those that an Idempotency-Key makes."""
    calls = _results(steps, "calls")
    return {name: each for name, each in calls.items() if each["before"] is not None and "Key" not in name}


def _before(goal: Goal, steps: Steps) -> Iterator[Line]:
    most = max(each["before"] for each in _answered(steps).values())
    waiting = _results(steps, "waiting")
    theirs = waiting.get(f"{pace.PLAIN}, 0 ms", {}).get("calls")
    yield _at_most(goal, f"requests before the provider, most of {len(_answered(steps))} kinds of AI calls", most, 1)
    yield _share(goal, "the same", most, (pace.PLAIN, theirs), 0.25)


def _in_all(goal: Goal, steps: Steps) -> Iterator[Line]:
    most = max(each["calls"] for each in _answered(steps).values())
    theirs = _results(steps, "waiting").get(f"{pace.PLAIN}, 0 ms", {}).get("all")
    yield _at_most(goal, "requests of an AI call, the second a transaction", most, 2)
    yield _share(goal, "the same", most, (pace.PLAIN, theirs), 0.35)


# G3, G4: CPU and throughput


def _cpu(goal: Goal, steps: Steps) -> Iterator[Line]:
    found = _results(steps, "pace")
    ours = found[pace.OURS]["cpu"]
    yield _at_most(goal, "CPU of an AI call, our thin DynamoDB client", ours, 1.2, " ms")
    for name, most in ((pace.PROXY, 0.13), (pace.FLOOR, 1.5), (pace.ROUTER, 1.0), (pace.PLAIN, 1.0), (pace.SDK, 2.0)):
        yield _share(goal, "the same", ours, _peer(found, name, "cpu"), most, unit=" ms")


def _cpu_missed(steps: Steps) -> str:
    found = _results(steps, "pace")
    ours, sdk, floor = (found[name]["cpu"] for name in (pace.OURS, pace.SDK, pace.FLOOR))
    return (
        f"Of {ours:.2f} ms, the provider's SDK alone would take {sdk:.2f} ms and the floor, which decides nothing and checks no "
        f"answer, takes {floor:.2f} ms. The rest is the token, the admission and settlement requests and their JSON, the schema "
        "check of the model's answer, the usage row and the line with its metrics."
    )


def _rates(goal: Goal, steps: Steps) -> Iterator[Line]:
    found = _results(steps, "pace")
    for callers, name in (("1 caller", ""), (f"{pace.CROWD} callers", pace.TOGETHER)):
        ours = found[pace.OURS + name]["rate"]
        yield _at_least(goal, f"AI calls a second on one core, {callers}", ours, 500, "/s")
        yield _times(goal, f"the same, {callers}", ours, _peer(found, pace.PROXY + name, "rate"), 8)
        yield _times(goal, f"the same, {callers}", ours, _peer(found, pace.PLAIN + name, "rate"), 1)


def _rates_missed(steps: Steps) -> str:
    found = _results(steps, "pace")
    cpu, rate, sdk = found[pace.OURS]["cpu"], found[pace.OURS]["rate"], found[pace.SDK]["rate"]
    return (
        f"{cpu:.2f} ms of CPU a call allow {1000 / cpu:.0f}/s at most; {rate:.0f}/s were reached, waiting for the upstream's "
        f"process in between. The OpenAI SDK alone, with no product around it, reaches {sdk:.0f}/s on this core."
    )


# G5: time before the upstream


def _waited(goal: Goal, steps: Steps) -> Iterator[Line]:
    found = _results(steps, "waiting")
    for latency in (0, 3, 10):
        own = found[f"{pace.OURS}, {latency} ms"]
        what = f"before the provider is asked, store at {latency} ms"
        yield _at_most(goal, f"{what}, p50", own["p50"], latency + 2, " ms")
        yield _at_most(goal, f"{what}, p99", own["p99"], latency + 5, " ms")
        yield _share(goal, f"{what}, p50", own["p50"], _peer_at(found, latency), 0.3, unit=" ms")


def _peer_at(found: Mapping[str, Any], latency: int) -> tuple[str, float | None]:
    name, figure = _peer(found, f"{pace.PLAIN}, {latency} ms", "p50")
    return name.rpartition(",")[0], figure


def _waited_missed(steps: Steps) -> str:
    found = _results(steps, "waiting")
    own, other = (found[f"{name}, 0 ms"]["p50"] for name in (pace.OURS, pace.PLAIN))
    return (
        f"With a store that takes no time only CPU is compared: {own:.2f} ms here for token, body, cleaning the resume's text, "
        f"taking private facts out of it and admission, against {other:.2f} ms for a token and four requests by boto3. "
        "What the design saves are round trips, which show as soon as the store takes any time."
    )


# G6, G7, G8: shell, imports, packages


def _shells(goal: Goal, steps: Steps) -> Iterator[Line]:
    found = _results(steps, "shell")
    ours = handler_shell.cpu(found[handler_shell.OURS])

    def peer(name: str) -> tuple[str, float | None]:
        return name, handler_shell.cpu(found[name]) if name in found else None

    what = "route, parse, check, log, metrics: CPU"
    yield _at_most(goal, what, ours, 0.07, " ms", digits=3)
    for name, most in ((handler_shell.LOGGED, 0.5), (handler_shell.VALIDATING, 0.5), (handler_shell.FASTAPI, 0.4)):
        yield _share(goal, what, ours, peer(name), most, unit=" ms", digits=3)


def _shells_missed(steps: Steps) -> str:
    found = _results(steps, "shell")
    ours, resolver = (handler_shell.cpu(found[name]) for name in (handler_shell.OURS, handler_shell.RESOLVER))
    return (
        f"{resolver:.3f} of {ours:.3f} ms are Powertools' resolver with the body's check, which we keep; the rest is our line "
        "with its metrics, the clock and the edge that turns any bug into a reply. FastAPI + Mangum writes neither line nor "
        "metrics."
    )


AI_READY = f"AI (parse-resume){imports.READY}"
IMPORT_LIMITS = {"pricing": 60, "status": 150, "webhook": 150, "AI (parse-resume)": 150}


def _imported(goal: Goal, steps: Steps) -> Iterator[Line]:
    found = _results(steps, "imports")
    everything = _peer(found, imports.EVERYTHING, "cpu")
    for name, most in IMPORT_LIMITS.items():
        for each in (name, name + imports.READY):
            if each == name or name != "pricing":  # which needs nothing
                yield _at_most(goal, f"import of {each}", found[each]["cpu"], most, " ms", 0)
        yield _share(goal, f"import of {name}", found[name]["cpu"], everything, 0.2, unit=" ms", digits=0)
    status = found["status"]["cpu"]
    for peer, share in ((imports.FASTAPI, 1.0), (imports.LITELLM, 0.2)):
        yield _share(goal, "import of status", status, _peer(found, peer, "cpu"), share, unit=" ms", digits=0)


def _imported_missed(steps: Steps) -> str:
    found = _results(steps, "imports")
    profiles = {name: found.get(name, {}).get("shares", {}) for name in (*IMPORT_LIMITS, AI_READY)}
    told = [
        f"{name}: " + ", ".join(f"{package} {share:.0f} %" for package, share in [*shares.items()][:5])
        for name, shares in profiles.items()
        if shares
    ]
    floor = found[imports.RESOLVER]["cpu"]
    return (
        f"Powertools' resolver alone takes {floor:.0f} ms on this machine, and every HTTP function is built on it. "
        f"Where the time goes (`-X importtime`): {'; '.join(told)}. The AI functions load both providers' SDKs while they start, "
        "when Lambda gives a whole processor, rather than in their first request, when 256 MB give a seventh of one."
    )


def _uploaded(goal: Goal, steps: Steps) -> Iterator[Line]:
    found = _results(steps, "sizes")
    own, shared = (found[name] / sizes.MEGABYTE for name in (sizes.PACKAGE, sizes.SHARED))
    theirs = found[sizes.LITELLM] / sizes.MEGABYTE if sizes.LITELLM in found else None
    yield _at_most(goal, "zipped package of a function (no provider SDK, no LiteLLM in it)", own, 3, " MB")
    yield _at_most(
        goal, "package and shared layer, as a function that is no AI task mounts them", own + shared, 3, " MB"
    )
    if sizes.AI in found:
        whole = own + shared + found[sizes.AI] / sizes.MEGABYTE
        yield _share(goal, "an AI function with both layers", whole, (sizes.LITELLM, theirs), 0.2, unit=" MB")


def _uploaded_missed(steps: Steps) -> str:
    del steps
    return (
        "A function's own package is its source. The shared layer, uploaded once for all functions, holds cryptography (for "
        "RS256 and ES256 tokens), pydantic, Powertools and Razorpay's SDK; what a function does not use it does not import."
    )


# G9, G10: schedules


def _turned(goal: Goal, steps: Steps) -> Iterator[Line]:
    for users, turn in _results(steps, "schedules")["turns"].items():
        operations, back, _ = turn
        right = operations == 0 and back == int(users)
        what = f"turn of a month, {int(users):,} users: operations until all have their quota back"
        yield Line(goal, what, str(operations), f"original design: {int(users):,}", "0", "0", right)


def _swept(goal: Goal, steps: Steps) -> Iterator[Line]:
    runs = [each for each in _results(steps, "schedules")["runs"] if each["job"].startswith("expire")]
    fixed = [each for each in runs if each["due"] == FIXED and "one in" not in each["job"]]
    asked = [each["calls"] for each in fixed]
    growth = max(asked) / min(asked)
    sizes_ = " to ".join(f"{each['users']:,}" for each in (fixed[0], fixed[-1]))
    yield _at_most(goal, f"expiry of {FIXED} users among {sizes_}: operations, most ÷ least", growth, 1.05, " ×", 3)
    writes = max(each["writes"] / each["due"] for each in runs)
    yield _at_most(goal, "write units an expiring user", writes, 2.1, " WRU")
    yield _at_most(goal, "scans", sum(each["scans"] for each in runs), 0)


# G11, G12: webhooks and refusals


def _delivered(goal: Goal, steps: Steps) -> Iterator[Line]:
    found = _results(steps, "deliveries")
    units, times, cold = found["units"], found["times"], found["cold"]
    again, settled = units[deliveries.AGAIN], units[deliveries.SETTLED]
    yield _at_most(goal, "a repeated webhook: read units", max(again["reads"], settled["reads"]), 1, " RRU")
    yield _at_most(goal, "a repeated webhook: write units", max(again["writes"], settled["writes"]), 0, " WRU")
    for name in (deliveries.ORDER_PAID, deliveries.FIRST):
        yield _at_most(goal, f"{name}: requests to the database", units[name]["calls"], 2)
    for name in (deliveries.FIRST, deliveries.AGAIN):
        what = f"{name}, {1000 * deliveries.SLOW:.0f} ms a request to the store: p99"
        yield _at_most(goal, what, times[name]["p99"], 100, " ms", 1)
    if cold:
        seconds = median(cold) / 1000
        yield _at_most(goal, "cold start and first webhook", seconds, 1.0, " s")
        yield _share(goal, "cold start and first webhook", seconds, ("Razorpay's time-out", 5.0), 0.2, unit=" s")


def _delivered_missed(steps: Steps) -> str:
    units, load = _results(steps, "deliveries")["units"], steps["deliveries"]["load after"].split()[0]
    return (
        f"Times are wall times on this machine, at a load average of {load}. One batch asks for event, ledger entry, order and "
        "owner at once, consistently: "
        f"{units[deliveries.AGAIN]['reads']:g} read units for a repetition, $0.38 a million. Asking for the ledger entry first "
        "would make that one unit and every first delivery a request longer. `payment.captured` does not tell whose order it is "
        "(its notes are what Checkout was given), so the owner is a read of its own there; `order.paid` tells."
    )


def _refused(goal: Goal, steps: Steps) -> Iterator[Line]:
    found = _results(steps, "refused")
    first, again = found["units"].values()
    yield _at_most(goal, "a refused AI call: write units", first["writes"], 1, " WRU")
    yield _at_most(goal, "the same call again and again: write units", again["writes"], 0, " WRU")
    alone, beside = (median(found["times"][name]["p99"]) for name in ("alone", "beside the flood"))
    what = f"others' p99 while one user calls {HOSTILE} times as often"
    yield _share(goal, what, beside, ("alone", alone), 1.1, unit=" ms")


def _listed(figures: Sequence[float]) -> str:
    return ", ".join(f"{each:.2f}" for each in figures)


def _refused_missed(steps: Steps) -> str:
    found = _results(steps, "refused")
    alone, beside = (found["times"][name]["p99"] for name in ("alone", "beside the flood"))
    return (
        "Whether a call is refused is decided by the write that would let it in, each time: so whoever has just paid, or was "
        "given a unit back, is let in by the next request, and no environment remembers otherwise. That is one write unit each, "
        "$0.63 a million; floods end at the gateway (`ThrottlingRateLimit`). The others' p99 by round were "
        f"{_listed(alone)} ms alone and {_listed(beside)} ms beside the flood; what is shared here and not in Lambda is the "
        "process (its caches, its garbage collector) and the machine."
    )


# G13, G14, G15: cost, item size, simulation


def _cost(goal: Goal, steps: Steps) -> Iterator[Line]:
    found = {name: float(parts["all"]) for name, parts in _results(steps, "cost").items()}
    text = "a million AI calls of 2 s, the seven tasks alike, those that read files with a PDF"
    yield Line(goal, text, *_dollars(mean(found[name] for name in SEVEN), MOST_OF_AI))
    dearest = max(TEXT_ONLY, key=lambda name: found[name])
    yield Line(goal, f"the same, the dearest without a file ({dearest})", *_dollars(found[dearest], MOST_OF_AI))
    yield Line(goal, "a million status calls", *_dollars(found["status"], MOST_OF_STATUS))


def _dollars(found: float, most: float) -> tuple[str, str, str, str, bool]:
    return f"${found:.2f}", "–", "–", f"≤ ${most:.2f}", found <= most


def _cost_missed(steps: Steps) -> str:
    found = _results(steps, "cost")

    def parts(name: str) -> str:
        return ", ".join(f"{part} {dollars:.2f}" for part, dollars in found[name].items() if part != "all")

    dearest = max(SEVEN, key=lambda name: float(found[name]["all"]))
    return (
        f"Status: {parts('status')}. The dearest task, {dearest}: {parts(dearest)}. CPU is this machine's, at the share of a "
        "processor that the memory brings; the gateway and the invocation are 1.20 of each."
    )


UNIT = 1024  # bytes that a write unit pays for


def _sizes_of_items(goal: Goal, steps: Steps) -> Iterator[Line]:
    found = _results(steps, "items")
    for which, what in (("jobs run", "at rest"), ("jobs dead", "with the monthly job dead all year")):
        largest = max(found, key=lambda name: found[name][which]["resting"])
        size = found[largest][which]["resting"]
        yield _at_most(
            goal, f"a user's record after {MONTHS} months {what}, the largest plan ({largest})", size, UNIT, " B"
        )


def _sizes_missed(steps: Steps) -> str:
    found = _results(steps, "items")
    resting = {name: each["jobs run"]["resting"] for name, each in found.items()}
    over = [f"{name} {size:,}" for name, size in resting.items() if size > UNIT]
    dead = max(each["jobs dead"]["resting"] for each in found.values())
    return (
        f"At rest above it: {', '.join(over) or 'none'}. What the AI calls of each purchase cost stays on the record under the "
        "purchase's name, 35 bytes each, so that margins can be told by period: plans that are bought again every month gather "
        "twelve. With the monthly job dead all year every closed window stays there too "
        f"({dead:,} bytes at most): each write of it then costs {-(-dead // UNIT)} units until the job runs again."
    )


def _lived(goal: Goal, steps: Steps) -> Iterator[Line]:
    found = _results(steps, "histories")
    yield _at_least(goal, "histories of the real handlers a second and core", found["pace"], 80, "/s")
    yield Line(goal, "histories of the model alone", "–", "–", "–", "≥ 30,000/s", None)  # there is no such model


def _lived_missed(steps: Steps) -> str:
    pace_ = _results(steps, "histories")["pace"]
    return (
        f"A history is some dozens of requests through the real handlers with the invariants judged after every step: at "
        f"{pace_:.0f} a second one takes {1000 / pace_:.0f} ms, a few hundred steps of the real code. The model written apart "
        "(`tests/simulation/oracle.py`) runs beside the handlers and is not run alone."
    )


GOALS: tuple[Goal, ...] = (
    Goal("G1", "Requests to the database before the provider is asked", _before),
    Goal("G2", "Requests to the database of an AI call", _in_all),
    Goal("G3", "CPU of an AI call", _cpu, _cpu_missed),
    Goal("G4", "AI calls a second on one core", _rates, _rates_missed),
    Goal("G5", "Time before the provider is asked", _waited, _waited_missed),
    Goal("G6", "The shell of a request", _shells, _shells_missed),
    Goal("G7", "Imports", _imported, _imported_missed),
    Goal("G8", "Packages", _uploaded, _uploaded_missed),
    Goal("G9", "The turn of a month", _turned),
    Goal("G10", "Expiry", _swept),
    Goal("G11", "Webhooks", _delivered, _delivered_missed),
    Goal("G12", "Refusals, and a hostile user", _refused, _refused_missed),
    Goal("G13", "Cost at AWS", _cost, _cost_missed),
    Goal("G14", "Size of a user's record", _sizes_of_items, _sizes_missed),
    Goal("G15", "Speed of the simulation", _lived, _lived_missed),
)


def judged(steps: Steps) -> list[Line]:
    """Every line of every goal."""
    return [line for goal in GOALS for line in goal.judged(steps)]
