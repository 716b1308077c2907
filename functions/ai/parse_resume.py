"""POST /api/ai/parse-resume: a resume as text, PDF or DOCX, made into JSON Resume. Costs one resume."""

from __future__ import annotations

import base64
import binascii
from typing import Any, Literal

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, ConfigDict, model_validator

from tollgate.ai.metered import Task, ask
from tollgate.errors import InvalidRequest, PayloadTooLarge
from tollgate.http.api import Access, Api, entrypoint
from tollgate.metering import Action
from tollgate.resumes.documents import DocumentRefusedError, DocumentTooLargeError, extract
from tollgate.resumes.grounding import ground
from tollgate.resumes.schema import Resume
from tollgate.resumes.text import clean

LONGEST_TEXT = 50_000  # characters
LARGEST_FILE = 5 * 1024 * 1024  # bytes, decoded

TASK = Task(
    action=Action.PARSE_RESUME,
    instructions=(
        "You read resumes and write them down in the JSON Resume schema. Copy names, employers, dates and figures as they "
        "stand; do not translate, improve or invent. Dates are YYYY, YYYY-MM or YYYY-MM-DD; a job that goes on has no end "
        "date. What the resume does not say is null or an empty list."
    ),
    answer=Resume,
    max_output_tokens=4_000,
)


class ParseRequest(BaseModel):
    """The resume: its text, or a file in base64 with its kind."""

    model_config = ConfigDict(strict=True)

    text: str | None = None
    file: str | None = None
    contentType: Literal["pdf", "docx"] | None = None  # noqa: N815 -- the API's own name

    @model_validator(mode="after")
    def _one_of_both(self) -> ParseRequest:
        if (self.text is None) == (self.file is None):
            raise ValueError("send either text, or file with contentType")
        if self.file is not None and self.contentType is None:
            raise ValueError("say with contentType whether file is pdf or docx")
        return self


app = Api(Access.USER, largest_body=8 * 1024 * 1024)


@app.post("/api/ai/parse-resume")
def parse_resume() -> Response[dict[str, Any]]:
    text, warnings = _read(app.body(ParseRequest))
    answer = ask(app, TASK, {"RESUME": text})
    resume, invented = ground(answer.output, text)
    return answer.reply({"resume": resume.model_dump(mode="json"), "warnings": [*warnings, *invented]})


def _read(request: ParseRequest) -> tuple[str, tuple[str, ...]]:
    if request.file is not None and request.contentType is not None:
        return _read_file(request.file, request.contentType)
    given = request.text or ""
    _check_length(given)
    cleaned = clean(given)
    if not cleaned.text:
        raise InvalidRequest("The text is empty.", errors=[{"field": "text", "message": "holds nothing to read"}])
    return cleaned.text, cleaned.warnings


def _read_file(encoded: str, kind: Literal["pdf", "docx"]) -> tuple[str, tuple[str, ...]]:
    if len(encoded) * 3 // 4 > LARGEST_FILE + 2:
        raise PayloadTooLarge("The file may have at most 5 MB.", limit=LARGEST_FILE)
    try:
        document = extract(base64.b64decode(encoded, validate=True), kind)
    except binascii.Error as error:
        raise InvalidRequest(
            "The file is not valid base64.", errors=[{"field": "file", "message": "not base64"}]
        ) from error
    except DocumentTooLargeError as error:
        raise PayloadTooLarge(str(error)) from error
    except DocumentRefusedError as error:
        raise InvalidRequest(str(error), errors=[{"field": "file", "message": error.code}]) from error
    _check_length(document.text)
    return document.text, document.warnings


def _check_length(text: str) -> None:
    if len(text) > LONGEST_TEXT:
        raise PayloadTooLarge(f"A resume may have at most {LONGEST_TEXT:,} characters.", limit=LONGEST_TEXT)


handler = entrypoint(app)
