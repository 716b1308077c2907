"""Settings: every environment variable the functions read, in one place. Read once a process, at first need."""

import os
from dataclasses import dataclass, field
from functools import cache


def _env(name: str, default: str = "") -> str:
    return os.environ.get(name, default)


def _listed(name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in _env(name).split(",") if part.strip())


def _setting(name: str, default: str = "") -> str:
    return field(default_factory=lambda: _env(name, default))


def _number(name: str, default: int) -> int:
    return field(default_factory=lambda: int(_env(name) or default))


def _secret(name: str) -> str:
    return field(default_factory=lambda: _env(name), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """Where things are kept."""

    users: str = _setting("USERS_TABLE", "tollgate-users")
    subscriptions: str = _setting("SUBSCRIPTIONS_TABLE", "tollgate-subscriptions")
    payments: str = _setting("PAYMENTS_TABLE", "tollgate-payments")
    usage_logs: str = _setting("USAGE_LOGS_TABLE", "tollgate-usage-logs")
    replies: str = _setting("REPLIES_TABLE", "tollgate-replies")
    notices: str = _setting("NOTICES_TABLE", "tollgate-notices")
    rollups: str = _setting("ROLLUPS_TABLE", "tollgate-rollups")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """How bearer tokens are verified. The algorithm is pinned here, never taken from the token."""

    algorithm: str = _setting("JWT_ALGORITHM", "HS256")
    secret: str = _secret("JWT_SECRET")
    jwks_url: str = _setting("JWT_JWKS_URL")
    public_key: str = _setting("JWT_PUBLIC_KEY")
    audience: str = _setting("JWT_AUDIENCE")
    issuer: str = _setting("JWT_ISSUER")


@dataclass(frozen=True, slots=True, kw_only=True)
class Razorpay:
    """The payment gateway."""

    base_url: str = _setting("RAZORPAY_BASE_URL", "https://api.razorpay.com")
    key_id: str = _setting("RAZORPAY_KEY_ID")
    key_secret: str = _secret("RAZORPAY_KEY_SECRET")
    webhook_secret: str = _secret("RAZORPAY_WEBHOOK_SECRET")
    webhook_secret_previous: str = _secret("RAZORPAY_WEBHOOK_SECRET_PREVIOUS")

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """The secrets a webhook may be signed with: retries keep the old one after a rotation. Empty ones never count."""
        return tuple(secret for secret in (self.webhook_secret, self.webhook_secret_previous) if secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class AiProviders:
    """The AI providers. `gemini_client` is sdk or rest; `daily_ceiling_inr` what they may charge a day, 0 for no ceiling."""

    openai_base_url: str = _setting("OPENAI_BASE_URL", "https://api.openai.com/v1")
    openai_api_key: str = _secret("OPENAI_API_KEY")
    gemini_base_url: str = _setting("GEMINI_BASE_URL", "https://generativelanguage.googleapis.com")
    gemini_api_key: str = _secret("GEMINI_API_KEY")
    gemini_client: str = _setting("GEMINI_CLIENT", "sdk")
    daily_ceiling_inr: int = _number("AI_DAILY_CEILING_INR", 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginGuard:
    """When AI cost has to be looked at. `usd_inr` is the dated rate that turns provider bills into rupees for display."""

    mode: str = _setting("MARGIN_GUARD", "report")
    share_per_cent: int = _number("MARGIN_SHARE_PER_CENT", 100)
    paise_per_usd: int = _number("USD_INR_PAISE", 9_000)  # an assumption of ₹90 a dollar, 2026-11-23


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """How DynamoDB is reached. `client` is thin or boto3. Lambda sets region and credentials; no endpoint is the region's own."""

    client: str = _setting("DYNAMODB_CLIENT", "thin")
    endpoint: str = _setting("AWS_ENDPOINT_URL_DYNAMODB")
    region: str = _setting("AWS_REGION")
    key_id: str = _setting("AWS_ACCESS_KEY_ID")
    secret: str = _secret("AWS_SECRET_ACCESS_KEY")
    token: str = _secret("AWS_SESSION_TOKEN")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """Whom mails come from, as `Name <address>`, and the application that they link to."""

    sender: str = _setting("MAIL_FROM", "ATS Resume Generator <no-reply@example.com>")
    app_url: str = _setting("APP_URL", "http://localhost:5173")


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """Where the process runs."""

    execution_environment: str = _setting("AWS_EXECUTION_ENV")  # set by Lambda

    @property
    def in_cloud(self) -> bool:
        """Whether this process is a Lambda function's."""
        return self.execution_environment.startswith("AWS_Lambda_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All of them."""

    stage: str = _setting("STAGE", "local")
    tables: Tables = field(default_factory=Tables)
    database: Database = field(default_factory=Database)
    tokens: Tokens = field(default_factory=Tokens)
    razorpay: Razorpay = field(default_factory=Razorpay)
    ai: AiProviders = field(default_factory=AiProviders)
    margin: MarginGuard = field(default_factory=MarginGuard)
    mail: Mail = field(default_factory=Mail)
    sentry_dsn: str = _secret("SENTRY_DSN")  # empty: nobody is told
    grace_days: int = _number("GRACE_DAYS", 4)  # Razorpay tries a renewal on its day and the three after it
    academic_domains: tuple[str, ...] = field(default_factory=lambda: _listed("ACADEMIC_DOMAINS"))


def namespace() -> str:
    """What this stage's metrics stand under: the stages of one account must not trip each other's alarms."""
    return f"Tollgate/{Settings().stage}"


def trace_id() -> str:
    """Under what X-Ray knows the invocation that is running; empty where it does not follow it. Lambda sets it anew for each."""
    root, _, rest = os.environ.get("_X_AMZN_TRACE_ID", "").partition(";")
    return root.removeprefix("Root=") if "Sampled=1" in rest else ""


@cache
def settings() -> Settings:
    """The settings of this process."""
    return Settings()
