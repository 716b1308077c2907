"""What a resume says about a person's private life, and no task needs: found by its labels and its shape, and taken out.

Birth, age, gender, family, faith, caste, numbers of identity papers, photograph, and where exactly somebody lives; the town
stays, because work is looked for in a place. Resumes of India often begin with a table of such facts.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tollgate.resumes.text import BULLET

REMOVED: Final = "private_data_removed"

# Between the facts of one line.
_BETWEEN: Final = re.compile(r"(\s+\|\s+|[ \t]{2,}|\s+[•·]\s+|;\s+)")
_COLON: Final = r"\s*(?:\([^()]{0,30}\))?\s*(?:no\.?|number|#)?\s*(?:[:=–—]|-(?=[\s\d]))[:–—-]*\s*"

_LABELS: Final[dict[str, str]] = {
    "date of birth": r"date\s+of\s+birth|d\.?o\.?b\.?|birth\s*date|born(?:\s+on)?|place\s+of\s+birth|birth\s*place|जन्म\s*तिथि",
    "age": r"age|आयु",
    "gender": r"gender|sex|लिंग",
    "marital status": r"marital\s+status|civil\s+status|वैवाहिक\s*स्थिति",
    "family": (
        r"(?:father|mother|husband|wife|spouse|guardian|parent)(?:['’]?s)?(?:\s*/\s*(?:husband|mother|spouse)(?:['’]?s)?)?"
        r"\s*(?:name|occupation)?|[sdw]/o|no\.?\s+of\s+children|children|पिता\s*का\s*नाम|माता\s*का\s*नाम"
    ),
    "religion or caste": r"religion|caste|sub[- ]?caste|धर्म|जाति",
    "body": r"blood\s+group|height|weight|complexion",
    "identity number": (
        r"passport(?:\s+details)?|aadhaa?r(?:\s+card)?|uid(?:ai)?|pan(?:\s+card)?|voter\s*id(?:\s+card)?|epic|uan|esic"
        r"|(?:social\s+security|national\s+insurance)|ssn|पासपोर्ट|आधार|पैन"
    ),
    "address": (
        r"(?:(?:permanent|present|current|residential|local|home|correspondence|communication|postal|mailing|native)\s+)*"
        r"(?:address(?:\s+for\s+(?:correspondence|communication))?|residence)|स्थायी\s*पता|पता"
    ),
}
_SOME_LABEL: Final = re.compile(
    "|".join(_LABELS.values()), re.IGNORECASE
)  # one look, and most facts are done with labels
_LABELLED: Final = {
    kind: re.compile(rf"(?:{words})(?:{_COLON}(?P<value>.*)|\s*\d.*)?", re.IGNORECASE)
    for kind, words in _LABELS.items()
}
_ALONE: Final = {
    kind: re.compile(rf"(?:{words})\s*(?:no\.?|number)?\s*[:–—-]?", re.IGNORECASE) for kind, words in _LABELS.items()
}
# Labels that are words of other things too; with these values they say what we look for.
_VALUED: Final = {
    "gender": re.compile(r"(?:gender|sex)\W{0,4}(?:male|female|transgender|non-binary|other|[mf])\b", re.IGNORECASE),
    "marital status": re.compile(
        r"(?:marital |civil )?status\W{0,4}(?:un)?(?:married|single|divorced|widow(?:ed|er)?|separated)\b",
        re.IGNORECASE,
    ),
    "family": re.compile(r"[sdwc]/o\b.+", re.IGNORECASE),
    "religion or caste": re.compile(
        r"category\W{0,4}(?:obc|o\.b\.c\.?|s\.?c\.?|s\.?t\.?|ews|general|gen|ur|unreserved|bc-?[a-e]?|mbc|vjnt|sebc)\b.{0,20}",
        re.IGNORECASE,
    ),
}
_BORN: Final = re.compile(
    r"\b(?:was\s+)?born\s+(?:on|in)\s+(?:\d{1,2}(?:st|nd|rd|th)?[ ./-]+)?(?:[a-z]{3,9}[ ,./-]+|\d{1,2}[./-])*\d{2,4}\b",
    re.IGNORECASE,
)
_AADHAAR: Final = re.compile(r"(?<![\d+.-])[2-9]\d{3}([ -])\d{4}\1\d{4}(?![ -]?\d)")
_PAN: Final = re.compile(r"(?<!\w)[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z](?!\w)")
_PASSPORT: Final = re.compile(r"\bpassport\b.{0,25}?\b[A-Z][ -]?\d{7}\b(?:.{0,12}valid.{0,40})?", re.IGNORECASE)
_PHOTO: Final = re.compile(
    r"\W*(?:recent |passport[- ]size )*photo(?:graph)?(?: (?:attached|enclosed|here))?\W*", re.IGNORECASE
)
_SHAPES: Final = (
    ("date of birth", _BORN),
    ("identity number", _AADHAAR),
    ("identity number", _PAN),
    ("identity number", _PASSPORT),
)

_HOUSE: Final = re.compile(
    r"\b(?:house|flat|plot|door|room|apartment|apt|villa|bungalow|quarters?|qtr|[hd]\.?\s*no)\b\.?\s*"
    r"(?:no\b\.?|number|#)?\s*[-:#]?\s*[a-z]?-?\d"
    r"|(?<!\w)#\s?\d+"
    r"|\b\d{1,5}[a-z]?(?:/\d+)?,? (?:[^\W\d]+\.? ){1,3}(?:street|st|road|rd|avenue|ave|lane|ln|drive|boulevard|blvd"
    r"|marg|gali)\b",
    re.IGNORECASE,
)
_STREET: Final = re.compile(
    r"\b(?:street|road|lane|nagar|colony|sector|block|ward|floor|phase|layout|cross|main|society|apartments?|enclave|vihar|residency|heights|towers?|bhavan|niwas|estate"
    r"|chowk|near|opp(?:osite)?|behind|village|vill|post|p\.?o|tehsil|taluka?|mandal|gali|marg)\b\.?",
    re.IGNORECASE,
)
_POSTCODE: Final = re.compile(
    r"(?:\bpin(?:\s*code)?\W{0,3})?(?<!\d)[1-9]\d{2} ?\d{3}(?!\d)|\b[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}\b|\b\d{5}(?:-\d{4})?\b"
)
_COUNTRIES: Final = frozenset({"india", "bharat", "uk", "united kingdom", "usa", "united states", "uae"})
_LONGEST_ADDRESS: Final = 160  # characters of a fact; more is prose
_LONGEST_VALUE: Final = 80  # of a label that stands above or before it
_ADDRESS_LINES: Final = 3  # that may follow one with the label


@dataclass(frozen=True, slots=True)
class Redacted:
    """A text without private facts, and which kinds it held, in the order of the alphabet."""

    text: str
    kinds: tuple[str, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """One warning that names the kinds, never the facts."""
        return (f"{REMOVED}: {', '.join(self.kinds)}",) if self.kinds else ()


def redacted(text: str) -> Redacted:
    """The text without what its labels or its shape show to be private. Lines that hold nothing else go."""
    found: set[str] = set()
    kept = list(_lines(text.splitlines(), found))
    return Redacted("\n".join(kept).strip("\n"), tuple(sorted(found))) if found else Redacted(text)


def _lines(lines: list[str], found: set[str]) -> Iterator[str]:
    pending: str | None = None  # the kind of a label that stood alone: its value follows
    following = 0
    for line in lines:
        if following and _goes_on(line):
            following -= 1
            if town := _town(line):
                yield town
            continue
        rest, pending, opened = _without(line, pending, found)
        following = _ADDRESS_LINES if opened else 0
        if rest == line or rest.strip(" |;,•·-–—:."):
            yield rest


def _goes_on(line: str) -> bool:
    """Whether a line may be the next of an address: a few words with a comma, a street or a post code, and no label."""
    if line.startswith(BULLET) or re.search(r"[:@+]", line) or not 0 < len(line.strip()) <= _LONGEST_ADDRESS:
        return False
    return bool(_HOUSE.search(line) or _STREET.search(line) or _POSTCODE.search(line))


def _without(line: str, pending: str | None, found: set[str]) -> tuple[str, str | None, bool]:
    """The line without private facts, the kind whose value must follow, and whether it leaves an address unfinished."""
    facts = [part.strip() for part in _BETWEEN.split(line)]
    between, facts = facts[1::2], facts[::2]
    kept: list[str] = []
    unfinished = False
    for at, fact in enumerate(facts):
        if pending and fact and (len(fact) > _LONGEST_VALUE or fact.startswith(BULLET)):
            pending = None  # nothing followed that label
        if pending and fact:
            found.add(pending)
            unfinished = pending == "address"
            rest, pending = (_town(fact) if pending == "address" else ""), None
        elif kind := _label_alone(fact, facts[at + 1 : at + 2]):
            pending = kind
            continue
        else:
            rest, kinds = _judged(fact)
            found |= kinds
            unfinished = "address" in kinds and fact.endswith((",", ":", "-"))
        if rest:
            kept += [f" {between[at - 1]} " if between[at - 1] else "  ", rest] if kept else [rest]
    return ("".join(kept) if kept != [line.strip()] else line), pending, unfinished


def _label_alone(fact: str, following: list[str]) -> str | None:
    """The kind of a label whose value stands in the next fact."""
    if len(fact) > _LONGEST_VALUE:
        return None
    if _SOME_LABEL.match(fact):
        for kind, pattern in _ALONE.items():
            if pattern.fullmatch(fact):
                return kind
    pair = " ".join([fact, *following])
    return next((kind for kind, pattern in _VALUED.items() if following and pattern.fullmatch(pair)), None)


def _judged(fact: str) -> tuple[str, set[str]]:
    """A fact, or what may stay of it, and its kinds as far as it is private."""
    bare = fact.removeprefix(BULLET)
    if len(bare) <= _LONGEST_ADDRESS:
        for kind, pattern in _LABELLED.items() if _SOME_LABEL.match(bare) else ():
            if (match := pattern.fullmatch(bare)) and (match["value"] is not None or kind == "identity number"):
                value = match["value"] or ""
                rest, more = (_town(value), set[str]()) if kind == "address" else _others(value)
                return rest, {kind} | more
        for kind, pattern in _VALUED.items():
            if pattern.fullmatch(bare.rstrip(" .")):
                return "", {kind}
        if _PHOTO.fullmatch(bare):
            return "", {"photograph"}
        if bare == fact and _is_address(fact):
            return _town(fact), {"address"}
    return _shaped(fact)


def _others(value: str) -> tuple[str, set[str]]:
    """What a line that strings facts together with commas says besides its first: those with a label of their own."""
    judged = [_judged(part.strip()) for part in value.split(",")[1:] if ":" in part]
    kinds = {kind for _, found in judged for kind in found}
    return ", ".join(rest for rest, _ in judged if rest), kinds


def _shaped(fact: str) -> tuple[str, set[str]]:
    kinds = set()
    for kind, shape in _SHAPES:
        fact, count = shape.subn("", fact)
        kinds |= {kind} if count else set()
    return (" ".join(fact.split()).strip(" ,;:-") if kinds else fact), kinds


def _is_address(part: str) -> bool:
    """Whether a fact without a label is one: house or street, post code, commas; no sentence."""
    if "," not in part or ". " in part.replace("No. ", "") or len(part) > _LONGEST_ADDRESS * 3 // 4:
        return False
    signs = (bool(_HOUSE.search(part)), bool(_STREET.search(part)), bool(_POSTCODE.search(part)), part.count(",") > 2)  # noqa: PLR2004 -- commas
    return sum(signs) >= 2 and (signs[0] or signs[2])  # noqa: PLR2004 -- signs


def _town(address: str) -> str:
    """The town and region of an address: its last parts that hold no figure and no street."""
    parts = [_POSTCODE.sub("", part).strip(" .,:-–()") for part in address.split(",")]
    parts = [part for part in parts if part and not re.search(r"\d", part) and not _STREET.search(part)]
    most = 3 if parts and parts[-1].casefold() in _COUNTRIES else 2
    return ", ".join(parts[-most:])
