"""Every route that is not public turns away whoever does not prove who they are, before any table is touched."""

import pytest

from tests.functions.harness import World, served, signed_token
from tests.functions.problems import problem

OPEN = {
    "/api/subscription/pricing",
    "/api/subscription/compare",
    "/api/subscription/webhook",
    "/api/openapi.json",
    "/api/docs",
}
CLOSED = sorted((route.method, route.path) for route in served().routes if route.path not in OPEN)


def expired(world: World) -> str:
    return world.token(exp=int(world.now.timestamp()) - 31)


def unsigned(world: World) -> str:
    return signed_token({"sub": world.user, "exp": 4_000_000_000}, alg="none").rpartition(".")[0] + "."


def otherwise_signed(world: World) -> str:
    return signed_token({"sub": world.user, "exp": 4_000_000_000}, secret="another secret")


def endless(world: World) -> str:
    return signed_token({"sub": world.user})


def nobodys(_world: World) -> str:
    return signed_token({"exp": 4_000_000_000})


def garbled(_world: World) -> str:
    return "not.a.token"


@pytest.mark.parametrize(("method", "path"), CLOSED)
def test_without_a_token_a_closed_route_answers_401_and_reads_no_table(world: World, method: str, path: str) -> None:
    reply = world.call(method, path, {}, token=None)
    problem(reply, 401, "unauthorized")
    assert reply.headers["www-authenticate"] == "Bearer"
    assert world.steps == []


@pytest.mark.parametrize("make", [expired, unsigned, otherwise_signed, endless, nobodys, garbled])
@pytest.mark.parametrize("path", ["/api/subscription/status", "/api/ai/parse-resume"])
def test_a_token_that_proves_nothing_is_refused_always_in_the_same_words(world: World, make: object, path: str) -> None:
    assert callable(make)
    method = "POST" if path.startswith("/api/ai") else "GET"
    reply = world.call(method, path, {"text": "x"} if method == "POST" else None, token=make(world))
    told = problem(reply, 401, "unauthorized")
    assert told["detail"] == "The bearer token is not valid, or it has expired."
    assert world.steps == []


def test_a_token_is_good_until_thirty_seconds_after_its_end(world: World) -> None:
    token = world.token(exp=int(world.now.timestamp()))
    world.later(seconds=29)
    assert world.get("/api/subscription/status", token=token).status == 200
    world.later(seconds=1)
    assert world.get("/api/subscription/status", token=token).status == 401


@pytest.mark.parametrize("header", ["Basic dXNlcjpwYXNz", "Bearer", "Bearer ", "token"])
def test_another_scheme_or_an_empty_token_is_refused(world: World, header: str) -> None:
    problem(world.get("/api/subscription/status", token=None, headers={"authorization": header}), 401, "unauthorized")


@pytest.mark.parametrize("claim", ["sub", "id", "userId"])
def test_tokens_of_the_application_before_keep_working(world: World, claim: str) -> None:
    world.buy("pro", "monthly")
    token = signed_token({claim: world.user, "exp": 4_000_000_000})
    assert world.get("/api/subscription/status", token=token).json["tier"] == "pro"


def test_what_a_token_says_about_the_plan_is_not_believed(world: World) -> None:
    token = world.token(tier="premium", plan="yearly", subscription={"tier": "premium"}, role="admin")
    assert world.get("/api/subscription/status", token=token).json["tier"] == "free"


def test_one_user_never_sees_the_request_before(world: World) -> None:
    world.buy("premium", "monthly")
    assert world.get("/api/subscription/status").json["tier"] == "premium"
    assert world.get("/api/subscription/status", token=world.token("somebody-else")).json["tier"] == "free"
    problem(world.get("/api/subscription/status", token="broken"), 401, "unauthorized")
    assert world.get("/api/subscription/status", token=world.token("somebody-else")).json["tier"] == "free"
