"""GET, PUT /api/account/preferences: which AI the user prefers and which mails they want."""

import pytest

from tests.functions.harness import World
from tests.functions.problems import problem

PATH = "/api/account/preferences"
DEFAULTS = {"aiService": "auto", "notifications": {"usageAlerts": True, "subscriptionExpiry": True}}


def test_somebody_who_never_chose_wants_every_mail_and_the_mix(world: World) -> None:
    assert world.get(PATH).json == DEFAULTS
    assert world.item() is None


def test_what_is_left_out_stays_as_it_is(world: World) -> None:
    world.call("PUT", PATH, {"notifications": {"usageAlerts": False}})
    reply = world.call("PUT", PATH, {"notifications": {"subscriptionExpiry": False}})
    assert reply.json["notifications"] == {"usageAlerts": False, "subscriptionExpiry": False}
    assert world.get(PATH).json == reply.json


def test_the_ai_service_can_be_chosen_where_the_plan_lets_its_users_choose(world: World) -> None:
    problem(world.call("PUT", PATH, {"aiService": "gpt4o"}), 403, "tier_required")
    world.buy("pro", "monthly")
    assert world.call("PUT", PATH, {"aiService": "gpt4o"}).json["aiService"] == "gpt4o"
    assert world.get("/api/subscription/ai-config").json["aiService"] == "gpt4o"
    assert world.call("PUT", PATH, {"aiService": "auto"}).json["aiService"] == "auto"


@pytest.mark.parametrize(
    "body",
    [{"aiService": "claude"}, {"notifications": {"usageAlerts": "yes"}}, {"notifications": 1}, []],
)
def test_nonsense_is_refused_and_changes_nothing(world: World, body: object) -> None:
    problem(world.call("PUT", PATH, body), 422, "invalid_request")
    assert world.item() is None


def test_choosing_keeps_the_plan_and_the_counts(world: World) -> None:
    world.buy("pro", "monthly")
    world.post("/api/ai/parse-resume", {"text": "Asha Rao, engineer"})
    world.call("PUT", PATH, {"notifications": {"usageAlerts": False}})
    assert world.get("/api/subscription/status").json["tier"] == "pro"
    assert world.get("/api/subscription/usage").json["resumesUsed"] == 1
