"""A simulated Gemini API: generateContent in both spellings, and its errors, on the wire."""

from __future__ import annotations

import json
import re
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

_MODELS: Final = (
    "gemini-2.5-flash",
    "gemini-2.5-flash-lite",
    "gemini-3.1-flash-lite",
    "gemini-3.5-flash-lite",
    "gemini-3.8-flash",
)
_ENDS: Final = {"gemini-3.1-flash-lite": date(2027, 5, 7)}
# From that day on the old name is answered by another model, at that model's price.
_REROUTED: Final = {"gemini-2.5-flash": (date(2026, 12, 1), "gemini-3.5-flash-lite")}
_DEFAULT_CAP: Final = 8_192
_FINISHES: Final = {
    "safety": "SAFETY",
    "refusal": "SAFETY",
    "spii": "SPII",
    "recitation": "RECITATION",
    "max-no-parts": "MAX_TOKENS",
    "length": "MAX_TOKENS",
    "unknown-enum": "PAUSED_FOR_THOUGHT",
}
_RPC: Final = "type.googleapis.com/google.rpc."

# status, name, message, details
_ERRORS: Final[dict[str, tuple[int, str, str, list[Json]]]] = {
    "400": (400, "INVALID_ARGUMENT", "Request contains an invalid argument.", []),
    "401": (
        400,
        "INVALID_ARGUMENT",
        "API key not valid. Please pass a valid API key.",
        [{"@type": f"{_RPC}ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}],
    ),
    "402": (402, "RESOURCE_EXHAUSTED", "Your prepaid balance is used up.", []),
    "403": (403, "PERMISSION_DENIED", "The caller does not have permission", []),
    "429-rate": (429, "RESOURCE_EXHAUSTED", "You exceeded your current quota.", []),
    "429-slow-down": (429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota).", []),
    "429-quota": (
        429,
        "RESOURCE_EXHAUSTED",
        "You exceeded your current quota, please check your plan and billing details.",
        [],
    ),
    "500": (500, "INTERNAL", "An internal error has occurred.", []),
    "503": (503, "UNAVAILABLE", "The model is overloaded. Please try again later.", []),
    "504": (504, "DEADLINE_EXCEEDED", "Deadline expired before operation could complete.", []),
}


def create(*, clock: Callable[[], datetime], required_key: str | None = None) -> Starlette:
    """The simulator as an ASGI application. `clock` (aware) dates prices and retirements."""
    desk = Desk(clock, required_key)

    async def generate(request: Request) -> Response:
        return await _generate(desk, request)

    async def models(_: Request) -> Response:
        return JSONResponse({"models": [{"name": f"models/{name}", "version": "001"} for name in _MODELS]})

    versions = ("/v1", "/v1beta")
    routes = [
        *(Route(f"{version}/models/{{model}}:generateContent", generate, methods=["POST"]) for version in versions),
        *(Route(f"{version}/models", models) for version in versions),
    ]
    app = Starlette(routes=[*routes, *desk.routes()])
    app.state.desk = desk
    return app


async def _generate(desk: Desk, request: Request) -> Response:
    fault, body = desk.next_fault(), _parsed(await request.body())
    number = desk.record(request, fault, body)
    model, today = str(request.path_params["model"]), desk.clock().date()
    if desk.rejects(request.headers.get("x-goog-api-key") or request.query_params.get("key") or ""):
        return _error("401", fault)
    if early := _scripted(fault):
        return early
    ends = _ENDS.get(model)
    if model not in _MODELS or fault.script == "404-retired" or (ends is not None and today >= ends):
        return _plain_error(404, "NOT_FOUND", f"models/{model} is not found for API version v1beta.", [])
    if problem := _problem(body, model):
        return _plain_error(400, "INVALID_ARGUMENT", problem, [])
    since, successor = _REROUTED.get(model, (date.max, model))
    served = successor if today >= since else model
    content, used = _reply(fault, body, served, number)
    if fault.script != "wrong-model":
        desk.charge(served, used)
    return await delivered(fault, content, {})


def _parsed(raw: bytes) -> Json:
    """The body with every key in camelCase, however it was written."""
    try:
        found = _camel(json.loads(raw))
    except ValueError:
        return {}
    return cast("Json", found) if isinstance(found, dict) else {}


def _camel(value: object, *, names: bool = False) -> object:
    """`names` says that the keys are a schema's property names, which stay as they are."""
    if isinstance(value, list):
        return [_camel(each) for each in value]
    if not isinstance(value, dict):
        return value
    keys = {key: key if names else re.sub(r"_+([a-z])", lambda found: found[1].upper(), key) for key in value}
    return {keys[key]: _camel(each, names=not names and keys[key] == "properties") for key, each in value.items()}


def _scripted(fault: Fault) -> Response | None:
    if fault.script == "list-error":
        error = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}
        return JSONResponse([error], status_code=503)
    return undelivered(fault) or (_error(fault.script, fault) if fault.script in _ERRORS else None)


def _error(script: str, fault: Fault) -> Response:
    status, name, message, details = _ERRORS[script]
    if script in {"429-rate", "429-quota"}:
        details = _quota("PerDay" if script == "429-quota" else "PerMinute")
    if fault.retry_after is not None:
        details = [*details, {"@type": f"{_RPC}RetryInfo", "retryDelay": f"{fault.retry_after:g}s"}]
    return _plain_error(status, name, message, details)


def _quota(window: str) -> list[Json]:
    metric = "generativelanguage.googleapis.com/generate_content_paid_tier_requests"
    quota = f"GenerateRequests{window}PerProjectPerModel"
    return [
        {"@type": f"{_RPC}QuotaFailure", "violations": [{"quotaMetric": metric, "quotaId": quota, "quotaValue": "10"}]},
        {"@type": f"{_RPC}Help", "links": [{"description": "Learn more about Gemini API quotas"}]},
    ]


def _plain_error(status: int, name: str, message: str, details: list[Json]) -> Response:
    error: Json = {"code": status, "message": message, "status": name}
    return JSONResponse({"error": error | ({"details": details} if details else {})}, status_code=status)


def _config(body: Json) -> Json:
    return cast("Json", body.get("generationConfig") or {})


def _problem(body: Json, model: str) -> str | None:
    """What is wrong with a request, in the provider's words."""
    contents = cast("list[Json]", body.get("contents") or [])
    if not contents:
        return "* GenerateContentRequest.contents: contents is not specified"
    if contents[-1].get("role") == "model":
        return "Please ensure that the last turn is from the user."
    thinking = cast("Json", _config(body).get("thinkingConfig") or {})
    if str(thinking.get("thinkingLevel")).upper() == "MINIMAL" and model == "gemini-3.8-flash":
        return "Thinking level MINIMAL is not supported for this model."
    return _schema_problem(cast("Json", _config(body).get("responseSchema") or {}))


def _schema_problem(node: Json) -> str | None:
    unknown = {"$ref", "$defs", "default", "additionalProperties", "anyOf", "title"} & set(node)
    if unknown:
        return f'Invalid JSON payload received. Unknown name "{min(unknown)}" at generation_config.response_schema'
    fields = cast("dict[str, Json]", node.get("properties", {}))
    inner = [*fields.values(), *([cast("Json", node["items"])] if "items" in node else [])]
    return next((found for each in inner if (found := _schema_problem(each))), None)


def _texts(content: object) -> str:
    parts = cast("Json", content).get("parts") if isinstance(content, dict) else None
    found = parts if isinstance(parts, list) else [parts]
    return "\n".join(str(part.get("text") or "") for part in found if isinstance(part, dict))


def _reply(fault: Fault, body: Json, model: str, number: int) -> tuple[Json, Tokens]:
    user = "\n".join(_texts(content) for content in cast("list[object]", body["contents"]))
    schema = cast("Json", _config(body).get("responseSchema") or {})
    text = answer(schema, user) if schema else "Hello."
    parts, finish = _answered(fault, text, int(str(_config(body).get("maxOutputTokens") or _DEFAULT_CAP)))
    prompt = tokens(_texts(body.get("systemInstruction")) + user + json.dumps(schema))
    used = Tokens(prompt, tokens("".join(str(part["text"]) for part in parts if not part.get("thought"))))
    if fault.script in {"thinking", "thought-parts", "max-no-parts"}:
        used = replace(used, thinking=210, output=used.output + 210)
    if fault.script == "cached":
        used = replace(used, cached=used.input // 2)
    reply: Json = {
        "usageMetadata": _usage(used),
        "modelVersion": "gemini-42-ultra" if fault.script == "wrong-model" else model,
        "responseId": f"sim{sha256(str(number).encode()).hexdigest()[:20]}",
    }
    if fault.script in {"block", "filter"}:
        used = Tokens(prompt, 0)
        return reply | {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": _usage(used)}, used
    candidate: Json = {"content": {"role": "model", "parts": parts}, "finishReason": finish, "index": 0}
    if not parts:
        candidate["content"] = {"role": "model"}
    if fault.script == "unknown-field":
        candidate["carbonGrams"] = 3
        reply["carbonGrams"] = 3
    if fault.script == "no-usage":
        del reply["usageMetadata"]
    return reply | {"candidates": [candidate]}, used


def _answered(fault: Fault, text: str, cap: int) -> tuple[list[Json], str]:
    """The parts and the finish reason."""
    finish = _FINISHES.get(fault.script, "STOP")
    match fault.script:
        case "safety" | "refusal" | "spii" | "recitation" | "max-no-parts":
            return [], finish
        case "thought-parts":
            return [{"text": "Let me read the resume first. ", "thought": True}, {"text": text}], finish
        case "length":
            text = text[: len(text) // 2]
        case "badjson":
            text = f"Sure! Here it is: {text[:-1]}"
        case "wrong-shape":
            text = '{"surprise": true}'
        case "fenced-json":
            text = f"```json\n{text}\n```"
    if tokens(text) > cap:
        text, finish = text[: cap * 4], "MAX_TOKENS"
    return [{"text": text}], finish


def _usage(used: Tokens) -> Json:
    counts: Json = {
        "promptTokenCount": used.input,
        "candidatesTokenCount": used.output - used.thinking,
        "totalTokenCount": used.input + used.output,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": used.input}],
    }
    if used.cached:
        counts["cachedContentTokenCount"] = used.cached
    if used.thinking:
        counts["thoughtsTokenCount"] = used.thinking
    return counts
