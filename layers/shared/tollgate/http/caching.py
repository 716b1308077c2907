"""Replies that are the same for everybody until the next deployment."""

import hashlib
import json

from aws_lambda_powertools.event_handler import Response

from tollgate.http.api import Api

CACHE_CONTROL = "public, max-age=300, stale-while-revalidate=86400"


class Cacheable:
    """A body rendered once a process, with its ETag."""

    def __init__(self, content: object) -> None:
        self._body = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        self._headers = {
            "Cache-Control": CACHE_CONTROL,
            "ETag": f'"{hashlib.sha256(self._body.encode()).hexdigest()[:16]}"',
        }

    def reply(self, app: Api) -> Response[str]:
        """The body, or 304 where the caller has it already."""
        held = app.current_event.headers.get("if-none-match") or ""
        tags = {tag.strip().removeprefix("W/") for tag in held.split(",")}
        if self._headers["ETag"] in tags or "*" in tags:
            return Response(status_code=304, headers=dict(self._headers), body="")
        return Response(status_code=200, content_type="application/json", headers=dict(self._headers), body=self._body)
