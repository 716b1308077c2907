"""POST /api/account/sign-out: every token issued until now is refused from the next request on, on its way to anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest

from tests.functions import jobs
from tests.functions.harness import Json, Reply, World
from tests.functions.problems import problem
from tests.functions.test_admission import a_call, leases
from tests.functions.test_races import at_once
from tollgate import calendar, ids, soundness
from tollgate.metering import Action, Admission
from tollgate.store import admission, dynamodb, users
from tools import sign_out as command

SIGN_OUT, STATUS, HISTORY = "/api/account/sign-out", "/api/subscription/status", "/api/subscription/history"
PARSE, TEXT = "/api/ai/parse-resume", {"text": "Asha Rao, engineer"}
RESUME = {"resume": "Asha Rao\nPython, AWS"}
KEYED: Mapping[str, Json] = {
    "/api/subscription/create-order": {"tier": "premium", "plan": "yearly"},
    PARSE: TEXT,
    "/api/ai/enhance-content": {"section": "work", "content": "Worked on the payments team."},
    "/api/ai/generate-summary": RESUME,
    "/api/ai/categorize-skills": {"skills": ["Python", "AWS"]},
    "/api/ai/job-match": RESUME | {"jobDescription": "Python and AWS"},
    "/api/ai/cover-letter": RESUME | {"jobDescription": "Python and AWS"},
    "/api/ai/ats-scan": TEXT,
}


def signed_out(world: World, token: str | None = None) -> datetime:
    """Sign out everywhere; since when tokens count no more."""
    reply = world.post(SIGN_OUT, token=token or world.token())
    assert reply.status == 200, reply.body
    return calendar.parse(reply.json["signedOutAt"])


def test_the_answer_says_since_when_and_the_next_request_of_any_old_token_is_refused(world: World) -> None:
    elsewhere, here = world.token(iat=int(world.now.timestamp()) - 60), world.token()
    assert signed_out(world, token=here) == world.now
    assert world.steps == ["UpdateItem"]
    for token in (elsewhere, here):
        problem(world.get(STATUS, token=token), 401, "unauthorized")
    world.later(seconds=1)
    assert world.get(STATUS).status == 200


def test_nobody_else_is_signed_out(world: World) -> None:
    other = world.token(f"other-{world.user}")
    signed_out(world)
    assert world.get(STATUS, token=other).status == 200


def test_somebody_of_whom_nothing_is_written_can_sign_out_and_then_begin(world: World) -> None:
    signed_out(world)
    record = dynamodb.from_item(world.item() or {})
    assert set(record) == {"userId", "createdAt", "version", "signedOutAt"}
    assert soundness.judge([world.user]).unsound == {}
    world.later(seconds=1)
    assert world.post(PARSE, TEXT).status == 200
    assert world.buy("pro", "monthly")["tier"] == "pro"
    assert soundness.judge([world.user]).unsound == {}


def test_it_costs_the_record_seventeen_bytes(world: World) -> None:
    world.buy("pro", "monthly")
    before = world.item() or {}
    signed_out(world)
    after = world.item() or {}
    assert after == {**before, "signedOutAt": {"N": str(int(world.now.timestamp()))}}
    assert len("signedOutAt") + len(after["signedOutAt"]["N"]) // 2 + 1 == 17  # as DynamoDB counts a number


def test_a_token_that_was_ended_cannot_end_newer_ones(world: World) -> None:
    stolen = world.token()
    at = signed_out(world)
    world.later(minutes=5)
    problem(world.post(SIGN_OUT, token=stolen), 401, "unauthorized")
    assert dynamodb.from_item(world.item() or {})["signedOutAt"] == at.timestamp()
    assert signed_out(world) == at + timedelta(minutes=5)


def test_the_token_that_asks_is_ended_too_where_its_issuers_clock_is_ahead(world: World) -> None:
    ahead = world.token(iat=int(world.now.timestamp()) + 20)
    assert signed_out(world, token=ahead) == world.now + timedelta(seconds=20)
    problem(world.get(STATUS, token=ahead), 401, "unauthorized")


def test_the_same_request_whose_answer_was_lost_is_answered_as_the_first(world: World) -> None:
    issued = world.now - timedelta(minutes=1)
    assert users.sign_out(world.user, issued, world.now) == users.sign_out(world.user, issued, world.now) == world.now


def test_a_refused_ai_call_asks_the_database_once_and_takes_nothing(world: World) -> None:
    world.buy("premium", "monthly")
    old = world.token()
    signed_out(world)
    before = world.item()
    problem(world.post(PARSE, TEXT, token=old), 401, "unauthorized")
    assert (world.steps, world.item(), sum(world.upstream().values())) == (["UpdateItem"], before, 0)


@pytest.mark.parametrize("path", KEYED)
def test_a_kept_reply_is_repeated_to_new_tokens_and_to_no_old_one(world: World, path: str) -> None:
    world.buy("pro", "monthly")
    key, old = {"Idempotency-Key": ids.token(12)}, world.token()
    first = world.post(path, KEYED[path], headers=key, token=old)
    assert first.status == 200, first.body
    signed_out(world)
    problem(world.post(path, KEYED[path], headers=key, token=old), 401, "unauthorized")
    world.later(seconds=1)
    again = world.post(path, KEYED[path], headers=key)
    assert (again.json, again.headers["idempotent-replayed"]) == (first.json, "true")
    assert world.steps == ["PutItem", "GetItem"]


def test_a_call_that_runs_while_its_user_signs_out_ends_and_is_paid_for(world: World) -> None:
    world.buy("pro", "monthly")
    old = world.token()
    with dynamodb.using(jobs.Interrupted(world, lambda: signed_out(world), {"transact_write_items"})) as between:
        assert world.post(PARSE, TEXT, token=old).status == 200
    assert not between.waiting
    assert (leases(world), len(world.usage())) == ([], 1)
    problem(world.post(PARSE, TEXT, token=old), 401, "unauthorized")


def test_of_a_hundred_calls_and_a_sign_out_at_once_each_call_is_admitted_whole_or_refused_whole(world: World) -> None:
    world.buy("premium", "monthly")
    issued = world.now - timedelta(minutes=1)

    def one(number: int) -> Admission | datetime:
        if number == 50:
            return users.sign_out(world.user, issued, world.now)
        return admission.admit(a_call(world, Action.JOB_MATCH, issued_at=issued))

    kinds = Counter(type(each).__name__ for each in at_once(one, 101, 20))
    assert kinds["datetime"] == 1
    assert kinds["Admission"] + kinds["Unauthorized"] == 100
    assert len(leases(world)) == kinds["Admission"]
    assert kinds["Unauthorized"] > 0


def test_money_that_was_paid_is_taken_in_whatever_became_of_the_token(world: World) -> None:
    paid, old = world.pay(world.order("pro", "monthly")["orderId"]), world.token()
    signed_out(world)
    proof = {name: value for name, value in paid.items() if name.startswith("razorpay_")}
    assert world.post("/api/subscription/verify-payment", proof, token=old).json["tier"] == "pro"


def test_an_ended_token_deletes_nothing_and_a_deleted_account_is_no_way_round(world: World) -> None:
    world.buy("pro", "monthly")
    stolen = world.token()
    signed_out(world)
    problem(deleted(world, token=stolen), 401, "unauthorized")
    world.later(seconds=1)
    assert deleted(world).status == 200
    problem(world.get(HISTORY, token=stolen), 401, "unauthorized")
    assert len(world.get(HISTORY).json) == 1
    problem(world.post(SIGN_OUT), 410, "account_deleted")
    problem(world.post(SIGN_OUT, token=stolen), 401, "unauthorized")


def deleted(world: World, token: str | None = None) -> Reply:
    return world.call("DELETE", "/api/account", {"confirm": "delete"}, token=token or world.token())


@pytest.mark.parametrize("twice", [False, True])
def test_signing_out_while_the_account_is_deleted_is_not_lost(world: World, twice: bool) -> None:  # noqa: FBT001 -- a case
    world.buy("pro", "monthly")
    stolen = world.token()
    if twice:
        signed_out(world)
        world.later(seconds=1)
    with dynamodb.using(jobs.Interrupted(world, lambda: signed_out(world), {"put_item"})) as between:
        assert deleted(world).status == 200
    assert not between.waiting
    problem(world.get(HISTORY, token=stolen), 401, "unauthorized")
    problem(world.get(HISTORY), 401, "unauthorized")  # of the second in which the account was deleted


def test_a_reply_that_was_kept_after_the_deletion_is_not_repeated(world: World) -> None:
    world.buy("pro", "monthly")
    key = {"Idempotency-Key": ids.token(12)}
    with dynamodb.using(jobs.Interrupted(world, lambda: deleted(world), {"transact_write_items"})):
        assert world.post("/api/ai/enhance-content", KEYED["/api/ai/enhance-content"], headers=key).status == 200
    again = world.post("/api/ai/enhance-content", KEYED["/api/ai/enhance-content"], headers=key)
    problem(again, 410, "account_deleted")


def test_the_export_says_when_its_owner_signed_out(world: World) -> None:
    assert world.get("/api/account/export").json["account"]["signedOutAt"] is None
    at = signed_out(world)
    world.later(seconds=1)
    assert world.get("/api/account/export").json["account"]["signedOutAt"] == calendar.iso(at)


def test_an_operator_can_sign_somebody_out(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    old = world.token()
    capsys.readouterr()
    assert command.main(["--user", world.user]) == 0
    told = capsys.readouterr().out
    assert told.startswith(f"{world.user}: tokens issued until ")
    problem(world.get(STATUS, token=old), 401, "unauthorized")
    world.later(seconds=60)
    assert world.get(STATUS).status == 200
    assert deleted(world).status == 200
    assert command.main(["--user", world.user]) == 1
    assert capsys.readouterr().err == f"{world.user}: This account was deleted.\n"
