"""GET /api/admin/revenue: what came in and what is left of it, by day and by plan, and what the running plans bring."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from tollgate import plans, rollups, trends
from tollgate.http import reports
from tollgate.http.api import Access, Api, entrypoint
from tollgate.store import rollups as store

app = Api(Access.ADMIN)


@app.get("/api/admin/revenue")
def revenue() -> Response[Any]:
    days = reports.days(app)
    paid = store.days(rollups.MONEY, days.first, days.last)
    stands = trends.standing(store.months(rollups.STANDING, days.last), days)
    totals = trends.money(trends.in_all(paid))
    kept = totals["grossPaise"] - totals["refundedPaise"] - totals["chargebackPaise"]
    body = {
        "currency": plans.CURRENCY,
        "totals": totals,
        "mrrPaise": stands[-1].a_month,
        "arrPaise": stands[-1].a_year,
        "payingUsers": stands[-1].paying,
        "arpuPaise": trends.per_user(kept, stands),
        "byPlan": [
            {"tier": tier, "plan": plan, **trends.money(of)} for (tier, plan), of in trends.by(paid, 1, 2).items()
        ],
        "days": [
            {**day, "mrrPaise": stand.a_month, "payingUsers": stand.paying}
            for day, stand in zip(trends.daily(paid, days, trends.money), stands, strict=True)
        ],
    }
    rows: list[dict[str, reports.Cell]] = [
        {"date": day, "tier": tier, "plan": plan, **trends.money(of)}
        for (day, tier, plan), of in trends.by(paid, 0, 1, 2).items()
    ]
    return reports.reply(app, "revenue", days, body, rows)


handler = entrypoint(app)
