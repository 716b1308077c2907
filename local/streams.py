"""Feeds functions from the tables' streams, as Lambda's event source mapping does: in order, in batches, again until it is done.

How far each function is with each shard is kept in a file, so that a restart goes on where the last run stopped.
"""

import asyncio
import contextlib
import importlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from local.clock import Clock
from local.front import Lambda, Report
from local.template import ACCOUNT, REGION, Function, Source, Template

type Json = dict[str, Any]

POLL_SECONDS = 0.25
_PATIENCE = 900.0  # the longest a function may run
_SLOWEST = 20  # pauses between two tries, at most
_LOOK_EVERY = 20  # reads between two looks at which shards there are


def client(endpoint: str) -> Any:  # noqa: ANN401 -- boto3 makes its clients at run time
    """A client for a local engine's streams."""
    boto3, config = (importlib.import_module(name) for name in ("boto3", "botocore.config"))
    return boto3.client(
        "dynamodbstreams",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106 -- no secret: local engines take anything
        config=config.Config(
            parameter_validation=False,  # which finds dynoxide's names of shards too short
            retries={"mode": "standard", "total_max_attempts": 1},  # whoever reads, reads again anyway
        ),
    )


class Stream:
    """One table's stream, read from where a reader stopped. Not for several threads at once."""

    def __init__(self, endpoint: str, table: str) -> None:
        self._client = client(endpoint)
        self._table = table
        self._iterators: dict[str, str | None] = {}
        self._shards: list[str] = []
        self._asked = 0
        self.arn = ""

    def shards(self) -> list[str]:
        """The shards there are, as of a moment ago; none where the table has no stream."""
        if self._asked % _LOOK_EVERY == 0:
            self._shards = self._described()
        self._asked += 1
        return self._shards

    def _described(self) -> list[str]:
        streams = self._client.list_streams(TableName=self._table)["Streams"]
        if not streams:
            return []
        self.arn = streams[-1]["StreamArn"]
        described = self._client.describe_stream(StreamArn=self.arn)["StreamDescription"]
        return [str(shard["ShardId"]) for shard in described["Shards"]]

    def read(self, shard: str, after: str | None, limit: int) -> list[Json]:
        """The records behind `after`, at most `limit`; from the beginning where that is None or no longer there."""
        iterator = self._iterators.get(shard) or self._iterator(shard, after)
        answer = self._client.get_records(ShardIterator=iterator, Limit=limit)
        self._iterators[shard] = answer.get("NextShardIterator")
        return list(answer["Records"])

    def forget(self) -> None:
        """Ask anew what there is and where to go on."""
        self._iterators.clear()
        self._asked = 0

    def close(self) -> None:
        self._client.close()

    def _iterator(self, shard: str, after: str | None) -> str:
        where = {"StreamArn": self.arn, "ShardId": shard}
        if after is not None:
            with contextlib.suppress(self._client.exceptions.TrimmedDataAccessException):
                found = self._client.get_shard_iterator(
                    **where, ShardIteratorType="AFTER_SEQUENCE_NUMBER", SequenceNumber=after
                )
                return str(found["ShardIterator"])
        return str(self._client.get_shard_iterator(**where, ShardIteratorType="TRIM_HORIZON")["ShardIterator"])


def event_record(record: Json, table: str, offset: timedelta) -> Json:
    """A record as Lambda hands it to a function, `offset` being how far the stack's clock is from the engine's."""
    told = record["dynamodb"]
    at = told["ApproximateCreationDateTime"] + offset
    return {
        **{name: record[name] for name in ("eventID", "eventName", "eventVersion", "userIdentity") if name in record},
        "eventSource": "aws:dynamodb",
        "awsRegion": REGION,
        "eventSourceARN": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}/stream/local",
        "dynamodb": {**told, "ApproximateCreationDateTime": at.timestamp()},
    }


def wanted(record: Json, source: Source) -> bool:
    """Whether the source's filters let the record through."""
    return not source.filters or any(_fits(pattern, record) for pattern in source.filters)


def _fits(pattern: Mapping[str, Any], value: object) -> bool:
    held = value if isinstance(value, dict) else {}
    return all(
        _fits(rule, held.get(name)) if isinstance(rule, dict) else any(_allows(each, held, name) for each in rule)
        for name, rule in pattern.items()
    )


def _allows(rule: object, held: Json, name: str) -> bool:
    value = held.get(name)
    match rule:
        case {"exists": expected}:
            return (name in held) is expected
        case {"prefix": start}:
            return isinstance(value, str) and value.startswith(start)
        case {"anything-but": [*others]}:
            return name in held and value not in others
        case dict():
            raise ValueError(f"the local stack knows no filter {rule}")
    return name in held and value == rule


class Kept:
    """How far each consumer is with each shard."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._places: dict[str, dict[str, str]] = json.loads(path.read_text("utf-8")) if path.exists() else {}

    def place(self, consumer: str, where: str) -> str | None:
        return self._places.get(consumer, {}).get(where)

    def keep(self, consumer: str, where: str, sequence: str) -> None:
        self._places.setdefault(consumer, {})[where] = sequence
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps(self._places), encoding="utf-8")
        fresh.replace(self._path)  # at once or not at all: a crash never leaves half a file


@dataclass(slots=True)
class Feeder:
    """What feeds one function from one stream."""

    function: Function
    source: Source
    stream: Stream
    functions: Lambda
    clock: Clock
    kept: Kept
    report: Report
    pause: float = POLL_SECONDS  # between two looks, and the shortest before something is tried again

    @property
    def name(self) -> str:
        return f"{self.function.name}/{self.source.name}"

    async def run(self) -> None:
        """Feed until cancelled; what fails for a while only waits."""
        try:
            while True:
                try:
                    more = await self.feed()
                except Exception as error:  # noqa: BLE001 -- an engine that stumbles must not end the feeding
                    self.report(f"{self.name}: {type(error).__name__}: {error}")
                    self.stream.forget()
                    await asyncio.sleep(self.pause * _SLOWEST)
                    continue
                if not more:
                    await asyncio.sleep(self.pause)
        finally:
            self.stream.close()

    async def feed(self) -> bool:
        """Hand over what there is, one batch a shard; whether there was any."""
        more = False
        for shard in await asyncio.to_thread(self.stream.shards):
            where = f"{self.stream.arn}/{shard}"  # a table made anew has another stream
            place = self.kept.place(self.name, where)
            records = await asyncio.to_thread(self.stream.read, shard, place, self.source.batch)
            if records:
                more = True
                events = [event_record(each, self.source.table, self.clock.offset) for each in records]
                await self._deliver([each for each in events if wanted(each, self.source)], where)
                self.kept.keep(self.name, where, _sequence(events[-1]))
        return more

    async def _deliver(self, batch: Sequence[Json], where: str) -> None:
        failures = 0
        while batch:
            done = await self._call(batch)
            if done is not None and done > 0:
                failures = 0
                self.kept.keep(self.name, where, _sequence(batch[done - 1]))
                batch = batch[done:]
                continue
            failures += 1
            if failures > self.source.retries:
                self.report(f"{self.name}: gave up on change {batch[0]['eventID']}")
                batch, failures = batch[1:], 0
            elif done is None and self.source.bisects and len(batch) > 1:
                await self._deliver(batch[: len(batch) // 2], where)
                batch, failures = batch[len(batch) // 2 :], 0
            else:
                await asyncio.sleep(self.pause * min(2**failures, _SLOWEST))

    async def _call(self, batch: Sequence[Json]) -> int | None:
        """How many of the batch, from its beginning, are done; None where the function failed as a whole."""
        outcome = await self.functions.invoke(self.function, {"Records": list(batch)}, patience=_PATIENCE)
        if outcome.error is not None:
            return None
        answer = outcome.loaded() if self.source.reports else None
        failed = answer.get("batchItemFailures", []) if isinstance(answer, dict) else []
        if not failed:
            return len(batch)
        places = {_sequence(each): place for place, each in enumerate(batch)}
        return min(places.get(each.get("itemIdentifier"), 0) for each in failed)


def _sequence(record: Json) -> str:
    return str(record["dynamodb"]["SequenceNumber"])


def feeders(
    template: Template, endpoint: str, functions: Lambda, clock: Clock, kept: Path, report: Report
) -> list[Feeder]:
    """One for each stream that the template gives a function."""
    places = Kept(kept)
    return [
        Feeder(function, source, Stream(endpoint, source.table), functions, clock, places, report)
        for function in template.functions
        for source in function.sources
    ]
