"""Cutting a history that breaks down to what breaks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.simulation.history import Act, Plan, Round

MOST = 300  # histories lived on the way


def shrunk(plan: Plan, breaks: Callable[[Plan], bool]) -> Plan:
    """A smaller plan that still breaks: without rounds, acts, faults and skews that do not matter."""
    tries = 0
    found = True
    while found and tries < MOST:
        found = False
        for smaller in _smaller(plan):
            tries += 1
            if breaks(smaller):
                plan, found = smaller, True
                break
            if tries >= MOST:
                break
    return plan


def _smaller(plan: Plan) -> Iterator[Plan]:
    rounds = plan.rounds
    for place in range(len(rounds)):
        yield replace(plan, rounds=rounds[:place] + rounds[place + 1 :])
    for place, each in enumerate(rounds):
        for number, act in enumerate(each.acts):
            less = each.acts[:number] + each.acts[number + 1 :]
            if less:
                yield _with(plan, place, replace(each, acts=less))
            for simpler in _simpler(act):
                acts = (*each.acts[:number], simpler, *each.acts[number + 1 :])
                yield _with(plan, place, replace(each, acts=acts))


def _simpler(act: Act) -> Iterator[Act]:
    if act.skew:
        yield replace(act, skew=0.0)
    for place in range(len(act.faults)):
        yield replace(act, faults=act.faults[:place] + act.faults[place + 1 :])


def _with(plan: Plan, place: int, changed: Round) -> Plan:
    return replace(plan, rounds=(*plan.rounds[:place], changed, *plan.rounds[place + 1 :]))
