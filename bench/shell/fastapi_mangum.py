"""FastAPI behind Mangum. Runs in the peers' environment; writes no line and no metrics."""

from __future__ import annotations

import asyncio
import importlib
from typing import Any

from bench.shell.body import Body

fastapi: Any = importlib.import_module("fastapi")
mangum: Any = importlib.import_module("mangum")

asyncio.set_event_loop(asyncio.new_event_loop())
app = fastapi.FastAPI()


async def shell(body: Body) -> dict[str, object]:  # a plain function would go to a thread, which costs more
    return {"name": body.name, "count": body.count}


app.post("/shell")(shell)
handler = mangum.Mangum(app, lifespan="off")
