"""Every refusal names the cheapest way out with its exact price, and taking it makes the same request go through."""

import pytest

from tests.functions.harness import World
from tests.functions.problems import problem
from tollgate import plans
from tollgate.counters import rate_counter

RESUME = {"resume": "Asha Rao\nSkills\nPython, AWS", "jobDescription": "We look for a Python engineer who knows AWS."}
REQUESTS = {
    "/api/ai/parse-resume": {"text": "Asha Rao, engineer, Python"},
    "/api/ai/job-match": RESUME,
    "/api/ai/cover-letter": RESUME,
    "/api/ai/ats-scan": {"text": "Asha Rao\nasha@example.com\nSkills\nPython, AWS"},
}


@pytest.mark.parametrize("bought", [None, ("one-time", "one-time"), ("student", "quarterly"), ("pro", "yearly")])
@pytest.mark.parametrize("path", REQUESTS)
def test_following_the_offer_makes_the_same_request_succeed(
    world: World, path: str, bought: tuple[str, str] | None
) -> None:
    if bought:
        world.buy(*bought)
    reply = world.post(path, REQUESTS[path])
    for _ in range(12):  # more than any of these plans counts
        if reply.status != 200:
            break
        reply = world.post(path, REQUESTS[path])
    if reply.status == 200:
        assert world.get("/api/subscription/usage").json["limits"]["resumes"]["limit"] is None
        return
    offer = reply.json["upgrade"]
    order = world.order(offer["tier"], offer["plan"])
    assert (order["breakdown"]["price"], order["amount"]) == (offer["pricePaise"], offer["payablePaise"])
    assert world.verify(world.pay(order["orderId"])).status == 200
    assert world.post(path, REQUESTS[path]).status == 200


def test_the_hourly_limit_names_a_plan_with_more_calls_an_hour(world: World) -> None:
    body = {"skills": ["Python", "AWS"]}
    for _ in range(10):
        assert world.post("/api/ai/categorize-skills", body).status == 200
    refused = world.post("/api/ai/categorize-skills", body)
    problem(refused, 429, "rate_limited", limit=10, used=10, limitType="callsPerHour")
    assert int(refused.headers["retry-after"]) == refused.json["retryAfter"] == 40 * 60
    offer = refused.json["upgrade"]
    assert (offer["tier"], offer["payablePaise"]) == ("one-time", 4_900)
    world.buy(offer["tier"], offer["plan"])
    assert world.post("/api/ai/categorize-skills", body).status == 200


@pytest.mark.parametrize(
    ("bought", "offered"),
    [
        (("one-time", "one-time"), "student"),
        (("student", "quarterly"), "premium"),
        (("pro", "monthly"), "premium"),
        (("premium", "monthly"), None),
    ],
)
def test_whoever_has_used_the_hour_up_is_offered_a_tier_that_lets_the_same_request_through(
    world: World, bought: tuple[str, str], offered: str | None
) -> None:
    world.buy(*bought)
    limit = plans.tier(bought[0]).calls_per_hour
    world.raw.update_item(
        TableName="UsersTable",
        Key={"userId": {"S": world.user}},
        UpdateExpression="SET #rate = :used",
        ExpressionAttributeNames={"#rate": rate_counter(world.now)},
        ExpressionAttributeValues={":used": {"N": str(limit)}},
    )
    body = {"skills": ["Python", "AWS"]}
    refused = world.post("/api/ai/categorize-skills", body)
    problem(refused, 429, "rate_limited", limit=limit, used=limit)
    offer = refused.json["upgrade"]
    assert (offer and offer["tier"]) == offered
    if offer:
        order = world.order(offer["tier"], offer["plan"])
        assert (order["breakdown"]["price"], order["amount"]) == (offer["pricePaise"], offer["payablePaise"])
        assert world.verify(world.pay(order["orderId"])).status == 200
        assert world.post("/api/ai/categorize-skills", body).status == 200
