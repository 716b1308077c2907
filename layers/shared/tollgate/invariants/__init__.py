"""What must hold of one user's records, whatever happened: money I1 to I11, quota Q1 to Q13.

`broken` judges a state by itself, `broken_by` what a step made of it, `unmoved` and `confluent` compare whole states. Tests ask
after every step. What is due only once every delivery has come and the reconciler has run is left out unless told `at_rest`.
"""

from collections.abc import Callable, Iterable

from tollgate.invariants import money, quota
from tollgate.invariants.facts import Facts, Told, Violation
from tollgate.invariants.state import confluent, state, unmoved

__all__ = [
    "ALWAYS",
    "AT_REST",
    "STEPS",
    "Facts",
    "Told",
    "Violation",
    "broken",
    "broken_by",
    "confluent",
    "state",
    "unmoved",
]

type Check = Callable[[Facts], Iterable[str]]

ALWAYS: tuple[tuple[str, Check], ...] = (
    ("I1", money.told_truly),
    ("I1", money.credited_once),
    ("I2", money.granted_once),
    ("I3", money.decided),
    ("I4", money.paid_for),
    ("I6", money.rebuilt),
    ("I9", money.acknowledged),
    ("I11", money.refunded_once),
    ("Q1", quota.within_limits),
    ("Q2", quota.counted),
    ("Q4", quota.charged_once),
    ("Q6", quota.within_rate),
    ("Q7", quota.in_its_window),
    ("Q8", quota.admitted_by_plan),
    ("Q10", quota.logged),
    ("Q12", quota.isolated),
)
AT_REST: tuple[tuple[str, Check], ...] = (
    ("I1", money.conserved),
    ("I3", money.accounted_for),
    ("Q3", quota.nothing_leaks),
)
STEPS: tuple[tuple[str, Callable[[Facts, Facts], Iterable[str]]], ...] = (("I5", money.forward_only),)


def broken(facts: Facts, *, at_rest: bool = False) -> list[Violation]:
    """What does not hold in this state."""
    checks = ALWAYS + (AT_REST if at_rest else ())
    return [Violation(id=name, what=what) for name, check in checks for what in check(facts)]


def broken_by(before: Facts, after: Facts) -> list[Violation]:
    """What a step did that no step may do."""
    return [Violation(id=name, what=what) for name, check in STEPS for what in check(before, after)]
