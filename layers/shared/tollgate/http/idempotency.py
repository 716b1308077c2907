"""Idempotency-Key: the same request sent twice is done once and answered twice.

Powertools' idempotency on DynamoDB keeps the replies. It is a convenience for the caller and never what protects money or quota:
it may run a request again after a time-out, and then admission and settlement decide for themselves.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from contextvars import ContextVar
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware

from tollgate import calendar
from tollgate.config import settings
from tollgate.errors import Conflict, InvalidRequest, ProviderUnavailable
from tollgate.http.api import Api
from tollgate.store.dynamodb import DatabaseError, engine, to_attribute

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer

HEADER = "idempotency-key"
KEPT = timedelta(hours=24)
RETRY_SECONDS = 5
REPLAYED = "Idempotent-Replayed"


def replayable(app: Api, next_middleware: NextMiddleware) -> Response[Any]:
    """Middleware: where the caller sends an Idempotency-Key, do the request once in 24 hours and repeat its reply.

    Only replies that are not refusals are kept: a refusal took nothing and may be tried again. The key belongs to the caller and
    the route. Raises Conflict for a key used with another body or still in flight.
    """
    key = app.current_event.headers.get(HEADER)
    if key is None:
        return next_middleware(app)
    if not re.fullmatch(r"[\x21-\x7e]{1,255}", key):
        raise InvalidRequest(
            "The Idempotency-Key is not valid.",
            errors=[{"field": "Idempotency-Key", "message": "1 to 255 visible ASCII characters"}],
        )
    scope = f"{app.caller.user_id} {app.current_event.http_method} {app.current_event.path} {key}"
    request = {"scope": scope, "body": hashlib.sha256(app.raw_body).hexdigest()}
    return _Once(app, next_middleware, request).reply()


class _Once:
    """One request under a key."""

    def __init__(self, app: Api, next_middleware: NextMiddleware, request: dict[str, str]) -> None:
        self._app = app
        self._next = next_middleware
        self._request = request
        self._fresh: Response[Any] | None = None

    def reply(self) -> Response[Any]:
        from aws_lambda_powertools.utilities.idempotency.exceptions import (  # noqa: PLC0415 -- only where a key is sent
            IdempotencyAlreadyInProgressError,
            IdempotencyPersistenceLayerError,
            IdempotencyValidationError,
        )

        try:
            kept = self._do_once()
            if self._fresh is None and self._is_old(kept):
                kept_replies().delete_record(data=self._request, exception=TimeoutError("kept for a day"))
                kept = self._do_once()
        except IdempotencyAlreadyInProgressError as error:
            wait = {"Retry-After": str(RETRY_SECONDS)}
            raise Conflict("A request with this Idempotency-Key is still running.", headers=wait) from error
        except IdempotencyValidationError as error:
            raise Conflict("This Idempotency-Key was used with another body.") from error
        except IdempotencyPersistenceLayerError as error:
            if self._fresh is None:
                raise ProviderUnavailable("The database did not answer; nothing was done. Try again.") from error
            return self._fresh  # done, though its reply could not be kept
        if self._fresh:
            return self._fresh
        _ = self._app.account  # whom nothing is answered to any more, to them nothing is repeated
        return _replayed(kept)

    def _do_once(self) -> dict[str, Any]:
        from aws_lambda_powertools.utilities.idempotency import (  # noqa: PLC0415 -- only with a key
            IdempotencyConfig,
            idempotent_function,
        )

        config = IdempotencyConfig(
            event_key_jmespath="scope",
            payload_validation_jmespath="body",
            expires_after_seconds=int(KEPT.total_seconds()),
            hash_function="sha256",
            lambda_context=self._app.lambda_context,
        )

        def once(request: dict[str, str]) -> dict[str, Any]:
            del request
            self._fresh = self._next(self._app)
            kept = {"status": self._fresh.status_code, "headers": dict(self._fresh.headers), "body": self._fresh.body}
            return {**kept, "at": calendar.iso(self._app.now)}

        _owner.set(self._app.caller.user_id)
        keeping: dict[str, Any] = {"persistence_store": kept_replies(), "config": config, "key_prefix": "reply"}
        done: dict[str, Any] = idempotent_function(once, data_keyword_argument="request", **keeping)(
            request=self._request
        )
        return done

    def _is_old(self, kept: dict[str, Any]) -> bool:
        return self._app.now - calendar.parse(kept["at"]) >= KEPT


@cache
def kept_replies() -> DynamoDBPersistenceLayer:
    """Where replies are kept: Powertools' own layer, on our engine."""
    from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer  # noqa: PLC0415 -- only with a key

    return DynamoDBPersistenceLayer(
        table_name=settings().tables.replies,
        expiry_attr="expiresAt",
        boto3_client=cast("Any", _Client()),
    )


_owner: ContextVar[str] = ContextVar("owner")


class _Client:
    """As much of boto3's client as Powertools' persistence uses, so that its requests go the way of all others."""

    def __getattr__(self, operation: str) -> Callable[..., dict[str, Any]]:
        if not operation.endswith("_item"):
            raise AttributeError(operation)

        def send(**request: Any) -> dict[str, Any]:  # noqa: ANN401 -- DynamoDB's own shapes
            if operation == "put_item":  # by which a reply is found when its owner's data are erased
                request["Item"]["userId"] = to_attribute(_owner.get())
            from botocore.exceptions import ClientError

            try:
                return engine()(operation, request)
            except DatabaseError as error:
                answer = {"Error": {"Code": error.code, "Message": error.message}}
                raise ClientError({**answer, **({"Item": error.item} if error.item else {})}, operation) from error

        return send


def _replayed(kept: dict[str, Any]) -> Response[Any]:
    return Response(
        status_code=kept["status"],
        content_type="application/json",
        headers={**kept["headers"], REPLAYED: "true"},
        body=kept["body"],
    )
