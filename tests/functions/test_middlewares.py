"""The eight policies of the application before, each on a route of its own."""

from collections.abc import Callable
from typing import Any

import pytest

from local import gateway
from local.gateway import Request
from local.template import Route
from tests.functions.harness import Reply, World, context, served
from tests.functions.problems import problem
from tollgate.http.api import Access, Api, entrypoint
from tollgate.http.middlewares import (
    check_subscription,
    check_usage_limit,
    get_user_usage_stats,
    require_feature,
    require_premium,
    require_tier,
    tier_based_rate_limit,
    track_usage,
)
from tollgate.metering import Action
from tollgate.plans import Feature, Unit

type Caller = Callable[[], Reply]


def guarded(world: World, middleware: Any, answer: Callable[[Api], object] = lambda _: {"done": True}) -> Caller:  # noqa: ANN401 -- Powertools' own
    """A route behind the middleware, as the user would call it."""
    app = Api(Access.USER)
    app.get("/guarded", middlewares=[middleware])(lambda: answer(app))
    handler = entrypoint(app)
    function = served().functions[0]

    def call() -> Reply:
        world.at(world.now)
        request = Request("GET", "/guarded", "", (("authorization", f"Bearer {world.token()}"),))
        event = gateway.event(request, Route("GET", "/guarded", function), {}, now=world.now, request_id="gateway")
        given = gateway.answer(handler(event, context(function)))
        return Reply(given.status, dict(given.headers), given.body)

    return call


def test_check_subscription_lets_in_whoever_has_a_paid_plan_running(world: World) -> None:
    call = guarded(world, check_subscription)
    problem(call(), 403, "subscription_required")
    world.buy("one-time", "one-time")
    assert call().json == {"done": True}
    world.later(days=30)
    problem(call(), 403, "subscription_required")


def test_check_usage_limit_lets_in_while_something_is_left(world: World) -> None:
    call = guarded(world, check_usage_limit(Unit.RESUMES))
    assert call().status == 200
    world.post("/api/ai/parse-resume", {"text": "Asha Rao, engineer"})
    problem(call(), 403, "usage_limit_reached", limitType="resumes", used=1, limit=1, resetDate="2026-12-01")
    world.buy("pro", "monthly")
    assert call().status == 200


def test_check_usage_limit_says_what_is_not_in_the_plan(world: World) -> None:
    call = guarded(world, check_usage_limit(Unit.COVER_LETTERS))
    told = problem(call(), 403, "feature_not_in_plan", limitType="coverLetters")
    assert told["upgrade"] == {"tier": "student", "plan": "quarterly", "pricePaise": 9900, "payablePaise": 9900}


@pytest.mark.parametrize(
    ("tier", "plan", "status"), [("pro", "yearly", 403), ("premium", "monthly", 200), ("lifetime", "lifetime", 200)]
)
def test_require_premium_lets_in_the_premium_tiers(world: World, tier: str, plan: str, status: int) -> None:
    world.buy(tier, plan)
    assert guarded(world, require_premium)().status == status


def test_require_tier_lets_in_the_named_tiers(world: World) -> None:
    call = guarded(world, require_tier(["pro", "student"]))
    problem(call(), 403, "tier_required", tiers=["pro", "student"])
    world.buy("student", "quarterly")
    assert call().status == 200


def test_require_feature_lets_in_where_the_plan_opens_it(world: World) -> None:
    call = guarded(world, require_feature(Feature.PORTFOLIO))
    problem(call(), 403, "feature_not_in_plan", feature="portfolio")
    world.buy("pro", "monthly")
    assert call().status == 200


def test_track_usage_logs_what_succeeded_and_nothing_else(world: World) -> None:
    guarded(world, track_usage(Action.ENHANCE_CONTENT))()
    (row,) = world.usage()
    assert (row["action"], row["userId"]) == ("resume-enhance", world.user)

    def fail(_: Api) -> object:
        raise ValueError

    assert guarded(world, track_usage(Action.ENHANCE_CONTENT), fail)().status == 500
    assert len(world.usage()) == 1


def test_tier_based_rate_limit_takes_a_slot_each_and_refuses_beyond(world: World) -> None:
    call = guarded(world, tier_based_rate_limit)
    left = [call().headers["ratelimit-remaining"] for _ in range(10)]
    assert left == [str(each) for each in range(9, -1, -1)]
    before = world.item()
    refused = call()
    problem(refused, 429, "rate_limited", limit=10, retryAfter=2400)
    assert refused.headers["retry-after"] == "2400"
    assert world.item() == before
    problem(world.post("/api/ai/parse-resume", {"text": "Asha Rao, engineer"}), 429, "rate_limited")
    world.later(seconds=2400)
    assert call().status == 200


def test_tier_based_rate_limit_takes_nothing_from_a_token_that_was_ended(world: World) -> None:
    call = guarded(world, tier_based_rate_limit)
    assert world.post("/api/account/sign-out").status == 200
    before = world.item()
    problem(call(), 401, "unauthorized")
    assert world.item() == before


def test_get_user_usage_stats_hands_the_usage_to_the_route(world: World) -> None:
    call = guarded(world, get_user_usage_stats, lambda app: app.context["usage"])
    world.post("/api/ai/parse-resume", {"text": "Asha Rao, engineer"})
    assert call().json == world.get("/api/subscription/usage").json


def test_a_policy_asks_who_is_calling_first(world: World) -> None:
    call = guarded(world, check_subscription)
    world.user = ""
    problem(call(), 401, "unauthorized")
