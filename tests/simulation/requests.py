"""Random requests on a few small tables: reads and writes, simple and together, right and, now and then, wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from local.template import Table

type Json = dict[str, Any]
type Request = tuple[str, Json]

PEOPLE, LINES = "people", "lines"


def tables() -> list[Table]:
    """One table with a plain key and two indexes, one with a sort key."""
    people = {
        "TableName": PEOPLE,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            _attribute("id", "S"),
            _attribute("g", "S"),
            _attribute("n", "N"),
            _attribute("t", "S"),
        ],
        "KeySchema": [_key("id", "HASH")],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": "by-group",
                "KeySchema": [_key("g", "HASH"), _key("n", "RANGE")],
                "Projection": {"ProjectionType": "ALL"},
            },
            {
                "IndexName": "by-text",
                "KeySchema": [_key("t", "HASH")],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["a"]},
            },
        ],
    }
    lines = {
        "TableName": LINES,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [_attribute("who", "S"), _attribute("line", "N")],
        "KeySchema": [_key("who", "HASH"), _key("line", "RANGE")],
    }
    return [Table(people, None), Table(lines, None)]


def _attribute(name: str, kind: str) -> Json:
    return {"AttributeName": name, "AttributeType": kind}


def _key(name: str, kind: str) -> Json:
    return {"AttributeName": name, "KeyType": kind}


_WORDS = ("", "a", "ab", "abc", "b", "Ä", "zz")
_NUMBERS = ("0", "1", "2", "5", "-1", "1.5", "1e2", "007", "-0.25", "10000000000000000000000")
_NAMES = ("a", "b", "m", "l", "s", "x", "n", "t", "g")
_RESERVED = ("name", "status", "Date")


class Requests:
    """Draws one request after the other; all from one seed."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 -- chance, no secret
        self.careful = False  # no mistakes that a request can be seen to have without its table

    def next(self) -> Request:
        """Any request."""
        kind = self.random.choices(
            ("update", "put", "delete", "get", "query", "batch", "transaction", "reads"), (40, 14, 5, 8, 14, 4, 12, 3)
        )[0]
        makers: dict[str, Callable[[], Request]] = {
            "update": lambda: self._single(
                "update_item", self._update(self.pick((PEOPLE, LINES)), overlaps=self.chance(0.02))
            ),
            "put": lambda: self._single("put_item", self._put(self._table())),
            "delete": lambda: self._single("delete_item", self._delete(self._table())),
            "get": self._get,
            "query": self._query,
            "batch": self._batch,
            "transaction": self._transaction,
            "reads": self._reads,
        }
        return makers[kind]()

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def mistake(self, share: float) -> bool:
        return not self.careful and self.chance(share)

    def pick[T](self, options: Sequence[T]) -> T:
        return self.random.choice(options)

    # Values

    def number(self) -> str:
        return self.pick(_NUMBERS) if self.chance(0.7) else str(self.random.randint(-50, 50))

    def scalar(self) -> Json:
        number, text = {"N": self.number()}, {"S": self.pick(_WORDS)}
        rest = {"BOOL": self.chance(0.5)}, {"B": self.pick((b"", b"a", b"ab", b"\x00\xff"))}, {"NULL": True}
        return self.pick((number, number, number, text, text, *rest))

    def value(self, depth: int = 2) -> Json:
        if depth == 0 or self.chance(0.55):
            return self.scalar()
        match self.random.randrange(4):
            case 0:
                return {"L": [self.value(depth - 1) for _ in range(self.random.randrange(4))]}
            case 1:
                names = self.random.sample(("a", "b", "c"), self.random.randrange(4))
                return {"M": {name: self.value(depth - 1) for name in names}}
            case 2:
                return {"SS": self.random.sample(_WORDS[1:], self.random.randint(1, 3))}
        return {"NS": self.random.sample(("1", "2", "3", "5.5"), self.random.randint(1, 3))}

    def member(self, name: str) -> Json:
        """A value for an attribute, mostly of the kind that its name promises, so that expressions meet what they expect."""
        text, any_ = {"S": self.pick(_WORDS[1:])}, self.value()
        usual: dict[str, Json] = {
            "n": {"N": self.number()},
            "t": text,
            "g": text,
            "m": {"M": {key: self.scalar() for key in self.random.sample(("a", "b", "c"), 2)}},
            "l": {"L": [self.scalar() for _ in range(self.random.randrange(5))]},
            "s": {"SS": self.random.sample(_WORDS[1:], self.random.randint(1, 4))},
        }
        if self.chance(0.05):
            return any_
        return usual.get(name) or (any_ if self.chance(0.3) else {"N": self.number()})

    # Tables and keys

    def _table(self) -> str:
        if self.mistake(0.01):
            return "nowhere"
        return PEOPLE if self.chance(0.7) else LINES

    def key(self, table: str, *, empty: bool = True) -> Json:
        if self.mistake(0.02):
            wrong: tuple[Json, ...] = ({}, {"id": {"N": "1"}}, {"id": {"S": "1"}, "a": {"S": "1"}}, {"id": {"S": ""}})
            return self.pick(wrong if empty else wrong[:-1])
        if table == LINES:
            return {"who": {"S": self.pick("xyz")}, "line": {"N": self.pick(("1", "2", "3.0", "10", "-4"))}}
        return {"id": {"S": self.pick("123456")}}

    # Requests

    def _single(self, operation: str, body: Json) -> Request:
        returned = ("NONE", "ALL_OLD", "ALL_NEW") if operation == "update_item" else ("NONE", "ALL_OLD")
        if self.chance(0.7):
            body["ReturnValues"] = self.pick(returned)
        if self.chance(0.2):
            body["ReturnConsumedCapacity"] = "TOTAL"
        return operation, body

    def _conditioned(self, body: Json, made: _Expressions) -> Json:
        if self.chance(0.6):
            body["ConditionExpression"] = made.condition(self.random.randrange(4))
            if self.chance(0.5):
                body["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        return made.mentioned(body)

    def _put(self, table: str) -> Json:
        names = self.random.sample(_NAMES, self.random.randint(2, len(_NAMES)))
        item = {name: self.member(name) for name in names} | self.key(table)
        return self._conditioned({"TableName": table, "Item": item}, _Expressions(self))

    def _delete(self, table: str) -> Json:
        return self._conditioned({"TableName": table, "Key": self.key(table)}, _Expressions(self))

    def _update(self, table: str, *, overlaps: bool = False) -> Json:
        made = _Expressions(self)
        body = {"TableName": table, "Key": self.key(table), "UpdateExpression": made.update(overlaps=overlaps)}
        return self._conditioned(body, made)

    def _check(self, table: str) -> Json:
        made = _Expressions(self)
        condition = made.condition(2)
        body = {
            "TableName": table,
            "Key": self.key(table),
            "ConditionExpression": condition,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        return made.mentioned(body)

    def _get(self) -> Request:
        table = self._table()
        body: Json = {"TableName": table, "Key": self.key(table), "ConsistentRead": self.chance(0.5)}
        made = _Expressions(self)
        if self.chance(0.3):
            body["ProjectionExpression"] = ", ".join(made.path() for _ in range(self.random.randint(1, 3)))
        if self.chance(0.2):
            body["ReturnConsumedCapacity"] = "TOTAL"
        return "get_item", made.mentioned(body)

    def _batch(self) -> Request:
        keys = [self.key(PEOPLE) for _ in range(self.random.randint(1, 3))]
        wanted: Json = {PEOPLE: {"Keys": keys}}
        if self.chance(0.4):
            wanted[LINES] = {"Keys": [self.key(LINES)], "ConsistentRead": True}
        return "batch_get_item", {"RequestItems": wanted}

    def _reads(self) -> Request:
        found = [(table, self.key(table, empty=False)) for table in (self._table(), self._table())]
        return "transact_get_items", {"TransactItems": [{"Get": {"TableName": t, "Key": k}} for t, k in found]}

    def _transaction(self) -> Request:
        kinds: dict[str, Callable[[str], Json]] = {
            "Put": self._put,
            "Update": self._update,
            "Delete": self._delete,
            "ConditionCheck": self._check,
        }
        chosen = self.random.choices(tuple(kinds), (3, 5, 1, 1), k=self.random.randint(1, 4))
        self.careful = len(chosen) > 1  # which of two mistakes is told of is anybody's choice
        members = [{kind: kinds[kind](self._table())} for kind in chosen]
        self.careful = False
        token = {"ClientRequestToken": self.pick(("one", "two", "three"))} if self.chance(0.03) else {}
        return "transact_write_items", {"TransactItems": members} | token

    def _query(self) -> Request:
        table, index, where, place = self.pick(
            (
                (PEOPLE, "by-group", "g", "n"),
                (PEOPLE, "by-text", "t", None),
                (PEOPLE, None, "id", None),
                (LINES, None, "who", "line"),
                (LINES, None, "who", "line"),
            )
        )
        made = _Expressions(self)
        chosen = {"S": self.pick(_WORDS[1:] if index else "xyz" if place else "123456")}
        terms = [f"{made.name(where)} = {made.given(chosen)}"]
        ranged = place is not None and self.chance(0.6)
        if place and ranged:
            terms.append(self._range(made, place))
        body: Json = {"TableName": table, "KeyConditionExpression": " AND ".join(terms)}
        options: dict[str, tuple[float, Callable[[], object]]] = {
            "IndexName": (float(index is not None), lambda: index),
            "Limit": (0.4, lambda: self.random.randint(1, 3)),
            "ScanIndexForward": (0.5, lambda: self.chance(0.5)),
            "FilterExpression": (0.3, lambda: made.condition(1)),
            "ExclusiveStartKey": (0.3 * (table == LINES and not ranged), lambda: self.key(LINES) | {"who": chosen}),
            "ConsistentRead": (0.1, lambda: True),
            "Select": (0.1, lambda: "COUNT"),
            "ProjectionExpression": (0.1, lambda: f"{made.name('n')}, {made.name('m')}.a"),
            "ReturnConsumedCapacity": (0.2, lambda: "TOTAL"),
        }
        body |= {name: make() for name, (share, make) in options.items() if self.chance(share)}
        return "query", made.mentioned(body)

    def _range(self, made: _Expressions, place: str) -> str:
        low = made.given({"N": self.number()})
        if self.chance(0.3):
            return f"{made.name(place)} BETWEEN {low} AND {made.given({'N': '50'})}"
        return f"{made.name(place)} {self.pick(('=', '<', '<=', '>', '>='))} {low}"


class _Expressions:
    """The expressions of one request and the names and values that they mention."""

    def __init__(self, requests: Requests) -> None:
        self.requests = requests
        self.names: dict[str, str] = {}
        self.values: Json = {}

    def mentioned(self, body: Json) -> Json:
        """The names and values that the body's expressions use; now and then, where it has no condition, one more."""
        used = {token for text in body.values() if isinstance(text, str) for token in re.findall(r"[#:]\w+", text)}
        names = {name: meant for name, meant in self.names.items() if name in used}
        values = {name: value for name, value in self.values.items() if name in used}
        if "ConditionExpression" not in body and self.requests.mistake(0.02):
            names["#unused"] = "a"
        if "ConditionExpression" not in body and "UpdateExpression" in body and self.requests.mistake(0.02):
            values[":unused"] = {"N": "1"}
        found: Json = {"ExpressionAttributeNames": names} if names else {}
        return body | found | ({"ExpressionAttributeValues": values} if values else {})

    def name(self, name: str) -> str:
        if self.requests.chance(0.5):
            return name
        self.names[f"#{name}"] = name
        return f"#{name}"

    def given(self, value: Json) -> str:
        if self.requests.mistake(0.003):
            return ":undefined"
        placeholder = f":v{len(self.values)}"
        self.values[placeholder] = value
        return placeholder

    def path(self) -> str:
        pick = self.requests.pick
        match self.requests.random.randrange(10):
            case 0:
                return f"{self.name('m')}.{self.name(pick('abc'))}"
            case 1:
                return f"{self.name('l')}[{pick('0123')}]"
            case 2 if self.requests.mistake(0.05):
                return pick(_RESERVED)
        return self.name(pick(_NAMES))

    # Conditions

    def condition(self, depth: int) -> str:
        if depth <= 0 or self.requests.chance(0.3):
            return self._single()
        left, right = self.condition(depth - 1), self.condition(depth - 1)
        match self.requests.random.randrange(6):
            case 0 | 1:
                return f"{left} AND {right}"
            case 2 | 3:
                return f"{left} OR {right}"
            case 4:
                return f"({left}) and not {right}" if not left.startswith("(") else f"{left} AND NOT {right}"
        return f"NOT ({left})" if not left.startswith("(") else f"NOT {left}"

    def _single(self) -> str:
        kinds = ("S", "N", "L", "M", "SS", "NULL", "BOOL", "B")
        path, pick, number = self.path(), self.requests.pick, {"N": self.requests.number()}
        low, high = {"N": pick(("-10", "0", "1"))}, {"N": pick(("1", "3", "100"))}
        left, right = self.requests.random.sample(_NAMES, 2)
        whole, one, other = self.requests.value(), self.requests.scalar(), self.requests.scalar()
        options: tuple[Callable[[], str], ...] = (
            lambda: f"attribute_exists({path})",
            lambda: f"attribute_not_exists({path})",
            lambda: f"{path} {pick(('=', '<>'))} {self.given(whole)}",
            lambda: f"{path} {pick(('=', '<>', '<', '<=', '>', '>='))} {self.given(number)}",
            lambda: f"{path} IN ({self.given(one)}, {self.given(other)})",
            lambda: f"{path} BETWEEN {self.given(low)} AND {self.given(high)}",
            lambda: f"begins_with({path}, {self.given({'S': pick(_WORDS)})})",
            lambda: f"contains({path}, {self.given({'S': pick(_WORDS[1:])})})",
            lambda: f"attribute_type({path}, {self.given({'S': pick(kinds)})})",
            lambda: f"size({path}) {pick(('=', '<', '>='))} {self.given({'N': pick('0123')})}",
            lambda: f"{self.name(left)} {pick(('=', '<>', '<', '<=', '>', '>='))} {self.name(right)}",
        )
        return self.requests.random.choices(options, (2, 2, 1, 2, 1, 1, 1, 1, 1, 1, 2))[0]()

    # Updates

    def update(self, *, overlaps: bool) -> str:
        names = list(_NAMES)
        self.requests.random.shuffle(names)
        chosen = names[: self.requests.random.randint(1, 4)]
        sections: dict[str, list[str]] = {}
        for name in [*chosen, chosen[0]] if overlaps else chosen:
            section, clause = self._clause(name)
            sections.setdefault(section, []).append(clause)
        return " ".join(f"{section} {', '.join(clauses)}" for section, clauses in sections.items())

    def _clause(self, name: str) -> tuple[str, str]:
        requests = self.requests
        match requests.random.randrange(12):
            case 0 | 1:
                return "REMOVE", self._removable(name)
            case 2 if name in "nabxs" or requests.chance(0.1):
                return "ADD", f"{self.name(name)} {self.given(self._addend(name))}"
            case 3 if name == "s" or requests.chance(0.1):
                return "DELETE", f"{self.name(name)} {self.given({'SS': requests.random.sample(_WORDS[1:], 2)})}"
        return "SET", f"{self._settable(name)} = {self._computed(name)}"

    def _removable(self, name: str) -> str:
        if name == "l" and self.requests.chance(0.5):
            return f"l[{self.requests.pick('0123')}]"
        return self.name(name)

    def _settable(self, name: str) -> str:
        if name == "m" and self.requests.chance(0.6):
            return f"{self.name('m')}.{self.name(self.requests.pick('abc'))}"
        if name == "l" and self.requests.chance(0.4):
            return "l[0]"
        return self.name(name)

    def _known(self, names: str) -> str:
        """A path that mostly fits; now and then any."""
        return self.path() if self.requests.chance(0.1) else self.name(self.requests.pick(names))

    def _addend(self, name: str) -> Json:
        return {"SS": [self.requests.pick(_WORDS[1:])]} if name == "s" else {"N": self.requests.number()}

    def _computed(self, name: str) -> str:
        requests = self.requests
        if name in "gt" and not requests.chance(0.1):  # keys of indexes
            return self.given(requests.member(name))
        start, step, number = {"N": "0"}, {"N": requests.number()}, name == "n" and not requests.chance(0.1)
        options: list[Callable[[], str]] = [
            lambda: self.given(requests.member(name)),
            lambda: f"if_not_exists({self.path()}, {self.given(requests.member(name))})",
            lambda: self._known("n" if number else "nmlt"),
            lambda: f"{self._known('nabx')} {requests.pick('+-')} {self.given(step)}",
            lambda: (
                f"if_not_exists({self._known('nabx')}, {self.given(start)}) {requests.pick('+-')} {self.given(step)}"
            ),
            lambda: (
                f"list_append(if_not_exists({self._known('l')}, {self.given({'L': []})}), {self.given({'L': [step]})})"
            ),
        ]
        return requests.random.choices(options, (3, 1, 1, 1, 2, 0 if number else 1))[0]()
