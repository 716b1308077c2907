"""One call of the API as its handler sees it, and one line of the API's table."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from local.simulators.razorpay.account import Account
from local.simulators.razorpay.wire import Json


@dataclass(frozen=True, slots=True)
class Call:
    """A request: body and query as read, path parameters by name, headers in lower case."""

    now: datetime
    body: Json = field(default_factory=dict)
    path: dict[str, str] = field(default_factory=dict)
    query: Json = field(default_factory=dict)
    expand: tuple[str, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Route:
    """A handler under `/v1`; it answers with an entity or raises a `Refusal`."""

    method: str
    path: str
    handle: Callable[[Account, Call], Json]
