"""How often each request asks the database: counted where the functions hand their requests over."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, cast

from bench import report
from bench.report import Goal, UnmeasuredError
from bench.scenarios import AI, PLAIN, Scenario
from bench.session import Session
from bench.shop import Shop
from tollgate import app
from tollgate.ai.provider import Completion, Provider, Request
from tollgate.store import dynamodb
from tollgate.store.dynamodb import Engine

UPSTREAM = "upstream"


class Counter:
    """What was asked of the database and of the AI providers, in order."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def attach(self) -> None:
        """Stand before the functions' database and before their AI providers."""
        dynamodb.use(_Counted(dynamodb.engine(), self.asked))
        providers = cast("dict[str, Provider]", app.ai().providers)
        for service, provider in providers.items():
            providers[service] = _Listened(provider, self.asked)


class _Counted:
    """An engine that says what it is asked."""

    def __init__(self, engine: Engine, asked: list[str]) -> None:
        self._engine, self._asked = engine, asked

    def __call__(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        self._asked.append("".join(word.capitalize() for word in operation.split("_")))
        return self._engine(operation, request)

    def close(self) -> None:
        self._engine.close()


class _Listened:
    """A provider that says when it is asked."""

    def __init__(self, provider: Provider, asked: list[str]) -> None:
        self.name = provider.name
        self._provider, self._asked = provider, asked

    def complete(self, request: Request, timeout: float) -> Completion:
        self._asked.append(UPSTREAM)
        return self._provider.complete(request, timeout)


def calls(session: Session) -> list[Goal]:
    """Print and save the database calls of each request."""
    counter = Counter()
    counter.attach()
    found: dict[str, dict[str, Any]] = {}
    for each in (*PLAIN, *AI):
        if session.ground.function(each.function):
            counted = session.attempt(each.name, partial(_counted, session.shop, each, counter))
            if counted:
                found[each.name] = counted
    report.progress(f"calls: {len(found)} kinds of requests")
    report.table(
        "DynamoDB calls a request",
        ("request", "calls", "before the AI", "after", "which"),
        [_row(name, each) for name, each in found.items()],
        "A transaction is one call. Calls before and after are told apart where an AI provider is asked.",
    )
    report.save("calls", session.facts, found)
    return _verdicts(found)


def _counted(shop: Shop, scenario: Scenario, counter: Counter) -> dict[str, Any]:
    event = scenario.prepare(shop)
    counter.asked.clear()
    reply = shop.send(scenario.function, event)
    if reply["statusCode"] != scenario.status:
        raise UnmeasuredError(f"answered {reply['statusCode']}: {reply['body']}")
    asked = list(counter.asked)
    database = [each for each in asked if each != UPSTREAM]
    before = asked.index(UPSTREAM) if UPSTREAM in asked else None
    return {"asked": asked, "calls": len(database), "before": before}


def _row(name: str, found: Mapping[str, Any]) -> list[str]:
    before = found["before"]
    split = ["", ""] if before is None else [str(before), str(found["calls"] - before)]
    return [name, str(found["calls"]), *split, " ".join(found["asked"]) or "–"]


def _verdicts(found: Mapping[str, Mapping[str, Any]]) -> list[Goal]:
    def at_most(text: str, names: tuple[str, ...], figure: str, most: int) -> Goal:
        here = {name: found[name][figure] or 0 for name in names if name in found}
        above = ", ".join(f"{name} {number}" for name, number in here.items() if number > most)
        said = above or f"at most {max(here.values(), default=0)} in {len(here)} kinds of requests"
        return Goal(text, said, not above if here else None)

    keyed, replayed = "parse, with Idempotency-Key", "parse, replayed by its key"
    answered = tuple(name for name, each in found.items() if each["before"] is not None and name != keyed)
    return [
        at_most("pricing and compare: no call", ("pricing", "compare"), "calls", 0),
        at_most("status: one call", ("status",), "calls", 1),
        at_most("AI: one call before the provider", answered, "before", 1),
        at_most("AI: two calls in all", answered, "calls", 2),
        at_most("a refused AI call: one call", ("parse, refused",), "calls", 1),
        at_most("AI with an Idempotency-Key: two calls more", (keyed,), "calls", 4),
        at_most("a replayed AI call: two calls", (replayed,), "calls", 2),
        at_most("a duplicate webhook: one call", ("webhook, duplicate", "webhook, settled before"), "calls", 1),
    ]
