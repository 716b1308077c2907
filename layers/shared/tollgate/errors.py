"""Every refusal the API can give: its status, its code, its title. Rendered in one place, `tollgate.http.problems`."""

from collections.abc import Mapping
from typing import ClassVar


class Refusal(Exception):  # noqa: N818 -- a refusal is a decision, not an error
    """A decision against the request that the caller can understand."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "refused"
    title: ClassVar[str] = "The request was refused"

    def __init__(
        self,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        **facts: object,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.facts = facts
        self.headers = headers or {}


class Unauthorized(Refusal):
    """No token, or one that does not prove who is calling. What is wrong with it is not told: that helps an attacker."""

    status, code, title = 401, "unauthorized", "Authentication required"

    def __init__(
        self,
        detail: str = "The bearer token is not valid, or it has expired.",
        *,
        headers: Mapping[str, str] | None = None,
        **facts: object,
    ) -> None:
        super().__init__(detail, headers=headers or {"WWW-Authenticate": "Bearer"}, **facts)


class Forbidden(Refusal):
    """The caller is known and may not do this."""

    status, code, title = 403, "forbidden", "Not allowed"


class SubscriptionRequired(Refusal):
    """Only for people with a running paid plan."""

    status, code, title = 403, "subscription_required", "A paid plan is required"


class FeatureNotInPlan(Refusal):
    """The plan does not include what was asked for."""

    status, code, title = 403, "feature_not_in_plan", "Not in your plan"


class TierRequired(Refusal):
    """Only for certain tiers."""

    status, code, title = 403, "tier_required", "Another plan is required"


class UsageLimitReached(Refusal):
    """The plan's count for this window is used up."""

    status, code, title = 403, "usage_limit_reached", "Usage limit reached"


class RateLimited(Refusal):
    """Too many calls in this clock hour."""

    status, code, title = 429, "rate_limited", "Too many requests"


class InvalidRequest(Refusal):
    """The request is not well formed. `errors` lists field and message."""

    status, code, title = 422, "invalid_request", "The request is not valid"


class ContentRefused(Refusal):
    """The AI provider declined the content itself."""

    status, code, title = 422, "content_refused", "The content was declined"


class PayloadTooLarge(Refusal):
    """More than the endpoint takes."""

    status, code, title = 413, "payload_too_large", "Too large"


class Conflict(Refusal):
    """The request does not fit the present state."""

    status, code, title = 409, "conflict", "Conflict with the present state"


class PaymentNotVerified(Refusal):
    """The payment's proof does not hold."""

    status, code, title = 400, "payment_not_verified", "Payment not verified"


class PaymentPending(Refusal):
    """Paid or being paid, not captured yet."""

    status, code, title = 202, "payment_pending", "Payment pending"


class PaymentUnderReview(Refusal):
    """Money arrived that does not fit its order; a person looks at it."""

    status, code, title = 202, "payment_under_review", "Payment under review"


class ProviderUnavailable(Refusal):
    """Razorpay, the AI providers or the database did not answer."""

    status, code, title = 503, "provider_unavailable", "Temporarily unavailable"


class AiPaused(Refusal):
    """All users' calls together have cost what they may on one day."""

    status, code, title = 503, "ai_paused", "The AI is paused for today"


class AccountDeleted(Refusal):
    """The account was deleted; its token is only still valid."""

    status, code, title = 410, "account_deleted", "This account was deleted"


class ErasurePending(Refusal):
    """More is held than one request can erase; the same request again goes on."""

    status, code, title = 202, "erasure_pending", "Not everything is erased yet"


class NotFound(Refusal):
    """No such thing, or not yours."""

    status, code, title = 404, "not_found", "Not found"


class InvalidSignature(Refusal):
    """A webhook that Razorpay did not sign."""

    status, code, title = 400, "invalid_signature", "Signature mismatch"
