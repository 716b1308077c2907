"""Figures in a text, so that one that was made up can be told from one that was copied."""

import re
from typing import Final

NOT_IN_SOURCE: Final = "not_in_source"  # how a warning about something made up begins
_FIGURE: Final = re.compile(r"\d+(?:[.,]\d+)*")


def figures(text: str) -> list[str]:
    """All figures as they are written, in their order."""
    return _FIGURE.findall(text)


def number(figure: str) -> str:
    """1,20,000 and 120,000 and 120000 are one number; so are 8.70 and 8.7."""
    plain = figure.replace(",", "")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain
