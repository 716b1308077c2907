"""DynamoDB over kept connections of the standard library's HTTP client: a quarter of boto3's work a request, none of its start.

It does what we need of boto3 and no more: `tests/contracts/test_database_engines.py` holds the two together. The checksum that
DynamoDB sends with an answer is not read: TLS, the length and the JSON already show a damaged one.
"""

from __future__ import annotations

import http.client
import json
import random
import ssl
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from tollgate import clock
from tollgate.connections import Connections, Reply
from tollgate.store.dynamodb import ATTEMPTS, BUSY, CONNECT_SECONDS, READ_SECONDS, DatabaseError, UnreachableError
from tollgate.store.signing import Credentials, Signer

API = "DynamoDB_20120810"
# The longest wait before the second attempt; before the third it is twice as long.
THROTTLED_SECONDS, FAILED_SECONDS = 1.0, 0.025
SKEWED = frozenset({"InvalidSignatureException", "RequestTimeTooSkewed", "RequestExpired"})
CREDIBLE_SKEW = timedelta(minutes=1)  # a signature refused at less than this is wrong for another reason


class Thin:
    """One endpoint, its signer, and the connections that are kept. Threads may share it."""

    def __init__(
        self,
        credentials: Credentials,
        region: str,
        endpoint: str = "",
        *,
        tls: ssl.SSLContext | None = None,
        read_seconds: float = READ_SECONDS,
        now: Callable[[], datetime] = clock.system,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        where = endpoint or f"https://dynamodb.{region}.amazonaws.com"
        self.connections = Connections(where, tls)
        self._signer = Signer(credentials, region, urlsplit(where).netloc)
        self._read_seconds, self._now, self._pause = read_seconds, now, pause
        self._ahead = timedelta(0)  # DynamoDB's clock before ours

    def __call__(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """See `Engine`. Tries again as boto3's standard mode does, after its waits for DynamoDB."""
        target = f"{API}.{''.join(word.capitalize() for word in operation.split('_'))}"
        body = json.dumps(request, separators=(",", ":")).encode()
        failures = 0
        while True:
            try:
                return self._answer(target, body)
            except (DatabaseError, UnreachableError) as error:
                failures += 1
                if failures == ATTEMPTS or not _may_pass(error):
                    raise
                longest = THROTTLED_SECONDS if _is_throttling(error) else FAILED_SECONDS
            self._pause(random.uniform(0, longest * 2 ** (failures - 1)))  # noqa: S311 -- jitter, not a secret

    def close(self) -> None:
        """Close the connections."""
        self.connections.close()

    def _answer(self, target: str, body: bytes) -> dict[str, Any]:
        reply = self._exchanged(target, body)
        if reply.status == HTTPStatus.OK:
            return _object(reply.body)
        error = _error(reply)
        if error.code in SKEWED and self._takes_over_the_time_of(reply):
            return self._answer(target, body)
        raise error

    def _takes_over_the_time_of(self, reply: Reply) -> bool:
        """Whether our clock was wrong; from now on DynamoDB's counts."""
        from email.utils import parsedate_to_datetime  # noqa: PLC0415 -- next to never needed

        if (date := reply.headers.get("date")) is None:
            return False
        ahead = parsedate_to_datetime(date).astimezone(UTC) - self._now()
        was_wrong = abs(ahead - self._ahead) > CREDIBLE_SKEW
        self._ahead = ahead
        return was_wrong

    def _exchanged(self, target: str, body: bytes) -> Reply:
        headers = self._signer.headers(target, body, self._now() + self._ahead)
        try:
            return self.connections.post(
                "/", body, headers, connect=CONNECT_SECONDS, seconds=self._read_seconds, again=True
            )
        except (OSError, http.client.HTTPException) as error:
            raise UnreachableError(type(error).__name__) from error


def _object(raw: bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw)
    except ValueError as error:
        raise UnreachableError("not DynamoDB's answer") from error
    if not isinstance(found, dict):
        raise UnreachableError("not DynamoDB's answer")
    return found


def _error(reply: Reply) -> DatabaseError:
    try:
        said = _object(reply.body)
    except UnreachableError:  # something between us and DynamoDB, in its own words
        said = {}
    return DatabaseError(
        str(said.get("__type", reply.status)).rpartition("#")[2],
        str(said.get("message", said.get("Message", ""))),
        status=reply.status,
        item=said.get("Item"),
        reasons=said.get("CancellationReasons", ()),
    )


def _may_pass(error: DatabaseError | UnreachableError) -> bool:
    return isinstance(error, UnreachableError) or error.is_the_services or error.code in BUSY


def _is_throttling(error: DatabaseError | UnreachableError) -> bool:
    return isinstance(error, DatabaseError) and not error.is_the_services
