"""GET /api/subscription/pricing and /compare: public, the same for everybody, cacheable."""

import pytest

from tests.functions.harness import World

PAGES = ["/api/subscription/pricing", "/api/subscription/compare"]


def test_the_prices_of_all_eight_plans_are_told_in_rupees_and_paise(world: World) -> None:
    prices = world.get("/api/subscription/pricing", token=None).json
    flat = {tier: prices[tier]["amount"] for tier in ("free", "one-time", "student", "lifetime")}
    assert flat == {"free": 0, "one-time": 49, "student": 99, "lifetime": 499}
    nested = {tier: {plan: told["amount"] for plan, told in prices[tier].items()} for tier in ("pro", "premium")}
    assert nested == {"pro": {"monthly": 149, "yearly": 1490}, "premium": {"monthly": 249, "yearly": 2490}}
    assert prices["pro"]["yearly"]["amountPaise"] == 149_000
    assert set(prices) == {*flat, *nested}


def test_a_price_comes_with_its_currency_plan_features_and_limits(world: World) -> None:
    assert world.get("/api/subscription/pricing", token=None).json["one-time"] == {
        "amount": 49,
        "amountPaise": 4900,
        "currency": "INR",
        "plan": "one-time",
        "features": ["ats-score", "job-match", "all-templates"],
        "limits": {
            "resumes": {"limit": 1, "window": "pass"},
            "atsScans": {"limit": 1, "window": "pass"},
            "jobMatches": {"limit": 3, "window": "day"},
            "coverLetters": {"limit": 0, "window": "month"},
        },
    }


def test_the_comparison_has_a_value_for_every_tier_in_every_row(world: World) -> None:
    page = world.get("/api/subscription/compare", token=None).json
    assert page["tiers"] == ["free", "one-time", "student", "pro", "premium", "lifetime"]
    assert all(
        set(row) == {"feature", "label", "values"} and set(row["values"]) == set(page["tiers"]) for row in page["rows"]
    )
    rows = {row["feature"]: row["values"] for row in page["rows"]}
    assert rows["resumes"]["free"] == "1/month"
    assert rows["resumes"]["pro"] == "unlimited"
    assert rows["coverLetters"]["one-time"] is False
    assert rows["analytics"] == {tier: tier in {"premium", "lifetime"} for tier in page["tiers"]}


@pytest.mark.parametrize("path", PAGES)
def test_a_page_that_the_caller_has_already_is_not_sent_again(world: World, path: str) -> None:
    first = world.get(path, token=None)
    assert first.status == 200
    assert "max-age" in first.headers["cache-control"]
    etag = first.headers["etag"]
    for held in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = world.get(path, token=None, headers={"If-None-Match": held})
        assert (again.status, again.body, again.headers["etag"]) == (304, b"", etag)
        assert again.headers["cache-control"] == first.headers["cache-control"]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_that_has_changed_is_sent_whole(world: World, path: str) -> None:
    first = world.get(path, token=None)
    again = world.get(path, token=None, headers={"If-None-Match": '"another"'})
    assert (again.status, again.body) == (200, first.body)
    assert again.headers["content-type"] == "application/json"


@pytest.mark.parametrize("path", PAGES)
def test_a_page_asks_nobody_who_they_are_and_reads_no_table(world: World, path: str) -> None:
    assert world.get(path, token="garbled").status == 200
    assert world.steps == []
