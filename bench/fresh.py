"""A fresh process for one request: from spawning it to the reply, and what it has loaded by then."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from bench import PATHS
from bench.ground import Event, Ground
from bench.report import UnmeasuredError
from bench.scenarios import COLD, Scenario
from bench.session import Session
from bench.shop import Shop
from local.control import schedule_event
from local.template import Function

BARE_MEMORY = 512  # MB

type Figures = dict[str, Any]
type Runs = Sequence[Mapping[str, Any]]

# Runs in the fresh process. Nothing but built-in modules is imported before the function is.
HARNESS = """
import sys
from time import perf_counter, process_time
up = perf_counter()
_, spawned, module, event, out = sys.argv
__import__(module)
handler = sys.modules[module].handler
loaded, cpu_loaded, at_import = perf_counter(), process_time(), list(sys.modules.values())
import json
class Context:
    aws_request_id, function_name, memory_limit_in_mb = "req-cold", "bench", 1769
    invoked_function_arn = "arn:aws:lambda:ap-south-1:000000000000:function:bench"
    def get_remaining_time_in_millis(self):
        return 29_000
event, context = json.load(open(event)), Context()
asked, cpu_asked = perf_counter(), process_time()
reply = handler(event, context)
answered, cpu_answered = perf_counter(), process_time()
def packages(modules):
    files = [getattr(each, "__file__", None) or "" for each in modules]
    parts = [each.partition("site-packages/")[2].split("/")[0] for each in files if "site-packages/" in each]
    return sorted({each.partition(".")[0] for each in parts})
status = reply.get("statusCode") if isinstance(reply, dict) else None
known = set(map(id, at_import))
later = [each for each in sys.modules.values() if id(each) not in known]
figures = {"start": up - float(spawned), "load": loaded - up, "first": answered - asked,
    "cpu load": cpu_loaded, "cpu first": cpu_answered - cpu_asked, "status": status, "modules": len(sys.modules),
    "at import": packages(at_import), "later": sorted(set(packages(later)) - set(packages(at_import)))}
json.dump(figures, open(out, "w"))
"""

BARE = (
    ("bare Powertools handler", "plain.handler"),
    ("  + Logger, Metrics", "logged.handler"),
    ("  + boto3, one GetItem", "reading.handler"),
)
EAGER = ("parse, by gpt4o", "parse, by gemini")
EAGERLY = ", all imported at the top"
BARE_EVENT: Event = {
    "version": "2.0",
    "routeKey": "GET /bare",
    "rawPath": "/bare",
    "headers": {},
    "requestContext": {"http": {"method": "GET", "path": "/bare"}, "requestId": "bench", "stage": "$default"},
    "isBase64Encoded": False,
}


@dataclass(frozen=True, slots=True)
class Subject:
    """Something to start: a bare handler, a request of a function, or a scheduled function."""

    name: str
    handler: str
    function: Function | None = None
    scenario: Scenario | None = None

    @property
    def memory(self) -> int:
        return self.function.memory if self.function else BARE_MEMORY

    @property
    def status(self) -> int | None:
        """What it must answer; None where a schedule calls and nobody reads an answer."""
        if self.scenario:
            return self.scenario.status
        return None if self.function else 200

    def event(self, shop: Shop) -> Event:
        """What it is called with."""
        if self.scenario:
            return self.scenario.prepare(shop)
        if self.function:
            called: Any = schedule_event(self.function.schedules[0], self.function, datetime.now(UTC))
            event: Event = called
            return event
        return BARE_EVENT


def subjects(ground: Ground) -> list[Subject]:
    """The bare handlers, then every request of a function that the template has, then what schedules call."""
    compared = [Subject(name, handler) for name, handler in BARE]
    here = [(each, ground.function(each.function)) for each in COLD]
    asked = [Subject(each.name, function.handler, function, each) for each, function in here if function]
    eager = [
        replace(each, name=f"{each.name}{EAGERLY}", handler="eager.handler") for each in asked if each.name in EAGER
    ]
    scheduled = [Subject(each.name, each.handler, each) for each in ground.template.functions if each.schedules]
    return compared + asked + eager + scheduled


def without_request(ground: Ground) -> list[str]:
    """Functions of the template that are not started here."""
    started = {each.handler for each in subjects(ground)}
    return [each.name for each in ground.template.functions if each.handler not in started]


def start(session: Session, subject: Subject) -> Figures | None:
    """The figures of one fresh process. The first one of a subject writes bytecode for those that come after it."""
    return session.attempt(subject.name, partial(_started, session, subject))


def _started(session: Session, subject: Subject) -> Figures:
    scratch = session.ground.scratch
    asked, out = scratch / "event.json", scratch / "figures.json"
    asked.write_text(json.dumps(subject.event(session.shop)), encoding="utf-8")
    out.unlink(missing_ok=True)
    cloud = {
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13"
    }  # so that a function builds while it starts what each request needs
    variables = {**session.ground.environment, **cloud, "PYTHONPATH": os.pathsep.join(PATHS)}
    if subject.name in session.compiled:
        variables["PYTHONDONTWRITEBYTECODE"] = "1"
    session.compiled.add(subject.name)
    module = subject.handler.rpartition(".")[0]
    command = [sys.executable, "-c", HARNESS, str(time.perf_counter()), module, str(asked), str(out)]
    ran = subprocess.run(
        command, env=variables, cwd=scratch, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False
    )
    if ran.returncode:
        raise UnmeasuredError(f"it did not run: {ran.stderr.decode()[-500:].strip()}")
    figures: Figures = json.loads(out.read_text(encoding="utf-8"))
    if subject.status is not None and figures["status"] != subject.status:
        raise UnmeasuredError(f"answered {figures['status']} instead of {subject.status}")
    return figures
