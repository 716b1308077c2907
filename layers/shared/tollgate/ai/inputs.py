"""What people hand to AI tasks, read and bounded: a resume as text, file or JSON Resume, a job's text, a few words."""

import base64
import binascii
import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, StringConstraints

from tollgate.errors import InvalidRequest, PayloadTooLarge
from tollgate.resumes.documents import DocumentRefusedError, DocumentTooLargeError, extract
from tollgate.resumes.personal import redacted
from tollgate.resumes.rendering import as_text
from tollgate.resumes.schema import Resume
from tollgate.resumes.text import CleanText, clean

LONGEST_RESUME: Final = 50_000  # characters
LONGEST_JOB: Final = 20_000  # characters
LARGEST_FILE: Final = 5 * 1024 * 1024  # bytes, decoded
LARGEST_TEXTS: Final = 1024 * 1024  # bytes of a body of both texts, each character escaped as JSON may escape it
LARGEST_UPLOAD: Final = 8 * 1024 * 1024  # bytes of a body that holds the largest file in base64

_CONTACT: Final = re.compile(
    r"[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+"  # e-mail
    r"|(?:https?://|www\.)\S+|\b(?:[a-z]{2,3}\.)?(?:linkedin|github|gitlab)\.com/\S+"
    r"|\+\d[\d ()-]{7,16}\d|(?<![\d.,])0?[6-9]\d{4}[ -]?\d{5}(?![\d.,]\d|\d)"  # telephone, an Indian mobile
    r"|\(\d{2,5}\)[ -]?\d{3,4}[ -]?\d{3,4}(?!\d)|(?<![\d.,])\d{3}([-. ])\d{3}\1\d{4}(?!\d)",  # as in America
    re.IGNORECASE,
)
_ENDLESS_WORD: Final = re.compile(r"\S{200}")
_LABELS: Final = re.compile(
    r"[\s|,;:·•/()-]|\b(?:e-?mail|phone|mobile|tel|contact|linkedin|github|website)\b", re.IGNORECASE
)


def _one_line(value: str) -> str:
    return " ".join(clean(value).text.split())


type FewWords = Annotated[str, StringConstraints(max_length=200), AfterValidator(_one_line)]
"""A role, a company, a section's name: one line; empty says nothing."""

type Tone = Annotated[
    Literal[
        "professional",
        "friendly",
        "confident",
        "concise",
        "enthusiastic",
        "formal",
        "casual",
        "persuasive",
        "warm",
        "neutral",
    ],
    BeforeValidator(lambda value: value.strip().lower() if isinstance(value, str) else value),
]
"""How to sound. A closed set, so that no text of a user becomes an order."""


def resume_text(resume: Resume | str, field: str = "resume") -> CleanText:
    """The resume as cleaned text. PayloadTooLarge beyond 50,000 characters, InvalidRequest if nothing is left."""
    return plain_text(resume if isinstance(resume, str) else as_text(resume), field)


def plain_text(given: str, field: str) -> CleanText:
    """Pasted text without what no reader sees. Raises like `resume_text`."""
    _check_length(given, LONGEST_RESUME, f"The {field}")
    return _cleaned(given, field)


def job_text(given: str) -> str:
    """A job description, cleaned. PayloadTooLarge beyond 20,000 characters, InvalidRequest if nothing is left."""
    _check_length(given, LONGEST_JOB, "The jobDescription")
    return _cleaned(given, "jobDescription").text


def file_text(encoded: str, kind: Literal["pdf", "docx"]) -> CleanText:
    """The text of a file sent in base64. PayloadTooLarge beyond 5 MB, InvalidRequest if it cannot be read."""
    if 3 * len(encoded) // 4 - encoded[-2:].count("=") > LARGEST_FILE:
        raise PayloadTooLarge("The file may have at most 5 MB.", limit=LARGEST_FILE)
    try:
        document = extract(base64.b64decode(encoded, validate=True), kind)
    except (binascii.Error, ValueError) as error:
        raise InvalidRequest(
            "The file is not valid base64.", errors=[{"field": "file", "message": "not base64"}]
        ) from error
    except DocumentTooLargeError as error:
        raise PayloadTooLarge(str(error)) from error
    except DocumentRefusedError as error:
        raise InvalidRequest(str(error), errors=[{"field": "file", "message": error.code}]) from error
    _check_length(document.text, LONGEST_RESUME, "The text of the file")
    return CleanText(breakable(document.text), document.warnings)


def breakable(text: str) -> str:
    """The text with a space in every run of 200: no word is that long, and to search one may cost its length squared."""
    return _ENDLESS_WORD.sub(r"\g<0> ", text)


def for_model(text: str, field: str = "resume") -> str:
    """The text as a task sends it that needs neither contact nor private data. InvalidRequest if nothing else is there."""
    return _not_empty(impersonal(text), field)


def without_private(given: CleanText, field: str) -> CleanText:
    """The text with its contact data and without private facts, and a warning that names their kinds. Raises likewise."""
    kept = redacted(given.text)
    return CleanText(_not_empty(kept.text, field), (*given.warnings, *kept.warnings))


def _not_empty(text: str, field: str) -> str:
    if not text.strip():
        errors = [{"field": field, "message": "holds nothing to work on"}]
        raise InvalidRequest("The text holds nothing but personal details.", errors=errors)
    return text


def impersonal(text: str) -> str:
    """The text without ways to reach the person and without what `tollgate.resumes.personal` finds."""
    return without_contact(redacted(text).text)


def without_contact(text: str) -> str:
    """The text without e-mail, telephone and links."""
    lines = ((line, _CONTACT.sub("", line)) for line in text.splitlines())
    return "\n".join(rest for line, rest in lines if rest == line or _LABELS.sub("", rest)).strip()


def given(**named: str | None) -> dict[str, str]:
    """The data of a task by label, without what was not given: `target_role` becomes TARGET ROLE."""
    return {name.upper().replace("_", " "): text for name, text in named.items() if text}


def _cleaned(text: str, field: str) -> CleanText:
    cleaned = clean(breakable(text))
    if not cleaned.text:
        raise InvalidRequest("The text is empty.", errors=[{"field": field, "message": "holds nothing to read"}])
    return cleaned


def _check_length(text: str, most: int, what: str) -> None:
    if len(text) > most:
        raise PayloadTooLarge(f"{what} may have at most {most:,} characters.", limit=most)
