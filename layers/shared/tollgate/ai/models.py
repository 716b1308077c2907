"""The price table: which model stands behind a service on a given day, and what its tokens cost.

Prices are data. A row is never edited after it was used: a change is a new `Price` with its date, so
what was booked stays explainable. Figures are US dollars per 1M tokens, held as whole micro-dollars.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tollgate.ai.provider import Request, Usage

type Service = str
"""`gpt4o` or `gemini`: what plans and the mix speak of."""

type ProviderName = Literal["openai", "google"]

_MICRO: Final = 1_000_000
_SNAPSHOT: Final = re.compile(r"-\d{4}-\d{2}-\d{2}")


def usd(amount: str) -> int:
    """Dollars as printed on a price page, in whole micro-dollars. ValueError if that is not exact."""
    micro = Decimal(amount) * _MICRO
    if micro != int(micro):
        raise ValueError(f"{amount} dollars is finer than a micro-dollar")
    return int(micro)


@dataclass(frozen=True, slots=True)
class Price:
    """Micro-dollars per 1M tokens, from `effective_from` (00:00 UTC) until the next price of the model.

    Where the publisher names no first day, `effective_from` is the day we checked.
    """

    effective_from: date
    input: int
    cached: int
    output: int
    cache_write: int
    source: str
    checked: date

    def __post_init__(self) -> None:
        if min(self.input, self.cached, self.output, self.cache_write) <= 0:
            raise ValueError("a price is a positive number of micro-dollars")
        if self.cached > self.input:
            raise ValueError("a cached token never costs more than a fresh one")
        if not self.source.strip():
            raise ValueError("a price names where it is published")

    def micro_usd(self, usage: Usage) -> int:
        """The cost of one attempt in micro-dollars, rounded once, half up."""
        fresh = usage.input - usage.cached - usage.cache_write
        parts = fresh * self.input + usage.cached * self.cached + usage.cache_write * self.cache_write
        parts += (usage.output + usage.thinking) * self.output
        return (parts + _MICRO // 2) // _MICRO


@dataclass(frozen=True, slots=True)
class Model:
    """One model: its prices by date, its end, and how its API wants to be spoken to.

    `aliases` are the dated snapshots that replies name. From `retires` on (00:00 UTC) `successor` is used.
    `thinking_headroom` is added to the token cap, because a Gemini cap covers thoughts and answer together.
    """

    id: str
    provider: ProviderName
    prices: tuple[Price, ...]
    aliases: tuple[str, ...] = ()
    retires: date | None = None
    successor: str | None = None
    retirement_source: str = ""
    cap_field: Literal["max_completion_tokens", "max_tokens", "maxOutputTokens"] = "max_completion_tokens"
    accepts_temperature: bool = True
    reasoning_effort: str | None = None
    thinking_level: str | None = None
    thinking_headroom: int = 0

    def __post_init__(self) -> None:
        if not self.id or not self.prices:
            raise ValueError("a model has an id and at least one price")
        starts = [price.effective_from for price in self.prices]
        if starts != sorted(set(starts)):
            raise ValueError(f"{self.id}: prices stand in the order of their dates, one a day")
        if self.retires and not (self.successor and self.retirement_source):
            raise ValueError(f"{self.id}: a retirement names its successor and its source")
        if self.retires and self.retires <= starts[-1]:
            raise ValueError(f"{self.id}: a price begins after the model ends")
        if self.thinking_headroom < 0:
            raise ValueError(f"{self.id}: headroom is not negative")

    def price_on(self, day: date) -> Price:
        """The price in force on a UTC day; before the first one, the first."""
        return next((price for price in reversed(self.prices) if price.effective_from <= day), self.prices[0])


@dataclass(frozen=True, slots=True)
class Cost:
    """What one attempt cost. `known` is False when the named model has no row: the dearest row was taken."""

    micro_usd: int
    known: bool
    model_row: Model


_MAPS: Final = "genai-prices 0.2.3 and LiteLLM 1.109.1 price maps, which agree"
_OPENAI_END: Final = "openai 3.54 ChatModel docstring; developers.openai.com/api/docs/deprecations"
_GEMINI_END: Final = "ai.google.dev/gemini-api/docs/deprecations"
_CHECKED: Final = date(2026, 11, 23)


def _price(since: date, fresh: str, cached: str, output: str, cache_write: str | None = None) -> Price:
    return Price(since, usd(fresh), usd(cached), usd(output), usd(cache_write or fresh), _MAPS, _CHECKED)


_GPT4O_END: Final = date(2027, 1, 14)
_NEW_YEAR: Final = date(2027, 1, 1)

_ROWS: Final = (
    Model(
        "gpt-4o",
        "openai",
        (_price(date(2024, 10, 2), "2.50", "1.25", "10.00"),),
        aliases=("gpt-4o-2024-08-06", "gpt-4o-2024-11-20"),
        retires=_GPT4O_END,
        # OpenAI's help article 20001600 names gpt-6-luna without reasoning as where to go from GPT-4o.
        successor="gpt-6-luna",
        retirement_source=_OPENAI_END,
    ),
    Model(
        "gpt-4o-mini",
        "openai",
        (_price(date(2024, 10, 2), "0.15", "0.075", "0.60"),),
        aliases=("gpt-4o-mini-2024-07-18",),
        retires=_GPT4O_END,
        successor="gpt-6-luna",
        retirement_source=_OPENAI_END,
    ),
    # Its price doubles beyond 272k input tokens; our input limits end far below.
    # Effort defaults to medium, which bills reasoning nobody asked for: "none" is sent.
    Model(
        "gpt-6-luna",
        "openai",
        (_price(_CHECKED, "0.10", "0.01", "0.50", cache_write="0.125"),),
        reasoning_effort="none",
    ),
    Model(
        "gpt-6.1-terra",
        "openai",
        (_price(_CHECKED, "1.00", "0.05", "5.00", cache_write="1.25"),),
        accepts_temperature=False,
        reasoning_effort="low",
        thinking_headroom=1_024,
    ),
    Model(
        "gpt-6.1-sol",
        "openai",
        (_price(_CHECKED, "2.00", "0.10", "10.00", cache_write="2.50"),),
        accepts_temperature=False,
        reasoning_effort="low",  # it refuses "none"
        thinking_headroom=1_024,
    ),
    # The first model of the gemini service. Not 2.5 Flash: that one answers 404 to new API projects since
    # July 2026 and ends on 2026-12-01. Of the two Flash-Lites this is the cheaper, and the one with which
    # the 70/30 mix stays under two rupees a resume.
    Model(
        "gemini-3.1-flash-lite",
        "google",
        (_price(_CHECKED, "0.25", "0.025", "1.50"),),
        retires=date(2027, 5, 7),
        successor="gemini-3.5-flash-lite",
        retirement_source="LiteLLM 1.109.1 price map",
        cap_field="maxOutputTokens",
        accepts_temperature=False,
        thinking_level="MINIMAL",
        thinking_headroom=256,
    ),
    # Vertex AI announces 2027-07-21 for it; the Gemini API, which we use, has announced no date.
    Model(
        "gemini-3.5-flash-lite",
        "google",
        (_price(_CHECKED, "0.30", "0.03", "2.50"),),
        cap_field="maxOutputTokens",
        accepts_temperature=False,  # accepted and ignored
        thinking_level="MINIMAL",
        thinking_headroom=256,
    ),
    Model(
        "gemini-2.5-flash",
        "google",
        (_price(_CHECKED, "0.30", "0.03", "2.50"),),
        retires=date(2026, 12, 1),
        successor="gemini-3.5-flash-lite",
        retirement_source=_GEMINI_END,
        cap_field="maxOutputTokens",
        thinking_headroom=1_024,
    ),
    Model(
        "gemini-2.5-flash-lite",
        "google",
        (_price(_CHECKED, "0.10", "0.01", "0.40"),),
        cap_field="maxOutputTokens",
        thinking_headroom=256,
    ),
    Model(
        "gemini-3.8-flash",
        "google",
        (
            _price(_CHECKED, "0.75", "0.075", "3.75"),
            _price(_NEW_YEAR, "1.50", "0.15", "7.50"),  # the introductory price ends
        ),
        cap_field="maxOutputTokens",
        accepts_temperature=False,
        thinking_level="LOW",  # it refuses MINIMAL
        thinking_headroom=1_024,
    ),
)

SERVICES: Final[Mapping[Service, str]] = {"gpt4o": "gpt-4o", "gemini": "gemini-3.1-flash-lite"}
"""The first model of each service. Users and plans know services; only this table knows models."""


def table(rows: tuple[Model, ...]) -> dict[str, Model]:
    """Index rows by id and alias. ValueError if a name is taken twice or a successor is missing or circular."""
    index: dict[str, Model] = {}
    for row in rows:
        for name in (row.id, *row.aliases):
            if name in index:
                raise ValueError(f"two rows are called {name}")
            index[name] = row
    for row in rows:
        _check_succession(row, index)
    return index


def _check_succession(row: Model, index: Mapping[str, Model]) -> None:
    seen = {row.id}
    while row.successor:
        following = index.get(row.successor)
        if following is None or following.provider != row.provider or following.id in seen:
            raise ValueError(f"{row.id}: {row.successor} cannot succeed it")
        seen.add(following.id)
        row = following


MODELS: Final[Mapping[str, Model]] = table(_ROWS)
"""Every model by id and by alias."""


def day_of(moment: date) -> date:
    """The UTC day of a date or an aware datetime. ValueError for a naive one."""
    if not isinstance(moment, datetime):
        return moment
    if moment.tzinfo is None:
        raise ValueError("an instant needs its time zone")
    return moment.astimezone(UTC).date()


def model_for(service: Service, on: date) -> Model:
    """The model that serves on that day or instant. After the last known retirement the last model stays."""
    row, day = MODELS[SERVICES[service]], day_of(on)
    while row.retires and day >= row.retires and row.successor:
        row = MODELS[row.successor]
    return row


def retiring(on: date, within: timedelta) -> list[Model]:
    """The models that serve now and will not any more in so short a time."""
    serving = [model_for(service, on) for service in SERVICES]
    return [each for each in serving if each.retires and each.retires - day_of(on) <= within]


def successor_of(model: Model) -> Model | None:
    """Who takes over from a model, whatever the date."""
    return MODELS[model.successor] if model.successor else None


def other(service: Service) -> Service:
    """The service to fail over to."""
    return "gemini" if service == "gpt4o" else "gpt4o"


def find(served: str, requested: str | None = None) -> Model | None:
    """The row of a model that a reply named: by id, by alias, or as a dated snapshot of what was asked for."""
    name = served.removeprefix("models/")
    if name in MODELS:
        return MODELS[name]
    if requested and _SNAPSHOT.fullmatch(name.removeprefix(requested)):
        return MODELS.get(requested)
    return None


def cost(served_model_id: str, usage: Usage, at: date, *, requested: str | None = None) -> Cost:
    """What the usage cost in micro-dollars, at the price in force at `at`.

    Cached tokens are part of the input and counted once; thinking is billed as output. A model without a
    row is booked at whichever row makes this usage dearest, and marked unknown.
    """
    day, row = day_of(at), find(served_model_id, requested)
    if row is not None:
        return Cost(row.price_on(day).micro_usd(usage), known=True, model_row=row)
    dearest = max(_ROWS, key=lambda each: each.price_on(day).micro_usd(usage))
    return Cost(dearest.price_on(day).micro_usd(usage), known=False, model_row=dearest)


def cost_ceiling(request: Request, at: date) -> int:
    """The most one attempt can plausibly have cost, in micro-dollars, when nobody said what it used.

    Two bytes a token is a cautious count (English is about four), and the whole output cap counts as used.
    """
    price = request.model.price_on(day_of(at))
    prompt = (request.prompt_bytes + 1) // 2 * max(price.input, price.cache_write)
    return -(-(prompt + request.token_cap * price.output) // _MICRO)
