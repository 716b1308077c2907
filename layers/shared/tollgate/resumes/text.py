"""Untrusted text made plain: what a reader cannot see is taken out, and what is left cannot pose as an instruction."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

HIDDEN_TEXT_REMOVED: Final = "hidden_text_removed"
INVISIBLE_CHARACTERS_REMOVED: Final = "invisible_characters_removed"

BULLET: Final = "- "

# Tag characters and long runs of variation selectors spell whole sentences that no font draws.
_SMUGGLED = re.compile("[\U000e0000-\U000e007f]|[\ufe00-\ufe0f\U000e0100-\U000e01ef]{4,}")
_INVISIBLE = re.compile(
    "[\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\uffa0"
    "\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a]"
)
# Joiners shape letters in the scripts of India and in Persian; anywhere else they hide between letters.
_STRAY_JOINER = re.compile(
    "(?<![\u0600-\u06ff\u0900-\u0dff])[\u200c\u200d]|[\u200c\u200d](?![\u0600-\u06ff\u0900-\u0dff])"
)
# Dropped without a word: every word processor leaves these behind.
_NOISE = re.compile(
    "[\u00ad\u034f\ufeff\ufe00-\ufe0f\U000e0100-\U000e01ef\ufffc\ufffe\uffff\ud800-\udfff"
    "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]"
)
# PDF readers report a hyphen at a line's end as one of these.
_END_HYPHEN = re.compile("[\x02\ufffe](?=\r?\n)")
_LINE_BREAK = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
_SPACE = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u2800\u3000]")
# Only characters that stand for ordinary letters are replaced: full NFKC would also turn m² into m2 and ½ into 1/2.
_DISGUISED = re.compile("[\ufb00-\ufb06\ufb13-\ufb17\uff01-\uff5e\U0001d400-\U0001d7ff\u2460-\u2473]")
_BULLET_LINE = re.compile(
    "(?m)^[ \t]*(?:[\u2022\u2023\u2043\u204c\u204d\u2219\u25a0-\u25ab\u25b6\u25b8\u25ba\u25c6\u25c7\u25c9\u25cb\u25cf"
    "\u25e6\u2605\u2606\u2666\u2713\u2714\u2756\u2794\u27a2\u27a4\u29bf\u2b25\u2b29\u00b7\ue000-\uf8ff]+[ \t]*"
    "|[\u2013\u2014*\u203a\u00bb][ \t]+|o[ \t]+(?=[A-Z])|-[ \t]*(?=\\w)(?!-?\\d))"
)
_PRIVATE_USE = re.compile("[\ue000-\uf8ff\U000f0000-\U0010fffd]")
_TRAILING_SPACE = re.compile("(?m)(?<![ \t])[ \t]+$")
_WIDE_GAP = re.compile("[ ]{3,}|[ ]*\t[ \t]*")
_BLANK_LINES = re.compile("\n{3,}")
_BROKEN_WORD = re.compile("(?<![^\\W\\d_])([^\\W\\d_]{2,})[-\u2010\u00ad]\n[ ]*([^\\W\\d_]+)")
# A line that ends in one of these and a hyphen is a compound, not a broken word.
_COMPOUND_START = re.compile(
    "back|board|client|co|cloud|cost|cross|customer|data|day|decision|domain|end|error|event|fault|first|five|four|front"
    "|full|goal|hands|high|in|industry|key|large|lead|level|long|low|machine|medium|micro|mid|mission|multi|near|non|object"
    "|off|on|one|open|out|part|peer|performance|post|pre|problem|product|quality|re|real|result|right|role|sales|second"
    "|self|semi|server|service|seven|short|single|six|solution|state|sub|system|task|team|ten|test|third|three|time|top"
    "|two|ultra|user|value|vice|well|work|workflow|world|year",
    re.IGNORECASE,
)
_FORGED_FENCE = re.compile("<{3,}|>{3,}")
_LABEL = re.compile("[A-Z][A-Z ]*")


@dataclass(frozen=True, slots=True)
class CleanText:
    """Text fit for people and models, and what had to be done to it."""

    text: str
    warnings: tuple[str, ...] = ()


def clean(text: str) -> CleanText:
    """Take out what a reader cannot see and write spaces, bullets and broken words one way; lines stay lines."""
    warnings = []
    text, smuggled = _SMUGGLED.subn("", text)
    if smuggled:
        warnings.append(HIDDEN_TEXT_REMOVED)
    text = _LINE_BREAK.sub("\n", _END_HYPHEN.sub("-", text))
    text, invisible = _without_invisible(_SPACE.sub(" ", text))
    if invisible:
        warnings.append(INVISIBLE_CHARACTERS_REMOVED)
    text = _DISGUISED.sub(_plain_letter, _joined_words(text))
    text = unicodedata.normalize("NFC", _NOISE.sub("", text))
    return CleanText(_tidy_lines(text), tuple(warnings))


def _without_invisible(text: str) -> tuple[str, int]:
    text, marks = _INVISIBLE.subn("", text)
    text, joiners = _STRAY_JOINER.subn("", text)
    return text, marks + joiners


def _plain_letter(match: re.Match[str]) -> str:
    return unicodedata.normalize("NFKC", match.group())


def _joined_words(text: str) -> str:
    return _BROKEN_WORD.sub(lambda match: joined_word(match[1], match[2]), text)


def joined_word(head: str, tail: str) -> str:
    """The word that a line's end cut in two; compounds such as full-time keep their hyphen."""
    compound = _COMPOUND_START.fullmatch(head) is not None or not tail[0].islower()
    return f"{head}-{tail}" if compound else head + tail


def _tidy_lines(text: str) -> str:
    text = _PRIVATE_USE.sub("", _BULLET_LINE.sub(BULLET, text))
    text = _WIDE_GAP.sub("  ", _TRAILING_SPACE.sub("", text))
    return _BLANK_LINES.sub("\n\n", text).strip()


def fence(label: str, text: str, nonce: str) -> str:
    """`text` between two lines that only this request knows; boundaries forged inside it are defused.

    `label` is upper-case words of ours, `nonce` a fresh random word per request. Raises ValueError on any other label
    and on an empty nonce, because a boundary anyone can guess is none.
    """
    if not _LABEL.fullmatch(label) or not nonce:
        raise ValueError("a fence needs an upper-case label and a nonce")
    inside = _FORGED_FENCE.sub(lambda match: match.group()[:2], text.replace(nonce, " "))
    return f"<<<{label} {nonce}>>>\n{inside}\n<<<END {label} {nonce}>>>"
