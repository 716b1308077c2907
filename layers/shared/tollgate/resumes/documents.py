"""Text out of the files people upload: PDF and DOCX, read as a person would read them.

The readers behind this door load their libraries on first use. One document is read at a time: pdfium is not
thread-safe, and a Lambda serves one request at a time.
"""

from dataclasses import dataclass
from typing import ClassVar, Final, Literal

from tollgate.resumes.text import clean

type Kind = Literal["pdf", "docx"]

MAX_PAGES: Final = 30
MAX_CHARACTERS: Final = 100_000  # twice what is taken of a resume: cleaning leaves out some
_LEAST_TEXT: Final = 20  # characters; a page number alone is no resume


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says: lines of plain text in reading order, what was noticed on the way, and its page count.

    Warnings: `hidden_text_removed`, `invisible_characters_removed`, `scanned_text_layer` (the words come from text
    recognition), `pages_without_text`, and the layout notes `columns`, `tables`, `text_boxes`, `header_text`, `images`.
    """

    text: str
    warnings: tuple[str, ...]
    pages: int


class DocumentRefusedError(Exception):
    """A file that cannot be read as a resume; `code` is stable, the text is for the person who sent it."""

    code: ClassVar[str] = "document_refused"
    message: ClassVar[str] = "This file cannot be read."

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.message)


class BrokenDocumentError(DocumentRefusedError):
    """The bytes are damaged or cut short."""

    code = "document_broken"
    message = "This file is damaged or incomplete. Export it again and send the new file."


class EncryptedDocumentError(DocumentRefusedError):
    """A password stands between us and the text."""

    code = "document_encrypted"
    message = "This file is protected by a password. Save a copy without a password and send that."


class NoTextError(DocumentRefusedError):
    """A scan or a photograph: there are no letters to read."""

    code = "document_without_text"
    message = "This file holds no readable text; it may be a scan. Send one exported from an editor, or paste the text."


class DocumentTooLargeError(DocumentRefusedError):
    """More pages, text or unpacked data than any resume has."""

    code = "document_too_large"
    message = (
        f"This file holds more than a resume does: at most {MAX_PAGES} pages and {MAX_CHARACTERS:,} characters are read. "
        "Export it anew as a plain PDF, or paste the text."
    )


class WrongKindError(DocumentRefusedError):
    """The bytes are not the kind of file they were announced as."""

    code = "document_wrong_kind"
    message = "This file is not what it was sent as. Send a PDF or a DOCX."


def extract(data: bytes, kind: Kind) -> Document:
    """The text of a PDF or DOCX in reading order, hidden text left out.

    Raises a DocumentRefusedError: wrong kind, broken, encrypted, too large, or without text.
    """
    found = _kind_of(data)
    if found != kind:
        raise WrongKindError(_mismatch(found, kind))
    raw = _read_pdf(data) if kind == "pdf" else _read_docx(data)
    cleaned = clean(raw.text)
    if len(cleaned.text) < _LEAST_TEXT:
        raise NoTextError
    return Document(cleaned.text, tuple(dict.fromkeys(raw.warnings + cleaned.warnings)), raw.pages)


def _read_pdf(data: bytes) -> Document:
    from tollgate.resumes import pdf  # noqa: PLC0415 -- a DOCX need not load the PDF reader

    return pdf.read(data)


def _read_docx(data: bytes) -> Document:
    from tollgate.resumes import word  # noqa: PLC0415 -- a PDF need not load the DOCX reader

    return word.read(data)


def _kind_of(data: bytes) -> str:
    """What the first bytes say; `office` is Word's old or encrypted container, raises if the latter."""
    if b"%PDF-" in data[:1024]:
        return "pdf"
    if data.startswith(b"PK\x03\x04"):
        return "docx"
    if data.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise EncryptedDocumentError
        return "an old Word document (.doc)"
    return "something else"


def _mismatch(found: str, kind: Kind) -> str:
    if found in ("pdf", "docx"):
        return f"This file was sent as {kind.upper()} but is a {found.upper()}."
    return f"This file was sent as {kind.upper()} but is {found}. Save it as PDF or DOCX and send that."
