"""POST /api/subscription/cancel: stop renewing, keep access until the period ends."""

from pydantic import BaseModel, ConfigDict, Field

from tollgate import calendar
from tollgate.errors import Conflict, SubscriptionRequired
from tollgate.http import views
from tollgate.http.api import Access, Api, entrypoint
from tollgate.payments import renewals
from tollgate.store.dynamodb import ConditionFailedError
from tollgate.subscriptions import chain
from tollgate.users import User


class CancelRequest(BaseModel):
    """Why, if the user wants to say."""

    model_config = ConfigDict(strict=True)

    reason: str | None = Field(default=None, max_length=500)


app = Api(Access.USER)


@app.post("/api/subscription/cancel")
def cancel() -> dict[str, object]:
    # Open to whoever has something that renews, also past due or halted. The gateway is asked last and, if need be, again.
    request = app.body(CancelRequest)
    user, now = _cancelled(request.reason), calendar.whole_second(app.now)
    links = chain(user.subscriptions, now)
    if not links:
        return {"message": "Cancelled. Nothing renews any more.", "endDate": None}
    end = views.instant(links[-1].end_date)
    until = f"You keep your plan until {end}." if end else "Your plan has no end and nothing renews."
    return {"message": f"Cancelled. {until}", "endDate": end}


def _cancelled(reason: str | None) -> User:
    try:
        cancelled = renewals.cancel(app.account, reason, calendar.whole_second(app.now))
    except ConditionFailedError as error:
        raise Conflict("Your plan changed at this moment; look at it again.") from error
    if cancelled is None:
        raise SubscriptionRequired("You have no paid plan running.")
    return cancelled


handler = entrypoint(app)
