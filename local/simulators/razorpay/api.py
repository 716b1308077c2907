"""The API under `/v1`: authentication, the body as JSON, the handler's answer or its refusal."""

import base64
import binascii
import itertools
import json

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.routing import Route as HttpRoute

from local.simulators.razorpay import (
    customers,
    disputes,
    invoices,
    orders,
    payments,
    plans,
    refunds,
    settlements,
    subscriptions,
    webhook_api,
)
from local.simulators.razorpay.account import Account
from local.simulators.razorpay.engine import Engine
from local.simulators.razorpay.route import Call, Route
from local.simulators.razorpay.wire import Json, Refusal, bare_error, error, reply

TABLE: list[Route] = [
    *orders.ROUTES,
    *payments.ROUTES,
    *refunds.ROUTES,
    *customers.ROUTES,
    *disputes.ROUTES,
    *settlements.ROUTES,
    *plans.ROUTES,
    *subscriptions.ROUTES,
    *invoices.ROUTES,
    *webhook_api.ROUTES,
]
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def routes(engine: Engine) -> list[BaseRoute]:
    """All of the API, and Razorpay's word for whatever else is asked of `/v1`."""
    known = [_route(engine, route) for route in TABLE]
    return [*known, HttpRoute("/v1/{rest:path}", _not_found, methods=METHODS)]


def _route(engine: Engine, route: Route) -> BaseRoute:
    async def endpoint(request: Request) -> Response:
        account = authenticated(engine, request)
        if account is None:
            return reply(bare_error("BAD_REQUEST_ERROR", "Authentication failed"), 401)
        try:
            body = await body_of(request)
            return reply(route.handle(account, _call(engine, request, body)))
        except Refusal as refusal:
            return reply(error(refusal), refusal.status)

    return HttpRoute(f"/v1{route.path}", endpoint, methods=[route.method])


async def _not_found(_request: Request) -> Response:
    return reply(error(Refusal("The requested URL was not found on the server.")), 400)


def authenticated(engine: Engine, request: Request) -> Account | None:
    """The account whose keys are given; the scheme's spelling must be exact."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme != "Basic":
        return None
    try:
        key_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return engine.account_of(key_id, secret)


async def body_of(request: Request) -> Json:
    """The JSON object sent; none is an empty one."""
    raw = await request.body()
    if not raw:
        return {}
    try:
        body = json.loads(raw)
    except ValueError as problem:
        raise Refusal("The request body is not valid JSON.") from problem
    if not isinstance(body, dict):
        raise Refusal("The request body must be a JSON object.")
    return body


def _call(engine: Engine, request: Request, body: Json) -> Call:
    parameters = request.query_params
    expand = itertools.chain(parameters.getlist("expand[]"), parameters.getlist("expand[0]"))
    return Call(
        now=engine.now(),
        body=body,
        path={name: str(value) for name, value in request.path_params.items()},
        query=dict(parameters),
        expand=tuple(expand),
        headers=dict(request.headers),
    )
