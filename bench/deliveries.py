"""Razorpay's webhooks: what a first delivery and a repeated one cost, and how soon they are answered on a slow database."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from http import HTTPStatus
from statistics import median, quantiles
from typing import Any

from bench import report
from bench.counted import counting, spent
from bench.fresh import start, subjects
from bench.ground import Event
from bench.report import Goal, UnmeasuredError
from bench.session import Session
from bench.shop import Json, Shop
from tollgate.store import dynamodb
from tollgate.store.dynamodb import Engine

SLOW = 0.010  # seconds that a request to the store takes at least
DELIVERIES, QUICK_DELIVERIES = 300, 60
STARTS, QUICK_STARTS = 9, 3
FIRST, ORDER_PAID, AGAIN, SETTLED = "payment.captured, first", "order.paid, first", "the same again", "settled before"


class Slow:
    """An engine that takes its time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __call__(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        time.sleep(SLOW)
        return self._engine(operation, request)

    def close(self) -> None:
        self._engine.close()


def deliveries(session: Session) -> list[Goal]:
    """Print and save them."""
    units = _units(session)
    report.table(
        "Webhooks: what a delivery asks of the database",
        ("event", "calls", "read units", "write units"),
        [[name, str(each["calls"]), f"{each['reads']:g}", str(each["writes"])] for name, each in units.items()],
        "A first delivery grants: ledger entry, order, user, subscription and event in one transaction, which costs twice.",
    )
    times = _times(session)
    report.table(
        f"Webhooks, wall ms, each request to the database {1000 * SLOW:.0f} ms late",
        ("event", "p50", "p99"),
        [[name, f"{each['p50']:.1f}", f"{each['p99']:.1f}"] for name, each in times.items()],
        "In this process, on the local engine.",
    )
    cold = _cold(session)
    report.table(
        "Webhook in a fresh process, wall ms: from spawning to the reply",
        ("", "median", "longest"),
        [["payment.captured, first", f"{median(cold):.0f}", f"{max(cold):.0f}"]] if cold else [],
    )
    report.save("deliveries", session.facts, {"units": units, "times": times, "cold": cold})
    return []


def _order_paid(shop: Shop, proof: Json) -> Json:
    """The event as Razorpay sends it: with the order, whose notes are ours."""
    event = shop.razorpay_event("order.paid", proof)
    known = shop.simulator("RAZORPAY", "/_sim/state", None)["orders"]
    order = next((each for each in known if each["id"] == proof["razorpay_order_id"]), None)
    if order is None:
        raise UnmeasuredError("the simulator does not tell of the order")
    event["contains"].append("order")
    event["payload"]["order"] = {"entity": order}
    return event


def _units(session: Session) -> dict[str, dict[str, Any]]:
    shop, found = session.shop, {}
    with counting(session) as store:
        captured = shop.webhook(shop.razorpay_event("payment.captured", shop.paid(shop.newcomer())))
        found[FIRST] = spent(session, store, "Webhook", captured)
        found[AGAIN] = spent(session, store, "Webhook", captured)
        proof = shop.paid(shop.newcomer())
        found[ORDER_PAID] = spent(session, store, "Webhook", shop.webhook(_order_paid(shop, proof)))
        other = shop.webhook(shop.razorpay_event("payment.captured", proof))
        found[SETTLED] = spent(session, store, "Webhook", other)
    return {name: asdict(each) for name, each in found.items()}


def _times(session: Session) -> dict[str, dict[str, float]]:
    shop, count = session.shop, QUICK_DELIVERIES if session.quick else DELIVERIES
    events = [shop.webhook(shop.razorpay_event("payment.captured", shop.paid(shop.newcomer()))) for _ in range(count)]
    with dynamodb.using(Slow(dynamodb.engine())):
        first = [_took(shop, each) for each in events]
        again = [_took(shop, each) for each in events]
    return {FIRST: _spread(first), AGAIN: _spread(again)}


def _took(shop: Shop, event: Event) -> float:
    begun = time.perf_counter()
    reply = shop.send("Webhook", event)
    took = time.perf_counter() - begun
    if reply["statusCode"] != HTTPStatus.OK:
        raise UnmeasuredError(f"answered {reply['statusCode']}")
    return 1000 * took


def _spread(times: list[float]) -> dict[str, float]:
    return {"p50": median(times), "p99": quantiles(times, n=100, method="inclusive")[98]}


def _cold(session: Session) -> list[float]:
    (subject,) = [each for each in subjects(session.ground) if each.name == "webhook, first"]
    if subject.name not in session.compiled:
        start(session, subject)
    runs = [start(session, subject) for _ in range(QUICK_STARTS if session.quick else STARTS)]
    return [round(1000 * (each["start"] + each["load"] + each["first"]), 1) for each in runs if each]
