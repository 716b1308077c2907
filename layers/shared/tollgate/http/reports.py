"""What the administrators' reports share: the days they are about, and the choice between JSON and a CSV file."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from aws_lambda_powertools.event_handler import Response

from tollgate import calendar
from tollgate.errors import InvalidRequest
from tollgate.http.api import Api
from tollgate.trends import Range

USUAL_DAYS, MOST_DAYS = 30, 400
EARLIEST_YEAR = 2020
RISKY = tuple("=+-@\t\r\n|")  # what a spreadsheet may take for a formula or a command at the beginning of a cell

type Cell = str | int | None


def days(app: Api) -> Range:
    """The days asked for by `from` and `to`, or the last thirty; none behind today in India. Raises InvalidRequest."""
    today = calendar.india(app.now).date()
    first, last = _day(app, "from"), _day(app, "to")
    last = min(last or today, today)
    first = first or last - timedelta(days=USUAL_DAYS - 1)
    if first > last:
        raise _invalid("from", f"may not be after {last.isoformat()}, the last day there is")
    if (last - first).days >= MOST_DAYS:
        raise _invalid("from", f"at most {MOST_DAYS} days before `to`")
    return Range(first, last)


def _day(app: Api, name: str) -> date | None:
    asked = app.query(name)
    if asked is None:
        return None
    try:
        day = date.fromisoformat(asked)
    except ValueError as error:
        raise _invalid(name, "a day as YYYY-MM-DD") from error
    if day.year < EARLIEST_YEAR:
        raise _invalid(name, f"a day since {EARLIEST_YEAR}")
    return day


def _invalid(field: str, message: str) -> InvalidRequest:
    return InvalidRequest("The query is not valid.", errors=[{"field": field, "message": message}])


def reply(
    app: Api, name: str, about: Range, body: Mapping[str, object], rows: Sequence[Mapping[str, Cell]]
) -> Response[Any]:
    """The report as JSON or, where that is asked for, its rows as a CSV file. Raises InvalidRequest."""
    said = {"from": about.first.isoformat(), "to": about.last.isoformat()}
    headers = {"Cache-Control": "no-store", "Vary": "Accept"}
    if not _wants_csv(app):
        return Response(200, "application/json", headers=headers, body={**said, **body})
    file = f"{name}_{said['from']}_{said['to']}.csv"
    headers["Content-Disposition"] = f'attachment; filename="{file}"'
    return Response(200, "text/csv; charset=utf-8", headers=headers, body=to_csv(rows))


def _wants_csv(app: Api) -> bool:
    asked = app.query("format")
    if asked not in {None, "csv", "json"}:
        raise _invalid("format", "json or csv")
    return asked == "csv" or (asked is None and "text/csv" in (app.current_event.headers.get("accept") or ""))


def to_csv(rows: Sequence[Mapping[str, Cell]]) -> str:
    """Rows as CSV under the names of the first one, in which no cell begins a formula."""
    out = io.StringIO()
    writer = csv.writer(out)
    if rows:
        writer.writerow([_cell(name) for name in rows[0]])
    writer.writerows([_cell(value) for value in row.values()] for row in rows)
    return out.getvalue()


def _cell(value: Cell) -> Cell:
    return f"'{value}" if isinstance(value, str) and value.startswith(RISKY) else value
