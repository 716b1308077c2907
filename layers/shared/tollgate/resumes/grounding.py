"""Is it in the source? Facts that a model made up are named, and made-up ways to reach the person are taken out."""

import re
from collections.abc import Iterator
from typing import Final

from tollgate.resumes.figures import NOT_IN_SOURCE, figures, number
from tollgate.resumes.schema import Basics, Education, Profile, Project, Resume, Work

_WORD: Final = re.compile("\\w+")
_LEAST_DIGITS: Final = 7  # of a telephone number


class _Source:
    """The original text, prepared for looking things up."""

    def __init__(self, text: str) -> None:
        self._plain = text.casefold()
        self._squeezed = _squeezed(text)
        self._digits = re.sub("\\D", "", text)
        self._numbers = {number(found) for found in figures(text)}
        self._numbers |= {part for found in self._numbers for part in re.findall("\\d+", found)}

    def says(self, phrase: str) -> bool:
        """Whether the words stand there, whatever the spacing and punctuation."""
        return _squeezed(phrase) in self._squeezed

    def says_most_of(self, phrase: str) -> bool:
        """Whether the longer words stand there: a name may be written out or shortened."""
        words = [word for word in _WORD.findall(phrase.casefold()) if len(word) > 2]  # noqa: PLR2004 -- letters
        return self.says(phrase) or (bool(words) and sum(word in self._plain for word in words) * 3 >= len(words) * 2)

    def has_digits(self, phone: str) -> bool:
        digits = re.sub("\\D", "", phone)[-10:]
        return len(digits) >= _LEAST_DIGITS and digits in self._digits

    def has_address(self, url: str) -> bool:
        bare = re.sub("^(?:https?://)?(?:www\\.)?", "", url.casefold()).rstrip("/")
        return bool(bare) and bare in self._plain

    def has_year(self, date: str) -> bool:
        year = date[:4]
        return year in self._numbers or bool(re.search(f"(?<!\\d)['\u2019/]{year[2:]}(?!\\d)", self._plain))

    def invented_numbers(self, text: str) -> list[str]:
        return [found for found in figures(text) if number(found) not in self._numbers]


def _squeezed(text: str) -> str:
    return "".join(_WORD.findall(text.casefold()))


def ground(resume: Resume, source_text: str) -> tuple[Resume, tuple[str, ...]]:
    """The resume without contact data the source does not hold, and one `not_in_source: path: value` per invention.

    Employers, dates, scores and numbers are kept and named: a person decides about those.
    """
    source = _Source(source_text)
    warnings = [
        *_contact(resume.basics, source),
        *(line for index, job in enumerate(resume.work) for line in _job(f"work[{index}]", job, source)),
        *(line for index, item in enumerate(resume.education) for line in _school(f"education[{index}]", item, source)),
        *(line for index, item in enumerate(resume.projects) for line in _project(f"projects[{index}]", item, source)),
        *_loose_facts(resume, source),
    ]
    kept = resume.model_copy(update={"basics": _kept_contact(resume.basics, source)})
    return kept, tuple(f"{NOT_IN_SOURCE}: {warning}" for warning in warnings)


def _kept_contact(basics: Basics, source: _Source) -> Basics:
    return basics.model_copy(
        update={
            "email": basics.email if basics.email and source.has_address(basics.email) else None,
            "phone": basics.phone if basics.phone and source.has_digits(basics.phone) else None,
            "url": basics.url if basics.url and source.has_address(basics.url) else None,
            "profiles": [profile for profile in basics.profiles if not _invented_profile(profile, source)],
        }
    )


def _contact(basics: Basics, source: _Source) -> Iterator[str]:
    if basics.name and not source.says_most_of(basics.name):
        yield f"basics.name: {basics.name}"
    if basics.email and not source.has_address(basics.email):
        yield f"basics.email: {basics.email}"
    if basics.phone and not source.has_digits(basics.phone):
        yield f"basics.phone: {basics.phone}"
    if basics.url and not source.has_address(basics.url):
        yield f"basics.url: {basics.url}"
    for index, profile in enumerate(basics.profiles):
        if _invented_profile(profile, source):
            yield f"basics.profiles[{index}]: {profile.url or profile.username}"
    yield from _numbers("basics.summary", basics.summary, source)


def _invented_profile(profile: Profile, source: _Source) -> bool:
    """A link may be built from the account's name, if that stands in the source."""
    if profile.username and source.says(profile.username):
        return False
    return bool(profile.url or profile.username) and not (profile.url and source.has_address(profile.url))


def _job(path: str, job: Work, source: _Source) -> Iterator[str]:
    if job.name and not source.says_most_of(job.name):
        yield f"{path}.name: {job.name}"
    if job.position and not source.says_most_of(job.position):
        yield f"{path}.position: {job.position}"
    yield from _dates(path, job.start_date, job.end_date, source)
    yield from _numbers(f"{path}.summary", job.summary, source)
    for index, highlight in enumerate(job.highlights):
        yield from _numbers(f"{path}.highlights[{index}]", highlight, source)


def _school(path: str, entry: Education, source: _Source) -> Iterator[str]:
    if entry.institution and not source.says_most_of(entry.institution):
        yield f"{path}.institution: {entry.institution}"
    yield from _dates(path, entry.start_date, entry.end_date, source)
    yield from _numbers(f"{path}.score", entry.score, source)


def _project(path: str, project: Project, source: _Source) -> Iterator[str]:
    if project.name and not source.says_most_of(project.name):
        yield f"{path}.name: {project.name}"
    if project.url and not source.has_address(project.url):
        yield f"{path}.url: {project.url}"
    yield from _dates(path, project.start_date, project.end_date, source)
    for index, text in enumerate((project.description, *project.highlights)):
        yield from _numbers(f"{path}.highlights[{index - 1}]" if index else f"{path}.description", text, source)


def _loose_facts(resume: Resume, source: _Source) -> Iterator[str]:
    for index, certificate in enumerate(resume.certificates):
        if certificate.name and not source.says_most_of(certificate.name):
            yield f"certificates[{index}].name: {certificate.name}"
    for index, award in enumerate(resume.awards):
        if award.title and not source.says_most_of(award.title):
            yield f"awards[{index}].title: {award.title}"
    for index, skill in enumerate(resume.skills):
        for keyword in skill.keywords:
            if not source.says_most_of(keyword):
                yield f"skills[{index}].keywords: {keyword}"


def _dates(path: str, start: str | None, end: str | None, source: _Source) -> Iterator[str]:
    for name, date in (("startDate", start), ("endDate", end)):
        if date and not source.has_year(date):
            yield f"{path}.{name}: {date}"


def _numbers(path: str, text: str | None, source: _Source) -> Iterator[str]:
    for found in source.invented_numbers(text or ""):
        yield f"{path}: {found}"
