"""Updates made ready to be made: what is read is the item before, what is written is a new one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from tests.simulation import parsing
from tests.simulation.documents import apart, order, placed, removed
from tests.simulation.operands import Found, Literal, Names, Read, Values, reader, resolved
from tests.simulation.parsing import KNOWN, Node, Path
from tests.simulation.values import SETS, Attribute, Item, a_set, at, invalid, total

type Compute = Callable[[Item, Names, Values], Attribute]

MISSING = "The provided expression refers to an attribute that does not exist in the item"
WRONG_TYPE = "An operand in the update expression has an incorrect data type"


@dataclass(frozen=True, slots=True)
class Update:
    """An update ready to be made."""

    sets: tuple[tuple[Path, Compute], ...]
    removes: tuple[Path, ...]
    adds: tuple[tuple[Path, str], ...]
    deletes: tuple[tuple[Path, str], ...]
    names: frozenset[str]
    values: frozenset[str]
    literals: tuple[Literal, ...]
    flat: bool  # only whole attributes are written

    def check(self, values: Values) -> None:
        """Raise a ValidationException for literals that cannot stand where they do."""
        for literal in self.literals:
            literal.check(values)

    def targets(self, names: Names) -> list[Path]:
        """The paths that are written. Raises a ValidationException where two are in each other's way."""
        plain = [path for path, _ in self.sets]
        plain += self.removes
        plain += [path for path, _ in self.adds]
        plain += [path for path, _ in self.deletes]
        found = [resolved(path, names) for path in plain]
        if self.flat:
            if len(set(found)) < len(found):
                raise invalid("Two document paths overlap with each other; must remove or rewrite one of these paths")
        else:
            apart(found)
        return found

    def apply(self, old: Item, targets: list[Path], names: Names, values: Values) -> Item:
        """The item after the update; what is read is the item before it. Raises a ValidationException."""
        new = dict(old)
        where = iter(targets)
        # By place in a list, so that what comes after its end is put there in order.
        sets = [(next(where), compute(old, names, values)) for _, compute in self.sets]
        for path, value in sets if self.flat else sorted(sets, key=_in_order):
            placed(new, path, value)
        # From the end of a list: all places are those of the item before.
        gone = [next(where) for _ in self.removes]
        added = [(next(where), values[placeholder]) for _, placeholder in self.adds]
        for path, value in added:
            placed(new, path, _added(at(old, path), value))
        for path, (_, placeholder) in zip(where, self.deletes, strict=True):
            _deleted(new, old, path, values[placeholder])
        for path in gone if self.flat else sorted(gone, key=order, reverse=True):
            removed(new, old, path)
        return new


def _in_order(assigned: tuple[Path, Attribute]) -> list[tuple[bool, str | int]]:
    return order(assigned[0])


@lru_cache(KNOWN)
def update(text: str) -> Update:
    """An update."""
    sections = parsing.update(text)
    found = Found()
    for path, computed in sections.get("SET", ()):
        found.path(path)
        found.look(computed)
    for (path,) in sections.get("REMOVE", ()):
        found.path(path)
    for section, kinds in (("ADD", SETS | {"N"}), ("DELETE", SETS)):
        for path, placeholder in sections.get(section, ()):
            found.path(path)
            found.values.add(placeholder)
            found.literals.append(Literal(placeholder, kinds, section))
    written = [each[0] for section in sections.values() for each in section]
    return Update(
        sets=tuple((path, _compute(computed)) for path, computed in sections.get("SET", ())),
        removes=tuple(path for (path,) in sections.get("REMOVE", ())),
        adds=tuple((path, placeholder) for path, placeholder in sections.get("ADD", ())),
        deletes=tuple((path, placeholder) for path, placeholder in sections.get("DELETE", ())),
        names=frozenset(found.names),
        values=frozenset(found.values),
        literals=tuple(found.literals),
        flat=all(len(path) == 1 for path in written),
    )


def _compute(node: Node) -> Compute:
    match node:
        case ("value", placeholder):
            return lambda _, __, values: values[placeholder]
        case ("sum", sign, left, right):
            return _sum(1 if sign == "+" else -1, _compute(left), _compute(right))
        case ("if_not_exists", path, otherwise):
            return _if_not_exists(reader(path), _compute(otherwise))
        case ("list_append", left, right):
            return _list_append(_compute(left), _compute(right))
        case _:
            return _there(reader(node[1]))


def _there(read: Read) -> Compute:
    def compute(item: Item, names: Names, values: Values) -> Attribute:
        found = read(item, names, values)
        if found is None:
            raise invalid(MISSING)
        return found

    return compute


def _if_not_exists(read: Read, otherwise: Compute) -> Compute:
    def compute(item: Item, names: Names, values: Values) -> Attribute:
        found = read(item, names, values)
        return otherwise(item, names, values) if found is None else found

    return compute


def _sum(sign: int, left: Compute, right: Compute) -> Compute:
    def compute(item: Item, names: Names, values: Values) -> Attribute:
        one, other = left(item, names, values).get("N"), right(item, names, values).get("N")
        if one is None or other is None:
            raise invalid(WRONG_TYPE)
        return {"N": total(one, other, sign)}

    return compute


def _list_append(left: Compute, right: Compute) -> Compute:
    def compute(item: Item, names: Names, values: Values) -> Attribute:
        one, other = left(item, names, values).get("L"), right(item, names, values).get("L")
        if one is None or other is None:
            raise invalid(WRONG_TYPE)
        return {"L": one + other}

    return compute


def _added(old: Attribute | None, value: Attribute) -> Attribute:
    if old is None:
        return value
    ((kind, amount),) = value.items()
    before = old.get(kind)
    if before is None:
        raise invalid(WRONG_TYPE)
    if kind == "N":
        return {"N": total(before, amount, 1)}
    return a_set(kind, list({*before, *amount}))


def _deleted(new: Item, old: Item, path: Path, value: Attribute) -> None:
    before = at(old, path)
    if before is None:
        removed(new, old, path)
        return
    ((kind, members),) = value.items()
    if kind not in before:
        raise invalid(WRONG_TYPE)
    left = [each for each in before[kind] if each not in members]
    if left:
        placed(new, path, a_set(kind, left))
    else:
        removed(new, old, path)
