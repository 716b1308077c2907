"""Whatever is thrown at the door, it is refused in our words: never a 5xx, never a write."""

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.functions.harness import World, signature

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    [
        "tier",
        "plan",
        "autoRenew",
        "razorpay_order_id",
        "razorpay_payment_id",
        "razorpay_signature",
        "reason",
        "preference",
        "text",
        "file",
        "contentType",
        "notifications",
        "aiService",
        "userId",
        "version",
        "terms",
    ]
)
BODIES = st.binary(max_size=200) | st.dictionaries(FIELDS, JSON, max_size=5).map(lambda each: json.dumps(each).encode())
ROUTES = st.sampled_from(
    [
        ("POST", "/api/subscription/create-order"),
        ("POST", "/api/subscription/verify-payment"),
        ("POST", "/api/subscription/cancel"),
        ("POST", "/api/subscription/renew"),
        ("POST", "/api/subscription/ai-preference"),
        ("PUT", "/api/account/preferences"),
    ]
)
PAYMENT = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        ("id", "order_id", "amount", "currency", "status", "invoice_id", "method", "notes", "captured"), JSON
    ),
)
FUZZ = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@FUZZ
@given(route=ROUTES, body=BODIES, base64=st.booleans())
def test_no_body_breaks_a_function(world: World, route: tuple[str, str], body: bytes, base64: bool) -> None:  # noqa: FBT001 -- drawn by Hypothesis
    kind = "application/octet-stream" if base64 else "application/json"
    assert world.call(*route, raw=body, content_type=kind).status < 500


@FUZZ
@given(body=st.binary(max_size=300), forged=st.text(max_size=80))
def test_no_forged_webhook_is_believed_or_breaks_the_function(world: World, body: bytes, forged: str) -> None:
    reply = world.webhook(body, headers={"x-razorpay-signature": forged.replace("\x00", "")})
    assert reply.status == 400
    assert world.steps == []


@FUZZ
@given(name=st.sampled_from(["payment.captured", "order.paid", "payment.failed", "payment.authorized"]), entity=PAYMENT)
def test_no_signed_payment_of_any_shape_breaks_the_function_or_grants_something(
    world: World, name: str, entity: dict[str, object]
) -> None:
    event = {"event": name, "payload": {"payment": {"entity": entity}}}
    assert world.webhook(json.dumps(event).encode()).status == 200
    assert world.rows("SubscriptionsTable") == []


@FUZZ
@given(event=JSON)
def test_no_signed_event_of_any_shape_breaks_the_function(world: World, event: object) -> None:
    body = json.dumps(event).encode()
    assert world.webhook(body).status == 200
    assert signature(body, "another") != signature(body, "local-webhook-secret")


@FUZZ
@given(token=st.text(alphabet=st.characters(codec="latin-1", exclude_characters="\x00\r\n"), max_size=120))
def test_no_token_of_any_shape_breaks_the_function_or_is_believed(world: World, token: str) -> None:
    assert world.get("/api/subscription/status", token=token or "x").status == 401
