"""Gemini over plain REST, on the HTTP client that the openai package brings. Sees and controls thinking."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, cast

from tollgate.ai.provider import (
    ErrorKind,
    Kept,
    ProviderError,
    Reply,
    Usage,
    completed,
    kind_of_status,
    reported,
    seconds,
)
from tollgate.ai.schema import gemini_schema

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import httpx2

    from tollgate.ai.provider import Completion, Request

BASE_URL: Final = "https://generativelanguage.googleapis.com"

UNSAFE_FINISHES: Final = frozenset({"SAFETY", "BLOCKLIST", "PROHIBITED_CONTENT", "IMAGE_SAFETY", "MODEL_ARMOR"})
"""Stops that judge the content. SPII and RECITATION are not among them: a resume is personal by nature and quotes
others, so such a stop says nothing about the user, and the other provider may well answer."""

type Json = dict[str, object]


class GeminiRest:
    """The provider `google` without an SDK. `base_url` has no path."""

    name = "google"

    def __init__(self, api_key: str, base_url: str = BASE_URL) -> None:
        self._client = Kept(lambda: _built(api_key, base_url), lambda client: client.close())

    def complete(self, request: Request, timeout: float) -> Completion:
        """Ask once; see `Provider.complete`."""
        return completed(self._client, _asked, request, timeout)

    def prepare(self) -> None:
        """Load and build what the first call would have to."""
        self._client.get()

    def close(self) -> None:
        """Close the connections. The next call opens new ones."""
        self._client.close()


def _built(api_key: str, base_url: str) -> httpx2.Client:
    import httpx2  # noqa: PLC0415 -- only the functions that call Gemini pay for it

    from tollgate.ai.transport import transport  # noqa: PLC0415 -- as above

    # Redirects stay off, as is the default: one would carry prompt and key to another host.
    return httpx2.Client(base_url=base_url, headers={"x-goog-api-key": api_key}, transport=transport(base_url))


def _asked(client: httpx2.Client, request: Request, timeout: float) -> Reply:
    import httpx2  # noqa: PLC0415 -- as above

    path = f"/v1beta/models/{request.model.id}:generateContent"

    error = None
    try:
        response = client.post(path, json=_body(request), timeout=timeout)
    except httpx2.TimeoutException as raised:
        error = ProviderError(ErrorKind.TIMEOUT, unsent=isinstance(raised, httpx2.ConnectTimeout | httpx2.PoolTimeout))
    except httpx2.HTTPError as raised:
        error = ProviderError(ErrorKind.CONNECTION, unsent=isinstance(raised, httpx2.ConnectError))
    if error is not None:  # raised here, so that no exception of the client hangs on ours
        raise error
    if not response.is_success:
        raise status_error(response.status_code, parsed(response.text), response.headers)
    return _reply(parsed(response.text), request)


def _body(request: Request) -> Json:
    config: Json = {
        "responseMimeType": "application/json",
        "responseSchema": gemini_schema(request.schema),
        request.model.cap_field: request.token_cap,
    }
    if request.model.thinking_level is not None:
        config["thinkingConfig"] = {"thinkingLevel": request.model.thinking_level}
    if request.model.accepts_temperature and request.temperature is not None:
        config["temperature"] = request.temperature
    return {
        "systemInstruction": {"parts": [{"text": request.system}]},
        "contents": [{"role": "user", "parts": [{"text": request.user}]}],
        "generationConfig": config,
    }


def parsed(text: str) -> Json:
    """The JSON object of a body, empty when it is none. Some errors come as a list of one."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    if isinstance(found, list) and found:
        found = found[0]
    return as_object(found)


def _reply(body: Json, request: Request) -> Reply:
    candidates = as_objects(body.get("candidates"))
    first = candidates[0] if candidates else {}
    parts = as_objects(as_object(first.get("content")).get("parts"))
    usage, blocked = as_object(body.get("usageMetadata")), not candidates and "promptFeedback" in body
    return reply(
        texts=[str(part.get("text") or "") for part in parts if not part.get("thought")],
        finish=str(first.get("finishReason") or ""),
        blocked=blocked,
        usage=_usage(usage) if usage else None,
        served_model=str(body.get("modelVersion") or request.model.id),
        request_id=str(body.get("responseId") or "") or None,
    )


def _usage(found: Json) -> Usage:
    return usage_of(
        prompt=found.get("promptTokenCount"),
        cached=found.get("cachedContentTokenCount"),
        answer=found.get("candidatesTokenCount"),
        total=found.get("totalTokenCount"),
        thoughts=found.get("thoughtsTokenCount"),
    )


def usage_of(*, prompt: object, cached: object, answer: object, total: object, thoughts: object = None) -> Usage:
    """Gemini's counts as ours. Thoughts that are not reported are what the total holds beyond prompt and answer."""
    whole, visible = as_int(prompt), as_int(answer)
    rest = max(as_int(total) - whole - visible, 0)
    thinking = max(as_int(thoughts), rest)
    return reported(prompt=whole, cached=cached, cache_write=0, output=visible, thinking=thinking)


def reply(
    *,
    texts: Sequence[str],
    finish: str,
    blocked: bool,
    usage: Usage | None,
    served_model: str,
    request_id: str | None,
) -> Reply:
    """The reply that both transports make of what they read."""
    return Reply(
        text="".join(texts),
        usage=usage,
        served_model=served_model,
        provider_request_id=request_id,
        truncated=finish == "MAX_TOKENS",
        refused=blocked or finish in UNSAFE_FINISHES,
    )


def status_error(status: int, body: Json, headers: Mapping[str, str]) -> ProviderError:
    """Our error for what Google answered with another status than 200."""
    found = as_object(body.get("error"))
    details = as_objects(found.get("details"))
    wait = next((delay for delay in map(_delay, details) if delay is not None), None)
    return ProviderError(
        _kind(status, str(found.get("status") or ""), details),
        status=status,
        retry_after=seconds(headers.get("retry-after")) if wait is None else wait,
    )


def _kind(status: int, name: str, details: Sequence[Json]) -> ErrorKind:
    if status == HTTPStatus.NOT_FOUND:
        return ErrorKind.MODEL_GONE if name else ErrorKind.MISCONFIGURED
    if any(detail.get("reason") == "API_KEY_INVALID" for detail in details) or name == "FAILED_PRECONDITION":
        return ErrorKind.MISCONFIGURED
    if status == HTTPStatus.TOO_MANY_REQUESTS and any("PerDay" in quota for quota in _quotas(details)):
        return ErrorKind.QUOTA_EXHAUSTED
    return kind_of_status(status)


def _quotas(details: Sequence[Json]) -> list[str]:
    return [str(each.get("quotaId")) for detail in details for each in as_objects(detail.get("violations"))]


def _delay(detail: Json) -> float | None:
    return seconds(detail.get("retryDelay"))


def as_int(value: object) -> int:
    """The value if it is a whole number, else 0."""
    return value if isinstance(value, int) else 0


def as_object(value: object) -> Json:
    """The value if it is a JSON object, else an empty one."""
    return cast("Json", value) if isinstance(value, dict) else {}


def as_objects(value: object) -> list[Json]:
    """The JSON objects in the value if it is a list, else none."""
    return [cast("Json", each) for each in value if isinstance(each, dict)] if isinstance(value, list) else []
