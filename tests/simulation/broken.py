"""What a history ends with where something does not hold."""


class BrokenError(AssertionError):
    """Something that must hold does not."""
