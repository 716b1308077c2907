"""PDF by pdfium: words with their places, minus those that no reader sees."""

import ctypes
import re
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from math import hypot
from typing import Any, Final

from tollgate.resumes import layout
from tollgate.resumes.documents import (
    MAX_CHARACTERS,
    MAX_PAGES,
    BrokenDocumentError,
    Document,
    DocumentTooLargeError,
    EncryptedDocumentError,
    NoTextError,
)
from tollgate.resumes.text import HIDDEN_TEXT_REMOVED

_PASSWORD_NEEDED: Final = 4  # pdfium's FPDF_ERR_PASSWORD
_TEXT, _PATH, _IMAGE, _SHADING, _FORM = 1, 2, 3, 4, 5  # pdfium's FPDF_PAGEOBJ_*
_URI_ACTION: Final = 3  # pdfium's PDFACTION_URI
_STROKED: Final = (1, 5)  # text render modes that draw outlines only
_UNDRAWN: Final = (3, 7)  # text render modes that draw nothing
_MAX_OBJECTS: Final = 10_000
_MAX_AREAS: Final = 150  # of them as backgrounds; beyond is a drawing, and its colours are not followed
_MAX_WORDS: Final = 3_000  # on one page; beyond, ruled lines and drawn bullets are not looked at
_MAX_UNPACKED: Final = 64 * 1024 * 1024
_LEAST_SIZE: Final = 3.0  # points; nobody reads smaller letters
_LEAST_ALPHA: Final = 32  # of 255
_OPAQUE: Final = 255
_LEAST_CONTRAST: Final = 1.2  # WCAG ratio; light grey on white is 1.5
_LEAST_SIDE: Final = 3.0  # points; thinner shapes are rules, not backgrounds
_LEAST_RULE: Final = 8.0  # points; shorter strokes are decoration
_MAX_CLIP_POINTS: Final = 50
_MAX_RULES: Final = 400
_DOT: Final = (1.0, 7.0)  # points across
_RECTANGLE: Final = 6  # path segments at most
_SCAN_SHARE: Final = 0.5  # of the page under one image
_MAX_LINKS: Final = 20
_WORD: Final = re.compile("\\S+")

type Pdfium = Any  # pdfium's modules and handles carry no types
type Box = tuple[float, float, float, float]  # left, bottom, right, top in page space
type _Placed = tuple[float, float, float, float, bool]  # left, top, right, bottom as shown; whether on the page
type Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class _Area:
    """A painted area in page space; `colour` is None where it cannot be told (images, gradients, free shapes)."""

    depth: int
    left: float
    bottom: float
    right: float
    top: float
    colour: Colour | None
    covers: bool

    def holds(self, x: float, y: float) -> bool:
        return self.left <= x <= self.right and self.bottom <= y <= self.top


@dataclass(slots=True)
class _Drawing:
    """What a page draws, in painting order."""

    depths: dict[int, int] = field(default_factory=dict)
    areas: list[_Area] = field(default_factory=list)
    images: list[_Area] = field(default_factory=list)
    rules: list[Box] = field(default_factory=list)  # vertical edges, as boxes without width
    count: int = 0
    on_page: set[int] = field(default_factory=set)  # text objects outside forms, whose clip paths are in page space
    dots: list[Box] = field(default_factory=list)  # small filled shapes: browsers draw their bullets so


@dataclass(slots=True)
class _Page:
    """The words of one page, the hidden ones apart."""

    words: list[layout.Word]
    unseen: list[layout.Word]  # render mode 3: recognised text under a scan, or a trick
    hidden: bool
    scan: bool
    images: bool
    links: list[str]
    notes: frozenset[str] = frozenset()
    lines: tuple[layout.Line, ...] = ()


def read(data: bytes) -> Document:
    """The visible text of a PDF, pages in order. Raises a DocumentRefusedError."""
    if _unpacks_too_far(data):
        raise DocumentTooLargeError
    with closing(_opened(data)) as document:
        count = len(document)
        if count > MAX_PAGES:
            raise DocumentTooLargeError
        pages = _pages(document, count)
    if not any(page.words for page in pages):
        raise NoTextError
    text = layout.text_of([page.lines for page in pages])
    return Document(_with_links(text, pages), tuple(_warnings(pages)), count)


def _opened(data: bytes) -> Pdfium:
    import pypdfium2  # loaded with the first PDF

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        raise (EncryptedDocumentError if error.err_code == _PASSWORD_NEEDED else BrokenDocumentError) from error
    if not len(document):
        document.close()
        raise BrokenDocumentError
    return document


def _pages(document: Pdfium, count: int) -> list[_Page]:
    import pypdfium2

    pages, characters = [], 0
    try:
        for index in range(count):
            with closing(document[index]) as page, closing(page.get_textpage()) as text:
                characters += text.count_chars()
                if characters > MAX_CHARACTERS:
                    raise DocumentTooLargeError
                pages.append(_page(document, page, text))
    except pypdfium2.PdfiumError as error:
        raise BrokenDocumentError from error
    return pages


def _page(document: Pdfium, page: Pdfium, text: Pdfium) -> _Page:
    drawing = _drawing(page)
    found = _Page([], [], hidden=False, scan=_is_scan(page, drawing), images=bool(drawing.images), links=[])
    _sort_words(page, text, drawing, found)
    if found.unseen and found.scan and not found.words:
        found.words = found.unseen  # the recognised text of a scan is the document
    elif found.unseen:
        found.hidden, found.scan = True, False
    place = _placing(page)
    if len(found.words) <= _MAX_WORDS:
        words = layout.with_bullets(found.words, [place(dot)[:4] for dot in drawing.dots])
        reading = layout.read(words, _rules(place, drawing))
    else:
        reading = layout.read(found.words)
    found.lines, found.notes = reading.lines, reading.notes
    found.links = _links(document, page)
    return found


def _rules(place: Callable[[Box], _Placed], drawing: _Drawing) -> list[layout.Rule]:
    shown = (place(rule) for rule in drawing.rules)
    return [layout.Rule(left, top, bottom) for left, top, right, bottom, _ in shown if right - left < _LEAST_SIDE]


def _is_scan(page: Pdfium, drawing: _Drawing) -> bool:
    width, height = page.get_size()
    return any((i.right - i.left) * (i.top - i.bottom) > _SCAN_SHARE * width * height for i in drawing.images)


def _warnings(pages: list[_Page]) -> Iterator[str]:
    if any(page.hidden for page in pages):
        yield HIDDEN_TEXT_REMOVED
    if any(page.scan and page.words for page in pages):
        yield "scanned_text_layer"
    if any(page.images and not page.words for page in pages):
        yield "pages_without_text"
    yield from sorted(frozenset[str]().union(*(page.notes for page in pages)))
    if any(page.images for page in pages):
        yield "images"


def _with_links(text: str, pages: list[_Page]) -> str:
    """Addresses behind words, where they are not written out: a profile's link is a fact of the resume."""
    links = [link for page in pages for link in page.links if link.removeprefix("mailto:") not in text]
    unique = list(dict.fromkeys(links))[:_MAX_LINKS]
    return text + "\n\nLinks:\n" + "\n".join(f"- {link}" for link in unique) if unique else text


# Words


def _sort_words(page: Pdfium, text: Pdfium, drawing: _Drawing, found: _Page) -> None:
    from pypdfium2 import raw

    handle = text.raw
    seen: dict[int, tuple[str, float]] = {}
    box = raw.FS_RECTF()
    place = _placing(page)
    for word, start, stop, address in _runs(raw, handle):
        if address not in seen:
            seen[address] = _style(raw, handle, start, address, drawing)
        fate, size = seen[address]
        left, top, right, bottom, inside = place(_around(raw, handle, start, stop, box))
        found_word = layout.Word(word, left, top, right, bottom, size)
        if fate == "unseen":
            found.unseen.append(found_word)
        elif fate == "hidden" or not inside:
            found.hidden = True
        else:
            found.words.append(found_word)


def _runs(raw: Pdfium, text: Pdfium) -> Iterator[tuple[str, int, int, int]]:
    """Words as (text, first character, one past the last, address of the text object that draws them)."""
    characters = _characters(raw, text)
    drawer = _drawer(raw)
    here = ctypes.cast(text, ctypes.c_void_p)
    for match in _WORD.finditer(characters):
        start, stop = match.span()
        first = drawer(here, start)
        if first == drawer(here, stop - 1):
            yield match.group(), start, stop, first or 0
        else:
            yield from _pieces(characters, start, [drawer(here, index) or 0 for index in range(start, stop)])


def _pieces(characters: str, start: int, owners: list[int]) -> Iterator[tuple[str, int, int, int]]:
    """A word that several text objects draw, cut where they meet: one of them may be hidden."""
    begin = 0
    for index in range(1, len(owners) + 1):
        if index == len(owners) or owners[index] != owners[begin]:
            yield characters[start + begin : start + index], start + begin, start + index, owners[begin]
            begin = index


def _drawer(raw: Pdfium) -> Callable[[ctypes.c_void_p, int], int | None]:
    """FPDFText_GetTextObject with plain addresses for pointers: it is asked twice a word, and objects are slow."""
    address = ctypes.cast(raw.FPDFText_GetTextObject, ctypes.c_void_p).value
    return ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int)(address or 0)


def _characters(raw: Pdfium, text: Pdfium) -> str:
    """One character per index of pdfium's, so that positions in the string are its indexes."""
    count = raw.FPDFText_CountChars(text)
    buffer = (ctypes.c_ushort * (count + 1))()
    written = raw.FPDFText_GetText(text, 0, count, buffer)
    found = bytes(buffer)[: max(written - 1, 0) * 2].decode("utf-16-le", "surrogatepass")
    if len(found) == count:
        return found
    units = (raw.FPDFText_GetUnicode(text, index) for index in range(count))
    return "".join(chr(unit) if unit <= sys.maxunicode else "\ufffd" for unit in units)


def _address(pointer: Pdfium) -> int:
    return ctypes.addressof(pointer.contents) if pointer else 0


def _around(raw: Pdfium, text: Pdfium, start: int, stop: int, box: Pdfium) -> Box:
    """The box around a word, from those of its first and last characters."""
    first = _box(raw, text, start, box)
    if stop - start == 1:
        return first
    last = _box(raw, text, stop - 1, box)
    if first[0] <= last[2] and first[1] == last[1]:  # on one line, as nearly all words are
        return first[0], first[1], last[2], last[3]
    return min(first[0], last[0]), min(first[1], last[1]), max(first[2], last[2]), max(first[3], last[3])


def _box(raw: Pdfium, text: Pdfium, index: int, box: Pdfium) -> tuple[float, float, float, float]:
    """Left, bottom, right, top in page space."""
    raw.FPDFText_GetLooseCharBox(text, index, box)
    return box.left, box.bottom, box.right, box.top


def _placing(page: Pdfium) -> Callable[[Box], _Placed]:
    """A function from a box in page space to one from the top left corner of the page as it is shown."""
    left, bottom, right, top = page.get_bbox()  # also right where the page inherits its boxes
    rotation = page.get_rotation()

    def place(box: Box) -> _Placed:
        x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        inside = left <= x <= right and bottom <= y <= top
        if rotation == 90:  # noqa: PLR2004 -- degrees
            return box[1] - bottom, box[0] - left, box[3] - bottom, box[2] - left, inside
        if rotation == 180:  # noqa: PLR2004 -- degrees
            return right - box[2], box[1] - bottom, right - box[0], box[3] - bottom, inside
        if rotation == 270:  # noqa: PLR2004 -- degrees
            return top - box[3], right - box[2], top - box[1], right - box[0], inside
        return box[0] - left, top - box[3], box[2] - left, top - box[1], inside

    return place


# What is seen


def _style(raw: Pdfium, text: Pdfium, index: int, address: int, drawing: _Drawing) -> tuple[str, float]:
    """Whether a text object's letters are `seen`, `unseen` (drawn as nothing) or `hidden`, and their size in points."""
    drawer = raw.FPDFText_GetTextObject(text, index)
    size = _size(raw, text, index)
    if not address:
        return "seen", size
    mode = raw.FPDFTextObj_GetTextRenderMode(drawer)
    if mode in _UNDRAWN:
        return "unseen", size
    box = _box(raw, text, index, raw.FS_RECTF())
    place = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    colour = _colour(raw, drawer, stroke=mode in _STROKED)
    if size < _LEAST_SIZE or _blends_in(colour, drawing, drawing.depths.get(address, 0), place):
        return "hidden", size
    if address in drawing.on_page and _clipped(raw, drawer, place):
        return "hidden", size
    return "seen", size


def _clipped(raw: Pdfium, drawer: Pdfium, place: tuple[float, float]) -> bool:
    """Whether a clip path around the object leaves the place out; only the path's bounds are looked at."""
    clip = raw.FPDFPageObj_GetClipPath(drawer)
    for path in range(max(raw.FPDFClipPath_CountPaths(clip), 0)) if clip else ():
        points = list(_points(raw, clip, path))
        xs, ys = [x for x, _ in points], [y for _, y in points]
        if points and not (min(xs) <= place[0] <= max(xs) and min(ys) <= place[1] <= max(ys)):
            return True
    return False


def _points(raw: Pdfium, clip: Pdfium, path: int) -> Iterator[tuple[float, float]]:
    """The points of a clip path; none of a long one, which is a drawing and hides no line of text."""
    count = raw.FPDFClipPath_CountPathSegments(clip, path)
    x, y = ctypes.c_float(), ctypes.c_float()
    for index in range(count if count <= _MAX_CLIP_POINTS else 0):
        raw.FPDFPathSegment_GetPoint(raw.FPDFClipPath_GetPathSegment(clip, path, index), x, y)
        yield x.value, y.value


def _size(raw: Pdfium, text: Pdfium, index: int) -> float:
    matrix = raw.FS_MATRIX()
    raw.FPDFText_GetMatrix(text, index, matrix)
    return float(raw.FPDFText_GetFontSize(text, index)) * hypot(matrix.c, matrix.d)


def _colour(raw: Pdfium, drawer: Pdfium, *, stroke: bool) -> tuple[int, int, int, int] | None:
    """Red, green, blue, alpha; None for patterns."""
    parts = [ctypes.c_uint() for _ in range(4)]
    read_colour = raw.FPDFPageObj_GetStrokeColor if stroke else raw.FPDFPageObj_GetFillColor
    if not read_colour(drawer, *parts):
        return None
    red, green, blue, alpha = (part.value for part in parts)
    return red, green, blue, alpha


def _blends_in(
    colour: tuple[int, int, int, int] | None, drawing: _Drawing, depth: int, place: tuple[float, float]
) -> bool:
    under = [area for area in drawing.areas if area.holds(*place)]
    if any(area.depth > depth and area.covers for area in under):
        return True
    if colour is None:
        return False
    if colour[3] < _LEAST_ALPHA:
        return True
    behind = max((area for area in under if area.depth < depth), key=lambda area: area.depth, default=None)
    ground: Colour | None = (255, 255, 255) if behind is None else behind.colour
    return ground is not None and _contrast(colour[:3], ground) < _LEAST_CONTRAST


def _contrast(one: Colour, other: Colour) -> float:
    """WCAG 2 contrast ratio, 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Colour) -> float:
    red, green, blue = (float((part / 255) ** 2.2) for part in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


# What the page draws


def _drawing(page: Pdfium) -> _Drawing:
    from pypdfium2 import raw

    drawing = _Drawing()
    objects = (raw.FPDFPage_GetObject(page, index) for index in range(raw.FPDFPage_CountObjects(page)))
    _walk(raw, objects, (1.0, 0.0, 0.0, 1.0, 0.0, 0.0), drawing, 0)
    return drawing


type _Matrix = tuple[float, float, float, float, float, float]


def _walk(raw: Pdfium, objects: Pdfium, matrix: _Matrix, drawing: _Drawing, nesting: int) -> None:
    for item in objects:
        drawing.count += 1
        if drawing.count > _MAX_OBJECTS:
            raise DocumentTooLargeError
        kind = raw.FPDFPageObj_GetType(item)
        depth = drawing.count
        if kind == _TEXT:
            drawing.depths[_address(item)] = depth
            if not nesting:
                drawing.on_page.add(_address(item))
        elif kind == _FORM and nesting < 4:  # noqa: PLR2004 -- deeper nesting draws no resume
            inner = (raw.FPDFFormObj_GetObject(item, index) for index in range(raw.FPDFFormObj_CountObjects(item)))
            _walk(raw, inner, _product(_matrix(raw, item), matrix), drawing, nesting + 1)
        elif kind in (_PATH, _IMAGE, _SHADING):
            _add_area(raw, item, kind, matrix, drawing, depth)


def _add_area(raw: Pdfium, item: Pdfium, kind: int, matrix: _Matrix, drawing: _Drawing, depth: int) -> None:
    left, bottom, right, top = _bounds(raw, item, matrix)
    if kind == _PATH and top - bottom > _LEAST_RULE and len(drawing.rules) < _MAX_RULES:
        drawing.rules += _edges(raw, item, (left, bottom, right, top))
    if kind == _PATH and _is_dot(right - left, top - bottom) and len(drawing.dots) < _MAX_RULES:
        drawing.dots.append((left, bottom, right, top))
    if min(right - left, top - bottom) < _LEAST_SIDE:
        return
    colour = _path_colour(raw, item) if kind == _PATH else None
    if colour is not None and colour[3] < 128:  # noqa: PLR2004 -- half transparent: what is behind decides
        return
    plain = colour is not None and raw.FPDFPath_CountSegments(item) <= _RECTANGLE
    covers = plain and colour is not None and colour[3] == _OPAQUE and not raw.FPDFPageObj_HasTransparency(item)
    if kind == _PATH and colour is None:
        return
    area = _Area(depth, left, bottom, right, top, colour[:3] if plain and colour else None, covers)
    if len(drawing.areas) < _MAX_AREAS:
        drawing.areas.append(area)
    if kind == _IMAGE:
        drawing.images.append(area)


def _is_dot(width: float, height: float) -> bool:
    return _DOT[0] < min(width, height) and max(width, height) < _DOT[1] and abs(width - height) < 1


def _edges(raw: Pdfium, item: Pdfium, box: Box) -> list[Box]:
    """The vertical lines of a path: itself if it is thin, both sides if it is the outline of a rectangle."""
    left, bottom, right, top = box
    if right - left < _LEAST_SIDE:
        return [box]
    outline = _path_colour(raw, item) is None and raw.FPDFPath_CountSegments(item) <= _RECTANGLE
    return [(left, bottom, left, top), (right, bottom, right, top)] if outline else []


def _path_colour(raw: Pdfium, item: Pdfium) -> tuple[int, int, int, int] | None:
    """The fill of a path; None if it is only an outline."""
    fill, stroke = ctypes.c_int(), ctypes.c_int()
    raw.FPDFPath_GetDrawMode(item, fill, stroke)
    return _colour(raw, item, stroke=False) if fill.value else None


def _bounds(raw: Pdfium, item: Pdfium, matrix: _Matrix) -> tuple[float, float, float, float]:
    parts = [ctypes.c_float() for _ in range(4)]
    raw.FPDFPageObj_GetBounds(item, *parts)
    left, bottom, right, top = (part.value for part in parts)
    a, b, c, d, e, f = matrix
    corners = [(x * a + y * c + e, x * b + y * d + f) for x in (left, right) for y in (bottom, top)]
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    return min(xs), min(ys), max(xs), max(ys)


def _matrix(raw: Pdfium, item: Pdfium) -> _Matrix:
    m = raw.FS_MATRIX()
    raw.FPDFPageObj_GetMatrix(item, m)
    return m.a, m.b, m.c, m.d, m.e, m.f


def _product(one: _Matrix, two: _Matrix) -> _Matrix:
    """`one` first, then `two`."""
    return (
        one[0] * two[0] + one[1] * two[2],
        one[0] * two[1] + one[1] * two[3],
        one[2] * two[0] + one[3] * two[2],
        one[2] * two[1] + one[3] * two[3],
        one[4] * two[0] + one[5] * two[2] + two[4],
        one[4] * two[1] + one[5] * two[3] + two[5],
    )


# Links


def _links(document: Pdfium, page: Pdfium) -> list[str]:
    from pypdfium2 import raw

    place, link = ctypes.c_int(0), raw.FPDF_LINK()
    links: list[str] = []
    while len(links) < _MAX_LINKS and raw.FPDFLink_Enumerate(page, place, link):
        action = raw.FPDFLink_GetAction(link)
        if action and raw.FPDFAction_GetType(action) == _URI_ACTION:
            links.append(_address_of(raw, document, action))
    return [item for item in links if re.fullmatch("(?:https?://|mailto:)[!-~]{3,200}", item)]


def _address_of(raw: Pdfium, document: Pdfium, action: Pdfium) -> str:
    size = raw.FPDFAction_GetURIPath(document, action, None, 0)
    buffer = ctypes.create_string_buffer(size)
    raw.FPDFAction_GetURIPath(document, action, buffer, size)
    return buffer.value.decode("latin-1")


# Bombs

_STREAM: Final = re.compile(rb"stream\r?\n")
_FLATE: Final = re.compile(rb"/(?:FlateDecode|Fl)\b")
_HIGHEST_RATIO: Final = 1032  # of deflate


def _unpacks_too_far(data: bytes) -> bool:
    """Whether the packed parts that are not images unpack to more than pdfium should hold; stops at the limit."""
    if len(data) * _HIGHEST_RATIO < _MAX_UNPACKED:
        return False
    total = 0
    for match in _STREAM.finditer(data):
        header = data[max(0, match.start() - 600) : match.start()].rpartition(b" obj")[2]
        packed = len(_FLATE.findall(header))
        if packed > 1:
            return True  # packed twice over: no honest writer does that
        if packed and b"/Image" not in header:
            total += _unpacked_size(data, match.end(), _MAX_UNPACKED - total)
        if total >= _MAX_UNPACKED:
            return True
    return False


def _unpacked_size(data: bytes, start: int, limit: int) -> int:
    """Bytes that the stream at `start` unpacks to, counted up to `limit` and thrown away."""
    unpack, size = zlib.decompressobj(), 0
    rest = data[start : start + (1 << 22)]
    try:
        while rest and size < limit and not unpack.eof:
            size += len(unpack.decompress(rest, 1 << 20))
            rest = unpack.unconsumed_tail
    except zlib.error:
        return size
    return size
