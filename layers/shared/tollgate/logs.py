"""What may be said of an error in a log."""


def place_of(error: BaseException) -> str:
    """Where an error was raised, as module and line. Its text is for nobody's log: it may hold what a user sent."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}" if trace else ""
