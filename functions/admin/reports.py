"""GET /api/admin/reports: the report of an India day, or the last one: figures, and every difference with what to do about it."""

from datetime import date
from urllib.parse import urlencode

from aws_lambda_powertools.event_handler import Response

from tollgate.errors import InvalidRequest, NotFound
from tollgate.http.api import Access, Api, entrypoint
from tollgate.payments.audit import EXPLAINED, to_difference
from tollgate.store import audits
from tollgate.store.audits import Entry, Kept

PATH = "/api/admin/reports"

app = Api(Access.ADMIN)


@app.get(PATH)
def reports() -> Response[dict[str, object]]:
    asked = app.query("date")
    day = _day(asked) if asked else audits.closed()
    kept = audits.report_head(day) if day else None
    if kept is None:
        raise NotFound("There is no report of that day." if asked else "No day was closed yet.")
    page = _page(kept, app.query("page"))
    more = urlencode({"date": kept.day.isoformat(), "page": page + 1})
    link = {"Link": f'<{PATH}?{more}>; rel="next"'} if page < len(kept.parts) else {}
    return Response(status_code=200, content_type="application/json", headers=link, body=_shown(kept, page))


def _day(asked: str) -> date:
    try:
        return date.fromisoformat(asked)
    except ValueError as error:
        raise InvalidRequest("The query is not valid.", errors=[{"field": "date", "message": "YYYY-MM-DD"}]) from error


def _page(kept: Kept, asked: str | None) -> int:
    last = max(len(kept.parts), 1)
    if asked is not None and not (asked.isascii() and asked.isdecimal() and 1 <= int(asked[:6]) <= last):
        raise InvalidRequest("The query is not valid.", errors=[{"field": "page", "message": f"1 to {last}"}])
    return int(asked or 1)


def _shown(kept: Kept, page: int) -> dict[str, object]:
    entries = audits.part(kept.parts[page - 1]) if kept.parts else ()
    return {
        "date": kept.day.isoformat(),
        "generatedAt": kept.at,
        "revision": kept.revision,
        "figures": kept.facts["figures"],
        "counts": {name: kept.facts[name] for name in ("differences", "repaired", "waiting", "kinds")},
        "differences": [_difference(each) for each in entries if each["section"] == "open"],
        "repaired": [_difference(each) for each in entries if each["section"] == "repaired"],
        "waiting": [
            {"paymentId": each["id"], "since": each["since"]} for each in entries if each["section"] == "waiting"
        ],
    }


def _difference(entry: Entry) -> dict[str, object]:
    one = to_difference(entry)
    explained = EXPLAINED[one.kind]
    return {
        "kind": one.kind.value,
        "id": one.id,
        "paymentId": one.payment_id,
        "orderId": one.order_id,
        "userId": one.user_id,
        "ours": one.ours,
        "theirs": one.theirs,
        "means": explained.means,
        "advice": explained.advice,
        "since": entry["since"],
        **({"outcome": entry["outcome"]} if "outcome" in entry else {}),
    }


handler = entrypoint(app)
