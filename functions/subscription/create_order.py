"""POST /api/subscription/create-order: a Razorpay order for a plan, priced from the catalogue."""

from tollgate import plans
from tollgate.app import gateway
from tollgate.errors import InvalidRequest
from tollgate.http.api import Access, Api, entrypoint
from tollgate.http.bodies import Body
from tollgate.http.idempotency import replayable
from tollgate.payments import checkout


class OrderRequest(Body):
    """Which plan to buy. Whatever amount a caller sends is ignored."""

    tier: str
    plan: str
    auto_renew: bool = False


app = Api(Access.USER)


@app.post("/api/subscription/create-order", middlewares=[replayable])
def create_order() -> dict[str, object]:
    wanted = app.body(OrderRequest)
    found = plans.find(wanted.tier, wanted.plan)
    if found is None:
        known = ", ".join(f"{tier.id}/{plan.id}" for tier, plan in plans.offers())
        error = {"field": "plan", "message": f"no such plan; there are {known}"}
        raise InvalidRequest(f"There is no plan {wanted.tier}/{wanted.plan}.", errors=[error])
    tier, plan = found
    return checkout.order(app.account, tier, plan, auto_renew=wanted.auto_renew, now=app.now)


handler = entrypoint(app, lambda: gateway().prepare())
