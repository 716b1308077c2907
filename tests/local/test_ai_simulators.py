"""The simulated AI providers: faithful on the wire, useful to a person, honest about what they bill."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pydantic
import pytest

from local.simulators import gemini, llm, openai
from local.simulators.llm_desk import SCRIPTS, Tokens, price
from local.simulators.llm_resume import moment, read
from tests.local.ai_desk import NOW, Clock, asked, control, served
from tollgate.ai.breaker import Breaker
from tollgate.ai.failover import Failover, RefusedError
from tollgate.ai.gemini import Gemini
from tollgate.ai.gemini_rest import GeminiRest
from tollgate.ai.models import Model
from tollgate.ai.openai import OpenAI
from tollgate.ai.provider import Request
from tollgate.ai.schema import gemini_schema, openai_schema
from tollgate.resumes.text import fence

RESUME = """Meera Iyer
Senior Backend Engineer
meera.iyer@example.com | +91 98765 43210 | Pune, Maharashtra
linkedin.com/in/meera-iyer | github.com/meera

SUMMARY
Backend engineer who likes small services.

WORK EXPERIENCE
Senior Engineer, Blue Lotus Systems Pvt Ltd, Pune | Apr 2021 - Present
- Built a payments service in Python and DynamoDB.
- Cut the bill of AWS by 30%,
  without losing a request.
Software Engineer at Teak Analytics | Jul 2018 – Mar 2021
• Wrote ETL jobs with Airflow.

EDUCATION
B.Tech in Computer Science, Sahyadri Institute of Technology, Pune | 2014 - 2018 | CGPA: 8.4

SKILLS
Languages: Python, Go, SQL
Cloud: AWS, Docker

PROJECTS
Train Finder - finds trains that are late (github.com/meera/trains) 2022

CERTIFICATIONS
AWS Solutions Architect by Amazon, 2023

LANGUAGES
English (fluent), Marathi (native)
"""
JOB = "Join Saffron Labs as an engineer. You know Python, Kubernetes, AWS and Terraform."


class Profile(pydantic.BaseModel):
    network: str
    username: str | None = None
    url: str | None = None


class Place(pydantic.BaseModel):
    city: str | None = None
    region: str | None = None
    countryCode: str | None = None  # noqa: N815 -- JSON Resume's name


class Basics(pydantic.BaseModel):
    name: str
    label: str | None = None
    email: str | None = None
    phone: str | None = None
    location: Place | None = None
    profiles: list[Profile] = []


class Work(pydantic.BaseModel):
    name: str
    position: str | None = None
    startDate: str | None = None  # noqa: N815 -- JSON Resume's name
    endDate: str | None = None  # noqa: N815 -- JSON Resume's name
    highlights: list[str] = []


class Skill(pydantic.BaseModel):
    name: str
    keywords: list[str] = []


class Resume(pydantic.BaseModel):
    basics: Basics
    work: list[Work]
    skills: list[Skill]


class Parsed(pydantic.BaseModel):
    resume: Resume
    warnings: list[str]


class Match(pydantic.BaseModel):
    score: int = pydantic.Field(ge=0, le=100)
    matched: list[str]
    missing: list[str]
    suggestions: list[str]


def prompt(resume: str, job: str = "") -> str:
    """Documents between boundary lines, as a prompt has them."""
    return "\n\n".join(fence(label, text, "7f3a9c21d4") for label, text in (("RESUME", resume), ("JOB", job)) if text)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def openai_url(clock: Clock) -> Iterator[str]:
    with served(openai.create(clock=clock)) as url:
        yield url


@pytest.fixture
def gemini_url(clock: Clock) -> Iterator[str]:
    with served(gemini.create(clock=clock)) as url:
        yield url


def chat(url: str, model: str = "gpt-4o", **more: object) -> tuple[int, Any]:
    form = {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": openai_schema(Match)}}
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": prompt(RESUME, JOB)}]
    body = {"model": model, "messages": messages, "response_format": form} | more
    return asked(f"{url}/v1/chat/completions", body, authorization="Bearer k", content_type="application/json")


def generate(url: str, body: object, model: str = "gemini-3.1-flash-lite", version: str = "v1beta") -> tuple[int, Any]:
    return asked(f"{url}/{version}/models/{model}:generateContent", body, x_goog_api_key="k")


def question(schema: object) -> dict[str, object]:
    config = {"responseMimeType": "application/json", "responseSchema": schema}
    return {"contents": [{"role": "user", "parts": [{"text": prompt(RESUME, JOB)}]}], "generationConfig": config}


def test_a_person_sees_their_own_resume_parsed() -> None:
    parsed = Parsed.model_validate_json(llm.answer(openai_schema(Parsed), prompt(RESUME))).resume
    assert (parsed.basics.name, parsed.basics.label) == ("Meera Iyer", "Senior Backend Engineer")
    assert (parsed.basics.email, parsed.basics.phone) == ("meera.iyer@example.com", "+91 98765 43210")
    assert parsed.basics.location == Place(city="Pune", region="Maharashtra")
    assert [profile.network for profile in parsed.basics.profiles] == ["LinkedIn", "GitHub"]
    first, second = parsed.work
    assert (first.name, first.position) == ("Blue Lotus Systems Pvt Ltd", "Senior Engineer")
    assert (first.startDate, first.endDate) == ("2021-04", None)
    assert first.highlights[1] == "Cut the bill of AWS by 30%, without losing a request."
    assert (second.name, second.startDate, second.endDate) == ("Teak Analytics", "2018-07", "2021-03")
    assert parsed.skills == [
        Skill(name="Languages", keywords=["Python", "Go", "SQL"]),
        Skill(name="Cloud", keywords=["AWS", "Docker"]),
    ]


def test_the_other_sections_are_read_too() -> None:
    resume: Any = read(RESUME)
    (study,) = resume["education"]
    assert (study["institution"], study["studyType"], study["area"], study["score"]) == (
        "Sahyadri Institute of Technology",
        "B.Tech",
        "Computer Science",
        "8.4",
    )
    assert [(each["name"], each["endDate"]) for each in resume["projects"]] == [("Train Finder", "2022")]
    assert [(each["name"], each["issuer"]) for each in resume["certificates"]] == [
        ("AWS Solutions Architect", "Amazon")
    ]
    assert [each["language"] for each in resume["languages"]] == ["English", "Marathi"]
    assert resume["basics"]["summary"] == "Backend engineer who likes small services."


@pytest.mark.parametrize("path", sorted(Path("tests/samples/resumes").glob("*.txt")), ids=lambda path: path.stem)
def test_the_contact_of_every_sample_resume_is_found(path: Path) -> None:
    truth = json.loads(Path("tests/samples/truth.json").read_text())[path.stem]
    found: Any = read(path.read_text())["basics"]
    assert found["email"] == truth["email"]
    assert found["name"]


@pytest.mark.parametrize(
    ("text", "date"),
    [("Jan 2020", "2020-01"), ("03/2019", "2019-03"), ("2018", "2018"), ("2018-11", "2018-11"), ("Present", None)],
)
def test_dates_of_resumes_are_read(text: str, date: str | None) -> None:
    assert moment(text) == date


def test_a_text_that_is_no_resume_is_answered_too() -> None:
    for text in (
        "",
        "-----",
        "नमस्ते",
        "{}",
        "[1, 2]",
        "[" * 50_000,
        "a" * 50_000,
        "a, " * 16_000,
        "1-" * 25_000,
        "- \n" * 12_000,
    ):
        Parsed.model_validate_json(llm.answer(openai_schema(Parsed), text))
        Match.model_validate_json(llm.answer(gemini_schema(Match), text))


def test_a_job_is_matched_against_the_resume() -> None:
    match = Match.model_validate_json(llm.answer(openai_schema(Match), prompt(RESUME, JOB)))
    assert match.matched == ["Python", "AWS"]
    assert match.missing == ["Kubernetes", "Terraform"]
    assert match.score == 50


class Edit(pydantic.BaseModel):
    line: int
    text: str
    why: str


class Edits(pydantic.BaseModel):
    edits: list[Edit]


class Wording(pydantic.BaseModel):
    number: int
    text: str


class Advice(pydantic.BaseModel):
    suggestions: list[Wording]
    advice: list[str]


def test_numbered_lines_are_reworded_where_they_gain() -> None:
    content = "1: worked on a payments service\n2: Led a team of 8\n3: responsible for releases"
    edits = Edits.model_validate_json(llm.answer(openai_schema(Edits), fence("CONTENT", content, "7f3a9c21d4"))).edits
    assert [(each.line, each.text) for each in edits] == [(1, "Delivered a payments service"), (3, "Led releases")]


def test_findings_become_advice() -> None:
    matched = '1: Name Kubernetes. (line: "- Built services")\n2: Move SQL up.'
    scored = "Contact: 5 of 5 points. All there.\nVerbs: 2 of 5 points. Weak. To do: Begin with verbs."
    for findings, advice in ((matched, ["Name Kubernetes.", "Move SQL up."]), (scored, ["Begin with verbs."])):
        said = llm.answer(openai_schema(Advice), fence("FINDINGS", findings, "7f3a9c21d4"))
        worded = Advice.model_validate_json(said)
        assert worded.advice == [each.text for each in worded.suggestions] == advice


def test_listed_skills_are_grouped_and_none_is_lost() -> None:
    given = ["Python", "Docker", "Welding", "Tally"]
    schema = openai_schema(pydantic.create_model("Groups", categories=list[Skill]))
    said = json.loads(llm.answer(schema, fence("SKILLS", "\n".join(given), "7f3a9c21d4")))
    assert sorted(each for group in said["categories"] for each in group["keywords"]) == sorted(given)


def test_the_same_question_has_the_same_answer_at_both_providers(openai_url: str, gemini_url: str) -> None:
    answers = {chat(openai_url)[1]["choices"][0]["message"]["content"] for _ in range(2)}
    reply = generate(gemini_url, question(gemini_schema(Match)))[1]
    answers.add(reply["candidates"][0]["content"]["parts"][0]["text"])
    assert len(answers) == 1


def test_gemini_takes_either_spelling_and_numbers_for_types(gemini_url: str) -> None:
    numbered = {
        "type": 6,
        "properties": {"max_score": {"type": 3}, "matched": {"type": 5, "items": {"type": 1}}},
        "required": ["max_score", "matched"],
    }
    config = {"response_mime_type": "application/json", "response_schema": numbered, "max_output_tokens": 900}
    body = {
        "system_instruction": {"parts": [{"text": "Be brief."}]},
        "contents": [{"role": "user", "parts": [{"text": prompt(RESUME, JOB)}]}],
        "generation_config": config,
    }
    for version in ("v1", "v1beta"):
        status, reply = generate(gemini_url, body, version=version)
        assert status == 200
        said = json.loads(reply["candidates"][0]["content"]["parts"][0]["text"])
        assert sorted(said) == ["matched", "max_score"]


def test_a_retired_gpt_4o_is_gone_and_its_successor_answers(openai_url: str, clock: Clock) -> None:
    assert chat(openai_url)[0] == 200
    clock.now = datetime(2027, 1, 14, tzinfo=UTC)
    status, reply = chat(openai_url)
    assert (status, reply["error"]["code"]) == (404, "model_not_found")
    assert chat(openai_url, "gpt-6-luna", reasoning_effort="none")[0] == 200


def test_a_retired_gemini_flash_is_rerouted_at_the_other_models_price(gemini_url: str, clock: Clock) -> None:
    body = question(gemini_schema(Match))
    assert generate(gemini_url, body, "gemini-2.5-flash")[1]["modelVersion"] == "gemini-2.5-flash"
    clock.now = datetime(2026, 12, 1, tzinfo=UTC)
    assert generate(gemini_url, body, "gemini-2.5-flash")[1]["modelVersion"] == "gemini-3.5-flash-lite"
    assert sorted(control(gemini_url, "bill")["models"]) == ["gemini-2.5-flash", "gemini-3.5-flash-lite"]


def test_the_list_of_models_names_their_last_days(openai_url: str) -> None:
    models = {each["id"]: each["shutdown_date"] for each in asked(f"{openai_url}/v1/models")[1]["data"]}
    assert models["gpt-4o"] == "2027-01-14"
    assert models["gpt-6-luna"] is None


def test_the_bill_is_the_published_price_of_the_reported_tokens(openai_url: str) -> None:
    usage = chat(openai_url)[1]["usage"]
    expected = price("gpt-4o", Tokens(usage["prompt_tokens"], usage["completion_tokens"]), NOW.date())
    assert control(openai_url, "bill")["microUsd"] == expected > 0


def test_strict_mode_refuses_an_open_schema(openai_url: str) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}, "required": []}
    form = {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": schema}}
    status, reply = chat(openai_url, response_format=form)
    assert (status, reply["error"]["code"]) == (400, "invalid_json_schema")


@pytest.mark.parametrize(
    ("model", "more"),
    [
        ("gpt-4o", {"reasoning_effort": "none"}),
        ("gpt-6-luna", {"max_tokens": 5}),
        ("gpt-6-luna", {"temperature": 0.2}),
        ("gpt-6.1-sol", {"reasoning_effort": "none"}),
    ],
)
def test_each_generation_of_models_refuses_what_it_does_not_take(
    openai_url: str, model: str, more: dict[str, object]
) -> None:
    status, reply = chat(openai_url, model, **more)
    assert status == 400
    assert reply["error"]["type"] == "invalid_request_error"


def test_a_required_key_is_checked_in_each_providers_way(openai_url: str, gemini_url: str) -> None:
    for url in (openai_url, gemini_url):
        control(url, "key", {"key": "right"})
    status, reply = chat(openai_url)
    assert (status, reply["error"]["code"]) == (401, "invalid_api_key")
    status, reply = generate(gemini_url, question(gemini_schema(Match)))
    assert (status, reply["error"]["details"][0]["reason"]) == (400, "API_KEY_INVALID")


def test_an_unknown_script_is_refused_with_the_list_of_scripts(openai_url: str) -> None:
    for body in ({"script": "explode"}, {"script": "ok", "volume": 11}, 7):
        status, reply = asked(f"{openai_url}/_sim/faults", body)
        assert status == 422
        assert set(reply["scripts"]) == SCRIPTS


def test_a_fault_lasts_as_often_as_was_said_and_for_ever_until_reset(openai_url: str) -> None:
    control(openai_url, "faults", [{"script": "500", "times": 2}, {"script": "503", "times": None}])
    assert [chat(openai_url)[0] for _ in range(4)] == [500, 500, 503, 503]
    control(openai_url, "reset", {})
    assert chat(openai_url)[0] == 200
    assert control(openai_url, "requests")["count"] == 1


def test_a_hit_is_recorded_without_its_key(openai_url: str, gemini_url: str) -> None:
    chat(openai_url)
    generate(gemini_url, question(gemini_schema(Match)))
    for url in (openai_url, gemini_url):
        (hit,) = control(url, "requests")["requests"]
        assert "authorization" not in hit["headers"]
        assert "x-goog-api-key" not in hit["headers"]


def test_a_slow_answer_holds_nobody_else_up(openai_url: str) -> None:
    control(openai_url, "faults", {"script": "slow", "ms": 1_500})
    done: list[str] = []
    slow = threading.Thread(target=lambda: done.append(f"slow {chat(openai_url)[0]}"))
    slow.start()
    while not control(openai_url, "requests")["count"]:
        time.sleep(0.01)
    done.append(f"fast {chat(openai_url)[0]}")
    slow.join()
    assert done == ["fast 200", "slow 200"]


def test_a_body_that_is_no_json_is_refused_and_not_an_error_of_ours(openai_url: str, gemini_url: str) -> None:
    assert asked(f"{openai_url}/v1/chat/completions", "text", authorization="Bearer k")[0] == 404
    assert generate(gemini_url, ["text"])[0] == 400


@pytest.fixture(params=[Gemini, GeminiRest])
def services(request: pytest.FixtureRequest, openai_url: str, gemini_url: str, clock: Clock) -> Iterator[Failover]:
    one, two = OpenAI("k", f"{openai_url}/v1"), request.param("k", gemini_url)
    yield Failover({"gpt4o": one, "gemini": two}, Breaker(), clock)
    one.close()
    two.close()


def request_for(model: Model) -> Request:
    return Request(model, "Compare.", prompt(RESUME, JOB), Match, 900, "req-1")


def test_with_one_provider_down_the_other_answers_and_the_books_agree(
    services: Failover, openai_url: str, gemini_url: str
) -> None:
    control(openai_url, "faults", {"script": "length"})
    outcome = services.run(request_for, "gpt4o", budget_seconds=25)
    assert outcome.service == "gemini"
    assert isinstance(outcome.completion.output, Match)
    ours = [attempt.cost_micro_usd for attempt in outcome.attempts]
    assert ours == [control(url, "bill")["microUsd"] for url in (openai_url, gemini_url)]


def test_a_lost_answer_costs_no_more_than_its_upper_bound(services: Failover, openai_url: str) -> None:
    control(openai_url, "faults", {"script": "reset-mid-body"})
    lost = services.run(request_for, "gpt4o", budget_seconds=25).attempts[0]
    assert (lost.billed, lost.cost_micro_usd) == ("unknown", 0)
    assert 0 < control(openai_url, "bill")["microUsd"] <= lost.cost_upper_micro_usd


def test_refused_content_reaches_one_provider_only(services: Failover, openai_url: str, gemini_url: str) -> None:
    control(gemini_url, "faults", {"script": "block"})
    with pytest.raises(RefusedError):
        services.run(request_for, "gemini", budget_seconds=25)
    assert control(openai_url, "requests")["count"] == 0


def test_on_the_day_after_gpt_4o_the_same_code_speaks_to_its_successor(
    services: Failover, openai_url: str, clock: Clock
) -> None:
    clock.now = datetime(2027, 1, 14, tzinfo=UTC)
    outcome = services.run(request_for, "gpt4o", budget_seconds=25)
    assert outcome.completion.served_model == "gpt-6-luna"
    assert len(outcome.attempts) == control(openai_url, "requests")["count"] == 1
