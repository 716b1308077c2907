"""The administrators' reports: revenue, users, AI costs and payments, by days of India, as JSON and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.functions.harness import START, Reply, World
from tests.functions.problems import problem
from tests.functions.test_refunds import bought, refund_event
from tests.functions.test_rollups import TEXT, empty

REPORTS = ("revenue", "users", "ai-costs", "payments")


@pytest.fixture(autouse=True)
def nothing_rolled_up(world: World) -> Iterator[None]:
    empty(world)
    yield
    empty(world)


def ask(world: World, name: str, query: str = "", **headers: str) -> Reply:
    return world.get(f"/api/admin/{name}{query}", token=world.token("boss", role="admin"), headers=headers)


def report(world: World, name: str, query: str = "") -> Any:  # noqa: ANN401 -- JSON
    for consumer in ("RollUp", "RollUpCalls"):
        assert world.feed(only=consumer) == []
    reply = ask(world, name, query)
    assert reply.status == 200, reply.body
    return reply.json


def table(reply: Reply) -> list[dict[str, str]]:
    assert reply.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(reply.body.decode())))


def day(told: Any, date: str) -> Any:  # noqa: ANN401 -- JSON
    return next(each for each in told["days"] if each["date"] == date)


def test_revenue_is_what_came_in_and_what_is_left_by_day_and_plan(world: World) -> None:
    payment = bought(world, "pro", "monthly")
    world.later(days=2)
    assert world.webhook(refund_event(world, payment, 5_000)).status == 200
    world.buy("pro", "yearly")
    told = report(world, "revenue")
    assert (told["from"], told["to"], len(told["days"])) == ("2026-10-27", "2026-11-25", 30)
    assert day(told, "2026-11-23")["grossPaise"] == 14_900
    assert day(told, "2026-11-25")["grossPaise"] == 149_000
    assert day(told, "2026-11-24")["grossPaise"] == 0
    assert told["totals"]["refundedPaise"] == 5_000
    totals = told["totals"]
    gst = (14_900 - 12_627) + (149_000 - 126_271) - (5_000 - 4_237)
    assert totals["gstPaise"] == gst
    assert totals["netPaise"] == 14_900 + 149_000 - 5_000 - gst - 352 - 3_517
    plans = {(each["tier"], each["plan"]): each["payments"] for each in told["byPlan"]}
    assert plans == {("pro", "monthly"): 1, ("pro", "yearly"): 1}
    assert told["mrrPaise"] == 14_900  # the year begins when the month is over
    assert told["payingUsers"] == 1
    assert told["arpuPaise"] == (14_900 + 149_000 - 5_000) * 30 // 3


def test_users_are_counted_at_each_days_end_and_their_moves_add_up(world: World) -> None:
    world.buy("pro", "monthly")
    world.later(days=2)
    world.buy("premium", "monthly")
    world.later(days=40)
    told = report(world, "users", "?from=2026-11-20&to=2027-01-02")
    active = {each["date"]: each["byTier"] for each in told["days"]}
    assert active["2026-11-22"] == {"one-time": 0, "student": 0, "pro": 0, "premium": 0, "lifetime": 0}
    assert active["2026-11-24"]["pro"] == 1
    assert (active["2026-11-25"]["pro"], active["2026-11-25"]["premium"]) == (0, 1)
    before = 0
    for each in told["days"]:
        assert (
            each["active"] == sum(each["byTier"].values()) == before + each["new"] + each["returned"] - each["churned"]
        )
        before = each["active"]
    assert told["totals"] == {"new": 1, "returned": 0, "churned": 1}
    assert day(told, "2026-12-25")["churned"] == 1  # no job had to run for that


def test_a_range_that_begins_later_knows_who_stood_before(world: World) -> None:
    world.buy("pro", "yearly")
    world.later(days=100)
    told = report(world, "users", f"?from={(START + timedelta(days=90)).date()}")
    assert {each["active"] for each in told["days"]} == {1}
    assert told["totals"]["new"] == 0


def test_ai_costs_are_those_of_the_usage_log_by_tier_provider_task_and_model(world: World) -> None:
    world.buy("premium", "monthly")
    for _ in range(2):
        assert world.post("/api/ai/parse-resume", TEXT).status == 200
    world.fail("badjson", at="gpt4o")
    world.post("/api/ai/generate-summary", {"resume": "Asha Rao\nSkills\nPython"})
    told = report(world, "ai-costs")
    log = [row for row in world.usage() if "action" in row]
    spent = sum(row["costMicroUsd"] for row in log)
    assert told["totals"]["calls"] == len(log)
    assert told["totals"]["failures"] == sum(not row["success"] for row in log)
    assert told["totals"]["costMicroUsd"] == spent > 0
    assert told["totals"]["inputTokens"] == sum(row["tokensUsed"].get("input", 0) for row in log)
    for name in ("byTier", "byProvider", "byTask", "byModel", "days"):
        assert sum(each["costMicroUsd"] for each in told[name]) == spent
    assert [each["tier"] for each in told["byTier"]] == ["premium"]
    assert {each["task"] for each in told["byTask"]} == {"resume-parse", "summary-generate"}
    (margin,) = told["margin"]
    cost = -(-spent * 9_000 // 1_000_000)
    assert margin == {
        "tier": "premium",
        "netPaise": 24_900 - 3_798 - 588,
        "aiCostPaise": cost,
        "marginPaise": 24_900 - 3_798 - 588 - cost,
    }


def test_payments_are_counted_by_how_they_went(world: World) -> None:
    failed = world.pay(world.order("pro", "monthly")["orderId"], outcome="fail")["payment"]["id"]
    assert world.webhook(world.events(failed)["payment.failed"]).status == 200
    payment = bought(world, "pro", "monthly")
    assert world.webhook(refund_event(world, payment, 14_900)).status == 200
    told = report(world, "payments")["totals"]
    assert (told["captured"], told["granted"], told["failed"], told["refunded"]) == (1, 1, 1, 1)
    assert (told["capturedPaise"], told["refundedPaise"]) == (14_900, 14_900)
    assert (told["flagged"], told["disputed"]) == (0, 0)


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_is_a_file_too(world: World, name: str) -> None:
    world.buy("premium", "monthly")
    assert world.post("/api/ai/parse-resume", TEXT).status == 200
    report(world, name)
    asked = ask(world, name, "?from=2026-11-01&to=2026-11-30&format=csv")
    assert asked.headers["content-disposition"] == f'attachment; filename="{name}_2026-11-01_2026-11-23.csv"'
    rows = table(asked)
    assert rows[-1]["date"] == "2026-11-23"
    assert all(None not in row and None not in row.values() for row in rows)
    assert table(ask(world, name, "?from=2026-11-01", accept="text/csv")) == rows
    assert ask(world, name, "?format=json", accept="text/csv").headers["content-type"] == "application/json"


@pytest.mark.parametrize("name", REPORTS)
def test_nothing_at_all_is_a_report_too(world: World, name: str) -> None:
    assert len(report(world, name)["days"]) == 30
    assert ask(world, name, "?format=csv").status == 200


@pytest.mark.parametrize("name", REPORTS)
def test_only_administrators_see_reports(world: World, name: str) -> None:
    assert world.get(f"/api/admin/{name}").status == 403
    assert world.get(f"/api/admin/{name}", token=None).status == 401


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?from=yesterday", "from"),
        ("?to=2026-02-30", "to"),
        ("?from=2026-11-24", "from"),  # tomorrow
        ("?from=2026-11-20&to=2026-11-19", "from"),
        ("?from=2025-10-19", "from"),  # the 401st day
        ("?to=0001-01-01", "to"),
        ("?format=xlsx", "format"),
    ],
)
def test_a_range_that_makes_no_sense_is_refused_with_the_reason(world: World, query: str, field: str) -> None:
    refused = problem(ask(world, "revenue", query), 422, "invalid_request")
    assert f"'field': '{field}'" in str(refused["errors"])


def test_four_hundred_days_are_one_query_a_series(world: World) -> None:
    assert len(report(world, "revenue", "?from=2025-10-20")["days"]) == 400
    assert world.steps == ["GetItem", "Query", "Query"]  # first whether the token is still accepted
    ask(world, "ai-costs", "?from=2025-10-20")
    assert world.steps == ["GetItem", "Query", "Query"]


def test_a_day_is_indias(world: World) -> None:
    world.at(START.replace(hour=18, minute=29))
    world.buy("pro", "monthly")
    world.later(minutes=2)
    assert world.post("/api/ai/parse-resume", TEXT).status == 200
    assert day(report(world, "revenue"), "2026-11-23")["payments"] == 1
    assert [each["date"] for each in report(world, "ai-costs")["days"] if each["calls"]] == ["2026-11-24"]
