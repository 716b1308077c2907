"""The database answers late, not at all, or with a refusal: what was done is done once, what was not is not."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.functions.harness import World
from tests.functions.problems import problem
from tests.functions.test_admission import a_call, leases
from tests.functions.test_webhook import CAPTURED, grants, paid
from tollgate.store import admission, dynamodb
from tollgate.store.dynamodb import DatabaseError, Engine

PARSE = "/api/ai/parse-resume"
TEXT = {"text": "Asha Rao, engineer"}


class Faults:
    """What happens to the next requests of an operation.

    `lost` is done, its answer is not heard, and the engine tries again; others are not done.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.planned: dict[str, list[str]] = {}

    def plan(self, operation: str, *kinds: str) -> None:
        self.planned[operation] = list(kinds)

    def __call__(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        waiting = self.planned.get(operation)
        kind = waiting.pop(0) if waiting else "ok"
        if kind == "lost":
            self.engine(operation, request)
        elif kind in {"TransactionConflict", "ThrottlingError", "ConditionalCheckFailed"}:
            raise DatabaseError(
                "TransactionCanceledException", "so planned", reasons=[{"Code": kind}, {"Code": "None"}]
            )
        elif kind != "ok":
            raise DatabaseError(kind, "so planned")
        return self.engine(operation, request)

    def close(self) -> None:
        self.engine.close()


@pytest.fixture
def faults(world: World) -> Iterator[Faults]:
    with dynamodb.using(Faults(dynamodb.engine())) as made:
        yield made


@pytest.mark.parametrize("tier", ["free", "pro"])
def test_an_admission_whose_answer_was_lost_counts_once(world: World, faults: Faults, tier: str) -> None:
    if tier == "pro":
        world.buy("pro", "monthly")
    faults.plan("update_item", "lost")
    assert world.post(PARSE, TEXT).json["usage"]["used"] == 1
    assert leases(world) == []
    assert (world.item() or {})["resumesGenerated"] == {"N": "1"}


def test_a_settlement_of_a_call_whose_answer_was_lost_is_logged_and_counted_once(world: World, faults: Faults) -> None:
    world.buy("pro", "monthly")
    faults.plan("transact_write_items", "lost")
    assert world.post(PARSE, TEXT).status == 200
    assert (len(world.usage()), leases(world)) == (1, [])
    spent = {name: value for name, value in (world.item() or {}).items() if name.startswith("spent#")}
    assert [value["N"] for value in spent.values()] == [str(world.bill())]


def test_a_give_back_whose_answer_was_lost_gives_back_once(world: World, faults: Faults) -> None:
    world.buy("pro", "monthly")
    world.post(PARSE, TEXT)
    world.fail("500")
    faults.plan("transact_write_items", "lost")
    problem(world.post(PARSE, TEXT), 503, "provider_unavailable")
    assert world.get("/api/subscription/usage").json["resumesUsed"] == 1


@pytest.mark.parametrize("way", ["verify", "webhook"])
def test_a_grant_whose_answer_was_lost_is_made_once(world: World, faults: Faults, way: str) -> None:
    proof, events = paid(world)
    faults.plan("transact_write_items", "lost")
    reply = world.verify(proof) if way == "verify" else world.webhook(events[CAPTURED])
    assert reply.status == 200
    assert world.verify(proof).status == 200
    assert len(grants(world)) == 1


def test_an_order_whose_record_was_written_and_not_confirmed_is_the_same_order(world: World, faults: Faults) -> None:
    faults.plan("put_item", "lost")
    made = world.order("pro", "monthly")
    assert world.verify(world.pay(made["orderId"])).status == 200


def test_a_grant_waits_while_another_transaction_holds_the_account(world: World, faults: Faults) -> None:
    proof, _ = paid(world)
    faults.plan("transact_write_items", *["TransactionConflict"] * 4)
    assert world.verify(proof).status == 200
    assert len(grants(world)) == 1


@pytest.mark.parametrize("kind", ["TransactionConflict", "ThrottlingError", "TransactionInProgressException"])
def test_a_grant_that_cannot_be_written_is_refused_5xx_and_made_at_the_next_delivery(
    world: World, faults: Faults, kind: str
) -> None:
    proof, events = paid(world)
    faults.plan("transact_write_items", *[kind] * 30)
    problem(world.webhook(events[CAPTURED]), 503, "provider_unavailable")
    problem(world.verify(proof), 503, "provider_unavailable")
    assert grants(world) == []
    assert world.item() is None
    faults.plan("transact_write_items")
    assert world.webhook(events[CAPTURED]).json == {"status": "granted"}


@pytest.mark.parametrize("kind", ["TransactionConflictException", "ProvisionedThroughputExceededException"])
def test_a_call_that_cannot_be_admitted_for_now_is_refused_with_nothing_taken(
    world: World, faults: Faults, kind: str
) -> None:
    faults.plan("update_item", *[kind] * 30)
    problem(world.post(PARSE, TEXT), 503, "provider_unavailable")
    assert world.upstream() == {"gpt4o": 0, "gemini": 0}
    assert world.item() is None


def test_an_answer_does_not_fail_because_an_older_call_cannot_be_swept(world: World, faults: Faults) -> None:
    world.buy("pro", "monthly")
    admission.admit(a_call(world))
    world.later(minutes=5)
    faults.plan("transact_write_items", "ok", *["ThrottlingError"] * 30)
    assert world.post(PARSE, TEXT).status == 200
    assert len(leases(world)) == 1
    faults.plan("transact_write_items")
    world.post(PARSE, TEXT)
    assert leases(world) == []


def test_a_choice_that_crosses_a_purchase_is_a_conflict(world: World, faults: Faults) -> None:
    world.buy("pro", "monthly")
    before = world.item()
    faults.plan("update_item", *["ConditionalCheckFailedException"] * 30)
    problem(world.post("/api/subscription/ai-preference", {"preference": "gemini"}), 409, "conflict")
    problem(world.call("PUT", "/api/account/preferences", {"aiService": "gemini"}), 409, "conflict")
    assert world.item() == before


def test_a_cancellation_that_never_gets_its_turn_asks_to_be_tried_again(world: World, faults: Faults) -> None:
    world.buy("pro", "monthly")
    before = world.item()
    faults.plan("transact_write_items", *["ConditionalCheckFailed"] * 30)
    problem(world.post("/api/subscription/cancel"), 503, "provider_unavailable")
    assert world.item() == before


@pytest.mark.parametrize("path", ["status", "usage", "history", "ai-config"])
def test_what_cannot_be_read_for_now_is_refused_and_not_guessed(world: World, faults: Faults, path: str) -> None:
    for operation in ("get_item", "query"):
        faults.plan(operation, *["ProvisionedThroughputExceededException"] * 30)
    problem(world.get(f"/api/subscription/{path}"), 503, "provider_unavailable")
