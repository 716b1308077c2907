"""Every reply that is not what was asked for: application/problem+json (RFC 9457), with the original's `error` text."""

import json
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.event_handler import Response

from tollgate.errors import Refusal

CONTENT_TYPE = "application/problem+json"


def problem(refusal: Refusal, request_id: str) -> Response[str]:
    """The reply for a refusal."""
    body = {
        "type": f"urn:tollgate:problem:{refusal.code}",
        "title": refusal.title,
        "status": refusal.status,
        "detail": refusal.detail,
        "error": refusal.detail,
        "code": refusal.code,
        "requestId": request_id,
        **refusal.facts,
    }
    return _reply(refusal.status, body, refusal.headers)


def bug(request_id: str) -> Response[str]:
    """The reply where we failed. It names the request and nothing else."""
    body = {
        "type": "urn:tollgate:problem:internal_error",
        "title": "Something went wrong on our side",
        "status": 500,
        "detail": "The request could not be completed. Give this request id to support.",
        "error": "Internal server error",
        "code": "internal_error",
        "requestId": request_id,
    }
    return _reply(500, body, {})


def _reply(status: int, body: Mapping[str, Any], headers: Mapping[str, str]) -> Response[str]:
    return Response(
        status_code=status,
        content_type=CONTENT_TYPE,
        body=json.dumps(body, ensure_ascii=False),
        headers={"Cache-Control": "no-store", **headers},
    )
