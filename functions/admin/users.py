"""GET /api/admin/users: how many users stand in each paid tier at each day's end, who is new, came back or left."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from tollgate import plans, rollups, trends
from tollgate.http import reports
from tollgate.http.api import Access, Api, entrypoint
from tollgate.store import rollups as store

MOVES = ("new", "returned", "churned")

app = Api(Access.ADMIN)


@app.get("/api/admin/users")
def users() -> Response[Any]:
    days = reports.days(app)
    moves = store.days(rollups.ARRIVALS, days.first, days.last)
    stands = trends.standing(store.months(rollups.STANDING, days.last), days)
    told = trends.daily(moves, days, _moves)
    known = {tier.id for tier in plans.TIERS if tier.paid}
    tiers = sorted(known | {tier for stand in stands for tier in stand.tiers}, key=lambda each: plans.RANK.get(each, 0))
    series = [{tier: stand.tiers.get(tier, 0) for tier in tiers} for stand in stands]
    body = {
        "tiers": tiers,
        "active": {"total": stands[-1].paying, "byTier": series[-1]},
        "totals": _moves(trends.in_all(moves)),
        "days": [
            {"date": each["date"], "active": stand.paying, "byTier": tier, **{name: each[name] for name in MOVES}}
            for each, stand, tier in zip(told, stands, series, strict=True)
        ],
    }
    rows: list[dict[str, reports.Cell]] = [
        {"date": stand.day.isoformat(), "active": stand.paying, **tier, **_moves(moves.get(stand.day.isoformat(), {}))}
        for stand, tier in zip(stands, series, strict=True)
    ]
    return reports.reply(app, "users", days, body, rows)


def _moves(figures: trends.Figures) -> dict[str, int]:
    return {name: figures.get(name, 0) for name in MOVES}


handler = entrypoint(app)
