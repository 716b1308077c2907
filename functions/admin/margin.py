"""GET /api/admin/margin: what one user paid and what their AI calls cost, period by period, in paise."""

from datetime import datetime

from tollgate.config import settings
from tollgate.counters import SPENT
from tollgate.errors import InvalidRequest, NotFound
from tollgate.http import views
from tollgate.http.api import Access, Api, entrypoint
from tollgate.margin import margin
from tollgate.store import subscriptions, users
from tollgate.subscriptions import Subscription
from tollgate.users import User

PERIODS = 100

app = Api(Access.ADMIN)


@app.get("/api/admin/margin")
def user_margin() -> dict[str, object]:
    user_id = app.query("userId")
    if not user_id:
        raise InvalidRequest("Say whose margin.", errors=[{"field": "userId", "message": "is required"}])
    user = users.get(user_id)
    if user is None:
        raise NotFound("There is no such user.")
    bought, _ = subscriptions.page(user_id, PERIODS, None)
    return {
        "userId": user_id,
        "guard": settings().margin.mode,
        "periods": [_period(user, each, app.now) for each in bought],
    }


def _period(user: User, bought: Subscription, now: datetime) -> dict[str, object]:
    spent = user.counters.get(f"{SPENT}{bought.subscription_id}", 0)
    of_period = margin(bought.value, spent, settings().margin.paise_per_usd)
    return {
        **{
            name: views.subscription(bought, now)[name]
            for name in ("subscriptionId", "tier", "plan", "startDate", "endDate")
        },
        "paidPaise": of_period.paid,
        "gstPaise": of_period.gst,
        "feePaise": of_period.fee,
        "netPaise": of_period.net,
        "aiCostMicroUsd": spent,
        "aiCostPaise": of_period.ai_cost,
        "marginPaise": of_period.left,
        "flagged": of_period.passes(settings().margin.share_per_cent),
    }


handler = entrypoint(app)
