"""A route on Powertools' resolver that answers {}: the floor under every function."""

from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

app = APIGatewayHttpResolver()


@app.get("/bare")
def bare() -> dict[str, object]:
    return {}


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 -- Lambda's own
    return app.resolve(event, context)
