"""GET /api/subscription/ai-config: which AI answers this user's calls."""

from tollgate.ai.config import ai_config
from tollgate.http.api import Access, Api, entrypoint

app = Api(Access.USER)


@app.get("/api/subscription/ai-config")
def config() -> dict[str, object]:
    return ai_config(app.account, app.now)


handler = entrypoint(app)
