"""One contract for every AI adapter, held against live simulators on the loopback."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pydantic
import pytest

from local.simulators import gemini as gemini_simulator
from local.simulators import openai as openai_simulator
from tests.local.ai_desk import NOW, Clock, control, served
from tollgate.ai.gemini import Gemini
from tollgate.ai.gemini_rest import GeminiRest
from tollgate.ai.models import cost, model_for
from tollgate.ai.openai import OpenAI
from tollgate.ai.provider import Completion, ErrorKind, ProviderError, Request

SECRET_KEY = "sk-canary-key-4711"
CANARY = "Zebediah Quillfeather, zebediah@example.com"


class Fact(pydantic.BaseModel):
    """An entry, to have nesting."""

    name: str
    note: str | None = None


class Answer(pydantic.BaseModel):
    """What the tests ask for."""

    content: str
    letter: str
    score: int = pydantic.Field(ge=0, le=100)
    matched: list[str] = []
    facts: list[Fact] = []


@dataclass(slots=True)
class Bench:
    """An adapter and the simulator behind it."""

    adapter: OpenAI | Gemini | GeminiRest
    url: str
    service: str
    clock: Clock = field(default_factory=Clock)

    def plan(self, *scripts: object) -> None:
        """Queue ways to answer."""
        faults = [{"script": each} if isinstance(each, str) else each for each in scripts]
        control(self.url, "faults", faults)

    def ask(
        self, seconds: float = 10, *, max_output_tokens: int = 900, user: str = CANARY, temperature: float | None = None
    ) -> Completion:
        """One call."""
        model = model_for(self.service, self.clock())
        request = Request(model, "Write.", user, Answer, max_output_tokens, "req-1", temperature)
        return self.adapter.complete(request, seconds)

    def fails(self, seconds: float = 10) -> ProviderError:
        """One call that must fail."""
        with pytest.raises(ProviderError) as caught:
            self.ask(seconds)
        return caught.value

    @property
    def calls(self) -> int:
        """How many requests reached the simulator."""
        return int(control(self.url, "requests")["count"])

    @property
    def hits(self) -> list[dict[str, Any]]:
        """The requests as the simulator saw them."""
        return list(control(self.url, "requests")["requests"])

    @property
    def billed(self) -> int:
        """The simulator's bill in micro-dollars."""
        return int(control(self.url, "bill")["microUsd"])


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def urls(clock: Clock) -> Iterator[dict[str, str]]:
    with served(openai_simulator.create(clock=clock)) as openai, served(gemini_simulator.create(clock=clock)) as google:
        yield {"openai": openai, "google": google}


@pytest.fixture(scope="module")
def benches(urls: dict[str, str], clock: Clock) -> Iterator[dict[str, Bench]]:
    made = {
        "openai": Bench(OpenAI(SECRET_KEY, f"{urls['openai']}/v1"), urls["openai"], "gpt4o", clock),
        "gemini": Bench(Gemini(SECRET_KEY, urls["google"]), urls["google"], "gemini", clock),
        "gemini_rest": Bench(GeminiRest(SECRET_KEY, urls["google"]), urls["google"], "gemini", clock),
    }
    yield made
    for bench in made.values():
        bench.adapter.close()


@pytest.fixture(params=["openai", "gemini", "gemini_rest"])
def bench(request: pytest.FixtureRequest, benches: dict[str, Bench]) -> Bench:
    found = benches[request.param]
    control(found.url, "reset", {})
    found.clock.now = NOW
    return found


def test_an_answer_fits_the_schema_and_says_what_it_used_and_who_gave_it(bench: Bench) -> None:
    completion = bench.ask()
    assert isinstance(completion.output, Answer)
    assert completion.usage.input > 0
    assert completion.usage.output > 0
    assert completion.served_model.startswith(model_for(bench.service, NOW).id)
    assert bench.calls == 1


def test_what_an_answer_cost_is_what_the_provider_bills(bench: Bench) -> None:
    bench.plan("ok", "thinking", "cached")
    booked = 0
    for _ in range(3):
        completion = bench.ask()
        row = cost(completion.served_model, completion.usage, NOW)
        assert row.known
        booked += row.micro_usd
    assert booked == bench.billed


def test_thinking_is_counted_apart_and_once(bench: Bench) -> None:
    bench.plan("thinking")
    assert bench.ask().usage.thinking == 210


def test_cached_tokens_are_part_of_the_input(bench: Bench) -> None:
    bench.plan("cached")
    usage = bench.ask().usage
    assert usage.cached == usage.input // 2


@pytest.mark.parametrize("script", ["unknown-enum", "unknown-field", "fenced-json", "thought-parts"])
def test_news_in_a_good_answer_do_no_harm(bench: Bench, script: str) -> None:
    bench.plan(script)
    assert isinstance(bench.ask().output, Answer)
    assert bench.calls == 1


def test_an_unknown_model_in_the_reply_is_reported_as_it_is(bench: Bench) -> None:
    bench.plan("wrong-model")
    completion = bench.ask()
    assert not cost(completion.served_model, completion.usage, NOW).known


FAILURES = {
    "400": ErrorKind.BAD_REQUEST,
    "401": ErrorKind.MISCONFIGURED,
    "402": ErrorKind.QUOTA_EXHAUSTED,
    "403": ErrorKind.MISCONFIGURED,
    "404-retired": ErrorKind.MODEL_GONE,
    "429-rate": ErrorKind.RATE_LIMITED,
    "429-slow-down": ErrorKind.RATE_LIMITED,
    "429-quota": ErrorKind.QUOTA_EXHAUSTED,
    "500": ErrorKind.UNAVAILABLE,
    "503": ErrorKind.UNAVAILABLE,
    "504": ErrorKind.UNAVAILABLE,
    "html502": ErrorKind.UNAVAILABLE,
    "redirect": ErrorKind.MISCONFIGURED,
    "reset-mid-body": ErrorKind.CONNECTION,
    "html200": ErrorKind.INVALID_OUTPUT,
    "refusal": ErrorKind.REFUSED,
    "safety": ErrorKind.REFUSED,
    "filter": ErrorKind.REFUSED,
    "block": ErrorKind.REFUSED,
    "length": ErrorKind.TRUNCATED,
    "max-no-parts": ErrorKind.TRUNCATED,
    "badjson": ErrorKind.INVALID_OUTPUT,
    "wrong-shape": ErrorKind.INVALID_OUTPUT,
    "spii": ErrorKind.INVALID_OUTPUT,
    "recitation": ErrorKind.INVALID_OUTPUT,
    "no-usage": ErrorKind.INVALID_OUTPUT,
}
ANSWERED = {"refusal", "safety", "filter", "block", "length", "max-no-parts", "badjson", "wrong-shape", "spii"}


@pytest.mark.parametrize("script", FAILURES)
def test_a_failure_has_its_kind_and_makes_exactly_one_call(bench: Bench, script: str) -> None:
    bench.plan(script)
    assert bench.fails().kind is FAILURES[script]
    assert bench.calls == 1


@pytest.mark.parametrize("script", sorted(ANSWERED))
def test_a_failure_that_was_answered_is_billed_to_the_token(bench: Bench, script: str) -> None:
    bench.plan(script)
    error = bench.fails()
    assert error.billed is not None
    assert error.billing == "yes"
    assert cost(str(error.served_model), error.billed, NOW).micro_usd == bench.billed


@pytest.mark.parametrize("script", ["401", "404-retired", "429-rate", "429-quota", "500", "503", "redirect"])
def test_a_rejected_call_costs_nothing(bench: Bench, script: str) -> None:
    bench.plan(script)
    assert bench.fails().billing == "no"
    assert bench.billed == 0


@pytest.mark.parametrize("script", ["reset-mid-body", "html200", "no-usage"])
def test_an_answer_that_was_lost_may_be_billed(bench: Bench, script: str) -> None:
    bench.plan(script)
    assert bench.fails().billing == "unknown"


def test_a_list_of_errors_is_an_error(bench: Bench) -> None:
    bench.plan("list-error")
    assert bench.fails().kind in {ErrorKind.UNAVAILABLE, ErrorKind.INVALID_OUTPUT}
    assert bench.calls == 1


def test_a_long_retry_after_is_reported_and_not_slept(bench: Bench) -> None:
    bench.plan({"script": "429-rate", "retry_after": 100})
    error = in_time(bench.fails)
    assert error.retry_after == 100
    assert bench.calls == 1


def test_a_slow_answer_ends_at_the_deadline(bench: Bench) -> None:
    bench.plan({"script": "slow", "ms": 20_000})
    error = in_time(lambda: bench.fails(0.4))
    assert error.kind is ErrorKind.TIMEOUT
    assert error.billing == "unknown"
    assert bench.calls == 1
    assert bench.billed > 0


def test_an_answer_that_trickles_ends_at_the_deadline(bench: Bench) -> None:
    bench.plan({"script": "trickle", "ms": 100})
    error = in_time(lambda: bench.fails(0.5))
    assert error.kind is ErrorKind.TIMEOUT
    assert error.billing == "unknown"
    assert bench.calls == 1


def in_time[T](work: Callable[[], T]) -> T:
    """The result of work that must end by itself, long before the simulator's delays do."""
    results: list[T] = []
    worker = threading.Thread(target=lambda: results.append(work()), daemon=True)
    worker.start()
    worker.join(10)
    assert results, "still waiting for the provider"
    return results[0]


def test_no_time_left_makes_no_call(bench: Bench) -> None:
    error = bench.fails(0)
    assert error.kind is ErrorKind.TIMEOUT
    assert error.billing == "no"
    assert bench.calls == 0


def test_the_next_call_after_a_broken_one_succeeds(bench: Bench) -> None:
    bench.plan("reset-mid-body", {"script": "slow", "ms": 20_000}, "ok")
    bench.fails()
    bench.fails(0.3)
    assert isinstance(bench.ask().output, Answer)
    assert bench.calls == 3


@pytest.mark.parametrize("script", FAILURES)
def test_an_error_tells_neither_prompt_nor_key_nor_reply(bench: Bench, script: str) -> None:
    bench.plan(script)
    error = bench.fails()
    chain: list[BaseException | None] = [error, error.__cause__, error.__context__]
    told = " ".join(repr(each) + str(vars(each)) for each in chain if each is not None)
    for secret in (SECRET_KEY, "Zebediah", "quota, please", "Sure! Here", "Bad Gateway", "API key", "overloaded"):
        assert secret not in told


def test_an_answer_cut_at_the_token_cap_is_truncated(bench: Bench) -> None:
    with pytest.raises(ProviderError) as caught:
        bench.ask(max_output_tokens=1, user=CANARY * 200)
    assert caught.value.kind is ErrorKind.TRUNCATED
    assert caught.value.billed is not None


def test_our_request_is_closed_to_storage_and_carries_the_texts_apart(bench: Bench) -> None:
    bench.ask()
    (hit,) = bench.hits
    body = json.dumps(hit["body"])
    assert body.count(CANARY) == 1
    assert "Write." in body
    if bench.service == "gpt4o":
        assert hit["body"]["store"] is False
        assert hit["body"]["response_format"]["json_schema"]["strict"] is True
        assert hit["headers"]["x-client-request-id"] == "req-1"


def test_a_model_is_sent_only_what_it_takes(bench: Bench) -> None:
    bench.ask(temperature=0.2)
    body = bench.hits[0]["body"]
    config = body.get("generationConfig", body)
    assert config.get("temperature") == (0.2 if bench.service == "gpt4o" else None)
    assert config.get("max_completion_tokens") == (900 if bench.service == "gpt4o" else None)
    assert "reasoning_effort" not in body


def test_the_successor_is_told_not_to_think(bench: Bench) -> None:
    bench.clock.now = datetime(2027, 6, 1, tzinfo=UTC)
    bench.ask(temperature=0.2)
    body = bench.hits[0]["body"]
    if bench.service == "gpt4o":
        assert (body["model"], body["reasoning_effort"], body["temperature"]) == ("gpt-6-luna", "none", 0.2)
    elif isinstance(bench.adapter, GeminiRest):
        assert body["generationConfig"]["thinkingConfig"] == {"thinkingLevel": "MINIMAL"}


def test_nothing_listening_is_a_connection_failure_that_costs_nothing(bench: Bench) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    adapter = type(bench.adapter)(SECRET_KEY, url)
    stranded = Bench(adapter, bench.url, bench.service, bench.clock)
    error = stranded.fails(3)
    adapter.close()
    assert error.kind is ErrorKind.CONNECTION
    assert error.billing == "no"


def test_a_wrong_key_is_our_misconfiguration(bench: Bench) -> None:
    control(bench.url, "key", {"key": "another"})
    error = bench.fails()
    control(bench.url, "key", {"key": None})
    assert error.kind is ErrorKind.MISCONFIGURED


def test_two_gemini_adapters_keep_their_own_key_and_address(urls: dict[str, str], clock: Clock) -> None:
    with served(gemini_simulator.create(clock=clock, required_key="second")) as second_url:
        first, second = Gemini("first", urls["google"]), Gemini("second", second_url)
        control(urls["google"], "reset", {})
        one, two = Bench(first, urls["google"], "gemini", clock), Bench(second, second_url, "gemini", clock)
        one.ask()
        two.ask()
        one.ask()
        assert (one.calls, two.calls) == (2, 1)
        first.close()
        second.close()


def test_connections_are_kept_alive_between_calls(bench: Bench) -> None:
    for _ in range(3):
        bench.ask()
    assert len({hit["client"] for hit in bench.hits}) == 1
