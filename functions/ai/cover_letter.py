"""POST /api/ai/cover-letter: a letter from a resume to a job. Costs one cover letter."""

from __future__ import annotations

from typing import Annotated, Any, Final

from aws_lambda_powertools.event_handler import Response
from pydantic import AfterValidator, BaseModel, ConfigDict

from tollgate.ai import inputs, mix, outputs
from tollgate.ai.metered import Task, ask
from tollgate.app import build_ai
from tollgate.http.api import Access, Api, entrypoint
from tollgate.http.bodies import Body
from tollgate.http.idempotency import replayable
from tollgate.metering import Action
from tollgate.resumes.schema import ResumeOrText

SHORTEST: Final = 120  # characters; less is no letter, and another model is asked


def _is_letter(text: str) -> str:
    if len(text) < SHORTEST:
        raise ValueError("no letter")
    return text


class Written(BaseModel):
    """What the model answers."""

    model_config = ConfigDict(strict=True)

    letter: Annotated[outputs.Letter, AfterValidator(_is_letter)]


TASK = Task(
    action=Action.COVER_LETTER,
    instructions=(
        "You write the cover letter of the person in RESUME for the job in JOB, to COMPANY where it is named: plain text of "
        "180 to 300 words in the language of the job, greeting first, then why this job, then the two or three facts of the "
        "resume that answer what the job asks for, then a short close and the person's name. TONE says how it should sound. "
        "Every fact about the person stands in RESUME; claim no skill, figure, employer or motive that does not. No "
        "addresses, no placeholders in brackets, no list, no markup."
    ),
    answer=Written,
    max_output_tokens=700,
    affinity=mix.ALWAYS,
)


class LetterRequest(Body):
    """The resume and the job; how the letter should sound and whom it goes to."""

    resume: ResumeOrText
    job_description: str
    tone: inputs.Tone | None = None
    company: inputs.FewWords | None = None


app = Api(Access.USER, largest_body=inputs.LARGEST_TEXTS)


@app.post("/api/ai/cover-letter", middlewares=[replayable])
def write_letter() -> Response[dict[str, Any]]:
    body = app.body(LetterRequest)
    resume, job = inputs.resume_text(body.resume).text, inputs.job_text(body.job_description)
    about = inputs.given(company=body.company, tone=body.tone)
    answer = ask(app, TASK, {"RESUME": inputs.for_model(resume), "JOB": job, **about})
    source = "\n".join((resume, job, body.company or ""))
    letter = answer.output.letter
    warnings = outputs.warnings("letter", outputs.unsupported(letter, source))
    return answer.reply({"letter": outputs.without_addresses(letter, source), "warnings": warnings})


handler = entrypoint(app, build_ai)
