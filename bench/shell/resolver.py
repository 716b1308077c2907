"""Powertools' resolver alone: the floor. No line, no metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from bench.shell.body import Body

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

app = APIGatewayHttpResolver()


@app.post("/shell")
def shell() -> dict[str, object]:
    body = Body.model_validate_json(app.current_event.body or "{}")
    return {"name": body.name, "count": body.count}


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return app.resolve(event, context)
