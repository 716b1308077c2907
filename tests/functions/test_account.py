"""GET /api/account/export and DELETE /api/account: everything handed over, and what is personal gone from every table."""

import json
from typing import Any

import pytest

from tests.functions.harness import Json, World
from tests.functions.problems import problem
from tests.functions.test_mandates import at_razorpay, standing
from tollgate import ids
from tollgate.store import dynamodb

EXPORT, ACCOUNT = "/api/account/export", "/api/account"
CONFIRMED = {"confirm": "delete"}
TABLES = ("UsersTable", "SubscriptionsTable", "PaymentsTable", "UsageLogsTable", "NoticesTable", "RepliesTable")
RESUME = "Zebediah Quillfeather\nSkills: Canarythmetic"
CANARIES = ("Quillfeather", "Canarythmetic", "I hate canaries", "@example.com")


def lived(world: World) -> None:
    """Somebody who bought, chose, used, cancelled and left an order unpaid."""
    world.buy("pro", "monthly")
    world.order("premium", "yearly")
    world.call("PUT", "/api/account/preferences", {"notifications": {"usageAlerts": False}})
    key = {"idempotency-key": ids.token(12)}
    assert world.post("/api/ai/parse-resume", {"text": RESUME}, headers=key).status == 200
    world.post("/api/subscription/cancel", {"reason": "I hate canaries"})
    world.feed()


def delete(world: World, **options: Any) -> Json:  # noqa: ANN401 -- call's own
    reply = world.call("DELETE", ACCOUNT, CONFIRMED, **options)
    assert reply.status == 200, reply.body
    told: Json = reply.json
    return told


def held(world: World) -> dict[str, list[Json]]:
    """What lies about the user in every table, however it is found there."""
    return {name: [row for row in whole(world, name) if world.user in json.dumps(row)] for name in TABLES}


def whole(world: World, table: str) -> list[Json]:
    pages = world.raw.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    return [each for page in pages for each in page["Items"]]


def exported(world: World) -> list[Json]:
    """All pages."""
    pages: list[Json] = []
    path = EXPORT
    while path:
        reply = world.get(path)
        assert reply.status == 200, reply.body
        pages.append(reply.json)
        path = reply.headers.get("link", "").partition(">")[0].lstrip("<")
    return pages


def test_the_export_holds_everything_that_is_held(world: World) -> None:
    lived(world)
    (page,) = exported(world)
    assert page["account"]["email"] == f"{world.user}@example.com"
    assert page["account"]["preferences"]["usageAlerts"] is False
    assert [each["cancelReason"] for each in page["subscriptions"]] == ["I hate canaries"]
    assert sorted(each["kind"] for each in page["payments"]) == ["order", "order", "payment"]
    assert [each["action"] for each in page["usage"]] == ["resume-parse"]
    assert page["notices"]
    assert page["next"] is None


def test_the_export_of_somebody_unknown_is_empty(world: World) -> None:
    (page,) = exported(world)
    assert (page["account"]["email"], page["subscriptions"], page["payments"]) == (f"{world.user}@example.com", [], [])
    assert world.item() is None


def test_the_export_says_nothing_of_anybody_else_and_no_secret(world: World) -> None:
    lived(world)
    other = f"other-{world.user}"
    world.buy("premium", "monthly", user=other)
    told = json.dumps(exported(world))
    assert other not in told
    theirs = world.get(f"{EXPORT}?cursor=payments.{'A' * 8}", token=world.token(other)).body.decode()
    assert f'"{world.user}@' not in theirs
    for secret in ("secret", "claimedBy", "lookAt", "key-canary"):
        assert secret not in told


def test_a_long_export_comes_in_pages_that_hold_every_row_once(world: World) -> None:
    row = {"userId": {"S": world.user}, "action": {"S": "job-match"}, "expiresAt": {"N": "4000000000"}}
    for number in range(230):
        stamp = {"timestamp": {"S": f"2026-11-20T10:00:00Z#{number:03}#0"}}
        world.raw.put_item(TableName="UsageLogsTable", Item=row | stamp)
    pages = exported(world)
    assert [len(each["usage"]) for each in pages] == [100, 100, 30]
    assert len({each["timestamp"] for page in pages for each in page["usage"]}) == 230
    assert ["account" in each for each in pages] == [True, False, False]


@pytest.mark.parametrize("cursor", ["x", "users.YQ==", "usage.!!", "usage.YQ", "replies.YQ==", "usage.//8="])
def test_a_cursor_that_no_reply_gave_is_refused(world: World, cursor: str) -> None:
    problem(world.get(f"{EXPORT}?cursor={cursor}"), 422, "invalid_request")


@pytest.mark.parametrize("body", [None, {}, {"confirm": "yes"}, {"confirm": True}])
def test_nothing_is_deleted_without_the_word(world: World, body: object) -> None:
    lived(world)
    problem(world.call("DELETE", ACCOUNT, body), 422, "invalid_request")
    assert world.get("/api/subscription/status").json["tier"] == "pro"


def test_what_is_personal_is_gone_from_every_table_and_the_books_are_kept(world: World) -> None:
    lived(world)
    before = held(world)
    assert all(before[name] for name in TABLES)
    assert all(canary in json.dumps(before) for canary in ("@example.com", "I hate canaries"))
    told = delete(world)
    after = held(world)
    for canary in CANARIES:
        assert canary not in json.dumps(after)
    assert [after[name] for name in ("UsageLogsTable", "NoticesTable", "RepliesTable")] == [[], [], []]
    assert len(after["SubscriptionsTable"]) == len(before["SubscriptionsTable"]) == 1
    assert len(after["PaymentsTable"]) == len(before["PaymentsTable"])
    money = ("amount", "currency", "kind", "orderId", "paymentId", "tier", "plan", "at")
    assert [[row.get(name) for name in money] for row in after["PaymentsTable"]] == [
        [row.get(name) for name in money] for row in before["PaymentsTable"]
    ]
    (left,) = after["UsersTable"]
    assert set(left) == {"userId", "createdAt", "deletedAt", "version", "terms"}
    assert told["status"] == "deleted"
    assert "payments" in told["kept"]
    assert "Companies Act" in told["reason"]


def test_nobody_elses_rows_are_touched(world: World) -> None:
    other = f"other-{world.user}"
    world.buy("pro", "monthly", user=other)
    theirs = (world.item(other), world.rows("SubscriptionsTable", other), exported_of(world, other))
    lived(world)
    delete(world)
    assert theirs == (world.item(other), world.rows("SubscriptionsTable", other), exported_of(world, other))


def exported_of(world: World, user: str) -> Json:
    found: Json = world.get(EXPORT, token=world.token(user)).json
    return {name: value for name, value in found.items() if name != "exportedAt"}


def test_deleting_twice_says_the_same(world: World) -> None:
    lived(world)
    first = delete(world)
    world.later(hours=1)
    assert delete(world) == first


def test_somebody_of_whom_nothing_is_known_can_be_deleted(world: World) -> None:
    assert delete(world)["status"] == "deleted"
    assert "deletedAt" in (world.item() or {})


USER_ROUTES: list[tuple[str, str, object]] = [
    ("GET", "/api/subscription/status", None),
    ("GET", "/api/subscription/usage", None),
    ("GET", "/api/subscription/usage?history=3", None),
    ("GET", "/api/subscription/ai-config", None),
    ("POST", "/api/subscription/ai-preference", {"preference": "auto"}),
    ("GET", "/api/account/preferences", None),
    ("PUT", "/api/account/preferences", {}),
    ("GET", EXPORT, None),
    ("POST", "/api/subscription/create-order", {"tier": "pro", "plan": "monthly"}),
    ("POST", "/api/subscription/create-order", {"tier": "pro", "plan": "monthly", "autoRenew": True}),
    ("POST", "/api/subscription/renew", None),
    ("POST", "/api/subscription/cancel", {}),
    ("POST", "/api/ai/parse-resume", {"text": RESUME}),
    ("POST", "/api/ai/enhance-content", {"section": "Skills", "content": "Canarythmetic"}),
    ("POST", "/api/ai/cover-letter", {"resume": RESUME, "jobDescription": "Somebody for canaries and figures."}),
]


def test_a_token_that_is_still_valid_opens_nothing_and_writes_nothing(world: World) -> None:
    lived(world)
    delete(world)
    left = held(world)
    for method, path, body in USER_ROUTES:
        problem(world.call(method, path, body), 410, "account_deleted")
    assert held(world) == left
    assert sum(world.upstream().values()) == 1  # the one before


def test_a_stored_reply_is_not_repeated_to_a_deleted_user(world: World) -> None:
    world.buy("pro", "monthly")
    key = {"idempotency-key": ids.token(12)}
    assert world.post("/api/ai/parse-resume", {"text": RESUME}, headers=key).status == 200
    delete(world)
    problem(world.post("/api/ai/parse-resume", {"text": RESUME}, headers=key), 410, "account_deleted")


def test_a_payment_that_comes_after_the_deletion_is_kept_for_review_and_can_go_back(world: World) -> None:
    order = world.order("pro", "monthly")
    delete(world)
    paid = world.pay(order["orderId"])
    problem(world.verify(paid), 202, "payment_under_review")
    for body in world.events(paid["razorpay_payment_id"]).values():
        assert world.webhook(body).status == 200
    row = world.row(paid["razorpay_payment_id"]) or {}
    assert (row["reason"], row["amount"]) == ("account_deleted", order["amount"])
    assert set(world.item() or {}) == {"userId", "createdAt", "deletedAt", "version", "terms"}
    boss = world.token("boss", role="admin")
    resolve = f"/api/admin/flagged-payments/{paid['razorpay_payment_id']}/resolve"
    problem(world.post(resolve, {"action": "grant"}, token=boss), 409, "conflict")
    assert world.post(resolve, {"action": "refund"}, token=boss).json["resolution"] == "refund"
    assert "@example.com" not in json.dumps(held(world))


def test_a_running_mandate_is_ended_before_anything_else(world: World) -> None:
    mandate = standing(world)
    assert at_razorpay(world, mandate)["status"] == "active"
    delete(world)
    assert at_razorpay(world, mandate)["status"] == "cancelled"
    row = world.row(mandate) or {}
    assert (row["cancelled"], row["email"]) == (True, None)


def test_a_deletion_that_dies_before_it_has_begun_has_ended_the_mandate(world: World) -> None:
    mandate = standing(world)
    before = dynamodb.engine()
    dynamodb.use(Dying(before, 2))  # that the mandate is to end is written down, and then that it has
    try:
        problem(world.call("DELETE", ACCOUNT, CONFIRMED), 503, "provider_unavailable")
    finally:
        dynamodb.use(before)
    assert "deletedAt" not in (world.item() or {})
    assert at_razorpay(world, mandate)["status"] == "cancelled"
    assert delete(world)["status"] == "deleted"


def test_a_credit_that_is_left_stays_in_the_books(world: World) -> None:
    world.buy("pro", "yearly")
    world.buy("premium", "monthly")
    balance = world.get("/api/subscription/status").json["creditBalance"]
    assert balance > 0
    delete(world)
    assert dynamodb.from_item(world.item() or {})["creditBalance"] == balance


def test_a_deletion_that_dies_at_any_write_is_finished_by_sending_it_again(world: World) -> None:
    writes = 0
    while True:
        user = f"user-{ids.token(10)}"
        world.user = user
        lived(world)
        before = dynamodb.engine()
        dying = Dying(before, writes)
        dynamodb.use(dying)
        try:
            world.call("DELETE", ACCOUNT, CONFIRMED)
        finally:
            dynamodb.use(before)
        delete(world)
        after = held(world)
        assert not any(canary in json.dumps(after) for canary in CANARIES), writes
        assert after["UsageLogsTable"] == []
        if not dying.died:
            break
        writes += 1
    assert writes > 4


class Dying:
    """An engine whose process dies at the n-th write, before or after which nothing more is done."""

    def __init__(self, engine: dynamodb.Engine, lives: int) -> None:
        self._engine, self._lives = engine, lives
        self.died = False

    def __call__(self, operation: str, request: Any) -> Json:  # noqa: ANN401 -- DynamoDB's own shapes
        if self.died:
            raise dynamodb.UnreachableError("dead")
        if operation not in {"get_item", "query", "batch_get_item", "transact_get_items"}:
            self.died = self._lives == 0
            self._lives -= 1
            if self.died:
                raise dynamodb.UnreachableError("dead")
        return self._engine(operation, request)

    def close(self) -> None:
        self._engine.close()


def test_more_than_one_request_can_erase_is_erased_by_several(world: World) -> None:
    row = {"userId": {"S": world.user}, "action": {"S": "job-match"}}
    for number in range(60):
        stamp = {"timestamp": {"S": f"2026-11-20T10:00:00Z#{number:03}#0"}}
        world.raw.put_item(TableName="UsageLogsTable", Item=row | stamp)
    problem(world.call("DELETE", ACCOUNT, CONFIRMED, seconds=4), 202, "erasure_pending")
    problem(world.get("/api/subscription/status"), 410, "account_deleted")
    delete(world)
    assert world.usage() == []
