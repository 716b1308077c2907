"""GET /api/account/export: everything that is held on the caller, a page at a time, for a machine to read."""

import base64
import binascii
import re
from typing import Any
from urllib.parse import urlencode

from aws_lambda_powertools.event_handler import Response

from tollgate import accounts
from tollgate.accounts import Place
from tollgate.errors import InvalidRequest
from tollgate.http.api import Access, Api, entrypoint
from tollgate.store.accounts import HANDED_OVER

PATH = "/api/account/export"
SECTIONS = {section.name: section for section in HANDED_OVER}

app = Api(Access.USER)


@app.get(PATH)
def export() -> Response[dict[str, Any]]:
    page, rest = accounts.export(app.account, _place(app.query("cursor")), app.now)
    cursor = _cursor(rest) if rest else None
    link = {"Link": f'<{PATH}?{urlencode({"cursor": cursor})}>; rel="next"'} if cursor else {}
    headers = {"Cache-Control": "no-store", **link}
    return Response(200, "application/json", headers=headers, body={**page, "next": cursor})


def _cursor(place: Place) -> str:
    return f"{place.section.name}.{base64.urlsafe_b64encode(place.after.encode()).decode()}"


def _place(cursor: str | None) -> Place:
    """A row of the caller's, whatever the cursor says: whose it is the token tells."""
    if cursor is None:
        return Place()
    found = re.fullmatch(r"([a-z]+)\.([\w=-]{0,800})", cursor, re.ASCII)
    try:
        if found and found[1] in SECTIONS:
            after = base64.b64decode(found[2], altchars=b"-_", validate=True).decode()
            return Place(section=SECTIONS[found[1]], after=after)
    except (binascii.Error, UnicodeDecodeError):
        pass
    raise InvalidRequest("The query is not valid.", errors=[{"field": "cursor", "message": "as the reply gave it"}])


handler = entrypoint(app)
