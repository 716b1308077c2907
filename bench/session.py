"""One run of the bench: what it measures on, and what went wrong on the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bench import report
from bench.ground import Ground
from bench.report import UnmeasuredError
from bench.shop import Shop


@dataclass(frozen=True, slots=True)
class Session:
    """Handed from step to step. `problems` are the requests that could not be measured, each with the reason;
    `compiled` are the subjects whose bytecode is written.
    """

    ground: Ground
    shop: Shop
    facts: Mapping[str, object]
    quick: bool
    peers: bool = False
    problems: list[str] = field(default_factory=list)
    compiled: set[str] = field(default_factory=set)

    def attempt[T](self, name: str, work: Callable[[], T]) -> T | None:
        """The work's result; None where the request did not do what it should. The other requests go on."""
        try:
            return work()
        except UnmeasuredError as error:
            self.problems.append(f"{name}: {error}")
            report.progress(f"{name} could not be measured")
            return None
