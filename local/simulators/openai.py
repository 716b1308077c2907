"""A simulated OpenAI: chat completions with strict JSON schemas, the list of models, and its errors, on the wire."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from hashlib import sha256
from typing import TYPE_CHECKING, Final, cast

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.simulators.llm import Json, answer, tokens
from local.simulators.llm_desk import Desk, Fault, Tokens, delivered, undelivered

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from starlette.requests import Request

_ENDS: Final = {
    "gpt-4o": date(2027, 1, 14),
    "gpt-4o-mini": date(2027, 1, 14),
    "gpt-6-luna": None,
    "gpt-6.1-terra": None,
    "gpt-6.1-sol": None,
}
_SNAPSHOTS: Final = {"gpt-4o": "gpt-4o-2024-08-06", "gpt-4o-mini": "gpt-4o-mini-2024-07-18"}
_MODEL_OF: Final = {name: name for name in _ENDS} | {
    "gpt-4o-2024-08-06": "gpt-4o",
    "gpt-4o-2024-11-20": "gpt-4o",
    "gpt-4o-mini-2024-07-18": "gpt-4o-mini",
}
_DEFAULT_CAP: Final = 16_384

# status, type, code, message
_ERRORS: Final = {
    "400": (400, "invalid_request_error", None, "We could not parse the JSON body of your request."),
    "401": (401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided: sk-loc***********cret."),
    "402": (402, "billing_error", "credit_balance_exhausted", "Your credit balance is exhausted."),
    "403": (
        403,
        "request_forbidden",
        "unsupported_country_region_territory",
        "Country, region, or territory not supported",
    ),
    "429-rate": (429, "requests", "rate_limit_exceeded", "Rate limit reached for gpt-4o on requests per min (RPM)."),
    "429-quota": (
        429,
        "insufficient_quota",
        "insufficient_quota",
        "You exceeded your current quota, please check your plan and billing details.",
    ),
    "429-slow-down": (429, "rate_limit_error", "slow_down", "You are ramping up too fast. Slow down."),
    "500": (500, "server_error", None, "The server had an error while processing your request."),
    "503": (503, "service_unavailable_error", "server_is_overloaded", "The engine is currently overloaded."),
    "504": (504, "server_error", "timeout", "The upstream timed out."),
}


def create(*, clock: Callable[[], datetime], required_key: str | None = None) -> Starlette:
    """The simulator as an ASGI application. `clock` (aware) dates replies, prices and retirements."""
    desk = Desk(clock, required_key)

    async def chat(request: Request) -> Response:
        return await _chat(desk, request)

    async def models(_: Request) -> Response:
        return JSONResponse({"object": "list", "data": [_listed(name, ends) for name, ends in _ENDS.items()]})

    routes = [Route("/v1/chat/completions", chat, methods=["POST"]), Route("/v1/models", models)]
    app = Starlette(routes=[*routes, *desk.routes()])
    app.state.desk = desk
    return app


def _listed(name: str, ends: date | None) -> Json:
    return {
        "id": name,
        "object": "model",
        "created": 1_715_367_049,
        "owned_by": "system",
        "shutdown_date": ends.isoformat() if ends else None,
    }


async def _chat(desk: Desk, request: Request) -> Response:
    fault, body = desk.next_fault(), _parsed(await request.body())
    number = desk.record(request, fault, body)
    headers = _headers(number)
    wrong_key = desk.rejects(request.headers.get("authorization", "").removeprefix("Bearer ").strip())
    if early := _error("401", fault, headers) if wrong_key else _scripted(fault, headers):
        return early
    if problem := _problem(body, desk.clock().date()):
        return _refused(*problem, headers)
    if fault.script == "404-retired":
        return _refused(404, "model_not_found", "model", _missing(str(body["model"])), headers)
    content, model, used = _completion(desk, fault, body, number)
    if model in _ENDS:
        desk.charge(model, used)
    return await delivered(fault, content, headers)


def _parsed(raw: bytes) -> Json:
    try:
        found = json.loads(raw)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _headers(number: int) -> dict[str, str]:
    return {
        "x-request-id": f"req_{sha256(str(number).encode()).hexdigest()[:32]}",
        "openai-version": "2020-10-01",
        "openai-processing-ms": "12",
        "x-ratelimit-limit-requests": "10000",
        "x-ratelimit-remaining-requests": "9999",
        "x-ratelimit-reset-requests": "6ms",
    }


def _scripted(fault: Fault, headers: dict[str, str]) -> Response | None:
    if fault.script == "list-error":
        error = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}
        return JSONResponse([error], status_code=503, headers=headers)
    return undelivered(fault) or (_error(fault.script, fault, headers) if fault.script in _ERRORS else None)


def _error(script: str, fault: Fault, headers: dict[str, str]) -> Response:
    status, kind, code, message = _ERRORS[script]
    waiting = {} if fault.retry_after is None else {"retry-after": f"{fault.retry_after:g}"}
    error = {"message": message, "type": kind, "param": None, "code": code}
    return JSONResponse({"error": error}, status_code=status, headers=headers | waiting)


def _refused(status: int, code: str, param: str, message: str, headers: dict[str, str]) -> Response:
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return JSONResponse({"error": error}, status_code=status, headers=headers)


def _missing(model: str) -> str:
    return f"The model `{model}` does not exist or you do not have access to it."


def _problem(body: Json, today: date) -> tuple[int, str, str, str] | None:
    """Status, code, parameter and message of what is wrong with a request."""
    model = str(body.get("model") or "")
    ends = _ENDS.get(_MODEL_OF.get(model, ""))
    if model not in _MODEL_OF or (ends is not None and today >= ends):
        return 404, "model_not_found", "model", _missing(model)
    if not body.get("messages"):
        return 400, "missing_required_parameter", "messages", "Missing required parameter: 'messages'."
    return _parameter_problem(body, model) or _schema_problem(_schema(body), ())


def _parameter_problem(body: Json, model: str) -> tuple[int, str, str, str] | None:
    """What one generation of models takes and another does not."""
    sixth, effort = model.startswith("gpt-6"), body.get("reasoning_effort")
    if sixth and "max_tokens" in body:
        return 400, "unsupported_parameter", "max_tokens", "Use 'max_completion_tokens' instead."
    if sixth and "temperature" in body and effort != "none":
        return 400, "unsupported_value", "temperature", "Only the default (1) is supported with reasoning."
    if not sixth and effort is not None:
        return 400, "unsupported_parameter", "reasoning_effort", "Unrecognized request argument: reasoning_effort"
    if model.startswith("gpt-6.1") and effort == "none":
        return 400, "unsupported_value", "reasoning_effort", "Supported values are: 'low', 'medium', and 'high'."
    return None


def _schema(body: Json) -> Json:
    wanted = cast("Json", body.get("response_format") or {})
    return cast("Json", cast("Json", wanted.get("json_schema") or {}).get("schema") or {})


def _schema_problem(node: Json, path: tuple[str, ...]) -> tuple[int, str, str, str] | None:
    """Strict mode wants every object closed and every property required."""
    fields = cast("dict[str, Json]", node.get("properties", {}))
    if fields and (node.get("additionalProperties") is not False or sorted(fields) != sorted(_required(node))):
        where = f"In context={path}, 'additionalProperties' must be false and 'required' must name every key."
        return 400, "invalid_json_schema", "response_format", f"Invalid schema for response_format: {where}"
    inner = [*fields.items(), *([("items", cast("Json", node["items"]))] if "items" in node else [])]
    return next((found for name, each in inner if (found := _schema_problem(each, (*path, name)))), None)


def _required(node: Json) -> list[str]:
    return cast("list[str]", node.get("required", []))


def _text(body: Json, role: str) -> str:
    messages = cast("list[Json]", body["messages"])
    return "\n".join(str(message.get("content") or "") for message in messages if message.get("role") == role)


def _completion(desk: Desk, fault: Fault, body: Json, number: int) -> tuple[Json, str, Tokens]:
    """The reply's body, the model it is billed as, and what it used."""
    asked, schema = str(body["model"]), _schema(body)
    model = "gpt-42" if fault.script == "wrong-model" else asked
    text = answer(schema, _text(body, "user")) if schema else "Hello."
    cap = int(str(body.get("max_completion_tokens") or body.get("max_tokens") or _DEFAULT_CAP))
    message, finish = _message(fault, text, cap)
    used = Tokens(tokens(_text(body, "system") + _text(body, "user") + json.dumps(schema)), _spent(message))
    if fault.script == "thinking":
        used = replace(used, thinking=210, output=used.output + 210)
    if fault.script == "cached":
        used = replace(used, cached=used.input // 2)
    reply: Json = {
        "id": f"chatcmpl-sim{number}",
        "object": "chat.completion",
        "created": int(desk.clock().timestamp()),
        "model": _SNAPSHOTS.get(model, model),
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish}],
        "usage": _usage(used),
        "service_tier": "default",
        "system_fingerprint": "fp_simulated",
    }
    if fault.script == "unknown-field":
        reply["carbon_grams"] = 3
    if fault.script == "no-usage":
        del reply["usage"]
    return reply, _MODEL_OF.get(model, model), used


def _message(fault: Fault, text: str, cap: int) -> tuple[Json, str]:
    content: str | None = text
    refusal, finish = None, "stop"
    match fault.script:
        case "refusal" | "safety":
            content, refusal = None, "I'm sorry, but I can't help with that."
        case "filter" | "block":
            content, finish = None, "content_filter"
        case "length":
            content, finish = text[: len(text) // 2], "length"
        case "max-no-parts":
            content, finish = "", "length"
        case "badjson" | "spii" | "recitation":
            content = f"Sure! Here it is: {text[:-1]}"
        case "wrong-shape":
            content = '{"surprise": true}'
        case "fenced-json":
            content = f"```json\n{text}\n```"
        case "unknown-enum":
            finish = "paused_for_thought"
    if content is not None and tokens(content) > cap:
        content, finish = content[: cap * 4], "length"
    return {"role": "assistant", "content": content, "refusal": refusal, "annotations": []}, finish


def _spent(message: Json) -> int:
    return tokens(str(message["content"] or message["refusal"] or ""))


def _usage(used: Tokens) -> Json:
    return {
        "prompt_tokens": used.input,
        "completion_tokens": used.output,
        "total_tokens": used.input + used.output,
        "prompt_tokens_details": {"cached_tokens": used.cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": used.thinking,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
