"""GET /api/subscription/pricing: every plan with its price, features and limits."""

from tollgate.http import catalogue
from tollgate.http.api import Access, Api, entrypoint
from tollgate.http.caching import Cacheable

app = Api(Access.PUBLIC)
page = Cacheable(catalogue.pricing())

app.get("/api/subscription/pricing")(lambda: page.reply(app))

handler = entrypoint(app)
