"""A server that answers DynamoDB's protocol as it is told, also in the ways in which networks fail."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import format_datetime
from typing import Any

from tollgate import clock

PREFIX = "com.amazonaws.dynamodb.v20120810#"


@dataclass(frozen=True, slots=True)
class Say:
    """An answer. `ends` closes the connection behind it: announced, silently, or in the middle of the body; `kind` is its
    content-encoding."""

    status: int = 200
    body: bytes = b"{}"
    ends: str = ""
    date: str = ""
    kind: str = ""


HANG, DROP = "hang", "drop"

type Plan = Say | str


def error(code: str, status: int = 400, **more: object) -> Say:
    """DynamoDB's error of that name."""
    return Say(status, json.dumps({"__type": f"{PREFIX}{code}", "message": "so planned", **more}).encode())


@dataclass(slots=True)
class Wire:
    """What is planned for the next requests, and what came in; `{}` is the answer to what nobody planned."""

    url: str = ""
    plan: list[Plan] = field(default_factory=list)
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    connections: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def bodies(self) -> list[Any]:
        return [json.loads(body) for _, body in self.requests]

    def serve(self, connection: socket.socket) -> None:
        """One connection, until either side ends it."""
        with suppress(OSError), connection, connection.makefile("rb") as incoming:
            while request := _request(incoming):
                self.requests.append(request)
                told = self.plan.pop(0) if self.plan else Say()
                if told == HANG:
                    self.over.wait()
                if not isinstance(told, Say):
                    return
                if told.ends == "trickling":
                    self.trickle(connection, _bytes(told))
                connection.sendall(_bytes(told))
                if told.ends:
                    return

    def trickle(self, connection: socket.socket, answer: bytes) -> None:
        """A byte at a time, for ever if nobody goes away."""
        for byte in answer:
            connection.sendall(bytes([byte]))
            if self.over.wait(0.05):
                return


def _request(incoming: Any) -> tuple[dict[str, str], bytes] | None:  # noqa: ANN401 -- a file
    if not incoming.readline():
        return None
    headers = {}
    while line := incoming.readline().strip():
        name, _, value = line.decode().partition(":")
        headers[name.lower()] = value.strip()
    return headers, incoming.read(int(headers.get("content-length", 0)))


def _bytes(told: Say) -> bytes:
    headers = {
        "date": told.date or format_datetime(clock.system(), usegmt=True),
        "content-type": "application/x-amz-json-1.0",
        "content-length": str(len(told.body)),
        **({"content-encoding": told.kind} if told.kind else {}),
        **({"connection": "close"} if told.ends == "announced" else {}),
    }
    body = told.body[: len(told.body) // 2] if told.ends == "half" else told.body
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {told.status} So planned\r\n{lines}\r\n".encode() + body


@contextmanager
def running(tls: ssl.SSLContext | None = None) -> Iterator[Wire]:
    """The server, until the block is left."""
    wire, listener = Wire(), socket.create_server(("127.0.0.1", 0))
    wire.url = f"{'https' if tls else 'http'}://127.0.0.1:{listener.getsockname()[1]}"
    served: list[threading.Thread] = []

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                wire.connections += 1
                served.append(threading.Thread(target=one, args=(connection,), daemon=True))
                served[-1].start()

    def one(connection: socket.socket) -> None:
        with suppress(OSError):
            wire.serve(tls.wrap_socket(connection, server_side=True) if tls else connection)

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield wire
    finally:
        wire.over.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join(5)
