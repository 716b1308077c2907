"""Kept connections to one host, on the standard library's HTTP client: less work than those built for it, and exact deadlines."""

from __future__ import annotations

import http.client
import io
import select
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

from tollgate.deadlines import DeadlineExceededError, within


class NotConnectedError(OSError):
    """The host could not be reached: nothing was sent. The cause says why."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the host answered."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


class Connections:
    """Requests to one host, each on a connection of its own while it lasts. Threads may share them."""

    def __init__(self, url: str, tls: ssl.SSLContext | None = None) -> None:
        place = urlsplit(url)
        self._host, self._port = place.hostname or "", place.port
        self._tls = (tls or ssl.create_default_context()) if place.scheme == "https" else None
        self._idle: list[_Connection] = []

    def post(
        self, path: str, body: bytes, headers: Mapping[str, str], *, connect: float, seconds: float, again: bool = False
    ) -> Reply:
        """The answer to a POST, whole within `seconds`, of which connecting may take `connect`.

        With `again`, what found its kept connection closed by the host goes out once more on a new one. Raises
        NotConnectedError, TimeoutError, OSError or HTTPException.
        """
        deadline = time.monotonic() + seconds
        if kept := self._kept():
            try:
                return self._posted(kept, path, body, headers, deadline)
            except TimeoutError:
                raise
            except OSError:
                if not again:
                    raise
        return self._posted(self._opened(min(connect, seconds)), path, body, headers, deadline)

    def close(self) -> None:
        """Close those that wait. The next request opens a new one."""
        while self._idle:
            self._idle.pop().http.close()

    def _kept(self) -> _Connection | None:
        """One that waits and is still open."""
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:  # another thread was quicker
                return None
            if not connection.socket.is_readable():
                return connection
            connection.http.close()
        return None

    def _opened(self, seconds: float) -> _Connection:
        connection = (
            http.client.HTTPSConnection(self._host, self._port, timeout=seconds, context=self._tls)
            if self._tls
            else http.client.HTTPConnection(self._host, self._port, timeout=seconds)
        )
        try:
            within(seconds, connection.connect)
        except (OSError, DeadlineExceededError) as error:
            connection.close()
            raise NotConnectedError(type(error).__name__) from error
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        timed = _Socket(connection.sock)
        connection.sock = cast("socket.socket", timed)  # as much of one as the HTTP client uses
        return _Connection(connection, timed)

    def _posted(
        self, connection: _Connection, path: str, body: bytes, headers: Mapping[str, str], deadline: float
    ) -> Reply:
        connection.socket.deadline = deadline
        try:
            connection.http.request("POST", path, body, headers)
            response = connection.http.getresponse()
            reply = Reply(response.status, response.headers, response.read())
        except BaseException:
            connection.http.close()
            raise
        if response.will_close:
            connection.http.close()
        else:
            self._idle.append(connection)
        return reply


class _Socket:
    """A socket that is done with everything by a deadline, where its own time-out begins anew with each byte."""

    def __init__(self, real: socket.socket) -> None:
        self._real = real
        self._unsent: list[bytes] = []
        self.deadline = 0.0

    def sendall(self, data: bytes) -> None:
        """Head and body come apart; they leave together, when the answer is asked for."""
        self._unsent.append(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        del mode  # it is only read from
        request, self._unsent = b"".join(self._unsent), []
        self.timed().sendall(request)
        return io.BufferedReader(_Reading(self))

    def close(self) -> None:
        self._real.close()

    def timed(self) -> socket.socket:
        """The real one, for as long as is left. TimeoutError when nothing is."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._real.settimeout(left)
        return self._real

    def is_readable(self) -> bool:
        """Whether there is something to read where nothing was asked: that the host has closed."""
        poll = select.poll()
        poll.register(self._real, select.POLLIN)
        return bool(poll.poll(0))


class _Reading(io.RawIOBase):
    def __init__(self, source: _Socket) -> None:
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:  # noqa: ANN401 -- any buffer
        return self._source.timed().recv_into(buffer)


@dataclass(frozen=True, slots=True)
class _Connection:
    http: http.client.HTTPConnection
    socket: _Socket
