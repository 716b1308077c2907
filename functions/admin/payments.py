"""GET /api/admin/payments: how payments went, by day and by plan: captured, granted, kept for review, failed, given back."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from tollgate import plans, rollups, trends
from tollgate.http import reports
from tollgate.http.api import Access, Api, entrypoint
from tollgate.store import rollups as store

app = Api(Access.ADMIN)


@app.get("/api/admin/payments")
def payments() -> Response[Any]:
    days = reports.days(app)
    paid = store.days(rollups.MONEY, days.first, days.last)
    body = {
        "currency": plans.CURRENCY,
        "totals": trends.payments(trends.in_all(paid)),
        "byPlan": [
            {"tier": tier, "plan": plan, **trends.payments(of)} for (tier, plan), of in trends.by(paid, 1, 2).items()
        ],
        "days": trends.daily(paid, days, trends.payments),
    }
    rows: list[dict[str, reports.Cell]] = [
        {"date": day, "tier": tier, "plan": plan, **trends.payments(of)}
        for (day, tier, plan), of in trends.by(paid, 0, 1, 2).items()
    ]
    return reports.reply(app, "payments", days, body, rows)


handler = entrypoint(app)
