"""The parameters that requests may have here; what is not among them is not silently passed over."""

from __future__ import annotations

from collections.abc import Mapping

from tests.simulation.queries import NotModelledError
from tests.simulation.values import invalid
from tests.simulation.writes import EXPRESSIONS, ON_FAILURE, Request

_TABLE = frozenset({"TableName", "ReturnConsumedCapacity"})
_CONDITION = EXPRESSIONS | {"ConditionExpression", ON_FAILURE}
READ = EXPRESSIONS | {"ProjectionExpression", "ConsistentRead"}
OPERATIONS = {
    "get_item": _TABLE | READ | {"Key"},
    "put_item": _TABLE | _CONDITION | {"Item", "ReturnValues"},
    "update_item": _TABLE | _CONDITION | {"Key", "UpdateExpression", "ReturnValues"},
    "delete_item": _TABLE | _CONDITION | {"Key", "ReturnValues"},
    "query": _TABLE
    | READ
    | {
        "IndexName",
        "KeyConditionExpression",
        "FilterExpression",
        "ScanIndexForward",
        "Limit",
        "ExclusiveStartKey",
        "Select",
    },
    "batch_get_item": frozenset({"RequestItems"}),
    "transact_write_items": frozenset({"TransactItems", "ClientRequestToken"}),
    "transact_get_items": frozenset({"TransactItems"}),
}
MEMBERS = {
    "Put": _CONDITION | {"TableName", "Item"},
    "Update": _CONDITION | {"TableName", "Key", "UpdateExpression"},
    "Delete": _CONDITION | {"TableName", "Key"},
    "ConditionCheck": _CONDITION | {"TableName", "Key"},
    "Get": frozenset({"TableName", "Key", "ProjectionExpression", "ExpressionAttributeNames"}),
}
RETURNS = {
    "put_item": frozenset({"NONE", "ALL_OLD"}),
    "delete_item": frozenset({"NONE", "ALL_OLD"}),
    "update_item": frozenset({"NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"}),
}


def check(known: Mapping[str, frozenset[str]], name: str, request: Request) -> None:
    """Raise NotModelledError for a name or a parameter that is not among the known."""
    if name not in known:
        raise NotModelledError(name)
    if not request.keys() <= known[name]:
        raise NotModelledError(f"{name} with {', '.join(sorted(request.keys() - known[name]))}")


def member(given: Mapping[str, Request]) -> tuple[str, Request]:
    """The kind and the body of a transaction's member."""
    if len(given) != 1:
        raise invalid("TransactItems can only contain one of Check, Put, Update or Delete")
    ((kind, body),) = given.items()
    check(MEMBERS, kind, body)
    return kind, body
