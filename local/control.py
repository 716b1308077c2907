"""The routes under /_local: tokens, the clock, mail, jobs, health and a page to buy on. None of it is ever deployed."""

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from local import clock as clocks
from local import mail
from local.clock import Clock
from local.front import Lambda
from local.mail import Outbox
from local.template import ACCOUNT, REGION, Function, Schedule, Template

type Json = dict[str, Any]

TOKEN_LIFE = timedelta(hours=24)
_JOB_SECONDS = 900.0  # the longest a function may run
_PAGE = Path(__file__).with_name("checkout.html")


@dataclass(frozen=True, slots=True)
class Facts:
    """What the control routes say about the rest of the stack."""

    secret: str
    razorpay: str
    health: Mapping[str, object]


def token(secret: str, now: datetime, *, user: str, email: str | None = None, role: str | None = None) -> str:
    """An HS256 token like those the frontend's sign-in hands out, good for a day of the local clock."""
    claims = {"sub": user, "email": email, "role": role or "user"}
    claims = {name: value for name, value in claims.items() if value is not None}
    times = {"iat": int(now.timestamp()), "exp": int((now + TOKEN_LIFE).timestamp())}
    parts = ({"alg": "HS256", "typ": "JWT"}, claims | times)
    signed = ".".join(_encoded(json.dumps(part, separators=(",", ":")).encode()) for part in parts)
    return f"{signed}.{_encoded(hmac.digest(secret.encode(), signed.encode(), hashlib.sha256))}"


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def job_names(template: Template) -> dict[str, Function]:
    """The scheduled jobs by the name of their file."""
    named = [(function.handler.replace("/", ".").split("."), function) for function in template.functions]
    return {parts[1]: function for parts, function in named if parts[0] == "maintenance"}


def schedule_event(schedule: Schedule, function: Function, now: datetime) -> object:
    """What EventBridge Scheduler calls the function with: the payload set for it, else its own envelope."""
    at = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    arn = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/{function.name}{schedule.name}"
    if schedule.payload is not None:
        filled = schedule.payload.replace("<aws.scheduler.scheduled-time>", at)
        return json.loads(filled.replace("<aws.scheduler.schedule-arn>", arn))
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": ACCOUNT,
        "time": at,
        "region": REGION,
        "resources": [arn],
        "detail": "{}",
    }


class Control:
    """The handlers of the control routes."""

    def __init__(self, template: Template, functions: Lambda, clock: Clock, outbox: Outbox, facts: Facts) -> None:
        self._jobs = job_names(template)
        self._functions = functions
        self._clock = clock
        self._outbox = outbox
        self._facts = facts

    def routes(self) -> list[BaseRoute]:
        """All of them, for Starlette."""
        return [
            Route("/", self.home),
            Route("/token", self.token, methods=["POST"]),
            Route("/clock", self.read_clock, methods=["GET"]),
            Route("/clock", self.set_clock, methods=["POST"]),
            Route("/mail", self.mail, methods=["GET"]),
            Route("/mail/view", self.inbox, methods=["GET"]),
            Mount("/ses", routes=mail.Ses(self._outbox, self._clock).routes()),
            Route("/jobs/{name}", self.job, methods=["POST"]),
            Route("/health", self.health, methods=["GET"]),
            Route("/checkout", self.checkout, methods=["GET"]),
        ]

    async def home(self, _request: Request) -> Response:
        """The page is what a person is looking for."""
        return RedirectResponse("/_local/checkout")

    async def token(self, request: Request) -> Response:
        """`{userId, email?, role?}` gives `{token}`."""
        body = await _body(request)
        user = _text(body, "userId")
        if user is None:
            raise HTTPException(400, "userId is missing")
        made = token(self._facts.secret, self._clock(), user=user, email=_text(body, "email"), role=_text(body, "role"))
        return JSONResponse({"token": made})

    async def read_clock(self, _request: Request) -> Response:
        """What time it is here."""
        return JSONResponse({"now": clocks.written(self._clock())})

    async def set_clock(self, request: Request) -> Response:
        """`{now}` or `{advance}` moves the clock of every handler and simulator."""
        body = await _body(request)
        now, advance = _text(body, "now"), _text(body, "advance")
        if (now is None) == (advance is None):
            raise HTTPException(400, 'give either "now" (an ISO 8601 instant) or "advance" (an ISO 8601 duration)')
        try:
            self._clock.set(clocks.instant(now) if now is not None else clocks.later(self._clock(), advance or ""))
        except clocks.Unreadable as error:
            raise HTTPException(400, str(error)) from error
        return await self.read_clock(request)

    async def mail(self, request: Request) -> Response:
        """Every mail that was sent, oldest first; for a browser, as an inbox."""
        if "text/html" in request.headers.get("accept", ""):
            return await self.inbox(request)
        return JSONResponse(self._outbox.all())

    async def inbox(self, _request: Request) -> Response:
        """Every mail, as its reader sees it."""
        return mail.inbox(self._outbox.all())

    async def job(self, request: Request) -> Response:
        """Run a scheduled job now: once for each of its schedules, or once with the body that is given."""
        name = request.path_params["name"]
        function = self._jobs.get(name)
        if function is None:
            raise HTTPException(404, f"no job {name!r}; there are: {', '.join(sorted(self._jobs)) or 'none'}")
        schedules = function.schedules or (Schedule("", "", None),)
        events = {each.name: schedule_event(each, function, self._clock()) for each in schedules}
        if await request.body():
            events = {"body": await _body(request)}
        runs = [await self._run(function, schedule, event) for schedule, event in events.items()]
        return JSONResponse({"job": name, "runs": runs}, 500 if any("error" in run for run in runs) else 200)

    async def _run(self, function: Function, schedule: str, event: Any) -> Json:  # noqa: ANN401 -- any JSON value
        outcome = await self._functions.invoke(function, event, patience=_JOB_SECONDS)
        if outcome.error is not None:
            return {"schedule": schedule, "error": outcome.error}
        return {"schedule": schedule, "result": outcome.loaded()}

    async def health(self, _request: Request) -> Response:
        """What is running, and the time it thinks it is."""
        return JSONResponse({"status": "ok", "now": clocks.written(self._clock()), **self._facts.health})

    async def checkout(self, _request: Request) -> Response:
        """The page to buy a plan and parse a resume on."""
        page = _PAGE.read_text(encoding="utf-8")
        return HTMLResponse(page.replace("{{razorpay}}", self._facts.razorpay), headers={"cache-control": "no-store"})


async def _body(request: Request) -> Json:
    try:
        body = json.loads(await request.body())
    except ValueError as error:
        raise HTTPException(400, "the body is not JSON") from error
    if not isinstance(body, dict):
        raise HTTPException(400, "the body is not a JSON object")
    return body


def _text(body: Json, name: str) -> str | None:
    value = body.get(name)
    if value is None or (isinstance(value, str) and value):
        return value
    raise HTTPException(400, f"{name} must be a text that is not empty")


async def refused(_request: Request, error: Exception) -> Response:
    """A control route's refusal, with a message for people."""
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code)
