"""The control plane under `/_sim/`: what people do and what goes wrong, on request, and a look at everything."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from local.simulators.razorpay import control_books, control_payers, control_webhooks
from local.simulators.razorpay.api import body_of
from local.simulators.razorpay.command import Act, Command, Entry, built
from local.simulators.razorpay.engine import Engine
from local.simulators.razorpay.faults import Fault
from local.simulators.razorpay.settings import Switches
from local.simulators.razorpay.wire import Json, Refusal, error, reply


def add_faults(command: Command) -> list[Json]:
    """One fault, or several under `faults`."""
    asked = command.body.get("faults", [command.body])
    for one in [built(Fault, fault) for fault in asked]:
        command.engine.faults.add(one)
    return command.engine.faults.public()


def list_faults(command: Command) -> list[Json]:
    return command.engine.faults.public()


def clear_faults(command: Command) -> list[Json]:
    command.engine.faults.clear()
    return []


def options(command: Command) -> Json:
    """Read the switches, or turn those named."""
    switches = command.engine.switches
    built(Switches, command.body)
    for name, value in command.body.items():
        setattr(switches, name, value)
    return asdict(switches)


def state(command: Command) -> Json:
    """Everything there is; with `user`, only what their notes say is theirs, of what people have at all."""
    engine = command.engine
    account, user = engine.account, command.body.get("user")
    shelves = _theirs(str(user), account.shelves()) if user else account.shelves()
    return {
        "now": engine.now().isoformat(),
        "account_id": account.post.account_id,
        "options": asdict(engine.switches),
        "webhooks": control_webhooks.switches(command)
        | {"endpoints": [one.public() for one in account.post.endpoints]},
        "faults": engine.faults.public(),
        **{name: list(shelf.values()) for name, shelf in shelves.items()},
    }


def _theirs(user: str, shelves: dict[str, dict[str, Json]]) -> dict[str, dict[str, Json]]:
    def kept(name: str, wanted: Callable[[Json], bool]) -> dict[str, Json]:
        return {key: each for key, each in shelves[name].items() if wanted(each)}

    def is_theirs(each: Json) -> bool:
        return isinstance(each["notes"], dict) and each["notes"].get("userId") == user

    orders, subscriptions = kept("orders", is_theirs), kept("subscriptions", is_theirs)
    invoices = kept("invoices", lambda each: each["subscription_id"] in subscriptions)
    payments = kept("payments", lambda each: each["order_id"] in orders or each["invoice_id"] in invoices)
    found = {"orders": orders, "subscriptions": subscriptions, "invoices": invoices, "payments": payments}
    about = {name: kept(name, lambda each: each["payment_id"] in payments) for name in ("refunds", "disputes")}
    return {**shelves, **found, **about}


TABLE: list[Entry] = [
    *control_payers.TABLE,
    *control_webhooks.TABLE,
    *control_books.TABLE,
    ("GET", "/faults", list_faults),
    ("POST", "/faults", add_faults),
    ("DELETE", "/faults", clear_faults),
    ("GET", "/options", options),
    ("PATCH", "/options", options),
    ("GET", "/state", state),
]


def routes(engine: Engine) -> list[BaseRoute]:
    async def reset(_request: Request) -> Response:
        await engine.reset()
        return reply({"reset": True})

    table = [Route(f"/_sim{path}", _endpoint(engine, act), methods=[method]) for method, path, act in TABLE]
    return [*table, Route("/_sim/reset", reset, methods=["POST"])]


def _endpoint(engine: Engine, act: Act) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            body = {**request.query_params, **await body_of(request)}
            engine.now()
            return reply(act(Command(engine, {k: str(v) for k, v in request.path_params.items()}, body)))
        except Refusal as refusal:
            return reply(error(refusal), refusal.status)

    return endpoint
