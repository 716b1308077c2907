"""Every stream that feeds a function is wired so that nothing is lost, and nothing stands still for ever."""

from typing import Any

import pytest

from tests.bundle.document import functions, resources

SOURCES: dict[str, dict[str, Any]] = {
    f"{name}/{event}": body["Properties"]
    for name, function in functions().items()
    for event, body in function.get("Events", {}).items()
    if body["Type"] == "DynamoDB"
}


@pytest.mark.parametrize("name", SOURCES)
def test_a_stream_that_feeds_a_function(name: str) -> None:
    source = SOURCES[name]
    table, _, attribute = source["Stream"]["GetAtt"].partition(".")
    assert attribute == "StreamArn"
    assert "StreamViewType" in resources("AWS::DynamoDB::Table")[table]["StreamSpecification"]
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]  # else a failed change counts as done
    assert source["StartingPosition"] == "TRIM_HORIZON"  # what came before the function is not skipped
    assert source["BisectBatchOnFunctionError"] is True
    assert 0 < source["MaximumRetryAttempts"] <= 10_000
    queue = source["DestinationConfig"]["OnFailure"]["Destination"]["GetAtt"].removesuffix(".Arn")
    assert queue in resources("AWS::SQS::Queue")


def test_each_stream_has_two_readers_at_most() -> None:
    tables = [source["Stream"]["GetAtt"] for source in SOURCES.values()]
    assert all(tables.count(each) <= 2 for each in tables)  # beyond that DynamoDB throttles them
