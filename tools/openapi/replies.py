"""What the API answers, as models. Nothing of this is deployed: it describes, and a test holds every reply against it.

A field with a default may be missing. Amounts are paise unless their name says otherwise, AI cost is micro-dollars.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from tollgate.resumes.schema import Resume

type Instant = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$", description="ISO 8601, UTC")]
type Day = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$", description="A day in Asia/Kolkata")]
type Count = Annotated[int, Field(ge=0)]
type Paise = Annotated[int, Field(ge=0, description="Paise")]
type Window = Literal["day", "month", "pass"]
type Service = Literal["gemini", "gpt4o"]
type Preferred = Literal["auto", "gemini", "gpt4o"]
type Facts = dict[str, Any]


class Reply(BaseModel):
    """A reply has these fields and no others."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid")


# Prices and plans


class Allowance(Reply):
    limit: int | None
    window: Window


class Price(Reply):
    """A plan; `amount` is rupees."""

    amount: float
    amount_paise: Paise
    currency: str
    plan: str
    features: list[str]
    limits: dict[str, Allowance]


type Pricing = dict[str, Price | dict[str, Price]]


class ComparisonRow(Reply):
    feature: str
    label: str
    values: dict[str, str | int | bool]


class Comparison(Reply):
    tiers: list[str]
    rows: list[ComparisonRow]


class Breakdown(Reply):
    price: Paise
    credit: Paise
    payable: Paise
    credit_left: Paise
    starts_at: Instant | None
    ends_at: Instant | None


class OrderMade(Reply):
    """An order, ready for Razorpay's Checkout."""

    order_id: str
    amount: Paise
    currency: str
    key_id: str
    breakdown: Breakdown


class MandateMade(Reply):
    """A mandate that waits to be authorised at `shortUrl`."""

    subscription_id: str
    short_url: str
    amount: Paise
    currency: str
    key_id: str
    breakdown: Breakdown


class SubscriptionShown(Reply):
    """A period of a plan."""

    subscription_id: str
    tier: str
    plan: str
    status: str
    amount: Paise
    credit: Paise
    currency: str
    date: Instant
    start_date: Instant
    end_date: Instant | None
    auto_renew: bool
    razorpay_order_id: str | None
    razorpay_payment_id: str | None
    razorpay_subscription_id: str | None = None


class HistoryEntry(Reply):
    subscription_id: str
    tier: str
    plan: str
    amount: Paise
    currency: str
    date: Instant
    start_date: Instant
    end_date: Instant | None
    status: str


class Scheduled(Reply):
    subscription_id: str
    tier: str
    plan: str
    start_date: Instant
    end_date: Instant | None


class StatusShown(Reply):
    tier: str
    plan: str
    status: str
    start_date: Instant | None
    end_date: Instant | None
    days_remaining: int | None
    auto_renew: bool
    features: list[str]
    scheduled: list[Scheduled]
    credit_balance: Paise


class Cancelled(Reply):
    message: str
    end_date: Instant | None


class Month(Reply):
    month: str
    resumes: Count
    ats_scans: Count
    job_matches: Count
    cover_letters: Count


class Remaining(Reply):
    resumes: int | None
    ats_scans: int | None
    job_matches: int | None
    cover_letters: int | None


class UsageShown(Reply):
    resumes_used: Count
    resumes_limit: int | None
    ats_scans_used: Count
    ats_scans_limit: int | None
    job_matches_used: Count
    job_matches_limit: int | None
    cover_letters_used: Count
    cover_letters_limit: int | None
    limits: dict[str, Allowance]
    remaining: Remaining
    reset_date: Day
    daily_reset_date: Day
    total_resumes_generated: Count
    history: list[Month] = []


class Received(Reply):
    """What became of an event."""

    status: str


class AiConfig(Reply):
    ai_service: Literal["gemini", "gpt4o", "hybrid"]
    model: str
    models: dict[Service, str]
    split: dict[Service, int]
    preference: Preferred
    features: list[str]


class NotificationsShown(Reply):
    usage_alerts: bool
    subscription_expiry: bool


class PreferencesShown(Reply):
    ai_service: Preferred
    notifications: NotificationsShown


# AI


class Meta(Reply):
    request_id: str
    ai_service: Service
    model: str


class UnitUsed(Reply):
    limit_type: str
    used: Count
    limit: int | None
    remaining: int | None
    reset_date: Day | None


class Answered(Reply):
    meta: Meta
    usage: UnitUsed | None = None


class ResumeParsed(Answered):
    resume: Resume
    warnings: list[str]


class ContentEnhanced(Answered):
    content: str
    changes: list[str]
    warnings: list[str]


class SummariesWritten(Answered):
    summaries: list[str]
    warnings: list[str]


class SkillGroup(Reply):
    name: str
    skills: list[str]


class SkillsGrouped(Answered):
    categories: list[SkillGroup]


class JobMatched(Answered):
    score: Annotated[int, Field(ge=0, le=100)]
    matched: list[str]
    missing: list[str]
    suggestions: list[str]


class LetterWritten(Answered):
    letter: str
    warnings: list[str]


class RuleFound(Reply):
    id: str
    label: str
    weight: int
    points: int
    finding: str
    advice: str


class ResumeScanned(Answered):
    score: Annotated[int, Field(ge=0, le=100)]
    rules: list[RuleFound]
    advice: list[str]
    warnings: list[str]


# The account


class SignedOut(Reply):
    """Tokens issued in that second or before stopped working."""

    signed_out_at: Instant


class PaymentHeld(Reply):
    """A payment, order or mandate; `kind` says which. Its fields are those of the row that we keep."""

    model_config = ConfigDict(extra="allow")

    id: str
    kind: str


class AccountExport(Reply):
    """A page of what is held on the caller. The first page alone has `account`; `next` is None on the last."""

    format: Literal["tollgate-export/1"]
    user_id: str
    exported_at: Instant
    account: Facts | None = None
    subscriptions: list[Facts]
    payments: list[PaymentHeld]
    usage: list[Facts]
    notices: list[Facts]
    next: str | None


class Erased(Reply):
    """What became of the account: what was erased, and what is kept, for how long and why."""

    status: Literal["deleted"]
    deleted_at: Instant
    erased: list[str]
    kept: list[str]
    reason: str


# Administration


class Flagged(Reply):
    payment_id: str
    kind: Literal["payment", "event"]
    order_id: str | None
    mandate_id: str | None
    user_id: str | None
    amount: int | None
    currency: str | None
    reason: str
    proposed_action: str
    status: Literal["open", "resolved"]
    resolution: str | None
    refund_id: str | None
    at: Instant
    event: str | None = None
    problem: str | None = None
    told: Facts = {}


class PeriodMargin(Reply):
    subscription_id: str
    tier: str
    plan: str
    start_date: Instant
    end_date: Instant | None
    paid_paise: int
    gst_paise: int
    fee_paise: int
    net_paise: int
    ai_cost_micro_usd: int
    ai_cost_paise: int
    margin_paise: int
    flagged: bool


class UserMargin(Reply):
    user_id: str
    guard: Literal["off", "report", "enforce"]
    periods: list[PeriodMargin]


class DifferenceShown(Reply):
    kind: str
    id: str
    payment_id: str | None
    order_id: str | None
    user_id: str | None
    ours: Any
    theirs: Any
    means: str
    advice: str
    since: Day
    outcome: str | None = None


class Waiting(Reply):
    payment_id: str
    since: Day


class DifferenceCounts(Reply):
    differences: Count
    repaired: Count
    waiting: Count
    kinds: dict[str, int]


class DailyReport(Reply):
    date: Day
    generated_at: Instant
    revision: int
    figures: dict[str, int]
    counts: DifferenceCounts
    differences: list[DifferenceShown]
    repaired: list[DifferenceShown]
    waiting: list[Waiting]


class Days(Reply):
    """The days a report is about."""

    from_: Day = Field(alias="from")
    to: Day


class Money(Reply):
    payments: int
    gross_paise: int
    refunds: int
    refunded_paise: int
    chargeback_paise: int
    gst_paise: int
    fee_paise: int
    net_paise: int


class MoneyOfPlan(Money):
    tier: str
    plan: str


class MoneyOfDay(Money):
    date: Day
    mrr_paise: int
    paying_users: int


class RevenueReport(Days):
    currency: str
    totals: Money
    mrr_paise: int
    arr_paise: int
    paying_users: int
    arpu_paise: int | None
    by_plan: list[MoneyOfPlan]
    days: list[MoneyOfDay]


class Moves(Reply):
    new: int
    returned: int
    churned: int


class MovesOfDay(Moves):
    date: Day
    active: int
    by_tier: dict[str, int]


class ActiveUsers(Reply):
    total: int
    by_tier: dict[str, int]


class UsersReport(Days):
    tiers: list[str]
    active: ActiveUsers
    totals: Moves
    days: list[MovesOfDay]


class Calls(Reply):
    calls: int
    failures: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cost_micro_usd: int


class CallsOfTier(Calls):
    tier: str


class CallsOfProvider(Calls):
    provider: str


class CallsOfTask(Calls):
    task: str


class CallsOfModel(Calls):
    model: str


class CallsOfDay(Calls):
    date: Day


class TierMargin(Reply):
    tier: str
    net_paise: int
    ai_cost_paise: int
    margin_paise: int


class CeilingToday(Reply):
    date: Day
    ceiling_inr: int
    spent_micro_usd: int
    reached: bool


class AiCostsReport(Days):
    paise_per_usd: int
    totals: Calls
    by_tier: list[CallsOfTier]
    by_provider: list[CallsOfProvider]
    by_task: list[CallsOfTask]
    by_model: list[CallsOfModel]
    margin: list[TierMargin]
    ceiling: CeilingToday | None
    days: list[CallsOfDay]


class PaymentFigures(Reply):
    captured: int
    captured_paise: int
    granted: int
    flagged: int
    waiting: int
    failed: int
    refunded: int
    refunded_paise: int
    disputed: int
    lost: int


class PaymentsOfPlan(PaymentFigures):
    tier: str
    plan: str


class PaymentsOfDay(PaymentFigures):
    date: Day


class PaymentsReport(Days):
    currency: str
    totals: PaymentFigures
    by_plan: list[PaymentsOfPlan]
    days: list[PaymentsOfDay]


# What is not what was asked for


class FieldError(Reply):
    field: str
    message: str


class Offer(Reply):
    """The cheapest plan that allows it, with its exact price after credit."""

    tier: str
    plan: str
    price_paise: Paise
    payable_paise: Paise


class Problem(Reply):
    """An RFC 9457 problem. `error` repeats `detail` under the name that older callers read."""

    type: str
    title: str
    status: int
    detail: str
    error: str
    code: str
    request_id: str
    errors: list[FieldError] = []
    limit_type: str | None = None
    used: int | None = None
    limit: int | None = None
    reset_date: Day | None = None
    retry_after: int | None = None
    upgrade: Offer | None = None
    tiers: list[str] = []
    domains: list[str] = []
    feature: str | None = None
    reason: str | None = None
