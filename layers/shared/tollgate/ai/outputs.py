"""What models write, made safe to hand on: plain text, bounded; and claims that no source holds, found.

A model may have been talked into anything by the text it read. Its words reach the user as text only, without markup
that a page could run or load, and whatever figure, name or address it added is known before it is shown.
"""

import re
from collections.abc import Callable, Iterator
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator

from tollgate.resumes.figures import NOT_IN_SOURCE, figures, number
from tollgate.resumes.text import clean

_ELEMENTS: Final = (
    "a|abbr|audio|b|base|body|br|button|code|details|div|em|embed|font|form|frame|h[1-6]|head|hr|html|i|iframe|img|input|li"
    "|link|marquee|math|meta|object|ol|p|pre|script|source|span|strong|style|sub|sup|svg|table|tbody|td|textarea|th|title"
    "|tr|u|ul|video"
)
_MARKUP: Final = re.compile(
    rf"<(script|style)\b[^<>]*>.{{0,2000}}?</\1\s*>|<!--.{{0,2000}}?-->|</?(?:{_ELEMENTS})\b[^<>]*(?:>|$)|<{{3,}}|>{{3,}}",
    re.IGNORECASE | re.DOTALL,
)
_MARKDOWN_LINK: Final = re.compile(r"!?\[([^\]\n]{0,200})\]\([^)\n]{0,500}\)")
_MARKDOWN: Final = re.compile(r"(?m)^#{1,6} +|^`{3}\w*$|\*\*(?=\S)|(?<=\S)\*\*")
_SHORT: Final = 3  # letters; shorter words have no plural worth finding
_NESTED: Final = 5  # how often taking markup out may make new markup

_PER_CENT: Final = re.compile(r"(?<![\d.,])(\d+(?:[.,]\d+)*)\s*(?:%|per ?cent\b)", re.IGNORECASE)
_MAGNITUDE: Final = re.compile(r"\b(?:thousands?|millions?|billions?|lakhs?|crores?|dozens?|doubled|tripled|halved)\b")
_ADDRESS: Final = re.compile(r"(?:https?://|www\.)[^\s<>\"')\]]+|[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+", re.IGNORECASE)
_SENTENCE: Final = re.compile(r"(?<=[.!?:;])\s+|\n\s*(?:[-•*]\s+)?")
_WORD: Final = re.compile(r"[^\W_](?:[\w+#&.'’/-]*[\w+#])?")
_NUMBER_WORDS: Final = "one two three four five six seven eight nine ten eleven twelve".split()  # noqa: SIM905 -- data
# What a letter capitalises without naming anybody.
_NO_NAMES: Final = (
    "i i'm i've i'd i’m i’ve i’d dear sir madam ma'am mr mrs ms dr hiring manager team sincerely faithfully yours"
    " regards best kind warm warmly respectfully thank thanks cv january february march april may june july august"
    " september october november december monday tuesday wednesday thursday friday saturday sunday"
)


def plain(text: str, limit: int) -> str:
    """A model's words as plain text of at most `limit` characters, cut behind a sentence or a word."""
    text = text[: limit * 4]  # the markup taken out is not counted, but nobody cleans megabytes
    for _ in range(_NESTED):
        text, found = _MARKUP.subn("", text)
        if not found:
            break
    text = _MARKDOWN.sub("", _MARKDOWN_LINK.sub(r"\1", text))
    return _cut(clean(text).text, limit)


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    head = text[:limit]
    sentence = max(head.rfind(mark) for mark in (". ", ".\n", "! ", "? ", "। "))
    return head[: sentence + 1] if sentence > limit // 2 else (head.rpartition(" ")[0] or head).rstrip()


def _one_line(limit: int) -> Callable[[str], str]:
    return lambda text: " ".join(plain(text, limit).split())


def at_most(most: int) -> Callable[[object], object]:
    """For a validator before all others: what a model lists beyond is not even looked at."""
    return lambda value: value[:most] if isinstance(value, list) else value


def several(texts: list[str]) -> list[str]:
    """The different ones, in their order, without empty ones."""
    return [text for text in dict.fromkeys(texts) if text]


type Name = Annotated[str, AfterValidator(_one_line(60))]
type Sentence = Annotated[str, AfterValidator(_one_line(400))]
type Paragraph = Annotated[str, AfterValidator(_one_line(900))]
type Letter = Annotated[str, AfterValidator(lambda text: plain(text, 5_000))]
type Sentences = Annotated[list[Sentence], BeforeValidator(at_most(8)), AfterValidator(several)]


def unsupported(text: str, *sources: str) -> tuple[str, ...]:
    """Figures, addresses and names in `text` that no source holds, each once, in the order of their kind.

    A figure of per cent must be one in a source too. Names are capitalised words inside a sentence, and words written
    as only names are (SQL, DevOps) anywhere. Years of service that a model added up count as figures it made up.
    """
    source = "\n".join(sources)
    found = [*_figures(text, source), *addresses(text, source), *_names(text, source)]
    return tuple(dict.fromkeys(found))


def addresses(text: str, source: str) -> list[str]:
    """E-mail and web addresses that the source does not hold."""
    known = source.casefold()
    return [found for found in _ADDRESS.findall(text) if found.casefold().rstrip("/.,") not in known]


def without_addresses(text: str, source: str) -> str:
    """The text without addresses that the source does not hold: where a reader would click, nobody else may point."""
    for address in addresses(text, source):
        text = text.replace(address, "")
    return text


def warnings(path: str, claims: tuple[str, ...]) -> list[str]:
    """One warning a claim, as the reading of a resume words them too."""
    return [f"{NOT_IN_SOURCE}: {path}: {claim}" for claim in claims]


def _figures(text: str, source: str) -> Iterator[str]:
    known = {number(found) for found in figures(source)}
    known |= {part for found in known for part in found.split(".")}
    spoken = set(_WORD.findall(source.casefold()))
    known |= {str(value) for value, word in enumerate(_NUMBER_WORDS, 1) if word in spoken}
    yield from (found for found in figures(text) if number(found) not in known)
    shares = {number(found) for found in _PER_CENT.findall(source)}
    yield from (
        f"{found}%" for found in _PER_CENT.findall(text) if number(found) not in shares and number(found) in known
    )
    said = source.casefold()
    yield from (found for found in _MAGNITUDE.findall(text.casefold()) if found.rstrip("s") not in said)


def _names(text: str, source: str) -> Iterator[str]:
    known = {part for word in _WORD.findall(source.casefold()) for part in _parts(word)}
    known |= {part for word in _NO_NAMES.split() for part in _parts(word)}
    for sentence in _SENTENCE.split(text):
        for position, word in enumerate(_WORD.findall(_ADDRESS.sub(" ", sentence))):
            if _is_name(word, first=position == 0) and not _parts(word.casefold()) <= known:
                yield word


def _is_name(word: str, *, first: bool) -> bool:
    shaped = any(letter.isupper() for letter in word[1:]) and not word[0].isdigit()
    return shaped or (word[0].isupper() and not first)


def _parts(word: str) -> set[str]:
    """A word and its halves, without possessive and plural: API-led is known where APIs and led are."""
    parts = [part for part in re.split(r"[-/&]", re.sub(r"['’]s?$", "", word)) if part]
    return {part[:-1] if len(part) > _SHORT and part.endswith("s") else part for part in parts}
