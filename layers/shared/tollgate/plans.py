"""The catalogue: six tiers, eight plans. Reads like the pricing page; nothing else names a tier."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from types import MappingProxyType

from tollgate.calendar import add_months, india
from tollgate.money import rupees

CURRENCY = "INR"
MINIMUM_CHARGE_PAISE = 100  # Razorpay takes no less


class Unit(StrEnum):
    """What a plan counts."""

    RESUMES = "resumes"
    ATS_SCANS = "atsScans"
    JOB_MATCHES = "jobMatches"
    COVER_LETTERS = "coverLetters"


class Window(StrEnum):
    """How long a count runs before it starts again at zero."""

    DAY = "day"
    MONTH = "month"
    PASS = "pass"  # noqa: S105 -- no password: the subscription it was bought with


class Feature(StrEnum):
    """What a plan opens. Access follows from the table below, never from a tier's name."""

    ATS_SCORE = "ats-score"
    JOB_MATCH = "job-match"
    COVER_LETTER = "cover-letter"
    ALL_TEMPLATES = "all-templates"
    PORTFOLIO = "portfolio"
    ANALYTICS = "analytics"
    PRIORITY_SUPPORT = "priority-support"
    UNLIMITED_RESUMES = "unlimited-resumes"


class Ai(StrEnum):
    """Who answers a tier's AI calls."""

    GEMINI = "gemini"
    GPT4O = "gpt4o"
    HYBRID = "hybrid"  # of every ten calls three to gpt4o, seven to gemini


HYBRID_SPLIT: Mapping[str, int] = MappingProxyType({Ai.GEMINI: 7, Ai.GPT4O: 3})


@dataclass(frozen=True, slots=True)
class Limit:
    """`count` uses per `window`; None is unlimited, 0 is not in the plan."""

    count: int | None
    window: Window


@dataclass(frozen=True, slots=True)
class Lasts:
    """How long a plan runs: calendar months in Asia/Kolkata, or days, or for ever."""

    months: int = 0
    days: int = 0

    @property
    def for_ever(self) -> bool:
        return not (self.months or self.days)

    def end(self, start: datetime, anchor_day: int) -> datetime | None:
        """The instant a period that begins at `start` ends; None is never."""
        if self.for_ever:
            return None
        return add_months(start, self.months, anchor_day) if self.months else start + timedelta(days=self.days)


@dataclass(frozen=True, slots=True)
class Plan:
    """One way to buy a tier."""

    id: str
    price_paise: int
    lasts: Lasts
    auto_renews: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """A column of the pricing page."""

    id: str
    name: str
    ai: Ai
    calls_per_hour: int
    resumes: Limit
    ats_scans: Limit
    job_matches: Limit
    cover_letters: Limit
    perks: frozenset[Feature] = field(default=frozenset(), repr=False)
    plans: tuple[Plan, ...]
    premium: bool = False
    gives_credit: bool = True  # the unused part counts towards an upgrade
    academic: bool = False  # may be limited to academic e-mail domains
    limits: Mapping[Unit, Limit] = field(init=False)
    features: frozenset[Feature] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        limits = dict(zip(Unit, (self.resumes, self.ats_scans, self.job_matches, self.cover_letters), strict=True))
        opened = {feature for unit, feature in FEATURE_OF.items() if limits[unit].count != 0}
        if self.resumes.count is None:
            opened.add(Feature.UNLIMITED_RESUMES)
        object.__setattr__(self, "limits", MappingProxyType(limits))
        object.__setattr__(self, "features", self.perks | opened)

    @property
    def paid(self) -> bool:
        return any(plan.price_paise for plan in self.plans)

    @property
    def is_pass(self) -> bool:
        """Whether some of what it gives is counted over the pass it was bought with."""
        return any(limit.window is Window.PASS for limit in self.limits.values())

    @property
    def chooses_ai(self) -> bool:
        """Whether its users may prefer one AI service to the mix."""
        return self.ai is Ai.HYBRID

    def plan(self, plan_id: str) -> Plan | None:
        return next((plan for plan in self.plans if plan.id == plan_id), None)


FEATURE_OF: Mapping[Unit, Feature] = MappingProxyType(
    {
        Unit.ATS_SCANS: Feature.ATS_SCORE,
        Unit.JOB_MATCHES: Feature.JOB_MATCH,
        Unit.COVER_LETTERS: Feature.COVER_LETTER,
    },
)


def per_month(count: int) -> Limit:
    return Limit(count, Window.MONTH)


def per_day(count: int) -> Limit:
    return Limit(count, Window.DAY)


def in_all(count: int) -> Limit:
    return Limit(count, Window.PASS)


UNLIMITED = Limit(None, Window.MONTH)
UNLIMITED_DAILY = Limit(None, Window.DAY)
NONE = per_month(0)
NONE_DAILY = per_day(0)

DAYS_30 = Lasts(days=30)
MONTH = Lasts(months=1)
QUARTER = Lasts(months=3)
YEAR = Lasts(months=12)
FOR_EVER = Lasts()

TEMPLATES = frozenset({Feature.ALL_TEMPLATES})
PORTFOLIO = TEMPLATES | {Feature.PORTFOLIO}
EVERYTHING = PORTFOLIO | {Feature.ANALYTICS, Feature.PRIORITY_SUPPORT}

# From the lowest rank to the highest. Prices in rupees, GST included; a year is two months free.
TIERS: tuple[Tier, ...] = (
    Tier(
        id="free",
        name="Free",
        ai=Ai.GEMINI,
        calls_per_hour=10,
        resumes=per_month(1),
        ats_scans=NONE,
        job_matches=NONE_DAILY,
        cover_letters=NONE,
        plans=(Plan("lifetime", rupees(0), FOR_EVER),),
    ),
    Tier(
        id="one-time",
        name="One-time",
        ai=Ai.GPT4O,
        calls_per_hour=20,
        resumes=in_all(1),
        ats_scans=in_all(1),
        job_matches=per_day(3),
        cover_letters=NONE,
        perks=TEMPLATES,
        plans=(Plan("one-time", rupees(49), DAYS_30),),
        gives_credit=False,
    ),
    Tier(
        id="student",
        name="Student",
        ai=Ai.HYBRID,
        calls_per_hour=100,
        resumes=UNLIMITED,
        ats_scans=per_month(5),
        job_matches=per_day(10),
        cover_letters=per_month(5),
        perks=PORTFOLIO,
        plans=(Plan("quarterly", rupees(99), QUARTER),),
        academic=True,
    ),
    Tier(
        id="pro",
        name="Pro",
        ai=Ai.HYBRID,
        calls_per_hour=100,
        resumes=UNLIMITED,
        ats_scans=per_month(5),
        job_matches=per_day(10),
        cover_letters=per_month(5),
        perks=PORTFOLIO,
        plans=(
            Plan("monthly", rupees(149), MONTH, auto_renews=True),
            Plan("yearly", rupees(1_490), YEAR, auto_renews=True),
        ),
    ),
    Tier(
        id="premium",
        name="Premium",
        ai=Ai.GPT4O,
        calls_per_hour=500,
        resumes=UNLIMITED,
        ats_scans=UNLIMITED,
        job_matches=UNLIMITED_DAILY,
        cover_letters=UNLIMITED,
        perks=EVERYTHING,
        plans=(
            Plan("monthly", rupees(249), MONTH, auto_renews=True),
            Plan("yearly", rupees(2_490), YEAR, auto_renews=True),
        ),
        premium=True,
    ),
    Tier(
        id="lifetime",
        name="Lifetime",
        ai=Ai.GPT4O,
        calls_per_hour=500,
        resumes=UNLIMITED,
        ats_scans=UNLIMITED,
        job_matches=UNLIMITED_DAILY,
        cover_letters=UNLIMITED,
        perks=EVERYTHING,
        plans=(Plan("lifetime", rupees(499), FOR_EVER),),
        premium=True,
    ),
)

RANK: Mapping[str, int] = MappingProxyType({tier.id: rank for rank, tier in enumerate(TIERS)})
BASE = TIERS[0]  # what everybody has who has bought nothing


def _revision(tiers: tuple[Tier, ...]) -> str:
    # Sets are left out of a tier's repr and sorted here: their order differs from process to process.
    text = repr([(tier, sorted(tier.features)) for tier in tiers])
    return sha256(text.encode()).hexdigest()[:8]


REVISION = _revision(TIERS)  # changes whenever a tier does, and is the same in every process


def tier(tier_id: str) -> Tier:
    """The tier of that id. Raises KeyError for an unknown one."""
    return TIERS[RANK[tier_id]]


def find(tier_id: str, plan_id: str) -> tuple[Tier, Plan] | None:
    """The tier and plan of those ids, or None."""
    found = TIERS[RANK[tier_id]] if tier_id in RANK else None
    plan = found.plan(plan_id) if found else None
    return (found, plan) if found and plan else None


def offers() -> Iterator[tuple[Tier, Plan]]:
    """Every plan that can be bought, cheapest first."""
    pairs = [(tier, plan) for tier in TIERS for plan in tier.plans if plan.price_paise]
    return iter(sorted(pairs, key=lambda pair: pair[1].price_paise))


def anchor(start: datetime) -> int:
    """The day of the month that a period beginning at `start` keeps to."""
    return india(start).day


def limits_of(tier: Tier) -> dict[str, dict[str, object]]:
    """A tier's limits, as the API shows them."""
    return {unit.value: {"limit": limit.count, "window": limit.window.value} for unit, limit in tier.limits.items()}
