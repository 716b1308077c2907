"""POST /api/subscription/webhook: Razorpay's events, verified over their raw bytes."""

from aws_lambda_powertools.metrics import MetricUnit

from tollgate.app import gateway
from tollgate.errors import InvalidSignature
from tollgate.http.api import Access, Api, entrypoint, logger, metrics
from tollgate.payments import webhooks

app = Api(Access.SIGNATURE)


@app.post("/api/subscription/webhook")
def webhook() -> dict[str, object]:
    raw = app.raw_body
    signature = app.current_event.headers.get("x-razorpay-signature") or ""
    if not gateway().is_webhook_signature(raw, signature):
        metrics.add_metric(name="WebhooksUnverified", unit=MetricUnit.Count, value=1)
        raise InvalidSignature("The signature does not match the body.")
    event = webhooks.event(raw, app.now)
    outcome = webhooks.handle(event)
    metrics.add_metric(name="Webhooks", unit=MetricUnit.Count, value=1)
    metrics.add_metric(name=f"Webhooks{outcome.capitalize()}", unit=MetricUnit.Count, value=1)
    logger.info(
        "webhook", event=event.name, outcome=outcome, event_id=app.current_event.headers.get("x-razorpay-event-id")
    )
    return {"status": outcome}


handler = entrypoint(app)
