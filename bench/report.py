"""Tables for people, JSON for machines, and what the figures were taken on."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from local.settings import ROOT

PLACE = ROOT / ".local" / "bench"
_LIBRARIES = ("aws_lambda_powertools", "boto3", "pydantic", "openai", "google-generativeai", "razorpay")


@dataclass(frozen=True, slots=True)
class Goal:
    """Something that has to hold, and what was found. `met` is None where nothing was measured."""

    text: str
    found: str
    met: bool | None


class UnmeasuredError(Exception):
    """A request did not do what it should; the message says which and what it did instead."""


def say(line: str = "") -> None:
    """A line, at once."""
    print(line, flush=True)


def progress(line: str) -> None:
    """What is going on, apart from the results."""
    sys.stderr.write(f"  ... {line}\n")
    sys.stderr.flush()


def machine(command: str) -> dict[str, object]:
    """What is measured where."""
    return {
        "command": command,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cpus": os.cpu_count(),
        "load": [round(each, 2) for each in os.getloadavg()],
        "libraries": {name: version(name) for name in _LIBRARIES},
    }


def header(facts: Mapping[str, Any]) -> None:
    """The same, for people."""
    libraries = ", ".join(f"{name} {number}" for name, number in facts["libraries"].items())
    say(f"{facts['command']}   {facts['at']}")
    say(f"Python {facts['python']}, {facts['system']}, {facts['cpus']} CPUs, load average {load()}")
    say(libraries)


def load() -> str:
    """How busy the machine is: the last one, five and fifteen minutes."""
    return " ".join(f"{each:.2f}" for each in os.getloadavg())


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], note: str = "") -> None:
    """A table; the first column is text, the others are figures."""
    widths = [max(len(row[at]) for row in (columns, *rows)) for at in range(len(columns))]
    say(f"\n{title}")
    say(_line(columns, widths))
    say("  ".join("-" * width for width in widths))
    for row in rows:
        say(_line(row, widths))
    if note:
        say(note)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first = cells[0].ljust(widths[0])
    return "  ".join([first, *(cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True))]).rstrip()


def goals(found: Sequence[Goal]) -> None:
    """Each goal with its verdict."""
    if found:
        say("\nGoals")
    verdicts = {True: "met", False: "NOT MET", None: "not measured"}
    for goal in found:
        say(f"  {verdicts[goal.met]:<12}  {goal.text}: {goal.found}")


def problems(found: Sequence[str]) -> None:
    """What could not be measured, each once."""
    if found:
        say("\nNot measured")
    for problem in dict.fromkeys(found):
        say(f"  {problem}")


def save(step: str, facts: Mapping[str, object], results: object) -> None:
    """The raw figures of a step, under .local/bench."""
    PLACE.mkdir(parents=True, exist_ok=True)
    whole = {"machine": facts, "load after": load(), "results": results}
    (PLACE / f"{step}.json").write_text(json.dumps(whole, indent=1, default=str) + "\n", encoding="utf-8")
