"""POST /api/subscription/webhook: Razorpay's events, verified over their raw bytes."""

import json

from tollgate.app import gateway
from tollgate.errors import InvalidSignature
from tollgate.http.api import Access, Api, entrypoint, logger
from tollgate.payments import webhooks

app = Api(Access.SIGNATURE)


@app.post("/api/subscription/webhook")
def webhook() -> dict[str, object]:
    raw = app.raw_body
    signature = app.current_event.headers.get("x-razorpay-signature") or ""
    if not gateway().is_webhook_signature(raw, signature):
        raise InvalidSignature("The signature does not match the body.")
    event = webhooks.event(_parsed(raw), raw, app.now)
    outcome = webhooks.handle(event)
    logger.info(
        "webhook", event=event.name, outcome=outcome, event_id=app.current_event.headers.get("x-razorpay-event-id")
    )
    return {"status": outcome}


def _parsed(raw: bytes) -> dict[str, object]:
    try:
        body = json.loads(raw)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


handler = entrypoint(app)
