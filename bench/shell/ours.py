"""The product's shell."""

from __future__ import annotations

from bench.shell.body import Body
from tollgate.http.api import Access, Api, entrypoint

app = Api(Access.PUBLIC)


@app.post("/shell")
def shell() -> dict[str, object]:
    body = app.body(Body)
    return {"name": body.name, "count": body.count}


handler = entrypoint(app)
