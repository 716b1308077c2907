"""SES's part of the local stack: takes mails as its v2 API does, keeps them instead of sending them, and shows an inbox."""

import json
import uuid
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from html import escape
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from local import clock as clocks

type Json = dict[str, Any]

INDIA = timezone(timedelta(hours=5, minutes=30))
SEND = "/v2/email/outbound-emails"
_STATUS = {"MessageRejected": 400, "BadRequestException": 400, "TooManyRequestsException": 429}
_BROKEN = 500


class Outbox:
    """The mails that functions sent, oldest first; kept in a file of one JSON object a line."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, mail: Json) -> None:
        """Keep one."""
        with self._path.open("a", encoding="utf-8") as out:
            out.write(json.dumps(mail) + "\n")

    def all(self) -> list[Json]:
        """All that were sent."""
        if not self._path.exists():
            return []
        return [json.loads(line) for line in self._path.read_text(encoding="utf-8").splitlines()]


class Ses:
    """SES v2's SendEmail. `fail` makes the next mails go wrong: a code SES would answer with; `lost` takes the mail and answers
    as if it had not. Addresses at `invalid` are refused, as SES refuses what is no address."""

    def __init__(self, outbox: Outbox, clock: Callable[[], datetime]) -> None:
        self._outbox = outbox
        self._clock = clock
        self._faults: deque[str] = deque()

    def routes(self) -> list[BaseRoute]:
        """For Starlette."""
        return [Route(SEND, self.send, methods=["POST"]), Route("/_sim/faults", self.fail, methods=["POST"])]

    async def fail(self, request: Request) -> Response:
        """How the next mails go wrong, one after the other."""
        self._faults.extend(json.loads(await request.body()))
        return JSONResponse({"waiting": list(self._faults)})

    async def send(self, request: Request) -> Response:
        """Take one mail."""
        try:
            mail = _mail(json.loads(await request.body()), self._clock())
        except (ValueError, KeyError, TypeError, IndexError) as error:
            return _refusal("BadRequestException", f"this is no simple mail: {error!r}")
        fault = self._faults.popleft() if self._faults else None
        if fault and fault != "lost":
            return _refusal(fault, "as told")
        if mail["to"].endswith(".invalid") or "@" not in mail["to"]:
            return _refusal("MessageRejected", "this address takes no mail")
        self._outbox.add(mail)
        return _refusal("InternalServiceError", "as told") if fault else JSONResponse({"MessageId": str(uuid.uuid4())})


def _refusal(code: str, message: str) -> Response:
    return JSONResponse({"message": message}, _STATUS.get(code, _BROKEN), {"x-amzn-errortype": code})


def _mail(body: Json, now: datetime) -> Json:
    simple = body["Content"]["Simple"]
    tags = {tag["Name"]: tag["Value"] for tag in body.get("EmailTags") or ()}
    parts = simple["Body"]
    return {
        "to": body["Destination"]["ToAddresses"][0],
        "subject": simple["Subject"]["Data"],
        "text": parts.get("Text", {}).get("Data"),
        "html": parts.get("Html", {}).get("Data"),
        "at": clocks.written(now),
        "kind": tags.get("kind"),
    }


def inbox(mails: list[Json]) -> Response:
    """All mails on one page, newest first, each as its reader sees it."""
    shown = (
        "".join(map(_shown, reversed(mails))).replace("<details>", "<details open>", 1)
        or "<p>No mail was sent yet.</p>"
    )
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Mail</title>'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><style>'
        "body{font:16px/1.5 system-ui,sans-serif;max-width:48rem;margin:2rem auto;padding:0 1rem;color:#1b2330}"
        "details{border:1px solid #d5d9e0;border-radius:8px;margin:0 0 .75rem}summary{padding:.75rem 1rem;cursor:pointer}"
        "small{color:#5b6472;display:block}iframe{width:100%;height:38rem;border:0;border-top:1px solid #d5d9e0}"
        f"</style></head><body><h1>Mail ({len(mails)})</h1>{shown}</body></html>"
    )
    return HTMLResponse(page, headers={"cache-control": "no-store"})


def _shown(mail: Json) -> str:
    at = f"{datetime.fromisoformat(mail['at']).astimezone(INDIA):%d %B %Y, %H:%M} IST"
    about = escape(f"{at} · to {mail['to']} · {mail['kind']}")
    whole = escape(mail["html"] or f"<pre>{escape(mail['text'] or '')}</pre>")  # once more: it is an attribute's value
    frame = f'<iframe sandbox title="{escape(mail["subject"])}" srcdoc="{whole}"></iframe>'
    return (
        f"<details><summary><strong>{escape(mail['subject'])}</strong><small>{about}</small></summary>{frame}</details>"
    )
