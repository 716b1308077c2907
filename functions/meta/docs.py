"""GET /api/docs: the API's description to read in a browser, and to try with a token."""

import base64
import hashlib

from tollgate.http import pages
from tollgate.http.api import Access, Api, entrypoint
from tollgate.http.caching import Cacheable

text = pages.text("docs.html")


def _allowed(tag: str) -> str:
    """The page's own script or style, by its digest."""
    content = text.partition(f"<{tag}>")[2].partition(f"</{tag}>")[0]
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


# A token is typed into this page: nothing but what it brings runs in it, and it talks to this API alone.
POLICY = (
    f"default-src 'none'; script-src {_allowed('script')}; style-src {_allowed('style')}; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

app = Api(Access.PUBLIC)
page = Cacheable(
    text,
    "text/html; charset=utf-8",
    {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"},
)

app.get("/api/docs")(lambda: page.reply(app))

handler = entrypoint(app)
