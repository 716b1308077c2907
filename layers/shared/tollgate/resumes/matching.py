"""A resume against a job: what is met, what is not, and which line of the resume to change. No model takes part."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from tollgate.resumes import ats, job
from tollgate.resumes.evidence import Evidence
from tollgate.resumes.text import BULLET

_MAX_SUGGESTIONS: Final = 10


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Something to change: the line of the resume it is about (None: a new one), and what to do."""

    term: str
    line: str | None
    advice: str


@dataclass(frozen=True, slots=True)
class Match:
    """How well a resume answers a job: 0 to 100, requirements by the job's own words, and what to change."""

    score: int
    matched: tuple[str, ...]
    missing: tuple[str, ...]
    suggestions: tuple[Suggestion, ...]
    version: str = ats.VERSION


def match(text: str, job_text: str, *, today: date | None = None) -> Match | None:
    """The resume's clean text against a job description; None if that names no requirement we know.

    The score is that of the three rules about the job in the ATS score, out of 100.
    """
    case = ats.case_of(text, job_text, today=today)
    if case.wanted is None:
        return None
    rules = ats.about_job(case)
    points, weight = sum(rule.points for rule in rules), sum(rule.weight for rule in rules)
    ordered = sorted(case.evidence, key=lambda item: not item.term.must)
    statements = case.outline.statements
    named = job.mentions(statements)
    return Match(
        (points * 200 + weight) // (2 * weight),
        tuple(item.met.printed for item in ordered if item.found),
        tuple(item.term.label for item in ordered if not item.found),
        tuple(filter(None, (_suggestion(item, statements, named) for item in ordered)))[:_MAX_SUGGESTIONS],
    )


def _suggestion(item: Evidence, statements: list[str], named: list[job.Mention]) -> Suggestion | None:
    wanted = item.term.label
    if not item.found:
        line = _related(item.term, statements, named)
        where = (
            "If it was part of this work, say so here" if line else "If you have it, add it with what you did with it"
        )
        return Suggestion(wanted, line, f"The job {'asks for' if item.term.must else 'welcomes'} {wanted}. {where}.")
    if item.renamed:
        return Suggestion(
            item.met.printed, item.line, f"Write {item.met.printed}, as the job does, beside {item.said}."
        )
    if not item.shown:
        advice = f"{item.met.printed} is only listed. Add a bullet that shows where you used it."
        return Suggestion(item.met.printed, _plain(item.line), advice)
    return None


def _plain(line: str) -> str:
    return line.removeprefix(BULLET)


def _related(term: job.Term, statements: list[str], named: list[job.Mention]) -> str | None:
    """The statement that speaks of most things from the same trade; None if none does. `named` is what they mention."""
    if not term.field:
        return None
    near = [mention.line for mention in named if mention.field == term.field]
    return statements[max(set(near), key=lambda line: (near.count(line), -line))] if near else None
