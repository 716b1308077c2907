"""What may be said of an error, in a log and to Sentry."""

from contextlib import suppress

from tollgate.config import settings


def place_of(error: BaseException) -> str:
    """Where an error was raised, as module and line. Its text is for nobody's log: it may hold what a user sent."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}" if trace else ""


def report(error: BaseException, **tags: str) -> None:
    """Tell Sentry of a bug, where it is wanted; `tags` are ids of our own. Whatever becomes of it, the caller goes on."""
    if settings().sentry_dsn:
        with suppress(Exception):
            from tollgate import sentry  # noqa: PLC0415 -- only with a bug, and where it is wanted

            sentry.tell(error, tags)
