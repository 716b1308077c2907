"""Webhooks as the API shows them: list and create; nothing else is offered to account keys."""

from local.simulators.razorpay import checks
from local.simulators.razorpay.account import Account
from local.simulators.razorpay.route import Call, Route
from local.simulators.razorpay.wire import Json, Refusal, collection

MOST = 30


def listing(account: Account, _call: Call) -> Json:
    return collection([endpoint.public() for endpoint in account.post.endpoints])


def create(account: Account, call: Call) -> Json:
    checks.only(call.body, {"url", "secret", "events", "alert_email"})
    checks.required(call.body, "url")
    if len(account.post.endpoints) >= MOST:
        raise Refusal(f"Only {MOST} webhooks can be created.")
    # The real service takes a list or an object of booleans and refuses local hosts; here local hosts are the point.
    url, secret = checks.text(call.body, "url"), checks.text(call.body, "secret")
    return account.post.subscribe(str(url), secret or "", _events(call.body.get("events")) or None).public()


def _events(wanted: object) -> list[str]:
    if isinstance(wanted, dict):
        return [name for name, on in wanted.items() if on]
    if wanted is not None and not isinstance(wanted, list):
        raise Refusal("The events must be an array.", field="events")
    return [str(name) for name in wanted or []]


ROUTES = [Route("GET", "/webhooks", listing), Route("POST", "/webhooks", create)]
