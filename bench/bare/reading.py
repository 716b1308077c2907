"""The same with one item read by boto3: what any function that knows its caller pays at least."""

from __future__ import annotations

import os

import boto3
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from bench.shell.observed import observed

app = APIGatewayHttpResolver()
client = boto3.client("dynamodb")


@app.get("/bare")
def bare() -> dict[str, object]:
    client.get_item(TableName=os.environ["USERS_TABLE"], Key={"userId": {"S": "nobody"}}, ConsistentRead=True)
    return {}


handler = observed(app)
