"""The same with Powertools' own validation of the body."""

from __future__ import annotations

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from bench.shell.body import Body
from bench.shell.observed import observed

app = APIGatewayHttpResolver(enable_validation=True)


@app.post("/shell")
def shell(body: Body) -> dict[str, object]:
    return {"name": body.name, "count": body.count}


handler = observed(app)
