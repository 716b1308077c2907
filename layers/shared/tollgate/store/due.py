"""Indexes by time: sparse, holding only rows that something has to be done about, and spread over shards.

A row that was dealt with leaves the index or moves back in it, so whoever stops anywhere finds the rest the next time. An index
lags behind its table: what it gives is a hint, and the write that follows decides by the row itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from tollgate.store.dynamodb import from_item, send, to_item

SHARDS = tuple(f"{number:02}" for number in range(16))
PAGE = 100


def shard(name: str) -> str:
    """Where the rows of that name lie: always in the same shard, and in all of them alike often."""
    return SHARDS[crc32(name.encode()) % len(SHARDS)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """An index whose rows carry a shard in `shard` and in `at` when they are due, as ISO 8601 in UTC."""

    name: str
    shard: str
    at: str

    def rows(self, table: str, through: str, since: str = "") -> Iterator[dict[str, Any]]:
        """The rows due from `since` through `through`, shard by shard, the longest due first; read while they are taken."""
        for place in SHARDS:
            yield from self.of(place, table, since or "0", through)  # no instant sorts before 0

    def of(self, place: str, table: str, since: str, through: str) -> Iterator[dict[str, Any]]:
        """The rows of one shard."""
        onward: dict[str, Any] = {}
        while True:
            answer = send(
                "query",
                TableName=table,
                IndexName=self.name,
                KeyConditionExpression="#shard = :shard AND #at BETWEEN :since AND :through",
                ExpressionAttributeNames={"#shard": self.shard, "#at": self.at},
                ExpressionAttributeValues=to_item({":shard": place, ":since": since, ":through": through}),
                Limit=PAGE,
                **onward,
            )
            yield from (from_item(item) for item in answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            onward = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
