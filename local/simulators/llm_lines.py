"""What the simulated models say about numbered lines and about findings of rules: nothing that does not stand there."""

from __future__ import annotations

import re
from typing import Final

type Json = dict[str, object]

WEAK: Final = {
    "responsible for": "Led",
    "worked on": "Delivered",
    "helped with": "Supported",
    "helped": "Supported",
    "was involved in": "Contributed to",
    "did": "Completed",
    "made": "Built",
    "handled": "Managed",
}

_NUMBERED: Final = re.compile(r"(?m)^(\d{1,3}): (\S.*)$")
_TO_DO: Final = re.compile(r"(?m): (\d+) of (\d+) points\. .*?To do: (.+)$")
_ABOUT: Final = re.compile(r' \(line: ".*"\)$')


def about_lines(user: str) -> Json:
    """Answers by name for prompts that number their lines or list findings; none for all others."""
    numbered = [(int(number), text) for number, text in _NUMBERED.findall(user)]
    edits = [edit for number, text in numbered if (edit := _edit(number, text))]
    worded = [{"number": number, "text": _ABOUT.sub("", text)} for number, text in numbered]
    lost = sorted(_TO_DO.findall(user), key=lambda found: int(found[0]) - int(found[1]))
    advice = [text for _, _, text in lost][:6]
    return {"edits": edits} | ({"suggestions": worded} if numbered else {}) | ({"advice": advice} if advice else {})


def _edit(number: int, text: str) -> Json | None:
    weak = next((phrase for phrase in WEAK if text.lower().startswith(f"{phrase} ")), None)
    if weak:
        better, why = WEAK[weak] + text[len(weak) :], f"{WEAK[weak]} says more than “{text[: len(weak)]}”"
    elif text.partition(" ")[0].isalpha():  # not an address
        better, why = text[:1].upper() + text[1:], "begins with a capital"
    else:
        return None
    return {"line": number, "text": better, "why": why} if better != text else None
