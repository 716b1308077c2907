"""A resume's text taken apart by its headings and bullets; no model is asked, so no text can talk its way to points."""

import re
from dataclasses import dataclass
from typing import Final

from tollgate.resumes import lexicon
from tollgate.resumes.text import BULLET

_TOLD_IN: Final = ("experience", "projects", "volunteering", "achievements")
_HEADING_WORDS: Final = 5
_STATEMENT_WORDS: Final = 3
_CELLS: Final = re.compile(" {2,}| \\| ")
_INLINE: Final = frozenset({"summary", "experience", "education", "projects", "certifications", "achievements"})
_MONTH: Final = "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\\.?"
_POINT: Final = (
    f"(?:{_MONTH}[ ,'\u2019]*(?:\\d{{4}}|\\d{{2}})|\\d{{1,2}}[/.]\\d{{4}}|\\d{{4}}-\\d{{2}}|(?:19|20)\\d{{2}})"
)
_OPEN: Final = "present|current|now|till date|to date|today|ongoing"
_RANGE: Final = re.compile(
    f"(?<![\\w/])({_POINT})\\s*(?:-|\u2013|\u2014|to|until|\\|\\s*|\\s{{2}})\\s*({_POINT}|{_OPEN})(?![\\w/])",
    re.IGNORECASE,
)


_HINDI_MONTHS: Final = dict(
    zip(
        ["जनवरी", "फरवरी", "मार्च", "अप्रैल", "मई", "जून", "जुलाई", "अगस्त", "सितंबर", "अक्टूबर", "नवंबर", "दिसंबर"],
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
        strict=True,
    )
)


@dataclass(frozen=True, slots=True)
class Span:
    """From one month to another, counted from year 0; `style` is how it was written. No end means it goes on."""

    start: int
    end: int | None
    style: str


@dataclass(frozen=True, slots=True)
class Outline:
    """What stands where. `head` is all above the first heading, without the person's name."""

    head: tuple[str, ...]
    sections: tuple[tuple[str, tuple[str, ...]], ...]

    def lines(self, *names: str) -> list[str]:
        return [line for name, lines in self.sections if name in names for line in lines]

    @property
    def names(self) -> frozenset[str]:
        return frozenset(name for name, lines in self.sections if lines)

    @property
    def statements(self) -> list[str]:
        """What the person says they did: bullets, or full lines where there are none."""
        lines = self.lines(*_TOLD_IN)
        bullets = [line.removeprefix(BULLET) for line in lines if line.startswith(BULLET)]
        cells = (cell for line in lines for cell in _CELLS.split(line))
        return bullets or [cell for cell in cells if _is_statement(cell)]

    @property
    def every_line(self) -> list[str]:
        return [*self.head, *(line for _, lines in self.sections for line in lines)]


def outline(text: str) -> Outline:
    """The text by sections. The first line counts as the name, if it can be one, and is not kept."""
    head: list[str] = []
    sections: list[tuple[str, list[str]]] = []
    for line in (line.strip() for line in text.splitlines()):
        name, rest = _heading(line)
        if name:
            sections.append((name, [rest] if rest else []))
        elif line:
            (sections[-1][1] if sections else head).append(line)
    if head and _is_name(head[0]):
        del head[0]
    return Outline(tuple(head), tuple((name, tuple(lines)) for name, lines in sections))


def statements_in(lines: list[str]) -> int:
    """How many statements the lines make: bullets, or cells that tell what was done."""
    return sum(
        1 if line.startswith(BULLET) else sum(_is_statement(cell) for cell in _CELLS.split(line)) for line in lines
    )


def _is_statement(text: str) -> bool:
    """Whether a line or cell without a bullet tells what was done."""
    words = text.split()
    acted = bool(words) and lexicon.verb(words[0]) is not None
    return len(words) > (_STATEMENT_WORDS if acted else 2 * _STATEMENT_WORDS) and not spans([text])


def _is_name(line: str) -> bool:
    return len(line.split()) <= _HEADING_WORDS and not re.search("[\\d@|]", line)


def _heading(line: str) -> tuple[str | None, str]:
    """The section a line opens, and what follows the heading on the same line."""
    known = lexicon.headings()
    before, colon, after = line.partition(":")
    if len(before.split()) > _HEADING_WORDS or line.startswith(BULLET):
        return None, ""
    for title in (before, *before.split("/")):
        section = known.get(" ".join(title.casefold().replace("&", "and").split()))
        if section and (
            not after.strip() or section in _INLINE or (section == "skills" and "skill" in before.casefold())
        ):
            return section, after.strip() if colon else ""
    return None, ""


# Dates


def spans(lines: list[str]) -> list[Span]:
    """Every from-to in the lines, whatever the order."""
    found = (match for line in lines for match in _RANGE.finditer(_in_english(line)))
    return [_span(match[1], match[2]) for match in found]


def _in_english(line: str) -> str:
    return re.sub("[\u0900-\u097f]+", lambda word: _HINDI_MONTHS.get(word.group(), word.group()), line)


def _span(start: str, end: str) -> Span:
    open_end = re.fullmatch(_OPEN, end, re.IGNORECASE)
    return Span(_month(start, first=True), None if open_end else _month(end, first=False), _style(start))


def _month(point: str, *, first: bool) -> int:
    """Months since year 0; a bare year begins in January and ends in December."""
    numbers = [int(number) for number in re.findall("\\d+", point)]
    year = max(numbers)
    if year < 100:  # noqa: PLR2004 -- '19 is 2019
        year += 2000 if year < 60 else 1900  # noqa: PLR2004 -- years of two digits
    if named := re.match("[a-z]{3}", point.casefold()):
        months = "janfebmaraprmayjunjulaugsepoctnovdec"
        return year * 12 + months.index(named.group()) // 3
    if len(numbers) > 1:
        return year * 12 + min(max(min(numbers), 1), 12) - 1
    return year * 12 + (0 if first else 11)


def _style(point: str) -> str:
    if point[0].isalpha():
        return "Mon YYYY"
    return "MM/YYYY" if re.fullmatch("\\d{1,2}[/.]\\d{4}", point) else "YYYY-MM" if "-" in point else "YYYY"


def months_covered(found: list[Span], today: int) -> int:
    """Months of work, overlaps counted once; an open end goes on until `today` (months since year 0)."""
    covered, reached = 0, 0
    for start, end in sorted((span.start, today if span.end is None else span.end) for span in found):
        begin = max(start, reached)
        covered += max(0, end + 1 - begin)
        reached = max(reached, end + 1)
    return covered


def longest_gap(found: list[Span], today: int) -> int:
    """Months of the longest stretch between two spans."""
    ordered = sorted((span.start, today if span.end is None else span.end) for span in found)
    longest, reached = 0, None
    for start, end in ordered:
        if reached is not None:
            longest = max(longest, start - reached - 1)
        reached = end if reached is None else max(reached, end)
    return longest
