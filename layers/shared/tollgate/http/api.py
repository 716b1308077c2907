"""The shell of every HTTP function: who may call, what came in, and one line and one set of metrics a request.

Built on Powertools' HTTP resolver. A function declares its access when it makes its `Api`; there is no default.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from time import perf_counter
from typing import TYPE_CHECKING, Any, cast

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware
from aws_lambda_powertools.metrics import MetricUnit

from tollgate import clock
from tollgate.config import Runtime, namespace, settings
from tollgate.errors import Forbidden, InvalidRequest, NotFound, PayloadTooLarge, Refusal, Unauthorized
from tollgate.http.measures import SERVICE, Measures
from tollgate.http.problems import bug, problem
from tollgate.http.tokens import Identity, verify
from tollgate.logs import place_of, report

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic_core import ErrorDetails

    from tollgate.users import User

type Handler = Callable[[dict[str, Any], Any], dict[str, Any]]

LARGEST_BODY = 64 * 1024  # bytes; the endpoints that take files say so

logger = Logger(service=SERVICE)  # for what is said besides
metrics = Measures(namespace())


class Access(StrEnum):
    """Who may call a route."""

    PUBLIC = "public"
    USER = "user"
    ADMIN = "admin"
    SIGNATURE = "signature"  # the route itself checks who signed the body


class Api(APIGatewayHttpResolver):
    """The routes of one function, and what they ask of a request."""

    def __init__(self, access: Access, largest_body: int = LARGEST_BODY) -> None:
        super().__init__(serializer=_to_json)
        self.access = access
        self.largest_body = largest_body
        self.exception_handler(Refusal)(self._refused)
        self.exception_handler(NotFoundError)(self._missing)
        self.exception_handler(Exception)(self._failed)
        if access in {Access.USER, Access.ADMIN}:
            self.use([authenticate])

    @property
    def now(self) -> datetime:
        """The instant of the request; every decision about it is made at this one."""
        if "now" not in self.context:
            self.context["now"] = clock.now()
        return cast("datetime", self.context["now"])

    @property
    def request_id(self) -> str:
        """The id under which the request is found in the logs."""
        return str(self.lambda_context.aws_request_id)

    @property
    def caller(self) -> Identity:
        """Who is calling, as the token proves it."""
        return cast("Identity", self.context["caller"])

    @property
    def user(self) -> User | None:
        """The caller's record, read once a request; None where nothing is written yet.

        Raises Unauthorized for a token from before the user signed out everywhere. Every route looks here; not so the AI tasks,
        whose admission tells, and verify-payment, which takes in money (`docs/decisions/0030`).
        """
        if "user" not in self.context:
            from tollgate.store import users  # noqa: PLC0415 -- public routes load no database client

            self.context["user"] = users.get(self.caller.user_id)
        known = cast("User | None", self.context["user"])
        if known:
            known.must_accept(self.caller.issued_at)
        return known

    def must_be_signed_in(self) -> None:
        """What looking at `user` does, for routes that have no other use for the record. Raises Unauthorized."""
        _ = self.user

    @property
    def account(self) -> User:
        """The caller's record, or that of somebody who has not done anything yet; with the e-mail address of the token."""
        from tollgate.store import users  # noqa: PLC0415 -- as above

        known = self.user or users.fresh(self.caller.user_id, self.caller.email, self.now)
        known.must_be_open()
        return replace(known, email=self.caller.email or known.email)

    @property
    def raw_body(self) -> bytes:
        """The request's bytes as they were sent. Raises PayloadTooLarge."""
        body = self.current_event.body or ""
        try:
            raw = base64.b64decode(body, validate=True) if self.current_event.is_base64_encoded else body.encode()
        except ValueError as error:  # no base64, not even ASCII, or half a surrogate pair
            raise InvalidRequest("The body cannot be read.", errors=[]) from error
        if len(raw) > self.largest_body:
            raise PayloadTooLarge(f"The body may have at most {self.largest_body:,} bytes.", limit=self.largest_body)
        return raw

    def body[M: BaseModel](self, model: type[M]) -> M:
        """The JSON body, validated. Raises InvalidRequest, field by field, and PayloadTooLarge."""
        from pydantic import ValidationError  # noqa: PLC0415 -- only functions that take a body load it

        raw = self.raw_body or b"{}"
        try:
            return model.model_validate_json(raw)
        except ValidationError as error:
            raise InvalidRequest(
                "The request body is not valid.",
                errors=[_field_error(each) for each in error.errors(include_url=False, include_input=False)],
            ) from error

    def query(self, name: str) -> str | None:
        """A query parameter."""
        return (self.current_event.query_string_parameters or {}).get(name)

    def _refused(self, refusal: Refusal) -> Response[str]:
        self.context["code"] = refusal.code
        return problem(refusal, self.request_id)

    def _missing(self, _: NotFoundError) -> Response[str]:
        # API Gateway knows our routes, but lets characters into a path that a route's pattern does not.
        return self._refused(NotFound("There is nothing at this address."))

    def _failed(self, error: Exception) -> Response[str]:
        self.context["code"] = "internal_error"
        _log_bug(error, self.request_id)
        return bug(self.request_id)


def authenticate(app: Api, next_middleware: NextMiddleware) -> Response[Any]:
    """Let in whoever holds a valid bearer token, and only admins where the route is theirs."""
    given = app.current_event.headers.get("authorization") or ""
    scheme, _, token = given.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthorized("Send a bearer token in the Authorization header.")
    app.context["caller"] = verify(token.strip(), settings().tokens, app.now)
    if app.access is Access.ADMIN:
        if app.caller.role != "admin":
            raise Forbidden("Only administrators may do this.")
        _ = app.raw_body  # one that is too large reaches no table
        app.must_be_signed_in()  # what these routes read are other people's records, never the caller's own
    return next_middleware(app)


def entrypoint(app: Api, *needs: Callable[[], object]) -> Handler:
    """The Lambda handler of a function's routes. `needs` builds what every request of it will use."""
    if app.access is not Access.PUBLIC:
        from tollgate.store.dynamodb import engine  # noqa: PLC0415 -- public routes load no database client

        needs = (engine, *needs)
    if Runtime().in_cloud:  # while it starts, a function has a whole processor; in its first request it has not
        for build in needs:
            build()

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 -- Lambda's own
        started = perf_counter()
        app.context["now"] = clock.now()
        reply = _resolve(app, event, context)
        _record(event, context, reply, (perf_counter() - started) * 1000)
        return reply

    return handler


def _resolve(app: Api, event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 -- Lambda's
    try:
        return app.resolve(event, context)
    except Exception as error:  # noqa: BLE001 -- the last edge: whatever happens, the caller gets a reply
        _log_bug(error, context.aws_request_id)
        return _bare_bug(context)


def _log_bug(error: Exception, request_id: str) -> None:
    # The type and place of the error, never its text: that may hold what a user sent.
    logger.error("bug", error=type(error).__name__, at=place_of(error), request_id=request_id)
    report(error, request_id=request_id)


def _bare_bug(context: Any) -> dict[str, Any]:  # noqa: ANN401 -- Lambda's
    reply = bug(context.aws_request_id)
    return {"statusCode": reply.status_code, "headers": {**reply.headers}, "body": reply.body, "isBase64Encoded": False}


def _record(event: Mapping[str, Any], context: Any, reply: Mapping[str, Any], took_ms: float) -> None:  # noqa: ANN401 -- Lambda's
    status = reply["statusCode"]
    route = event.get("routeKey")
    # AI tasks wait for a model: among them no slow page would be seen.
    waits = "AiLatency" if " /api/ai/" in str(route) else "Latency"
    metrics.add_metric(waits, MetricUnit.Milliseconds, round(took_ms, 1))
    if status >= 500:  # noqa: PLR2004 -- a status
        metrics.add_metric("Errors", MetricUnit.Count, 1)
    if status == 500:  # noqa: PLR2004 -- as above
        metrics.add_metric("Bugs", MetricUnit.Count, 1)
    metrics.write(
        "request",
        clock.system(),
        route=route,
        status=status,
        code=_code_of(reply) if status >= 400 else None,  # noqa: PLR2004 -- a status
        took_ms=round(took_ms, 1),
        request_id=context.aws_request_id,
    )


def _code_of(reply: Mapping[str, Any]) -> str | None:
    try:
        return str(json.loads(reply["body"])["code"])
    except (ValueError, KeyError, TypeError):
        return None


def _field_error(error: ErrorDetails) -> dict[str, str]:
    # What our own validators say comes with a word of pydantic's before it.
    message = error["msg"].removeprefix("Value error, ")
    return {"field": ".".join(str(part) for part in error["loc"]), "message": message}


def _to_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
