"""What is measured on: the real local engine and the simulators, and the real handlers to bring records into a state."""

from __future__ import annotations

import importlib
import logging
import os
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local import database, settings, stack, tables, template
from local.settings import ROOT
from local.simulators import gemini, openai
from local.simulators.razorpay import serving
from local.simulators.razorpay.settings import Settings as RazorpaySettings
from local.template import Function, Template

if TYPE_CHECKING:
    from starlette.types import ASGIApp

type Event = dict[str, Any]
type Handler = Callable[[Event, object], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Ground:
    """Everything around the functions. `environment` is what a function finds in the cloud, `scratch` a folder of ours."""

    template: Template
    engine: str
    simulators: Mapping[str, str]
    environment: Mapping[str, str]
    scratch: Path

    def function(self, name: str) -> Function | None:
        """The function of that name, if the template has it."""
        return next((each for each in self.template.functions if each.name == name), None)


@contextmanager
def prepared() -> Iterator[Ground]:
    """The ground, until the block is left. This process becomes a function's: its environment and its import path."""
    read = template.read(ROOT / "template.yaml")
    with ExitStack() as opened:
        scratch = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="tollgate-bench-")))
        engine = opened.enter_context(database.running(log=scratch / "engine.log"))
        tables.create(engine.endpoint, read)
        simulators = {
            "RAZORPAY": opened.enter_context(serving.running(RazorpaySettings(webhook_url=None))),
            "OPENAI": _served(openai.create(clock=_now), opened),
            "GEMINI": _served(gemini.create(clock=_now), opened),
        }
        environment = stack.variables(settings.read({}, None), read, engine.endpoint, simulators, "http://127.0.0.1:9")
        _become(environment)
        yield Ground(read, engine.engine, simulators, environment, scratch)


def _now() -> datetime:
    return datetime.now(UTC)


def _served(app: ASGIApp, opened: ExitStack) -> str:
    return opened.enter_context(serving.serve(app, socket.create_server(("127.0.0.1", 0))))


def _become(environment: Mapping[str, str]) -> None:
    os.environ.update({**environment, "POWERTOOLS_LOG_LEVEL": "CRITICAL"})
    logging.getLogger("tollgate").setLevel("CRITICAL")  # where it was made before


@cache
def handler(name: str) -> Handler:
    """The handler that a template's `Handler` names, in this process."""
    module, _, attribute = name.rpartition(".")
    found: Handler = getattr(importlib.import_module(module), attribute)
    return found
