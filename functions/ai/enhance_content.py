"""POST /api/ai/enhance-content: a section of a resume, worded better, and what changed. Costs no unit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, BeforeValidator, ConfigDict

from tollgate.ai import inputs, mix, outputs
from tollgate.ai.metered import Task, ask
from tollgate.app import build_ai
from tollgate.http.api import Access, Api, entrypoint
from tollgate.http.bodies import Body
from tollgate.http.idempotency import replayable
from tollgate.metering import Action
from tollgate.resumes.text import clean

MOST_EDITS: Final = 30
LONGEST_LINE: Final = 1_000  # characters; a longer one is offered sentence by sentence


class Edit(BaseModel):
    """One line in better words."""

    model_config = ConfigDict(strict=True)

    line: int
    text: outputs.Paragraph
    why: outputs.Name


class Edits(BaseModel):
    """What the model answers: only lines that change, so that all other text never passes through it."""

    model_config = ConfigDict(strict=True)

    edits: Annotated[list[Edit], BeforeValidator(outputs.at_most(MOST_EDITS))]


TASK = Task(
    action=Action.ENHANCE_CONTENT,
    instructions=(
        "You edit one section of a resume; CONTENT holds its numbered lines. Rewrite the lines that gain by it, the weakest "
        "first and at most twelve, the others leave out: begin with a strong verb, say what was done and what came of it, cut "
        "filler, keep the language, tense and meaning. Never add a figure, employer, tool, title or result that the line does "
        "not hold. `line` is the number, `text` the whole new line without number or bullet, `why` the reason in at most "
        "eight words. SECTION names the section, TARGET ROLE the job it should suit, TONE how it should sound."
    ),
    answer=Edits,
    max_output_tokens=1_200,
    affinity=mix.PACED,
)


class EnhanceRequest(Body):
    """A section's name and text; the role it should suit and how it should sound."""

    section: inputs.FewWords
    content: str
    target_role: inputs.FewWords | None = None
    tone: inputs.Tone | None = None


app = Api(Access.USER, largest_body=inputs.LARGEST_TEXTS)


@app.post("/api/ai/enhance-content", middlewares=[replayable])
def enhance() -> Response[dict[str, Any]]:
    body = app.body(EnhanceRequest)
    inputs.plain_text(body.content, "content")
    pieces = split(inputs.breakable(body.content))
    about = inputs.given(section=body.section, target_role=body.target_role, tone=body.tone)
    answer = ask(app, TASK, {"CONTENT": numbered(pieces), **about})
    content, changes, warnings = applied(answer.output.edits, pieces)
    return answer.reply({"content": content, "changes": changes, "warnings": warnings})


@dataclass(frozen=True, slots=True)
class Piece:
    """What can be changed by itself: the row it stands in, what leads it in (indent, bullet), its words, what ends it."""

    row: int
    lead: str
    text: str
    end: str


_LINE: Final = re.compile(r"(\s*(?:(?:[•‣◦▪●○*–—-]|\d{1,2}[.)])\s+)?)(.*)", re.DOTALL)
_SENTENCE_END: Final = re.compile(r"(?<=[.!?।])\s+")


def split(content: str) -> list[Piece]:
    """The content line by line, a very long line sentence by sentence, without what no reader sees."""
    rows = enumerate(content.strip().splitlines(), 1)
    return [piece for row, raw in rows for piece in _pieces(row, raw)]


def _pieces(row: int, raw: str) -> list[Piece]:
    found = _LINE.fullmatch(raw)
    lead, words = (found[1], found[2]) if found else ("", raw)
    words = " ".join(clean(words).text.splitlines())
    sentences = _SENTENCE_END.split(words) if len(words) > LONGEST_LINE else [words]
    last = len(sentences) - 1
    return [
        Piece(row, "" if at else lead, sentence, "\n" if at == last else " ") for at, sentence in enumerate(sentences)
    ]


def numbered(pieces: Sequence[Piece]) -> str:
    """The lines that a model sees, by number. What is personal it does not see, and so cannot change."""
    shown = set(inputs.for_model("\n".join(piece.text for piece in pieces), "content").splitlines())
    return "\n".join(
        f"{number}: {piece.text}" for number, piece in enumerate(pieces, 1) if piece.text in shown and piece.text
    )


def applied(edits: Sequence[Edit], pieces: Sequence[Piece]) -> tuple[str, list[str], list[str]]:
    """The content with the edits in, what changed, and what was left out because the content does not say it."""
    source = "\n".join(piece.text for piece in pieces)
    texts, changes, warnings = [piece.text for piece in pieces], dict[int, str](), list[str]()
    for edit in edits:
        at, new = edit.line - 1, _LINE.sub(r"\2", edit.text, count=1).strip()
        if not 0 <= at < len(pieces) or at in changes or not _is_edit(pieces[at].text, new):
            continue
        if claims := outputs.unsupported(new, source):
            warnings += outputs.warnings(f"line {pieces[at].row}", claims)
            continue
        texts[at], changes[at] = new, f"Line {pieces[at].row}: {edit.why or 'reworded'}"
    content = "".join(piece.lead + text + piece.end for piece, text in zip(pieces, texts, strict=True))
    return content.rstrip("\n"), [changes[at] for at in sorted(changes)], warnings


def _is_edit(old: str, new: str) -> bool:
    """A change, of a line that holds something, into one of about its size."""
    return bool(old) and bool(new) and new != old and len(new) <= 2 * len(old) + 120


handler = entrypoint(app, build_ai)
