"""POST /api/ai/job-match: how well a resume answers a job, and what to change. Costs one job match."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, BeforeValidator, ConfigDict

from tollgate import calendar
from tollgate.ai import inputs, mix, outputs
from tollgate.ai.metered import Task, ask
from tollgate.app import build_ai
from tollgate.http.api import Access, Api, entrypoint
from tollgate.http.bodies import Body
from tollgate.http.idempotency import replayable
from tollgate.metering import Action
from tollgate.resumes import matching, phrases
from tollgate.resumes.matching import Match, Suggestion
from tollgate.resumes.schema import ResumeOrText

MOST: Final = 12
GENERAL: Final = 0  # the number of a suggestion about no finding
MOST_WORDS: Final = 20  # of a job in which nothing is found to be asked for
LONGEST_QUOTE: Final = 90  # characters


class Wording(BaseModel):
    """A finding in words for this person."""

    model_config = ConfigDict(strict=True)

    number: int
    text: outputs.Sentence


class Worded(BaseModel):
    """What the model answers. It has no say in score, matched and missing."""

    model_config = ConfigDict(strict=True)

    suggestions: Annotated[list[Wording], BeforeValidator(outputs.at_most(2 * MOST))]


TASK = Task(
    action=Action.JOB_MATCH,
    instructions=(
        "A resume was compared with a job by fixed rules; FINDINGS holds the numbered results. Say for each finding, in one or "
        "two sentences to the person, what to change in the line it names, in the language of the resume. Never tell the "
        "person to claim what RESUME does not show: say 'if you have done this'. `number` is the finding's; number 0 is for "
        "at most two suggestions of your own about how RESUME answers JOB. Give no score."
    ),
    answer=Worded,
    max_output_tokens=800,
    affinity=mix.PACED,
)


class MatchRequest(Body):
    """The resume and the job."""

    resume: ResumeOrText
    job_description: str


app = Api(Access.USER, largest_body=inputs.LARGEST_TEXTS)


@app.post("/api/ai/job-match", middlewares=[replayable])
def match() -> Response[dict[str, Any]]:
    body = app.body(MatchRequest)
    resume, job = inputs.resume_text(body.resume).text, inputs.job_text(body.job_description)
    found = matching.match(resume, job, today=calendar.india(app.now).date()) or by_words(resume, job)
    findings = "\n".join(f"{number}: {_told(each)}" for number, each in enumerate(found.suggestions, 1))
    data = inputs.given(resume=inputs.for_model(resume), job=job, findings=inputs.impersonal(findings))
    answer = ask(app, TASK, data)
    return answer.reply(
        {
            "score": found.score,
            "matched": list(found.matched),
            "missing": list(found.missing),
            "suggestions": suggestions(found, answer.output.suggestions, f"{resume}\n{job}"),
        }
    )


def _told(suggestion: Suggestion) -> str:
    about = f' (line: "{suggestion.line}")' if suggestion.line else ""
    return f"{suggestion.advice}{about}"


def suggestions(found: Match, worded: Sequence[Wording], source: str) -> list[str]:
    """One suggestion a finding, with the line it is about: in the model's words, or in our own where it gave none."""
    words = {each.number: outputs.without_addresses(each.text, source) for each in reversed(worded)}
    of_findings = [
        _quoted(each.line) + (words.get(number) or each.advice) for number, each in enumerate(found.suggestions, 1)
    ]
    general = [outputs.without_addresses(each.text, source) for each in worded if each.number == GENERAL][:2]
    return [text for text in dict.fromkeys([*of_findings, *general]) if text][:MOST]


def _quoted(line: str | None) -> str:
    if not line:
        return ""
    short = line if len(line) <= LONGEST_QUOTE else line[:LONGEST_QUOTE].rpartition(" ")[0] + " …"
    return f"“{short.removeprefix('- ')}”: "


def by_words(resume: str, job: str) -> Match:
    """A job in which no requirement is found, compared word by word: what share of its words the resume uses."""
    used, said_by_all = _words(resume), phrases.SMALL_WORDS | phrases.FILLERS
    wanted = [word for word in _words(job) if word not in said_by_all and not word.isdigit()][:MOST_WORDS]
    matched = tuple(word for word in wanted if word in used)
    missing = tuple(word for word in wanted if word not in used)
    return Match(100 * len(matched) // max(len(wanted), 1), matched, missing, ())


def _words(text: str) -> dict[str, None]:
    """The different words, in their order. Split at spaces: in Indian scripts vowel signs are no letters."""
    stripped = (word.strip(".,;:!?()[]{}\"'“”’*/•·-–—।|") for word in text.casefold().split())
    return dict.fromkeys(word for word in stripped if len(word) > 1)


handler = entrypoint(app, build_ai)
