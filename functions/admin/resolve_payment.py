"""POST /api/admin/flagged-payments/{paymentId}/resolve: decide about a payment kept for review, or an event nobody could read."""

from typing import Literal

from tollgate.http.api import Access, Api, entrypoint
from tollgate.http.bodies import Body
from tollgate.payments import review
from tollgate.payments.orders import Resolution
from tollgate.store.review import Decision


class ResolveRequest(Body):
    """What to do with the payment."""

    action: Literal["grant", "refund", "look_up", "dismiss"]


app = Api(Access.ADMIN)


@app.post("/api/admin/flagged-payments/<payment_id>/resolve")
def resolve(payment_id: str) -> dict[str, object]:
    wanted = Resolution(app.body(ResolveRequest).action)
    return review.shown(review.resolve(payment_id, wanted, Decision(admin=app.caller.user_id, at=app.now)))


handler = entrypoint(app)
