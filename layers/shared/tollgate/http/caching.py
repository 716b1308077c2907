"""Replies that are the same for everybody until the next deployment."""

import hashlib
import json
from collections.abc import Mapping

from aws_lambda_powertools.event_handler import Response

from tollgate.http.api import Api

CACHE_CONTROL = "public, max-age=300, stale-while-revalidate=86400"


class Cacheable:
    """A body rendered once a process, with its ETag: a text as it is, anything else as JSON."""

    def __init__(
        self, content: object, content_type: str = "application/json", headers: Mapping[str, str] | None = None
    ) -> None:
        as_json = not isinstance(content, str)
        self._body = json.dumps(content, ensure_ascii=False, separators=(",", ":")) if as_json else str(content)
        self._content_type = content_type
        self._headers = {
            **(headers or {}),
            "Cache-Control": CACHE_CONTROL,
            "ETag": f'"{hashlib.sha256(self._body.encode()).hexdigest()[:16]}"',
        }

    def reply(self, app: Api) -> Response[str]:
        """The body, or 304 where the caller has it already."""
        held = app.current_event.headers.get("if-none-match") or ""
        tags = {tag.strip().removeprefix("W/") for tag in held.split(",")}
        if self._headers["ETag"] in tags or "*" in tags:
            return Response(status_code=304, headers=dict(self._headers), body="")
        return Response(200, self._content_type, headers=dict(self._headers), body=self._body)
