"""docs/performance.md, its pictures and its figures, made from what a run saved; what stands around them is bench/page.md."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any

from bench import handler_shell, imports, pace
from bench.goals import GOALS, Line, Steps, judged
from bench.pictures import Bar, bars

PAGE, FOLDER = "performance.md", "performance"
FIGURES = "figures.json"
PROSE = Path(__file__).with_name("page.md")


def write(steps: Steps, out: Path) -> Path:
    """Write all of it; gives the page's place."""
    folder = out / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    small = {name: _small(each) for name, each in steps.items()}
    (folder / FIGURES).write_text(json.dumps(small, separators=(",", ":")) + "\n", encoding="utf-8")
    for name, drawn in pictures(small).items():
        (folder / name).write_text(drawn, encoding="utf-8")
    page = out / PAGE
    page.write_text(text(small), encoding="utf-8")
    return page


def read(folder: Path) -> Steps:
    """The figures that a page was made from."""
    found: Steps = json.loads((folder / FIGURES).read_text(encoding="utf-8"))
    return found


def text(steps: Steps) -> str:
    """The page."""
    lines = judged(steps)
    filled = Template(PROSE.read_text(encoding="utf-8")).substitute(
        taken=_taken(steps),
        summary=_summary(lines),
        goals=_table(("", "what", "ours", "beside", "÷", "goal", ""), [_row(line) for line in lines]),
        reasons=_reasons(steps, lines),
        pictures="\n\n".join(f"![{name.removesuffix('.svg')}]({FOLDER}/{name})" for name in pictures(steps)),
        details="\n\n".join(_details(steps)),
    )
    return re.sub(r"\n{3,}", "\n\n", filled)


def _taken(steps: Steps) -> str:
    machines = [each["machine"] for each in steps.values()]
    if not machines:
        return "Nothing was measured."
    machine = max(machines, key=lambda each: str(each["at"]))
    versions = {**machine["libraries"], **machine.get("peers", {})}
    loads = [str(each["load after"]).split()[0] for each in steps.values()]
    seconds = max((float(each.get("seconds", 0)) for each in steps.values()), default=0.0)
    commands = dict.fromkeys(str(each["command"]) for each in machines)
    busy = max(float(each) for each in loads) > 2 * machine["cpus"]
    return (
        f"`{'`, `'.join(commands)}` of {machine['at']}, commit {machine.get('commit', '–')}: Python {machine['python']}, "
        f"{machine['system']}, {machine['cpus']} CPUs"
        f"{', ' + machine['processor'] if machine.get('processor') else ''}; "
        f"load average {machine['load'][0]:.2f} at the start, {min(loads, key=float)} to {max(loads, key=float)} "
        f"(one minute) after its steps; {seconds / 60:.0f} minutes.\n"
        f"Versions: {', '.join(f'{name} {number}' for name, number in versions.items())}."
        + (
            "\n\n**The machine was busy with other work: times of this run are rough, wall times worthless.**"
            if busy
            else ""
        )
    )


def _summary(lines: Sequence[Line]) -> str:
    by_goal: dict[str, list[bool | None]] = {}
    for line in lines:
        by_goal.setdefault(line.goal.id, []).append(line.met)
    whole = [name for name, each in by_goal.items() if all(each)]
    missed = [name for name, each in by_goal.items() if False in each]
    open_ = [name for name, each in by_goal.items() if name not in {*whole, *missed}]
    met = sum(1 for line in lines if line.met)
    told = f"{met} of {len(lines)} lines are met. Met in every line: {', '.join(whole) or 'none'}."
    told += f" Missed in some line: {', '.join(missed)}; the reasons are below the table." if missed else ""
    return told + (f" Not measured in some line: {', '.join(open_)}." if open_ else "")


def _row(line: Line) -> list[str]:
    verdict = {"met": "met", "not met": "**not met**", "not measured": "*not measured*"}[line.verdict]
    return [line.goal.id, line.what, line.ours, line.peer, line.ratio, line.limit, verdict]


def _reasons(steps: Steps, lines: Sequence[Line]) -> str:
    missed = {line.goal.id for line in lines if line.met is False}
    told = [f"- **{goal.id}, {goal.title}.** {goal.reason(steps)}" for goal in GOALS if goal.id in missed]
    return "### Why a line is missed\n\n" + "\n".join(told) if told else ""


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = [f"| {' | '.join(columns)} |", f"|{'---|' + '---:|' * (len(columns) - 1)}"]
    return "\n".join(head + [f"| {' | '.join(_cell(each) for each in row)} |" for row in rows])


def _cell(said: str) -> str:
    return said.strip().replace("|", "\\|")


_VERDICTS = {True: "met", False: "not met", None: "not measured"}


def _details(steps: Steps) -> Iterator[str]:
    for name, step in steps.items():
        for each in step.get("tables", ()):
            shown = _table(each["columns"], each["rows"])
            note = f"\n\n{each['note']}" if each["note"] else ""
            yield f"<details><summary>{each['title']} (<code>{name}</code>)</summary>\n\n{shown}{note}\n\n</details>"
        if goals := step.get("goals"):
            shown = _table(
                ("goal", "found", ""), [[each["text"], each["found"], _VERDICTS[each["met"]]] for each in goals]
            )
            yield f"<details><summary>Further goals of <code>{name}</code></summary>\n\n{shown}\n\n</details>"


def _small(step: Mapping[str, Any]) -> dict[str, Any]:
    """A step's figures without what no page needs: lists of modules, and more digits than are true."""
    return {name: _rounded(each) for name, each in step.items()}


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items() if name not in {"at import", "later"}}
    return value


# Pictures


def pictures(steps: Steps) -> dict[str, str]:
    """Each that the figures suffice for, by its file's name."""
    drawn: dict[str, str] = {}
    for name, draw in _PICTURES.items():
        try:
            drawn[name] = draw(steps)
        except (KeyError, IndexError, TypeError, ValueError):
            continue  # its step failed
    return drawn


def _of(found: Mapping[str, Any], figure: str, ours: str, order: int = 1) -> list[Bar]:
    rows = [Bar(name, float(each[figure]), name.startswith(ours)) for name, each in found.items()]
    return sorted(rows, key=lambda each: order * each.value)


def _cpu(steps: Steps) -> str:
    found = {name: each for name, each in steps["pace"]["results"].items() if not name.endswith(pace.TOGETHER)}
    note = (
        "Upstream of no latency. Only ours and the original design keep quota and log, and only ours keeps them exact."
    )
    return bars("CPU of an AI call", note, " ms", _of(found, "cpu", pace.OURS), 1.2)


def _rate(steps: Steps) -> str:
    found = steps["pace"]["results"]
    note = "On one core, upstream and store of no latency. One caller where nothing else is said."
    return bars("AI calls a second", note, "/s", _of(found, "rate", pace.OURS, -1), 500)


def _waiting(steps: Steps) -> str:
    found = steps["waiting"]["results"]
    rows = [Bar(name, float(each["p50"]), name.startswith(pace.OURS)) for name, each in found.items()]
    rows.sort(key=lambda each: (int(each.name.rpartition(", ")[2].split()[0]), not each.ours))
    return bars(
        "Time before the provider is asked", "Median wall time by what a request to the store takes.", " ms", rows
    )


def _shell(steps: Steps) -> str:
    found = {name: {"cpu": handler_shell.cpu(each)} for name, each in steps["shell"]["results"].items()}
    note = "Milliseconds of CPU: route, parse, check a body of three fields, reply. Ours logs and measures too."
    return bars("The shell of a request", note, " ms", _of(found, "cpu", handler_shell.OURS), 0.07)


def _imports(steps: Steps) -> str:
    found = steps["imports"]["results"]
    rows = [Bar(name, float(each["cpu"]), name.startswith(tuple(imports.FUNCTIONS))) for name, each in found.items()]
    note = "Milliseconds of CPU in a fresh process, the least of its runs."
    return bars("What an import costs", note, " ms", sorted(rows, key=lambda each: each.value))


_PICTURES: Mapping[str, Callable[[Steps], str]] = {
    "ai-call-cpu.svg": _cpu,
    "ai-calls-a-second.svg": _rate,
    "before-the-provider.svg": _waiting,
    "request-shell.svg": _shell,
    "imports.svg": _imports,
}
