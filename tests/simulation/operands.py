"""What expressions read: paths and values, and what has to hold of both before an expression is run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.simulation.parsing import Node, Path
from tests.simulation.values import KINDS, ORDERED, Attribute, Item, at, comparable, invalid

type Names = Mapping[str, str]
type Values = Mapping[str, Attribute]
type Read = Callable[[Item, Names, Values], Attribute | None]

_SIZED = KINDS - {"N", "BOOL", "NULL"}


@dataclass(frozen=True, slots=True)
class Literal:
    """A value in the request that has to be of one of these kinds where it stands, whatever the item."""

    placeholder: str
    kinds: frozenset[str]
    where: str

    def check(self, values: Values) -> None:
        """Raise a ValidationException unless it is."""
        if not self.kinds.issuperset(values[self.placeholder]):
            (kind,) = values[self.placeholder]
            raise invalid(
                f"Incorrect operand type for operator or function; operator or function: {self.where}, operand type: {kind}"
            )


class Found:
    """What an expression mentions, and what has to hold of it before it is run."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.values: set[str] = set()
        self.paths: list[Path] = []
        self.literals: list[Literal] = []
        self.bounds: list[tuple[str, str]] = []
        self.types: list[str] = []

    def path(self, path: Path) -> None:
        self.paths.append(path)
        self.names.update(part for part in path if type(part) is str and part[0] == "#")

    def require(self, node: Node, kinds: frozenset[str], where: str) -> None:
        if node[0] == "value":
            self.literals.append(Literal(node[1], kinds, where))

    def look(self, node: Node) -> None:
        kind, *rest = node
        match kind:
            case "path" | "attribute_exists" | "attribute_not_exists" | "if_not_exists":
                self.path(rest[0])
            case "value":
                self.values.add(rest[0])
        self._judge(node)
        for part in _parts(node):
            self.look(part)

    def _judge(self, node: Node) -> None:
        kind, *operands = node[1:] if node[0] in {"compare", "sum"} else node
        if (
            node[0] in {"compare", "begins_with", "contains"}
            and operands[0][0] == "path"
            and operands[0] == operands[1]
        ):
            raise invalid("The first operand must be distinct from the remaining operands")
        if kind == "attribute_type":
            self.require(operands.pop(), frozenset({"S"}), kind)
            self.types += [node[2][1]] if node[2][0] == "value" else []
        elif kind in _TAKES:
            for each in operands:
                self.require(each, _TAKES[kind], kind)
        if kind == "between" and operands[1][0] == operands[2][0] == "value":
            self.bounds.append((operands[1][1], operands[2][1]))


# What literals may stand where, by function or operator.
_TAKES: dict[str, frozenset[str]] = {
    **dict.fromkeys(("<", "<=", ">", ">=", "between"), ORDERED),
    **dict.fromkeys(("+", "-"), frozenset({"N"})),
    "begins_with": frozenset({"S", "B"}),
    "list_append": frozenset({"L"}),
    "size": _SIZED,
}


def _parts(node: Node) -> Node:
    """The trees below one."""
    return node[_BELOW.get(node[0], 1) :]


# Where a tree's own parts begin, if not after its name; a path is no tree.
_BELOW = {
    "compare": 2,
    "sum": 2,
    "if_not_exists": 2,
    "path": 2,
    "value": 2,
    "attribute_exists": 2,
    "attribute_not_exists": 2,
}


def reader(path: Path) -> Read:
    """What reads a path."""
    first = path[0]
    assert isinstance(first, str)
    if len(path) > 1:
        return lambda item, names, _: at(item, resolved(path, names))
    if first[0] == "#":
        return lambda item, names, _: item.get(names[first])
    return lambda item, _, __: item.get(first)


def resolved(path: Path, names: Names) -> Path:
    """A path with its placeholders filled in."""
    if len(path) == 1:
        return (names.get(path[0], path[0]),)  # type: ignore[arg-type]  # -- a path begins with a name
    return tuple([names.get(part, part) if type(part) is str else part for part in path])


def reading(node: Node) -> Read:
    match node:
        case ("value", placeholder):
            return lambda _, __, values: values[placeholder]
        case ("size", inner):
            return _size(reading(inner))
        case _:
            return reader(node[1])


def _size(read: Read) -> Read:
    def size(item: Item, names: Names, values: Values) -> Attribute | None:
        found = read(item, names, values)
        if found is None or not found.keys() <= _SIZED:
            return None
        return {"N": str(len(comparable(found)))}  # of a text its characters

    return size
