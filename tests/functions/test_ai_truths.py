"""What must be true of every AI call, through the real functions: models by the calendar, books, windows, limits, secrecy."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from local.simulators.llm_desk import SCRIPTS
from tests.functions.harness import START, Json, World, forget_ai
from tests.functions.problems import problem
from tests.functions.test_ai_tasks import BODIES, JOB, LETTER, MATCH, RESUME, SCAN
from tests.functions.test_privacy import everything_said, told
from tollgate import app, plans
from tollgate.ai.models import MODELS
from tollgate.ai.provider import Completion, ErrorKind, Provider, ProviderError, Request
from tollgate.config import settings
from tollgate.metering import WINDOWS_OF
from tollgate.plans import Unit, Window

__all__ = ["told"]
PARSE = "/api/ai/parse-resume"
TEXT = {"text": "Asha Rao, engineer"}
TASKS: dict[str, Json] = {PARSE: {"text": RESUME}, **BODIES}


@pytest.fixture(autouse=True)
def providers_are_well(world: World) -> None:
    """No test inherits what another made the breaker believe, also about single models."""
    del world
    if app.ai.cache_info().currsize:
        for name in MODELS:
            app.ai().breaker.succeeded(name)


# Models by the calendar


def model_at(world: World, instant: datetime) -> tuple[str, str]:
    world.at(instant)
    reply = world.post("/api/ai/categorize-skills", {"skills": ["Python", "AWS"]})
    assert reply.status == 200, reply.body
    (row,) = [each for each in world.usage() if each["requestId"] == reply.json["meta"]["requestId"]]
    assert row["model"] == reply.json["meta"]["model"]
    return reply.json["meta"]["aiService"], row["model"]


def test_the_end_of_gpt_4o_passes_by_the_clock_alone(world: World) -> None:
    world.at(datetime(2027, 1, 10, tzinfo=UTC))
    world.buy("premium", "monthly")
    service, model = model_at(world, datetime(2027, 1, 13, 23, 59, tzinfo=UTC))
    assert (service, model.startswith("gpt-4o")) == ("gpt4o", True)
    service, model = model_at(world, datetime(2027, 1, 14, tzinfo=UTC))
    assert (service, model.startswith("gpt-6-luna")) == ("gpt4o", True)
    assert sum(row["costMicroUsd"] for row in world.usage()) == world.bill()


def test_the_end_of_a_gemini_model_passes_by_the_clock_alone(world: World) -> None:
    assert model_at(world, START) == ("gemini", "gemini-3.1-flash-lite")
    assert model_at(world, datetime(2026, 12, 1, tzinfo=UTC)) == ("gemini", "gemini-3.1-flash-lite")
    assert model_at(world, datetime(2027, 5, 6, 23, 59, tzinfo=UTC)) == ("gemini", "gemini-3.1-flash-lite")
    assert model_at(world, datetime(2027, 5, 7, tzinfo=UTC)) == ("gemini", "gemini-3.5-flash-lite")
    assert sum(row["costMicroUsd"] for row in world.usage()) == world.bill()


# Ways to the providers


@contextmanager
def configured(**variables: str) -> Iterator[None]:
    """The AI services built anew under other settings, and as before afterwards."""
    forget_ai()
    before = dict(os.environ)
    os.environ.update(variables)
    settings.cache_clear()
    yield
    forget_ai()
    os.environ.clear()
    os.environ.update(before)
    settings.cache_clear()


@pytest.mark.parametrize("client", ["sdk", "rest"])
def test_gemini_is_asked_by_the_client_that_is_set(world: World, client: str) -> None:
    with configured(GEMINI_CLIENT=client):
        reply = world.post(PARSE, TEXT)
    assert (reply.status, reply.json["meta"]["aiService"]) == (200, "gemini")
    (asked,) = world.gemini.get("/_sim/requests").json()["requests"]
    assert ("x-goog-api-client" in asked["headers"]) == (client == "sdk")
    assert ("thinkingConfig" in asked["body"]["generationConfig"]) == (client == "rest")
    assert [row["costMicroUsd"] for row in world.usage()] == [world.bill()]


class Failing:
    """A provider that fails at once and notes how much time it was given."""

    name = "failing"

    def __init__(self) -> None:
        self.given: list[float] = []

    def complete(self, request: Request, timeout: float) -> Completion:
        del request
        self.given.append(timeout)
        raise ProviderError(ErrorKind.INVALID_OUTPUT)


@pytest.mark.parametrize(("left", "most"), [(29, 25), (60, 25), (20, 17), (10, 7)])
def test_the_providers_share_what_lambda_leaves_less_three_seconds_and_never_more_than_twenty_five(
    world: World, left: int, most: int
) -> None:
    failing = Failing()
    with configured():
        providers = cast("dict[str, Provider]", app.ai().providers)
        providers |= dict.fromkeys(providers, failing)
        problem(world.post(PARSE, TEXT, seconds=left), 503, "provider_unavailable")
    first, second = failing.given
    assert first == min(14, second) or second <= first <= 14
    assert most - 4 < second <= most


# The books, whatever fails

MEANT = {
    "refusal": "content_refused",
    "filter": "content_refused",
    "safety": "content_refused",
    "block": "content_refused",
}
FINE = {
    "ok",
    "slow",
    "trickle",
    "fenced-json",
    "unknown-enum",
    "unknown-field",
    "thought-parts",
    "thinking",
    "cached",
    "wrong-model",
}


@pytest.mark.parametrize("tier", ["free", "premium"])
@pytest.mark.parametrize("script", sorted(SCRIPTS))
def test_the_log_equals_the_bill_and_the_unit_is_taken_or_not_whatever_a_provider_does(
    world: World, script: str, tier: str
) -> None:
    if tier == "premium":
        world.buy("premium", "monthly")
    world.fail({"script": script, "ms": 1, "times": None})
    reply = world.post(PARSE, TEXT)
    rows = world.usage()
    assert reply.status in {200, 422, 503}
    assert len(rows) == sum(world.upstream().values())
    low, high = (sum(row["costMicroUsd"] for row in rows), sum(row["metadata"]["costUpperMicroUsd"] for row in rows))
    if script == "wrong-model":
        assert not any(row["metadata"]["priceKnown"] for row in rows)
    elif any(row["metadata"]["billed"] == "unknown" for row in rows):
        assert low <= world.bill() <= high
    else:
        assert low == high == world.bill()
    if script in FINE:
        assert reply.status == 200
    assert world.get("/api/subscription/usage").json["resumesUsed"] == (reply.status == 200)
    if reply.status != 200:
        problem(reply, reply.status, "content_refused" if reply.status == 422 else "provider_unavailable")


@pytest.mark.parametrize("script", MEANT)
@pytest.mark.parametrize("tier", ["free", "premium"])
def test_what_a_provider_declines_is_declined_and_asked_of_nobody_else(world: World, script: str, tier: str) -> None:
    if tier == "premium":
        world.buy("premium", "monthly")
    world.fail(script)
    problem(world.post(PARSE, TEXT), 422, MEANT[script])
    assert sum(world.upstream().values()) == 1


# A resume is personal by nature and quotes what stands elsewhere: such a stop says nothing about the content.
@pytest.mark.parametrize(
    "script", ["spii", "recitation", "length", "max-no-parts", "badjson", "wrong-shape", "no-usage"]
)
def test_an_answer_cut_short_or_misshapen_is_asked_of_the_other_service(world: World, script: str) -> None:
    world.fail(script, at="gemini")
    reply = world.post(PARSE, TEXT)
    assert (reply.status, reply.json["meta"]["aiService"] if script != "no-usage" else "gpt4o") == (200, "gpt4o")


def test_an_unknown_model_is_booked_dear_and_raises_the_alarm(
    world: World, told: io.StringIO, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    world.fail("wrong-model", at="gemini")
    assert world.post(PARSE, TEXT).status == 200
    (row,) = world.usage()
    assert row["metadata"]["priceKnown"] is False
    assert row["costMicroUsd"] >= world.bill()
    said = everything_said(told, capsys, caplog)
    assert '"ProviderAlarms":[1]' in said


# Windows, at their edges in India

MIDNIGHT = datetime(2026, 11, 30, 18, 30, tzinfo=UTC)  # the first of December begins in India
USES = {MATCH: BODIES[MATCH], SCAN: {"text": "Asha Rao, engineer"}, LETTER: BODIES[LETTER]}
UNITS = {MATCH: Unit.JOB_MATCHES, SCAN: Unit.ATS_SCANS, LETTER: Unit.COVER_LETTERS}


@pytest.mark.parametrize("path", USES)
def test_a_day_or_month_ends_at_midnight_in_india_and_not_a_moment_earlier(world: World, path: str) -> None:
    world.buy("student", "quarterly")
    limit = next(tier for tier in plans.TIERS if tier.id == "student").limits[UNITS[path]]
    world.at(MIDNIGHT - timedelta(hours=1))
    for _ in range(limit.count or 0):
        assert world.post(path, USES[path]).status == 200
    world.at(MIDNIGHT - timedelta(milliseconds=500))
    refused = world.post(path, USES[path])
    problem(refused, 403, "usage_limit_reached", used=limit.count, resetDate="2026-12-01")
    assert [step for step in world.steps if step != "UpdateItem"] == []
    world.at(MIDNIGHT)
    assert world.post(path, USES[path]).json["usage"]["used"] == 1
    assert world.get("/api/subscription/usage").json["dailyResetDate"] == "2026-12-02"
    assert limit.window in WINDOWS_OF[UNITS[path]]


@pytest.mark.parametrize(
    "day", [datetime(2027, 2, 28, tzinfo=UTC), datetime(2028, 2, 29, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC)]
)
def test_the_last_evening_of_short_months_and_of_the_year_ends_at_midnight_in_india(
    world: World, day: datetime
) -> None:
    edge = day.replace(hour=18, minute=30)
    world.at(edge - timedelta(seconds=1))
    assert world.post(PARSE, TEXT).status == 200
    problem(world.post(PARSE, TEXT), 403, "usage_limit_reached")
    world.at(edge)
    assert world.post(PARSE, TEXT).json["usage"]["used"] == 1


def test_what_a_pass_allows_ends_with_the_pass_and_not_with_a_day_or_month(world: World) -> None:
    world.buy("one-time", "one-time")
    assert world.post(SCAN, USES[SCAN]).status == 200
    for instant in (MIDNIGHT, datetime(2026, 12, 23, 10, 19, 59, tzinfo=UTC)):
        world.at(instant)
        problem(world.post(SCAN, USES[SCAN]), 403, "usage_limit_reached", resetDate=None)
    world.at(datetime(2026, 12, 23, 10, 20, tzinfo=UTC))
    problem(world.post(SCAN, USES[SCAN]), 403, "feature_not_in_plan")
    world.buy("one-time", "one-time")
    assert world.post(SCAN, USES[SCAN]).status == 200
    assert {Window.PASS} <= set(WINDOWS_OF[Unit.ATS_SCANS])


# Limits by tier


@pytest.mark.parametrize("tier", plans.TIERS, ids=lambda tier: tier.id)
def test_every_reply_tells_the_limit_of_the_hour_of_its_tier(world: World, tier: plans.Tier) -> None:
    if tier is not plans.BASE:
        world.buy(tier.id, next(iter(tier.plans)).id)
    headers = world.post("/api/ai/categorize-skills", {"skills": ["Python", "AWS"]}).headers
    limits = {name: headers[f"ratelimit-{name}"] for name in ("limit", "remaining", "reset")}
    assert limits == {"limit": str(tier.calls_per_hour), "remaining": str(tier.calls_per_hour - 1), "reset": "2400"}


# Keys


@pytest.mark.parametrize("path", TASKS)
def test_a_key_is_refused_for_another_body_on_every_task(world: World, path: str) -> None:
    world.buy("premium", "monthly")
    key = {"Idempotency-Key": f"key-{world.user}"}
    assert world.post(path, TASKS[path], headers=key).status == 200
    other = TASKS[path] | {"tone": "warm", "x": 1}
    problem(world.post(path, other, headers=key), 409, "conflict")
    again = world.post(path, TASKS[path], headers=key)
    assert (again.status, again.headers["idempotent-replayed"]) == (200, "true")
    assert sum(world.upstream().values()) == 1


# Secrecy

CANARY = "Zebediah Quillfeather"
SAID = (CANARY, "Quillfeather", "Canarythmetic", "Kanarienvogel")
PRIVATE_RESUME = f"{CANARY}\nEngineer\nExperience\n- Led Canarythmetic for 12 shops\nSkills\nPython, Canarythmetic"
PRIVATE_JOB = "Engineer\nMust have:\n- Python\n- Kanarienvogel handling"
SECRET_BODIES: dict[str, Json] = {
    PARSE: {"text": PRIVATE_RESUME},
    "/api/ai/enhance-content": {"section": "Canarythmetic", "content": PRIVATE_RESUME, "targetRole": CANARY},
    "/api/ai/generate-summary": {"resume": PRIVATE_RESUME, "targetRole": CANARY},
    "/api/ai/categorize-skills": {"skills": ["Canarythmetic", "Python"]},
    MATCH: {"resume": PRIVATE_RESUME, "jobDescription": PRIVATE_JOB},
    LETTER: {"resume": PRIVATE_RESUME, "jobDescription": PRIVATE_JOB, "company": "Kanarienvogel"},
    SCAN: {"text": PRIVATE_RESUME, "jobDescription": PRIVATE_JOB},
}


@pytest.mark.parametrize("script", ["ok", "badjson", "refusal", "500", "length"])
@pytest.mark.parametrize("path", SECRET_BODIES)
def test_no_word_of_what_a_task_read_or_wrote_is_logged_measured_or_kept(
    world: World,
    told: io.StringIO,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    path: str,
    script: str,
) -> None:
    world.buy("premium", "monthly")
    world.fail(script, script)
    reply = world.post(path, SECRET_BODIES[path])
    assert reply.status in {200, 422, 503}
    kept = (
        everything_said(told, capsys, caplog)
        + str(world.usage())
        + str(world.item())
        + str(world.rows("SubscriptionsTable"))
    )
    assert [each for each in SAID if each in kept] == []
    assert JOB not in kept
