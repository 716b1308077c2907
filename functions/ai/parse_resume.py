"""POST /api/ai/parse-resume: a resume as text, PDF or DOCX, made into JSON Resume. Costs one resume."""

from __future__ import annotations

from typing import Any, Literal, Self

from aws_lambda_powertools.event_handler import Response
from pydantic import ModelWrapValidatorHandler, ValidationError, model_validator

from tollgate.ai import inputs
from tollgate.ai.metered import Task, ask
from tollgate.app import build_ai
from tollgate.http.api import Access, Api, entrypoint
from tollgate.http.bodies import Body
from tollgate.http.idempotency import replayable
from tollgate.metering import Action
from tollgate.resumes.grounding import ground
from tollgate.resumes.schema import Resume, tolerant
from tollgate.resumes.text import CleanText


class ParsedResume(Resume):
    """What the model answers. One that leaves out what it did not find means null, and is not asked again for it."""

    @model_validator(mode="wrap")
    @classmethod
    def _complete(cls, value: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(value)
        except ValidationError:
            if not isinstance(value, dict) or "basics" not in value:
                raise
        return handler(tolerant(value))


TASK = Task(
    action=Action.PARSE_RESUME,
    instructions=(
        "You read resumes and write them down in the JSON Resume schema. Copy names, employers, dates and figures as they "
        "stand; do not translate, improve or invent. Dates are YYYY, YYYY-MM or YYYY-MM-DD; a job that goes on has no end "
        "date. What the resume does not say is null or an empty list."
    ),
    answer=ParsedResume,
    max_output_tokens=4_000,
)


class ParseRequest(Body):
    """The resume: its text, or a file in base64 with its kind."""

    text: str | None = None
    file: str | None = None
    content_type: Literal["pdf", "docx"] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> ParseRequest:
        if (self.text is None) == (self.file is None):
            raise ValueError("send either text, or file with contentType")
        if self.file is not None and self.content_type is None:
            raise ValueError("say with contentType whether file is pdf or docx")
        return self


app = Api(Access.USER, largest_body=inputs.LARGEST_UPLOAD)


@app.post("/api/ai/parse-resume", middlewares=[replayable])
def parse_resume() -> Response[dict[str, Any]]:
    given = _read(app.body(ParseRequest))
    answer = ask(app, TASK, {"RESUME": given.text})
    resume, invented = ground(answer.output, given.text)
    return answer.reply({"resume": resume.model_dump(mode="json"), "warnings": [*given.warnings, *invented]})


def _read(request: ParseRequest) -> CleanText:
    """The text without private facts for which JSON Resume has no place; it has one for how to reach the person."""
    if request.file is not None and request.content_type is not None:
        return inputs.without_private(inputs.file_text(request.file, request.content_type), "file")
    return inputs.without_private(inputs.plain_text(request.text or "", "text"), "text")


handler = entrypoint(app, build_ai)
