"""DynamoDB: what carries our requests to it, plain values to and from items, and its errors in our words."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from http import HTTPStatus
from typing import Any, Protocol

from tollgate import clock, ids
from tollgate.config import Database, settings
from tollgate.errors import ProviderUnavailable

type Item = Mapping[str, Any]

CONNECT_SECONDS, READ_SECONDS = 1.0, 3.0
ATTEMPTS = 3
CONFLICT_TRIES = 5
BUSY = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "InternalServerError",
        "RequestLimitExceeded",
        "TransactionInProgressException",
    }
)
BUSY_REASONS = frozenset({"ThrottlingError", "ProvisionedThroughputExceeded"})


class DatabaseError(Exception):
    """DynamoDB refused a request. `item` is what a failed condition met, `reasons` say why a transaction was cancelled."""

    def __init__(
        self,
        code: str,
        message: str = "",
        *,
        status: int = 400,
        item: Item | None = None,
        reasons: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.item = item
        self.status = status
        self.reasons = tuple(reasons)

    @property
    def is_the_services(self) -> bool:
        """Whether the service failed, not the request."""
        return self.status >= HTTPStatus.INTERNAL_SERVER_ERROR


class UnreachableError(Exception):
    """No answer: nothing is known of what DynamoDB did."""


class Engine(Protocol):
    """What carries a request to DynamoDB, and tries again where the network or the service stumbles."""

    def __call__(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer, in DynamoDB's own shapes. `operation` is written like update_item.

        Raises DatabaseError, or UnreachableError.
        """
        ...

    def close(self) -> None:
        """Close the connections; the next request opens new ones."""
        ...


_engines: list[Engine] = []


def engine() -> Engine:
    """The process's engine, built at first need and kept alive between invocations."""
    if not _engines:
        _engines.append(_built(settings().database))
    return _engines[0]


def _built(given: Database) -> Engine:
    """The thin engine where the environment says all it needs, as Lambda's does; elsewhere boto3, which looks further."""
    if given.client == "thin" and given.region and given.key_id and given.secret:
        from tollgate.store.signing import Credentials  # noqa: PLC0415 -- only where it is used
        from tollgate.store.thin import Thin  # noqa: PLC0415 -- as above

        return Thin(Credentials(given.key_id, given.secret, given.token), given.region, given.endpoint)
    from tollgate.store.boto import Boto  # noqa: PLC0415 -- only where it is used

    return Boto()


def use(replacement: Engine | None) -> Engine | None:
    """Put another engine in the place of the process's one, which is returned; None has the next request build its own."""
    before = _engines[0] if _engines else None
    _engines[:] = [replacement] if replacement else []
    return before


@contextmanager
def using[E: Engine](replacement: E) -> Iterator[E]:
    """Another engine until the block is left."""
    before = use(replacement)
    try:
        yield replacement
    finally:
        use(before)


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


def send(operation: str, **request: Any) -> Any:  # noqa: ANN401 -- DynamoDB's own shapes
    """The answer of a DynamoDB request, tried again while a transaction holds the same item.

    Raises ConditionFailedError, or ProviderUnavailable where the database does not answer in time.
    """
    if operation == "transact_write_items":  # so that trying again what was done, but not heard of, does it once
        request.setdefault("ClientRequestToken", ids.token(24))
    for attempt in range(CONFLICT_TRIES):
        try:
            return engine()(operation, request)
        except UnreachableError as error:
            raise ProviderUnavailable("The database did not answer; nothing was taken. Try again.") from error
        except DatabaseError as error:
            if not _is_conflict(error):
                if refusal := _translated(error):
                    raise refusal from error
                raise
        clock.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311 -- jitter, not a secret
    raise ProviderUnavailable("The database is busy; try again in a moment.")


def _is_conflict(error: DatabaseError) -> bool:
    return error.code == "TransactionConflictException" or _reasons(error) - {"None"} == {"TransactionConflict"}


def _translated(error: DatabaseError) -> ConditionFailedError | ProviderUnavailable | None:
    if error.code == "ConditionalCheckFailedException":
        return ConditionFailedError((_old(error.item),))
    if error.code == "TransactionCanceledException" and any(_failed(reason) for reason in error.reasons):
        return ConditionFailedError(
            tuple(_old(reason.get("Item")) for reason in error.reasons),
            tuple(_failed(reason) for reason in error.reasons),
        )
    if error.is_the_services or error.code in BUSY or _reasons(error) & BUSY_REASONS:
        return ProviderUnavailable("The database is busy; try again in a moment.")
    return None


def _reasons(error: DatabaseError) -> set[Any]:
    return {reason.get("Code") for reason in error.reasons}


def _failed(reason: Mapping[str, Any]) -> bool:
    return reason.get("Code") == "ConditionalCheckFailed"


def _old(item: Item | None) -> dict[str, Any] | None:
    return from_item(item) if item else None
