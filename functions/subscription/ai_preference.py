"""POST /api/subscription/ai-preference: prefer one AI service to the mix, where the plan lets its users choose."""

from dataclasses import replace
from typing import Literal

from tollgate import plans
from tollgate.ai.config import ai_config
from tollgate.errors import Conflict
from tollgate.http.api import Access, Api, entrypoint
from tollgate.http.bodies import Body
from tollgate.http.middlewares import require_tier
from tollgate.store import users
from tollgate.store.dynamodb import ConditionFailedError
from tollgate.users import Preference


class PreferenceRequest(Body):
    """The service to prefer; auto is the mix."""

    preference: Literal["auto", "gemini", "gpt4o"]


app = Api(Access.USER)


@app.post(
    "/api/subscription/ai-preference",
    middlewares=[require_tier([tier.id for tier in plans.TIERS if tier.chooses_ai])],
)
def prefer() -> dict[str, object]:
    preferred = replace(app.account, preference=Preference(app.body(PreferenceRequest).preference))
    try:
        users.save(preferred, app.user, app.now)
    except ConditionFailedError as error:
        raise Conflict("Your plan changed at this moment; try again.") from error
    return ai_config(preferred, app.now)


handler = entrypoint(app)
