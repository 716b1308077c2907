"""GET /api/subscription/history: what was paid for, newest first, a page at a time."""

import re

import pytest

from tests.functions.harness import World
from tests.functions.problems import fields, problem

PATH = "/api/subscription/history"


def test_somebody_who_bought_nothing_has_an_empty_history(world: World) -> None:
    reply = world.get(PATH)
    assert (reply.status, reply.json) == (200, [])
    assert reply.headers["content-type"] == "application/json"
    assert "link" not in reply.headers
    assert world.steps == ["GetItem", "Query"]  # whether the token is still accepted, and what was asked


def test_an_entry_says_what_was_bought_and_how_it_stands(world: World) -> None:
    bought = world.buy("pro", "monthly")
    assert world.get(PATH).json == [
        {
            "subscriptionId": bought["subscriptionId"],
            "tier": "pro",
            "plan": "monthly",
            "amount": 14900,
            "currency": "INR",
            "date": "2026-11-23T10:20:00Z",
            "startDate": "2026-11-23T10:20:00Z",
            "endDate": "2026-12-23T10:20:00Z",
            "status": "active",
        }
    ]


def test_orders_that_were_never_paid_are_not_in_it(world: World) -> None:
    order = world.order("pro", "monthly")
    world.pay(order["orderId"], outcome="fail")
    assert world.get(PATH).json == []


def test_a_period_that_is_over_shows_as_expired_without_a_job(world: World) -> None:
    world.buy("pro", "monthly")
    world.later(days=31)
    assert world.get(PATH).json[0]["status"] == "expired"


def test_pages_follow_each_other_through_the_link_header_newest_first(world: World) -> None:
    bought = []
    for _ in range(5):
        world.later(days=1)
        bought.append(world.buy("pro", "monthly")["subscriptionId"])
    seen: list[str] = []
    path, pages = f"{PATH}?limit=2", 0
    while path:
        reply = world.get(path)
        assert reply.status == 200
        page = [each["subscriptionId"] for each in reply.json]
        assert len(page) <= 2
        seen += page
        pages += 1
        found = re.fullmatch(r'<(.+)>; rel="next"', reply.headers.get("link", "")) if "link" in reply.headers else None
        path = found[1] if found else ""
    assert seen == bought[::-1]
    assert pages == 3


def test_a_page_that_holds_the_rest_names_no_next_one(world: World) -> None:
    for _ in range(2):
        world.later(days=1)
        world.buy("pro", "monthly")
    assert "link" in world.get(f"{PATH}?limit=1").headers
    assert "link" not in world.get(f"{PATH}?limit=2").headers


def test_one_user_does_not_see_anothers_history_with_their_cursor(world: World) -> None:
    first = world.buy("pro", "monthly")["subscriptionId"]
    world.later(days=1)
    second = world.buy("pro", "monthly")["subscriptionId"]
    path = f"{PATH}?cursor={second}"
    assert [each["subscriptionId"] for each in world.get(path).json] == [first]
    assert world.get(path, token=world.token("somebody-else")).json == []


@pytest.mark.parametrize("limit", ["0", "101", "-1", "1.5", "x", "", "1e2", "٣", "9999"])
def test_a_limit_that_is_none_is_refused(world: World, limit: str) -> None:
    reply = world.get(f"{PATH}?limit={limit}")
    if limit == "":
        assert reply.status == 200  # an empty parameter counts as none
    else:
        problem(reply, 422, "invalid_request")
        assert fields(reply) == ["limit"]
        assert world.steps == []


@pytest.mark.parametrize("cursor", ["x", "tgs_", "tgs_UPPER", "tgs_1%0A", "tgs_" + "1" * 41, "%27OR%201"])
def test_a_cursor_that_no_page_gave_is_refused(world: World, cursor: str) -> None:
    reply = world.get(f"{PATH}?cursor={cursor}")
    problem(reply, 422, "invalid_request")
    assert fields(reply) == ["cursor"]
    assert world.steps == []
