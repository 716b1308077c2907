"""GET /api/openapi.json: this API as an OpenAPI 3.1 document."""

from tollgate.http import pages
from tollgate.http.api import Access, Api, entrypoint
from tollgate.http.caching import Cacheable

app = Api(Access.PUBLIC)
page = Cacheable(pages.text("openapi.json"))

app.get("/api/openapi.json")(lambda: page.reply(app))

handler = entrypoint(app)
