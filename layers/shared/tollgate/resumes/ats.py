"""A score a person can check: fixed rules over the resume's text, each with what was found and what to do.

No model takes part, so nothing written in a resume or a job description can argue for points. The same text, job and
day give the same score; the order of sections, the person's name and hidden text do not count.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from tollgate.resumes import evidence, job, lexicon, sections
from tollgate.resumes.evidence import WHOLE, Evidence
from tollgate.resumes.sections import Outline
from tollgate.resumes.text import BULLET

VERSION: Final = "ats-2026.1"

_YEAR: Final = re.compile("(?:19|20)\\d{2}")
_EMAIL: Final = re.compile("(?<![\\w.+-])[\\w.+-]{1,64}@[\\w-]{1,63}\\.[\\w.-]+")
_PHONE: Final = re.compile("(?:\\+?\\d{1,3}[ -]?)?(?:\\(\\d{2,5}\\)|\\d{2,5})(?:[ -]?\\d{2,5}){1,4}")
_LINK: Final = re.compile(
    "(?:https?://|www\\.|linkedin\\.com|github\\.com|orcid\\.org)\\S+|(?<![\\w.@-])[\\w-]{1,63}(?:\\.[\\w-]{1,63}){1,4}/\\S",
    re.IGNORECASE,
)
_PLACE: Final = re.compile("(?<!\\w)[^\\W\\d_]{2,40}, ?[^\\W\\d_]{2,40}|\\b\\d{6}\\b")
_PHONE_DIGITS: Final = (8, 15)
_NUMBER: Final = re.compile(
    "\\d|\\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|hundred|thousand|lakh|crore|million|halved?"
    "|doubled?|tripled?)\\b",
    re.IGNORECASE,
)
_ODD_CHARACTERS: Final = re.compile("\ufffd|\\(cid:\\d+\\)|\u25a1")
_FULL_QUANTIFIED: Final = 600  # permille of statements with a figure
_FULL_VERBS: Final = 700
_LEAST_STATEMENTS: Final = 4
_CLICHES: Final = re.compile(
    "hard[- ]?working|team player|quick learner|fast learner|go[- ]getter|self[- ]motivated|think(?:ing)? outside the box"
    "|reputed (?:organi[sz]ation|company)|dynamic personality|sincere|honest and dedicated|results?[- ]driven|synergy",
    re.IGNORECASE,
)
_MAX_REPEATS: Final = 2
_LEAST_WORDS: Final = 150
_MOST_WORDS: Final = 900
_LONG_STATEMENT: Final = 40  # words
_LONGEST_WORD: Final = 45  # letters
_LAYOUT_COSTS: Final = {
    "scanned_text_layer": (500, "the text comes from a scan"),
    "text_boxes": (300, "text boxes"),
    "columns": (200, "columns side by side"),
    "tables": (200, "tables"),
    "header_text": (100, "text in the header or footer"),
    "images": (100, "pictures"),
}


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


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a rule says: its share in permille, the evidence, and advice for the rest."""

    share: int
    finding: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """All that a rule may look at."""

    text: str
    outline: Outline
    layout: frozenset[str]
    today: date | None
    wanted: job.Job | None = None
    evidence: tuple[Evidence, ...] = ()

    @property
    def month(self) -> int:
        """The present as months since year 0; without a clock, the last year that the resume names."""
        if self.today:
            return self.today.year * 12 + self.today.month - 1
        return max((int(year) for year in _YEAR.findall(self.text)), default=2000) * 12 + 11


def scan(text: str, job_text: str | None = None, *, layout: Iterable[str] = (), today: date | None = None) -> Score:
    """The score of a resume's clean text, against a job if one is given.

    `layout` are the warnings of the document it came from; `today` closes "to present". Without a job, or with one
    that names no requirement, the other rules' weights grow to 100 in all.
    """
    case = Case(text, sections.outline(text), frozenset(layout), today)
    wanted = job.read(job_text) if job_text else None
    if wanted is None or job_text is None or not wanted.terms:
        return _scored(case, _rescaled({rule: weight for rule, weight in _WEIGHTS.items() if rule not in _JOB_RULES}))
    weighed = evidence.weigh(case.outline, wanted, job_text)
    return _scored(Case(text, case.outline, case.layout, today, wanted, weighed), _WEIGHTS)


def _scored(case: Case, weights: dict[str, int]) -> Score:
    rules = tuple(_result(rule, weight, _RULES[rule][1](case)) for rule, weight in weights.items())
    return Score(sum(rule.points for rule in rules), rules)


def _result(rule: str, weight: int, judged: Judgement) -> RuleResult:
    share = min(max(judged.share, 0), WHOLE)
    points = (weight * share + WHOLE // 2) // WHOLE
    return RuleResult(rule, _RULES[rule][0], weight, points, judged.finding, judged.advice if points < weight else "")


def _rescaled(weights: dict[str, int], total: int = 100) -> dict[str, int]:
    """The weights in proportion, as whole numbers that sum to `total`: the largest remainders are rounded up."""
    whole = sum(weights.values())
    floors = {rule: weight * total // whole for rule, weight in weights.items()}
    by_remainder = sorted(weights, key=lambda rule: weights[rule] * total % whole, reverse=True)
    for rule in by_remainder[: total - sum(floors.values())]:
        floors[rule] += 1
    return floors


# Rules for every resume


def _contact(case: Case) -> Judgement:
    email = _EMAIL.search(case.text)
    phone = any(_is_phone(found) for found in _PHONE.findall(_EMAIL.sub(" ", case.text)))
    where = any(
        _LINK.search(line) or _PLACE.search(line) for line in [*case.outline.head, *case.outline.lines("other")]
    )
    parts = ((bool(email), 400, "e-mail"), (phone, 300, "telephone"), (where, 300, "place or profile link"))
    missing = [name for found, _, name in parts if not found]
    return Judgement(
        sum(worth for found, worth, _ in parts if found),
        "Found: " + (", ".join(name for found, _, name in parts if found) or "nothing"),
        f"Add at the top: {', '.join(missing)}.",
    )


def _is_phone(found: str) -> bool:
    digits = re.sub("\\D", "", found)
    return _PHONE_DIGITS[0] <= len(digits) <= _PHONE_DIGITS[1] and not _looks_like_years(found)


def _looks_like_years(found: str) -> bool:
    return all(_YEAR.fullmatch(part) for part in re.split("[ -]+", found))


def _sections(case: Case) -> Judgement:
    names = case.outline.names
    worked = "experience" in names or "projects" in names
    parts = (
        (worked, 350, "Experience or Projects"),
        ("education" in names, 250, "Education"),
        ("skills" in names, 250, "Skills"),
        ("summary" in names, 150, "Summary"),
    )
    missing = [name for found, _, name in parts if not found]
    return Judgement(
        sum(worth for found, worth, _ in parts if found),
        "Headings recognised: " + (", ".join(sorted(names - {"other"})) or "none"),
        f"Add a section with a plain heading: {', '.join(missing)}.",
    )


def _quantified(case: Case) -> Judgement:
    statements = case.outline.statements
    if not statements:
        return Judgement(0, "No bullets about what you did.", "Describe your work in bullets with results.")
    with_figure = [line for line in statements if _NUMBER.search(_YEAR.sub("", line))]
    without = next((line for line in statements if line not in with_figure), None)
    return Judgement(
        _share(len(with_figure), max(len(statements), _LEAST_STATEMENTS), _FULL_QUANTIFIED),
        f"{len(with_figure)} of {len(statements)} statements name a figure.",
        f"Say how much, how many or how fast, for example in: {_quote(without)}."
        if without
        else "Add more bullets about what you did, with figures.",
    )


def _verbs(case: Case) -> Judgement:
    judged = [line for line in case.outline.statements if re.match("[\"'(]*[A-Za-z]", line)]
    if not judged:
        share = WHOLE if case.outline.statements else 0  # another script is not judged by English verbs
        return Judgement(share, "No statements in English to judge.", "Begin each bullet with what you did.")
    verbs = Counter(
        found for line in judged if (found := lexicon.verb(re.split("[^A-Za-z]+", line.lstrip("\"'("), maxsplit=1)[0]))
    )
    weak = [line for line in judged if lexicon.WEAK_OPENINGS.match(line)]
    repeated = sorted(word for word, count in verbs.items() if count > _MAX_REPEATS)
    cliches = sorted(
        {found.casefold() for found in _CLICHES.findall(" ".join(case.outline.lines("summary", "other") + judged))}
    )
    share = _share(sum(verbs.values()), len(judged), _FULL_VERBS) - 100 * min(5, len(repeated) + len(cliches))
    finding = f"{sum(verbs.values())} of {len(judged)} statements begin with an action verb"
    finding += f"; repeated: {', '.join(repeated)}" if repeated else ""
    finding += f"; empty phrases: {', '.join(cliches)}." if cliches else "."
    return Judgement(share, finding, _verb_advice(weak, repeated, cliches))


def _verb_advice(weak: list[str], repeated: list[str], cliches: list[str]) -> str:
    if weak:
        return f"Begin with what you did (built, led, reduced) instead of: {_quote(weak[0])}."
    if repeated:
        return f"Vary the openings: {', '.join(repeated)} come more than twice."
    if cliches:
        return f"Show it instead of saying it: {', '.join(cliches)}."
    return "Begin each statement with an action verb such as built, led or reduced."


def _dates(case: Case) -> Judgement:
    worked = case.outline.lines("experience")
    found = sections.spans(worked)
    if not found:
        years = _YEAR.search(" ".join(case.outline.lines("education", "projects")))
        share = 600 if years and not worked else 300 if years else 0
        return Judgement(
            share, "No period (from - to) under Experience.", "Write from and to for each post: Apr 2021 - Present."
        )
    styles = Counter(span.style for span in found)
    style, alike = styles.most_common(1)[0]
    reversed_spans = [span for span in found if span.end is not None and span.end < span.start]
    share = 500 + 300 * alike // len(found) + (0 if reversed_spans else 200)
    gap = sections.longest_gap(found, case.month)
    finding = f"{len(found)} periods, {alike} written as {style}"
    finding += f"; a gap of {gap} months, which costs no points." if gap > 6 else "."  # noqa: PLR2004 -- months
    advice = "A period ends before it begins." if reversed_spans else f"Write all dates alike, for example {style}."
    return Judgement(share, finding, advice)


def _length(case: Case) -> Judgement:
    words = sum(len(line.split()) for name, lines in case.outline.sections if name != "skills" for line in lines)
    long = [line for line in case.outline.statements if len(line.split()) > _LONG_STATEMENT]
    if words < _LEAST_WORDS:
        share, advice = WHOLE * words // _LEAST_WORDS, "Say more about what you did and achieved."
    elif words > _MOST_WORDS:
        share, advice = WHOLE - min(words - _MOST_WORDS, 600), "Shorten older posts; two pages are enough."
    else:
        share, advice = WHOLE, ""
    if long:
        share, advice = (
            share - min(300, 100 * len(long)),
            advice or f"Split long statements, for example: {_quote(long[0])}.",
        )
    finding = f"{words} words besides the skills" + (
        f"; {len(long)} statements over {_LONG_STATEMENT} words." if long else "."
    )
    return Judgement(share, finding, advice)


def _formatting(case: Case) -> Judgement:
    costs = [(cost, what) for note, (cost, what) in _LAYOUT_COSTS.items() if note in case.layout]
    odd = len(_ODD_CHARACTERS.findall(case.text))
    if odd:
        costs.append((min(600, 50 * odd), f"{odd} unreadable characters"))
    words = (word for line in case.outline.every_line for word in line.split())
    glued = any(len(word) > _LONGEST_WORD and not _LINK.match(word) for word in words)
    if glued:
        costs.append((200, "words without spaces between them"))
    what = ", ".join(name for _, name in costs)
    return Judgement(
        WHOLE - sum(cost for cost, _ in costs),
        f"Hard for some systems to read: {what}." if what else "Nothing that hinders reading by machine.",
        "Use one column, plain headings and no text boxes; keep contact details out of the page header.",
    )


# Rules that need a job


def _keywords(case: Case) -> Judgement:
    weights = [(2 if item.term.must else 1, item) for item in case.evidence]
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
    skills = [item for item in case.evidence if item.term.field]
    if not skills:
        return Judgement(WHOLE, "The job names no skill from our list.")
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
    same_role = not roles or any(roles & job.role(line) for line in titles)
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


_JOB_RULES: Final = ("keywords", "skills", "title")
_WEIGHTS: Final = {
    "keywords": 30,
    "skills": 15,
    "title": 10,
    "contact": 5,
    "sections": 10,
    "quantified": 10,
    "verbs": 5,
    "dates": 5,
    "length": 5,
    "formatting": 5,
}
_RULES: Final[dict[str, tuple[str, Callable[[Case], Judgement]]]] = {
    "keywords": ("Words of the job", _keywords),
    "skills": ("Skills shown in your work", _skills),
    "title": ("Role, seniority and years", _title),
    "contact": ("Contact details", _contact),
    "sections": ("Sections", _sections),
    "quantified": ("Results in figures", _quantified),
    "verbs": ("Action verbs and plain words", _verbs),
    "dates": ("Dates", _dates),
    "length": ("Length and readability", _length),
    "formatting": ("Readable by machines", _formatting),
}


def _share(part: int, whole: int, full_at: int) -> int:
    """Permille of the way to `full_at` permille."""
    return min(WHOLE, part * WHOLE * WHOLE // (whole * full_at))


def _quote(line: str) -> str:
    short = line if len(line) <= 80 else line[:77].rpartition(" ")[0] + "..."  # noqa: PLR2004 -- characters on one line
    return f'"{short}"'
