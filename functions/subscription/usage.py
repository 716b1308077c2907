"""GET /api/subscription/usage: what is used, what is left, and when it returns."""

from tollgate import entitlements
from tollgate.http.api import Access, Api, entrypoint

app = Api(Access.USER)


@app.get("/api/subscription/usage")
def usage() -> dict[str, object]:
    return entitlements.usage_stats(app.account, app.now)


handler = entrypoint(app)
