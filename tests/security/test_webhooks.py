"""Razorpay's webhooks under attack: forged ones, old ones sent again, and signatures made for something else."""

from __future__ import annotations

import base64
import hashlib
import json
import random
from collections.abc import Iterator
from itertools import product

import pytest

from local import gateway
from local.gateway import Request
from tests.functions import bookkeeping, harness
from tests.functions.harness import KEY_SECRET, WEBHOOK_SECRET, World, router, signature
from tests.security.peeking import Json, kept
from tollgate import ids, invariants
from tollgate.store.review import EVENT

PATH = "/api/subscription/webhook"
FORGED = 10_000


def delivered(world: World, body: str, headers: Json, *, encoded: bool) -> Json:
    """The function's own reply to an event as API Gateway hands it over."""
    found = router().find("POST", PATH)
    assert found
    route, _ = found
    asked = Request("POST", PATH, "", (("content-type", "application/json"),), b"")
    event = gateway.event(asked, route, {}, now=world.now, request_id="r")
    event |= {"body": body, "isBase64Encoded": encoded}
    event["headers"] |= headers
    world.journal.clear()
    reply: Json = harness.handler(route.function)(event, harness.context(route.function))
    return reply


def respelt(body: bytes) -> Iterator[bytes]:
    """The same JSON in other bytes: what Razorpay signed are its bytes and not what they say."""
    event = json.loads(body)
    yield json.dumps(event, indent=1).encode()
    yield json.dumps(event, separators=(",", ": ")).encode()
    yield json.dumps(event, sort_keys=True).encode() + b"\n"
    yield b"\xef\xbb\xbf" + body
    yield body + b" "
    yield b" " + body
    yield body.replace(b"INR", b"\\u0049NR", 1)
    yield body[:-1] + b',"x":1}'


def forgeries(body: bytes, rng: random.Random) -> Iterator[tuple[str, Json, bool]]:
    """Bodies and signatures that never were one of another's, as the event's body, headers and base64 flag."""
    good, others = signature(body, WEBHOOK_SECRET), list(respelt(body))
    marks = [
        "",
        " ",
        "é" * 64,
        "\u0660" * 64,
        "0" * 64,
        good.upper(),
        good[:-1],
        good + "0",
        f" {good}",
        f"{good}\n",
        f"sha256={good}",
        f"{good},{good}",
        "\x00" * 64,
        "x" * 1_000_000,
        base64.b64encode(bytes.fromhex(good)).decode(),
        signature(body, KEY_SECRET),
        signature(body, ""),
        signature(b"", WEBHOOK_SECRET),
    ]
    huge = json.dumps({"event": "payment.captured", "payload": "x" * 1_000_000})
    while True:
        name = rng.choice(["x-razorpay-signature"] * 9 + ["x-signature"])
        match rng.randrange(40):
            case 0:
                yield huge, {name: rng.choice(marks[:13])}, False
            case 1 | 2 | 3:
                yield rng.choice(["not base64!", "é", "====", "\x00", "ab=c"]), {name: good}, True
            case 4 | 5 | 6:
                yield body.decode(), {name: good}, True
            case 7 | 8 | 9:
                yield base64.b64encode(rng.choice(others)).decode(), {name: good}, True
            case 10 | 11 | 12:
                yield base64.b64encode(body).decode(), {name: good}, False
            case draw if draw < 20:
                yield rng.choice(others).decode(), {name: good}, False
            case draw if draw < 30:
                at = rng.randrange(len(body))
                changed = body[:at] + bytes([body[at] ^ (1 << rng.randrange(7))]) + body[at + 1 :]
                yield changed.decode(), {name: good}, False
            case draw if draw < 38:
                yield body.decode(), {name: rng.choice(marks)}, False
            case _:
                at = rng.randrange(64)
                yield body.decode(), {name: good[:at] + ("0" if good[at] != "0" else "1") + good[at + 1 :]}, False


def test_r11_of_ten_thousand_forged_webhooks_none_is_believed_none_breaks_anything(world: World) -> None:
    proof = world.pay(world.order("premium", "yearly")["orderId"])
    body = world.events(proof["razorpay_payment_id"])["payment.captured"]
    before, rng = kept(world, proof["razorpay_order_id"], proof["razorpay_payment_id"]), random.Random(11)  # noqa: S311 -- reproducible
    forged = forgeries(body, rng)
    for _ in range(FORGED):
        text, headers, encoded = next(forged)
        reply = delivered(world, text, headers, encoded=encoded)
        assert reply["statusCode"] in {400, 413, 422}, (text[:200], headers, encoded, reply)
        assert world.steps == []
    assert kept(world, proof["razorpay_order_id"], proof["razorpay_payment_id"]) == before
    assert world.webhook(body).json == {"status": "granted"}  # what all of them were made of would have been believed


def test_r11_the_signed_bytes_are_believed_plain_and_in_base64(world: World) -> None:
    for encoded in (False, True):
        proof = world.pay(world.order("pro", "monthly", user := f"buyer-{ids.token(8)}")["orderId"])
        body = world.events(proof["razorpay_payment_id"])["payment.captured"]
        text = base64.b64encode(body).decode() if encoded else body.decode()
        reply = delivered(world, text, {"x-razorpay-signature": signature(body, WEBHOOK_SECRET)}, encoded=encoded)
        assert json.loads(reply["body"]) == {"status": "granted"}
        assert len(world.rows("SubscriptionsTable", user)) == 1


@pytest.mark.parametrize("days", [1, 16, 400])
def test_r13_events_sent_again_a_hundred_times_under_new_ids_change_nothing(world: World, days: int) -> None:
    """The mark of a seen event goes after a while; the entry of the payment never does."""
    tier, plan = ("lifetime", "lifetime") if days > 366 else ("pro", "yearly")
    proof = world.pay(world.order(tier, plan)["orderId"])
    names = [proof["razorpay_order_id"], proof["razorpay_payment_id"]]
    events = list(world.events(proof["razorpay_payment_id"]).values())
    for body in events:
        assert world.webhook(body).status == 200
    world.later(days=days)
    gone = [mark for body in events if (mark := expired(world, body))]
    assert bool(gone) is (days > 366)
    before = bookkeeping.facts(world), kept(world, *names)
    for _ in range(100):
        for body in events:
            assert world.webhook(body).status == 200
    assert invariants.unmoved(before[0], bookkeeping.facts(world)) == []
    assert kept(world, *names) == before[1]


def expired(world: World, body: bytes) -> str | None:
    """Take the mark of a seen event away, as the table does by itself, if its time is over; its name if so."""
    name = f"{EVENT}{hashlib.sha256(body).hexdigest()}"
    mark = world.row(name)
    if mark is None or mark["expiresAt"] > world.now.timestamp():
        return None
    world.raw.delete_item(TableName="PaymentsTable", Key={"id": {"S": name}})
    return name


def test_r14_of_the_nine_uses_of_the_three_signatures_only_the_three_meant_are_believed(world: World) -> None:
    """Checkout's, a mandate's and a webhook's are made in three ways; none opens another's door."""
    opened = world.post("/api/subscription/create-order", {"tier": "pro", "plan": "monthly", "autoRenew": True}).json
    mandate = opened["subscriptionId"]
    charged = world.sim("POST", f"/subscriptions/{mandate}/authorise")
    proof = world.pay(world.order("premium", "monthly", buyer := f"buyer-{ids.token(8)}")["orderId"])
    order, payment, charge = proof["razorpay_order_id"], proof["razorpay_payment_id"], charged["razorpay_payment_id"]
    body = world.events(payment)["payment.captured"]
    marks = {
        "checkout": signature(f"{order}|{payment}".encode(), KEY_SECRET),
        "mandate": signature(f"{charge}|{mandate}".encode(), KEY_SECRET),
        "webhook": signature(body, WEBHOOK_SECRET),
    }
    doors = {
        "checkout": lambda mark: world.verify(proof, buyer, razorpay_signature=mark),
        "mandate": lambda mark: world.post(
            "/api/subscription/verify-payment",
            {"razorpay_subscription_id": mandate, "razorpay_payment_id": charge, "razorpay_signature": mark},
        ),
        "webhook": lambda mark: world.webhook(body, headers={"x-razorpay-signature": mark}),
    }
    pairs = sorted(product(marks, doors), key=lambda pair: pair[0] == pair[1])  # the wrong ones first
    answers = {}
    for mark, door in pairs:
        answers[mark, door] = doors[door](marks[mark]).status
        if mark != door:
            assert world.steps == [], (mark, door)
            assert world.rows("SubscriptionsTable") + world.rows("SubscriptionsTable", buyer) == []
    assert answers == {(mark, door): 200 if mark == door else 400 for mark, door in pairs}
