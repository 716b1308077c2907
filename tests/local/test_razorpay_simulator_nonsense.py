"""Whatever is posted to the simulated API, it answers as an API does and never with a bug of its own."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.local.razorpay_desk import Desk, Json, a_desk

FIELDS = (
    "amount", "currency", "receipt", "notes", "payment_capture", "payment", "period", "interval", "item", "plan_id",
    "total_count", "quantity", "start_at", "expire_by", "addons", "customer_notify", "name", "email", "contact",
    "fail_existing", "speed", "payment_id", "url", "events", "secret", "cancel_at_cycle_end", "schedule_change_at",
)  # fmt: skip
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=300),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4),
    max_leaves=6,
)
BODIES = st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=8)


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    with a_desk(webhook_url=None) as desk:
        yield desk


@pytest.fixture(scope="module")
def known(desk: Desk) -> Json:
    """One of each, so that nonsense can be said about things that exist."""
    item = {"name": "Pro", "amount": 14900, "currency": "INR"}
    plan = desk.sdk.plan.create({"period": "monthly", "interval": 1, "item": item})
    subscription = desk.sdk.subscription.create({"plan_id": plan["id"], "total_count": 12})
    desk.sim("POST", f"/subscriptions/{subscription['id']}/authorise", method="card", international=True)
    return {"plan": plan["id"], "subscription": subscription["id"], "payment": desk.paid()["id"]}


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 9), body=BODIES, helpful=st.booleans())
def test_nonsense_is_refused_politely(desk: Desk, known: Json, place: int, body: Json, *, helpful: bool) -> None:
    paths = (
        ("POST", "/orders"),
        ("POST", "/plans"),
        ("POST", "/subscriptions"),
        ("POST", "/customers"),
        ("POST", "/refunds"),
        ("POST", "/webhooks"),
        ("POST", f"/payments/{known['payment']}/refund"),
        ("POST", f"/payments/{known['payment']}/capture"),
        ("PATCH", f"/subscriptions/{known['subscription']}"),
        ("PATCH", f"/payments/{known['payment']}"),
    )
    method, path = paths[place]
    if helpful:  # enough of it right to get past the first check
        body = {"amount": 100, "currency": "INR", "plan_id": known["plan"], "total_count": 2} | body
        body = {name: value for name, value in body.items() if name in accepted(path)}
    answer = desk.raw(method, f"/v1{path}", body)
    assert answer.status_code in {200, 400, 409}, answer.text
    answer.json()


def accepted(path: str) -> set[str]:
    """The fields this endpoint does not refuse out of hand."""
    by_path = {
        "/orders": {"amount", "currency", "receipt", "notes", "payment_capture", "payment"},
        "/plans": {"period", "interval", "item", "notes"},
        "/subscriptions": {"plan_id", "total_count", "quantity", "start_at", "expire_by", "addons", "customer_notify"},
        "/customers": {"name", "email", "contact", "fail_existing", "notes"},
        "/refunds": {"payment_id", "amount", "speed", "notes", "receipt"},
        "/webhooks": {"url", "secret", "events"},
    }
    return by_path.get(path, {"amount", "quantity", "notes", "plan_id", "schedule_change_at", "currency", "speed"})


@pytest.mark.parametrize("raw", [b"{", b"[]", b'"text"', b"\xff", b"null"])
def test_a_body_that_is_no_object_is_refused(desk: Desk, raw: bytes) -> None:
    answer = desk.http.post("/v1/orders", content=raw, auth=("rzp_test_local", "local-key-secret"))
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "BAD_REQUEST_ERROR"


@pytest.mark.parametrize("query", ["count=x", "skip=-1", "from=x", "count=-1", "to=99999999999999999999"])
def test_a_query_that_makes_no_sense_is_refused(desk: Desk, query: str) -> None:
    assert desk.raw("GET", f"/v1/orders?{query}").status_code == 400
