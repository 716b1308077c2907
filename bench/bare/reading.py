"""The same with one item read by boto3: what any function that knows its caller pays at least."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.metrics import MetricUnit

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

app = APIGatewayHttpResolver()
logger = Logger(service="bare")
metrics = Metrics(namespace="Bare", service="bare")
client = boto3.client("dynamodb")


@app.get("/bare")
def bare() -> dict[str, object]:
    client.get_item(TableName=os.environ["USERS_TABLE"], Key={"userId": {"S": "nobody"}}, ConsistentRead=True)
    return {}


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    reply = app.resolve(event, context)
    logger.info("request", route=event["routeKey"], status=reply["statusCode"])
    metrics.add_metric(name="Latency", unit=MetricUnit.Milliseconds, value=1)
    metrics.add_metric(name="Requests", unit=MetricUnit.Count, value=1)
    metrics.flush_metrics()
    return reply
