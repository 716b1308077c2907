"""The hybrid mix: of every ten consecutive calls exactly three go to gpt4o, the others to gemini. Pure.

Each admitted call appends one entry to a log on the user's record, in the write that admits it, so the database gives the
calls their order and everybody who reads the log folds it to the same answer, also under concurrency. For as long as it runs a
call keeps the log as it found it, so that its own choice is known whatever others did since, also to whoever finds it dead.
Within a block of ten the slots go to the tasks where quality shows most. A call that was given back does not count; a failover
counts as what answered and is made up for in the next block.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from tollgate.plans import HYBRID_SPLIT, Ai

BLOCK = sum(HYBRID_SPLIT.values())
SLOTS = HYBRID_SPLIT[Ai.GPT4O]

# How much a task gains from the better model: 2 takes a slot while one is free, 1 when the slots are not behind their even
# pace, 0 only when the slots left equal the calls left.
ALWAYS, PACED, LAST = 2, 1, 0

GAVE_BACK = {Ai.GPT4O: "back:gpt4o", Ai.GEMINI: "back:gemini"}
ANSWERED_INSTEAD = {Ai.GPT4O: "instead:gpt4o", Ai.GEMINI: "instead:gemini"}  # of the other, which the mix had chosen


@dataclass(frozen=True, slots=True)
class Block:
    """Where a user's block of ten stands: calls left, slots of gpt4o left, slots owed to (or by) gpt4o, entries folded."""

    folded: int = 0
    calls: int = 0
    slots: int = 0
    owed: int = 0

    def text(self) -> str:
        """As the first entry of the log."""
        return f"{self.folded}:{self.calls}:{self.slots}:{self.owed}"


FRESH = (Block().text(),)


def read(text: object) -> Block:
    """The block that `Block.text` wrote."""
    return Block(*(int(part) for part in str(text).split(":")))


def fold(log: Iterable[object]) -> tuple[Block, Ai]:
    """The block after the whole log, and the service of its last call."""
    first, *entries = log
    block, service = read(first), Ai.GEMINI
    for entry in entries:
        if isinstance(entry, int):
            block, service = _take(block, entry)
        else:
            block = _correct(block, str(entry))
        block = replace(block, folded=block.folded + 1)
    return block, service


def chosen(kept: Sequence[object]) -> Ai | None:
    """The service that the mix chose for a call, from what its admission kept: the call's own entry, then the log before it.

    None where the mix was not asked: then the log stands alone.
    """
    own, *log = kept or FRESH
    return fold([*log, own])[1] if isinstance(own, int) else None


def _take(block: Block, affinity: int) -> tuple[Block, Ai]:
    if block.calls == 0:
        slots = min(max(SLOTS + block.owed, 0), BLOCK)
        block = replace(block, calls=BLOCK, slots=slots, owed=block.owed - (slots - SLOTS))
    takes = _takes_slot(block, affinity)
    return replace(block, calls=block.calls - 1, slots=block.slots - takes), Ai.GPT4O if takes else Ai.GEMINI


def _takes_slot(block: Block, affinity: int) -> bool:
    if block.slots == 0:
        return False
    if block.slots >= block.calls or affinity >= ALWAYS:
        return True
    return affinity == PACED and block.slots * BLOCK >= SLOTS * block.calls


def _correct(block: Block, entry: str) -> Block:
    kind, service = entry.split(":")
    if kind == "back":
        return replace(block, calls=block.calls + 1, slots=block.slots + (service == Ai.GPT4O))
    return replace(block, owed=block.owed + (-1 if service == Ai.GPT4O else 1))
