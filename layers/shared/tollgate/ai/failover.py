"""One question, at most one answer: the routed service first, the other one when it fails, in one time budget."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tollgate import clock as clocks
from tollgate.ai.models import cost, cost_ceiling, model_for, other, successor_of
from tollgate.ai.provider import ErrorKind, ProviderError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from tollgate.ai.breaker import Breaker
    from tollgate.ai.models import Model, Service
    from tollgate.ai.provider import Billed, Completion, Provider, Request, Usage

FIRST_ATTEMPT_SECONDS: Final = 14.0
WORTH_STARTING_SECONDS: Final = 5.0
FAST_FAILURE_SECONDS: Final = 1.0

_ALARMING: Final = frozenset(
    {ErrorKind.MISCONFIGURED, ErrorKind.QUOTA_EXHAUSTED, ErrorKind.MODEL_GONE, ErrorKind.BAD_REQUEST}
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One upstream call, as it goes into the usage log.

    `cost_micro_usd` is what is known to be billed. When the answer was lost after the request was sent,
    `billed` is unknown, the cost is 0 and `cost_upper_micro_usd` says how much it can be at most;
    otherwise the two are equal.
    """

    service: Service
    provider: str
    model_requested: str
    model_served: str | None
    usage: Usage | None
    cost_micro_usd: int
    cost_upper_micro_usd: int
    price_known: bool
    billed: Billed
    success: bool
    error_kind: ErrorKind | None
    latency_ms: int
    status: int | None
    provider_request_id: str | None

    @property
    def alarming(self) -> bool:
        """Whether a person must look: our key, our money, our request, a model that is gone, an unknown price."""
        return self.error_kind in _ALARMING or not self.price_known


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer, the service that gave it, and every attempt made on the way."""

    completion: Completion
    service: Service
    attempts: tuple[Attempt, ...]


class FailedError(Exception):
    """No answer. `attempts` holds every call that was made."""

    def __init__(self, attempts: tuple[Attempt, ...]) -> None:
        super().__init__(", ".join(f"{each.service}: {each.error_kind}" for each in attempts) or "no service admitted")
        self.attempts = attempts


class RefusedError(FailedError):
    """A provider declined the content. It is not tried elsewhere."""


class AllFailedError(FailedError):
    """Nobody answered. `retry_after` is the time in seconds until a closed-off service is tried again, if known."""

    def __init__(self, attempts: tuple[Attempt, ...], retry_after: float | None = None) -> None:
        super().__init__(attempts)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Failover:
    """Providers by service, the breaker they share, and the clocks.

    `clock` dates prices and pauses (aware UTC); `monotonic` measures, in seconds, and never jumps.
    """

    providers: Mapping[Service, Provider]
    breaker: Breaker
    clock: Callable[[], datetime]
    monotonic: Callable[[], float] = clocks.monotonic

    def run(self, request_for: Callable[[Model], Request], first: Service, *, budget_seconds: float) -> Outcome:
        """Ask `first`, then the other service. RefusedError or AllFailedError when there is no answer.

        The first attempt gets at most 14 seconds, the next what is left of the budget if that is worth it.
        A model that is gone is asked again under its successor's name before the service is given up.
        """
        return _Run(self, request_for, budget_seconds).answer(first)


class _Run:
    """The course of one question."""

    def __init__(self, services: Failover, request_for: Callable[[Model], Request], budget_seconds: float) -> None:
        self._services = services
        self._request_for = request_for
        self._begun = services.monotonic()
        self._budget = budget_seconds
        self._attempts: list[Attempt] = []

    def answer(self, first: Service) -> Outcome:
        """Ask service by service."""
        order = [service for service in (first, other(first)) if service in self._services.providers]
        for position, service in enumerate(order):
            completion = self._from_service(service, order[position + 1 :])
            if completion is not None:
                return Outcome(completion, service, tuple(self._attempts))
        raise AllFailedError(tuple(self._attempts), self._retry_after(order))

    def _from_service(self, service: Service, rest: list[Service]) -> Completion | None:
        """Ask its model, and the model's successors while models turn out to be gone."""
        breaker, now = self._services.breaker, self._services.clock()
        if not breaker.admits(service, now):
            return None
        model: Model | None = model_for(service, now)
        while model is not None:
            timeout = self._seconds_for_the_next(rest)
            if timeout > 0 and breaker.admits(model.id, now):
                completion = self._attempt(service, model, timeout)
                if completion is not None or self._attempts[-1].error_kind is not ErrorKind.MODEL_GONE:
                    return completion
            model = successor_of(model)
        return None

    def _seconds_for_the_next(self, rest: list[Service]) -> float:
        """The next attempt's time; 0 when too little is left for it to be worth its price."""
        spent = self._services.monotonic() - self._begun
        left = self._budget - spent
        if self._attempts and left < WORTH_STARTING_SECONDS and spent > FAST_FAILURE_SECONDS:
            return 0
        now = self._services.clock()
        someone_follows = any(self._services.breaker.open_until(service, now) is None for service in rest)
        return min(left, FIRST_ATTEMPT_SECONDS) if someone_follows else left

    def _attempt(self, service: Service, model: Model, timeout: float) -> Completion | None:
        request, breaker = self._request_for(model), self._services.breaker
        begun = self._services.monotonic()
        try:
            completion = self._services.providers[service].complete(request, timeout)
        except ProviderError as error:
            self._attempts.append(self._failed(service, request, error, begun))
            self._count(service, model, error)
            if error.kind is ErrorKind.REFUSED:
                raise RefusedError(tuple(self._attempts)) from None
            return None
        self._attempts.append(self._answered(service, request, completion, begun))
        breaker.succeeded(service)
        breaker.succeeded(model.id)
        return completion

    def _count(self, service: Service, model: Model, error: ProviderError) -> None:
        gone = error.kind is ErrorKind.MODEL_GONE
        name = model.id if gone else service
        self._services.breaker.failed(name, error.kind, self._services.clock(), error.retry_after)

    def _answered(self, service: Service, request: Request, completion: Completion, begun: float) -> Attempt:
        booked = cost(completion.served_model, completion.usage, self._services.clock(), requested=request.model.id)
        return Attempt(
            service=service,
            provider=request.model.provider,
            model_requested=request.model.id,
            model_served=completion.served_model,
            usage=completion.usage,
            cost_micro_usd=booked.micro_usd,
            cost_upper_micro_usd=booked.micro_usd,
            price_known=booked.known,
            billed="yes",
            success=True,
            error_kind=None,
            latency_ms=self._milliseconds_since(begun),
            status=200,
            provider_request_id=completion.provider_request_id,
        )

    def _failed(self, service: Service, request: Request, error: ProviderError, begun: float) -> Attempt:
        now, model = self._services.clock(), request.model
        served = error.served_model or model.id
        booked = cost(served, error.billed, now, requested=model.id) if error.billed else None
        actual = booked.micro_usd if booked else 0
        unknown = error.billing == "unknown"
        return Attempt(
            service=service,
            provider=model.provider,
            model_requested=model.id,
            model_served=error.served_model,
            usage=error.billed,
            cost_micro_usd=actual,
            cost_upper_micro_usd=cost_ceiling(request, now) if unknown else actual,
            price_known=booked.known if booked else True,
            billed=error.billing,
            success=False,
            error_kind=error.kind,
            latency_ms=self._milliseconds_since(begun),
            status=error.status,
            provider_request_id=error.provider_request_id,
        )

    def _milliseconds_since(self, begun: float) -> int:
        return round((self._services.monotonic() - begun) * 1000)

    def _retry_after(self, order: list[Service]) -> float | None:
        now = self._services.clock()
        opens = [until for each in order if (until := self._services.breaker.open_until(each, now))]
        return (min(opens) - now).total_seconds() if opens and len(opens) == len(order) else None
