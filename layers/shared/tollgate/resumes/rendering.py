"""A structured resume as the plain text a person would have written; prompts and scores read this form."""

from collections.abc import Iterator

from tollgate.resumes.schema import Basics, Education, Project, Resume, Volunteer, Work
from tollgate.resumes.text import BULLET, clean


def as_text(resume: Resume | str) -> str:
    """Readable text with headings and bullets, cleaned of what no reader sees; plain text is cleaned only."""
    if isinstance(resume, str):
        return clean(resume).text
    blocks = [list(_basics(resume.basics))]
    blocks += [[title, *lines] for title, lines in _sections(resume) if lines]
    return clean("\n\n".join("\n".join(lines) for lines in blocks if lines)).text


def _sections(resume: Resume) -> Iterator[tuple[str, list[str]]]:
    yield "SUMMARY", [resume.basics.summary] if resume.basics.summary else []
    yield "EXPERIENCE", [line for job in resume.work for line in _work(job)]
    yield "EDUCATION", [line for entry in resume.education for line in _education(entry)]
    yield "SKILLS", [_listed(skill.name, skill.keywords, skill.level) for skill in resume.skills]
    yield "PROJECTS", [line for project in resume.projects for line in _project(project)]
    yield "CERTIFICATIONS", [_row(item.name, item.issuer, item.date, item.url) for item in resume.certificates]
    yield "AWARDS", [_row(item.title, item.awarder, item.date, item.summary) for item in resume.awards]
    yield "PUBLICATIONS", [_row(item.name, item.publisher, item.release_date, item.url) for item in resume.publications]
    yield "LANGUAGES", [_row(item.language, item.fluency) for item in resume.languages]
    yield "VOLUNTEERING", [line for entry in resume.volunteer for line in _volunteer(entry)]
    yield "INTERESTS", [_listed(item.name, item.keywords, None) for item in resume.interests]
    yield "REFERENCES", [_row(item.name, item.reference) for item in resume.references]


def _basics(basics: Basics) -> Iterator[str]:
    place = basics.location
    profiles = [_row(profile.network, profile.url or profile.username) for profile in basics.profiles]
    yield from filter(None, (basics.name, basics.label))
    contact = _row(basics.email, basics.phone, basics.url, *profiles)
    yield from filter(None, (contact, _row(place.city, place.region, place.country_code) if place else ""))


def _work(job: Work) -> Iterator[str]:
    yield _row(job.position, job.name, job.location, _span(job.start_date, job.end_date))
    yield from _told(job.summary, job.highlights)


def _education(entry: Education) -> Iterator[str]:
    degree = _row(entry.study_type, entry.area)
    yield _row(degree, entry.institution, _span(entry.start_date, entry.end_date, open_end=""), entry.score)
    if entry.courses:
        yield "Courses: " + ", ".join(entry.courses)


def _project(project: Project) -> Iterator[str]:
    yield _row(project.name, _span(project.start_date, project.end_date, open_end=""), project.url)
    yield from _told(project.description, project.highlights)
    if project.keywords:
        yield "Built with: " + ", ".join(project.keywords)


def _volunteer(entry: Volunteer) -> Iterator[str]:
    yield _row(entry.position, entry.organization, _span(entry.start_date, entry.end_date))
    yield from _told(entry.summary, entry.highlights)


def _told(summary: str | None, highlights: list[str]) -> Iterator[str]:
    if summary:
        yield summary
    yield from (BULLET + highlight for highlight in highlights)


def _row(*parts: str | None) -> str:
    return ", ".join(part for part in parts if part)


def _listed(name: str | None, keywords: list[str], level: str | None) -> str:
    head = f"{name} ({level})" if name and level else name or ""
    return ": ".join(filter(None, (head, ", ".join(keywords))))


def _span(start: str | None, end: str | None, *, open_end: str = "present") -> str:
    """From and to; a beginning without an end goes on to this day."""
    return " to ".join(filter(None, (start, end or (open_end if start else ""))))
