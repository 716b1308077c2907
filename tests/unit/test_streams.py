"""The shell of stream consumers: one change's failure is its own, and is told again by its number."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tollgate.errors import ProviderUnavailable
from tollgate.streams import RESERVE_MS, Change, Handler, stream, to_change


class Context:
    """What Lambda hands over, with so much time left at each question."""

    aws_request_id = "req"

    def __init__(self, *left: int) -> None:
        self.left = list(left)

    def get_remaining_time_in_millis(self) -> int:
        return self.left.pop(0) if self.left else 60_000


def record(number: int, row: str = "a", **more: Any) -> dict[str, Any]:  # noqa: ANN401 -- parts of an event
    told = {"SequenceNumber": str(number), "ApproximateCreationDateTime": 1_795_000_000.5, "Keys": {"id": {"S": row}}}
    return {
        "eventID": f"e{number}",
        "eventSourceARN": "arn:aws:dynamodb:ap-south-1:000000000000:table/Things/stream/2026-11-23T00:00:00.000",
        "dynamodb": told | more.pop("images", {"NewImage": {"id": {"S": row}, "n": {"N": str(number)}}}),
        **more,
    }


def told(handler: Handler, *records: dict[str, Any], context: Context | None = None) -> list[str]:
    answer = handler({"Records": list(records)}, context or Context())
    return [each["itemIdentifier"] for each in answer["batchItemFailures"]]


def failing(*numbers: int, error: type[Exception] = ProviderUnavailable) -> tuple[Handler, list[int]]:
    done: list[int] = []

    def consume(change: Change, _now: datetime) -> str:
        number = (change.new or {})["n"]
        if number in numbers:
            raise error("a secret of the row")
        done.append(number)
        return "failed" if number == 9 else "done"  # a word of the consumer's own

    return stream("tests", consume), done


def test_a_record_reads_as_a_change() -> None:
    images = {"OldImage": {"n": {"N": "1"}}, "NewImage": {"n": {"N": "2"}, "m": {"M": {"x": {"S": "y"}}}}}
    change = to_change(record(7, images=images))
    assert change == Change(
        id="Things#e7",
        table="Things",
        sequence="7",
        at=datetime.fromtimestamp(1_795_000_000.5, UTC),
        key={"id": "a"},
        old={"n": 1},
        new={"n": 2, "m": {"x": "y"}},
    )


def test_a_row_that_came_went_or_expired_says_so() -> None:
    assert to_change(record(1)).old is None
    gone = to_change(record(1, images={"OldImage": {"id": {"S": "a"}}}))
    assert (gone.new, gone.expired) == (None, False)
    service = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    assert to_change(record(1, images={}, userIdentity=service)).expired


def test_what_fails_is_named_and_the_others_go_on() -> None:
    handler, done = failing(2)
    assert told(handler, record(1, "a"), record(2, "b"), record(3, "c")) == ["2"]
    assert done == [1, 3]


def test_later_changes_of_a_row_wait_for_the_one_that_failed() -> None:
    handler, done = failing(1)
    assert told(handler, record(1, "a"), record(2, "a"), record(3, "b")) == ["1", "2"]
    assert done == [3]


@pytest.mark.parametrize("error", [ProviderUnavailable, KeyError, RuntimeError])
def test_a_bug_is_a_failure_like_any_other_and_its_text_stays_out_of_the_log(
    error: type[Exception], capsys: pytest.CaptureFixture[str]
) -> None:
    handler, _ = failing(1, error=error)
    assert told(handler, record(1)) == ["1"]
    assert "a secret of the row" not in "".join(capsys.readouterr())


def test_a_record_that_cannot_be_read_fails_alone() -> None:
    handler, done = failing()
    broken = record(1, "a") | {"eventSourceARN": "nonsense"}
    assert told(handler, broken, record(2, "b")) == ["1"]
    assert done == [2]


def test_a_consumers_own_word_is_no_failure() -> None:
    handler, _ = failing()
    assert told(handler, record(9)) == []


def test_what_there_is_no_time_for_is_left_to_the_next_call() -> None:
    handler, done = failing()
    left = Context(60_000, RESERVE_MS - 1, RESERVE_MS - 1)
    assert told(handler, record(1, "a"), record(2, "b"), record(3, "c"), context=left) == ["2", "3"]
    assert done == [1]


def test_an_empty_batch_is_no_matter() -> None:
    handler, _ = failing()
    assert told(handler) == []
