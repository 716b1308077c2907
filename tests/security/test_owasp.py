"""The OWASP API Security Top 10 of 2023, row by row, on the real handlers. API10 has a file of its own, `test_answers`."""

from __future__ import annotations

import base64
import importlib
import json
import random
import re
import string
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from local import gateway
from local.gateway import Request
from local.template import Route
from tests.bundle.document import ROOT
from tests.functions import bookkeeping, harness
from tests.functions.harness import KEY_SECRET, World, router, served, signature, signed_token
from tests.security.peeking import Json, kept, names, peeked
from tollgate import ids, invariants
from tollgate.http.api import Access
from tollgate.payments.orders import MOST_OPEN

SIGN_OUT = "/api/account/sign-out"  # ends the tokens of whoever goes on, so it comes last
ROUTES = sorted(served().routes, key=lambda each: (each.path == SIGN_OUT, each.path, each.method))
AI_BODIES: dict[str, Json] = {
    "/api/ai/parse-resume": {"text": "Asha Rao\nPython, AWS"},
    "/api/ai/enhance-content": {"section": "work", "content": "Worked on the payments team."},
    "/api/ai/generate-summary": {"resume": "Asha Rao\nPython, AWS"},
    "/api/ai/categorize-skills": {"skills": ["Python", "AWS"]},
    "/api/ai/job-match": {"resume": "Asha Rao\nPython, AWS", "jobDescription": "Python and AWS"},
    "/api/ai/cover-letter": {"resume": "Asha Rao\nPython, AWS", "jobDescription": "Python and AWS"},
    "/api/ai/ats-scan": {"text": "Asha Rao\nPython, AWS"},
}
GOOD_BODIES: dict[str, Json] = {
    "/api/subscription/create-order": {"tier": "premium", "plan": "yearly"},
    "/api/subscription/renew": {},
    "/api/subscription/cancel": {"reason": "none"},
    "/api/subscription/ai-preference": {"preference": "auto"},
    "/api/account/preferences": {"aiService": "auto", "notifications": {"usageAlerts": True}},
    **AI_BODIES,
}


def access_of(route: Route) -> Access:
    """What the function of a route declares."""
    module = importlib.import_module(route.function.handler.rpartition(".")[0])
    found: Access = module.app.access
    return found


def filled(route: Route) -> str:
    """The route's path with something in the place of its parameters."""
    return re.sub(r"\{\w+\}", "pay_A1b2C3d4E5f6G7", route.path)


# API1: broken object level authorization

SWAPS = 10_000


def owned(world: World, user: str) -> Json:
    """What somebody has: a plan, an order that is open, a payment that nobody has told us of, a mandate."""
    world.user = user
    bought = world.pay(world.order("premium", "monthly")["orderId"])
    assert world.verify(bought).status == 200
    mandate = world.post(
        "/api/subscription/create-order", {"tier": "premium", "plan": "monthly", "autoRenew": True}
    ).json
    untold = world.pay(world.order("premium", "yearly")["orderId"])
    waiting = world.order("premium", "yearly")["orderId"]
    return {
        "orders": [bought["razorpay_order_id"], untold["razorpay_order_id"], waiting],
        "payments": [bought["razorpay_payment_id"], untold["razorpay_payment_id"]],
        "mandates": [mandate["subscriptionId"]],
        "periods": [row["subscriptionId"] for row in world.rows("SubscriptionsTable")],
    }


def swaps(theirs: Json, mine: Json, victim: str, count: int) -> Iterator[tuple[str, str, Json | None, dict[str, str]]]:
    """Requests of somebody who knows every id of somebody else's, and even has what Razorpay signed for them."""
    rng = random.Random(6)  # noqa: S311 -- a reproducible draw
    orders, payments = theirs["orders"] + mine["orders"], theirs["payments"] + mine["payments"]
    quiet = ["status", "usage", "history", "ai-config"]
    for _ in range(count):
        order, payment = rng.choice(orders), rng.choice(payments)
        if order in mine["orders"] and payment in mine["payments"]:
            order = rng.choice(theirs["orders"])
        mandate, period = rng.choice(theirs["mandates"]), rng.choice(theirs["periods"])
        said = {"userId": victim, "user": victim, "sub": victim, "orderId": order, "subscriptionId": period}
        query = "&".join(f"{name}={value}" for name, value in said.items())
        match rng.randrange(100):
            case draw if draw < 40:
                order = rng.choice(theirs["orders"]) if rng.randrange(40) else order  # else Razorpay has to be asked
                proof = {"razorpay_order_id": order, "razorpay_payment_id": payment}
                proof["razorpay_signature"] = signature(f"{order}|{payment}".encode(), KEY_SECRET)
                yield "POST", "/api/subscription/verify-payment", proof | {"userId": victim}, {}
            case draw if draw < 55:
                proof = {"razorpay_subscription_id": mandate, "razorpay_payment_id": payment}
                proof["razorpay_signature"] = signature(f"{payment}|{mandate}".encode(), KEY_SECRET)
                yield "POST", "/api/subscription/verify-payment", proof, {}
            case draw if draw < 70:
                yield "GET", f"/api/subscription/history?cursor={period}&limit={rng.randint(1, 100)}", None, {}
            case draw if draw < 85:
                yield "GET", f"/api/subscription/{rng.choice(quiet)}?{query}", None, {"x-user-id": victim}
            case draw if draw < 88:
                yield "POST", f"/api/admin/flagged-payments/{payment}/resolve", {"action": "refund"}, {}
            case draw if draw < 92:
                body = {"notifications": {"usageAlerts": bool(draw % 2)}}
                yield "PUT", f"/api/account/preferences?{query}", body | said, {"x-user-id": victim}
            case draw if draw < 99:
                yield "POST", f"/api/subscription/ai-preference?{query}", {"preference": "auto"} | said, {}
            case _:
                yield "POST", f"/api/subscription/cancel?{query}", {"reason": "theirs"} | said, {"x-user-id": victim}


def test_api1_nobody_reads_or_moves_what_is_somebody_elses_in_ten_thousand_tries(world: World) -> None:
    attacker, victim = f"attacker-{ids.token(8)}", f"victim-{ids.token(8)}"
    theirs = owned(world, victim)
    before = bookkeeping.facts(world)
    mine = owned(world, attacker)
    token, secret = world.token(attacker), [victim, *theirs["payments"], *theirs["periods"]]
    with peeked() as asked:
        for method, path, body, headers in swaps(theirs, mine, victim, SWAPS):
            reply = world.call(method, path, body, token=token, headers=headers)
            sent = json.dumps(body) + path
            assert reply.status < 500, (path, body, reply.body)
            assert not [each for each in secret if each in reply.body.decode() and each not in sent], (path, reply.body)
            if path.endswith("verify-payment"):
                assert reply.status == 404 or (
                    reply.status == 400 and (body or {})["razorpay_order_id"] in mine["orders"]
                )
            if path.startswith("/api/admin"):
                assert (reply.status, asked) == (403, [])
            assert not [each for each in asked if f'"{victim}"' in each], (path, asked)
            asked.clear()
    world.user = victim
    assert invariants.unmoved(before, bookkeeping.facts(world)) == []


# API2: broken authentication

CLOSED = [route for route in ROUTES if access_of(route) in {Access.USER, Access.ADMIN}]


def bad_tokens(world: World, count: int) -> Iterator[str]:
    """Tokens of every kind that prove nothing."""
    rng = random.Random(2)  # noqa: S311 -- a reproducible draw
    good = world.token()
    head, body, mark = good.split(".")
    for _ in range(count):
        other = "".join(rng.choices(string.ascii_letters + string.digits + "-_.", k=rng.randint(1, 200)))
        at = rng.randrange(len(good))
        yield rng.choice(
            [
                other,
                f"{head}.{other}.{mark}",
                f"{head}.{body}.{other}",
                f"{head}.{body}.",
                good[:at],
                good[:at] + ("A" if good[at] != "A" else "B") + good[at + 1 :],
                signed_token({"sub": world.user, "role": "admin", "exp": 4_000_000_000}, secret=other),
                signed_token({"sub": world.user, "exp": rng.randrange(1_700_000_000)}),
                signed_token(
                    {"sub": world.user, "exp": 4_000_000_000}, alg=rng.choice(["none", "None", "HS512", "RS256"])
                ),
                signed_token({"sub": rng.choice([None, "", 7, [], {}]), "exp": 4_000_000_000}),
                signed_token({"sub": world.user, "role": "admin"}),
            ]
        )


def test_api2_a_thousand_tokens_that_prove_nothing_reach_no_table(world: World) -> None:
    for number, token in enumerate(bad_tokens(world, 1_000)):
        route = CLOSED[number % len(CLOSED)]
        reply = world.call(route.method, filled(route), {}, token=token or "x")
        assert (reply.status, world.steps) == (401, []), (route.path, token)


TAKES_IN_MONEY = "/api/subscription/verify-payment"  # goes on, see `functions/test_sign_out.py`
LAST = ("", SIGN_OUT, "/api/account")  # what ends tokens, and then what ends the account


def closed_requests() -> list[tuple[str, str, Json | None]]:
    """A request that would be answered, to every closed route."""
    bodies = {**GOOD_BODIES, "/api/account": {"confirm": "delete"}}
    asked = [
        (each.method, filled(each), bodies.get(each.path, {"action": "dismiss"} if "resolve" in each.path else None))
        for each in CLOSED
        if each.path != TAKES_IN_MONEY
    ]
    more = [("GET", "/api/subscription/usage?history=2", None), ("GET", "/api/account/export?cursor=usage.YQ==", None)]
    return sorted([*asked, *more], key=lambda each: LAST.index(each[1]) if each[1] in LAST else 0)


def test_api2_a_token_from_before_its_user_signed_out_is_refused_everywhere_by_one_request(world: World) -> None:
    world.buy("premium", "monthly")
    second = int(world.now.timestamp())
    assert world.post(SIGN_OUT).status == 200
    world.later(seconds=5)
    whole, calls = world.item(), world.upstream()
    untold = signed_token({"sub": world.user, "role": "admin", "exp": second + 3600})
    old = [world.token(role="admin", iat=iat) for iat in (second - 3600, second - 1, second, second + 0.9)]
    for method, path, body in closed_requests():
        for token in (*old, untold):
            reply = world.call(method, path, body, token=token)
            assert (reply.status, len(world.steps)) == (401, 1), (path, reply.body, world.steps)
            assert reply.json["detail"] == "The bearer token is not valid, or it has expired."
            assert reply.headers["www-authenticate"] == "Bearer"
    assert (world.item(), world.upstream()) == (whole, calls)


def test_api2_a_token_of_the_second_after_its_user_signed_out_opens_what_tokens_open(world: World) -> None:
    world.buy("premium", "monthly")
    assert world.post(SIGN_OUT).status == 200
    world.later(seconds=1)
    new = world.token(role="admin")
    world.later(seconds=10)
    for method, path, body in closed_requests():
        reply = world.call(method, path, body, token=new)
        assert reply.status not in {401, 410}, (path, reply.body)
        new = world.token(role="admin", iat=int(world.now.timestamp()) + 1) if path in LAST else new


# API3: broken object property level authorization

PLANTED, PLANTED_NUMBER = "planted-canary", 73_917_391
BESIDES = {
    "price",
    "quota",
    "role",
    "isAdmin",
    "tier",
    "plan",
    "endDate",
    "rate",
    "version",
    "ver",
    "tv",
    "admin",
    "credits",
}


def planted(body: Json, fields: set[str], value: object) -> Json:
    """The body with every stored name in it, on the top and inside, apart from those it has itself."""
    extra = {name: value for name in fields if name not in body}
    return extra | {
        name: planted(each, fields, value) if isinstance(each, dict) else each for name, each in body.items()
    }


@pytest.mark.parametrize("value", [PLANTED, PLANTED_NUMBER])
@pytest.mark.parametrize("path", GOOD_BODIES)
def test_api3_no_stored_attribute_can_be_set_by_putting_its_name_into_a_body(
    world: World, path: str, value: object
) -> None:
    tier = "pro" if path.endswith("ai-preference") else "premium"
    world.buy(tier, "monthly")
    method = "PUT" if path.endswith("preferences") else "POST"
    clean = world.call(method, path, GOOD_BODIES[path])
    assert clean.status == 200, clean.body
    rows = re.findall(r"\b(?:order|sub|pay)_\w+", clean.body.decode())
    fields = names(json.loads(kept(world, *rows))) | BESIDES
    world.buy("pro", "monthly", user := f"other-{ids.token(8)}") if path.endswith("cancel") else (user := world.user)
    reply = world.call(method, path, planted(GOOD_BODIES[path], fields, value), token=world.token(user))
    rows += re.findall(r"\b(?:order|sub|pay)_\w+", reply.body.decode())
    if reply.status == 200:
        assert names(reply.json) == names(clean.json)
    else:
        assert reply.status == 422, reply.body
    world.user = user
    assert str(value) not in kept(world, *rows)
    assert str(value) not in reply.body.decode()


# API4: unrestricted resource consumption

UNREAD = {  # where the plan decides first, one read says no, and the body is never looked at
    "/api/subscription/renew": (409, ["GetItem"]),
    "/api/subscription/ai-preference": (403, ["GetItem"]),
}


@pytest.mark.parametrize(
    "route", [each for each in ROUTES if each.method in {"POST", "PUT"}], ids=lambda each: each.path
)
def test_api4_ten_megabytes_are_refused_before_any_table_or_provider_is_asked(world: World, route: Route) -> None:
    token = world.token(role="admin")
    unread = UNREAD.get(route.path, (413, []))
    for raw in (b'{"text": "' + b"x" * 10_000_000 + b'"}', b"[" * 10_000_000):
        reply = world.call(route.method, filled(route), raw=raw, token=token)
        assert (reply.status, world.steps) == unread, reply.body


@pytest.mark.parametrize("path", AI_BODIES)
def test_api4_a_million_tokens_can_be_asked_for_and_are_not(world: World, path: str) -> None:
    world.buy("premium", "monthly")
    caps = set()
    for extra in ({}, {"max_tokens": 1_000_000, "maxOutputTokens": 1_000_000, "model": "gpt-6.1-sol", "n": 100}):
        assert world.post(path, AI_BODIES[path] | extra).status == 200
        text = json.dumps([each.get("/_sim/requests").json()["requests"][-1:] for each in (world.openai, world.gemini)])
        caps.add(tuple(re.findall(r'"(?:max_tokens|max_completion_tokens|maxOutputTokens)": (\d+)', text)))
        assert "1000000" not in text
        assert "gpt-6.1-sol" not in text
    assert max(int(each) for cap in caps for each in cap) <= 16_384


# API5: broken function level authorization

ROLES: list[object] = [
    "user",
    "Admin",
    "ADMIN",
    "admin ",
    "administrator",
    "root",
    "",
    ["admin"],
    {"admin": True},
    True,
    1,
]
DECLARED = {
    "/api/subscription/pricing": Access.PUBLIC,
    "/api/subscription/compare": Access.PUBLIC,
    "/api/openapi.json": Access.PUBLIC,
    "/api/docs": Access.PUBLIC,
    "/api/subscription/webhook": Access.SIGNATURE,
}


@pytest.mark.parametrize("route", ROUTES, ids=lambda each: f"{each.method} {each.path}")
def test_api5_every_route_is_open_to_those_it_is_declared_for_and_to_nobody_else(world: World, route: Route) -> None:
    """The paths say it once more, apart from the functions: what lies under admin/ is for administrators."""
    declared = Access.ADMIN if route.path.startswith("/api/admin/") else DECLARED.get(route.path, Access.USER)
    assert access_of(route) is declared

    def status(token: str | None) -> int:
        return world.call(route.method, filled(route), {}, token=token).status

    refused = {Access.PUBLIC: set[int](), Access.SIGNATURE: {400}}.get(declared, {401})
    assert {status(None), status("x.y.z")} & {400, 401, 403} == refused
    by_role = [world.call(route.method, filled(route), {}, token=world.token(role=role)) for role in ROLES]
    told = [each.status == 403 and each.json["code"] == "forbidden" for each in by_role]
    assert told == [declared is Access.ADMIN] * len(ROLES)
    if declared is Access.ADMIN:
        assert status(world.token(role="admin")) not in {401, 403}


def test_api5_no_function_answers_for_anothers_route(world: World) -> None:
    token = world.token()
    for function in {each.function.name: each.function for each in ROUTES}.values():
        for route in ROUTES:
            if route.function.name != function.name:
                event = gateway.event(
                    Request(route.method, filled(route), "", (("authorization", f"Bearer {token}"),), b"{}"),
                    route,
                    {},
                    now=world.now,
                    request_id="r",
                )
                reply = harness.handler(function)(event, harness.context(function))
                assert reply["statusCode"] in {403, 404}, (function.name, route.path)


def test_api5_jobs_and_consumers_of_streams_have_no_route() -> None:
    inner = {each.name for each in served().functions if each.handler.partition(".")[0] in {"maintenance", "streams"}}
    assert len(inner) > 5
    assert inner & {each.function.name for each in ROUTES} == set()


# API6: unrestricted access to sensitive business flows


def test_api6_a_thousand_moves_of_somebody_who_pays_once_buy_no_more_than_one_plan(world: World) -> None:
    rng = random.Random(16)  # noqa: S311 -- a reproducible draw
    proof = world.pay(world.order("pro", "monthly")["orderId"])
    assert world.verify(proof).status == 200
    bought, orders = world.rows("SubscriptionsTable"), [proof["razorpay_order_id"]]
    events = list(world.events(proof["razorpay_payment_id"]).values())
    for _ in range(1_000):
        match rng.randrange(10):
            case 0:
                reply = world.post("/api/subscription/create-order", {"tier": "premium", "plan": "yearly"})
                orders += [reply.json["orderId"]] if reply.status == 200 else []
            case 1 | 2 | 3:
                reply = world.webhook(rng.choice(events))
            case 4 | 5 | 6:
                reply = world.verify(proof)
            case _:
                order = rng.choice(orders)
                forged = signature(f"{order}|{proof['razorpay_payment_id']}".encode(), KEY_SECRET)
                reply = world.verify(proof, razorpay_order_id=order, razorpay_signature=forged)
        assert reply.status < 500, reply.body
    assert len(orders) == 1 + MOST_OPEN  # the others were refused, and Razorpay was not asked for them
    assert len(world.sim("GET", "/state")["orders"]) == len(orders)
    assert world.rows("SubscriptionsTable") == bought
    bookkeeping.check(world)


# API7: server-side request forgery


class Bait(BaseHTTPRequestHandler):
    """Notes who comes."""

    seen: list[str]

    def do_GET(self) -> None:
        self.seen.append(self.path)
        self.send_response(200)
        self.end_headers()

    do_POST = do_HEAD = do_OPTIONS = do_GET  # noqa: N815 -- as above

    def log_message(self, *_: object) -> None:
        """Nothing on the screen."""


@contextmanager
def bait() -> Iterator[tuple[str, list[str]]]:
    """An address that somebody might be made to visit, and who did."""
    seen: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Baited", (Bait,), {"seen": seen}))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def baited(value: object, url: str) -> object:
    """The value with the address in the place of every text, or behind it."""
    if isinstance(value, dict):
        return {name: baited(each, url) for name, each in value.items()}
    if isinstance(value, list):
        return [baited(each, url) for each in value]
    return f"{value}\nSee {url}/resume.pdf" if isinstance(value, str) and " " in value else value


@pytest.mark.parametrize("path", AI_BODIES)
def test_api7_no_address_in_a_text_is_visited(world: World, path: str) -> None:
    """What is not on this machine cannot be visited at all: any attempt fails the test, see `tests/conftest.py`."""
    world.buy("premium", "monthly")
    with bait() as (here, seen):
        for url in (
            here,
            "http://169.254.169.254/latest/meta-data",
            "file:///etc/passwd",
            "gopher://x",
            "//rebind.test",
        ):
            asked = baited(AI_BODIES[path], url)
            assert isinstance(asked, dict)
            extra = dict.fromkeys(("url", "resumeUrl", "callback", "webhook_url", "image", "link"), f"{url}/x")
            hosts = {"x-forwarded-host": url.partition("//")[2], "referer": url, "origin": url}
            assert world.post(path, asked | extra, headers=hosts).status == 200
            assert {each for each in world.steps if each[0].islower()} <= {"openai", "gemini"}
        assert seen == []


@pytest.mark.parametrize("script", ["redirect", "html200"])
def test_api7_nobody_follows_where_a_provider_points(world: World, script: str) -> None:
    world.fail({"script": script, "times": 5})
    assert world.post("/api/ai/parse-resume", {"text": "Asha Rao"}).status in {200, 503}
    hits = [hit for each in (world.openai, world.gemini) for hit in each.get("/_sim/requests").json()["requests"]]
    assert not [hit for hit in hits if "elsewhere" in hit["path"]]


# API8: security misconfiguration

MALFORMED = 5_000
TRACE = re.compile(r"Traceback|File \"|\.py\b|, line \d+|botocore|pydantic|Error\(|Exception")


def malformed(rng: random.Random) -> tuple[Route, Request]:
    """A request as only somebody sends who looks for a way in."""
    route = rng.choice(ROUTES)
    noise = bytes(rng.randrange(256) for _ in range(rng.randrange(60)))
    texts = [
        "",
        "\x00",
        "é" * 50,
        "../../etc/passwd",
        "' OR 1=1 --",
        "{{7*7}}",
        "${jndi:ldap://x}",
        "%00",
        "-1",
        "1e999",
        "[]",
    ]
    word = rng.choice(texts)
    deep = b"[" * rng.choice([1, 500, 20_000])
    body = rng.choice(
        [
            b"",
            noise,
            deep,
            b'{"a":' * 3_000,
            b"null",
            b"true",
            b"0",
            b'""',
            b"[]",
            b"{",
            b'{"text": NaN}',
            b'{"text": "\\ud800"}',
            b'{"text": 1' + b"0" * 5_000 + b"}",
            json.dumps({rng.choice(["text", "tier", "plan", "file", "content", "resume", "skills"]): word}).encode(),
            json.dumps({"tier": [word], "plan": {word: word}, "skills": [[word]], "resume": {"basics": word}}).encode(),
            json.dumps({"file": word, "contentType": "pdf"}).encode(),
            b"\xff\xfe" + noise,
        ]
    )
    query = rng.choice(
        ["", f"limit={word}", f"cursor={word}", f"from={word}&to={word}", "a=b&a=c&&==", "days=-5", "%zz=%"]
    )
    kinds = [
        "application/json",
        "text/plain",
        "application/xml",
        "application/octet-stream",
        "",
        "multipart/form-data",
        word,
    ]
    headers = {
        "content-type": rng.choice(kinds).replace("\x00", ""),
        "accept": rng.choice(["*/*", "text/csv", "nonsense", "application/xml", "text/csv;q=abc", ";;;,,,"]),
        "idempotency-key": rng.choice(["", "k", "x" * 5_000, word.replace("\x00", "")]),
        "x-razorpay-signature": rng.choice(["", "0" * 64, "é", word.replace("\x00", "")]),
        "if-none-match": rng.choice(["", "*", '"', 'W/"x"', word.replace("\x00", "")]),
    }
    return route, Request(route.method, filled(route), query, tuple(headers.items()), body)


def bent(event: Json, rng: random.Random) -> Json:
    """The event as another version of the gateway, or somebody with the right to invoke, might send it."""
    match rng.randrange(12):
        case 0:
            event["body"], event["isBase64Encoded"] = "not base64 \x00 é", True
        case 1:
            event["body"], event["isBase64Encoded"] = base64.b64encode(b"\xff\xfe{").decode(), True
        case 2:
            event.pop("body", None)
        case 3:
            event["headers"] = {"authorization": event["headers"]["authorization"]}
        case 4:
            event["queryStringParameters"] = None
        case 5:
            event["pathParameters"] = {"paymentId": "\x00" * 100}
        case 6:
            event["cookies"] = ["\x00", "a=b"]
        case 7:
            event["body"] = "\ud800"
        case _:
            pass
    return event


def test_api8_five_thousand_malformed_requests_get_a_stable_refusal_and_never_a_5xx(world: World) -> None:
    rng, leaving = random.Random(8), f"leaving-{world.user}"  # noqa: S311 -- a reproducible draw
    seen: set[int] = set()
    for _ in range(MALFORMED):
        route, request = malformed(rng)
        user = leaving if route.path == SIGN_OUT else world.user
        token = rng.choice([world.token(user), world.token(user, role="admin"), "", "broken"])
        sent = Request(
            request.method,
            request.path,
            request.query,
            (*request.headers, ("authorization", f"Bearer {token}")),
            request.body,
        )
        parameters = {"paymentId": "pay_A1b2C3d4E5f6G7"} if "{" in route.path else {}
        event = bent(gateway.event(sent, route, parameters, now=world.now, request_id="r"), rng)
        reply = harness.handler(route.function)(event, harness.context(route.function))
        seen.add(reply["statusCode"])
        assert reply["statusCode"] < 500, (route.path, event, reply)
        if reply["statusCode"] >= 400:
            told = json.loads(reply["body"])
            assert told["code"] in CODES
            assert told["status"] == reply["statusCode"]
            assert not TRACE.search(reply["body"]), reply["body"]
    assert seen >= {400, 401, 403, 422}


CODES = {
    "unauthorized",
    "forbidden",
    "subscription_required",
    "feature_not_in_plan",
    "tier_required",
    "usage_limit_reached",
    "rate_limited",
    "invalid_request",
    "payload_too_large",
    "conflict",
    "payment_not_verified",
    "not_found",
    "invalid_signature",
}


# API9: improper inventory management


def shape(path: str) -> str:
    """A path without the names of its parameters."""
    return re.sub(r"\{\w+\}", "{}", path)


VERBS = {"get", "post", "put", "delete", "patch", "head", "options", "trace"}


def test_api9_what_is_not_in_the_template_is_not_served() -> None:
    known = {(each.method, each.path) for each in ROUTES}
    for method, path in known:
        for other in (
            path + "/",
            path.upper(),
            path + "/..",
            path + "%2f",
            "/v1" + path,
            "/dev" + path,
            path + ".json",
            "/" + path,
        ):
            assert router().find(method, other) is None or "{" in path, other
        for verb in ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE"):
            assert (router().find(verb, path) is not None) is ((verb, path) in known)
    for path in (
        "/",
        "/api",
        "/docs",
        "/openapi.json",
        "/metrics",
        "/health",
        "/_local/token",
        "/api/internal",
        "/.env",
    ):
        assert router().find("GET", path) is None or ("GET", path) in known


def test_api9_the_openapi_document_has_the_templates_routes_and_no_others() -> None:
    document = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
    written = {
        (verb.upper(), shape(path)) for path, verbs in document["paths"].items() for verb in verbs if verb in VERBS
    }
    assert written == {(each.method, shape(each.path)) for each in ROUTES}
