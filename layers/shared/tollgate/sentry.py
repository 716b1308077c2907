"""Telling Sentry of bugs, where a DSN is set: what was raised, and which way the code went. Loaded with the first bug.

An event is built anew from what may leave us, whatever the library put into it: never an error's text, a variable, source,
a request, a user, a log or the environment.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from tollgate.config import settings

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

FLUSH_SECONDS = 2  # what a bug may cost its caller where Sentry does not answer
KEPT = ("event_id", "timestamp", "platform", "level", "environment", "sdk", "tags")
FRAME = ("module", "function", "filename", "lineno", "in_app")


def tell(error: BaseException, tags: Mapping[str, str]) -> None:
    """Send one bug, and wait until it is sent: a function is frozen once it has answered."""
    import sentry_sdk

    _start()
    with sentry_sdk.new_scope() as scope:
        for name, value in tags.items():
            scope.set_tag(name, value)
        scope.capture_exception(error)
    sentry_sdk.flush(FLUSH_SECONDS)


@cache
def _start() -> None:
    import sentry_sdk

    sentry_sdk.init(
        dsn=settings().sentry_dsn,
        environment=settings().stage,
        before_send=_allowed,
        default_integrations=False,
        auto_enabling_integrations=False,
        auto_session_tracking=False,
        send_client_reports=False,
        include_local_variables=False,
        include_source_context=False,
        max_breadcrumbs=0,
        shutdown_timeout=0,
    )


def _allowed(event: Event, hint: Hint) -> Event:
    del hint
    whole: Mapping[str, Any] = event
    told: dict[str, Any] = {name: whole[name] for name in KEPT if name in whole}
    told["exception"] = {"values": [_raised(each) for each in whole["exception"]["values"]]}
    return cast("Event", told)


def _raised(error: Mapping[str, Any]) -> dict[str, Any]:
    frames = (error.get("stacktrace") or {}).get("frames", ())
    return {
        "type": error["type"],
        "module": error.get("module"),
        "stacktrace": {"frames": [{name: each[name] for name in FRAME if name in each} for each in frames]},
    }
