"""GET /api/admin/flagged-payments: payments kept for review, newest first, with what to do about each."""

import re
from urllib.parse import urlencode

from aws_lambda_powertools.event_handler import Response

from tollgate.errors import InvalidRequest
from tollgate.http.api import Access, Api, entrypoint
from tollgate.payments import review
from tollgate.store.review import page

PATH = "/api/admin/flagged-payments"
PAGE = 50

app = Api(Access.ADMIN)


@app.get(PATH)
def flagged_payments() -> Response[list[dict[str, object]]]:
    cursor = app.query("cursor")
    if cursor is not None and not re.fullmatch(r"[0-9TZ:-]{1,40}~(pay|evt)_[A-Za-z0-9]{1,64}", cursor):
        raise InvalidRequest(
            "The query is not valid.", errors=[{"field": "cursor", "message": "as the Link header gave it"}]
        )
    found, rest = page(PAGE, cursor)
    link = {"Link": f'<{PATH}?{urlencode({"cursor": rest})}>; rel="next"'} if rest else {}
    body = [review.shown(each) for each in found]
    return Response(status_code=200, content_type="application/json", headers=link, body=body)


handler = entrypoint(app)
