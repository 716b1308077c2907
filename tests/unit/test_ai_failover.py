"""One question, at most one answer: who is asked, how long, and what is booked."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pydantic
import pytest

from tollgate.ai.breaker import FAILURES_TO_OPEN, LONG_PAUSE, Breaker
from tollgate.ai.failover import AllFailedError, Attempt, Failover, Outcome, RefusedError
from tollgate.ai.models import Model
from tollgate.ai.provider import Completion, ErrorKind, ProviderError, Request, Usage

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
USAGE = Usage(1_250, 0, 0, 380, 0)


class Answer(pydantic.BaseModel):
    text: str = "hello"


def request_for(model: Model) -> Request:
    return Request(model, "system", "user" * 250, Answer, 500, "req-1")


@dataclass(slots=True)
class World:
    """A calendar and a stopwatch that move only when told."""

    now: datetime = NOW
    elapsed: float = 0.0

    def passes(self, seconds: float) -> None:
        self.elapsed += seconds
        self.now += timedelta(seconds=seconds)


type Step = ProviderError | Completion | float


@dataclass(slots=True)
class Scripted:
    """A provider that does what was written down for it: fail, answer, or take its time (then run into the limit)."""

    name: str
    world: World
    steps: deque[Step] = field(default_factory=deque)
    calls: list[tuple[str, float]] = field(default_factory=list)

    def complete(self, request: Request, timeout: float) -> Completion:
        self.calls.append((request.model.id, timeout))
        step = self.steps.popleft() if self.steps else Completion(Answer(), USAGE, request.model.id, "up_1")
        if isinstance(step, float):
            self.world.passes(min(step, timeout))
            if step > timeout:
                raise ProviderError(ErrorKind.TIMEOUT)
            step = self.steps.popleft() if self.steps else Completion(Answer(), USAGE, request.model.id, "up_1")
        if isinstance(step, ProviderError):
            raise step
        assert isinstance(step, Completion)
        return step


@dataclass(slots=True)
class Desk:
    """Both providers, a breaker and the failover over them."""

    world: World = field(default_factory=World)
    breaker: Breaker = field(default_factory=Breaker)

    def __post_init__(self) -> None:
        self.gpt4o = Scripted("openai", self.world)
        self.gemini = Scripted("google", self.world)

    gpt4o: Scripted = field(init=False)
    gemini: Scripted = field(init=False)

    def run(self, first: str = "gpt4o", budget: float = 25) -> Outcome:
        services = Failover(
            {"gpt4o": self.gpt4o, "gemini": self.gemini},
            self.breaker,
            clock=lambda: self.world.now,
            monotonic=lambda: self.world.elapsed,
        )
        return services.run(request_for, first, budget_seconds=budget)


def failure(kind: ErrorKind, **more: object) -> ProviderError:
    return ProviderError(kind, **more)  # type: ignore[arg-type]  # -- any of its fields


def kinds(attempts: Iterable[Attempt]) -> list[tuple[str, str | None]]:
    return [(each.service, each.error_kind) for each in attempts]


def test_a_good_answer_is_one_attempt_with_its_cost() -> None:
    desk = Desk()
    outcome = desk.run()
    assert outcome.service == "gpt4o"
    assert outcome.completion.output == Answer()
    (attempt,) = outcome.attempts
    assert attempt == Attempt(
        service="gpt4o",
        provider="openai",
        model_requested="gpt-4o",
        model_served="gpt-4o",
        usage=USAGE,
        cost_micro_usd=6_925,
        cost_upper_micro_usd=6_925,
        price_known=True,
        billed="yes",
        success=True,
        error_kind=None,
        latency_ms=0,
        status=200,
        provider_request_id="up_1",
    )
    assert not attempt.alarming
    assert desk.gemini.calls == []


FAILING_OVER = [kind for kind in ErrorKind if kind not in {ErrorKind.REFUSED, ErrorKind.MODEL_GONE}]


@pytest.mark.parametrize("kind", FAILING_OVER)
def test_every_failure_but_a_refusal_fails_over(kind: ErrorKind) -> None:
    desk = Desk()
    desk.gpt4o.steps.append(failure(kind))
    outcome = desk.run()
    assert outcome.service == "gemini"
    assert kinds(outcome.attempts) == [("gpt4o", kind), ("gemini", None)]
    assert len(desk.gpt4o.calls) == len(desk.gemini.calls) == 1


def test_a_refusal_is_final_and_booked() -> None:
    desk = Desk()
    desk.gemini.steps.append(failure(ErrorKind.REFUSED, billed=Usage(1_000_000, 0, 0, 0, 0), status=200))
    with pytest.raises(RefusedError) as caught:
        desk.run("gemini")
    (attempt,) = caught.value.attempts
    assert (attempt.cost_micro_usd, attempt.billed, attempt.success) == (250_000, "yes", False)
    assert desk.gpt4o.calls == []


def test_a_refusal_after_a_failover_is_final_too() -> None:
    desk = Desk()
    desk.gpt4o.steps.append(failure(ErrorKind.UNAVAILABLE))
    desk.gemini.steps.append(failure(ErrorKind.REFUSED))
    with pytest.raises(RefusedError) as caught:
        desk.run()
    assert kinds(caught.value.attempts) == [("gpt4o", "unavailable"), ("gemini", "refused")]


def test_when_all_fail_every_attempt_is_told() -> None:
    desk = Desk()
    desk.gpt4o.steps.append(failure(ErrorKind.UNAVAILABLE, status=503))
    desk.gemini.steps.append(failure(ErrorKind.TRUNCATED, billed=USAGE, served_model="gemini-3.1-flash-lite"))
    with pytest.raises(AllFailedError) as caught:
        desk.run()
    first, second = caught.value.attempts
    assert (first.billed, first.cost_micro_usd, first.status) == ("no", 0, 503)
    assert (second.billed, second.cost_micro_usd, second.model_served) == ("yes", 883, "gemini-3.1-flash-lite")
    assert caught.value.retry_after is None


@pytest.mark.parametrize(
    ("kind", "alarming"),
    [
        (ErrorKind.MISCONFIGURED, True),
        (ErrorKind.QUOTA_EXHAUSTED, True),
        (ErrorKind.MODEL_GONE, True),
        (ErrorKind.BAD_REQUEST, True),
        (ErrorKind.TIMEOUT, False),
        (ErrorKind.RATE_LIMITED, False),
    ],
)
def test_what_a_person_must_mend_is_alarming(kind: ErrorKind, *, alarming: bool) -> None:
    desk = Desk()
    desk.gpt4o.steps.append(failure(kind))
    assert desk.run().attempts[0].alarming is alarming


def test_an_unknown_model_in_the_answer_is_alarming_and_dear() -> None:
    desk = Desk()
    desk.gemini.steps.append(Completion(Answer(), USAGE, "gemini-42-ultra", None))
    (attempt,) = desk.run("gemini").attempts
    assert (attempt.price_known, attempt.cost_micro_usd, attempt.alarming) == (False, 6_925, True)


def test_a_snapshot_of_the_model_that_was_asked_for_is_no_alarm() -> None:
    desk = Desk(World(now=datetime(2027, 2, 1, tzinfo=UTC)))
    desk.gpt4o.steps.append(Completion(Answer(), USAGE, "gpt-6-luna-2026-08-20", None))
    (attempt,) = desk.run().attempts
    assert (attempt.price_known, attempt.cost_micro_usd, attempt.alarming) == (True, 315, False)


def test_a_lost_answer_is_booked_as_nothing_with_an_upper_bound_beside_it() -> None:
    desk = Desk()
    desk.gpt4o.steps.append(20.0)
    attempt = desk.run().attempts[0]
    assert (attempt.error_kind, attempt.billed, attempt.cost_micro_usd) == ("timeout", "unknown", 0)
    # 1,006 bytes of prompt as 503 tokens, and the whole cap of 500 tokens.
    assert attempt.cost_upper_micro_usd == 6_258
    assert attempt.latency_ms == 14_000


def test_the_first_attempt_gets_fourteen_seconds_and_the_second_the_rest() -> None:
    desk = Desk()
    desk.gpt4o.steps.append(20.0)
    desk.run(budget=25)
    assert desk.gpt4o.calls == [("gpt-4o", 14.0)]
    assert desk.gemini.calls == [("gemini-3.1-flash-lite", 11.0)]


def test_a_second_attempt_that_is_not_worth_its_price_is_not_made() -> None:
    desk = Desk()
    desk.gpt4o.steps.append(20.0)
    with pytest.raises(AllFailedError):
        desk.run(budget=18)
    assert desk.gemini.calls == []


def test_after_a_fast_failure_the_second_attempt_gets_all_that_is_left() -> None:
    desk = Desk()
    desk.gpt4o.steps.extend([0.5, failure(ErrorKind.UNAVAILABLE)])
    desk.run(budget=4)
    assert desk.gemini.calls == [("gemini-3.1-flash-lite", 3.5)]


def test_with_nobody_to_follow_the_first_attempt_gets_everything() -> None:
    desk = Desk()
    desk.breaker.failed("gemini", ErrorKind.RATE_LIMITED, NOW, 60)
    desk.run(budget=25)
    assert desk.gpt4o.calls == [("gpt-4o", 25)]


def test_a_model_that_is_gone_is_asked_under_its_successors_name_first() -> None:
    desk = Desk()
    desk.gpt4o.steps.append(failure(ErrorKind.MODEL_GONE, status=404))
    outcome = desk.run()
    assert outcome.service == "gpt4o"
    assert [each.model_requested for each in outcome.attempts] == ["gpt-4o", "gpt-6-luna"]
    assert desk.gemini.calls == []


def test_a_model_that_is_gone_is_not_asked_for_again_at_once() -> None:
    desk = Desk()
    desk.gpt4o.steps.append(failure(ErrorKind.MODEL_GONE, status=404))
    desk.run()
    desk.run()
    assert [name for name, _ in desk.gpt4o.calls] == ["gpt-4o", "gpt-6-luna", "gpt-6-luna"]
    desk.world.passes(LONG_PAUSE.total_seconds())
    desk.run()
    assert desk.gpt4o.calls[-1][0] == "gpt-4o"


def test_when_the_successor_is_gone_too_the_other_service_is_asked() -> None:
    desk = Desk()
    desk.gpt4o.steps.extend([failure(ErrorKind.MODEL_GONE), failure(ErrorKind.MODEL_GONE)])
    outcome = desk.run()
    assert outcome.service == "gemini"
    assert len(outcome.attempts) == 3


def test_after_its_retirement_a_model_is_not_asked_for() -> None:
    desk = Desk(World(now=datetime(2027, 1, 14, tzinfo=UTC)))
    assert desk.run().attempts[0].model_requested == "gpt-6-luna"


def test_a_dead_provider_is_left_out_until_its_pause_is_over() -> None:
    desk = Desk()
    desk.gpt4o.steps.append(20.0)
    desk.run()
    outcome = desk.run()
    assert kinds(outcome.attempts) == [("gemini", None)]
    assert len(desk.gpt4o.calls) == 1
    desk.world.passes(30)
    assert desk.run().service == "gpt4o"


def test_with_both_closed_off_the_caller_hears_when_to_come_back() -> None:
    desk = Desk()
    desk.breaker.failed("gpt4o", ErrorKind.RATE_LIMITED, NOW, 40)
    desk.breaker.failed("gemini", ErrorKind.RATE_LIMITED, NOW, 17)
    with pytest.raises(AllFailedError) as caught:
        desk.run()
    assert caught.value.attempts == ()
    assert caught.value.retry_after == 17
    assert desk.gpt4o.calls == desk.gemini.calls == []


def test_invalid_output_does_not_open_the_breaker() -> None:
    desk = Desk()
    for _ in range(FAILURES_TO_OPEN * 2):
        desk.gpt4o.steps.append(failure(ErrorKind.INVALID_OUTPUT, billed=USAGE, status=200))
        desk.run()
    assert len(desk.gpt4o.calls) == FAILURES_TO_OPEN * 2


def test_one_provider_alone_is_enough() -> None:
    world = World()
    only = Scripted("google", world)
    clock: Callable[[], datetime] = lambda: world.now  # noqa: E731 -- one line says it
    outcome = Failover({"gemini": only}, Breaker(), clock).run(request_for, "gpt4o", budget_seconds=25)
    assert outcome.service == "gemini"
