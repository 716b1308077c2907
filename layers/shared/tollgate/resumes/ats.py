"""A score a person can check: fixed rules over the resume's text, each with what was found and what to do.

No model takes part, so nothing written in a resume or a job description can argue for points. The same text, job and
day give the same score; the person's name and hidden text do not count.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from tollgate.resumes import craft, evidence, job, phrases, sections
from tollgate.resumes.evidence import WHOLE
from tollgate.resumes.judging import Case, Judgement
from tollgate.resumes.text import BULLET

VERSION: Final = "ats-2026.2"


@dataclass(frozen=True, slots=True)
class RuleResult:
    """One rule: `points` of `weight`, what was found, and what would bring the rest; no advice at full points."""

    id: str
    label: str
    weight: int
    points: int
    finding: str
    advice: str


@dataclass(frozen=True, slots=True)
class Score:
    """0 to 100, the sum of the rules' points; `version` names the rules that gave it."""

    score: int
    rules: tuple[RuleResult, ...]
    version: str = VERSION

    @property
    def advice(self) -> tuple[str, ...]:
        """What to do, the dearest first."""
        missed = sorted(self.rules, key=lambda rule: rule.points - rule.weight)
        return tuple(rule.advice for rule in missed if rule.advice)


def scan(text: str, job_text: str | None = None, *, layout: Iterable[str] = (), today: date | None = None) -> Score:
    """The score of a resume's clean text, against a job if one is given.

    `layout` are the warnings of the document it came from; `today` closes "to present". With a job that names
    requirements half of the points are its own; without one they all go to how the resume is made.
    """
    case = case_of(text, job_text, layout=layout, today=today)
    return _scored(case, _WEIGHTS_WITH_A_JOB if case.wanted else craft.WEIGHTS)


def case_of(text: str, job_text: str | None, *, layout: Iterable[str] = (), today: date | None = None) -> Case:
    """What the rules look at; `wanted` is None without a job, and with one that names no requirement."""
    outline = sections.outline(text)
    wanted = job.read(job_text) if job_text else None
    if wanted is None or job_text is None or not wanted.terms:
        return Case(text, outline, frozenset(layout), today)
    return Case(text, outline, frozenset(layout), today, wanted, evidence.weigh(outline, wanted, job_text))


def about_job(case: Case) -> tuple[RuleResult, ...]:
    """The rules that hold a resume against its job, with the weights that they have in the score."""
    return _scored(case, {rule: _WEIGHTS_WITH_A_JOB[rule] for rule in _JOB_RULES}).rules


def _scored(case: Case, weights: Mapping[str, int]) -> Score:
    rules = tuple(_result(rule, weight, _RULES[rule][1](case)) for rule, weight in weights.items())
    return Score(sum(rule.points for rule in rules), rules)


def _result(rule: str, weight: int, judged: Judgement) -> RuleResult:
    share = min(max(judged.share, 0), WHOLE)
    points = (weight * share + WHOLE // 2) // WHOLE
    return RuleResult(rule, _RULES[rule][0], weight, points, judged.finding, judged.advice if points < weight else "")


def _rescaled(weights: Mapping[str, int], total: int) -> dict[str, int]:
    """The weights in proportion, as whole numbers that sum to `total`: the largest remainders are rounded up."""
    whole = sum(weights.values())
    floors = {rule: weight * total // whole for rule, weight in weights.items()}
    by_remainder = sorted(weights, key=lambda rule: weights[rule] * total % whole, reverse=True)
    for rule in by_remainder[: total - sum(floors.values())]:
        floors[rule] += 1
    return floors


# Rules that need a job


def _keywords(case: Case) -> Judgement:
    weights = [(item.term.weight, item) for item in case.evidence]
    gained = sum(weight * item.credit for weight, item in weights)
    missing = [item.term.label for item in case.evidence if item.term.must and not item.found]
    renamed = [
        item for item in case.evidence if item.found and item.said.removesuffix("s") != item.term.said.removesuffix("s")
    ]
    found = sum(item.found for item in case.evidence)
    advice = f"If you have them, name: {', '.join(missing[:8])}." if missing else ""
    if not advice and renamed:
        advice = f"Use the job's own words: {renamed[0].met.printed} where you write {renamed[0].said}."
    finding = f"{found} of {len(case.evidence)} requirements are named"
    finding += f"; missing: {', '.join(missing[:8])}." if missing else "; none that is required is missing."
    nice = [item.term.label for item in case.evidence if not item.found]
    return Judgement(
        gained // max(1, sum(weight for weight, _ in weights)),
        finding,
        advice or f"Also wished for: {', '.join(nice[:8]) or 'nothing'}.",
    )


def _skills(case: Case) -> Judgement:
    # Of a trade that is not in our list everything the job asks for is taken for a skill.
    skills = [item for item in case.evidence if item.term.field] or list(case.evidence)
    listed_only = [item.term.label for item in skills if item.found and not item.shown]
    credit = sum(WHOLE if item.shown else 600 if item.found else 0 for item in skills)
    shown = sum(item.shown for item in skills)
    advice = f"Show in a bullet where you used: {', '.join(listed_only[:5])}." if listed_only else ""
    return Judgement(
        credit // len(skills),
        f"{shown} of {len(skills)} skills are shown in your work, {len(listed_only)} are only listed.",
        advice or "Show the skills that the job asks for in your bullets.",
    )


def _title(case: Case) -> Judgement:
    wanted = case.wanted
    if wanted is None:
        return Judgement(WHOLE, "No job.")
    posts = [line for line in case.outline.lines("summary", "experience") if not line.startswith(BULLET)]
    titles = [*case.outline.head, *posts]
    roles = job.role(wanted.title)
    wanted_words = set(phrases.stems(wanted.title))
    same_role = any(roles & job.role(line) if roles else wanted_words & set(phrases.stems(line)) for line in titles)
    levels = [found for line in titles if (found := job.level(line)) is not None]
    level_met = wanted.level is None or wanted.level <= max(levels, default=2)
    years = sections.months_covered(sections.spans(case.outline.lines("experience")), case.month) // 12
    years_met = wanted.years is None or years >= wanted.years
    parts = (
        (same_role, 500, "the role"),
        (level_met, 200, "the seniority"),
        (years_met, 300, f"{wanted.years}+ years"),
    )
    missing = [name for met, _, name in parts if not met]
    return Judgement(
        sum(worth for met, worth, _ in parts if met),
        f"About {years} years of experience in dated posts; not seen: {', '.join(missing) or 'nothing'}.",
        f"Make visible in your headline and dates: {', '.join(missing)}.",
    )


_JOB_RULES: Final[dict[str, tuple[str, Callable[[Case], Judgement]]]] = {
    "keywords": ("Words of the job", _keywords),
    "skills": ("Skills shown in your work", _skills),
    "title": ("Role, seniority and years", _title),
}
_RULES: Final = {**_JOB_RULES, **craft.RULES}
_JOB_WEIGHTS: Final = {"keywords": 28, "skills": 14, "title": 8}
_WEIGHTS_WITH_A_JOB: Final = {**_JOB_WEIGHTS, **_rescaled(craft.WEIGHTS, 100 - sum(_JOB_WEIGHTS.values()))}
