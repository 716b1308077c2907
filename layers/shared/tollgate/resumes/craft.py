"""How well a resume is made, whatever the job: the rules of the ATS score that every resume is held against.

What recruiters and screening software agree on: who and what the person is, in the first lines; work in short statements
that begin with what was done and end in a result with a figure; dates that can be computed with; the words of the trade.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Final

from tollgate.resumes import job, lexicon, personal, sections
from tollgate.resumes.evidence import WHOLE
from tollgate.resumes.judging import YEAR, Case, Judgement, quote, share
from tollgate.resumes.text import BULLET

_EMAIL: Final = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}\.[\w.-]+")
_PHONE: Final = re.compile(r"(?:\+?\d{1,3}[ -]?)?(?:\(\d{2,5}\)|\d{2,5})(?:[ -]?\d{2,5}){1,4}")
_LINK: Final = re.compile(
    r"(?:https?://|www\.|linkedin\.com|github\.com|orcid\.org)\S+"
    r"|(?<![\w.@-])[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}/\S|(?<![\w.@-])[\w-]{1,63}(?:\.[\w-]{1,63}){1,3}\.(?:com|in|org|net|dev|io)\b",
    re.IGNORECASE,
)
_PLACE: Final = re.compile(r"(?<!\w)[^\W\d_]{2,40}, ?[^\W\d_]{2,40}|\b\d{6}\b")
_PHONE_DIGITS: Final = (8, 15)
_FIGURE: Final = re.compile(
    r"\d|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|hundred|thousand|lakh|crore|million|halved?"
    r"|doubled?|tripled?)\b",
    re.IGNORECASE,
)
_CHANGE: Final = re.compile(r"\bfrom\b.{1,40}\bto\b|\bby \d|\d ?(?:%|per ?cent)\b|growth|बढ़|घट|हासिल", re.IGNORECASE)
_RESULT_VERBS: Final = frozenset(
    {
        "accelerate",
        "beat",
        "boost",
        "cut",
        "decrease",
        "double",
        "earn",
        "eliminate",
        "exceed",
        "gain",
        "generate",
        "grow",
        "halve",
        "improve",
        "increase",
        "lower",
        "minimise",
        "minimize",
        "raise",
        "recover",
        "reduce",
        "save",
        "shorten",
        "speed",
        "triple",
        "win",
    }
)
_ODD_CHARACTERS: Final = re.compile("\ufffd|\\(cid:\\d+\\)|\u25a1")
_CLICHES: Final = re.compile(
    r"\b(?:hard[- ]?working|team player|(?:quick|fast) learner|go[- ]getter|self[- ](?:motivated|starter)|synerg\w+)"
    r"|\bthink(?:ing)? outside the box|\breputed (?:organi[sz]ation|company)|\bsincere\b|\bhonest and dedicated"
    r"|\bdynamic (?:personality|professional|individual)|\bresults?[- ](?:driven|oriented)|\bdetail[- ]oriented"
    r"|\bproven track record|\bexcellent communication|\b(?:highly )?motivated\b|\bpassionate\b"
    r"|\butili[sz]e my skills|\bgrow with the company",
    re.IGNORECASE,
)
_VAGUE: Final = re.compile(
    r"\b(?:responsible for|duties (?:include|included)|worked (?:on|with) various|various|several tasks|etc|and so on"
    r"|miscellaneous|day[- ]to[- ]day (?:activities|tasks))\b",
    re.IGNORECASE,
)
_FIRST_PERSON: Final = re.compile(r"(?<![\w.])(?:I|I'm|I’m|my|me|myself|we|our)(?![\w.])")
_DEGREE: Final = re.compile(
    r"\b(?:b\.?\s?(?:tech|e|sc|com|a|ed|arch|pharm|b\.?a|ca)|m\.?\s?(?:tech|e|sc|com|a|ed|b\.?a|ca|d)|ph\.?\s?d|d\.?phil|mbbs|bds|llb|gnm"
    r"|anm|bachelor|master|doctor|diploma|degree|iti|ca final|cpa|cfa|associate|high school|hsc|ssc|sslc|class xi?i?|10th|12th)\b"
    r"|बी\.?|स्नातक",
    re.IGNORECASE,
)
_ITEMS: Final = re.compile(r"[,;|•·]|\s{2,}|\n")

_FULL_QUANTIFIED, _FULL_RESULTS, _FULL_VERBS = 750, 650, 850  # permille of statements
_LEAST_STATEMENTS: Final = 6
_STATEMENTS_A_POST: Final = 4
_SHORT, _LONG = 8, 32  # words of a statement
_SUMMARY_WORDS: Final = (20, 90)
_FULL_SKILLS, _FULL_SHOWN = 16, 8
_WORDS: Final = (60, 350, 850, 1_400)  # nothing below, full between the middle two, half beyond the last
_LONGEST_WORD: Final = 45  # letters
_MAX_REPEATS: Final = 2
_GAP: Final = 12  # months that a reader asks about
_LAYOUT_COSTS: Final = {
    "scanned_text_layer": (500, "the text comes from a scan"),
    "text_boxes": (300, "text boxes"),
    "columns": (200, "columns side by side"),
    "tables": (200, "tables"),
    "header_text": (100, "text in the header or footer"),
    "images": (100, "pictures"),
}


def _parts(*parts: tuple[bool, int, str]) -> tuple[int, str, str]:
    """The worth of what is there, its names, and the names of what is missing."""
    found = [name for there, _, name in parts if there]
    missing = [name for there, _, name in parts if not there]
    return sum(worth for there, worth, _ in parts if there), ", ".join(found) or "nothing", ", ".join(missing)


def _contact(case: Case) -> Judgement:
    phone = any(_is_phone(found) for found in _PHONE.findall(_EMAIL.sub(" ", case.text)))
    where = [_EMAIL.sub(" ", line) for line in [*case.outline.head, *case.outline.lines("other")]]
    worth, found, missing = _parts(
        (bool(_EMAIL.search(case.text)), 350, "e-mail"),
        (phone, 300, "telephone"),
        (any(_PLACE.search(line) for line in where), 200, "town"),
        (any(_LINK.search(line) for line in where), 150, "profile link (LinkedIn, portfolio or the like)"),
    )
    return Judgement(worth, f"Found: {found}.", f"Add at the top: {missing}.")


def _is_phone(found: str) -> bool:
    digits = re.sub(r"\D", "", found)
    years = all(YEAR.fullmatch(part) for part in re.split("[ -]+", found))
    return _PHONE_DIGITS[0] <= len(digits) <= _PHONE_DIGITS[1] and not years


def _headline(case: Case) -> Judgement:
    lines = [
        line for line in case.outline.head if not (_EMAIL.search(line) or _LINK.search(line) or _PHONE.search(line))
    ]
    titled = next((line for line in lines if 1 < len(line.split()) <= 14 and "  " not in line), None)  # noqa: PLR2004 -- words
    if titled:
        return Judgement(WHOLE, f"Under the name stands: {quote(titled)}.")
    return Judgement(
        0, "No line under the name says what you are.", "Write your present or wanted role under your name."
    )


def _summary(case: Case) -> Judgement:
    text = " ".join(case.outline.lines("summary"))
    words = len(text.split())
    if not words:
        return Judgement(0, "No summary.", "Begin with two or three lines: role, years, field and one result.")
    low, high = _SUMMARY_WORDS
    named = bool(job.mentions([text])) or bool(job.role(text))
    worth, found, missing = _parts(
        (low <= words <= high, 350, f"{low} to {high} words"),
        (bool(_FIGURE.search(YEAR.sub("", text))), 350, "a figure, such as years or a result"),
        (named, 300, "your role or field"),
    )
    return Judgement(worth, f"{words} words; found: {found}.", f"Let the summary have: {missing}.")


def _sections(case: Case) -> Judgement:
    names = case.outline.names
    order = [name for name, lines in case.outline.sections if lines]
    worked = next((name for name in order if name in {"experience", "projects"}), None)
    years = sections.months_covered(sections.spans(case.outline.lines("experience")), case.month) // 12
    late = bool(worked) and years >= 2 and "education" in order and order.index("education") < order.index(str(worked))  # noqa: PLR2004 -- years
    worth, found, missing = _parts(
        (bool(worked), 350, "Experience or Projects"),
        ("education" in names, 250, "Education"),
        ("skills" in names, 250, "Skills"),
    )
    advice = f"Add a section with a plain heading: {missing}." if missing else ""
    finding = f"Headings recognised: {found}"
    if late:
        return Judgement(
            worth, f"{finding}; education stands before your work.", advice or "Put Experience before Education."
        )
    return Judgement(worth + 150, f"{finding}.", advice)


def _depth(case: Case) -> Judgement:
    posts = [count for _, count in _posts(case)]
    if not posts:
        return Judgement(
            0, "No post, internship or project with statements about it.", "Say under each post what you did."
        )
    share_of_all = sum(min(WHOLE, count * WHOLE // _STATEMENTS_A_POST) for count in posts) // len(posts)
    thin = sum(count < _STATEMENTS_A_POST for count in posts)
    return Judgement(
        share_of_all,
        f"{len(posts)} posts with {sum(posts)} statements; {thin} have fewer than {_STATEMENTS_A_POST}.",
        f"Give each post at least {_STATEMENTS_A_POST} statements, the latest most.",
    )


def _posts(case: Case) -> Iterator[tuple[str, int]]:
    """Each post with how many statements it has; projects count only where there is no experience."""
    lines = case.outline.lines("experience") or case.outline.lines("projects")
    dated = any(sections.spans([line]) for line in lines)
    title, count = "", 0
    for line in lines:
        begins = bool(sections.spans([line])) if dated else not line.startswith(BULLET) and count > 0
        if begins:
            if title or count:
                yield title, count
            title, count = line, 0
        count += sections.statements_in([line])
    if title or count:
        yield title, count


def _quantified(case: Case) -> Judgement:
    statements = case.outline.statements
    if not statements:
        return Judgement(0, "No bullets about what you did.", "Describe your work in bullets with results.")
    with_figure = [line for line in statements if _has_figure(line)]
    without = next((line for line in statements if line not in with_figure), None)
    return Judgement(
        share(len(with_figure), max(len(statements), _LEAST_STATEMENTS), _FULL_QUANTIFIED),
        f"{len(with_figure)} of {len(statements)} statements name a figure.",
        f"Say how much, how many or how fast, for example in: {quote(without)}."
        if without
        else "Add more bullets about what you did, with figures.",
    )


def _has_figure(line: str) -> bool:
    return bool(_FIGURE.search(YEAR.sub("", line)))


def _results(case: Case) -> Judgement:
    statements = case.outline.statements
    shown = [line for line in statements if _is_result(line)]
    other = next((line for line in statements if line not in shown), "")
    return Judgement(
        share(len(shown), max(len(statements), _LEAST_STATEMENTS), _FULL_RESULTS),
        f"{len(shown)} of {len(statements)} statements say what changed: from how much to how much, by how much, what it saved.",
        f"End a statement with what came of it, for example: {quote(other)}."
        if other
        else "Add statements that end in a result.",
    )


def _is_result(line: str) -> bool:
    words = (lexicon.verb(word) for word in re.split("[^A-Za-z]+", line) if word)
    return _has_figure(line) and (bool(_CHANGE.search(line)) or any(word in _RESULT_VERBS for word in words))


def _verbs(case: Case) -> Judgement:
    judged = [line for line in case.outline.statements if re.match("[\"'(]*[A-Za-z]", line)]
    if not judged:
        full = WHOLE if case.outline.statements else 0  # another script is not judged by English verbs
        return Judgement(full, "No statements in English to judge.", "Begin each bullet with what you did.")
    verbs = Counter(
        found for line in judged if (found := lexicon.verb(re.split("[^A-Za-z]+", line.lstrip("\"'("), maxsplit=1)[0]))
    )
    weak = [line for line in judged if lexicon.WEAK_OPENINGS.match(line)]
    repeated = sorted(word for word, count in verbs.items() if count > _MAX_REPEATS)
    finding = f"{sum(verbs.values())} of {len(judged)} statements begin with an action verb"
    finding += f"; repeated: {', '.join(repeated)}." if repeated else "."
    advice = "Begin each statement with an action verb such as built, led or reduced."
    if weak:
        advice = f"Begin with what you did (built, led, reduced) instead of: {quote(weak[0])}."
    elif repeated:
        advice = f"Vary the openings: {', '.join(repeated)} come more than twice."
    full = share(sum(verbs.values()), max(len(judged), _LEAST_STATEMENTS), _FULL_VERBS)
    return Judgement(full - 150 * min(5, len(repeated)), finding, advice)


def _wording(case: Case) -> Judgement:
    lines = [*case.outline.lines("summary"), *case.outline.statements]
    text = " ".join(lines)
    empty = {found.casefold() for pattern in (_CLICHES, _VAGUE) for found in pattern.findall(text)}
    first = sum(bool(_FIRST_PERSON.search(line)) for line in lines)
    told = sorted(empty) + ([f"first person in {first} lines"] if first else [])
    if not lines:
        return Judgement(0, "Nothing is told.", "Tell in bullets what you did.")
    return Judgement(
        WHOLE - 200 * len(empty) - 150 * min(first, 3),
        f"Empty or vague: {', '.join(told)}." if told else "Plain words, no phrases.",
        f"Show it instead of saying it: {', '.join(sorted(empty)[:5])}." if empty else "Leave out I, my and we.",
    )


def _statements(case: Case) -> Judgement:
    statements = case.outline.statements
    lengths = [len(line.split()) for line in statements]
    right = sum(_SHORT <= length <= _LONG for length in lengths)
    far = next((line for line, length in zip(statements, lengths, strict=True) if not _SHORT <= length <= _LONG), "")
    long = len(far.split()) > _LONG
    return Judgement(
        share(right, max(len(statements), _LEAST_STATEMENTS), 950),
        f"{right} of {len(statements)} statements have {_SHORT} to {_LONG} words.",
        f"{'Split' if long else 'Say more in'}: {quote(far)}."
        if far
        else "Write more statements, one or two lines each.",
    )


def _dates(case: Case) -> Judgement:
    worked = case.outline.lines("experience")
    found = sections.spans(worked)
    if not found:
        years = YEAR.search(" ".join(case.outline.lines("education", "projects")))
        full = 600 if years and not worked else 300 if years else 0
        return Judgement(
            full, "No period (from - to) under Experience.", "Write from and to for each post: Apr 2021 - Present."
        )
    styles = Counter(span.style for span in found)
    style, alike = styles.most_common(1)[0]
    gap = sections.longest_gap(found, case.month)
    worth, _, missing = _parts(
        (all(span.end is None or span.end >= span.start for span in found), 200, "every period ends after it begins"),
        (style != "YYYY", 200, "months as well as years"),
        (_latest_first(case), 150, "the latest post first"),
        (gap <= _GAP, 150, f"a word about the {gap} months between two posts (study, care, travel)"),
        (alike == len(found), 0, f"all dates alike, for example {style}"),
    )
    return Judgement(
        worth + 300 * alike // len(found),
        f"{len(found)} periods, {alike} written as {style}" + (f"; a gap of {gap} months." if gap > _GAP else "."),
        f"Make sure of: {missing}.",
    )


def _latest_first(case: Case) -> bool:
    for name, lines in case.outline.sections:
        ends = [span.end or case.month for span in sections.spans(list(lines))] if name == "experience" else []
        if any(later > earlier for earlier, later in pairwise(ends)):
            return False
    return True


def _skills(case: Case) -> Judgement:
    listed = _listed_skills(case)
    told = [*case.outline.statements, *case.outline.lines("summary")]
    plain = f" {lexicon.normalised(' '.join(told))} "
    shown = {item for item in listed if f" {item} " in plain} | {mention.name for mention in job.mentions(told)}
    known = {mention.name for mention in job.mentions(case.outline.every_line)}
    count = len(known | {item for item in listed if item not in lexicon.skills()})
    return Judgement(
        share(count, _FULL_SKILLS) // 2 + share(len(shown), _FULL_SHOWN) // 2,
        f"{count} skills are named, {len(shown)} of them where you tell of your work.",
        "Name the tools, methods and subjects of your field, and say in a bullet where you used them.",
    )


def _listed_skills(case: Case) -> set[str]:
    """What stands in the section of skills, one by one, whatever the trade: not every trade's words are in our list."""
    lines = [re.sub(r"^[^:,]{2,30}:", "", line) for line in case.outline.lines("skills")]
    items = (lexicon.normalised(item) for line in lines for item in _ITEMS.split(line.removeprefix(BULLET)))
    return {item for item in items if item and len(item.split()) <= 5}  # noqa: PLR2004 -- more words are a sentence


def _education(case: Case) -> Judgement:
    lines = case.outline.lines("education")
    text = " ".join(lines)
    worth, found, missing = _parts(
        (bool(lines) and bool(_DEGREE.search(text)), 500, "a degree or certificate"),
        (bool(YEAR.search(text)), 300, "years"),
        (any(len(line.split()) > 3 for line in lines), 200, "where it was"),  # noqa: PLR2004 -- words
    )
    return Judgement(worth, f"Found: {found}.", f"Name under Education: {missing}.")


def _length(case: Case) -> Judgement:
    words = sum(len(line.split()) for name, lines in case.outline.sections if name != "other" for line in lines)
    least, full, most, far = _WORDS
    if words < full:
        return Judgement(
            WHOLE * max(words - least, 0) // (full - least),
            f"{words} words, less than a page says.",
            f"Say more about what you did and achieved; {full} to {most} words are read with pleasure.",
        )
    over = min(max(words - most, 0), far - most)
    return Judgement(
        WHOLE - 500 * over // (far - most), f"{words} words.", "Shorten older posts; two pages are enough."
    )


def _formatting(case: Case) -> Judgement:
    costs = [(cost, what) for note, (cost, what) in _LAYOUT_COSTS.items() if note in case.layout]
    odd = len(_ODD_CHARACTERS.findall(case.text))
    if odd:
        costs.append((min(600, 50 * odd), f"{odd} unreadable characters"))
    words = (word for line in case.outline.every_line for word in line.split())
    if any(len(word) > _LONGEST_WORD and not _LINK.match(word) for word in words):
        costs.append((200, "words without spaces between them"))
    told = case.outline.lines("experience")
    if told and not any(line.startswith(BULLET) for line in told):
        costs.append((300, "work told without bullets"))
    what = ", ".join(name for _, name in costs)
    return Judgement(
        WHOLE - sum(cost for cost, _ in costs),
        f"Hard for some systems to read: {what}." if what else "Nothing that hinders reading by machine.",
        "Use one column, bullets, plain headings and no text boxes; keep contact details out of the page header.",
    )


def _private(case: Case) -> Judgement:
    kinds = personal.redacted(case.text).kinds
    told = ", ".join(kinds)
    return Judgement(
        WHOLE - 350 * len(kinds),
        f"Private facts that no employer needs: {told}." if kinds else "Nothing private that no employer needs.",
        f"Leave out: {told}. Many employers must not look at it.",
    )


RULES: Final[dict[str, tuple[str, Callable[[Case], Judgement]]]] = {
    "contact": ("Contact details", _contact),
    "headline": ("What you are, under your name", _headline),
    "summary": ("Summary", _summary),
    "sections": ("Sections and their order", _sections),
    "depth": ("Statements under each post", _depth),
    "quantified": ("Figures", _quantified),
    "results": ("Results", _results),
    "verbs": ("Action verbs", _verbs),
    "wording": ("Plain words", _wording),
    "statements": ("Length of statements", _statements),
    "dates": ("Dates", _dates),
    "range": ("Words of your field", _skills),
    "education": ("Education", _education),
    "length": ("Length", _length),
    "formatting": ("Readable by machines", _formatting),
    "private": ("Private facts left out", _private),
}
WEIGHTS: Final = {
    "contact": 6,
    "headline": 3,
    "summary": 6,
    "sections": 7,
    "depth": 8,
    "quantified": 11,
    "results": 11,
    "verbs": 7,
    "wording": 5,
    "statements": 4,
    "dates": 7,
    "range": 9,
    "education": 4,
    "length": 4,
    "formatting": 6,
    "private": 2,
}
