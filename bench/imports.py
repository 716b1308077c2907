"""What the import of each function costs a fresh process, beside everything that such a function could import."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from functools import partial
from statistics import median
from typing import Any

from bench import PATHS, report
from bench.report import Goal, UnmeasuredError
from bench.rounds import PEERS
from bench.session import Session

RUNS, QUICK_RUNS = 15, 4
FUNCTIONS = {
    "pricing": "subscription.pricing",
    "status": "subscription.status",
    "webhook": "webhooks.razorpay",
    "AI (parse-resume)": "ai.parse_resume",
}
READY = ", ready for requests"
EVERYTHING = "boto3 + Powertools + pydantic + OpenAI"
RESOLVER, FASTAPI, LITELLM = "Powertools' resolver alone", "FastAPI + Mangum", "LiteLLM"
CLOUD = {
    "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13"
}  # so that a function builds while it starts what each request needs
_EVERYTHING = (
    "import boto3, pydantic, openai; from aws_lambda_powertools import Logger, Metrics;"
    "from aws_lambda_powertools.event_handler import APIGatewayHttpResolver;"
    "boto3.client('dynamodb'); openai.OpenAI(api_key='bench')"
)
PROGRAMS = {
    RESOLVER: (sys.executable, "from aws_lambda_powertools.event_handler import APIGatewayHttpResolver"),
    EVERYTHING: (sys.executable, _EVERYTHING),
    FASTAPI: (str(PEERS), "import fastapi, mangum; mangum.Mangum(fastapi.FastAPI(), lifespan='off')"),
    LITELLM: (str(PEERS), "import litellm"),
}
# Nothing but built-in modules is imported before the clocks are read.
_TIMED = (
    "import time; w, c = time.perf_counter(), time.process_time(); {};"
    "w, c = time.perf_counter() - w, time.process_time() - c;"
)
_SAID = "import sys, os; os.write({}, ('%r %r %d' % (w, c, len(sys.modules))).encode())"

type Program = tuple[str, str, dict[str, str]]


def imports(session: Session) -> list[Goal]:
    """Print and save them."""
    programs = _programs()
    found: dict[str, list[tuple[float, float, int]]] = {name: [] for name in programs}
    runs = QUICK_RUNS if session.quick else RUNS
    for number in range(runs + 1):  # the first writes bytecode
        for name, program in list(programs.items()):
            took = session.attempt(f"import of {name}", partial(_once, session, program))
            if took is None:
                del programs[name]
            elif number:
                found[name].append(took)
        report.progress(f"imports: round {number} of {runs}")
    figures = {name: _figures(each) for name, each in found.items() if each}
    for name, module in FUNCTIONS.items():
        if name in figures and (shares := session.attempt(f"profile of {name}", partial(_shares, session, module))):
            figures[name]["shares"] = shares
            if name + READY in figures:
                figures[name + READY]["shares"] = _shares(session, module, CLOUD)
    report.table(
        f"Import of a function, a fresh process each: least of {runs} runs, alternating",
        ("what is imported", "CPU ms", "median", "wall ms", "modules"),
        [_row(name, each) for name, each in figures.items()],
        f"'{READY.strip(', ')}': as in Lambda, where a function builds its clients while it starts and has a whole processor.",
    )
    report.save("imports", session.facts, figures)
    return []


def _programs() -> dict[str, Program]:
    found: dict[str, Program] = {}
    for name, module in FUNCTIONS.items():
        found[name] = (sys.executable, f"import {module}", {})
        found[name + READY] = (sys.executable, f"import {module}", CLOUD)
    for name, (python, program) in PROGRAMS.items():
        found[name] = (python, program, {})
    return found


def _run(session: Session, program: Program, *flags: str, tail: str = "") -> str:
    python, statements, environment = program
    variables = {**session.ground.environment, **environment, "PYTHONPATH": os.pathsep.join(PATHS)}
    variables["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    ran = subprocess.run(
        [python, *flags, "-c", statements + tail],
        env=variables,
        cwd=session.ground.scratch,
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        raise UnmeasuredError(f"it did not run: {ran.stderr[-500:].strip()}")
    return ran.stderr


def _once(session: Session, program: Program) -> tuple[float, float, int]:
    python, statements, environment = program
    timed = _TIMED.format(statements) + _SAID.format(2)
    said = _run(session, (python, timed, environment)).split()
    wall, cpu, modules = said[-3:]
    return float(wall), float(cpu), int(modules)


def _figures(runs: Sequence[tuple[float, float, int]]) -> dict[str, Any]:
    cpu = [round(1000 * each[1], 1) for each in runs]
    wall = [round(1000 * each[0], 1) for each in runs]
    return {"cpu": min(cpu), "median": median(cpu), "wall": min(wall), "modules": runs[0][2], "each": cpu}


def _shares(session: Session, module: str, environment: dict[str, str] | None = None) -> dict[str, float]:
    """Where the time of an import goes, in per cent, by package: the profile."""
    said = _run(session, (sys.executable, f"import {module}", environment or {}), "-X", "importtime")
    spent: Counter[str] = Counter()
    for line in said.splitlines():
        own, _, name = line.removeprefix("import time:").replace("|", " ").strip().partition(" ")
        if line.startswith("import time:") and own.isdecimal():
            spent[_package(name.split()[-1])] += int(own)
    whole = spent.total()
    return {name: round(100 * own / whole, 1) for name, own in spent.most_common(8)}


def _package(module: str) -> str:
    top = module.partition(".")[0]
    return "the standard library" if top.lstrip("_") in _STANDARD or top in sys.stdlib_module_names else top


_STANDARD = {name.lstrip("_") for name in sys.stdlib_module_names}


def _row(name: str, found: dict[str, Any]) -> list[str]:
    return [name, f"{found['cpu']:.0f}", f"{found['median']:.0f}", f"{found['wall']:.0f}", str(found["modules"])]
