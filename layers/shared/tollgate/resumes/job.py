"""A job description as a list of requirements, found by words alone: what it says to a reader of instructions is ignored."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from tollgate.resumes import lexicon, phrases
from tollgate.resumes.text import BULLET, clean

_LONGEST: Final = 4  # words of a term
_NICE: Final = re.compile(
    "nice[- ]to[- ]have|good[- ]to[- ]have|desirable|preferred|preferably|bonus|a plus|advantage|optional"
    "|would be great",
    re.IGNORECASE,
)
_MUST: Final = re.compile(
    "must[- ]have|required|requirements?|essential|mandatory|what you bring|qualifications|you have", re.IGNORECASE
)
_YEARS: Final = re.compile(
    "(\\d{1,2})\\s*(?:\\+|plus)?\\s*(?:(?:-|\u2013|to)\\s*\\d{1,2}\\s*\\+?\\s*)?(?:years?|yrs?)", re.IGNORECASE
)
_PART: Final = re.compile("[,;.] | and |: ")
_OR: Final = re.compile("\\bor\\b|\\w ?/ ?\\w", re.IGNORECASE)
_NAME: Final = re.compile("(?<![\\w.])(?:[A-Z][A-Z0-9]{2,}|[A-Z][a-z]+[A-Z]\\w*)(?![\\w])")
_SENIORITY: Final = {
    "intern": 0, "trainee": 0, "graduate": 0, "fresher": 0, "junior": 1, "associate": 1, "assistant": 1,
    "senior": 3, "sr": 3, "lead": 4, "principal": 5, "head": 5, "chief": 6, "director": 6,
}  # fmt: skip
_ROLE_WORDS: Final = {
    "developer": "engineer", "programmer": "engineer", "engineer": "engineer", "swe": "engineer", "coder": "engineer",
    "nurse": "nurse", "rn": "nurse", "manager": "manager", "mgr": "manager", "accountant": "accountant", "analyst": "analyst",
    "researcher": "researcher", "scientist": "researcher", "teacher": "teacher", "lecturer": "teacher", "designer": "designer",
    "executive": "executive", "representative": "executive", "assistant": "assistant", "architect": "architect",
    "consultant": "consultant", "chef": "cook", "cook": "cook", "driver": "driver", "clerk": "clerk", "cashier": "clerk",
    "supervisor": "supervisor", "incharge": "supervisor", "foreman": "supervisor", "coordinator": "coordinator",
    "tutor": "teacher", "professor": "teacher", "pharmacist": "pharmacist", "doctor": "doctor", "physician": "doctor",
    "lawyer": "lawyer", "advocate": "lawyer", "salesperson": "executive", "storekeeper": "clerk", "writer": "writer",
    "receptionist": "receptionist", "electrician": "electrician", "mechanic": "technician", "planner": "planner",
    "administrator": "administrator", "technician": "technician", "auditor": "accountant",
}  # fmt: skip
_OFF: Final = re.compile(
    "(?:about (?:us|the company|[A-Z])|who we are|what we offer|we offer|benefits|perks|salary|compensation|how to apply|to apply"
    "|location|timings?|working hours|contact|equal opportunit)",
    re.IGNORECASE,
)
_MOST_PHRASES: Final = 18
_NO_TERMS: Final = frozenset(
    {"nhs", "usa", "ltd", "pvt", "llp", "eoe", "ceo", "cto", "ctc", "lpa", "wfh", "pto", "asap", "faq", "cgpa", "gpa"}
    | {"the", "and", "you", "our", "inc", "apply", "not", "are", "all", "for", "with"}
)


@dataclass(frozen=True, slots=True)
class Term:
    """One thing a job asks for: what it is known as, how the job says it (as words, and as printed), its trade or ''.

    `others` are alternatives that would do as well ("Power BI or Tableau").
    """

    name: str
    said: str
    printed: str
    field: str
    must: bool
    others: tuple["Term", ...] = ()
    often: bool = False  # the job says it more than once, or in its title

    @property
    def weight(self) -> int:
        """How much it counts: what is required twice what is wished for; a phrase of no known trade half of a known skill."""
        return (2 if self.must else 1) * (2 if self.field else 1) + self.often

    @property
    def label(self) -> str:
        return " or ".join(term.printed for term in (self, *self.others))


@dataclass(frozen=True, slots=True)
class Job:
    """What a job asks for."""

    title: str
    terms: tuple[Term, ...]
    years: int | None
    level: int | None  # 0 for beginners to 6 for directors


@dataclass(frozen=True, slots=True)
class Mention:
    """A term in a text: what it is known as, how it was said, in which line."""

    name: str
    said: str
    field: str
    line: int


def read(text: str) -> Job:
    """The requirements of a job description. Terms under "nice to have" count half as much as the others."""
    lines = [line.strip() for line in clean(text).text.splitlines() if line.strip()]
    title = lines[0] if lines else ""
    wanted: dict[str, Term] = {}
    told = _Told(lines)
    for line, must in _weighed(lines):
        for term in _terms(line, must=must, named=line is not title, told=told):
            known = wanted.get(term.name)
            if known is None or (term.must and not known.must):
                wanted[term.name] = replace(term, often=told.often(term))
    years = [int(found) for found in _YEARS.findall(text)]
    return Job(title, _the_weightiest(_without_alternatives(wanted)), min(years) if years else None, level(title))


class _Told:
    """How a job is told: which lines ask for something, and which words come again."""

    def __init__(self, lines: list[str]) -> None:
        self._bullets = any(line.startswith(BULLET) for line in lines)
        self._alone = len(lines) == 1
        self._title = lines[0] if lines else ""
        self._stems = [phrases.stems(line) for line in lines]
        self._off = _off_topic(lines)

    def asks(self, line: str) -> bool:
        """Whether a line may hold requirements: bullets where there are any, else all that is not about the employer."""
        if line.endswith(":") or line in self._off:
            return False
        return self._alone or (line is not self._title and (line.startswith(BULLET) or not self._bullets))

    def often(self, term: Term) -> bool:
        """Whether the title says it, or two lines do."""
        wanted = phrases.stems(term.said)
        return sum(phrases.find(line, wanted) is not None for line in self._stems) > 1


def _off_topic(lines: list[str]) -> frozenset[str]:
    """What stands under headings about the employer, the pay or the way to apply."""
    found, off = [], False
    for line in lines:
        if not line.startswith(BULLET) and len(line.split()) <= _LONGEST + 1:
            off = bool(_OFF.match(line)) or (off and not line.endswith(":"))
        if off:
            found.append(line)
    return frozenset(found)


def _the_weightiest(terms: tuple[Term, ...]) -> tuple[Term, ...]:
    """All known skills, and of the other phrases the first that weigh most: nobody answers fifty of them."""
    others = sorted((term for term in terms if not term.field), key=lambda term: -term.weight)[:_MOST_PHRASES]
    return tuple(term for term in terms if term.field or term in others)


def _without_alternatives(wanted: dict[str, Term]) -> tuple[Term, ...]:
    """Each requirement once: what is an alternative to one is not another."""
    inside = {other.name for term in wanted.values() for other in term.others}
    return tuple(term for name, term in wanted.items() if name not in inside)


def _weighed(lines: list[str]) -> Iterator[tuple[str, bool]]:
    """Lines, and parts of lines, with whether they must be met: a heading decides for all below it."""
    must = True
    for line in lines:
        nice = _NICE.search(line)
        if nice and (line.endswith(":") or len(line.split()) <= _LONGEST):
            must = False
        elif nice and nice.start() > 0:  # "SQL, preferably PostgreSQL"; "Docker is a plus"
            after = line[nice.end() :]
            yield line[: nice.start()], must and bool(lexicon.tokens(after))
            yield after, False
            continue
        elif not nice and _MUST.search(line):
            must = True
        yield line, must and not nice


def _terms(line: str, *, must: bool, named: bool, told: _Told) -> list[Term]:
    found = []
    for part in _PART.split(line):
        terms = _terms_of(part, must=must, named=named)
        if not terms and told.asks(line):
            terms = _phrases_of(part, must=must)[: 2 if _OR.search(part) else None]
        if len(terms) > 1 and _OR.search(part):
            terms = [replace(terms[0], others=tuple(terms[1:]))]
        found += terms
    return found


def _terms_of(part: str, *, must: bool, named: bool) -> list[Term]:
    found = [Term(item.name, item.said, printed(item.said, part), item.field, must) for item in mentions([part])]
    inside = {word for term in found for word in term.said.split()}
    if named:
        names = [name for name in _NAME.findall(part) if lexicon.normalised(name) not in _NO_TERMS | inside]
        found += [Term(lexicon.normalised(name), lexicon.normalised(name), name, "", must) for name in names]
    return found


def _phrases_of(part: str, *, must: bool) -> list[Term]:
    """What a part of a requirement asks for where it names nothing that we know."""
    found = phrases.phrases(_YEARS.sub(" ", part))
    return [Term(" ".join(phrases.stems(each)), lexicon.normalised(each), each, "", must) for each in found]


def printed(said: str, line: str) -> str:
    """How the line writes the words."""
    match = re.search("[^\\w]{1,3}".join(re.escape(word) for word in said.split()), line, re.IGNORECASE)
    return match.group() if match else said


def mentions(lines: list[str]) -> list[Mention]:
    """Every skill the lines name, the longest name winning: Spring Boot is not also Spring."""
    table = lexicon.skills()
    out = []
    for number, line in enumerate(lines):
        words = lexicon.tokens(line)
        at = 0
        while at < len(words):
            said, length = _longest(words, at, table)
            if said:
                name, skill_field = table[said]
                out.append(Mention(name, said, skill_field, number))
            at += max(length, 1)
    return out


def _longest(words: list[str], at: int, table: dict[str, tuple[str, str]]) -> tuple[str, int]:
    if lexicon.beginnings().isdisjoint((words[at], words[at].removesuffix("s"))):
        return "", 0
    for length in range(min(_LONGEST, len(words) - at), 0, -1):
        phrase = " ".join(words[at : at + length])
        for form in (phrase, phrase.removesuffix("s")):
            if form in table:
                return form, length
    return "", 0


def level(title: str) -> int | None:
    """The seniority a title states; None where it states none."""
    stated = [_SENIORITY[word] for word in lexicon.tokens(title) if word in _SENIORITY]
    return max(stated) if stated else None


def role(title: str) -> frozenset[str]:
    """The words of a title that say what is done; developer and engineer are one."""
    return frozenset(_ROLE_WORDS.get(word, "") for word in lexicon.tokens(title)) - {""}
