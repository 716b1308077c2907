"""GET, PUT /api/account/preferences: which AI the user prefers and which mails they want."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from tollgate.errors import Conflict, TierRequired
from tollgate.http.api import Access, Api, entrypoint
from tollgate.http.bodies import Body
from tollgate.store import users
from tollgate.store.dynamodb import ConditionFailedError
from tollgate.users import Notifications, Preference, User

PATH = "/api/account/preferences"


class NotificationsRequest(Body):
    """Which mails to send; what is left out stays as it is."""

    usage_alerts: bool | None = None
    subscription_expiry: bool | None = None


class PreferencesRequest(Body):
    """What to change; what is left out stays as it is."""

    ai_service: Literal["auto", "gemini", "gpt4o"] | None = None
    notifications: NotificationsRequest = NotificationsRequest()


app = Api(Access.USER)


@app.get(PATH)
def preferences() -> dict[str, object]:
    return _shown(app.account)


@app.put(PATH)
def prefer() -> dict[str, object]:
    wanted, user = app.body(PreferencesRequest), app.account
    changed = replace(
        user,
        preference=_preference(user, wanted.ai_service),
        notifications=_notifications(user.notifications, wanted.notifications),
    )
    try:
        users.save(changed, app.user, app.now)
    except ConditionFailedError as error:
        raise Conflict("Your account changed at this moment; try again.") from error
    return _shown(changed)


def _preference(user: User, wanted: str | None) -> Preference:
    preferred = Preference(wanted) if wanted else user.preference
    if preferred not in {user.preference, Preference.AUTO} and not user.tier(app.now).chooses_ai:
        raise TierRequired("Your plan does not let you choose the AI service.")
    return preferred


def _notifications(present: Notifications, wanted: NotificationsRequest) -> Notifications:
    return Notifications(
        usage_alerts=present.usage_alerts if wanted.usage_alerts is None else wanted.usage_alerts,
        subscription_expiry=present.subscription_expiry
        if wanted.subscription_expiry is None
        else wanted.subscription_expiry,
    )


def _shown(user: User) -> dict[str, object]:
    return {
        "aiService": user.preference.value,
        "notifications": {
            "usageAlerts": user.notifications.usage_alerts,
            "subscriptionExpiry": user.notifications.subscription_expiry,
        },
    }


handler = entrypoint(app)
