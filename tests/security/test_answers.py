"""API10 of the OWASP top ten: what Razorpay and the models answer is input too. Bent, it is refused or kept for a person."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import cache
from typing import Any

import pytest
from pydantic import BaseModel

from tests.functions import bookkeeping
from tests.functions.harness import KEY_SECRET, World, signature
from tests.security.peeking import Json
from tollgate import app, ids
from tollgate.ai import gemini_rest, openai
from tollgate.ai.models import MODELS
from tollgate.ai.provider import Completion, Provider, ProviderError, Reply, Request, checked
from tollgate.http.api import LARGEST_BODY
from tollgate.payments.orders import MalformedPaymentError, to_payment

NOTHING: object = object()  # the field is missing
LOST = float("nan")

# Razorpay

AMOUNTS = [
    "AMOUNT",
    "149.00",
    -14_900,
    14_899,
    14_901,
    0,
    1,
    LOST,
    float("inf"),
    14_900.0,
    None,
    NOTHING,
    True,
    [14_900],
    {},
    10**30,
]
CURRENCIES = ["USD", "inr", "INR ", "", None, NOTHING, 356, ["INR"], {"code": "INR"}, "I" * 10_000, "\x00"]
STATUSES = [
    "Captured",
    "captured ",
    "created",
    "authorized",
    "failed",
    "refunded",
    "settled",
    "",
    None,
    NOTHING,
    True,
    ["captured"],
]
ORDERS = ["order_", "order_another1234", "", None, NOTHING, 7, ["order_x"], "../orders/x", "order_" + "A" * 5_000]
NAMES = ["pay_", "", None, NOTHING, 7, {}, "order_x", "pay_" + "A" * 5_000, "pay_é"]
BENT = {"amount": AMOUNTS, "currency": CURRENCIES, "status": STATUSES, "order_id": ORDERS, "id": NAMES}
NO_ENTITY: list[object] = [None, [], "captured", 1, True, {}, {"error": {"code": "OK"}}, {"items": []}, LOST]
READ, ASKED, TOLD = 7_000, 2_000, 1_000  # of 10,000: read only, through the verification, through the webhook


def bent(payment: Json, rng: random.Random) -> Any:  # noqa: ANN401 -- anything at all
    """The payment with what matters about it changed, in one place or more."""
    if rng.randrange(15) == 0:
        return deepcopy(rng.choice(NO_ENTITY))
    made = dict(payment)
    for name in rng.sample(sorted(BENT), k=rng.choice([1, 1, 1, 2, 3])):
        value = rng.choice(BENT[name])
        made[name] = str(payment["amount"]) if value == "AMOUNT" else value
    for name in rng.sample(["method", "notes", "captured", "error_reason", "fee", "tax", "email"], k=rng.randrange(4)):
        made[name] = rng.choice([None, LOST, -1, [], {}, "x" * 3_000, True])
    return {name: value for name, value in made.items() if value is not NOTHING}


class Answering:
    """A client of Razorpay's that gets what it is told to get."""

    def __init__(self) -> None:
        self.answer: Any = None
        self.payment = self.order = self.invoice = self.subscription = self

    def fetch(self, _name: str) -> Any:  # noqa: ANN401 -- as above
        return self.answer

    def payments(self, _name: str) -> Any:  # noqa: ANN401 -- as above
        return {"count": 1, "items": [self.answer]}


@contextmanager
def answering() -> Iterator[Answering]:
    """Put another client in the place of the SDK's."""
    gateway, made = app.gateway(), Answering()
    before = gateway._client  # noqa: SLF001 -- the gateway's own errors and checks stay in place
    gateway._client = made  # noqa: SLF001 -- as above
    try:
        yield made
    finally:
        gateway._client = before  # noqa: SLF001 -- as above


def untold(world: World) -> tuple[Json, Json]:
    """A captured payment that we know nothing of: Checkout's proof, and the payment as Razorpay has it."""
    proof = world.pay(world.order("pro", "monthly")["orderId"])
    return proof, proof["payment"]


def test_api10_no_bent_payment_is_read_as_the_one_it_was_made_of() -> None:
    """What is read at all differs in what every settlement compares, or was not captured."""
    good = {"id": "pay_A1b2C3d4E5f6G7", "order_id": "order_A1b2C3d4E5f6G7", "amount": 14_900, "currency": "INR"}
    good |= {"status": "captured", "invoice_id": None, "method": "upi"}
    wanted, rng, refused = to_payment(good), random.Random(9), 0  # noqa: S311 -- a reproducible draw
    for _ in range(READ):
        entity = bent(good, rng)
        try:
            found = to_payment(entity)
        except MalformedPaymentError:
            refused += 1
        else:
            same = [getattr(found, name) == getattr(wanted, name) for name in ("id", "order_id", "amount", "currency")]
            assert not (found.is_captured and all(same)), entity
    assert refused > READ // 2


def test_api10_no_bent_answer_of_razorpays_grants_anything_or_breaks_anything(world: World) -> None:
    proof, good = untold(world)
    order, rng = proof["razorpay_order_id"], random.Random(10)  # noqa: S311 -- a reproducible draw
    with answering() as razorpay:
        for number in range(ASKED):
            name = f"pay_K{number:013d}"  # one that was kept for review is not looked up again
            razorpay.answer = bent({**good, "id": name}, rng)
            asked = {"razorpay_order_id": order, "razorpay_payment_id": name}
            reply = world.post(
                "/api/subscription/verify-payment",
                asked | {"razorpay_signature": signature(f"{order}|{name}".encode(), KEY_SECRET)},
            )
            assert reply.status in {202, 400, 503}, (razorpay.answer, reply.body)
            assert reply.status != 503 or reply.json["code"] == "provider_unavailable"
    assert world.rows("SubscriptionsTable") == []
    assert world.verify(proof).status == 200  # what all of them were made of is granted


def test_api10_no_bent_payment_in_a_signed_event_grants_anything_or_breaks_anything(world: World) -> None:
    _, good = untold(world)
    rng = random.Random(100)  # noqa: S311 -- a reproducible draw
    names = [
        "payment.captured",
        "order.paid",
        "payment.failed",
        "payment.authorized",
        "refund.processed",
        "invoice.paid",
    ]
    names += ["subscription.charged", "subscription.activated", "payment.dispute.lost"]
    for number in range(TOLD):
        entity = bent({**good, "id": f"pay_W{number:013d}"}, rng)
        kinds = ["payment", "order", "refund", "subscription", "dispute", "invoice"]
        payload = {kind: {"entity": entity} for kind in rng.sample(kinds, k=rng.choice([1, 2, 6]))} | {
            "payment": {"entity": entity}
        }
        body = json.dumps(
            {"event": rng.choice(names), "payload": payload, "created_at": rng.choice([0, -1, LOST, "x", None])}
        )
        reply = world.webhook(body.encode())
        assert reply.status == (200 if len(body) <= LARGEST_BODY else 413), (body, reply.body)
        assert reply.json["status"] != "granted"
    assert world.rows("SubscriptionsTable") == []


def test_api10_the_reconciler_believes_no_bent_list_either(world: World) -> None:
    _, good = untold(world)
    rng = random.Random(1_000)  # noqa: S311 -- a reproducible draw
    with answering() as razorpay:
        for _ in range(100):
            world.later(hours=1)
            razorpay.answer = bent(good, rng)
            assert bookkeeping.reconcile(world)["granted"] == 0
    assert world.rows("SubscriptionsTable") == []
    bookkeeping.forget(world)


# The models

TEXTS = [
    "",
    "null",
    "[]",
    "{}",
    "0",
    "NaN",
    '"x"',
    "{",
    "[[[[",
    '{"a":' * 5_000,
    "\x00",
    "\ud800",
    "x" * 300_000,
    "```json\n{}\n```",
]
VALUES: list[object] = [
    None,
    LOST,
    -1,
    10**30,
    True,
    "",
    "x",
    [],
    {},
    [[]],
    [None],
    {"a": LOST},
    "<script>",
    1.5,
    float("-inf"),
    "\ud800",
    "x" * 500_000,
]
ANSWERS = 9_400  # of 10,000; the others go through the whole function
MODEL = next(iter(MODELS.values()))


def places(value: object, path: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    """Where something stands in a JSON value."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from places(each, (*path, key))


def mutated(value: Any, rng: random.Random, times: int = 1) -> Any:  # noqa: ANN401 -- JSON
    """The value with something in it lost or of another kind."""
    made = deepcopy(value)
    for _ in range(times):
        path = rng.choice(list(places(made)))
        if not path:
            return rng.choice(VALUES)
        *above, last = path
        holder: Any = made
        for key in above:
            holder = holder[key]
        if rng.randrange(3):
            holder[last] = deepcopy(rng.choice(VALUES))
        else:
            del holder[last]
    return made


def openai_body(text: object) -> Json:
    """A chat completion as OpenAI writes it."""
    return {
        "id": "chatcmpl-1",
        "model": "gpt-4o-mini",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": text, "refusal": None}, "finish_reason": "stop"}
        ],
        "usage": {
            "prompt_tokens": 20,
            "completion_tokens": 10,
            "prompt_tokens_details": {"cached_tokens": 4},
            "completion_tokens_details": {"reasoning_tokens": 2},
        },
    }


def gemini_body(text: object) -> Json:
    """A generated content as Gemini writes it."""
    return {
        "candidates": [{"content": {"parts": [{"text": text}], "role": "model"}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {
            "promptTokenCount": 20,
            "candidatesTokenCount": 10,
            "totalTokenCount": 32,
            "thoughtsTokenCount": 2,
        },
        "modelVersion": "gemini-2.5-flash",
        "responseId": "r-1",
    }


def read(service: str, body: object, request: Request) -> Reply:
    """The body as the adapter reads it."""
    text = json.dumps(body)
    if service == "gpt4o":
        return openai._reply(text, "req_1")  # noqa: SLF001 -- all but the connection
    return gemini_rest._reply(gemini_rest.parsed(text), request)  # noqa: SLF001 -- as above


class Bending:
    """A provider whose answers are bent, in what it says or in how it says it."""

    def __init__(self, service: str, rng: random.Random) -> None:
        self.name, self.service, self.rng = service, service, rng

    def complete(self, request: Request, timeout: float) -> Completion:
        """See `Provider.complete`."""
        del timeout
        return checked(read(self.service, self.body(self.said(request)), request), request.schema)

    def said(self, request: Request) -> object:
        """An answer's text: one that fits the schema or nearly, or nothing of the kind."""
        if not self.rng.randrange(4):
            return self.rng.choice(TEXTS)
        return json.dumps(mutated(fitting(request.schema), self.rng, self.rng.choice([0, 1, 2])))

    def body(self, text: object) -> object:
        """The whole answer with that text in it."""
        whole = openai_body(text) if self.service == "gpt4o" else gemini_body(text)
        return mutated(whole, self.rng, self.rng.choice([0, 0, 1, 2]))


@cache
def fitting(schema: type[BaseModel]) -> object:
    """An answer that fits the schema. Nobody changes it."""
    form = schema.model_json_schema()
    return sample(form, form)


PLAIN: dict[object, object] = {"integer": 1, "number": 1, "boolean": True}


def sample(node: Json, whole: Json) -> object:
    """A value that fits the schema."""
    if "$ref" in node or "anyOf" in node:
        inner = node["anyOf"][0] if "anyOf" in node else whole["$defs"][node["$ref"].rpartition("/")[2]]
        return sample(inner, whole)
    if "enum" in node:
        return node["enum"][0]
    match node.get("type"):
        case "object":
            return {name: sample(each, whole) for name, each in node.get("properties", {}).items()}
        case "array":
            return [sample(node.get("items", {}), whole)]
        case kind if kind in PLAIN:
            return PLAIN[kind]
        case _:
            return "Led the payments team of a bank and kept its promises for years. " * 3


@contextmanager
def provided(**instead: Provider) -> Iterator[None]:
    """Put other providers in the place of the services'."""
    providers = app.ai().providers
    assert isinstance(providers, dict)
    before = dict(providers)
    providers.update(instead)
    try:
        yield
    finally:
        providers.update(before)


TASKS: dict[str, Json] = {
    "/api/ai/parse-resume": {"text": "Asha Rao\nPython, AWS"},
    "/api/ai/enhance-content": {"section": "work", "content": "Worked on the payments team of a bank."},
    "/api/ai/generate-summary": {"resume": "Asha Rao\nPython, AWS"},
    "/api/ai/categorize-skills": {"skills": ["Python", "AWS"]},
    "/api/ai/job-match": {"resume": "Asha Rao\nPython, AWS", "jobDescription": "Python and AWS"},
    "/api/ai/cover-letter": {"resume": "Asha Rao\nPython, AWS", "jobDescription": "Python and AWS"},
    "/api/ai/ats-scan": {"text": "Asha Rao\nPython, AWS"},
}


@pytest.mark.parametrize("service", ["gpt4o", "gemini"])
def test_api10_a_bent_answer_of_a_model_is_an_answer_that_fits_or_a_refusal(service: str) -> None:
    import importlib  # noqa: PLC0415 -- the tasks are named by the routes

    tasks = [importlib.import_module(f"ai.{path.rpartition('/')[2].replace('-', '_')}").TASK for path in TASKS]
    rng = random.Random(service)  # noqa: S311 -- a reproducible draw
    bending, good = Bending(service, rng), 0
    for number in range(ANSWERS // 2):
        task = tasks[number % len(tasks)]
        request = Request(MODEL, "s", "u", task.answer, 100, "r")
        try:
            answer = bending.complete(request, 1)
        except ProviderError as error:
            assert error.billed is None or error.billed.total >= 0  # noqa: PT017 -- any other error fails the test
        else:
            good += 1
            assert isinstance(answer.output, task.answer)
            assert len(answer.output.model_dump_json()) <= 256 * 1024
    assert good > 0


def test_api10_bent_answers_cost_nobody_anything_but_what_was_delivered(world: World) -> None:
    rng, seen = random.Random(7), set[int]()  # noqa: S311 -- a reproducible draw
    world.user = f"bent-{ids.token(8)}"
    world.buy("premium", "yearly")
    with provided(gpt4o=Bending("gpt4o", rng), gemini=Bending("gemini", rng)):
        for number in range(10_000 - ANSWERS):
            if number % 100 == 0:
                world.later(hours=1)
            path = rng.choice(list(TASKS))
            for service in ("gpt4o", "gemini"):
                app.ai().breaker.succeeded(service)
            reply = world.post(path, TASKS[path])
            seen.add(reply.status)
            assert reply.status in {200, 403, 422, 503}, (path, reply.body)
            assert reply.status != 403 or reply.json["code"] == "usage_limit_reached"
    assert seen >= {200, 503}
    bookkeeping.check(world, at_rest=True)
