"""Reads a resume by simple rules, so that the simulated models show people their own resume and not a stranger's."""

from __future__ import annotations

import re
from typing import Final

type Entry = dict[str, object]

_SECTIONS: Final = {
    "summary": "summary|profile|professional summary|career summary|objective|career objective|about|about me",
    "work": "experience|work experience|professional experience|employment|employment history|work history|internship"
    "|internships|career history|industry experience",
    "education": "education|academics|academic background|academic qualifications|educational qualifications"
    "|qualifications|education and training",
    "skills": "skills|technical skills|key skills|core skills|core competencies|technologies|skills and tools"
    "|tools and technologies|areas of expertise|technical proficiency",
    "projects": "projects|personal projects|academic projects|key projects|selected projects",
    "certificates": "certifications|certificates|licenses and certifications|courses|courses and certifications"
    "|training",
    "awards": "awards|achievements|honors|honours|awards and achievements|honors and awards|accomplishments",
    "languages": "languages|languages known",
    "publications": "publications|papers",
    "volunteer": "volunteering|volunteer experience|volunteer work|community service|extracurricular activities",
    "interests": "interests|hobbies|hobbies and interests",
    "references": "references",
    "other": "additional information|personal details|personal information|declaration|other details|strengths"
    "|personal profile|personal data|notice period",
}
_SECTION_OF: Final = {title: name for name, titles in _SECTIONS.items() for title in titles.split("|")}

_LAST_WORDS: Final = {
    word: _SECTION_OF[word]
    for word in [
        "experience",
        "employment",
        "education",
        "qualifications",
        "skills",
        "projects",
        "certifications",
        "publications",
        "awards",
        "achievements",
        "languages",
        "internships",
        "technologies",
        "volunteering",
    ]
}
_LONGEST_LINE: Final = 300
_LONGEST_HEADING: Final = 4  # words
_LONGEST_TITLE: Final = 8  # words
_LONGEST_NAME: Final = 5

_HONORIFIC: Final = re.compile(r"^(?:mr|mrs|ms|dr|ca|er|prof|shri|smt)\.?\s+", re.IGNORECASE)
_EMAIL: Final = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_PHONE: Final = re.compile(r"(?:\+\d{1,3}[\s-]?)?(?:\(\d{2,5}\)[\s-]?)?\d(?:[\s-]?\d){8,11}")
_URL: Final = re.compile(
    r"(?:https?://|www\.)[^\s|,;)>]+|(?:linkedin|github|gitlab|medium|behance)\.com/[^\s|,;)>]+", re.IGNORECASE
)
_BULLET: Final = re.compile(r"^\s*(?:[-*•●▪◦‣·–—]|\d+[.)])\s+")
_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], start=1
    )
}
_MOMENT: Final = (
    r"(?:(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]*\.?,?\s*'?\d{4}"
    r"|\d{1,2}/\d{4}|(?:19|20)\d{2}(?:-\d{2})?)"
)
_NOW: Final = r"(?:present|current|now|today|ongoing|till\s+date|to\s+date)"
_RANGE: Final = re.compile(rf"\(?\b({_MOMENT})\s*(?:-|–|—|to|until)\s*({_MOMENT}|{_NOW})\b\)?", re.IGNORECASE)
_SINGLE: Final = re.compile(rf"\(?\b({_MOMENT})\b\)?", re.IGNORECASE)
_TITLE: Final = re.compile(
    r"\b(?:engineer|developer|manager|intern|analyst|consultant|lead|designer|director|officer|executive|associate"
    r"|architect|scientist|administrator|specialist|teacher|accountant|assistant|head|founder|trainee|programmer"
    r"|nurse|writer|editor|researcher|coordinator|supervisor|representative|professor|lecturer|president|recruiter"
    r"|tester|technician|marketer|strategist|advisor|counsel|clerk|sde|cto|ceo|cfo)\b",
    re.IGNORECASE,
)
_COMPANY: Final = re.compile(
    r"\b(?:ltd|limited|llp|llc|inc|pvt|gmbh|corp|co|company|hospital|clinic|bank|services|technologies|systems"
    r"|solutions|labs|industries|consulting|agencies|universit\w+|hochschule|school|college|traders|software)\b",
    re.IGNORECASE,
)
_TABLE_HEAD: Final = re.compile(r"[A-Z][a-z ]*(?:\s\|\s[A-Z][A-Za-z ]*){2,}")
_SCHOOL: Final = re.compile(
    r"\b(?:university|college|institute|school|academy|iit|nit|iiit|bits|iim|vidyalaya|polytechnic)\b", re.IGNORECASE
)
_DEGREE: Final = re.compile(
    r"\b(?:b\.?\s?tech|m\.?\s?tech|b\.?\s?e|m\.?\s?e|b\.?\s?sc|m\.?\s?sc|b\.?\s?com|m\.?\s?com|b\.?\s?a|m\.?\s?a"
    r"|bca|mca|bba|mba|ph\.?\s?d|bachelor(?:'?s)?(?: of \w+)?|master(?:'?s)?(?: of \w+)?|diploma"
    r"|class\s+(?:x|xii|10|12)(?:th)?|(?:10|12)th|higher secondary|secondary)(?=[\s,.)(]|$)\.?",
    re.IGNORECASE,
)
_SCORE: Final = re.compile(
    r"(?:c?gpa|score|percentage|marks)\s*[:\-]?\s*([\d.]+(?:\s*/\s*\d+(?:\.\d+)?)?\s*%?)|([\d.]+\s*%)", re.IGNORECASE
)
_SPLIT: Final = re.compile(r"\s*(?:\||•|·|\t|\s[-–—@]\s|,\s|\s{3,}|\bat\b(?=\s+[A-Z]))\s*")


def read(text: str) -> Entry:
    """A JSON Resume of the text, with what the rules can find and nothing else."""
    # No line of a resume is longer, and the rules would take for ever over one.
    lines = [
        line[at : at + _LONGEST_LINE] for line in text.splitlines() for at in range(0, len(line) or 1, _LONGEST_LINE)
    ]
    header, sections = _sectioned(lines)
    resume: Entry = {
        "basics": _basics(header, "\n".join(lines), sections.get("summary", [])),
        "work": [_work(entry) for entry in _entries(sections.get("work", []))],
        "education": [_education(entry) for entry in _entries(sections.get("education", []))],
        "skills": _skills(sections.get("skills", [])),
        "projects": [_project(entry) for entry in _entries(sections.get("projects", []))],
        "certificates": [_certificate(line) for line in _items(sections.get("certificates", []))],
        "awards": [_award(line) for line in _items(sections.get("awards", []))],
        "languages": _languages(sections.get("languages", [])),
        "publications": [_award(line) | {"name": line} for line in _items(sections.get("publications", []))],
        "volunteer": [_work(entry) for entry in _entries(sections.get("volunteer", []))],
        "interests": [{"name": name} for name in _listed(sections.get("interests", []))],
        "references": [{"name": line, "reference": line} for line in _items(sections.get("references", []))],
    }
    return resume


def moment(text: str) -> str | None:
    """A date of a resume as `2022` or `2022-01`; None for "present"."""
    found = text.strip().lower()
    year = re.search(r"(?:19|20)\d{2}", found)
    if year is None:
        return None
    month = _MONTHS.get(found[:3])
    if month is None and (numbered := re.match(r"(\d{1,2})/", found) or re.search(r"\d{4}-(\d{2})", found)):
        month = int(numbered[1])
    return f"{year[0]}-{month:02d}" if month and 1 <= month <= len(_MONTHS) else year[0]


def _section(line: str) -> tuple[str, str] | None:
    """The section that a line opens, and what stands behind a colon on the same line."""
    title, _, rest = line.partition(":")
    plain = re.sub(r"[^a-z ]", "", title.lower().replace("&", "and").replace("/", " ").replace("-", "")).strip()
    name = _SECTION_OF.get(re.sub(r"\s+", " ", plain)) or _by_last_word(title, plain, rest)
    if name is None or _BULLET.match(line) or (rest and name == "languages" and not line[0].isupper()):
        return None
    return name, rest.strip()


def _by_last_word(title: str, plain: str, rest: str) -> str | None:
    """The section of a heading like "Clinical Skills": short, begun with a capital, nothing behind it."""
    words = plain.split()
    heading = (
        1 < len(words) <= _LONGEST_HEADING and title[:1].isupper() and not rest and not re.search(r"[\d|,.]", title)
    )
    return _LAST_WORDS.get(words[-1]) if heading else None


def _sectioned(lines: list[str]) -> tuple[list[str], dict[str, list[str]]]:
    header: list[str] = []
    sections: dict[str, list[str]] = {}
    current = header
    inside = ""
    for raw in lines:
        # Markdown headings, and the tabs or arrows that push dates to the right margin.
        line = re.sub(r"\s*(?:>>|\t)\s*", " | ", re.sub(r"^\s*#+\s+", "", raw)).rstrip()
        opened = _section(line.strip()) if line.strip() else None
        # "Languages: Python, Go" among the skills is a group of skills, not a section of its own.
        if opened and not (inside == "skills" and opened[1]):
            inside = opened[0]
            current = sections.setdefault(inside, [])
            line = opened[1]
        if line or current:
            current.append(line)
    return header, sections


def _basics(header: list[str], text: str, summary: list[str]) -> Entry:
    top = [line.strip() for line in header if line.strip()][:12]
    email, phone = _EMAIL.search(text), _PHONE.search("\n".join(top) or text)
    links = [link.rstrip(".") for link in _URL.findall(_EMAIL.sub(" ", "\n".join(top) or text))]
    words = [part for line in top for part in _plain_parts(line)]
    name = next((part for part in words if _is_name(part)), "")
    after = words[words.index(name) + 1 :] if name else words
    place = _place_in(top)
    label = next((part for part in after if _TITLE.search(part) and len(part.split()) <= _LONGEST_TITLE), None)
    prose = [line.strip() for line in (summary or [])]
    return {
        "name": _HONORIFIC.sub("", name.title() if name.isupper() else name),
        "label": label,
        "email": email[0] if email else None,
        "phone": phone[0].strip() if phone else None,
        "url": next((link for link in links if _network(link) is None), None),
        "summary": " ".join(line for line in prose if line) or None,
        "location": _location(place),
        "profiles": [_profile(link) for link in links if _network(link)],
    }


def _plain_parts(line: str) -> list[str]:
    rest = _URL.sub(" | ", _EMAIL.sub(" | ", line))
    rest = re.sub(r"\b(?:e-?mail|phone|mobile|tel|linkedin|github|address|name)\s*:", " ", rest, flags=re.IGNORECASE)
    parts = (part.strip(" ,;:-") for part in re.split(r"\s*[|•·]\s*|\s[-–—]\s|\t", rest))
    return [part for part in parts if part and not _PHONE.fullmatch(part)]


def _is_name(part: str) -> bool:
    words = part.split()
    if not 1 <= len(words) <= _LONGEST_NAME or re.search(r"[\d@:/]", part) or _TITLE.search(part):
        return False
    if re.search(
        r"\b(?:resume|curriculum|vitae|cv|bio-?data|name|document|text|candidate|page)\b", part, re.IGNORECASE
    ):
        return False
    return all(not word[0].islower() or word in {"de", "van", "bin", "da"} for word in words if word[0].isalpha())


def _is_place(line: str) -> bool:
    return bool(re.fullmatch(r"[A-Z][A-Za-z .]{2,30}, ?[A-Z][A-Za-z .]{1,30}(?: \d{6})?(?:, ?[A-Z][A-Za-z .]+)?", line))


def _place_in(top: list[str]) -> str:
    return next(
        (part for line in top for part in _plain_parts(line) if _is_place(part) and not _TITLE.search(part)), ""
    )


def _location(place: str) -> Entry | None:
    if not place:
        return None
    parts = [part.strip() for part in place.split(",")]
    india = parts[-1].lower() == "india" or len(parts) == 1
    region = parts[1] if len(parts) > 1 and parts[1].lower() != "india" else None
    return {"city": parts[0], "region": region, "countryCode": "IN" if india else None}


def _network(link: str) -> str | None:
    host = re.search(r"(linkedin|github|gitlab|medium|behance|twitter|leetcode|kaggle)\.com", link, re.IGNORECASE)
    return host[1].lower() if host else None


def _profile(link: str) -> Entry:
    names = {"linkedin": "LinkedIn", "github": "GitHub", "gitlab": "GitLab"}
    network = _network(link) or ""
    url = link if link.startswith("http") else f"https://{link}"
    return {"network": names.get(network, network.title()), "username": url.rstrip("/").rpartition("/")[2], "url": url}


def _entries(lines: list[str]) -> list[tuple[list[str], list[str]]]:
    """Entries of a section as (headline lines, bullet texts)."""
    entries: list[tuple[list[str], list[str]]] = []
    gap = True
    for line in lines:
        text = line.strip()
        if not text or _TABLE_HEAD.fullmatch(text):
            gap = True
        elif _BULLET.match(line) and entries:
            entries[-1][1].append(_BULLET.sub("", line).strip())
        elif entries and entries[-1][1] and text[0].islower():
            entries[-1][1][-1] += f" {text}"
        elif not entries or _begins(entries[-1], text, gap=gap):
            entries.append(([_BULLET.sub("", line).strip()], []))
        else:
            entries[-1][0].append(text)
        gap = gap and not text
    return entries


def _begins(entry: tuple[list[str], list[str]], text: str, *, gap: bool) -> bool:
    heads, bullets = entry
    dated = any(_SINGLE.search(head) for head in heads)
    return bool(bullets) or (gap and dated) or (dated and bool(_SINGLE.search(text)))


def _dates(heads: list[str]) -> tuple[Entry, list[str]]:
    """The dates of an entry and its headline without them."""
    whole = "\n".join(heads)
    span = _RANGE.search(whole) or _SINGLE.search(whole)
    if span is None:
        return {"startDate": None, "endDate": None, "current": False}, heads
    end = span[2] if span.re is _RANGE else span[1]
    dates: Entry = {
        "startDate": moment(span[1]) if span.re is _RANGE else None,
        "endDate": moment(end),
        "date": moment(end),
        "current": bool(re.fullmatch(_NOW, end.strip(), re.IGNORECASE)),
    }
    rest = (whole[: span.start()] + whole[span.end() :]).splitlines()
    return dates, [line.strip(" ,|-–—()") for line in rest if line.strip(" ,|-–—()")]


def _work(entry: tuple[list[str], list[str]]) -> Entry:
    dates, heads = _dates(entry[0])
    prose = [head for head in heads[1:] if len(head.split()) > _LONGEST_TITLE]
    parts = [part for head in heads if head not in prose for part in _SPLIT.split(head) if part]
    position = next((part for part in parts if _TITLE.search(part)), None)
    others = [part for part in parts if part != position]
    name = next((part for part in others if _COMPANY.search(part)), others[0] if others else "")
    return dates | {
        "name": name,
        "company": name,
        "organization": name,
        "position": position or "",
        "title": position or "",
        "location": ", ".join(part for part in others[1:3] if part != name) or None,
        "summary": " ".join(prose) or None,
        "highlights": entry[1],
    }


def _education(entry: tuple[list[str], list[str]]) -> Entry:
    dates, heads = _dates(entry[0])
    whole = " | ".join([*heads, *entry[1]])
    score, degree = _SCORE.search(whole), _DEGREE.search(whole)
    parts = [part for head in heads for part in _SPLIT.split(_SCORE.sub("", head)) if part.strip(" :()")]
    institution = next((part for part in parts if _SCHOOL.search(part)), "")
    others = [part for part in parts if part != institution]
    study = next((part for part in others if _DEGREE.search(part)), degree[0] if degree else None)
    kind, area = _study(study, [part for part in others if part != study])
    return dates | {
        "institution": institution or (others[0] if others and study is None else ""),
        "studyType": kind,
        "area": area,
        "score": next((group.strip() for group in score.groups() if group), None) if score else None,
        "courses": [],
    }


def _study(study: str | None, others: list[str]) -> tuple[str | None, str | None]:
    if study is None:
        return None, None
    kind, _, area = study.partition(" in ")
    if not area and (found := _DEGREE.search(study)):
        kind, area = found[0], study[found.end() :].strip(" ,()-")
    return kind.strip(), area.strip() or (others[0] if others and not _is_place(others[0]) else None)


def _skills(lines: list[str]) -> list[Entry]:
    skills: list[Entry] = []
    for line in _items(lines):
        group, colon, rest = line.partition(":")
        if colon and rest.strip():
            skills.append({"name": group.strip(), "level": None, "keywords": _listed([rest])})
        else:
            skills += [{"name": name, "level": None, "keywords": []} for name in _listed([line])]
    return skills


def _project(entry: tuple[list[str], list[str]]) -> Entry:
    dates, heads = _dates(entry[0])
    link = _URL.search(" ".join(heads))
    first = _URL.sub("", heads[0]).strip(" |-–—()") if heads else ""
    name, *rest = re.split(r"\s[-–—|]\s|:\s|\s\|\s?", first, maxsplit=1)
    tail = [*rest, *(head for head in heads[1:] if not _URL.fullmatch(head))]
    return dates | {
        "name": name,
        "description": " ".join(tail) or None,
        "highlights": entry[1],
        "keywords": [],
        "url": link[0] if link else None,
    }


def _certificate(line: str) -> Entry:
    dates, heads = _dates([line])
    name, *issuer = re.split(r"\s\|\s|,\s(?=\D+$)|\bby\b|\bfrom\b", heads[0] if heads else line, maxsplit=1)
    return {
        "name": name.strip(),
        "issuer": issuer[0].strip() if issuer else None,
        "date": dates["endDate"],
        "url": None,
    }


def _award(line: str) -> Entry:
    dates, heads = _dates([line])
    return {"title": heads[0] if heads else line, "date": dates["endDate"], "awarder": None, "summary": None}


def _languages(lines: list[str]) -> list[Entry]:
    found = []
    for name in _listed(lines):
        language, *fluency = re.split(r"\s*[(:–-]\s*", name.rstrip(")"), maxsplit=1)
        found.append({"language": language.strip(), "fluency": fluency[0].strip() if fluency else None})
    return found


def _items(lines: list[str]) -> list[str]:
    return [_BULLET.sub("", line).strip() for line in lines if line.strip()]


def _listed(lines: list[str]) -> list[str]:
    parts = re.split(r",(?![^(]*\))|;|\||•|·|\n", "\n".join(_items(lines)))
    return [part.strip(" .") for part in parts if part.strip(" .")]
