"""The local event source mapping: what a function is told of a table's changes, in what order, how often, and from where on."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from local import database, settings, stack, streams, tables, template
from local.clock import Clock
from local.database import Database
from local.stack import Stack
from local.streams import Feeder, Kept
from local.template import Function, Source, Table, Template
from local.worker import Outcome

type Json = dict[str, Any]

REQUEST = {
    "TableName": "Things",
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "BillingMode": "PAY_PER_REQUEST",
}
STREAM = {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}}
FUNCTION = Function("Reader", "reader.handler", Path(), 3, 128, {}, ())


class Lambda:
    """A function that notes what it is told and answers as a test wants."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.records: list[Json] = []
        self.answers: list[Callable[[list[Json]], Outcome]] = []

    async def invoke(self, function: Function, event: Json, *, patience: float) -> Outcome:
        assert function is FUNCTION
        assert patience > 0
        records: list[Json] = event["Records"]
        self.batches.append([each["dynamodb"]["Keys"]["id"]["S"] for each in records])
        self.records += records
        answer = self.answers.pop(0) if self.answers else done
        return answer(records)


def done(_records: list[Json]) -> Outcome:
    return Outcome(result='{"batchItemFailures": []}')


def broken(_records: list[Json]) -> Outcome:
    return Outcome(error="it broke")


def failing(*rows: str) -> Callable[[list[Json]], Outcome]:
    def answer(records: list[Json]) -> Outcome:
        lost = [each["dynamodb"]["SequenceNumber"] for each in records if each["dynamodb"]["Keys"]["id"]["S"] in rows]
        return Outcome(result=json.dumps({"batchItemFailures": [{"itemIdentifier": each} for each in lost]}))

    return answer


def fed(source: Source, stream: streams.Stream, told: Lambda, clock: Clock, data: Path, reports: list[str]) -> Feeder:
    kept = Kept(data / "streams.json")
    return Feeder(FUNCTION, source, stream, told, clock, kept, reports.append, pause=0)  # type: ignore[arg-type]  # -- stands in for the pool


class Desk:
    """A table with a stream and a function behind it."""

    def __init__(self, engine: Database, data: Path) -> None:
        self.endpoint, self.data = engine.endpoint, data
        self.raw = tables.client(engine.endpoint)
        self.raw.create_table(**REQUEST, **STREAM)
        self.clock = Clock()
        self.told = Lambda()
        self.reports: list[str] = []

    def put(self, *rows: str, **values: str) -> None:
        for row in rows:
            item = {"id": {"S": row}, **{name: {"S": value} for name, value in values.items()}}
            self.raw.put_item(TableName="Things", Item=item)

    def read(self, rounds: int = 2, **how: Any) -> list[list[str]]:  # noqa: ANN401 -- a source's fields
        """Start reading, as the stack does when it starts; the batches that were told."""
        self.told.batches.clear()
        source = replace(Source("Things", "Things", 10, reports=True), **how)
        stream = streams.Stream(self.endpoint, "Things")
        feeder = fed(source, stream, self.told, self.clock, self.data, self.reports)

        async def turn() -> None:
            for _ in range(rounds):
                await feeder.feed()

        asyncio.run(turn())
        stream.close()
        return self.told.batches


@pytest.fixture(params=["dynoxide", "ministack"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    with database.running(fallback=request.param == "ministack") as engine:
        made = Desk(engine, tmp_path)
        yield made
        made.raw.close()


def test_changes_come_in_order_in_batches_and_once(desk: Desk) -> None:
    desk.put("a", "b", "c")
    desk.raw.delete_item(TableName="Things", Key={"id": {"S": "b"}})
    assert desk.read(batch=3) == [["a", "b", "c"], ["b"]]
    names = [each["eventName"] for each in desk.told.records]
    assert names == ["INSERT", "INSERT", "INSERT", "REMOVE"]
    assert desk.told.records[3]["dynamodb"]["OldImage"] == {"id": {"S": "b"}}
    assert desk.told.records[0]["eventSourceARN"].split("/")[1] == "Things"
    assert desk.read() == []


def test_a_new_start_goes_on_where_the_last_one_stopped(desk: Desk) -> None:
    desk.put("a", "b")
    desk.read()
    desk.put("c")
    assert desk.read() == [["c"]]


def test_what_a_filter_keeps_out_is_not_told(desk: Desk) -> None:
    desk.put("a", kind="x")
    desk.put("b", kind="y")
    desk.put("a", kind="y")
    inserts = {"eventName": ["INSERT"], "dynamodb": {"NewImage": {"kind": {"S": ["x"]}}}}
    changes = {"eventName": ["MODIFY"]}
    assert desk.read(filters=(inserts, changes)) == [["a", "a"]]
    assert desk.read(filters=(inserts, changes)) == []


@pytest.mark.parametrize(
    ("rule", "fits"),
    [("x", True), ("y", False), ({"prefix": "x"}, True), ({"prefix": "z"}, False), ({"exists": True}, True),
     ({"exists": False}, False), ({"anything-but": ["y"]}, True), ({"anything-but": ["x"]}, False)],
)  # fmt: skip
def test_filters_know_these_rules(rule: object, fits: bool) -> None:  # noqa: FBT001 -- a parameter of the test
    source = Source("S", "T", 1, ({"dynamodb": {"NewImage": {"kind": {"S": [rule]}}}},))
    assert streams.wanted({"dynamodb": {"NewImage": {"kind": {"S": "x"}}}}, source) is fits


def test_a_filter_that_is_not_known_here_is_an_error_and_not_a_guess() -> None:
    with pytest.raises(ValueError, match="numeric"):
        streams.wanted({"n": "1"}, Source("S", "T", 1, ({"n": [{"numeric": [">", 0]}]},)))


def test_what_fails_is_told_again_with_all_that_follows_it(desk: Desk) -> None:
    desk.put("a", "b", "c")
    desk.told.answers = [failing("b"), failing("b"), done]
    assert desk.read() == [["a", "b", "c"], ["b", "c"], ["b", "c"]]


def test_a_batch_that_fails_whole_is_halved_until_the_culprit_is_alone(desk: Desk) -> None:
    desk.put("a", "b", "c", "d")
    desk.told.answers = [broken, done, broken, broken, done, done]
    assert desk.read(bisects=True) == [["a", "b", "c", "d"], ["a", "b"], ["c", "d"], ["c"], ["c"], ["d"]]


def test_what_never_succeeds_is_given_up_after_its_retries_and_the_rest_goes_on(desk: Desk) -> None:
    desk.put("a", "b", "c")
    desk.told.answers = [failing("b")] * 3
    assert desk.read(retries=1) == [["a", "b", "c"], ["b", "c"], ["b", "c"], ["c"]]
    assert "gave up on change" in desk.reports[0]


def test_a_crash_in_the_middle_of_a_batch_tells_only_what_was_not_done(desk: Desk) -> None:
    def dies(_records: list[Json]) -> Outcome:
        raise KeyboardInterrupt

    desk.put("a", "b", "c")
    desk.told.answers = [failing("b"), dies]
    with pytest.raises(KeyboardInterrupt):
        desk.read()
    assert desk.read() == [["b", "c"]]


def test_changes_are_dated_by_the_clock_of_the_stack(desk: Desk) -> None:
    desk.clock.offset = timedelta(days=400)
    desk.put("a")
    desk.read()
    at = desk.told.records[0]["dynamodb"]["ApproximateCreationDateTime"]
    assert abs(at - desk.clock().timestamp()) < 60


def test_an_engine_that_stumbles_ends_nothing(tmp_path: Path) -> None:
    reports: list[str] = []
    stream = streams.Stream("http://127.0.0.1:9", "Things")
    feeder = fed(Source("Things", "Things", 1), stream, Lambda(), Clock(), tmp_path, reports)
    again = asyncio.Event()

    def report(line: str) -> None:
        reports.append(line)
        if len(reports) == 2:
            again.set()

    async def live() -> None:
        feeder.report = report
        running = asyncio.create_task(feeder.run())
        await again.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(live())
    assert reports[0].startswith("Reader/Things: EndpointConnectionError")


def test_a_table_from_before_it_had_a_stream_gets_one(tmp_path: Path) -> None:
    def wanted(request: Json) -> Template:
        return Template((), (), (Table(request, None),), None)

    with database.running(tmp_path / "kept.sqlite") as engine:
        tables.create(engine.endpoint, wanted(REQUEST))
        tables.create(engine.endpoint, wanted(REQUEST | STREAM))
        stream = streams.Stream(engine.endpoint, "Things")
        assert stream.shards()
        stream.close()


def test_the_template_says_which_streams_a_function_is_fed_from() -> None:
    read = template.read(settings.ROOT / "template.yaml")
    sources = {function.name: function.sources for function in read.functions if function.sources}
    (notices,) = sources["SendNotices"]
    assert (notices.table, notices.batch, notices.filters) == ("NoticesTable", 10, ({"eventName": ["INSERT"]},))
    assert all(each.reports and each.bisects for found in sources.values() for each in found)
    streamed = {each.request["TableName"] for each in read.tables if "StreamSpecification" in each.request}
    assert {each.table for found in sources.values() for each in found} <= streamed


# The whole of it


def bought(whole: Stack, front: httpx2.Client, user: str) -> None:
    token = front.post("/_local/token", json={"userId": user, "email": f"{user}@example.com"}).json()["token"]
    mine = {"authorization": f"Bearer {token}"}
    order = front.post("/api/subscription/create-order", json={"tier": "pro", "plan": "monthly"}, headers=mine).json()
    with httpx2.Client(base_url=whole.simulators["RAZORPAY"], trust_env=False) as razorpay:
        paid = razorpay.post(f"/_sim/orders/{order['orderId']}/pay", json={}).json()
    proof = {name: value for name, value in paid.items() if name.startswith("razorpay_")}
    assert front.post("/api/subscription/verify-payment", json=proof, headers=mine).status_code == 200


def kinds(front: httpx2.Client, user: str) -> list[str]:
    return sorted(each["kind"] for each in front.get("/_local/mail").json() if each["to"] == f"{user}@example.com")


def test_a_mail_appears_by_itself_and_once_though_the_stack_starts_again_and_its_clock_jumps(
    tmp_path: Path, eventually: Callable[[Callable[[], bool]], None]
) -> None:
    chosen = settings.read({"PORT": "0", "DATA_DIR": str(tmp_path), "PATH": os.environ["PATH"]}, None)
    for run, user in enumerate(("asha", "ravi")):
        with (
            stack.started(chosen, report=lambda _line: None) as whole,
            httpx2.Client(base_url=whole.url, timeout=40, trust_env=False) as front,
        ):
            bought(whole, front, user)
            front.post("/_local/clock", json={"advance": "P2M"})
            eventually(lambda: kinds(front, user) == ["payment", "started"])  # noqa: B023 -- within the turn
            assert kinds(front, "asha") == ["payment", "started"]
            page = front.get("/_local/mail", headers={"accept": "text/html"}).text
            assert page.count("<details") == 2 * (run + 1)
            assert page == front.get("/_local/mail/view").text
