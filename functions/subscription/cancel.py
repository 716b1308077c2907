"""POST /api/subscription/cancel: stop renewing, keep access until the period ends."""

from dataclasses import replace

from pydantic import BaseModel, ConfigDict, Field

from tollgate import calendar, subscriptions
from tollgate.errors import Conflict
from tollgate.http import views
from tollgate.http.api import Access, Api, entrypoint
from tollgate.http.middlewares import check_subscription
from tollgate.store import subscriptions as periods
from tollgate.store.dynamodb import ConditionFailedError


class CancelRequest(BaseModel):
    """Why, if the user wants to say."""

    model_config = ConfigDict(strict=True)

    reason: str | None = Field(default=None, max_length=500)


app = Api(Access.USER)


@app.post("/api/subscription/cancel", middlewares=[check_subscription])
def cancel() -> dict[str, object]:
    request, user, now = app.body(CancelRequest), app.account, calendar.whole_second(app.now)
    links = subscriptions.chain(user.subscriptions, now)
    cancelled = tuple(each.cancel(now, request.reason) if each in links else each for each in user.subscriptions)
    try:
        periods.save(replace(user, subscriptions=cancelled), user, now)
    except ConditionFailedError as error:
        raise Conflict("Your plan changed at this moment; look at it again.") from error
    end = views.instant(links[-1].end_date)
    until = f"You keep your plan until {end}." if end else "Your plan has no end and nothing renews."
    return {"message": f"Cancelled. {until}", "endDate": end}


handler = entrypoint(app)
