"""A user's whole state, to be compared with what it was or with another run's. Pure."""

import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from tollgate.invariants.facts import Facts, Row, Violation
from tollgate.store import records

_WHEN_LOOKED = frozenset({"open", "lookAt", "due", "dueAt"})  # when a job comes by is no part of what is so
_ID = re.compile(r"\b(?:order|pay|sub|rfnd|disp|inv|tgs|tg)_[A-Za-z0-9]{6,}")


def state(facts: Facts, *, apart: Collection[str] = ()) -> str:
    """A digest of what is written, with ids replaced by their order of appearance, so that two runs can be compared.

    `apart` names fields that may differ, such as the instants of two runs at different times; "refund#" stands for all such.
    """
    return hashlib.sha256(canonical(facts, apart=apart).encode()).hexdigest()


def canonical(facts: Facts, *, apart: Collection[str] = ()) -> str:
    """What the digest is made of, for a person to compare."""
    skipped, names = {*_WHEN_LOOKED, *apart}, dict[str, str]()
    told = {
        "record": facts.record or {},
        "periods": sorted((_standing(row, facts.now) for row in facts.periods), key=lambda row: _place(row, skipped)),
        "ledger": sorted(facts.ledger.values(), key=lambda row: _place(row, skipped)),
        "usage": list(facts.usage),
    }

    def named(text: str) -> str:
        found = _ID.sub(lambda id_: names.setdefault(id_[0], f"id{len(names)}"), text)
        return found.replace(facts.user_id, "user")

    def plain(value: Any) -> Any:  # noqa: ANN401 -- JSON
        match value:
            case Mapping():
                kept = [(name, each) for name, each in value.items() if not _is_in(skipped, name)]
                kept.sort(key=lambda pair: (_bare(pair[0]), _shape(pair[1], skipped), pair[0]))
                return {named(name): plain(each) for name, each in kept}
            case list() | tuple():
                return [plain(each) for each in value]
        return named(value) if isinstance(value, str) else value

    return json.dumps(plain(told), default=str)


def _standing(row: Row, now: datetime) -> Row:
    """A period's row as the clock has it, whether or not a job has written that down."""
    return {**row, "status": records.to_subscription(row).standing(now).value}


def _is_in(names: Collection[str], name: str) -> bool:
    return name in names or f"{name.partition('#')[0]}#" in names


def _bare(text: str) -> str:
    return _ID.sub("_", text)


def _place(row: Row, skipped: Collection[str]) -> tuple[str, str]:
    """Where a row stands among others: by all but its ids, and by those only where nothing else tells two rows apart."""
    return _shape(row, skipped), json.dumps(row, default=str, sort_keys=True)


def _shape(value: Row | object, skipped: Collection[str]) -> str:
    """The value without ids, to sort by."""
    if isinstance(value, Mapping):
        value = {name: each for name, each in value.items() if not _is_in(skipped, name)}
    return _bare(json.dumps(value, default=str, sort_keys=True))


def unmoved(before: Facts, after: Facts, why: str = "I7") -> list[Violation]:
    """I7, I10, Q5, Q13: what was told before, forged, refused or swept already leaves every record as it was."""
    same = state(before) == state(after)
    return [] if same else [Violation(id=why, what=f"{after.user_id}'s records changed")]


def confluent(ends: Sequence[Facts]) -> list[Violation]:
    """I8: the same facts in any order and number end in the same state."""
    states = {state(each) for each in ends}
    return [] if len(states) <= 1 else [Violation(id="I8", what=f"{len(states)} different ends")]
