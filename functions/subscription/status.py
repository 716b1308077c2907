"""GET /api/subscription/status: the plan in force, until when, and what comes after it."""

from tollgate.http import views
from tollgate.http.api import Access, Api, entrypoint

app = Api(Access.USER)


@app.get("/api/subscription/status")
def status() -> dict[str, object]:
    return views.status(app.account, app.now)


handler = entrypoint(app)
