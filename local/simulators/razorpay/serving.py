"""The simulator on a port of its own in a thread, for tests and for trying things at a prompt."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import uvicorn
from starlette.types import ASGIApp

from local.simulators.razorpay.app import create
from local.simulators.razorpay.settings import Settings

PATIENCE = 10.0


@contextmanager
def serve(app: ASGIApp, listener: socket.socket) -> Iterator[str]:
    """Serve any ASGI application on this socket until the block ends; gives its URL."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        _wait_for(server)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
        listener.close()


def _wait_for(server: uvicorn.Server) -> None:
    deadline = time.monotonic() + PATIENCE
    while not server.started:
        if time.monotonic() > deadline:
            raise TimeoutError("the server did not start")
        time.sleep(0.005)


@contextmanager
def running(
    settings: Settings | None = None, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Iterator[str]:
    """A simulator on a free port of 127.0.0.1; gives its base URL, which is its `public_url` too."""
    listener = socket.create_server(("127.0.0.1", 0))
    public_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    app = create(clock=clock, settings=replace(settings or Settings(), public_url=public_url))
    with serve(app, listener) as url:
        yield url
