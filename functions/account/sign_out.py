"""POST /api/account/sign-out: every access token of the caller that was issued until now stops working, this one too."""

from tollgate.http import views
from tollgate.http.api import Access, Api, entrypoint
from tollgate.store import users

app = Api(Access.USER)


@app.post("/api/account/sign-out")
def sign_out() -> dict[str, object]:
    _ = app.raw_body  # one that is too large reaches no table
    at = users.sign_out(app.caller.user_id, app.caller.issued_at, app.now)
    return {"signedOutAt": views.instant(at)}


handler = entrypoint(app)
