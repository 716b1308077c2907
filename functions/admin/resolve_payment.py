"""POST /api/admin/flagged-payments/{paymentId}/resolve: decide about a payment kept for review, or an event nobody could read."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from tollgate.http.api import Access, Api, entrypoint
from tollgate.payments import review
from tollgate.payments.orders import Resolution
from tollgate.store.review import Decision


class ResolveRequest(BaseModel):
    """What to do with the payment."""

    model_config = ConfigDict(strict=True)

    action: Literal["grant", "refund", "look_up", "dismiss"]


app = Api(Access.ADMIN)


@app.post("/api/admin/flagged-payments/<payment_id>/resolve")
def resolve(payment_id: str) -> dict[str, object]:
    wanted = Resolution(app.body(ResolveRequest).action)
    return review.shown(review.resolve(payment_id, wanted, Decision(admin=app.caller.user_id, at=app.now)))


handler = entrypoint(app)
