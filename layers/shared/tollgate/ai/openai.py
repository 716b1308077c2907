"""OpenAI through its own SDK: chat completions with a strict JSON schema, no SDK retries, a real deadline."""

from __future__ import annotations

import json
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from tollgate.ai.provider import (
    ErrorKind,
    Kept,
    ProviderError,
    Reply,
    completed,
    kind_of_status,
    reported,
    seconds,
)
from tollgate.ai.schema import openai_schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    import openai
    from pydantic import BaseModel

    from tollgate.ai.provider import Completion, Request, Usage

BASE_URL: Final = "https://api.openai.com/v1"

_GONE: Final = frozenset({"model_not_found", "model_deprecated"})
_UNSAFE: Final = frozenset({"content_policy_violation", "content_filter", "invalid_prompt"})
_OUT_OF_MONEY: Final = ("quota", "balance", "billing", "spend")


class OpenAI:
    """The provider `openai`. The client is built on first use and keeps its connections; `base_url` includes /v1."""

    name = "openai"

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


def _built(api_key: str, base_url: str) -> openai.OpenAI:
    import openai

    from tollgate.ai.transport import transport  # noqa: PLC0415 -- loads httpx2

    # A redirect would carry prompt and key to another host.
    client = openai.DefaultHttpxClient(transport=transport(base_url), follow_redirects=False)
    return openai.OpenAI(api_key=api_key, base_url=base_url, max_retries=0, http_client=client)


def _asked(client: openai.OpenAI, request: Request, timeout: float) -> Reply:
    import httpx2  # noqa: PLC0415 -- loaded by the SDK already
    import openai

    def ask() -> httpx2.Response:
        # `chat.completions.create` would walk through the whole schema on the way out and build a model of the answer,
        # which is read by hand here: a third of the call's work.
        # The address is whole, since the SDK is slow at joining them.
        return client.post(
            f"{str(client.base_url).rstrip('/')}/chat/completions",
            cast_to=httpx2.Response,
            content=_body(request),
            options={"timeout": timeout, "headers": {"X-Client-Request-Id": request.request_id}},
        )

    error = None
    try:
        response = ask()
    except openai.OpenAIError as raised:
        error = _translated(raised)
    if error is not None:  # raised here, so that no exception of the SDK, with its texts, hangs on ours
        raise error
    return _reply(response.text, response.headers.get("x-request-id"))


def _body(request: Request) -> bytes:
    model = request.model
    body: dict[str, object] = {
        "model": model.id,
        "messages": [{"role": "system", "content": request.system}, {"role": "user", "content": request.user}],
        "store": False,
        model.cap_field: request.token_cap,
    }
    if model.reasoning_effort is not None:
        body["reasoning_effort"] = model.reasoning_effort
    if model.accepts_temperature and request.temperature is not None:
        body["temperature"] = request.temperature
    return f'{_json(body)[:-1]},"response_format":{_form(request.schema)}}}'.encode()


@cache  # it is most of a body, and the same for every call of a task
def _form(schema: type[BaseModel]) -> str:
    form = {"name": schema.__name__, "strict": True, "schema": openai_schema(schema)}
    return _json({"type": "json_schema", "json_schema": form})


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _reply(text: str, request_id: str | None) -> Reply:
    body = _object(text)
    choices = body.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    message = choice.get("message")
    message = message if isinstance(message, dict) else {}
    finish, content = choice.get("finish_reason"), message.get("content")
    return Reply(
        text=content if isinstance(content, str) else "",
        usage=_usage(body.get("usage")),
        served_model=str(body.get("model") or ""),
        provider_request_id=request_id,
        truncated=finish == "length",
        refused=bool(message.get("refusal")) or finish == "content_filter",
    )


def _usage(found: object) -> Usage | None:
    if not isinstance(found, dict):
        return None
    prompt, answer = found.get("prompt_tokens_details"), found.get("completion_tokens_details")
    prompt, answer = prompt if isinstance(prompt, dict) else {}, answer if isinstance(answer, dict) else {}
    thinking = answer.get("reasoning_tokens")
    whole = found.get("completion_tokens")
    visible = whole - thinking if isinstance(whole, int) and isinstance(thinking, int) else whole
    return reported(
        prompt=found.get("prompt_tokens"),
        cached=prompt.get("cached_tokens"),
        cache_write=prompt.get("cache_write_tokens"),
        output=visible,
        thinking=min(thinking, whole) if isinstance(whole, int) and isinstance(thinking, int) else 0,
    )


def _object(text: str) -> dict[str, object]:
    """The JSON object in a body; empty when it is none. Compatible servers wrap an error in a list."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    if isinstance(found, list) and found:
        found = found[0]
    return found if isinstance(found, dict) else {}


def _translated(error: openai.OpenAIError) -> ProviderError:
    import httpx2  # noqa: PLC0415 -- loaded by the SDK already
    import openai

    if isinstance(error, openai.APIStatusError):
        return _status_error(error.status_code, error.response.text, error.response.headers)
    unsent = isinstance(error.__cause__, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout)
    if isinstance(error, openai.APITimeoutError):
        return ProviderError(ErrorKind.TIMEOUT, unsent=unsent)
    if isinstance(error, openai.APIConnectionError):
        return ProviderError(ErrorKind.CONNECTION, unsent=unsent)
    return ProviderError(ErrorKind.INVALID_OUTPUT, status=200)


def _status_error(status: int, text: str, headers: Mapping[str, str]) -> ProviderError:
    found = _object(text).get("error")
    details = found if isinstance(found, dict) else {}
    code = str(details.get("code") or details.get("type") or "")
    return ProviderError(
        _kind(status, code),
        status=status,
        retry_after=seconds(headers.get("retry-after-ms"), unit=0.001) or seconds(headers.get("retry-after")),
        provider_request_id=headers.get("x-request-id"),
    )


def _kind(status: int, code: str) -> ErrorKind:
    if status == HTTPStatus.PAYMENT_REQUIRED or (
        status == HTTPStatus.TOO_MANY_REQUESTS and any(word in code for word in _OUT_OF_MONEY)
    ):
        return ErrorKind.QUOTA_EXHAUSTED
    if code in _GONE or (status == HTTPStatus.NOT_FOUND and code):
        return ErrorKind.MODEL_GONE
    if code in _UNSAFE:
        return ErrorKind.REFUSED
    return kind_of_status(status)
