"""The requests that are measured: for each a function, the state it finds, and the status it must answer."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass

from bench.ground import Event
from bench.shop import JOB, RESUME, Shop
from tests.samples import make


@dataclass(frozen=True, slots=True)
class Scenario:
    """One kind of request. `prepare` may be called any number of times; every event it gives is used once."""

    name: str
    function: str
    prepare: Callable[[Shop], Event]
    status: int = 200


def _get(function: str, tier: str = "pro", plan: str = "monthly") -> Callable[[Shop], Event]:
    return lambda shop: shop.request(function, shop.customer(tier, plan))


def _public(function: str) -> Callable[[Shop], Event]:
    return lambda shop: shop.request(function)


def _margin(shop: Shop) -> Event:
    return shop.request("Margin", shop.newcomer(), query=f"userId={shop.customer('pro', 'monthly')}")


def _resolve(shop: Shop) -> Event:
    user = shop.newcomer()
    proof = shop.paid(user, amount=12_345)  # not what the order asks for, so it is kept for review
    shop.call("VerifyPayment", proof, user)
    payment = proof["razorpay_payment_id"]
    return shop.request("ResolvePayment", user, {"action": "refund"}, paymentId=payment)


def _delete_account(shop: Shop) -> Event:
    return shop.request("DeleteAccount", shop.customer("pro", "monthly"), {"confirm": "delete"})


def _create_order(shop: Shop) -> Event:
    return shop.request("CreateOrder", shop.newcomer(), {"tier": "pro", "plan": "monthly"})


def _verify(shop: Shop) -> Event:
    user = shop.newcomer()
    return shop.request("VerifyPayment", user, shop.paid(user))


def _verify_again(shop: Shop) -> Event:
    event = _verify(shop)
    shop.send("VerifyPayment", event)
    return event


def _webhook(shop: Shop) -> Event:
    return shop.webhook(shop.razorpay_event("payment.captured", shop.paid(shop.newcomer())))


def _webhook_again(shop: Shop) -> Event:
    event = _webhook(shop)
    shop.send("Webhook", event)
    return event


def _webhook_after_verify(shop: Shop) -> Event:
    user = shop.newcomer()
    proof = shop.paid(user)
    shop.call("VerifyPayment", proof, user)
    return shop.webhook(shop.razorpay_event("order.paid", proof))


def _webhook_unknown(shop: Shop) -> Event:
    return shop.webhook({"entity": "event", "event": "invoice.expired", "payload": {}})


def _parse(tier: str | None = None, plan: str = "") -> Callable[[Shop], Event]:
    def prepare(shop: Shop) -> Event:
        user = shop.customer(tier, plan) if tier else shop.newcomer()
        return shop.request("ParseResume", user, {"text": RESUME})

    return prepare


def _parse_steady(shop: Shop) -> Event:
    event = _parse("lifetime", "lifetime")(shop)
    shop.send("ParseResume", event)
    return event


def _parse_refused(shop: Shop) -> Event:
    event = _parse()(shop)
    shop.send("ParseResume", event)
    return event


def _parse_with_key(shop: Shop) -> Event:
    event = _parse_steady(shop)
    event["headers"]["idempotency-key"] = "bench-key"
    return event


def _parse_replayed(shop: Shop) -> Event:
    event = _parse_with_key(shop)
    shop.send("ParseResume", event)
    return event


def _failing(*providers: str) -> Callable[[Shop], Event]:
    """Parse while those simulators answer the next request with an error."""

    def prepare(shop: Shop) -> Event:
        event = _parse_steady(shop)
        for provider in providers:
            shop.simulator(provider, "/_sim/faults", {"script": "500", "times": 1})
        return event

    return prepare


def _task(function: str, body: dict[str, object]) -> Callable[[Shop], Event]:
    return lambda shop: shop.request(function, shop.customer("lifetime", "lifetime"), body)


def _with_file(function: str, **more: object) -> Callable[[Shop], Event]:
    """A task that reads a resume of two pages as PDF."""
    file = b64encode(make.pdf("vikram_nair_java")).decode()
    return _task(function, {"file": file, "contentType": "pdf", **more})


def _admins(function: str) -> Callable[[Shop], Event]:
    return lambda shop: shop.request(function, shop.newcomer())


FIGURES = {
    "revenue": "Revenue",
    "paying users": "PayingUsers",
    "AI costs": "AiCosts",
    "payment counts": "PaymentCounts",
}

PLAIN = (
    Scenario("pricing", "Pricing", _public("Pricing")),
    Scenario("compare", "Compare", _public("Compare")),
    Scenario("openapi.json", "OpenApi", _public("OpenApi")),
    Scenario("docs", "Docs", _public("Docs")),
    Scenario("status", "Status", _get("Status")),
    Scenario("usage", "Usage", _get("Usage")),
    Scenario("history", "History", _get("History")),
    Scenario("ai-config", "AiConfig", _get("AiConfig")),
    Scenario(
        "ai-preference",
        "AiPreference",
        lambda shop: shop.request("AiPreference", shop.customer("pro", "monthly"), {"preference": "gemini"}),
    ),
    Scenario("preferences", "Preferences", _get("Preferences")),
    Scenario("sign out", "SignOut", lambda shop: shop.request("SignOut", shop.customer("pro", "monthly"))),
    Scenario("export account", "ExportAccount", _get("ExportAccount")),
    Scenario("delete account", "DeleteAccount", _delete_account),
    Scenario("margin", "Margin", _margin),
    Scenario("flagged-payments", "FlaggedPayments", lambda shop: shop.request("FlaggedPayments", shop.newcomer())),
    Scenario("daily reports, none yet", "DailyReports", _admins("DailyReports"), 404),
    *(Scenario(name, function, _admins(function)) for name, function in FIGURES.items()),
    Scenario("resolve payment", "ResolvePayment", _resolve),
    Scenario("create-order", "CreateOrder", _create_order),
    Scenario("renew", "Renew", lambda shop: shop.request("Renew", shop.customer("pro", "monthly"))),
    Scenario("cancel", "Cancel", lambda shop: shop.request("Cancel", shop.customer("pro", "monthly"), {})),
    Scenario("verify, first", "VerifyPayment", _verify),
    Scenario("verify, again", "VerifyPayment", _verify_again),
    Scenario("webhook, first", "Webhook", _webhook),
    Scenario("webhook, duplicate", "Webhook", _webhook_again),
    Scenario("webhook, settled before", "Webhook", _webhook_after_verify),
    Scenario("webhook, unknown event", "Webhook", _webhook_unknown),
)

AI = (
    Scenario("parse, newcomer's first", "ParseResume", _parse()),
    Scenario("parse, steady", "ParseResume", _parse_steady),
    Scenario("parse, hybrid plan", "ParseResume", _parse("pro", "monthly")),
    Scenario("parse, refused", "ParseResume", _parse_refused, 403),
    Scenario("parse, with Idempotency-Key", "ParseResume", _parse_with_key),
    Scenario("parse, replayed by its key", "ParseResume", _parse_replayed),
    Scenario("parse, one provider fails", "ParseResume", _failing("OPENAI"), 200),
    Scenario("parse, both providers fail", "ParseResume", _failing("OPENAI", "GEMINI"), 503),
    Scenario(
        "enhance-content", "EnhanceContent", _task("EnhanceContent", {"section": "summary", "content": RESUME[120:400]})
    ),
    Scenario("generate-summary", "GenerateSummary", _task("GenerateSummary", {"resume": RESUME})),
    Scenario("categorize-skills", "CategorizeSkills", _task("CategorizeSkills", {"skills": ["Python", "Kafka", "Go"]})),
    Scenario("job-match", "JobMatch", _task("JobMatch", {"resume": RESUME, "jobDescription": JOB})),
    Scenario("cover-letter", "CoverLetter", _task("CoverLetter", {"resume": RESUME, "jobDescription": JOB})),
    Scenario("ats-scan", "AtsScan", _task("AtsScan", {"text": RESUME, "jobDescription": JOB})),
    Scenario("parse, a PDF", "ParseResume", _with_file("ParseResume")),
    Scenario("ats-scan, a PDF", "AtsScan", _with_file("AtsScan", jobDescription=JOB)),
)

COLD = (
    *(each for each in PLAIN if each.name not in {"verify, again", "webhook, duplicate", "webhook, settled before"}),
    Scenario("parse, by gpt4o", "ParseResume", _parse("lifetime", "lifetime")),
    Scenario("parse, by gemini", "ParseResume", _parse()),
    *(each for each in AI if each.function != "ParseResume"),
)
