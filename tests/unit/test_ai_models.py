"""The price table: costs to the micro-dollar, successors by the clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.simulators.llm_desk import Tokens, price
from tollgate.ai.models import (
    MODELS,
    SERVICES,
    Model,
    Price,
    cost,
    cost_ceiling,
    find,
    model_for,
    other,
    successor_of,
    table,
    usd,
)
from tollgate.ai.provider import Request, Usage, reported

TODAY = date(2026, 11, 23)
ROWS = sorted(set(MODELS.values()), key=lambda row: row.id)


def used(prompt: int = 0, *, cached: int = 0, cache_write: int = 0, output: int = 0, thinking: int = 0) -> Usage:
    return Usage(prompt, cached, cache_write, output, thinking)


def usages() -> st.SearchStrategy[Usage]:
    counts = st.integers(0, 2_000_000)
    return st.builds(
        lambda *each: reported(prompt=each[0], cached=each[1], cache_write=each[2], output=each[3], thinking=each[4]),
        *[counts] * 5,
    )


def test_the_worked_example_costs_6925_micro_dollars() -> None:
    assert cost("gpt-4o", used(1_250, output=380), TODAY).micro_usd == 6_925


def test_a_dated_snapshot_costs_what_its_model_costs() -> None:
    booked = cost("gpt-4o-2024-08-06", used(1_250, output=380), TODAY)
    assert (booked.micro_usd, booked.known, booked.model_row.id) == (6_925, True, "gpt-4o")


def test_cached_tokens_are_counted_once_at_their_own_price() -> None:
    assert cost("gpt-4o", used(2_000, cached=1_000), TODAY).micro_usd == 2_500 + 1_250


def test_cache_writes_are_counted_once_at_their_own_price() -> None:
    assert cost("gpt-6-luna", used(3_000_000, cached=1_000_000, cache_write=1_000_000), TODAY).micro_usd == 235_000


def test_thinking_is_billed_as_output() -> None:
    model = "gemini-3.5-flash-lite"
    assert cost(model, used(output=100, thinking=210), TODAY) == cost(model, used(output=310), TODAY)


def test_half_a_micro_dollar_rounds_up() -> None:
    assert cost("gpt-6-luna", used(5), TODAY).micro_usd == 1
    assert cost("gpt-6-luna", used(4), TODAY).micro_usd == 0


def test_an_unknown_model_is_booked_at_the_dearest_known_price() -> None:
    usage = used(1_000, output=1_000)
    booked = cost("gpt-99-ultra", usage, TODAY)
    assert not booked.known
    assert booked.micro_usd == max(cost(name, usage, TODAY).micro_usd for name in MODELS)


def test_a_similar_name_is_not_the_same_model() -> None:
    assert find("gpt-4o-turbo") is None
    assert find("gpt-4o-2031-01-01") is None


def test_a_new_snapshot_of_the_model_that_was_asked_for_has_its_price() -> None:
    booked = cost("gpt-6-luna-2026-08-20", used(1_000_000), TODAY, requested="gpt-6-luna")
    assert (booked.micro_usd, booked.known) == (100_000, True)
    assert not cost("gpt-6-luna-2026-08-20", used(1_000_000), TODAY, requested="gpt-4o").known


def test_a_price_change_takes_effect_at_midnight_utc_and_not_before() -> None:
    usage, turn = used(1_000_000), datetime(2027, 1, 1, tzinfo=UTC)
    assert cost("gemini-3.8-flash", usage, turn - timedelta(microseconds=1)).micro_usd == 750_000
    assert cost("gemini-3.8-flash", usage, turn).micro_usd == 1_500_000
    india = timezone(timedelta(hours=5, minutes=30))
    assert cost("gemini-3.8-flash", usage, datetime(2027, 1, 1, 5, 29, tzinfo=india)).micro_usd == 750_000


@given(usages(), st.sampled_from(ROWS), st.dates(date(2026, 1, 1), date(2028, 1, 1)))
def test_a_cost_is_the_exact_sum_rounded_once(usage: Usage, row: Model, day: date) -> None:
    at = row.price_on(day)
    exact = Decimal(usage.input - usage.cached - usage.cache_write) * at.input + usage.cached * at.cached
    exact += usage.cache_write * at.cache_write + usage.billed_output * at.output
    assert cost(row.id, usage, day).micro_usd == (exact / 1_000_000).quantize(Decimal(1), ROUND_HALF_UP)


@given(usages(), st.sampled_from(ROWS), st.dates(date(2026, 1, 1), date(2028, 1, 1)))
def test_the_simulators_bill_agrees_with_our_table(usage: Usage, row: Model, day: date) -> None:
    plain = replace(usage, cache_write=0)
    tokens = Tokens(plain.input, plain.billed_output, plain.cached)
    assert price(row.id, tokens, day) == cost(row.id, plain, day).micro_usd


@pytest.mark.parametrize(
    ("service", "day", "model"),
    [
        ("gpt4o", "2026-11-23", "gpt-4o"),
        ("gpt4o", "2027-01-13", "gpt-4o"),
        ("gpt4o", "2027-01-14", "gpt-6-luna"),
        ("gemini", "2026-11-23", "gemini-3.1-flash-lite"),
        ("gemini", "2026-12-01", "gemini-3.1-flash-lite"),
        ("gemini", "2027-05-07", "gemini-3.5-flash-lite"),
        ("gemini", "2040-01-01", "gemini-3.5-flash-lite"),
    ],
)
def test_the_successor_takes_over_by_the_clock_alone(service: str, day: str, model: str) -> None:
    assert model_for(service, date.fromisoformat(day)).id == model


def test_gemini_flash_hands_over_on_its_last_day() -> None:
    row = MODELS["gemini-2.5-flash"]
    assert row.retires == date(2026, 12, 1)
    assert successor_of(row) is MODELS["gemini-3.5-flash-lite"]


def test_an_instant_counts_by_its_utc_day() -> None:
    india = timezone(timedelta(hours=5, minutes=30))
    assert model_for("gpt4o", datetime(2027, 1, 14, 5, 29, tzinfo=india)).id == "gpt-4o"
    assert model_for("gpt4o", datetime(2027, 1, 14, 5, 30, tzinfo=india)).id == "gpt-6-luna"


def test_an_instant_without_its_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        model_for("gpt4o", datetime(2026, 11, 23))  # noqa: DTZ001 -- that is the point


def test_no_service_starts_with_a_model_that_has_ended() -> None:
    for service in SERVICES:
        row = model_for(service, TODAY)
        assert row.retires is None or row.retires > TODAY


def test_the_two_services_are_each_others_stand_in() -> None:
    assert (other("gpt4o"), other("gemini")) == ("gemini", "gpt4o")


def test_every_row_says_where_its_price_is_published_and_when_it_was_checked() -> None:
    for row in ROWS:
        for each in row.prices:
            assert each.source
            assert each.checked <= TODAY


GOOD = Price(TODAY, 10, 1, 20, 10, "a page", TODAY)
LATER = replace(GOOD, effective_from=date(2027, 1, 1))


def test_a_good_row_constructs() -> None:
    assert Model("m", "openai", (GOOD, LATER)).price_on(date(2027, 6, 1)) is LATER


@pytest.mark.parametrize("change", [{"input": 0}, {"cached": 11}, {"output": -1}, {"cache_write": 0}, {"source": " "}])
def test_a_bad_price_does_not_construct(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"price|token"):
        replace(GOOD, **change)  # type: ignore[arg-type]  # -- bad on purpose


@pytest.mark.parametrize(
    "change",
    [
        {"id": ""},
        {"prices": ()},
        {"prices": (LATER, GOOD)},
        {"prices": (GOOD, GOOD)},
        {"retires": date(2027, 1, 1)},
        {"retires": date(2027, 1, 1), "successor": "n"},
        {"retires": TODAY, "successor": "n", "retirement_source": "a page"},
        {"thinking_headroom": -1},
    ],
)
def test_a_bad_row_does_not_construct(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"model|price|retire|headroom"):
        replace(Model("m", "openai", (GOOD,)), **change)  # type: ignore[arg-type]  # -- bad on purpose


def ended(name: str, successor: str, **more: object) -> Model:
    row = Model(name, "openai", (GOOD,), retires=date(2027, 1, 1), successor=successor, retirement_source="a page")
    return replace(row, **more)  # type: ignore[arg-type]  # -- any field


def test_a_table_with_a_missing_a_foreign_or_a_circular_successor_does_not_load() -> None:
    foreign = Model("b", "google", (GOOD,))
    for rows in [(ended("a", "b"),), (ended("a", "b"), foreign), (ended("a", "b"), ended("b", "a"))]:
        with pytest.raises(ValueError, match="cannot succeed"):
            table(rows)


def test_a_name_belongs_to_one_row() -> None:
    with pytest.raises(ValueError, match="two rows"):
        table((Model("a", "openai", (GOOD,)), Model("b", "openai", (GOOD,), aliases=("a",))))


def test_dollars_are_exact_or_refused() -> None:
    assert usd("0.025") == 25_000
    with pytest.raises(ValueError, match="finer"):
        usd("0.0000001")


class Nothing(pydantic.BaseModel):
    """An answer without content."""


@given(st.text(max_size=2_000), st.sampled_from(ROWS), st.integers(1, 4_000))
def test_the_ceiling_is_not_below_a_whole_answer_to_the_prompt(text: str, row: Model, cap: int) -> None:
    request = Request(row, "", text, Nothing, cap, "r")
    likely = used(-(-len(text.encode()) // 3), output=cap)
    assert cost_ceiling(request, TODAY) >= cost(row.id, likely, TODAY).micro_usd
