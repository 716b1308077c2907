"""POST /api/subscription/cancel: stop renewing, keep access until the period ends."""

from pydantic import Field

from tollgate import calendar
from tollgate.errors import SubscriptionRequired
from tollgate.http import views
from tollgate.http.api import Access, Api, entrypoint
from tollgate.http.bodies import Body
from tollgate.payments import renewals
from tollgate.subscriptions import chain


class CancelRequest(Body):
    """Why, if the user wants to say."""

    reason: str | None = Field(default=None, max_length=500)


app = Api(Access.USER)


@app.post("/api/subscription/cancel")
def cancel() -> dict[str, object]:
    # Open to whoever has something that renews, also past due or halted. The gateway is asked last and, if need be, again.
    request = app.body(CancelRequest)
    now = calendar.whole_second(app.now)
    user = renewals.cancel(app.account, request.reason, now)
    if user is None:
        raise SubscriptionRequired("You have no paid plan running.")
    links = chain(user.subscriptions, now)
    if not links:
        return {"message": "Cancelled. Nothing renews any more.", "endDate": None}
    end = views.instant(links[-1].end_date)
    until = f"You keep your plan until {end}." if end else "Your plan has no end and nothing renews."
    return {"message": f"Cancelled. {until}", "endDate": end}


handler = entrypoint(app)
