"""Powertools' resolver, Logger and Metrics as its documentation shows them; the body checked by hand."""

from __future__ import annotations

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from bench.shell.body import Body
from bench.shell.observed import observed

app = APIGatewayHttpResolver()


@app.post("/shell")
def shell() -> dict[str, object]:
    body = Body.model_validate_json(app.current_event.body or "{}")
    return {"name": body.name, "count": body.count}


handler = observed(app)
