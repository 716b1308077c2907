"""What the tests of the simulated AI providers share: a clock, a server, the control plane."""

from __future__ import annotations

import json
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import uvicorn
from starlette.applications import Starlette

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@dataclass(slots=True)
class Clock:
    """A clock that stands still until it is moved."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@contextmanager
def served(app: Starlette) -> Iterator[str]:
    """The application on a free port of the loopback; its address."""
    # Named TCP, for asyncio turns Nagle off (40 ms a call) only on sockets that say so.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off", timeout_graceful_shutdown=0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(5)
    listener.close()


def control(url: str, path: str, body: object = None) -> dict[str, Any]:
    """Speak to a simulator's control plane."""
    return asked(f"{url}/_sim/{path}", body)[1]


def asked(url: str, body: object = None, **headers: str) -> tuple[int, dict[str, Any]]:
    """GET, or POST a body; the status and the JSON of the answer."""
    data = None if body is None else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, data=data, headers=named)  # noqa: S310 -- a loopback address
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:  # noqa: S310 -- as above
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)
