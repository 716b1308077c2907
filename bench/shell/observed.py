"""The handler of a resolver, with a log line and two metrics a request as the documentation of Powertools shows them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

if TYPE_CHECKING:
    from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger(service="bare")
metrics = Metrics(namespace="Bare", service="bare")


def observed(app: APIGatewayHttpResolver) -> Callable[[dict[str, Any], LambdaContext], dict[str, Any]]:
    """The handler."""

    def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        reply = app.resolve(event, context)
        logger.info("request", route=event["routeKey"], status=reply["statusCode"])
        metrics.add_metric(name="Latency", unit=MetricUnit.Milliseconds, value=1)
        metrics.add_metric(name="Requests", unit=MetricUnit.Count, value=1)
        metrics.flush_metrics()
        return reply

    return handler
