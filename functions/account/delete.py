"""DELETE /api/account: end what renews, erase what is personal, keep what the law wants kept; for good."""

from typing import Literal

from tollgate import accounts
from tollgate.app import gateway
from tollgate.http import views
from tollgate.http.api import Access, Api, entrypoint
from tollgate.http.bodies import Body

LEFT_MS = 5_000  # what a step and the reply take at most


class DeleteRequest(Body):
    """That it is meant: paid time that is left is lost with the account."""

    confirm: Literal["delete"]


app = Api(Access.USER)


@app.delete("/api/account")
def delete() -> dict[str, object]:
    app.body(DeleteRequest)
    app.must_be_signed_in()
    deleted_at = accounts.delete(app.caller.user_id, app.now, _has_time)
    return {
        "status": "deleted",
        "deletedAt": views.instant(deleted_at),
        "erased": list(accounts.GONE),
        "kept": list(accounts.KEPT),
        "reason": accounts.WHY,
    }


def _has_time() -> bool:
    return int(app.lambda_context.get_remaining_time_in_millis()) > LEFT_MS


handler = entrypoint(app, lambda: gateway().prepare())
