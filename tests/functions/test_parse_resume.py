"""POST /api/ai/parse-resume: one resume read, one unit taken; a refusal takes nothing."""

import base64
from collections.abc import Callable
from typing import Any

import pytest

from tests.functions.harness import World
from tests.functions.problems import fields, problem
from tests.samples import make

PATH = "/api/ai/parse-resume"
ADMIT, END = "UpdateItem", "TransactWriteItems"


def as_file(data: bytes, kind: str) -> dict[str, str]:
    return {"file": base64.b64encode(data).decode(), "contentType": kind}


def untouched(world: World, body: object, **options: Any) -> Any:  # noqa: ANN401 -- call's own
    """The reply of a request that must not change the user's item by a bit, nor reach a provider."""
    before = world.item()
    reply = world.post(PATH, body, **options)
    assert world.item() == before
    assert world.upstream() == {"gpt4o": 0, "gemini": 0}
    assert world.usage() == []
    return reply


def test_a_newcomers_resume_is_read_for_one_unit(world: World) -> None:
    reply = world.post(PATH, {"text": make.text("asha_rao_fresher")})
    assert reply.status == 200
    assert set(reply.json) == {"resume", "warnings", "meta", "usage"}
    assert reply.json["usage"] == {
        "limitType": "resumes",
        "used": 1,
        "limit": 1,
        "remaining": 0,
        "resetDate": "2026-12-01",
    }
    meta = reply.json["meta"]
    assert (set(meta), meta["aiService"]) == ({"requestId", "aiService", "model"}, "gemini")
    assert reply.json["resume"]["basics"]["name"] == make.truth("asha_rao_fresher")["name"]
    limits = {name: value for name, value in reply.headers.items() if name.startswith("ratelimit")}
    assert limits == {"ratelimit-limit": "10", "ratelimit-remaining": "9", "ratelimit-reset": "2400"}


@pytest.mark.parametrize(("kind", "data"), [("pdf", make.pdf), ("docx", make.docx)])
def test_a_file_is_read_like_its_text(world: World, kind: str, data: Callable[[str], bytes]) -> None:
    reply = world.post(PATH, as_file(data("vikram_nair_java"), kind))
    assert reply.status == 200, reply.body
    assert reply.json["resume"]["basics"]["email"] == make.truth("vikram_nair_java")["email"]


def test_one_database_call_before_the_provider_and_two_in_all_for_a_newcomer(world: World) -> None:
    world.post(PATH, {"text": "Asha Rao, engineer"})
    assert world.steps == [ADMIT, "gemini", END]


def test_one_database_call_before_the_provider_and_two_in_all_in_the_steady_state(world: World) -> None:
    world.buy("premium", "monthly")
    for _ in range(2):
        world.post(PATH, {"text": "Asha Rao, engineer"})
        assert world.steps == [ADMIT, "openai", END]


def test_a_refused_call_costs_one_database_call_and_asks_nobody(world: World) -> None:
    world.post(PATH, {"text": "Asha Rao, engineer"})
    before = world.item()
    reply = world.post(PATH, {"text": "Asha Rao, engineer"})
    told = problem(reply, 403, "usage_limit_reached", limitType="resumes", used=1, limit=1, resetDate="2026-12-01")
    assert told["upgrade"] == {"tier": "one-time", "plan": "one-time", "pricePaise": 4900, "payablePaise": 4900}
    assert world.steps == [ADMIT]
    assert world.item() == before


def test_an_upgrade_that_is_offered_can_be_ordered_at_exactly_that_price(world: World) -> None:
    world.buy("one-time", "one-time")
    world.post(PATH, {"text": "Asha Rao, engineer"})
    offer = world.post(PATH, {"text": "Asha Rao, engineer"}).json["upgrade"]
    order = world.order(offer["tier"], offer["plan"])
    assert (order["breakdown"]["price"], order["amount"]) == (offer["pricePaise"], offer["payablePaise"])


@pytest.mark.parametrize(
    ("body", "complaints"),
    [
        ({}, [""]),
        ({"text": 7}, ["text"]),
        ({"text": None}, [""]),
        ({"text": "x", "file": "eA==", "contentType": "pdf"}, [""]),
        ({"file": "eA=="}, [""]),
        ({"file": "eA==", "contentType": "exe"}, ["contentType"]),
        ({"file": ["eA=="], "contentType": "pdf"}, ["file"]),
        ({"text": ""}, ["text"]),
        ({"text": " \n\t\u200b "}, ["text"]),
        ({"file": "not base64!", "contentType": "pdf"}, ["file"]),
        ({"file": "é", "contentType": "pdf"}, ["file"]),
        ({"file": "", "contentType": "pdf"}, ["file"]),
    ],
)
def test_a_body_that_holds_no_resume_is_refused_field_by_field(
    world: World, body: dict[str, object], complaints: list[str]
) -> None:
    reply = untouched(world, body)
    problem(reply, 422, "invalid_request")
    assert fields(reply) == complaints
    assert world.steps == []


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        (PATH, {}, "send either text, or file with contentType"),
        (PATH, {"file": "eA=="}, "say with contentType whether file is pdf or docx"),
        ("/api/ai/categorize-skills", {}, "send either skills or resume"),
        ("/api/ai/ats-scan", {}, "send one of resume, text, or file with contentType"),
        ("/api/ai/generate-summary", {"resume": ""}, "the resume is empty"),
    ],
)
def test_what_is_wrong_with_a_body_is_said_in_our_words_only(
    world: World, path: str, body: dict[str, object], message: str
) -> None:
    errors = world.post(path, body).json["errors"]
    assert message in [each["message"] for each in errors]
    assert not [each for each in errors if "error" in each["message"].casefold()]


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"\xff", b'{"text": "\\ud800"}'])
def test_a_body_that_is_no_json_object_is_refused(world: World, raw: bytes) -> None:
    problem(untouched(world, None, raw=raw), 422, "invalid_request")


DOCUMENTS: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "broken pdf": (lambda: make.pdf("asha_rao_fresher")[:400], "pdf", "document_broken"),
    "broken docx": (lambda: make.docx("asha_rao_fresher")[:400], "docx", "document_broken"),
    "encrypted pdf": (make.encrypted, "pdf", "document_encrypted"),
    "scan": (make.scan, "pdf", "document_without_text"),
    "docx sent as pdf": (lambda: make.docx("asha_rao_fresher"), "pdf", "document_wrong_kind"),
    "pdf sent as docx": (lambda: make.pdf("asha_rao_fresher"), "docx", "document_wrong_kind"),
    "no document": (lambda: b"MZ this is a program", "pdf", "document_wrong_kind"),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_file_that_cannot_be_read_is_refused_and_costs_nothing(world: World, name: str) -> None:
    data, kind, code = DOCUMENTS[name]
    reply = untouched(world, as_file(data(), kind))
    problem(reply, 422, "invalid_request")
    assert reply.json["errors"] == [{"field": "file", "message": code}]
    assert world.steps == []


def test_fifty_thousand_characters_are_read_and_one_more_is_too_large(world: World) -> None:
    world.buy("premium", "monthly")
    problem(untouched(world, {"text": "x" * 50_001}), 413, "payload_too_large", limit=50_000)
    assert world.steps == []
    text = ("Asha Rao, engineer. " * 2_500)[:50_000]
    assert world.post(PATH, {"text": text}).status == 200


@pytest.mark.parametrize("size", [5 * 1024 * 1024 + 3, 9 * 1024 * 1024])
def test_a_file_beyond_five_megabytes_is_too_large(world: World, size: int) -> None:
    problem(untouched(world, as_file(b"\0" * size, "pdf")), 413, "payload_too_large")


@pytest.mark.parametrize("bomb", [lambda: make.zip_bomb(100), make.entity_bomb], ids=["zip", "entities"])
def test_a_bomb_is_refused_and_costs_nothing(world: World, bomb: Callable[[], bytes]) -> None:
    assert untouched(world, as_file(bomb(), "docx")).status in {413, 422}


def test_a_body_that_came_as_base64_is_the_same_body(world: World) -> None:
    reply = world.post(PATH, raw=b'{"text": "Asha Rao, engineer"}', content_type="application/octet-stream")
    assert reply.status == 200


@pytest.mark.parametrize("script", ["refusal", "filter"])
def test_content_that_the_provider_declines_is_not_tried_elsewhere_and_costs_nothing(world: World, script: str) -> None:
    world.fail(script)
    before = world.get("/api/subscription/usage").json
    problem(world.post(PATH, {"text": "Asha Rao, engineer"}), 422, "content_refused")
    assert world.upstream() == {"gpt4o": 0, "gemini": 1}
    assert world.get("/api/subscription/usage").json == before
    (row,) = world.usage()
    assert (row["success"], row["errorMessage"], row["costMicroUsd"]) == (False, "refused", world.bill())


def test_when_nobody_answers_everything_is_given_back_once(world: World) -> None:
    world.fail("500", "500", "500")
    reply = world.post(PATH, {"text": "Asha Rao, engineer"})
    problem(reply, 503, "provider_unavailable")
    assert world.steps == [ADMIT, "gemini", "openai", END]
    shown = world.get("/api/subscription/usage").json
    assert (shown["resumesUsed"], shown["remaining"]["resumes"], shown["totalResumesGenerated"]) == (0, 1, 0)
    item = world.item() or {}
    assert not [name for name in item if name.startswith("lease#")]
    assert {name: value for name, value in item.items() if name.startswith("rate#")} == {
        f"rate#{int(world.now.timestamp()) // 3600}": {"N": "0"}
    }
    assert [(row["aiProvider"], row["success"], row["errorMessage"]) for row in world.usage()] == [
        ("gemini", False, "unavailable"),
        ("gpt4o", False, "unavailable"),
    ]


def test_a_unit_that_was_given_back_can_be_used(world: World) -> None:
    world.fail("500")
    world.post(PATH, {"text": "Asha Rao, engineer"})
    world.later(minutes=1)
    assert world.post(PATH, {"text": "Asha Rao, engineer"}).json["usage"]["used"] == 1


def test_a_failover_is_answered_by_the_other_service_and_both_attempts_are_booked(world: World) -> None:
    world.fail("badjson", at="gemini")
    reply = world.post(PATH, {"text": "Asha Rao, engineer"})
    assert (reply.status, reply.json["meta"]["aiService"]) == (200, "gpt4o")
    assert world.steps == [ADMIT, "gemini", "openai", END]
    first, second = world.usage()
    assert (first["aiProvider"], first["success"], second["aiProvider"], second["success"]) == (
        "gemini",
        False,
        "gpt4o",
        True,
    )
    assert first["costMicroUsd"] > 0
    assert first["costMicroUsd"] + second["costMicroUsd"] == world.bill()


def test_the_usage_log_says_who_did_what_at_which_cost_and_nothing_of_the_text(world: World) -> None:
    reply = world.post(PATH, {"text": "Asha Rao, engineer"})
    (row,) = world.usage()
    used = row["tokensUsed"]
    assert row == {
        "userId": world.user,
        "timestamp": f"2026-11-23T10:20:00Z#{reply.json['meta']['requestId']}#0",
        "action": "resume-parse",
        "requestId": reply.json["meta"]["requestId"],
        "aiProvider": "gemini",
        "model": reply.json["meta"]["model"],
        "tokensUsed": {**used, "total": used["input"] + used["output"]},
        "costMicroUsd": world.bill(),
        "cost": row["cost"],
        "success": True,
        "errorMessage": None,
        "latencyMs": row["latencyMs"],
        "expiresAt": int(world.now.timestamp()) + 90 * 86_400,
        "metadata": row["metadata"],
    }
    assert row["cost"] * 1_000_000 == row["costMicroUsd"]


@pytest.mark.parametrize("at", ["gemini", "gpt4o"])
def test_cached_and_thinking_tokens_are_in_the_log(world: World, at: str) -> None:
    if at == "gpt4o":
        world.buy("premium", "monthly")
    else:
        world.buy("pro", "monthly")
        world.post("/api/subscription/ai-preference", {"preference": at})
    for script in ("thinking", "cached"):
        world.fail(script, at=at)
        assert world.post(PATH, {"text": "Asha Rao, engineer"}).status == 200
    thought, cached = sorted((row["tokensUsed"] for row in world.usage()), key=lambda used: -used["thinking"])
    assert (thought["thinking"], thought["cached"]) == (210, 0)
    assert thought["output"] > thought["thinking"]
    assert (cached["thinking"], cached["cached"]) == (0, cached["input"] // 2)
    assert all(each["total"] == each["input"] + each["output"] for each in (thought, cached))


def test_the_log_adds_up_to_the_providers_bill_whatever_went_wrong_on_the_way(world: World) -> None:
    world.buy("pro", "monthly")
    for script in ("ok", "badjson", "wrong-shape", "length", "refusal", "cached", "thinking", "500", "safety"):
        world.fail(script)
        world.post(PATH, {"text": "Asha Rao, engineer"})
    rows = world.usage()
    assert len(rows) == sum(world.upstream().values())
    assert sum(row["costMicroUsd"] for row in rows) == world.bill()


def test_a_call_with_too_little_time_left_gives_back_what_it_took(world: World) -> None:
    reply = world.post(PATH, {"text": "Asha Rao, engineer"}, seconds=1)
    problem(reply, 503, "provider_unavailable")
    assert world.get("/api/subscription/usage").json["resumesUsed"] == 0
