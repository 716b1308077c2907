"""GET /api/subscription/usage: what is used, what is left, and when it returns; with `?history=12` also what was used in the
twelve months before."""

import re

from tollgate import closing, entitlements
from tollgate.errors import InvalidRequest
from tollgate.http.api import Access, Api, entrypoint
from tollgate.store import history

LONGEST = 24  # months

app = Api(Access.USER)


@app.get("/api/subscription/usage")
def usage() -> dict[str, object]:
    text = app.query("history")
    return _stats() if text is None else _with_history(_months(text))


def _stats() -> dict[str, object]:
    return entitlements.usage_stats(app.account, app.now)


def _with_history(number: int) -> dict[str, object]:
    months = closing.months_before(app.now, number)
    app.context["user"], written = history.read(app.caller.user_id, months)
    return {**_stats(), "history": closing.history(app.account, written, months, app.now)}


def _months(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,2}", text) or not 1 <= int(text) <= LONGEST:
        errors = [{"field": "history", "message": f"a whole number of months from 1 to {LONGEST}"}]
        raise InvalidRequest("The query is not valid.", errors=errors)
    return int(text)


handler = entrypoint(app)
