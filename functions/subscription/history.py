"""GET /api/subscription/history: what was bought, newest first, a page at a time."""

import re
from urllib.parse import urlencode

from aws_lambda_powertools.event_handler import Response

from tollgate.errors import InvalidRequest
from tollgate.http import views
from tollgate.http.api import Access, Api, entrypoint
from tollgate.store import subscriptions

PATH = "/api/subscription/history"
PAGE, LARGEST_PAGE = 20, 100

app = Api(Access.USER)


@app.get(PATH)
def history() -> Response[list[dict[str, object]]]:
    limit, cursor = _limit(), _cursor()
    app.must_be_signed_in()
    found, rest = subscriptions.page(app.caller.user_id, limit, cursor)
    link = {"Link": f'<{PATH}?{urlencode({"limit": limit, "cursor": rest})}>; rel="next"'} if rest else {}
    entries = [views.history_entry(each, app.now) for each in found]
    return Response(status_code=200, content_type="application/json", headers=link, body=entries)


def _limit() -> int:
    text = app.query("limit") or str(PAGE)
    if not re.fullmatch(r"[0-9]{1,3}", text) or not 1 <= int(text) <= LARGEST_PAGE:
        raise _invalid("limit", f"a whole number from 1 to {LARGEST_PAGE}")
    return int(text)


def _cursor() -> str | None:
    text = app.query("cursor")
    if text is not None and not re.fullmatch(r"tgs_[0-9a-z]{1,40}", text):
        raise _invalid("cursor", "as the Link header gave it")
    return text


def _invalid(field: str, message: str) -> InvalidRequest:
    return InvalidRequest("The query is not valid.", errors=[{"field": field, "message": message}])


handler = entrypoint(app)
