"""Reads DynamoDB's expressions into trees: conditions, updates, projections.

The grammar is that of Expressions.OperatorsAndFunctions.html and Expressions.UpdateExpressions.html of the developer guide, read
on 2026-11-23. A tree is a tuple that begins with what it is; a path is a tuple of names, placeholders ("#x") and places in lists.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NoReturn

from tests.simulation.reserved import WORDS
from tests.simulation.values import invalid

type Node = tuple[Any, ...]
type Path = tuple[str | int, ...]

KNOWN = 4096  # expressions kept ready
LONGEST = 4096  # bytes of an expression
_TOKEN = re.compile(r"\s*(?:([A-Za-z_][A-Za-z0-9_]*)|([#:][A-Za-z0-9_]+)|([0-9]+)|(<>|<=|>=|[=<>()\[\].,+-]))")
_COMPARISONS = frozenset({"=", "<>", "<", "<=", ">", ">="})
_SECTIONS = ("SET", "REMOVE", "ADD", "DELETE")
_END = ""


class _Reader:
    """A text taken apart, and where we are in it."""

    def __init__(self, kind: str, text: str) -> None:
        self.kind = kind
        if not text.strip():
            self.refuse("The expression can not be empty")
        if len(text.encode()) > LONGEST:
            self.refuse("Expression size has exceeded the maximum allowed size")
        self.tokens = [*self._tokens(text.rstrip()), _END]
        self.place = 0

    def _tokens(self, text: str) -> Iterator[str]:
        start = 0
        while start < len(text):
            match = _TOKEN.match(text, start)
            if match is None:
                self.refuse(f'Syntax error; token: "{text[start : start + 1]}"')
            yield match.group(match.lastindex or 0)
            start = match.end()

    def refuse(self, why: str) -> NoReturn:
        raise invalid(f"Invalid {self.kind}: {why}")

    def stumble(self) -> NoReturn:
        self.refuse(f'Syntax error; token: "{self.next or "<EOF>"}"')

    @property
    def next(self) -> str:
        return self.tokens[self.place]

    def take(self) -> str:
        token = self.tokens[self.place]
        self.place += 1
        return token

    def expect(self, token: str) -> None:
        if self.take() != token:
            self.place -= 1
            self.stumble()

    def word(self, *words: str) -> str | None:
        """Take the next token if it is one of these words, in whatever case."""
        upper = self.next.upper()
        if upper not in words:
            return None
        self.place += 1
        return upper

    def end(self) -> None:
        if self.next != _END:
            self.stumble()

    def separated[T](self, one: Callable[[], T]) -> list[T]:
        found = [one()]
        while self.next == ",":
            self.take()
            found.append(one())
        return found

    def path(self) -> Path:
        parts: list[str | int] = [self._name()]
        while self.next in {".", "["}:
            if self.take() == ".":
                parts.append(self._name())
            else:
                if not self.next.isdigit():
                    self.stumble()
                parts.append(int(self.take()))
                self.expect("]")
        return tuple(parts)

    def _name(self) -> str:
        token = self.take()
        if token[:1] == "#":
            return token
        if not re.match(r"[A-Za-z_]", token):
            self.place -= 1
            self.stumble()
        if token.upper() in WORDS:
            self.refuse(f"Attribute name is a reserved keyword; reserved keyword: {token}")
        return token

    def value(self) -> str:
        if self.next[:1] != ":":
            self.stumble()
        return self.take()

    def function(self) -> str | None:
        """The name of the function that comes next, taken with its parenthesis; case matters."""
        if self.tokens[self.place + 1 : self.place + 2] != ["("] or not self.next[:1].isalpha():
            return None
        name = self.take()
        self.take()
        return name


class _Conditions(_Reader):
    """Condition, filter and key condition expressions."""

    def whole(self) -> Node:
        found = self.either()
        self.end()
        return found

    def either(self) -> Node:
        found = self.both()
        while self.word("OR"):
            found = ("or", found, self.both())
        return found

    def both(self) -> Node:
        found = self.negated()
        while self.word("AND"):
            found = ("and", found, self.negated())
        return found

    def negated(self) -> Node:
        if self.word("NOT"):
            return ("not", self.negated())
        if self.next == "(":
            return self.grouped()
        return self.single()

    def grouped(self) -> Node:
        self.expect("(")
        doubled = self.next == "("
        start = self.place
        found = self.either()
        self.expect(")")
        if doubled and self._closes(start) == self.place - 2:
            self.refuse("The expression has redundant parentheses")
        return found

    def _closes(self, start: int) -> int:
        """Where the parenthesis that opens at `start` is closed."""
        depth = 0
        for place in range(start, len(self.tokens)):
            depth += {"(": 1, ")": -1}.get(self.tokens[place], 0)
            if depth == 0:
                return place
        return -1

    def single(self) -> Node:
        name = self.function() if self.next != "size" else None
        if name is not None:
            return self.called(name)
        left = self.operand()
        if self.next in _COMPARISONS:
            return ("compare", self.take(), left, self.operand())
        match self.word("BETWEEN", "IN"):
            case "BETWEEN":
                low = self.operand()
                if not self.word("AND"):
                    self.stumble()
                return ("between", left, low, self.operand())
            case "IN":
                self.expect("(")
                found = self.separated(self.operand)
                self.expect(")")
                return ("in", left, *found)
        return self.stumble()

    def called(self, name: str) -> Node:
        match name:
            case "attribute_exists" | "attribute_not_exists":
                found: Node = (name, self.path())
            case "attribute_type" | "begins_with" | "contains":
                left = self.operand()
                self.expect(",")
                found = (name, left, self.operand())
            case _:
                self.refuse(f"Invalid function name; function: {name}")
        self.expect(")")
        return found

    def operand(self) -> Node:
        if self.next[:1] == ":":
            return ("value", self.take())
        if self.next == "size" and self.function():
            inner = self.operand()
            self.expect(")")
            return ("size", inner)
        return ("path", self.path())


class _Updates(_Reader):
    """Update expressions."""

    def whole(self) -> dict[str, list[Node]]:
        """What each section has: (path, computed) for SET, (path,) for REMOVE, (path, placeholder) for ADD and DELETE."""
        found: dict[str, list[Node]] = {}
        while self.next != _END:
            section = self.word(*_SECTIONS)
            if section is None:
                self.stumble()
            if section in found:
                self.refuse(f'The "{section}" section can only be used once in an update expression')
            one = {"SET": self.assignment, "REMOVE": self.removal}.get(section, self.change)
            found[section] = self.separated(one)
        return found

    def removal(self) -> Node:
        return (self.path(),)

    def change(self) -> Node:
        return (self.path(), self.value())

    def assignment(self) -> Node:
        path = self.path()
        self.expect("=")
        return (path, self.computed())

    def computed(self) -> Node:
        if self.next == "(":
            self.expect("(")
            found = self.computed()
            self.expect(")")
            return found
        left = self.operand()
        if self.next in {"+", "-"}:
            return ("sum", self.take(), left, self.operand())
        return left

    def operand(self) -> Node:
        if self.next[:1] == ":":
            return ("value", self.take())
        name = self.function()
        if name is None:
            return ("path", self.path())
        match name:
            case "if_not_exists":
                path = self.path()
                self.expect(",")
                found: Node = (name, path, self.operand())
            case "list_append":
                first = self.operand()
                self.expect(",")
                found = (name, first, self.operand())
            case _:
                self.refuse(f"Invalid function name; function: {name}")
        self.expect(")")
        return found


@lru_cache(KNOWN)
def condition(text: str, kind: str = "ConditionExpression") -> Node:
    """The tree of a condition; `kind` is what it is called in messages."""
    return _Conditions(kind, text).whole()


def update(text: str) -> dict[str, list[Node]]:
    """The sections of an update."""
    return _Updates("UpdateExpression", text).whole()


def projection(text: str) -> list[Path]:
    """The paths of a projection."""
    reader = _Reader("ProjectionExpression", text)
    found = reader.separated(reader.path)
    reader.end()
    return found
