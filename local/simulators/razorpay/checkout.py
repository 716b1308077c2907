"""What a browser talks to: the checkout script, a page to pay on, and the two calls the script makes."""

import html
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from local.simulators.razorpay import checks, mandates, payments, subscriptions
from local.simulators.razorpay.account import Account
from local.simulators.razorpay.api import body_of
from local.simulators.razorpay.engine import Engine
from local.simulators.razorpay.mandate import outcome_of, upfront
from local.simulators.razorpay.wire import Json, Refusal, error, reply

SCRIPT = Path(__file__).with_name("checkout.js").read_text(encoding="utf-8")
PAGE = Path(__file__).with_name("checkout.html").read_text(encoding="utf-8")
OVERVIEW = Path(__file__).with_name("overview.html").read_text(encoding="utf-8")
FROM_THE_PAGE = {"method", "outcome", "email", "contact", "vpa", "description"}
NOTES_THAT_NAME = ("title", "planName", "plan_name")


def routes(engine: Engine) -> list[BaseRoute]:
    """The script and the calls it makes may be used from any origin, as the real one's."""
    calls: list[BaseRoute] = [
        Route("/{id}/bill", _endpoint(engine, bill)),
        Route("/{id}/pay", _endpoint(engine, pay), methods=["POST"]),
        Route("/{id}", _page(engine)),
    ]
    anywhere = Middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["*"], allow_headers=["*"])
    return [
        Route("/", _overview(engine)),
        Route("/v1/checkout.js", script),
        Mount("/checkout", routes=calls, middleware=[anywhere]),
    ]


async def script(_request: Request) -> Response:
    return Response(SCRIPT, media_type="text/javascript", headers={"Cache-Control": "no-store"})


type Act = Callable[[Engine, Request, Json], Json]


def _endpoint(engine: Engine, act: Act) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            return reply(act(engine, request, await body_of(request)))
        except Refusal as refusal:
            return reply(error(refusal), refusal.status)

    return endpoint


def bill(engine: Engine, request: Request, _body: Json) -> Json:
    """What is to be paid, in words for a person."""
    account, wanted = _account(engine, request.query_params.get("key_id")), str(request.path_params["id"])
    return _bill_of_mandate(account, wanted) if _recurs(wanted) else _bill_of_order(account, wanted)


def _bill_of_order(account: Account, order_id: str) -> Json:
    order = account.order(order_id)
    paid = order["status"] == "paid"
    return {
        "amount": order["amount"],
        "currency": order["currency"],
        "title": title(order),
        "paid": paid,
        "closed": "This order is paid." if paid else None,
    }


def _bill_of_mandate(account: Account, subscription_id: str) -> Json:
    mandate = subscriptions.find(account, subscription_id)
    item = mandate.plan["item"]
    return {
        "amount": upfront(mandate).amount,
        "currency": item["currency"],
        "title": f"{item['name']}, renewed automatically",
        "paid": mandate.status in {"active", "authenticated"},
        "closed": None if mandate.status == "created" else f"This subscription is {mandate.status}.",
    }


def _recurs(wanted: str) -> bool:
    return wanted.startswith("sub_")


def pay(engine: Engine, request: Request, body: Json) -> Json:
    """One attempt of the person at the checkout; the signature is made here, the key secret stays here."""
    account, wanted = _account(engine, body.get("key_id")), str(request.path_params["id"])
    attempt, now = _attempt(body), engine.now()
    if _recurs(wanted):
        mandate = subscriptions.find(account, wanted)
        return outcome_of(account, mandate, mandates.authorise(account, mandate, attempt, now))
    return payments.outcome(account, payments.pay(account, account.order(wanted), attempt, now))


def _attempt(body: Json) -> payments.Attempt:
    """What the page says of the attempt, and nothing it has no say in."""
    said: Json = {name: checks.text(body, name) for name in FROM_THE_PAGE if body.get(name)}
    said["notes"] = checks.notes(body) or {}
    return payments.Attempt(**said)


def _account(engine: Engine, key_id: object) -> Account:
    if key_id != engine.account.key_id:
        raise Refusal("The api key provided is invalid", status=401)
    return engine.account


def title(order: Json) -> str:
    """The plan's name if the order's notes tell it, else the receipt or the id."""
    notes = order["notes"] or {}
    named = [str(notes[name]) for name in NOTES_THAT_NAME if notes.get(name)]
    parts = dict.fromkeys(_words(str(notes[name])) for name in ("tier", "plan") if notes.get(name))
    return named[0] if named else " · ".join(parts) or order["receipt"] or order["id"]


def _words(name: str) -> str:
    return name.replace("-", " ").replace("_", " ").capitalize()


def _overview(engine: Engine) -> Callable[[Request], Awaitable[Response]]:
    """What there is, for a person: orders to pay, subscriptions, webhooks sent."""

    async def overview(_request: Request) -> Response:
        return HTMLResponse(OVERVIEW.replace("__KEY__", engine.account.key_id))

    return overview


def _page(engine: Engine) -> Callable[[Request], Awaitable[Response]]:
    async def page(request: Request) -> Response:
        wanted = request.path_params["id"]
        try:
            find = _bill_of_mandate if _recurs(wanted) else _bill_of_order
            find(engine.account, wanted)
        except Refusal as refusal:
            return HTMLResponse(f"<h1>Nothing to pay</h1><p>{html.escape(refusal.description)}</p>", 404)
        return HTMLResponse(filled(engine, wanted))

    return page


def filled(engine: Engine, wanted: str) -> str:
    """The page for one order or subscription; only ids that exist come here, so nothing in it needs escaping but the JSON."""
    what = "subscription_id" if _recurs(wanted) else "order_id"
    content = {
        "options": {"key": engine.account.key_id, what: wanted, "name": "Local checkout"},
        "verify_url": verify_url(engine.settings.webhook_url),
    }
    return PAGE.replace("__PAGE__", json.dumps(content).replace("<", "\\u003c")).replace("__ID__", wanted)


def verify_url(webhook_url: str | None) -> str:
    """Where the payment is verified: beside the webhook."""
    known = webhook_url or "http://127.0.0.1:3000/api/subscription/webhook"
    return known.rpartition("/")[0] + "/verify-payment"
