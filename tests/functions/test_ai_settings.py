"""GET /api/subscription/ai-config and POST /api/subscription/ai-preference: who answers, and what one prefers."""

import pytest

from tests.functions.harness import World
from tests.functions.problems import fields, problem

CONFIG, PREFER = "/api/subscription/ai-config", "/api/subscription/ai-preference"


def test_the_free_plan_is_answered_by_gemini(world: World) -> None:
    reply = world.get(CONFIG)
    assert (reply.status, world.steps) == (200, ["GetItem"])
    model = reply.json["model"]
    assert reply.json == {
        "aiService": "gemini",
        "model": model,
        "models": {"gemini": model},
        "split": {"gpt4o": 0, "gemini": 100},
        "preference": "auto",
        "features": [],
    }
    assert model.startswith("gemini-")


def test_the_mix_is_seven_to_three(world: World) -> None:
    world.buy("pro", "monthly")
    shown = world.get(CONFIG).json
    assert (shown["aiService"], shown["split"]) == ("hybrid", {"gpt4o": 30, "gemini": 70})
    assert (set(shown["models"]), shown["model"]) == ({"gpt4o", "gemini"}, shown["models"]["gemini"])


def test_the_premium_tiers_are_answered_by_gpt4o(world: World) -> None:
    world.buy("premium", "monthly")
    shown = world.get(CONFIG).json
    assert (shown["aiService"], shown["split"], set(shown["models"])) == (
        "gpt4o",
        {"gpt4o": 100, "gemini": 0},
        {"gpt4o"},
    )


@pytest.mark.parametrize(("tier", "plan"), [("pro", "monthly"), ("student", "quarterly")])
@pytest.mark.parametrize("preference", ["gemini", "gpt4o"])
def test_a_preference_overrides_the_mix_until_it_is_auto_again(
    world: World, tier: str, plan: str, preference: str
) -> None:
    world.buy(tier, plan)
    reply = world.post(PREFER, {"preference": preference})
    assert (reply.status, reply.json["aiService"], reply.json["preference"]) == (200, preference, preference)
    assert world.steps == ["GetItem", "UpdateItem"]
    assert world.get(CONFIG).json == reply.json
    for _ in range(3):
        parsed = world.post("/api/ai/parse-resume", {"text": "Asha Rao, engineer"})
        assert parsed.json["meta"]["aiService"] == preference
    assert world.post(PREFER, {"preference": "auto"}).json["aiService"] == "hybrid"


def test_a_preference_moves_neither_counters_nor_the_plan(world: World) -> None:
    world.buy("pro", "monthly")
    world.post("/api/ai/parse-resume", {"text": "Asha Rao, engineer"})
    before = world.item() or {}
    world.post(PREFER, {"preference": "gpt4o"})
    after = world.item() or {}
    assert {name for name in after if after[name] != before.get(name)} == {"preference", "version", "terms"}


@pytest.mark.parametrize(("tier", "plan"), [("one-time", "one-time"), ("premium", "monthly"), ("lifetime", "lifetime")])
def test_other_tiers_have_nothing_to_prefer(world: World, tier: str, plan: str) -> None:
    world.buy(tier, plan)
    before = world.item()
    problem(world.post(PREFER, {"preference": "gemini"}), 403, "tier_required", tiers=["student", "pro"])
    assert world.item() == before


def test_a_newcomer_and_an_expired_user_have_nothing_to_prefer(world: World) -> None:
    problem(world.post(PREFER, {"preference": "gemini"}), 403, "tier_required")
    assert world.item() is None
    world.buy("pro", "monthly")
    world.later(days=30)
    problem(world.post(PREFER, {"preference": "gemini"}), 403, "tier_required")


@pytest.mark.parametrize("preference", ["claude", "", None, 1, ["gemini"], "GEMINI"])
def test_a_preference_is_one_of_three_words(world: World, preference: object) -> None:
    world.buy("pro", "monthly")
    before = world.item()
    reply = world.post(PREFER, {"preference": preference})
    problem(reply, 422, "invalid_request")
    assert fields(reply) == ["preference"]
    assert world.item() == before


def test_a_preference_does_not_outlive_the_tier_that_allows_it(world: World) -> None:
    world.buy("pro", "monthly")
    world.post(PREFER, {"preference": "gemini"})
    world.buy("premium", "monthly")
    assert world.get(CONFIG).json["aiService"] == "gpt4o"
    assert world.post("/api/ai/parse-resume", {"text": "Asha Rao, engineer"}).json["meta"]["aiService"] == "gpt4o"
