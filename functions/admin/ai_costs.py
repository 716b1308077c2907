"""GET /api/admin/ai-costs: AI calls, tokens and cost by tier, provider, task, model and day, and what each tier leaves."""

from datetime import date
from typing import Any

from aws_lambda_powertools.event_handler import Response

from tollgate import calendar, rollups, trends
from tollgate.config import settings
from tollgate.http import reports
from tollgate.http.api import Access, Api, entrypoint
from tollgate.spend import REACHED
from tollgate.store import rollups as store
from tollgate.store import spend

PARTS = {"tier": 1, "provider": 2, "task": 3, "model": 4}  # of a place, behind its day

app = Api(Access.ADMIN)


@app.get("/api/admin/ai-costs")
def ai_costs() -> Response[Any]:
    days = reports.days(app)
    asked = store.days(rollups.CALLS, days.first, days.last)
    paid = store.days(rollups.MONEY, days.first, days.last)
    rate = settings().margin.paise_per_usd
    body = {
        "paisePerUsd": rate,
        "totals": trends.calls(trends.in_all(asked)),
        **{f"by{name.capitalize()}": _by(asked, name, part) for name, part in PARTS.items()},
        "margin": trends.margins(paid, asked, rate),
        "ceiling": _ceiling(calendar.india(app.now).date(), rate),
        "days": trends.daily(asked, days, trends.calls),
    }
    rows = [
        dict(zip(("date", *PARTS), of, strict=True)) | trends.calls(figures)
        for of, figures in trends.by(asked, 0, *PARTS.values()).items()
    ]
    return reports.reply(app, "ai-costs", days, body, rows)


def _by(asked: trends.Places, name: str, part: int) -> list[dict[str, object]]:
    return [{name: of[0], **trends.calls(figures)} for of, figures in trends.by(asked, part).items()]


def _ceiling(today: date, rate: int) -> dict[str, object] | None:
    """How today's calls stand against the ceiling, to the last call that has ended; None where there is no ceiling."""
    ceiling = settings().ai.daily_ceiling_inr
    if not ceiling:
        return None
    spent = spend.read(today)
    return {
        "date": today.isoformat(),
        "ceilingInr": ceiling + spent.raised_inr,
        "spentMicroUsd": spent.micro_usd,
        "reached": spent.reaches(REACHED, ceiling, rate),
    }


handler = entrypoint(app)
