"""The port to an AI provider: one request, one upstream call, one completion or one error."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Literal, NoReturn, Protocol

import pydantic

if TYPE_CHECKING:
    from collections.abc import Callable

    from tollgate.ai.models import Model

MAX_ANSWER_BYTES: Final = 256 * 1024
"""Longer answers are not read: no task of ours asks for so much, so something is wrong."""

type Billed = Literal["yes", "no", "unknown"]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call. `input` is the whole prompt, with `cached` and `cache_write` among it; `output` is
    the visible answer and `thinking` comes on top of it (billed as output)."""

    input: int
    cached: int
    cache_write: int
    output: int
    thinking: int

    def __post_init__(self) -> None:
        if min(self.input, self.cached, self.cache_write, self.output, self.thinking) < 0:
            raise ValueError("token counts are not negative")
        if self.cached + self.cache_write > self.input:
            raise ValueError("cached tokens are part of the input")

    @property
    def total(self) -> int:
        """All tokens, each counted once."""
        return self.input + self.output + self.thinking

    @property
    def billed_output(self) -> int:
        """The answer and the thinking, which costs the same."""
        return self.output + self.thinking


def reported(*, prompt: object, cached: object, cache_write: object, output: object, thinking: object) -> Usage:
    """Usage from what a provider wrote: odd values become zero, and cached never exceeds the prompt."""
    whole = _count(prompt)
    read = min(_count(cached), whole)
    return Usage(whole, read, min(_count(cache_write), whole - read), _count(output), _count(thinking))


def _count(value: object) -> int:
    return max(value, 0) if isinstance(value, int) else 0


@dataclass(frozen=True, slots=True)
class Request:
    """One question to one model. `system` instructs, `user` carries data, `schema` is what must come back.

    `temperature` is sent only to models that take it. `request_id` is ours and travels as a header.
    """

    model: Model
    system: str
    user: str
    schema: type[pydantic.BaseModel]
    max_output_tokens: int
    request_id: str
    temperature: float | None = None

    @property
    def token_cap(self) -> int:
        """What the provider is told: the answer's cap and room for the model's thinking."""
        return self.max_output_tokens + self.model.thinking_headroom

    @property
    def prompt_bytes(self) -> int:
        """The size of both prompts in UTF-8."""
        return len(self.system.encode()) + len(self.user.encode())


@dataclass(frozen=True, slots=True)
class Completion:
    """An answer that passed the schema, and what it used."""

    output: pydantic.BaseModel
    usage: Usage
    served_model: str
    provider_request_id: str | None


class ErrorKind(StrEnum):
    """Why a call gave no usable answer."""

    TIMEOUT = "timeout"
    CONNECTION = "connection"
    RATE_LIMITED = "rate_limited"
    QUOTA_EXHAUSTED = "quota_exhausted"
    UNAVAILABLE = "unavailable"
    MISCONFIGURED = "misconfigured"
    MODEL_GONE = "model_gone"
    BAD_REQUEST = "bad_request"
    REFUSED = "refused"
    TRUNCATED = "truncated"
    INVALID_OUTPUT = "invalid_output"


_MAYBE_BILLED: Final = frozenset({ErrorKind.TIMEOUT, ErrorKind.CONNECTION})


class ProviderError(Exception):
    """A call that failed. Its text is made of our own words: no prompt, key or reply of the provider is in it.

    `billed` is the usage the provider reported for the failed call, if it did. `unsent` says that the
    request never reached the provider, so that nothing can have been billed.
    """

    def __init__(
        self,
        kind: ErrorKind,
        *,
        billed: Usage | None = None,
        retry_after: float | None = None,
        status: int | None = None,
        provider_request_id: str | None = None,
        served_model: str | None = None,
        unsent: bool = False,
    ) -> None:
        super().__init__(f"{kind.value} (HTTP {status})" if status else kind.value)
        self.kind = kind
        self.billed = billed
        self.retry_after = retry_after
        self.status = status
        self.provider_request_id = provider_request_id
        self.served_model = served_model
        self.unsent = unsent

    @property
    def billing(self) -> Billed:
        """Whether the provider charges for it: `unknown` when the answer was lost after the request was sent."""
        if self.billed is not None:
            return "yes" if self.billed.total else "no"
        if self.unsent:
            return "no"
        lost = self.kind in _MAYBE_BILLED or self.status in {200, 504}
        return "unknown" if lost else "no"


class Provider(Protocol):
    """What every adapter does, and the contract suite checks."""

    name: str

    def complete(self, request: Request, timeout: float) -> Completion:
        """Ask once. Never retries, never sleeps; returns or raises ProviderError within `timeout` seconds."""
        ...


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer's text and what came with it, before it is checked."""

    text: str
    usage: Usage | None
    served_model: str
    provider_request_id: str | None
    truncated: bool = False
    refused: bool = False

    def fail(self, kind: ErrorKind) -> NoReturn:
        """Raise an error of this kind that keeps what the reply used."""
        raise ProviderError(
            kind,
            billed=self.usage,
            status=200,
            provider_request_id=self.provider_request_id,
            served_model=self.served_model or None,
        )


def checked(reply: Reply, schema: type[pydantic.BaseModel]) -> Completion:
    """The completion in a reply. ProviderError (refused, truncated, invalid_output) with the usage if it is none."""
    if reply.refused:
        reply.fail(ErrorKind.REFUSED)
    if reply.truncated:
        reply.fail(ErrorKind.TRUNCATED)
    # Half a surrogate pair is legal in JSON and in no UTF-8: pydantic refuses it, counting must not trip over it.
    size = len(reply.text.encode(errors="surrogatepass"))
    if reply.usage is None or not reply.served_model or size > MAX_ANSWER_BYTES:
        reply.fail(ErrorKind.INVALID_OUTPUT)
    try:
        output = schema.model_validate_json(_unfenced(reply.text))
    except pydantic.ValidationError:
        output = None
    if output is None:  # outside the handler, so that the error carries no trace of the answer
        reply.fail(ErrorKind.INVALID_OUTPUT)
    return Completion(output, reply.usage, reply.served_model, reply.provider_request_id)


def _unfenced(text: str) -> str:
    """The text without the Markdown fence that models put around JSON now and then."""
    body = text.strip()
    if body.startswith("```") and body.endswith("```"):
        body = body.removesuffix("```").partition("\n")[2]
    return body


class Kept[C]:
    """An adapter's client: built at first need, kept with its connections, shared by threads."""

    def __init__(self, build: Callable[[], C], close: Callable[[C], None]) -> None:
        self._build, self._close = build, close
        self._building = threading.Lock()
        self._client: C | None = None

    def get(self) -> C:
        """The client."""
        with self._building:
            if self._client is None:
                self._client = self._build()
            return self._client

    def close(self) -> None:
        """Close its connections. The next call opens new ones."""
        with self._building:
            client, self._client = self._client, None
        if client is not None:
            self._close(client)


def completed[C](
    kept: Kept[C], ask: Callable[[C, Request, float], Reply], request: Request, timeout: float
) -> Completion:
    """What every adapter's `complete` does: `ask` in what building the client leaves of the time, and check the reply."""
    deadline = time.monotonic() + timeout
    client = kept.get()
    left = deadline - time.monotonic()
    if left <= 0:
        raise ProviderError(ErrorKind.TIMEOUT, unsent=True)
    return checked(ask(client, request, left), request.schema)


def seconds(text: object, *, unit: float = 1.0) -> float | None:
    """A waiting time as providers write it ("17", "17s", "1.5"), in seconds; None when it is not one."""
    try:
        value = float(str(text).removesuffix("s")) * unit
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def kind_of_status(status: int) -> ErrorKind:
    """What an HTTP status means when the body says nothing more."""
    match status:
        case 400 | 413 | 422:
            return ErrorKind.BAD_REQUEST
        case 402:
            return ErrorKind.QUOTA_EXHAUSTED
        case 429:
            return ErrorKind.RATE_LIMITED
        case 408 | 409:
            return ErrorKind.UNAVAILABLE
        case _:
            return ErrorKind.UNAVAILABLE if status >= HTTPStatus.INTERNAL_SERVER_ERROR else ErrorKind.MISCONFIGURED
