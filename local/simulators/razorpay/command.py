"""A command of the control plane, and what all of them need."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from local.simulators.razorpay.engine import Engine
from local.simulators.razorpay.wire import Json, Refusal

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@dataclass(frozen=True, slots=True)
class Command:
    """What the control plane is asked to do: the path's names and the body."""

    engine: Engine
    path: dict[str, str]
    body: Json


type Act = Callable[[Command], Json | list[Json]]
type Entry = tuple[str, str, Act]  # method, path under `/_sim`, what it does


def built[T: DataclassInstance](kind: type[T], body: Json) -> T:
    """A dataclass from a JSON object; names it does not have are refused."""
    known = {one.name for one in fields(kind)}
    unknown = sorted(set(body) - known)
    if unknown:
        raise Refusal(f"unknown: {', '.join(unknown)}; known: {', '.join(sorted(known))}")
    return kind(**body)


def one_of(value: str, *allowed: str) -> str:
    if value not in allowed:
        raise Refusal(f"outcome must be one of {', '.join(allowed)}", field="outcome")
    return value
