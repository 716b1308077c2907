"""Processes that are measured in turn: A B C, A B C, round after round, so that a busy moment meets them all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from bench import PATHS, report
from bench.report import UnmeasuredError
from bench.session import Session
from local.settings import ROOT

PEERS = ROOT / ".venv-bench" / "bin" / "python"
"""The Python that has FastAPI and LiteLLM: requirements/bench.txt, made by `make bench`."""

type Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Subject:
    """Something to measure: a module that does a round a line, what it is told, and whose Python runs it.

    With `copies` that many of it run at the same time, each doing the whole round.
    """

    name: str
    module: str
    told: Mapping[str, object]
    python: str = sys.executable
    copies: int = 1


class Running:
    """A subject's processes, each with what it says on its standard error."""

    def __init__(self, subject: Subject, start: Callable[[int], tuple[subprocess.Popen[str], Path]]) -> None:
        self.subject = subject
        self.rounds: list[Figures] = []
        self._start = start
        self._processes: list[subprocess.Popen[str]] = []
        self._told: list[Path] = []

    def warm_up(self) -> bool:
        """Start them, one after the other: each does a round that is not counted before the next takes the core."""
        for number in range(self.subject.copies):
            process, told = self._start(number)
            self._processes.append(process)
            self._told.append(told)
            self._ask(process)
            self._line(process)
        return True

    def round(self) -> bool:
        """Have them do one, all at once. The first copy's figures are kept, with the seconds until the last was done."""
        begun = perf_counter()
        for each in self._processes:
            self._ask(each)
        lines = [self._line(each) for each in self._processes]
        found: Figures = json.loads(lines[0])
        self.rounds.append({**found, "took": perf_counter() - begun})
        return True

    def _ask(self, process: subprocess.Popen[str]) -> None:
        if process.stdin is not None:
            with suppress(OSError):  # its end shows when its line is missing
                process.stdin.write("go\n")
                process.stdin.flush()

    def _line(self, process: subprocess.Popen[str]) -> str:
        line = process.stdout.readline() if process.stdout else ""
        while '"level"' in line:  # a peer's log: what is logged before its rounds begin comes out here too
            line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise UnmeasuredError(f"its process ended: {self._last_words()}")
        return line

    def _last_words(self) -> str:
        said = [each.read_text(encoding="utf-8", errors="replace").strip() for each in self._told]
        return next((each[-600:] for each in said if each), "")


def alternating(session: Session, name: str, subjects: Sequence[Subject], rounds: int) -> dict[str, list[Figures]]:
    """The rounds of each. One that cannot be measured is noted and left out; the others go on."""
    with ExitStack() as opened:
        running: list[Running] = []
        for subject in subjects:
            each = opened.enter_context(_running(session, subject))
            if session.attempt(subject.name, each.warm_up):
                running.append(each)
                report.progress(f"{name}: {subject.name} is ready")
        for number in range(rounds):
            for each in list(running):
                if session.attempt(each.subject.name, each.round) is None:
                    running.remove(each)
            report.progress(f"{name}: round {number + 1} of {rounds}")
        return {each.subject.name: each.rounds for each in running}


@contextmanager
def _running(session: Session, subject: Subject) -> Iterator[Running]:
    scratch = session.ground.scratch
    job = scratch / f"{subject.module}-{abs(hash(subject.name))}.json"
    job.write_text(json.dumps(subject.told), encoding="utf-8")
    variables = {**session.ground.environment, "PYTHONPATH": os.pathsep.join(PATHS)}
    variables["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # or it looks for prices in the network first
    if url := subject.told.get("upstream"):
        variables |= {"OPENAI_BASE_URL": f"{url}/v1", "GEMINI_BASE_URL": str(url)}
    command = [subject.python, "-m", subject.module, str(job)]
    with ExitStack() as opened:

        def start(number: int) -> tuple[subprocess.Popen[str], Path]:
            said = scratch / f"{job.stem}-{number}.log"
            with on_one_core():  # what is started here inherits it
                return opened.enter_context(_process(command, variables, said)), said

        yield Running(subject, start)


@contextmanager
def _process(command: Sequence[str], variables: Mapping[str, str], said: Path) -> Iterator[subprocess.Popen[str]]:
    with (
        said.open("w", encoding="utf-8") as errors,
        subprocess.Popen(
            command,
            env=variables,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        try:
            yield process
        finally:
            if process.stdin is not None:
                with suppress(OSError):
                    process.stdin.close()  # it ends with its input
            with suppress(subprocess.TimeoutExpired):
                process.wait(30)
            process.kill()


@contextmanager
def on_one_core() -> Iterator[None]:
    """Processes started within run on one core, the last, where the system can do that; whoever asks them, on the others."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
