"""DynamoDB: the client, plain values to and from items, and its errors in our words."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any

from tollgate.errors import ProviderUnavailable

type Item = Mapping[str, Any]

CONFLICT_TRIES = 5


@cache
def client() -> Any:  # noqa: ANN401 -- boto3 makes its clients at run time
    """The process's client, built at first need and kept alive between invocations."""
    import boto3
    from botocore.config import Config

    return boto3.client(
        "dynamodb",
        config=Config(
            user_agent="tollgate",  # composing boto3's own takes a tenth of a request's time
            parameter_validation=False,  # DynamoDB validates what it gets
            connect_timeout=1,
            read_timeout=3,
            retries={"mode": "standard", "total_max_attempts": 3},
            max_pool_connections=2,
            tcp_keepalive=True,
        ),
    )


def to_attribute(value: object) -> dict[str, Any]:
    """A plain value as DynamoDB writes it. Money and counts are whole; a Decimal is for show."""
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case int() | Decimal():
            return {"N": str(value)}
        case str():
            return {"S": value}
        case Mapping():
            return {"M": to_item(value)}
        case list() | tuple():
            return {"L": [to_attribute(each) for each in value]}
    raise TypeError(f"{type(value).__name__} has no place in a table")


def to_item(values: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping of plain values as an item."""
    return {name: to_attribute(value) for name, value in values.items()}


def from_attribute(attribute: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- whatever was written
    """The plain value of an attribute."""
    ((kind, value),) = attribute.items()
    match kind:
        case "N":
            return int(value) if value.lstrip("-").isdigit() else Decimal(value)
        case "M":
            return from_item(value)
        case "L":
            return [from_attribute(each) for each in value]
        case "NULL":
            return None
    return value


def from_item(item: Item) -> dict[str, Any]:
    """The plain values of an item."""
    return {name: from_attribute(attribute) for name, attribute in item.items()}


class ConditionFailedError(Exception):
    """The write's condition did not hold. `items` are what was there, in the order of the writes; None where it held."""

    def __init__(self, items: tuple[dict[str, Any] | None, ...], failed: tuple[bool, ...] = (True,)) -> None:
        super().__init__("condition failed")
        self.items = items
        self.failed = failed


def send(operation: str, **request: Any) -> Any:  # noqa: ANN401 -- boto3's own shapes
    """The answer of a DynamoDB request, tried again while a transaction holds the same item.

    Raises ConditionFailedError, or ProviderUnavailable where the database does not answer in time.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    for attempt in range(CONFLICT_TRIES):
        try:
            return getattr(client(), operation)(**request)
        except BotoCoreError as error:
            raise ProviderUnavailable("The database did not answer; nothing was taken. Try again.") from error
        except ClientError as error:
            if not _is_conflict(error.response):
                _translate(error.response, error)
        time.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311 -- jitter, not a secret
    raise ProviderUnavailable("The database is busy; try again in a moment.")


def _is_conflict(response: Mapping[str, Any]) -> bool:
    code = response["Error"]["Code"]
    reasons = {reason.get("Code") for reason in response.get("CancellationReasons", ())} - {"None"}
    return code == "TransactionConflictException" or reasons == {"TransactionConflict"}


def _translate(response: Mapping[str, Any], error: Exception) -> None:
    code = response["Error"]["Code"]
    if code == "ConditionalCheckFailedException":
        raise ConditionFailedError((_old(response),)) from error
    reasons = response.get("CancellationReasons", ())
    if code == "TransactionCanceledException" and any(_failed(reason) for reason in reasons):
        raise ConditionFailedError(
            tuple(_old(reason) for reason in reasons),
            tuple(_failed(reason) for reason in reasons),
        ) from error
    if code in {
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "InternalServerError",
        "RequestLimitExceeded",
        "TransactionInProgressException",
    } or {reason.get("Code") for reason in reasons} & {"ThrottlingError", "ProvisionedThroughputExceeded"}:
        raise ProviderUnavailable("The database is busy; try again in a moment.") from error
    raise error


def _failed(reason: Mapping[str, Any]) -> bool:
    return reason.get("Code") == "ConditionalCheckFailed"


def _old(holder: Mapping[str, Any]) -> dict[str, Any] | None:
    item = holder.get("Item")
    return from_item(item) if item else None
