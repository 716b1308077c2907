"""Idempotency-Key: the same request sent twice is done once and answered twice."""

from datetime import UTC, datetime
from typing import Any

from tests.functions.harness import Reply, World
from tests.functions.problems import problem

TEXT = {"text": "Asha Rao\nasha@example.com\n\nSkills\nPython, AWS"}
PARSE, ORDER = "/api/ai/parse-resume", "/api/subscription/create-order"


def parse(world: World, key: str, body: object = None, **options: Any) -> Reply:  # noqa: ANN401 -- call's own
    return world.post(PARSE, body or TEXT, headers={"Idempotency-Key": key}, **options)


def kept(world: World) -> set[str]:
    return {each["id"]["S"] for each in world.raw.scan(TableName="RepliesTable")["Items"]}


def test_the_same_key_and_body_return_the_stored_reply_and_charge_nothing_again(world: World) -> None:
    first = parse(world, "k1")
    again = parse(world, "k1")
    assert (first.status, again.status) == (200, 200)
    assert again.json == first.json
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert sum(world.upstream().values()) == 1
    assert world.get("/api/subscription/usage").json["resumesUsed"] == 1


def test_the_same_key_with_another_body_is_a_conflict(world: World) -> None:
    parse(world, "k1")
    problem(parse(world, "k1", {"text": "Another resume of another person"}), 409, "conflict")
    assert sum(world.upstream().values()) == 1


def test_a_key_that_is_still_in_flight_is_a_conflict_with_a_time_to_come_back(world: World) -> None:
    before = kept(world)
    parse(world, "k1")
    (key,) = kept(world) - before
    world.raw.update_item(
        TableName="RepliesTable",
        Key={"id": {"S": key}},
        UpdateExpression="SET #s = :s, in_progress_expiration = :late",
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={":s": {"S": "INPROGRESS"}, ":late": {"N": "99999999999999"}},
    )
    reply = parse(world, "k1")
    problem(reply, 409, "conflict")
    assert int(reply.headers["retry-after"]) > 0


def test_a_key_whose_request_died_is_free_once_no_function_can_still_be_running_it(world: World) -> None:
    world.buy("pro", "monthly")
    before = kept(world)
    first = parse(world, "k1")
    (key,) = kept(world) - before
    world.raw.update_item(
        TableName="RepliesTable",
        Key={"id": {"S": key}},
        UpdateExpression="SET #s = :s, in_progress_expiration = :past REMOVE #d",
        ExpressionAttributeNames={"#s": "status", "#d": "data"},
        ExpressionAttributeValues={":s": {"S": "INPROGRESS"}, ":past": {"N": "1"}},
    )
    again = parse(world, "k1")
    assert (again.status, again.json["meta"] != first.json["meta"]) == (200, True)
    assert parse(world, "k1").json == again.json


def test_a_key_is_held_no_longer_than_its_function_can_live(world: World) -> None:
    before, begun = kept(world), datetime.now(UTC).timestamp()  # the library asks the wall clock
    parse(world, "k1", seconds=29)
    (key,) = kept(world) - before
    row = world.raw.get_item(TableName="RepliesTable", Key={"id": {"S": key}})["Item"]
    held = int(row["in_progress_expiration"]["N"]) / 1000
    assert begun < held <= datetime.now(UTC).timestamp() + 29


def test_a_key_belongs_to_its_user_and_its_route(world: World) -> None:
    first = parse(world, "shared")
    other = parse(world, "shared", token=world.token("somebody-else"))
    assert other.status == 200
    assert other.json["meta"]["requestId"] != first.json["meta"]["requestId"]
    order = world.post(ORDER, {"tier": "pro", "plan": "monthly"}, headers={"Idempotency-Key": "shared"})
    assert order.status == 200


def test_a_key_is_forgotten_after_a_day(world: World) -> None:
    world.buy("pro", "monthly")
    first = parse(world, "k1")
    world.later(hours=23, minutes=59)
    assert parse(world, "k1").json == first.json
    world.later(minutes=2)
    assert parse(world, "k1").json["meta"] != first.json["meta"]


def test_an_order_is_made_once_under_a_key(world: World) -> None:
    body, key = {"tier": "pro", "plan": "monthly"}, {"Idempotency-Key": "buy-1"}
    first, again = world.post(ORDER, body, headers=key), world.post(ORDER, body, headers=key)
    assert first.json == again.json
    made = world.razorpay.get("/v1/orders", auth=("rzp_test_local", "local-key-secret")).json()["items"]
    assert [each["id"] for each in made] == [first.json["orderId"]]


def test_a_key_under_which_no_order_could_be_made_is_free_to_be_used_again(world: World) -> None:
    body, key = {"tier": "pro", "plan": "monthly"}, {"Idempotency-Key": "buy-1"}
    world.sim("POST", "/faults", kind="500", path="/v1/orders")
    problem(world.post(ORDER, body, headers=key), 503, "provider_unavailable")
    assert world.post(ORDER, body, headers=key).status == 200


def test_a_refusal_is_not_kept_so_the_same_key_works_once_the_reason_is_gone(world: World) -> None:
    parse(world, "k1")
    problem(parse(world, "k2"), 403, "usage_limit_reached")
    world.buy("one-time", "one-time")
    assert parse(world, "k2").status == 200


def test_a_failed_call_is_not_kept(world: World) -> None:
    world.fail("503")
    problem(parse(world, "k1"), 503, "provider_unavailable")
    harmless = parse(world, "k1")
    assert harmless.status == 200
    assert "idempotent-replayed" not in harmless.headers


def test_a_key_that_is_no_key_is_refused(world: World) -> None:
    problem(parse(world, "k" * 256), 422, "invalid_request")
    problem(parse(world, "with space"), 422, "invalid_request")
