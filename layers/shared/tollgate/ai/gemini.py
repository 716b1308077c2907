"""Gemini through `google-generativeai`, the package this product was asked to use.

The package is at its end of life, so everything it needs is fenced here: REST transport, no SDK retries, its
farewell warning, its process-wide configuration, its missing count of thoughts. `gemini_rest` is the same
provider without it.
"""

from __future__ import annotations

import threading
import warnings
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from tollgate.ai.gemini_rest import BASE_URL, parsed, reply, status_error, usage_of
from tollgate.ai.provider import ErrorKind, Kept, ProviderError, completed
from tollgate.ai.schema import gemini_schema
from tollgate.deadlines import DeadlineExceededError, within

if TYPE_CHECKING:
    import requests
    from pydantic import BaseModel

    from tollgate.ai.provider import Completion, Reply, Request, Usage

_configuring = threading.Lock()


class Gemini:
    """The provider `google` through its SDK. `base_url` has no path."""

    name = "google"

    def __init__(self, api_key: str, base_url: str = BASE_URL) -> None:
        self._client = Kept(lambda: _built(api_key, base_url), lambda client: client.transport.close())

    def complete(self, request: Request, timeout: float) -> Completion:
        """Ask once; see `Provider.complete`."""
        return completed(self._client, _asked, request, timeout)

    def prepare(self) -> None:
        """Load and build what the first call would have to."""
        self._client.get()

    def close(self) -> None:
        """Close the connections. The next call opens new ones."""
        self._client.close()


def _built(api_key: str, base_url: str) -> Any:  # noqa: ANN401 -- the package has no types
    """An adapter's own client.

    `configure` writes to one configuration for the whole process. It is called under a lock and the client
    it leads to is taken at once and kept, so another adapter's key or address never reaches this one.
    """
    with _configuring:
        _package().configure(api_key=api_key, transport="rest", client_options={"api_endpoint": base_url})
        from google.generativeai.client import get_default_generative_client

        client: Any = get_default_generative_client()
    # A redirect would carry prompt and key to another host.
    client.transport._session.max_redirects = 0  # noqa: SLF001 -- the package offers no other way
    return client


def _package() -> Any:  # noqa: ANN401 -- the package has no types
    with warnings.catch_warnings():
        # The package announces its end of support at import; the deploy guide says what follows from it.
        warnings.simplefilter("ignore", FutureWarning)
        import google.generativeai

        return google.generativeai


def _asked(client: Any, request: Request, timeout: float) -> Reply:  # noqa: ANN401 -- the package has no types
    error = None
    try:
        response = within(
            timeout,
            lambda: _model(client, request).generate_content(
                request.user, request_options={"timeout": timeout, "retry": None}
            ),
        )
    except DeadlineExceededError:
        error = ProviderError(ErrorKind.TIMEOUT)
    except Exception as raised:  # noqa: BLE001 -- the package lets its parsers' errors through; all end here
        error = _translated(raised)
    if error is not None:  # raised here, so that no exception of the package, with its texts, hangs on ours
        raise error
    return _reply(response, request)


def _model(client: Any, request: Request) -> Any:  # noqa: ANN401 -- the package has no types
    config = {
        "response_mime_type": "application/json",
        "response_schema": _form(request.schema),
        "max_output_tokens": request.token_cap,
    }
    if request.model.accepts_temperature and request.temperature is not None:
        config["temperature"] = request.temperature
    model = _package().GenerativeModel(request.model.id, system_instruction=request.system, generation_config=config)
    model._client = client  # noqa: SLF001 -- else the model takes the process-wide client
    return model


@cache  # to make one is half of a call's work, and it is the same for every call of a task
def _form(schema: type[BaseModel]) -> Any:  # noqa: ANN401 -- the package has no types
    """The schema as the message that the package makes of it."""
    from google.generativeai.types.generation_types import to_generation_config_dict

    return to_generation_config_dict({"response_schema": gemini_schema(schema)})["response_schema"]


def _reply(response: Any, request: Request) -> Reply:  # noqa: ANN401 -- the package has no types
    candidates = list(response.candidates)
    parts = list(candidates[0].content.parts) if candidates else []
    return reply(
        texts=_without_thoughts([part.text for part in parts]),
        finish=getattr(candidates[0].finish_reason, "name", "") if candidates else "",
        blocked=not candidates and "prompt_feedback" in response.to_dict(),
        usage=_usage(response),
        served_model=getattr(response, "model_version", "") or request.model.id,
        request_id=None,  # the package does not show it
    )


def _without_thoughts(texts: list[str]) -> list[str]:
    """The parts from the first on that make a JSON object with those behind it.

    The package loses the mark that tells thoughts from the answer, and thoughts come first.
    """
    tails = (texts[start:] for start in range(len(texts)))
    return next((tail for tail in tails if parsed("".join(tail))), texts)


def _usage(response: Any) -> Usage | None:  # noqa: ANN401 -- the package has no types
    found = response.usage_metadata
    if not found:
        return None
    return usage_of(
        prompt=found.prompt_token_count,
        cached=found.cached_content_token_count,
        answer=found.candidates_token_count,
        total=found.total_token_count,
    )


def _translated(error: Exception) -> ProviderError:
    import requests
    from google.api_core.exceptions import GoogleAPICallError  # noqa: PLC0415 -- loaded by the package already

    if isinstance(error, GoogleAPICallError):
        body, headers = ("", {}) if error.response is None else (error.response.text, error.response.headers)
        return status_error(int(error.code or HTTPStatus.INTERNAL_SERVER_ERROR), parsed(body), headers)
    if isinstance(error, requests.RequestException):
        return _transport_error(error)
    # A body that is not what the package's parser expects; which status it came with is not told.
    return ProviderError(ErrorKind.INVALID_OUTPUT, status=HTTPStatus.OK)


def _transport_error(error: requests.RequestException) -> ProviderError:
    import requests

    match error:
        case requests.Timeout():
            return ProviderError(ErrorKind.TIMEOUT, unsent=isinstance(error, requests.ConnectTimeout))
        case requests.TooManyRedirects():
            return ProviderError(ErrorKind.MISCONFIGURED, status=HTTPStatus.PERMANENT_REDIRECT)
        case requests.exceptions.InvalidJSONError():
            return ProviderError(ErrorKind.INVALID_OUTPUT, status=HTTPStatus.OK)
        case _:
            return ProviderError(ErrorKind.CONNECTION, unsent=_never_connected(error))


def _never_connected(error: requests.RequestException) -> bool:
    from urllib3.exceptions import NewConnectionError  # noqa: PLC0415 -- loaded by the package already

    return bool(error.args) and isinstance(getattr(error.args[0], "reason", None), NewConnectionError)
