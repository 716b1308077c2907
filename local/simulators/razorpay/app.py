"""The simulated Razorpay as one web application."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from local.simulators.razorpay import api, checkout, control
from local.simulators.razorpay.connection import answer_promptly
from local.simulators.razorpay.engine import Engine
from local.simulators.razorpay.settings import Settings
from local.simulators.razorpay.wire import reply


class Simulator(Starlette):
    """Starlette, with the faults around all of it: they need the server's own `send`, unwrapped."""

    engine: Engine

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.engine.start()
            answer_promptly(send)
            await self.engine.faults.serve(super().__call__, scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def create(*, clock: Callable[[], datetime], settings: Settings) -> Starlette:
    """A simulator with nothing in it yet; its state lives and dies with the application returned."""
    engine = Engine(clock, settings)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        engine.start()
        yield
        await engine.stop()

    app = Simulator(
        routes=[*checkout.routes(engine), *control.routes(engine), *api.routes(engine)],
        lifespan=lifespan,
        exception_handlers={404: _no_route, 405: _no_route},
    )
    app.engine = engine
    return app


async def _no_route(_request: Request, _problem: Exception) -> Response:
    """The gateway's word for a path that is nobody's."""
    return reply({"message": "no Route matched with those values"}, 404)
