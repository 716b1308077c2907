"""Documents: what lies at a path of an item, put there or taken away.

Nothing is changed in place but the new item itself: what a write does not touch is shared with the item before it.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from tests.simulation.parsing import Path
from tests.simulation.values import Attribute, Item, at, invalid

NO_PLACE = "The document path provided in the update expression is invalid for update"


def order(path: Path) -> list[tuple[bool, str | int]]:
    return [(type(part) is str, part) for part in path]


def apart(paths: list[Path]) -> None:
    """Raise a ValidationException where a path is another's beginning, or one sees a list where another sees a map."""
    ordered = sorted(paths, key=order)
    for one, other in pairwise(ordered):
        if one == other[: len(one)]:
            raise invalid("Two document paths overlap with each other; must remove or rewrite one of these paths")
    below: dict[Path, type] = {}
    for path in paths:
        for end in range(1, len(path)):
            if below.setdefault(path[:end], type(path[end])) is not type(path[end]):
                raise invalid("Two document paths conflict with each other; must remove or rewrite one of these paths")


def placed(item: Item, path: Path, value: Attribute) -> None:
    """Put a value at a path of a new item. Raises a ValidationException where there is nothing to hold it."""
    name = str(path[0])
    if len(path) == 1:
        item[name] = value
        return
    holder = item.get(name)
    if holder is None:
        raise invalid(NO_PLACE)
    item[name] = _within(holder, path[1:], value)


def _within(holder: Attribute, path: Path, value: Attribute | None) -> Attribute:
    """A copy of a list or map with a value below it, or without what is there if `value` is None."""
    part, rest = path[0], path[1:]
    if isinstance(part, int):
        elements = list(_inside(holder, "L"))
        _put_element(elements, part, rest, value)
        return {"L": elements}
    members = dict(_inside(holder, "M"))
    if rest:
        if part not in members:
            raise invalid(NO_PLACE)
        members[part] = _within(members[part], rest, value)
    elif value is None:
        members.pop(part, None)
    else:
        members[part] = value
    return {"M": members}


def _put_element(elements: list[Attribute], place: int, rest: Path, value: Attribute | None) -> None:
    if rest:
        if place >= len(elements):
            raise invalid(NO_PLACE)
        elements[place] = _within(elements[place], rest, value)
    elif value is None:
        del elements[place : place + 1]
    elif place < len(elements):
        elements[place] = value
    else:
        elements.append(value)


def _inside(holder: Attribute, kind: str) -> Any:  # noqa: ANN401 -- a list or a map
    inside = holder.get(kind)
    if inside is None:
        raise invalid(NO_PLACE)
    return inside


def removed(item: Item, old: Item, path: Path) -> None:
    """Take from a new item what the old one has at a path. Raises a ValidationException where nothing could hold it."""
    name = str(path[0])
    if len(path) == 1:
        item.pop(name, None)
        return
    holder = at(old, path[:-1])
    if holder is None or ("L" if type(path[-1]) is int else "M") not in holder:
        raise invalid(NO_PLACE)
    if at(old, path) is not None:
        item[name] = _within(item[name], path[1:], None)


def parts(item: Item, paths: list[Path]) -> Item:
    """What lies at these paths, each within what held it; of a list only the elements asked for, in their order."""
    found: Item = {}
    holders: dict[Path, Attribute] = {(): {"M": found}}
    for path in sorted(paths, key=order):
        value = at(item, path)
        if value is None:
            continue
        for end in range(1, len(path)):
            if path[:end] not in holders:
                holders[path[:end]] = {"L": []} if type(path[end]) is int else {"M": {}}
                _held(holders[path[: end - 1]], path[end - 1], holders[path[:end]])
        _held(holders[path[:-1]], path[-1], value)
    return found


def _held(holder: Attribute, part: str | int, value: Attribute) -> None:
    if "L" in holder:
        holder["L"].append(value)
    else:
        holder["M"][part] = value
