"""The words of any trade: phrases that carry a requirement, and when two of them are the same in another form.

No list knows every trade. What is left of a requirement without small words, without words that every advertisement uses and
without the verbs that lead it in, is what is asked for.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final

from tollgate.resumes import lexicon

LONGEST: Final = 4  # words of a phrase
_SMALL: Final = (
    "a about across after all also am an and any are as at be been before but by can could do does each etc for "
    "from had has have he her here his how i if in into is it its like may more most must need needed new not "
    "of off on one only or other our out over own per shall she should so some such than that the their them then "
    "there these they this through to under up us use used using very via was we well were what when where which "
    "while who whom will with within without would you your "
)
SMALL_WORDS: Final = frozenset(_SMALL.split())
_FILLING: Final = (
    "able ability advantage apply applicant applicants background basic benefit benefits bonus candidate candidates "
    "capable clear come comfortable company contact competent confident considered day days deep demonstrable demonstrated "
    "desirable desired duties employee employees environment equivalent essential every excellent exceptional "
    "experience experienced expert expertise exposure familiar familiarity field firm first full good graduate "
    "great group growing hands-on high highly hour hours ideal ideally include includes including individual "
    "industry job join joining keen kind knowledge large leading least level life like looking love mandatory "
    "minimum month months nice office opportunity optional organisation organization part passion passionate people "
    "person plus position post preferably preferred previous prior proficiency proficient proven qualification "
    "qualifications qualified record relevant reliable required requirement requirements responsibilities "
    "responsibility responsible right role salary seeking shift shifts similar skill skilled skills small solid "
    "sound staff strong success successful suitable team teams time track understanding use valid various wanted welcome "
    "week weeks willing willingness work worked working workplace world year years good-to-have nice-to-have "
    "must-have "
)
FILLERS: Final = frozenset(_FILLING.split())
_LEADING: Final = (
    "achieve adapt administer advise analyse analyze assess assist attend build carry check collaborate collect communicate "
    "complete conduct contribute coordinate create define deliver demonstrate design determine develop direct drive enable "
    "ensure establish evaluate execute facilitate follow generate give guide handle help identify implement improve "
    "increase initiate inspect install interact keep lead liaise maintain make manage meet mentor monitor negotiate observe "
    "obtain operate optimise optimize organise organize oversee participate perform prepare present promote provide raise "
    "reduce resolve review run supervise take teach train understand update verify work write"
)
_LEADS: Final = frozenset(_LEADING.split())
_WORD: Final = re.compile(r"[^\W_](?:[\w'’.+#&-]*[\w+#])?")
_BREAK: Final = re.compile(r"[()\[\]{}\"“”:;,!?|•·*/–—]| - |\.(?:\s|$)")
_ENDINGS: Final = (
    "iations iation ations ation ating ated ates ate itions ition ments ment ings ing ions ion ances ance ences ence "
    "ities ity iers ier ers er ors or ies ied ed es ally al ly s e y"
)
_SUFFIXES: Final = tuple(_ENDINGS.split())
_LEAST_STEM: Final = 4  # letters
_SPELLINGS: Final = (("ae", "e"), ("oe", "e"), ("our", "or"), ("isation", "ization"), ("ise", "ize"), ("yse", "yze"))


def phrases(text: str) -> list[str]:
    """The phrases of a requirement, as they are printed, each once."""
    found = (" ".join(chunk) for piece in _BREAK.split(text) for chunk in _chunks(_WORD.findall(piece)))
    return list(dict.fromkeys(found))


def _chunks(words: Sequence[str]) -> Iterator[list[str]]:
    chunk: list[str] = []
    for word in [*words, "of"]:
        plain = word.casefold()
        if plain in SMALL_WORDS or plain in FILLERS or plain.isdigit():
            kept = _without_lead(chunk)
            if kept and len(kept) <= LONGEST:
                yield kept
            elif kept:
                yield kept[-LONGEST:]
            chunk = []
        else:
            chunk.append(word)


def _without_lead(chunk: list[str]) -> list[str]:
    """Without the verb that leads a requirement in: "maintain stock records" asks for stock records."""
    while chunk and _is_lead(chunk[0], alone=len(chunk) == 1):
        chunk = chunk[1:]
    return [] if len(chunk) == 1 and len(chunk[0]) < 3 else chunk  # noqa: PLR2004 -- letters


def _is_lead(word: str, *, alone: bool) -> bool:
    # "Planning" alone is a noun of a trade, "plan" and "planned" alone are not.
    base = None if word.isupper() else lexicon.verb(word)
    return base in _LEADS or (alone and base is not None and not word.casefold().endswith("ing"))


@cache
def stem(word: str) -> str:
    """What the forms of a word have in common: deliver, delivery, deliveries, delivering."""
    if word.isupper() and len(word) > 1:
        return word.casefold()
    plain = word.casefold().replace("’", "'").removesuffix("'s").strip("'")
    for british, american in _SPELLINGS:
        plain = plain.replace(british, american)
    plain = lexicon.verb(plain) or plain
    suffix = next((each for each in _SUFFIXES if plain.endswith(each) and _may_go(plain, each)), "")
    plain = plain.removesuffix(suffix)
    return plain[:-1] if len(plain) > _LEAST_STEM and plain[-1] == plain[-2] and plain[-1] not in "aeiouls" else plain


def _may_go(word: str, suffix: str) -> bool:
    left = word.removesuffix(suffix)
    if suffix == "s":
        return len(left) >= _LEAST_STEM - 1 and not left.endswith("s")
    short = suffix == "ation" or (suffix == "es" and left.endswith(("x", "ch", "sh", "ss", "z")))
    return len(left) >= _LEAST_STEM - short and not (suffix in {"er", "or"} and lexicon.verb(word) == word)


def words(text: str) -> list[str]:
    """The words of a text as they are printed; of a compound its parts."""
    return [part for word in _WORD.findall(text) for part in word.split("-") if part]


def stems(text: str) -> list[str]:
    """The same by their stems."""
    return [stem(word) for word in words(text)]


def find(line: Sequence[str], phrase: Sequence[str]) -> tuple[int, int] | None:
    """Where a line, in stems, says a phrase: as it stands, else in another order or with one or two words between."""
    wanted, size = list(phrase), len(phrase)
    if not wanted or not set(wanted) <= set(line):
        return None
    starts = [at for at, word in enumerate(line) if word in wanted]
    as_it_stands = (at for at in starts if list(line[at : at + size]) == wanted)
    near = (at for at in starts if set(wanted) <= set(line[at : at + size + 2]))
    at = next(as_it_stands, None)
    if at is not None:
        return at, at + size
    at = next(near, None)
    return None if at is None else (at, min(at + size + 2, len(line)))
