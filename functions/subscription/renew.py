"""POST /api/subscription/renew: an order for the present plan once more, or for the last one."""

from tollgate import plans
from tollgate.app import gateway
from tollgate.errors import Conflict
from tollgate.http.api import Access, Api, entrypoint
from tollgate.payments import checkout

app = Api(Access.USER)


@app.post("/api/subscription/renew")
def renew() -> dict[str, object]:
    user = app.account
    last = user.running(app.now) or next(reversed(user.subscriptions), None)
    found = plans.find(last.tier, last.plan) if last and last.can_renew(app.now) else None
    if found is None:
        raise Conflict("You have no plan that could be renewed.")
    tier, plan = found
    return checkout.order(user, tier, plan, auto_renew=False, now=app.now)


handler = entrypoint(app, lambda: gateway().prepare())
