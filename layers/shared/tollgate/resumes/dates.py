"""Dates as people write them on resumes, as partial ISO 8601: `2022`, `2022-01` or `2022-01-15`."""

import re
from typing import Final

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_PRESENT: Final = re.compile(
    "present|current(?:ly)?|now|till (?:date|now)|to date|ongoing|today|continuing|pursuing|-+"
)
_ISO: Final = re.compile("(\\d{4})(?:-(\\d{1,2})(?:-(\\d{1,2}))?)?(?:t.*)?")
_NAMED: Final = re.compile("(?:(\\d{1,2})(?:st|nd|rd|th)?[ .,/-]*)?([a-z]{3,9})[ .,/'\u2019-]*(\\d{4}|\\d{2})")
_NUMBERED: Final = re.compile("(?:(\\d{1,2})[./-])?(\\d{1,2})[./-](\\d{4})")
_YEAR: Final = re.compile("(?:19|20)\\d{2}")


def partial_date(text: str) -> str | None:
    """The date in `text` as far as it is certain; None for "present" and for anything that is no date.

    03/04/2020 is read as 2020, because India and America disagree about the rest.
    """
    plain = " ".join(text.lower().split())
    if _PRESENT.fullmatch(plain):
        return None
    if match := _ISO.fullmatch(plain):
        return _date(match[1], match[2], match[3])
    if (match := _NAMED.fullmatch(plain)) and match[2][:3] in _MONTHS:
        return _date(_full_year(match[3]), str(_MONTHS.index(match[2][:3]) + 1), match[1])
    if match := _NUMBERED.fullmatch(plain):
        return _numbered(match[3], match[2], match[1])
    found = _YEAR.search(plain)
    return found.group() if found else None


def _numbered(year: str, middle: str, first: str | None) -> str | None:
    if first is None or int(first) > 12:  # noqa: PLR2004 -- months
        return _date(year, middle, first)
    if int(middle) > 12:  # noqa: PLR2004 -- months
        return _date(year, first, middle)
    return _date(year, middle, first) if first == middle else year


def _full_year(year: str) -> str:
    if len(year) == 4:  # noqa: PLR2004 -- digits
        return year
    return ("19" if int(year) > 50 else "20") + year  # noqa: PLR2004 -- nobody's career began before 1951


def _date(year: str, month: str | None, day: str | None) -> str | None:
    if not 1900 <= int(year) <= 2100:  # noqa: PLR2004 -- beyond is a slip
        return None
    if month is None or not 1 <= int(month) <= 12:  # noqa: PLR2004 -- months
        return year
    if day is None or not 1 <= int(day) <= 31:  # noqa: PLR2004 -- days
        return f"{year}-{int(month):02}"
    return f"{year}-{int(month):02}-{int(day):02}"
