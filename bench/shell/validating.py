"""The same with Powertools' own validation of the body."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.metrics import MetricUnit

from bench.shell.body import Body

app = APIGatewayHttpResolver(enable_validation=True)
logger = Logger(service="bare")
metrics = Metrics(namespace="Bare", service="bare")


@app.post("/shell")
def shell(body: Body) -> dict[str, object]:
    return {"name": body.name, "count": body.count}


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 -- Lambda's own
    reply = app.resolve(event, context)
    logger.info("request", route=event["routeKey"], status=reply["statusCode"])
    metrics.add_metric(name="Latency", unit=MetricUnit.Milliseconds, value=1)
    metrics.add_metric(name="Requests", unit=MetricUnit.Count, value=1)
    metrics.flush_metrics()
    return reply
