"""The same with one log line and two metrics a request, which is what every function of ours writes."""

from __future__ import annotations

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from bench.shell.observed import observed

app = APIGatewayHttpResolver()


@app.get("/bare")
def bare() -> dict[str, object]:
    return {}


handler = observed(app)
