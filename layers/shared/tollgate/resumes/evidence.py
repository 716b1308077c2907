"""How a resume answers a job: each requirement with how well it is met and where, by words alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from tollgate.resumes import job, lexicon, phrases
from tollgate.resumes.sections import Outline

WHOLE: Final = 1000  # permille
_OTHER_NAME: Final = 800  # an employer's search may look for its own word only
_LISTED: Final = 900  # in the list of skills, nowhere in the work
_COPIED_RUN: Final = 12  # words in a row that stand in the job's text too


@dataclass(frozen=True, slots=True)
class Evidence:
    """One requirement: `credit` in permille for its word, `shown` if the work tells of it, and the best line.

    `met` is the requirement or that of its alternatives which the line speaks of, `said` its word there.
    """

    term: job.Term
    met: job.Term
    credit: int
    said: str
    shown: bool
    line: str

    @property
    def found(self) -> bool:
        return self.credit > 0

    @property
    def renamed(self) -> bool:
        """Whether the resume uses another word than the job."""
        return self.found and not _same(self.said, self.met.said)


@dataclass(frozen=True, slots=True)
class _Lines:
    """Lines of a resume, as words and by the skills they name; `shown` if they tell of work."""

    lines: Sequence[str]
    stems: Sequence[Sequence[str]]
    named: Mapping[str, Sequence[job.Mention]]
    shown: bool

    def mentions(self, term: job.Term) -> Sequence[job.Mention]:
        if term.field:
            return self.named.get(term.name, ())
        wanted = phrases.stems(term.printed)
        found = ((at, phrases.find(line, wanted)) for at, line in enumerate(self.stems))
        return [job.Mention(term.name, self._said(at, place, wanted, term), "", at) for at, place in found if place]

    def _said(self, line: int, place: tuple[int, int], wanted: list[str], term: job.Term) -> str:
        """The line's own words, or the job's where they are the same but for their form."""
        begin, end = place
        if self.stems[line][begin:end] == wanted:
            return term.said
        return " ".join(phrases.words(self.lines[line])[begin:end])


def weigh(outline: Outline, wanted: job.Job, job_text: str) -> tuple[Evidence, ...]:
    """Every requirement of the job with its evidence. Sentences copied out of the job's text prove nothing."""
    told = [*outline.head, *(line for name, lines in outline.sections if name != "skills" for line in lines)]
    places = (_lines(_own_words(told, job_text), shown=True), _lines(outline.lines("skills"), shown=False))
    return tuple(_best(term, places) for term in wanted.terms)


def _lines(lines: list[str], *, shown: bool) -> _Lines:
    named: dict[str, list[job.Mention]] = {}
    for mention in job.mentions(lines):
        named.setdefault(mention.name, []).append(mention)
    return _Lines(lines, [phrases.stems(line) for line in lines], named, shown)


def _best(term: job.Term, places: Sequence[_Lines]) -> Evidence:
    """The best evidence for a requirement or one of its alternatives."""
    found = [
        _evidence(choice, mention.said, place.lines[mention.line], shown=place.shown)
        for choice in (term, *term.others)
        for place in places
        for mention in place.mentions(choice)
    ]
    if not found:
        return Evidence(term, term, 0, "", shown=False, line="")
    best = max(found, key=lambda item: item.credit)
    return replace(best, term=term, shown=any(item.shown for item in found))


def _evidence(term: job.Term, said: str, line: str, *, shown: bool) -> Evidence:
    credit = (WHOLE if _same(said, term.said) else _OTHER_NAME) * (WHOLE if shown else _LISTED) // WHOLE
    return Evidence(term, term, credit, said, shown, line)


def _same(one: str, other: str) -> bool:
    return one.removesuffix("s") == other.removesuffix("s")


def _own_words(lines: Sequence[str], job_text: str) -> list[str]:
    words = lexicon.tokens(job_text)
    runs = {tuple(words[at : at + _COPIED_RUN]) for at in range(len(words) - _COPIED_RUN + 1)}
    return [line for line in lines if not _copied(lexicon.tokens(line), runs)]


def _copied(words: list[str], runs: set[tuple[str, ...]]) -> bool:
    return any(tuple(words[at : at + _COPIED_RUN]) in runs for at in range(len(words) - _COPIED_RUN + 1))
