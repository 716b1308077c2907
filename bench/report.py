"""Tables for people, JSON for machines, and what the figures were taken on."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from local.settings import ROOT

PLACE = ROOT / ".local" / "bench"
_PEERS = ("fastapi==", "litellm==", "mangum==")
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
        "processor": _processor(),
        "commit": _said("git", "rev-parse", "--short", "HEAD"),
        "load": [round(each, 2) for each in os.getloadavg()],
        "libraries": {name: version(name) for name in _LIBRARIES},
        "peers": _peers(),
    }


def _said(*command: str) -> str:
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""


def _processor() -> str:
    place = Path("/proc/cpuinfo")
    lines = place.read_text(encoding="utf-8").splitlines() if place.exists() else []
    return next((each.partition(":")[2].strip() for each in lines if each.startswith("model name")), "")


def _peers() -> dict[str, str]:
    """What the peers' environment holds of those that are measured."""
    pinned = (ROOT / "requirements" / "bench.txt").read_text(encoding="utf-8").splitlines()
    pins = [each.removesuffix(" \\").split("==") for each in pinned if each.startswith(_PEERS)]
    return {name: number for name, number, *_ in pins}


def header(facts: Mapping[str, Any]) -> None:
    """The same, for people."""
    libraries = ", ".join(f"{name} {number}" for name, number in facts["libraries"].items())
    say(f"{facts['command']}   {facts['at']}")
    say(f"Python {facts['python']}, {facts['system']}, {facts['cpus']} CPUs, load average {load()}")
    say(libraries)


def load() -> str:
    """How busy the machine is: the last one, five and fifteen minutes."""
    return " ".join(f"{each:.2f}" for each in os.getloadavg())


_tables: list[dict[str, Any]] = []  # since the last step was saved


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], note: str = "") -> None:
    """A table; the first column is text, the others are figures. It is saved with the step's figures."""
    _tables.append({"title": title, "columns": [*columns], "rows": [[*row] for row in rows], "note": note})
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
    """The raw figures of a step and the tables printed since the last was saved, under .local/bench."""
    PLACE.mkdir(parents=True, exist_ok=True)
    whole = {"machine": facts, "load after": load(), "results": results, "tables": [*_tables]}
    _tables.clear()
    (PLACE / f"{step}.json").write_text(json.dumps(whole, indent=1, default=str) + "\n", encoding="utf-8")


def add(step: str, *, goals: Sequence[Goal], seconds: float) -> None:
    """Write a step's own goals beside its figures, and when in the run it was done."""
    place = PLACE / f"{step}.json"
    if place.exists():
        whole = json.loads(place.read_text(encoding="utf-8"))
        whole |= {"goals": [asdict(each) for each in goals], "seconds": round(seconds)}
        place.write_text(json.dumps(whole, indent=1, default=str) + "\n", encoding="utf-8")


type Steps = dict[str, dict[str, Any]]


def saved(steps: Iterable[str], since: str = "") -> Steps:
    """What was saved of these steps; with `since` only what the run that began then has saved."""
    found: Steps = {}
    for name in steps:
        place = PLACE / f"{name}.json"
        if place.exists():
            step = json.loads(place.read_text(encoding="utf-8"))
            if str(step["machine"]["at"]) >= since:
                found[name] = step
    return found
