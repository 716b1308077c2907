"""Counting what is used: windows, the terms a plan sets, admission as a decision. Pure; `tollgate.store.users` writes it.

A call is admitted by one conditional write on the user's record that checks the plan, the hourly rate and the quota together
and takes them together. For that the record carries the *terms* its plan sets, as the numbers the write compares with.
Counters are named by their window, so another window's count is never seen and nothing has to be reset.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from tollgate import calendar, entitlements, plans, subscriptions
from tollgate.ai import mix
from tollgate.counters import counter, pass_of, rate_counter
from tollgate.plans import Ai, Limit, Tier, Unit, Window
from tollgate.users import User

FOR_EVER = 253_402_300_799  # the last second of the year 9999, as "no end" in the record
LEASE_SECONDS = 90  # a call that has not ended by then has died: API Gateway gives 30 s, the function 29
NEAR_LIMIT = 80  # per cent of a quota at which its user is told


class Action(StrEnum):
    """What the usage log calls a metered call."""

    PARSE_RESUME = "resume-parse"
    ENHANCE_CONTENT = "resume-enhance"
    GENERATE_SUMMARY = "summary-generate"
    CATEGORIZE_SKILLS = "skills-categorize"
    JOB_MATCH = "job-match"
    COVER_LETTER = "cover-letter"
    ATS_SCAN = "ats-scan"


UNIT_OF: Mapping[Action, Unit] = MappingProxyType(
    {
        Action.PARSE_RESUME: Unit.RESUMES,
        Action.JOB_MATCH: Unit.JOB_MATCHES,
        Action.COVER_LETTER: Unit.COVER_LETTERS,
        Action.ATS_SCAN: Unit.ATS_SCANS,
    },
)

WINDOWS_OF: Mapping[Unit, tuple[Window, ...]] = MappingProxyType(
    {unit: tuple(w for w in Window if any(t.limits[unit].window is w for t in plans.TIERS)) for unit in Unit},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A metered call that asks to be let in."""

    user_id: str
    request_id: str
    action: Action
    at: datetime
    affinity: int = 0
    email: str | None = None
    issued_at: datetime = calendar.EPOCH  # when its token was

    @property
    def unit(self) -> Unit | None:
        return UNIT_OF.get(self.action)

    @property
    def lease(self) -> str:
        """The attribute that marks the call as running. Its name says all that is needed to give back what it took."""
        return f"lease#{int(self.at.timestamp())}#{self.action}#{self.request_id}"

    @property
    def kept_mix(self) -> str:
        """The attribute that keeps what the mix chose from, for as long as the call runs."""
        return kept_mix(self.request_id)


def kept_mix(request_id: str) -> str:
    """The name under which a running call keeps what the mix chose from."""
    return f"mixed:{request_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A running call, as read from the name of its attribute."""

    name: str
    at: datetime
    action: Action
    request_id: str
    steps: Mapping[str, int]
    kept: Sequence[object] = ()

    @property
    def chosen(self) -> Ai | None:
        """What the mix chose for the call; None where it was not asked."""
        return mix.chosen(self.kept)

    def is_dead(self, now: datetime) -> bool:
        """Whether the call must have died: no function lives that long."""
        return now - self.at > timedelta(seconds=LEASE_SECONDS)

    def counters(self) -> dict[str, int]:
        """What the call took, by counter."""
        unit = UNIT_OF.get(self.action)
        taken = {rate_counter(self.at): 1}
        if unit:
            taken |= {counter(unit, Window(window), self.at): step for window, step in self.steps.items() if step}
        return taken


def read_lease(name: str, steps: Mapping[str, object], record: Mapping[str, Any] = MappingProxyType({})) -> Lease:
    """The lease of that attribute, with what the record keeps of the mix for it."""
    _, seconds, action, request_id = name.split("#", 3)
    known = {window: step for window, step in steps.items() if window in set(Window) and isinstance(step, int)}
    at = datetime.fromtimestamp(int(seconds), UTC)
    kept = tuple(record.get(kept_mix(request_id), ()))
    return Lease(name=name, at=at, action=Action(action), request_id=request_id, steps=known, kept=kept)


# Terms of no revision hold at no time, so that admission refuses without looking further.
NO_TERMS: Mapping[str, object] = MappingProxyType({"revision": "deleted", "until": 0, "pass": None})


def terms_of(user: User, now: datetime) -> dict[str, object]:
    """What the user's plan allows from `now` until it next changes, as the record carries it; a deleted account nothing, ever."""
    if user.deleted_at:
        return dict(NO_TERMS)
    tier = user.tier(now)
    change = subscriptions.next_change(user.subscriptions, now)
    service = entitlements.get_ai_service(user, now)
    return {
        "tier": tier.id,
        "revision": plans.REVISION,
        "until": int(change.timestamp()) if change else FOR_EVER,
        "pass": pass_of(user, now),
        "rate": tier.calls_per_hour,
        "ai": service.value,
        "mix": {str(affinity): [affinity] for affinity in AFFINITIES} if service is Ai.HYBRID else {},
        **{unit.value: steps(tier, unit) for unit in Unit},
    }


AFFINITIES = range(3)


def steps(tier: Tier, unit: Unit) -> dict[str, int]:
    """By how much one use moves the count of each window: 1 in the tier's own, 0 in the others; and the limit, if any."""
    limit = tier.limits[unit]
    moves = {window.value: int(window is limit.window) for window in WINDOWS_OF[unit]}
    return moves if limit.count is None else {**moves, "limit": limit.count}


def terms_hold(user: User, now: datetime) -> bool:
    """Whether the terms on the record are those of the present plan and catalogue."""
    until = user.terms.get("until")
    return user.terms.get("revision") == plans.REVISION and isinstance(until, int) and int(now.timestamp()) < until


class Denial(StrEnum):
    """Which check refused a call."""

    NOT_IN_PLAN = "not_in_plan"
    RATE = "rate"
    QUOTA = "quota"


def denial(user: User, action: Action, now: datetime) -> Denial | None:
    """Why the user would be refused at `now`, or None."""
    unit = UNIT_OF.get(action)
    tier = user.tier(now)
    if unit and tier.limits[unit].count == 0:
        return Denial.NOT_IN_PLAN
    if unit and entitlements.has_reached_limit(user, unit, now):
        return Denial.QUOTA
    if user.counters.get(rate_counter(now), 0) >= tier.calls_per_hour:
        return Denial.RATE
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """How a unit stands after a call. `limit` and `remaining` None are unlimited."""

    unit: Unit
    used: int
    limit: Limit
    remaining: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """A call that was let in, and the record as its write left it."""

    call: Call
    user: User
    mix: tuple[object, ...]
    leases: tuple[Lease, ...]

    @property
    def service(self) -> Ai:
        """gemini, gpt4o, or hybrid where the mix decides."""
        return Ai(str(self.user.terms["ai"]))

    @property
    def routed(self) -> Ai:
        """The service to ask: the mix's choice for this call, or the plan's. Never hybrid.

        A record read after the admission may already tell of another plan; a call that the mix did not count is then not its.
        """
        planned = Ai.GEMINI if self.service is Ai.HYBRID else self.service
        return self.lease.chosen or planned

    @property
    def lease(self) -> Lease:
        return next(each for each in self.leases if each.name == self.call.lease)

    def usage(self) -> Usage | None:
        """What the reply says about the unit the call took."""
        unit = self.call.unit
        if unit is None:
            return None
        at = self.call.at
        return Usage(
            unit=unit,
            used=entitlements.used(self.user, unit, at),
            limit=entitlements.get_usage_limit(self.user, unit, at),
            remaining=entitlements.get_remaining_usage(self.user, unit, at),
        )

    def dead_leases(self) -> tuple[Lease, ...]:
        """Calls of the same user that died on the way and still hold what they took."""
        return tuple(each for each in self.leases if each.is_dead(self.call.at))
