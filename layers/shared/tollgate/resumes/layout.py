"""Reading order from positions: columns one after the other, tables row by row, lines that belong together joined."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Final

_SEGMENT_GAP: Final = 1.5  # ems between words that belong to different columns or cells
_SPACE_GAP: Final = 0.15  # ems; closer pieces are one word
_GUTTER: Final = 6.0  # points of white between columns, at least
_MAX_SEGMENTS: Final = 600  # on one page; beyond, columns are not looked for
_BAND_ROWS: Final = 3  # fewer rows side by side are no columns
_LEADING: Final = 1.75  # line heights from one line of a bullet to the next, at most
_LINE_STEP: Final = 1.45  # line heights from one line of a cell to the next, at most
_BULLET_GAP: Final = 1.5  # ems from a bullet to its text
_ALIGNED: Final = 3.0  # points between left edges that are meant to be one
_HEADINGS: Final = re.compile(
    "(?:(?:about|academic|career|contact|core|key|personal|professional|technical|work) )?"
    "(?:about me|achievements?|awards?|certifications?|certificates|competenc(?:ies|es)|contact|courses|details|education"
    "|employment|experience|expertise|hobbies|history|interests|internships?|languages?|links|objective|profile"
    "|projects?|publications|qualifications?|references|skills|strengths|summary|tools|training|volunteering)"
    "(?: (?:details|highlights|history))?",
    re.IGNORECASE,
)
_LETTERS: Final = re.compile("[^\\W\\d_]")


@dataclass(frozen=True, slots=True)
class Word:
    """A word and its box in points from the top left corner of the page."""

    text: str
    left: float
    top: float
    right: float
    bottom: float
    size: float


@dataclass(frozen=True, slots=True)
class Rule:
    """A vertical line, as tables draw them between cells."""

    x: float
    top: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Segment:
    """Words on one line that the author's program wrote in one go; `order` is their place in the file."""

    text: str
    left: float
    top: float
    right: float
    bottom: float
    size: float
    order: int
    ruled: bool = False  # a ruled line stands between it and what is written to its left

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2


@dataclass(frozen=True, slots=True)
class Line:
    """A line as it will be read."""

    text: str
    left: float
    top: float
    bottom: float
    size: float


@dataclass(frozen=True, slots=True)
class Reading:
    """The lines of one page in reading order, and the layout that was met."""

    lines: tuple[Line, ...]
    notes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Band:
    """Rows `start` to `stop` that all leave the same strip of paper white."""

    start: int
    stop: int
    left: tuple[Segment, ...]
    right: tuple[Segment, ...]
    lines: int  # of the side that has fewer


def read(words: Sequence[Word], rules: Sequence[Rule] = ()) -> Reading:
    """The page's lines as a person reads them: down each column, along each row of a table."""
    notes: set[str] = set()
    lines = _order(_segments(words, rules), notes)
    return Reading(tuple(lines), frozenset(notes))


def with_bullets(words: Sequence[Word], dots: Sequence[tuple[float, float, float, float]]) -> Sequence[Word]:
    """The words with a bullet before each that a drawn dot (left, top, right, bottom) stands right before."""
    marked: dict[int, Word] = {}
    for left, top, right, bottom in dots:
        middle = (top + bottom) / 2
        near = [
            (at, word)
            for at, word in enumerate(words)
            if word.top < middle < word.bottom and 0 <= word.left - right < _BULLET_GAP * word.size
        ]
        if near:
            at, word = min(near, key=lambda item: item[1].left)
            marked[at] = Word("\u2022", left, word.top, right, word.bottom, word.size)
    return [item for at, word in enumerate(words) for item in ((marked[at], word) if at in marked else (word,))]


# From words to segments


def _segments(words: Sequence[Word], rules: Sequence[Rule]) -> list[Segment]:
    runs: list[list[Word]] = []
    ruled: list[bool] = []
    for word in words:
        near = bool(runs) and _continues(runs[-1][-1], word)
        parted = near and any(_parts(rule, runs[-1][-1], word) for rule in rules)
        if near and not parted:
            runs[-1].append(word)
        else:
            runs.append([word])
            ruled.append(parted)
    return [_segment(run, order, ruled=ruled[order]) for order, run in enumerate(runs)]


def _parts(rule: Rule, before: Word, word: Word) -> bool:
    middle = (word.top + word.bottom) / 2
    return (
        before.left < rule.x <= word.left + 1
        and rule.x > before.right - 0.5 * word.size
        and rule.top < middle < rule.bottom
    )


def _continues(before: Word, word: Word) -> bool:
    size = max(before.size, word.size)
    same_line = abs(before.bottom - word.bottom) < 0.4 * size or abs(before.top - word.top) < 0.2 * size
    return same_line and -0.5 * size < word.left - before.right < _SEGMENT_GAP * size


def _segment(run: Sequence[Word], order: int, *, ruled: bool) -> Segment:
    return Segment(
        _joined(run),
        min(word.left for word in run),
        min(word.top for word in run),
        max(word.right for word in run),
        max(word.bottom for word in run),
        max(word.size for word in run),
        order,
        ruled,
    )


def _joined(run: Sequence[Word]) -> str:
    """Words with their spaces; a heading set letter by letter (E D U C A T I O N) becomes words again."""
    if len(run) >= 4 and all(len(word.text) == 1 and _LETTERS.match(word.text) for word in run):  # noqa: PLR2004 -- fewer may be initials
        gaps = [after.left - before.right for before, after in pairwise(run)]
        wide = 1.8 * median(gaps)
        return run[0].text + "".join(
            (" " if gap > wide else "") + word.text for gap, word in zip(gaps, run[1:], strict=True)
        )
    text = run[0].text
    for before, word in pairwise(run):
        glued = word.left - before.right < _SPACE_GAP * word.size
        text += word.text if glued else f" {word.text}"
    return text


# Rows, bands and their order


def _rows(segments: Iterable[Segment]) -> list[list[Segment]]:
    """Segments by baseline, top down, each row from left to right."""
    rows: list[list[Segment]] = []
    for segment in sorted(segments, key=lambda item: item.middle):
        if rows and abs(rows[-1][0].middle - segment.middle) < 0.5 * min(rows[-1][0].size, segment.size):
            rows[-1].append(segment)
        else:
            rows.append([segment])
    return [sorted(row, key=lambda item: item.left) for row in rows]


def _order(segments: Sequence[Segment], notes: set[str]) -> list[Line]:
    rows = _rows(segments)
    band = _widest_columns(rows) if len(segments) <= _MAX_SEGMENTS else None
    if band is None:
        return _row_lines(rows, notes)
    before = [segment for row in rows[: band.start] for segment in row]
    after = [segment for row in rows[band.stop :] for segment in row]
    return _order(before, notes) + _columns(band, notes) + _order(after, notes)


def _columns(band: _Band, notes: set[str]) -> list[Line]:
    notes.add("columns")
    return _order(band.left, notes) + _order(band.right, notes)


def _widest_columns(rows: Sequence[Sequence[Segment]]) -> _Band | None:
    """The columns with most lines on either side of a strip of white; three lines at least."""
    runs = ((start, stop, gutter) for gutter in _gutters(rows) for start, stop in _runs(rows, gutter))
    bands = (_band(rows, start, stop, gutter) for start, stop, gutter in runs if stop - start >= _BAND_ROWS)
    columns = (band for band in bands if band.lines >= _BAND_ROWS and _are_columns(band))
    return max(columns, key=lambda band: (band.lines, band.stop - band.start), default=None)


def _gutters(rows: Sequence[Sequence[Segment]]) -> list[float]:
    """Where a column may begin: just left of every segment that has something to its left in its row or elsewhere."""
    edge = min((row[0].left for row in rows), default=0.0)
    starts = {int(segment.left) for row in rows for segment in row if segment.left > edge + 4 * _GUTTER}
    return [start - _GUTTER / 2 for start in sorted(starts)]


def _runs(rows: Sequence[Sequence[Segment]], gutter: float) -> list[tuple[int, int]]:
    """Stretches of rows that nothing crosses at `gutter`, without what is read before or after them anyway."""
    runs, start = [], 0
    for index in range(len(rows) + 1):
        if index == len(rows) or any(_crosses(segment, gutter) for segment in rows[index]):
            runs.append(_trimmed(rows, start, index, gutter))
            start = index + 1
    return runs


def _trimmed(rows: Sequence[Sequence[Segment]], start: int, stop: int, gutter: float) -> tuple[int, int]:
    """Less the rows above the right column and those below the left one."""
    while start < stop and rows[start][-1].right <= gutter:
        start += 1
    while start < stop and rows[stop - 1][0].left >= gutter:
        stop -= 1
    return start, stop


def _crosses(segment: Segment, gutter: float) -> bool:
    return segment.left < gutter + _GUTTER / 2 and segment.right > gutter - _GUTTER / 2


def _band(rows: Sequence[Sequence[Segment]], start: int, stop: int, gutter: float) -> _Band:
    inside = rows[start:stop]
    left = tuple(segment for row in inside for segment in row if segment.right <= gutter)
    right = tuple(segment for row in inside for segment in row if segment.right > gutter)
    lines = min(sum(row[0].right <= gutter for row in inside), sum(row[-1].right > gutter for row in inside))
    return _Band(start, stop, left, right, lines)


def _are_columns(band: _Band) -> bool:
    """Columns were written one after the other, or each has headings of its own; a table was written row by row."""
    if _has_heading(band.left) and _has_heading(band.right):
        return True
    sides = [(segment.order, side) for side, segments in enumerate((band.left, band.right)) for segment in segments]
    changes = sum(before[1] != after[1] for before, after in pairwise(sorted(sides)))
    return changes <= max(1, min(len(band.left), len(band.right)) // 4)


def _has_heading(segments: Iterable[Segment]) -> bool:
    return any(_HEADINGS.fullmatch(segment.text.strip(" :")) for segment in segments)


# Rows and their cells


def _row_lines(rows: Sequence[Sequence[Segment]], notes: set[str]) -> list[Line]:
    """One line per row, its cells two spaces apart; cells that wrap are put together first."""
    table: list[list[list[Segment]]] = []
    for row in rows:
        if table and _wraps(table[-1], row):
            for segment in row:
                _cell_above(table[-1], segment).append(segment)
        else:
            table.append([[segment] for segment in row])
    if sum(len(row) > 2 for row in table) > 1:  # noqa: PLR2004 -- a name and its date are two, and no table
        notes.add("tables")
    return [_line(row) for row in table]


def _wraps(row: Sequence[Sequence[Segment]], below: Sequence[Segment]) -> bool:
    """Whether `below` goes on with the cells of `row`: it stands under them and skips the first, or was written amid them."""
    last = max((cell[-1] for cell in row), key=lambda item: item.top)
    close = 0 < below[0].top - last.top < _LINE_STEP * last.size
    if len(row) < 2 or not close or not all(_under(row, segment) for segment in below):  # noqa: PLR2004 -- one cell is no row
        return False
    amid = min(segment.order for segment in below) < max(segment.order for cell in row for segment in cell)
    return amid or all(segment.left > row[0][0].right for segment in below)


def _under(row: Sequence[Sequence[Segment]], segment: Segment) -> bool:
    """Whether it shares its left edge or its centre with a cell."""
    return any(
        abs(cell[0].left - segment.left) < _ALIGNED
        or abs(cell[0].left + cell[0].right - segment.left - segment.right) < 2 * _ALIGNED
        for cell in row
    )


def _cell_above(row: list[list[Segment]], segment: Segment) -> list[Segment]:
    middle = segment.left + segment.right
    return min(
        row, key=lambda cell: min(abs(cell[0].left - segment.left), abs(cell[0].left + cell[0].right - middle) / 2)
    )


def _line(row: Sequence[Sequence[Segment]]) -> Line:
    text = _cell_text(row[0])
    for before, cell in pairwise(row):
        text += _between(before, cell) + _cell_text(cell)
    every = [segment for cell in row for segment in cell]
    return Line(
        text,
        every[0].left,
        min(segment.top for segment in every),
        max(segment.bottom for segment in every),
        max(segment.size for segment in every),
    )


def _cell_text(cell: Sequence[Segment]) -> str:
    return " ".join(segment.text for segment in cell)


def _between(before: Sequence[Segment], cell: Sequence[Segment]) -> str:
    """Nothing inside a word, one space inside a line, two between cells."""
    gap = (cell[0].left - before[0].right) / cell[0].size
    if len(before) > 1 or len(cell) > 1 or cell[0].ruled or gap >= _SEGMENT_GAP:
        return "  "
    return "" if gap < _SPACE_GAP and cell[0].order == before[0].order + 1 else " "


# Pages into text

_BULLET: Final = re.compile("[^\\w\\s\"'(\\[{+#@&₹$€£\\\\/]\\s*(?=\\S)|o (?=[A-Z])")
_BROKEN: Final = re.compile("(?<![^\\W\\d_])[^\\W\\d_]{2,}[-\u2010\u00ad\x02\ufffe]$")
_PAGE_NUMBER: Final = re.compile("(?:page\\s*)?#(?:\\s*(?:of|/|\\|)\\s*#)?", re.IGNORECASE)
_MARGIN_LINES: Final = 2


def text_of(pages: Sequence[Sequence[Line]]) -> str:
    """All pages as text: running heads kept once, page numbers dropped, wrapped bullets whole, paragraphs apart."""
    return "\n\n".join("\n".join(_joined_lines(page)) for page in _without_running_lines(pages) if page)


def _without_running_lines(pages: Sequence[Sequence[Line]]) -> list[list[Line]]:
    seen: set[str] = set()
    kept = []
    running = _running(pages)
    for page in pages:
        marginal = _marginal(page)
        lines = []
        for line in page:
            key = _key(line)
            if key in running and id(line) in marginal and (key in seen or _PAGE_NUMBER.fullmatch(key)):
                continue
            seen.add(key)
            lines.append(line)
        kept.append(lines)
    return kept


def _running(pages: Sequence[Sequence[Line]]) -> set[str]:
    """What stands at the top or bottom of more than half of the pages, numbers aside."""
    counts: dict[str, int] = {}
    for page in pages:
        marginal = _marginal(page)
        for key in {_key(line) for line in page if id(line) in marginal}:
            counts[key] = counts.get(key, 0) + 1
    return {key for key, count in counts.items() if len(pages) > 1 and count * 2 > len(pages)}


def _marginal(page: Sequence[Line]) -> set[int]:
    by_height = sorted(page, key=lambda line: line.top)
    return {id(line) for line in by_height[:_MARGIN_LINES] + by_height[-_MARGIN_LINES:]}


def _key(line: Line) -> str:
    return re.sub("\\d+", "#", " ".join(line.text.split())).lower()


def _joined_lines(page: Sequence[Line]) -> list[str]:
    out: list[str] = []
    bullet: Line | None = None
    gaps = sorted(_gaps(page))
    usual = gaps[len(gaps) // 4] if gaps else 0.0
    for before, line in zip([None, *page], page, strict=False):
        if before is None:
            out.append(line.text)
        elif bullet is not None and _wraps_bullet(bullet, before, line):
            out[-1] = f"{out[-1]}\n{line.text}" if _BROKEN.search(out[-1]) else f"{out[-1]} {line.text}"
            continue
        else:
            apart = line.top < before.top or line.top - before.bottom > usual + 0.25 * line.size
            out.append(f"\n{line.text}" if apart else line.text)
        bullet = line if _BULLET.match(line.text) else None
    return out


def _gaps(page: Sequence[Line]) -> list[float]:
    return [line.top - before.bottom for before, line in pairwise(page) if line.top > before.top]


def _wraps_bullet(bullet: Line, before: Line, line: Line) -> bool:
    indented = line.left > bullet.left + 0.4 * line.size
    close = 0 < line.top - before.top < _LEADING * line.size
    return indented and close and not _BULLET.match(line.text)
