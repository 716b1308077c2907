"""GET /api/subscription/compare: what the tiers give, side by side."""

from tollgate.http import catalogue
from tollgate.http.api import Access, Api, entrypoint
from tollgate.http.caching import Cacheable

app = Api(Access.PUBLIC)
page = Cacheable(catalogue.comparison())

app.get("/api/subscription/compare")(lambda: page.reply(app))

handler = entrypoint(app)
