"""Real replies of every operation are as the OpenAPI document says, to the field."""

import json
from collections.abc import Iterator

import pytest

from tests.functions import documented
from tests.functions.harness import Json, Reply, World
from tests.functions.problems import problem
from tests.functions.test_review import kept
from tests.functions.test_webhook import CAPTURED, paid

RESUME = "Asha Rao\nBackend engineer\nExperience\nBuilt an order service in Python for 4,000 shops.\nSkills: Python"
JOB = "We look for a backend engineer with Python, PostgreSQL and Docker. You write services and review code."


@pytest.fixture
def held(world: World) -> Iterator[World]:
    """A world whose replies are held against the document at the end of the test."""
    yield world
    assert wrong(world) == []


def wrong(world: World) -> list[str]:
    """What of the replies so far is not documented."""
    return [each for method, path, reply in world.asked for each in documented.differences(method, path, reply)]


def admin(world: World) -> str:
    return world.token(f"{world.user}-admin", role="admin")


def everything(world: World) -> None:
    """At least one successful reply of every operation."""
    public(world)
    buying(world)
    ai(world)
    reading(world)
    administration(world)
    leaving(world)


def public(world: World) -> None:
    for path in ("subscription/pricing", "subscription/compare", "openapi.json", "docs"):
        assert world.get(f"/api/{path}", token=None).status == 200


def buying(world: World) -> None:
    order = world.order("student", "quarterly")
    world.verify(world.pay(order["orderId"]))
    world.buy("pro", "monthly")
    world.post("/api/subscription/create-order", {"tier": "pro", "plan": "monthly", "autoRenew": True})
    world.post("/api/subscription/renew")
    world.webhook(paid(world)[1][CAPTURED])


def ai(world: World) -> None:
    world.post("/api/subscription/ai-preference", {"preference": "gpt4o"})
    world.call("PUT", "/api/account/preferences", {"notifications": {"usageAlerts": False}})
    both = {"resume": RESUME, "jobDescription": JOB}
    for name, body in {
        "parse-resume": {"text": RESUME},
        "enhance-content": {"section": "Experience", "content": "Was responsible for the order service."},
        "generate-summary": {"resume": RESUME},
        "categorize-skills": {"skills": ["Python", "Docker"]},
        "job-match": both,
        "cover-letter": both,
        "ats-scan": {"text": RESUME, "jobDescription": JOB},
    }.items():
        assert world.post(f"/api/ai/{name}", body).status == 200, name


def reading(world: World) -> None:
    for path in ("status", "history", "history?limit=1", "usage", "usage?history=12", "ai-config"):
        assert world.get(f"/api/subscription/{path}").status == 200, path
    assert world.get("/api/account/preferences").status == 200
    assert world.post("/api/subscription/cancel", {"reason": "enough"}).status == 200


def administration(world: World) -> None:
    token = admin(world)
    flagged = kept(world)
    for path in ("revenue", "users", "ai-costs", "payments"):
        assert world.get(f"/api/admin/{path}", token=token).status == 200, path
        assert world.get(f"/api/admin/{path}?format=csv", token=token).status == 200, path
    assert world.get(f"/api/admin/margin?userId={world.user}", token=token).status == 200
    assert world.get("/api/admin/flagged-payments", token=token).status == 200
    resolved = world.post(f"/api/admin/flagged-payments/{flagged}/resolve", {"action": "refund"}, token=token)
    assert resolved.status == 200
    world.get("/api/admin/reports", token=token)


def leaving(world: World) -> None:
    """Signing out everywhere, taking everything along, and deleting the account."""
    assert world.post("/api/account/sign-out").status == 200
    problem(world.get("/api/subscription/status"), 401, "unauthorized")
    world.later(seconds=1)
    if ("get", "/api/account/export") in documented_routes():
        assert world.get("/api/account/export").status == 200
        assert world.call("DELETE", "/api/account", {"confirm": "delete"}).status == 200


def documented_routes() -> set[tuple[str, str]]:
    return {(method, path) for path, each in documented.document()["paths"].items() for method in each}


def test_a_reply_of_every_operation_is_as_documented(held: World) -> None:
    everything(held)
    seen = {
        (method.lower(), documented.operation(method, path)[0])
        for method, path, reply in held.asked
        if reply.status == 200
    }
    # The report of a day is there once a day was closed; `test_daily_report.py` holds its replies against the document.
    assert documented_routes() - seen - {("get", "/api/admin/reports")} == set()


def test_refusals_are_as_documented(held: World) -> None:
    held.get("/api/subscription/status", token=None)
    held.get("/api/admin/revenue")
    held.get("/api/admin/margin", token=admin(held))
    held.get("/api/admin/margin?userId=nobody", token=admin(held))
    held.post("/api/subscription/create-order", {"tier": "pro"})
    held.post("/api/subscription/create-order", {"tier": "free", "plan": "lifetime"})
    held.post("/api/subscription/create-order", {"tier": "x" * 70_000, "plan": "monthly"})
    held.post("/api/subscription/cancel", {})
    held.post("/api/subscription/renew")
    held.post("/api/subscription/webhook", {"event": "x"}, token=None)
    held.post("/api/subscription/ai-preference", {"preference": "gpt4o"})
    held.post("/api/ai/cover-letter", {"resume": RESUME, "jobDescription": JOB})
    for _ in range(2):
        held.post("/api/ai/parse-resume", {"text": RESUME})
    held.get("/api/subscription/history?limit=0")
    assert {reply.status for _, _, reply in held.asked} >= {401, 403, 404, 409, 413, 422, 400}


def test_a_new_field_a_missing_one_and_another_type_are_found(world: World) -> None:
    reply = world.get("/api/subscription/status")

    def found(**changed: object) -> list[str]:
        body: Json = {name: value for name, value in {**reply.json, **changed}.items() if value != "gone"}
        told = Reply(200, reply.headers, json.dumps(body).encode())
        return documented.differences("GET", "/api/subscription/status", told)

    assert found() == []
    assert found(brandNew=1) == ["GET /api/subscription/status 200.brandNew is not documented"]
    assert found(tier="gone") == ["GET /api/subscription/status 200.tier is missing"]
    assert found(autoRenew=1) == ["GET /api/subscription/status 200.autoRenew: 1 is no boolean"]
    assert found(startDate="yesterday") != []
    assert documented.differences("GET", "/api/subscription/status", Reply(418, {}, b"")) != []
