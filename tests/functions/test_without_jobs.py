"""What users can do and see while every scheduled job is dead: for months, the same as with jobs that run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.functions import harness, jobs
from tests.functions.harness import World
from tests.functions.test_mandates import standing

RESUME = {"text": "Asha Rao\nasha@example.com\nSkills: Python, AWS"}
MATCH = {"resume": "Asha Rao, Python engineer, AWS", "jobDescription": "A Python engineer who knows AWS"}
JOBS = ("ExpireSubscriptions", "ResetUsage", "SendReminders", "ReconcilePayments")
SEEN = ("status", "history", "usage?history=12", "ai-config")
OFFERS = (("one-time", "one-time"), ("student", "quarterly"), ("pro", "monthly"), ("premium", "yearly"))
GRACE = timedelta(days=4)
OWN = frozenset({"subscriptionId", "orderId", "requestId"})  # no two users have the same

# What is bought on which day, and the days on which everything is looked at and tried.
LIVES: Mapping[str, tuple[Mapping[int, tuple[str, str]], Sequence[int]]] = {
    "a plan, a lower one bought ahead, then none": (
        {0: ("premium", "monthly"), 3: ("student", "quarterly")},
        (0, 3, 8, 29, 30, 31, 62, 119, 120, 152),
    ),
    "a pass, and another after it": (
        {0: ("one-time", "one-time"), 33: ("one-time", "one-time")},
        (0, 1, 29, 30, 33, 64),
    ),
    "a plan that is extended": ({0: ("pro", "monthly"), 20: ("pro", "monthly")}, (0, 7, 20, 31, 45, 61, 62)),
    "nothing": ({}, (0, 1, 8, 40)),
}


@dataclass(slots=True)
class Life:
    """A user who buys, looks and tries; with `tidied`, jobs run before and after each thing."""

    world: World
    tidied: bool
    saw: list[tuple[str, Any]] = field(default_factory=list)

    def live(self, bought: Mapping[int, tuple[str, str]], days: Sequence[int]) -> list[tuple[str, Any]]:
        for day in days:
            self.world.at(harness.START + timedelta(days=day))
            self._tidy()
            if day in bought:
                self.world.buy(*bought[day])
                self._tidy()
            for what, path, body in (
                ("parse", "parse-resume", RESUME),
                ("match", "job-match", MATCH),
                ("match", "job-match", MATCH),
            ):
                reply = self.world.post(f"/api/ai/{path}", body)
                self._note(
                    day, what, reply.status, {name: reply.json.get(name) for name in ("code", "usage", "upgrade")}
                )
            self._tidy()
            self.look(day)
        self._note(days[-1], "cancel", *self._answer(self.world.post("/api/subscription/cancel", {})))
        return self.saw

    def look(self, day: int) -> None:
        """Every page, and what each plan would cost now."""
        for page in SEEN:
            self._note(day, page, *self._answer(self.world.get(f"/api/subscription/{page}")))
        for tier, plan in OFFERS:
            offer = self.world.post("/api/subscription/create-order", {"tier": tier, "plan": plan})
            self._note(day, f"offer of {tier}", *self._answer(offer))

    def _answer(self, reply: harness.Reply) -> tuple[int, Any]:
        return reply.status, without_ids(reply.json)

    def _note(self, day: int, what: str, *found: Any) -> None:  # noqa: ANN401 -- JSON
        self.saw.append((f"day {day}: {what}", found))

    def _tidy(self) -> None:
        for name in JOBS if self.tidied else ():
            jobs.run(self.world, name)


def without_ids(body: Any) -> Any:  # noqa: ANN401 -- JSON
    if isinstance(body, list):
        return [without_ids(each) for each in body]
    if isinstance(body, dict):
        return {name: without_ids(each) for name, each in body.items() if name not in OWN}
    return body


@pytest.mark.parametrize("life", LIVES)
def test_nothing_that_a_user_does_or_sees_depends_on_a_job(world: World, life: str) -> None:
    bought, days = LIVES[life]
    alone = Life(world, tidied=False)
    untidy = alone.live(bought, days)
    world.user = f"{world.user}-tidied"
    tidy = Life(world, tidied=True).live(bought, days)
    assert untidy == tidy
    assert any(found[0] == 403 for what, found in untidy if "parse" in what or "match" in what) or life.startswith(
        "a plan"
    )


@pytest.mark.parametrize("times", [1, 3])
def test_jobs_that_come_months_late_and_more_than_once_change_nothing_that_is_seen(world: World, times: int) -> None:
    bought, days = LIVES["a plan, a lower one bought ahead, then none"]
    life = Life(world, tidied=False)
    life.live(bought, days)
    life.saw.clear()
    life.look(0)
    before = list(life.saw)
    for _ in range(times):
        for name in JOBS:
            jobs.run(world, name)
    life.saw.clear()
    life.look(0)
    assert life.saw == before


def test_a_renewal_that_fails_looks_the_same_before_a_job_runs_and_after_it(world: World) -> None:
    mandate = standing(world)
    world.sim("POST", f"/subscriptions/{mandate}/outcomes", always="fail")
    end = datetime(2026, 12, 22, 18, 30, tzinfo=UTC)
    seen = []
    for moment in (
        end - timedelta(days=3),
        end,
        end + GRACE - timedelta(seconds=1),
        end + GRACE,
        end + timedelta(days=40),
    ):
        world.at(moment)
        before = [world.get(f"/api/subscription/{page}").json for page in SEEN]
        for name in ("ExpireSubscriptions", "ResetUsage", "SendReminders"):
            jobs.run(world, name)
        assert [world.get(f"/api/subscription/{page}").json for page in SEEN] == before
        seen.append((before[0]["tier"], before[0]["status"]))
    assert seen == [("pro", "active"), *[("pro", "past_due")] * 2, *[("free", "active")] * 2]
