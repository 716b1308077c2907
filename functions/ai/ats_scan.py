"""POST /api/ai/ats-scan: how a resume does with screening software, rule by rule, with advice. Costs one ATS scan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final, Literal

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, ConfigDict, model_validator

from tollgate import calendar
from tollgate.ai import inputs, mix, outputs
from tollgate.ai.metered import Task, ask
from tollgate.app import build_ai
from tollgate.http.api import Access, Api, entrypoint
from tollgate.http.bodies import Body
from tollgate.http.idempotency import replayable
from tollgate.metering import Action
from tollgate.resumes import ats
from tollgate.resumes.ats import RuleResult, Score
from tollgate.resumes.schema import ResumeOrText
from tollgate.resumes.text import CleanText

MOST_ADVICE: Final = 8


class Advice(BaseModel):
    """What the model answers. It has no say in the score."""

    model_config = ConfigDict(strict=True)

    advice: outputs.Sentences


TASK = Task(
    action=Action.ATS_SCAN,
    instructions=(
        "A resume was scored by fixed rules; FINDINGS holds what they found and how many points each rule gave. Advise the "
        "person in three to six sentences, the one that gains most first, in the language of the resume: each names a line or "
        "section of RESUME and what to change in it, for JOB where it is given. Never tell the person to claim what RESUME "
        "does not show. Give no score and do not judge the rules."
    ),
    answer=Advice,
    max_output_tokens=800,
    affinity=mix.LAST,
)


class ScanRequest(Body):
    """The resume as JSON Resume, text or file, and the job it is meant for."""

    resume: ResumeOrText | None = None
    text: str | None = None
    file: str | None = None
    content_type: Literal["pdf", "docx"] | None = None
    job_description: str | None = None

    @model_validator(mode="after")
    def _one_of_three(self) -> ScanRequest:
        if sum(each is not None for each in (self.resume, self.text, self.file)) != 1:
            raise ValueError("send one of resume, text, or file with contentType")
        if self.file is not None and self.content_type is None:
            raise ValueError("say with contentType whether file is pdf or docx")
        return self


app = Api(Access.USER, largest_body=inputs.LARGEST_UPLOAD)


@app.post("/api/ai/ats-scan", middlewares=[replayable])
def scan() -> Response[dict[str, Any]]:
    body = app.body(ScanRequest)
    given = _read(body)
    job = inputs.job_text(body.job_description) if body.job_description and body.job_description.strip() else None
    score = ats.scan(given.text, job, layout=given.warnings, today=calendar.india(app.now).date())
    findings = "\n".join(_told(rule) for rule in score.rules)
    data = inputs.given(resume=inputs.for_model(given.text), job=job, findings=inputs.impersonal(findings))
    answer = ask(app, TASK, data)
    return answer.reply(
        {
            "score": score.score,
            "rules": [asdict(rule) for rule in score.rules],
            "advice": advice(score, answer.output.advice, f"{given.text}\n{job or ''}"),
            "warnings": list(given.warnings),
        }
    )


def _read(body: ScanRequest) -> CleanText:
    if body.file is not None and body.content_type is not None:
        return inputs.file_text(body.file, body.content_type)
    if body.text is not None:
        return inputs.plain_text(body.text, "text")
    return inputs.resume_text(body.resume or "")


def _told(rule: RuleResult) -> str:
    to_do = f" To do: {rule.advice}" if rule.advice else ""
    return f"{rule.label}: {rule.points} of {rule.weight} points. {rule.finding}{to_do}"


def advice(score: Score, worded: Sequence[str], source: str) -> list[str]:
    """The model's advice, or the rules' own where it gave none."""
    texts = [outputs.without_addresses(text, source).strip() for text in worded]
    return [text for text in texts if text] or list(score.advice[:MOST_ADVICE])


handler = entrypoint(app, build_ai)
