"""`import-users`: the original's users, subscriptions and usage as mongoexport writes them, with all their dirt."""

import json
import random
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.functions.harness import START, Json, World
from tollgate import ids
from tollgate.errors import ProviderUnavailable
from tollgate.store import dynamodb
from tools.importer import reading, run, taking
from tools.importer.run import Outcome, Plan

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A file of documents, a line each, or as one array."""

    def written(name: str, *documents: object, array: bool = False) -> Path:
        path = tmp_path / f"{name}.json"
        lines = [each if isinstance(each, str) else json.dumps(each) for each in documents]
        path.write_text(f"[{','.join(lines)}]" if array else "\n".join(lines), encoding="utf-8")
        return path

    return written


def oid() -> str:
    return f"{random.getrandbits(96):024x}"


def date(text: str) -> Json:
    return {"$date": text}


def user(name: str, **changed: object) -> Json:
    return {
        "_id": {"$oid": name},
        "email": f"{name}@Example.com",
        "createdAt": date("2026-01-05T08:00:00.123Z"),
        **changed,
    }


def pro(owner: str, **changed: object) -> Json:
    """A thirty-day month, as the original sold them."""
    return {
        "_id": {"$oid": oid()},
        "userId": {"$oid": owner},
        "tier": "pro",
        "plan": "monthly",
        "status": "active",
        "amount": 149,
        "currency": "INR",
        "razorpayOrderId": f"order_{ids.token(14)}",
        "razorpayPaymentId": f"pay_{ids.token(14)}",
        "startDate": date("2026-11-01T05:00:00Z"),
        "endDate": date("2026-12-01T05:00:00Z"),
        "createdAt": date("2026-11-01T05:00:00Z"),
        **changed,
    }


def imported(users: Path, **more: Any) -> Outcome:  # noqa: ANN401 -- Plan's own
    return run.run(Plan(users=users, **more), START)


def reasons(outcome: Outcome, kind: str = "rejected") -> list[str]:
    return [each["reason"] for each in outcome.told if each["outcome"] == kind]


def test_a_user_goes_on_with_what_was_paid_and_used(world: World, write: Write) -> None:
    name = world.user = oid()
    usage = {"userId": {"$oid": name}, "resumesUsed": 4, "atsScansUsed": 2, "jobMatchesUsed": {"$numberInt": "3"}}
    usage |= {"totalResumesGenerated": {"$numberLong": "41"}, "lastResetDate": date("2026-11-23T02:00:00Z")}
    outcome = imported(
        write("users", user(name, aiPreference="gpt4o")),
        subscriptions=write("subscriptions", pro(name), array=True),
        usage=write("usage", usage),
    )
    assert reasons(outcome) == []
    status = world.get("/api/subscription/status").json
    assert (status["tier"], status["plan"], status["autoRenew"]) == ("pro", "monthly", False)
    assert (status["startDate"], status["endDate"]) == ("2026-11-01T05:00:00Z", "2026-12-01T05:00:00Z")
    told = world.get("/api/subscription/usage").json
    assert [told[f"{each}Used"] for each in ("resumes", "atsScans", "jobMatches")] == [4, 2, 3]
    assert told["totalResumesGenerated"] == 41
    assert world.get("/api/account/preferences").json["aiService"] == "gpt4o"
    (entry,) = world.get("/api/subscription/history").json
    assert (entry["amount"], entry["date"]) == (14_900, "2026-11-01T05:00:00Z")
    assert world.post("/api/ai/parse-resume", {"text": "Asha Rao, engineer"}).status == 200
    assert world.get("/api/subscription/usage").json["resumesUsed"] == 5
    assert world.buy("pro", "monthly")["startDate"] == "2026-12-01T05:00:00Z"


def test_a_count_of_a_window_that_is_over_is_not_taken(world: World, write: Write) -> None:
    name = world.user = oid()
    usage = {"userId": name, "resumesUsed": 1, "jobMatchesUsed": 9, "lastReset": date("2026-10-31T18:00:00Z")}
    imported(write("users", user(name)), usage=write("usage", usage))
    assert world.get("/api/subscription/usage").json["resumesUsed"] == 0


def test_a_second_run_changes_nothing_and_nothing_newer_is_overwritten(world: World, write: Write) -> None:
    name = world.user = oid()
    files = {"users": write("users", user(name)), "subscriptions": write("subscriptions", pro(name))}
    imported(**files)
    world.call("PUT", "/api/account/preferences", {"notifications": {"usageAlerts": False}})
    world.buy("premium", "monthly")
    before = (world.item(), world.rows("SubscriptionsTable"))
    outcome = imported(**files)
    assert before == (world.item(), world.rows("SubscriptionsTable"))
    assert [outcome.totals[f"{kind} rows written"] for kind in ("user", "subscription", "payment")] == [0, 0, 0]
    assert [outcome.totals[f"{kind} rows there already"] for kind in ("user", "subscription", "payment")] == [1, 1, 1]


def test_a_dry_run_writes_nothing_and_says_the_same(world: World, write: Write) -> None:
    name = world.user = oid()
    files = {
        "users": write("users", user(name), user("bad", email=3)),
        "subscriptions": write("subscriptions", pro(name), pro(name, tier="gold")),
    }
    dry = imported(**files, dry_run=True)
    assert (world.item(), world.rows("SubscriptionsTable")) == (None, [])
    assert imported(**files).totals == dry.totals


def test_no_mail_goes_out_for_what_another_system_sold(world: World, write: Write) -> None:
    name = world.user = oid()
    imported(write("users", user(name)), subscriptions=write("subscriptions", pro(name)))
    world.feed(only="QueueNotices")
    notices = world.raw.scan(TableName="NoticesTable", ConsistentRead=True)["Items"]
    assert [each for each in notices if each["userId"]["S"] == name] == []


def test_a_late_event_of_an_imported_payment_grants_nothing_again(world: World, write: Write) -> None:
    name = world.user = oid()
    period = pro(name)
    imported(write("users", user(name)), subscriptions=write("subscriptions", period))
    row = world.row(period["razorpayPaymentId"]) or {}
    assert (row["userId"], row["amount"], row["source"]) == (name, 14_900, "import")
    assert row["subscription"]["tier"] == "pro"


DIRT: list[tuple[dict[str, object], str]] = [
    ({"tier": "gold"}, "unknown tier"),
    ({"plan": "weekly"}, "unknown plan"),
    ({"status": "odd"}, "unknown status"),
    ({"status": None}, "unknown status"),
    ({"startDate": None, "createdAt": None}, "has no start"),
    ({"startDate": "yesterday"}, "no date in startDate"),
    ({"endDate": None}, "has no end"),
    ({"endDate": date("2026-10-01T05:00:00Z")}, "ends before it begins"),
    ({"amount": "149"}, "no number in amount"),
    ({"amount": 1.001}, "no whole number of paise"),
    ({"amount": -5}, "no whole number of paise"),
    ({"amount": {"$numberDouble": "NaN"}}, "no whole number of paise"),
    ({"currency": "USD"}, "is not in INR"),
    ({"endDate": {"$date": "soon"}}, "cannot be read"),
    ({"userId": None}, "no usable id"),
    ({"userId": {"$oid": "f" * 24}}, "not among the users"),
]


@pytest.mark.parametrize(("changed", "reason"), DIRT, ids=[reason for _, reason in DIRT])
def test_a_period_that_cannot_be_taken_is_reported_and_its_user_is_taken(
    world: World, write: Write, changed: dict[str, object], reason: str
) -> None:
    name = world.user = oid()
    outcome = imported(write("users", user(name)), subscriptions=write("subscriptions", pro(name, **changed)))
    (told,) = reasons(outcome)
    assert reason in told
    assert world.get("/api/subscription/status").json["tier"] == "free"
    assert world.item() is not None


def test_dirty_users_are_reported_one_by_one(world: World, write: Write) -> None:
    name = world.user = oid()
    twin = oid()
    outcome = imported(
        write(
            "users",
            user(name),
            user(name, email="second@example.com"),
            user(twin, email=f" {name}@EXAMPLE.com "),
            user(oid(), email="nonsense"),
            {"email": "nobody@example.com"},
            "{broken",
            "[1]",
            user(oid(), createdAt={"$date": "never"}),
        )
    )
    told = reasons(outcome)
    assert [each.partition(" (")[0] for each in told] == [
        "stands in the file before",
        "has no usable id",
        "is no JSON",
        "is no document",
        "holds a value that cannot be read",
    ]
    assert any("has the e-mail address of" in each for each in reasons(outcome, "noted"))
    assert outcome.totals["user rows written"] == 3
    assert (world.item() or {})["email"] == {"S": f"{name}@example.com"}


def test_one_payment_is_taken_once_also_where_the_user_holds_it_too(world: World, write: Write) -> None:
    name = world.user = oid()
    period = pro(name)
    embedded = {key: value for key, value in period.items() if key not in {"_id", "userId"}}
    outcome = imported(
        write("users", user(name, subscription=embedded)), subscriptions=write("subscriptions", period, period)
    )
    assert len(world.rows("SubscriptionsTable")) == 1
    assert reasons(outcome) == ["stands for a payment that was taken before"] * 2


def test_what_stands_for_nothing_is_skipped_and_ended_periods_are_history(world: World, write: Write) -> None:
    name = world.user = oid()
    old = {"startDate": date("2026-02-01T05:00:00Z"), "endDate": date("2026-03-03T05:00:00Z"), "status": "expired"}
    outcome = imported(
        write("users", user(name)),
        subscriptions=write(
            "subscriptions",
            pro(name, tier="free", plan="lifetime"),
            pro(name, status="pending"),
            pro(name, **old),
        ),
    )
    assert outcome.totals["subscriptions skipped"] == 2
    assert [each["status"] for each in world.get("/api/subscription/history").json] == ["expired"]
    assert world.get("/api/subscription/status").json["tier"] == "free"


def test_a_lifetime_plan_has_no_end_and_a_cancelled_one_keeps_its_days(world: World, write: Write) -> None:
    name, other = oid(), oid()
    imported(
        write("users", user(name), user(other)),
        subscriptions=write(
            "subscriptions",
            pro(name, tier="lifetime", plan="lifetime", amount=499, endDate=None),
            pro(other, status="cancelled", autoRenew=True, razorpaySubscriptionId="sub_old"),
        ),
    )
    for_ever = world.get("/api/subscription/status", token=world.token(name)).json
    assert (for_ever["tier"], for_ever["endDate"]) == ("lifetime", None)
    kept = world.get("/api/subscription/status", token=world.token(other)).json
    assert (kept["tier"], kept["status"], kept["autoRenew"]) == ("pro", "cancelled", False)


class Dying:
    """An engine whose process dies at the n-th write."""

    def __init__(self, engine: dynamodb.Engine, lives: int) -> None:
        self._engine, self._lives = engine, lives

    def __call__(self, operation: str, request: Any) -> Json:  # noqa: ANN401 -- DynamoDB's own shapes
        self._lives -= operation == "transact_write_items"
        if self._lives < 0:
            raise dynamodb.UnreachableError("dead")
        return self._engine(operation, request)

    def close(self) -> None:
        self._engine.close()


def test_a_run_that_was_stopped_is_finished_by_the_same_command(world: World, write: Write) -> None:
    names = [oid() for _ in range(120)]
    files = {
        "users": write("users", *map(user, names)),
        "subscriptions": write("subscriptions", *map(pro, names)),
    }
    with dynamodb.using(Dying(dynamodb.engine(), 2)), pytest.raises(ProviderUnavailable):
        imported(**files)
    outcome = imported(**files)
    assert 0 < outcome.totals["user rows there already"] < 120
    assert outcome.totals["user rows written"] + outcome.totals["user rows there already"] == 120
    for name in names:
        assert len(world.rows("SubscriptionsTable", name)) == 1
        assert world.item(name)


def a_call(owner: str, **changed: object) -> Json:
    """A line of the original's log of use."""
    return {
        "_id": {"$oid": oid()},
        "userId": {"$oid": owner},
        "action": "job-match",
        "aiProvider": "gpt4o",
        "model": "gpt-4o",
        "tokensUsed": {"input": {"$numberInt": "900"}, "output": 200, "total": {"$numberLong": "1100"}},
        "cost": {"$numberDouble": "0.00425"},
        "success": True,
        "errorMessage": "Asha Rao said",
        "timestamp": date("2026-11-20T05:00:00Z"),
        **changed,
    }


def test_calls_of_the_last_ninety_days_are_taken_without_what_people_wrote(world: World, write: Write) -> None:
    kept = a_call(world.user)
    old = a_call(world.user, timestamp=date("2026-08-01T05:00:00Z"))
    odd = (
        a_call(world.user, action="dance"),
        a_call(world.user, cost="free"),
        a_call(world.user, timestamp=None),
        kept,
    )
    counts = {"userId": {"$oid": world.user}, "resumesUsed": 2, "lastResetDate": date("2026-11-20T05:00:00Z")}
    files = {
        "users": write("users", user(world.user)),
        "subscriptions": write("subscriptions", pro(world.user)),
        "usage": write("usage", kept, old, *odd, counts),
    }
    outcome = imported(**files)
    assert reasons(outcome, "skipped") == ["is older than the 90 days that the log is kept"]
    assert reasons(outcome) == [
        "has an unknown action 'dance'",
        "has no number in cost but 'free'",
        "has no timestamp",
        "stands in the file before",
    ]
    (row,) = world.usage()
    told = {name: row[name] for name in ("action", "aiProvider", "model", "tokensUsed", "costMicroUsd", "metadata")}
    assert told == {
        "action": "job-match",
        "aiProvider": "gpt4o",
        "model": "gpt-4o",
        "tokensUsed": {"input": 900, "output": 200, "total": 1100},
        "costMicroUsd": 4250,
        "metadata": {"tier": "pro"},  # as it was then
    }
    assert "Asha" not in str(row)
    assert world.get("/api/subscription/usage").json["resumesUsed"] == 2
    assert imported(**files).totals["call rows there already"] == 1
    assert len(world.usage()) == 1
    costs = "/api/admin/ai-costs?from=2026-11-20&to=2026-11-20"
    admin = {"token": world.token(role="admin")}
    before = world.get(costs, **admin).json["totals"]["calls"]
    world.feed(twice=True)
    assert world.get(costs, **admin).json["totals"]["calls"] == before + 1


def test_counts_that_stand_twice_are_taken_once_and_the_rest_is_reported(world: World, write: Write) -> None:
    counts = {"userId": {"$oid": world.user}, "resumesUsed": 2, "lastResetDate": date("2026-11-20T05:00:00Z")}
    broken, other = counts | {"resumesUsed": "many"}, counts | {"resumesUsed": 5}
    outcome = imported(write("users", user(world.user)), usage=write("usage", broken, counts, other))
    assert reasons(outcome) == [
        "has no count in resumesUsed but 'many'",
        "holds counts of a user whose counts were taken before",
    ]
    assert world.get("/api/subscription/usage").json["resumesUsed"] == 2


@pytest.mark.parametrize(("cost", "micro"), [(0.00425, 4250), (0.0000001, 1), (None, 0), (3, 3_000_000)])
def test_what_a_call_cost_is_whole_micro_dollars_and_never_less(cost: object, micro: int) -> None:
    (document,) = [{name: reading.plain(value) for name, value in a_call("u", cost=cost).items()}]
    assert taking.call(document, (), START).facts["costMicroUsd"] == micro


def test_users_without_an_id_are_each_told_of_as_that(write: Write) -> None:
    assert reasons(imported(write("users", {"email": "x"}, {"email": "y"}))) == ["has no usable id"] * 2


def test_the_command_is_found_and_runs_from_any_place(tmp_path: Path) -> None:
    command = Path(__file__).parents[2] / "tools" / "tollgate"
    told = subprocess.run([command, "import-users", "--help"], cwd=tmp_path, capture_output=True, text=True, check=True)  # noqa: S603 -- our own
    assert told.stdout.startswith("usage: tollgate import-users")
    assert subprocess.run([command], cwd=tmp_path, capture_output=True, check=False).returncode == 2  # noqa: S603 -- our own


def test_the_command_prints_its_speed_and_writes_the_report(
    world: World, write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    users = write("users", user(oid()), {"email": "x"})
    report = tmp_path / "report.jsonl"
    assert run.main(["--users", str(users), "--report", str(report), "--dry-run"]) == 1
    out = capsys.readouterr().out
    assert "a second" in out
    assert "dry run" in out
    (line,) = [json.loads(each) for each in report.read_text().splitlines()]
    assert line == {"outcome": "rejected", "collection": "users", "place": 2, "id": None, "reason": "has no usable id"}
    assert run.main(["--users", str(tmp_path / "missing.json")]) == 2


def test_extended_json_is_read_in_both_its_forms() -> None:
    day = {"$date": {"$numberLong": "1762000000000"}}
    assert reading.plain(day) == reading.plain({"$date": "2025-11-01T12:26:40Z"})
    assert reading.plain({"a": [{"$numberInt": "3"}, {"$numberDecimal": "1.5"}, {"$oid": "ab"}]}) == {
        "a": [3, 1.5, "ab"]
    }
