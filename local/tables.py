"""Creates the template's tables in a database, and says so when one on disk no longer fits the template."""

import contextlib
import importlib
from typing import Any

from local.template import REGION, Table, Template

type Client = Any  # boto3 makes its clients' classes at run time
type Description = Any  # its nested dicts


class Outdated(Exception):  # noqa: N818 -- reads as what the table is
    """A table exists with other keys or indexes than the template wants."""


def client(endpoint: str) -> Client:
    """A client for a local engine; the credentials only have to be there."""
    boto3 = importlib.import_module("boto3")  # 300 ms that only the caller of this needs
    return boto3.client(
        "dynamodb",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106 -- no secret: local engines take anything
    )


def create(endpoint: str, template: Template) -> list[str]:
    """Create what is missing; the names of all tables. Raises Outdated."""
    with contextlib.closing(client(endpoint)) as database:
        return _create_missing(database, template)


def _create_missing(database: Client, template: Template) -> list[str]:
    there = {name for page in database.get_paginator("list_tables").paginate() for name in page["TableNames"]}
    for table in template.tables:
        name = table.request["TableName"]
        if name in there:
            found = database.describe_table(TableName=name)["Table"]
            _compare(table, found)
            _stream(database, table, found)
        else:
            _create(database, table)
    return [table.request["TableName"] for table in template.tables]


def _create(database: Client, table: Table) -> None:
    name = table.request["TableName"]
    database.create_table(**table.request)
    database.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    if table.expiry is not None:
        database.update_time_to_live(
            TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": table.expiry}
        )


def _compare(table: Table, found: Description) -> None:
    if _shape(table.request) != _shape(found):
        name = table.request["TableName"]
        changed = f"the table {name} on disk has other keys or indexes than the template"
        raise Outdated(f"{changed}: begin anew with `make clean`, or name another DATA_DIR")


def _stream(database: Client, table: Table, found: Description) -> None:
    """Give a table from before it had a stream the one that the template wants."""
    wanted = table.request.get("StreamSpecification")
    if wanted and not found.get("StreamSpecification", {}).get("StreamEnabled"):
        database.update_table(TableName=table.request["TableName"], StreamSpecification=wanted)


def _shape(description: Description) -> tuple[object, object]:
    indexes = description.get("GlobalSecondaryIndexes", [])
    return _keys(description), {index["IndexName"]: _keys(index) for index in indexes}


def _keys(description: Description) -> list[tuple[str, str]]:
    return sorted((key["KeyType"], key["AttributeName"]) for key in description["KeySchema"])
