"""What the sources do not tell of a route: its reply, its query, the refusals that its use case gives, and an example.

Everything else (method and path, access, body, headers, texts) is read from the function itself. A route without an entry here
stops the generator, so no route can be left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from tollgate import errors
from tollgate.errors import Refusal
from tools.openapi import replies

type Schema = Mapping[str, Any]
type Refusals = tuple[type[Refusal], ...]

TEXT = {"type": "string"}
DAY = {"type": "string", "format": "date"}
REPORT: Mapping[str, Schema] = {"from": DAY, "to": DAY, "format": {"enum": ["json", "csv"]}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An operation. `reply` is a model or a type of them; `file` is the content type where it is, or may be, no JSON."""

    reply: Any
    query: Mapping[str, Schema] = field(default_factory=lambda: MappingProxyType({}))
    refusals: Refusals = ()
    example: Any = None
    file: str | None = None
    paged: bool = False


RESUME = "Asha Rao\nBackend engineer\nBuilt an order service in Python that serves 4,000 shops."
JOB = "We look for a backend engineer with Python and PostgreSQL."
METERED: Refusals = (errors.UsageLimitReached, errors.RateLimited, errors.ContentRefused, errors.AiPaused)
GATED: Refusals = (*METERED, errors.FeatureNotInPlan)
BUYING: Refusals = (errors.Conflict, errors.TierRequired)

OPERATIONS: Mapping[tuple[str, str], Told] = MappingProxyType(
    {
        ("GET", "/api/subscription/pricing"): Told(reply=replies.Pricing),
        ("GET", "/api/subscription/compare"): Told(reply=replies.Comparison),
        ("GET", "/api/openapi.json"): Told(reply=replies.Facts),
        ("GET", "/api/docs"): Told(reply=None, file="text/html"),
        ("POST", "/api/subscription/create-order"): Told(
            reply=replies.OrderMade | replies.MandateMade,
            refusals=BUYING,
            example={"tier": "pro", "plan": "monthly"},
        ),
        ("POST", "/api/subscription/verify-payment"): Told(
            reply=replies.SubscriptionShown,
            refusals=(
                errors.PaymentNotVerified,
                errors.PaymentPending,
                errors.PaymentUnderReview,
                errors.NotFound,
                errors.Conflict,
            ),
            example={
                "razorpay_order_id": "order_RkXb4bWyTnQ2c1",
                "razorpay_payment_id": "pay_RkXcN3bV1mZ8d2",
                "razorpay_signature": "0d1c…",
            },
        ),
        ("POST", "/api/subscription/renew"): Told(reply=replies.OrderMade, refusals=BUYING),
        ("POST", "/api/subscription/webhook"): Told(reply=replies.Received, refusals=(errors.InvalidSignature,)),
        ("GET", "/api/subscription/status"): Told(reply=replies.StatusShown),
        ("GET", "/api/subscription/history"): Told(
            reply=list[replies.HistoryEntry],
            query={"limit": {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}, "cursor": TEXT},
            refusals=(errors.InvalidRequest,),
            paged=True,
        ),
        ("POST", "/api/subscription/cancel"): Told(
            reply=replies.Cancelled,
            refusals=(errors.SubscriptionRequired,),
            example={"reason": "I found a job."},
        ),
        ("GET", "/api/subscription/usage"): Told(
            reply=replies.UsageShown,
            query={"history": {"type": "integer", "minimum": 1, "maximum": 24}},
            refusals=(errors.InvalidRequest,),
        ),
        ("GET", "/api/subscription/ai-config"): Told(reply=replies.AiConfig),
        ("POST", "/api/subscription/ai-preference"): Told(
            reply=replies.AiConfig, refusals=BUYING, example={"preference": "gpt4o"}
        ),
        ("GET", "/api/account/preferences"): Told(reply=replies.PreferencesShown),
        ("PUT", "/api/account/preferences"): Told(
            reply=replies.PreferencesShown,
            refusals=BUYING,
            example={"notifications": {"usageAlerts": False}},
        ),
        ("POST", "/api/account/sign-out"): Told(
            reply=replies.SignedOut, refusals=(errors.InvalidRequest, errors.PayloadTooLarge)
        ),
        ("GET", "/api/account/export"): Told(
            reply=replies.AccountExport, query={"cursor": TEXT}, refusals=(errors.InvalidRequest,), paged=True
        ),
        ("DELETE", "/api/account"): Told(
            reply=replies.Erased, refusals=(errors.ErasurePending,), example={"confirm": "delete"}
        ),
        ("POST", "/api/ai/parse-resume"): Told(reply=replies.ResumeParsed, refusals=METERED, example={"text": RESUME}),
        ("POST", "/api/ai/enhance-content"): Told(
            reply=replies.ContentEnhanced,
            refusals=METERED,
            example={"section": "Experience", "content": "Was responsible for the order service.", "tone": "concise"},
        ),
        ("POST", "/api/ai/generate-summary"): Told(
            reply=replies.SummariesWritten, refusals=METERED, example={"resume": RESUME}
        ),
        ("POST", "/api/ai/categorize-skills"): Told(
            reply=replies.SkillsGrouped, refusals=METERED, example={"skills": ["Python", "PostgreSQL", "Mentoring"]}
        ),
        ("POST", "/api/ai/job-match"): Told(
            reply=replies.JobMatched, refusals=GATED, example={"resume": RESUME, "jobDescription": JOB}
        ),
        ("POST", "/api/ai/cover-letter"): Told(
            reply=replies.LetterWritten, refusals=GATED, example={"resume": RESUME, "jobDescription": JOB}
        ),
        ("POST", "/api/ai/ats-scan"): Told(reply=replies.ResumeScanned, refusals=GATED, example={"text": RESUME}),
        ("GET", "/api/admin/reports"): Told(
            reply=replies.DailyReport,
            query={"date": DAY, "page": {"type": "integer", "minimum": 1}},
            refusals=(errors.InvalidRequest, errors.NotFound),
            paged=True,
        ),
        ("GET", "/api/admin/flagged-payments"): Told(
            reply=list[replies.Flagged], query={"cursor": TEXT}, refusals=(errors.InvalidRequest,), paged=True
        ),
        ("POST", "/api/admin/flagged-payments/{payment_id}/resolve"): Told(
            reply=replies.Flagged,
            refusals=(errors.NotFound, errors.Conflict, errors.PaymentNotVerified),
            example={"action": "refund"},
        ),
        ("GET", "/api/admin/margin"): Told(
            reply=replies.UserMargin,
            query={"userId": TEXT},
            refusals=(errors.InvalidRequest, errors.NotFound),
        ),
        ("GET", "/api/admin/revenue"): Told(
            reply=replies.RevenueReport, query=REPORT, refusals=(errors.InvalidRequest,), file="text/csv"
        ),
        ("GET", "/api/admin/users"): Told(
            reply=replies.UsersReport, query=REPORT, refusals=(errors.InvalidRequest,), file="text/csv"
        ),
        ("GET", "/api/admin/ai-costs"): Told(
            reply=replies.AiCostsReport, query=REPORT, refusals=(errors.InvalidRequest,), file="text/csv"
        ),
        ("GET", "/api/admin/payments"): Told(
            reply=replies.PaymentsReport, query=REPORT, refusals=(errors.InvalidRequest,), file="text/csv"
        ),
    }
)
