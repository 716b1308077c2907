"""DOCX by python-docx: paragraphs, tables, text boxes and headers in order, minus what Word would not show."""

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from tollgate.resumes.documents import (
    MAX_CHARACTERS,
    MAX_PAGES,
    BrokenDocumentError,
    Document,
    DocumentTooLargeError,
    EncryptedDocumentError,
    WrongKindError,
)
from tollgate.resumes.text import BULLET, HIDDEN_TEXT_REMOVED

_W: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_R: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_MC: Final = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"

_MAX_MEMBERS: Final = 2_000
_MAX_PART: Final = 20 * 1024 * 1024
_MAX_UNPACKED: Final = 64 * 1024 * 1024
_MAX_MARKUP: Final = 5 * 1024 * 1024  # of XML in all, read at fifteen times that; thirty full pages are 1 MiB
_MAX_RATIO: Final = 150  # unpacked bytes per packed byte, for parts over 1 MiB; Word's own XML stays under 40
_MAX_LINKS: Final = 20
_LEAST_SIZE: Final = 6  # half points; nobody reads smaller letters
_LIGHT: Final = 0xEB  # each of red, green and blue at least this: white on white
_BLOCK_LINES: Final = 3  # a cell with more lines is a column of a layout, not a cell of a table
_UNDER_PASSWORD: Final = 1  # bit of a ZIP member's flags
_DOCTYPE: Final = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_PAGE_NUMBER: Final = re.compile("(?:page)?[\\s\\d/|of-]*", re.IGNORECASE)

type Element = Any  # lxml carries no types
type Docx = Any  # nor does python-docx


@dataclass(frozen=True, slots=True)
class _Look:
    """How a run looks where it says so itself; None where it follows its surroundings."""

    vanish: bool | None = None
    colour: str | None = None
    size: int | None = None  # half points
    listed: bool | None = None

    def over(self, base: "_Look") -> "_Look":
        """This look on top of `base`."""
        return _Look(
            base.vanish if self.vanish is None else self.vanish,
            self.colour or base.colour,
            self.size or base.size,
            base.listed if self.listed is None else self.listed,
        )


@dataclass(slots=True)
class _Reader:
    """The state of one reading: styles resolved so far, and what was noticed."""

    styles: dict[str, _Look]
    notes: dict[str, None] = field(default_factory=dict)
    length: int = 0

    def note(self, warning: str) -> None:
        self.notes[warning] = None


# What zipfile, lxml (a SyntaxError) and python-docx raise over damaged files.
_DAMAGE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    SyntaxError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    NotImplementedError,
    EOFError,
    OSError,
)


def read(data: bytes) -> Document:
    """The visible text of a DOCX. Raises a DocumentRefusedError."""
    try:
        _guard(data)
        return _read(_opened(data))
    except _DAMAGE as error:
        raise BrokenDocumentError from error


def _read(document: Docx) -> Document:
    body = document.element.body
    pages = 1 + sum(1 for _ in _page_breaks(body))
    if pages > MAX_PAGES:
        raise DocumentTooLargeError
    reader = _Reader(_styles(document))
    lines = _margin(document, reader, "header") + list(_blocks(body, reader))
    lines += [line for line in _margin(document, reader, "footer") if line not in lines]
    text = "\n".join(lines)
    return Document(text + _links(document, text), tuple(reader.notes), pages)


# Opening without trust


def _guard(data: bytes) -> None:
    """Refuse archives that unpack too far, carry entities, or are no Word document; nothing is unpacked whole."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        _guard_members(archive.infolist())
        markup = [member for member in archive.infolist() if member.filename.endswith((".xml", ".rels"))]
        if sum(member.file_size for member in markup) > _MAX_MARKUP:
            raise DocumentTooLargeError
        for member in markup:
            _guard_part(archive, member)


def _guard_members(members: list[zipfile.ZipInfo]) -> None:
    if len(members) > _MAX_MEMBERS or sum(member.file_size for member in members) > _MAX_UNPACKED:
        raise DocumentTooLargeError
    if any(_is_bomb(member) for member in members):
        raise DocumentTooLargeError
    if not any(member.filename == "word/document.xml" for member in members):
        names = [member.filename for member in members]
        if "[Content_Types].xml" in names or not names:
            raise WrongKindError("This is an Office file but not a Word document. Save it as PDF or DOCX.")
        raise WrongKindError("This is a ZIP archive, not a Word document. Save it as PDF or DOCX.")


def _is_bomb(member: zipfile.ZipInfo) -> bool:
    stretched = member.file_size > (1 << 20) and member.file_size > _MAX_RATIO * max(member.compress_size, 1)
    return member.file_size > _MAX_PART or stretched


def _guard_part(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Office files never declare entities; one that does wants to multiply or to read our disk.

    UTF-16, in which a declaration could hide from this check, is no word processor's choice either.
    """
    if member.flag_bits & _UNDER_PASSWORD:
        raise EncryptedDocumentError
    part = archive.read(member)
    if b"\x00" in part[:4] or _DOCTYPE.search(part):
        raise BrokenDocumentError


def _opened(data: bytes) -> Docx:
    import docx  # loaded with the first DOCX
    from docx.opc.exceptions import OpcError

    try:
        return docx.Document(io.BytesIO(data))
    except OpcError as error:
        raise BrokenDocumentError from error


def _page_breaks(body: Element) -> Iterator[Element]:
    """Where Word last broke a page, and breaks set by hand if Word never laid the document out."""
    rendered = list(body.iter(f"{_W}lastRenderedPageBreak"))
    yield from rendered or (item for item in body.iter(f"{_W}br") if item.get(f"{_W}type") == "page")


# Looks


def _styles(document: Docx) -> dict[str, _Look]:
    """Every style's look with what it is based on; Word's default under all."""
    root = document.styles.element
    own = {style.get(f"{_W}styleId"): style for style in root.iter(f"{_W}style")}
    looks: dict[str, _Look] = {}
    for name in own:
        chain, at = [], name
        while at in own and at not in chain:
            chain.append(at)
            at = _value(own[at], "basedOn") or ""
        look = _Look()
        for ancestor in reversed(chain):
            look = _own_look(own[ancestor]).over(look)
        looks[name] = look
    return looks


def _own_look(holder: Element) -> _Look:
    """The look a run, paragraph or style states itself."""
    run, paragraph = holder.find(f"{_W}rPr"), holder.find(f"{_W}pPr")
    listed = None if paragraph is None else _listed(paragraph)
    if run is None:
        return _Look(listed=listed)
    return _Look(_switch(run, "vanish"), _value(run, "color"), _number(_value(run, "sz")), listed)


def _listed(properties: Element) -> bool | None:
    numbering = properties.find(f"{_W}numPr")
    return None if numbering is None else _value(numbering, "numId") != "0"


def _switch(properties: Element, name: str) -> bool | None:
    item = properties.find(f"{_W}{name}")
    return None if item is None else item.get(f"{_W}val") not in ("0", "false", "off")


def _value(holder: Element, name: str) -> str | None:
    item = holder.find(f"{_W}{name}")
    return None if item is None else item.get(f"{_W}val")


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None


def _is_hidden(look: _Look, *, shaded: bool) -> bool:
    return (
        bool(look.vanish)
        or (look.size is not None and look.size < _LEAST_SIZE)
        or (not shaded and look.colour is not None and _is_light(look.colour))
    )


def _is_light(colour: str) -> bool:
    if not re.fullmatch("[0-9A-Fa-f]{6}", colour):
        return False
    return all(int(colour[at : at + 2], 16) >= _LIGHT for at in (0, 2, 4))


def _is_shaded(element: Element) -> bool:
    """Whether a dark ground lies behind: white letters on it are seen."""
    for holder in (element, *element.iterancestors(f"{_W}p", f"{_W}tc", f"{_W}tbl")):
        for properties in ("rPr", "pPr", "tcPr", "tblPr"):
            shading = holder.find(f"{_W}{properties}/{_W}shd")
            fill = None if shading is None else shading.get(f"{_W}fill")
            if fill and fill != "auto":
                return not _is_light(fill)
        if holder.find(f"{_W}rPr/{_W}highlight") is not None:
            return True
    # A text box may have a fill of its own; its ground is not known here, so its letters count as seen.
    return next(element.iterancestors(f"{_W}txbxContent"), None) is not None


# Blocks


def _blocks(holder: Element, reader: _Reader) -> Iterator[str]:
    """Lines of the paragraphs and tables in `holder`, in order."""
    for child in holder:
        if child.tag == f"{_W}p":
            yield from _paragraph(child, reader)
        elif child.tag == f"{_W}tbl":
            yield from _table(child, reader)
        elif child.tag in (f"{_W}sdt", f"{_W}sdtContent", f"{_W}ins", f"{_W}moveTo", f"{_W}customXml"):
            yield from _blocks(child, reader)


def _paragraph(paragraph: Element, reader: _Reader) -> Iterator[str]:
    properties = paragraph.find(f"{_W}pPr")
    style = "" if properties is None else _value(properties, "pStyle") or ""
    base = reader.styles.get(style, _Look())
    listed = None if properties is None else _listed(properties)
    boxes: list[Element] = []
    text = "".join(_inline(paragraph, base, reader, boxes))
    reader.length += len(text)
    if reader.length > MAX_CHARACTERS:
        raise DocumentTooLargeError
    bulleted = (base.listed if listed is None else listed) and not style.startswith("Heading")
    yield (BULLET + text.lstrip()) if bulleted and text.strip() else text
    for box in boxes:
        reader.note("text_boxes")
        yield from _blocks(box, reader)


def _inline(holder: Element, base: _Look, reader: _Reader, boxes: list[Element]) -> Iterator[str]:
    for child in holder:
        if child.tag == f"{_W}r":
            yield _run(child, base, reader, boxes)
        elif child.tag in _INLINE_HOLDERS:
            yield from _inline(child, base, reader, boxes)


_INLINE_HOLDERS: Final = frozenset(
    _W + name
    for name in ("hyperlink", "ins", "moveTo", "smartTag", "sdt", "sdtContent", "fldSimple", "customXml", "dir")
)
_WRITTEN: Final = {
    f"{_W}tab": "\t",
    f"{_W}br": "\n",
    f"{_W}cr": "\n",
    f"{_W}noBreakHyphen": "-",
}


def _run(run: Element, base: _Look, reader: _Reader, boxes: list[Element]) -> str:
    style = run.find(f"{_W}rPr/{_W}rStyle")
    named = reader.styles.get(style.get(f"{_W}val"), _Look()) if style is not None else _Look()
    look = _own_look(run).over(named.over(base))
    text = "".join(_run_text(run, boxes, reader))
    if text.strip() and _is_hidden(look, shaded=_is_shaded(run)):
        reader.note(HIDDEN_TEXT_REMOVED)
        return ""
    return text


def _run_text(run: Element, boxes: list[Element], reader: _Reader) -> Iterator[str]:
    for child in run:
        if child.tag == f"{_W}t":
            yield child.text or ""
        elif child.tag in _WRITTEN:
            yield _WRITTEN[child.tag]
        elif child.tag in (f"{_W}drawing", f"{_W}pict"):
            _add_boxes(child, boxes, reader)
        elif child.tag == f"{_MC}AlternateContent":
            chosen = child.find(f"{_MC}Choice")  # the fallback repeats the same text for older readers
            for drawing in () if chosen is None else chosen:
                _add_boxes(drawing, boxes, reader)


def _add_boxes(drawing: Element, boxes: list[Element], reader: _Reader) -> None:
    found = list(drawing.iter(f"{_W}txbxContent"))
    boxes.extend(box for box in found if not any(other is not box and other in box.iterancestors() for other in found))
    if not found:
        reader.note("images")


# Tables


def _table(table: Element, reader: _Reader) -> Iterator[str]:
    for row in table.iter(f"{_W}tr"):
        if next(row.iterancestors(f"{_W}tbl")) is not table:
            continue  # belongs to a table inside a cell, which that cell reads
        cells = [cell for cell in _cells(row, reader) if cell]
        if any(len(cell) > _BLOCK_LINES for cell in cells):
            if len(cells) > 1:
                reader.note("columns")
            for cell in cells:
                yield ""
                yield from cell
        elif cells:
            if len(cells) > 1:
                reader.note("tables")
            yield " | ".join(" ".join(line.strip() for line in cell) for cell in cells)
    yield ""


def _cells(row: Element, reader: _Reader) -> Iterator[list[str]]:
    for cell in row.iter(f"{_W}tc"):
        if next(cell.iterancestors(f"{_W}tr")) is row and not _is_continued(cell):
            yield [line for line in _blocks(cell, reader) if line.strip()]


def _is_continued(cell: Element) -> bool:
    """Whether the cell is the lower part of one merged downwards, which repeats nothing."""
    merge = cell.find(f"{_W}tcPr/{_W}vMerge")
    return merge is not None and merge.get(f"{_W}val") != "restart"


# Headers, footers and links


def _margin(document: Docx, reader: _Reader, kind: str) -> list[str]:
    """The lines of all headers or footers, each once, page numbers left out."""
    lines: dict[str, None] = {}
    for relation in _relations(document):
        if not relation.is_external and relation.reltype.endswith(f"/{kind}"):
            for line in _blocks(relation.target_part.element, reader):
                if line.strip() and not _PAGE_NUMBER.fullmatch(line.strip()):
                    lines[line] = None
    if lines:
        reader.note("header_text")
    return list(lines)


def _relations(document: Docx) -> Iterable[Docx]:
    return (relation for _, relation in sorted(document.part.rels.items()))


def _links(document: Docx, text: str) -> str:
    """Addresses behind words, where they are not written out."""
    used = {item.get(f"{_R}id") for item in document.element.body.iter(f"{_W}hyperlink")}
    targets = (rel.target_ref for name, rel in sorted(document.part.rels.items()) if name in used and rel.is_external)
    links = [item for item in targets if re.fullmatch("(?:https?://|mailto:)[!-~]{3,200}", item)]
    unique = [link for link in dict.fromkeys(links) if link.removeprefix("mailto:") not in text][:_MAX_LINKS]
    return "\n\nLinks:\n" + "\n".join(f"{BULLET}{link}" for link in unique) if unique else ""
