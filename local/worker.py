"""One worker process: what a Lambda execution environment is to a function, one invocation at a time.

Started by `local.pool`; nothing here may be imported for its effect.
"""

import importlib
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from local.template import ACCOUNT, REGION, Function

type Json = dict[str, Any]
type Handler = Callable[[Json, Context], object]


@dataclass(frozen=True, slots=True)
class Invocation:
    """One call of a function: its event, its id, and how far the local clock is from the system's."""

    function: Function
    event: Json
    request_id: str
    offset: timedelta


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it: the result as JSON text, or what went wrong."""

    result: str | None = None
    error: str | None = None

    def loaded(self) -> object:
        """The result as the function returned it."""
        return json.loads(self.result) if self.result is not None else None


@dataclass(slots=True)
class Context:
    """What Lambda hands a handler beside the event."""

    aws_request_id: str
    function_name: str
    memory_limit_in_mb: int
    invoked_function_arn: str
    deadline: float
    function_version: str = "$LATEST"
    log_group_name: str = ""
    log_stream_name: str = "local"
    identity: object = None
    client_context: object = None
    tenant_id: object = None
    extra: Json = field(default_factory=dict)

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is killed."""
        return max(0, int((self.deadline - time.monotonic()) * 1000))


def serve(connection: Connection, log: Path, environment: Mapping[str, str], paths: tuple[str, ...]) -> None:
    """Answer invocations until the other end goes away."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _write_to(log)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    sys.path[:0] = [path for path in paths if path not in sys.path]
    handlers: dict[str, Handler] = {}
    connection.send(None)
    while True:
        try:
            invocation: Invocation = connection.recv()
            connection.send(_run(invocation, handlers))
        except (EOFError, OSError):
            return


def _write_to(log: Path) -> None:
    target = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(target, 1)
    os.dup2(target, 2)
    os.close(target)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", buffering=1, closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", buffering=1, closefd=False)


def _run(invocation: Invocation, handlers: dict[str, Handler]) -> Outcome:
    function = invocation.function
    try:
        os.environ.update(_own_variables(function))
        if function.name not in handlers:
            handlers[function.name] = _load(function)
        _travel(invocation.offset)
        result = handlers[function.name](invocation.event, _context(invocation))
        return Outcome(result=json.dumps(result))
    except BaseException as error:  # noqa: BLE001 -- Lambda reports whatever a handler throws, sys.exit included
        sys.stderr.write(f"[ERROR] {function.name} {invocation.request_id}\n{traceback.format_exc()}")
        return Outcome(error=f"{type(error).__name__}: {error}")


def _own_variables(function: Function) -> dict[str, str]:
    return {
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
        "LAMBDA_TASK_ROOT": str(function.code),
        "_HANDLER": function.handler,
    }


def _load(function: Function) -> Handler:
    if str(function.code) not in sys.path:
        sys.path.insert(0, str(function.code))
    module, _, name = function.handler.replace("/", ".").rpartition(".")
    handler: Handler = getattr(importlib.import_module(module), name)
    return handler


def _travel(offset: timedelta) -> None:
    try:
        clock = importlib.import_module("tollgate.clock")
    except ModuleNotFoundError:  # a function without the shared layer has no clock to move
        return
    clock.travel(offset)


def _context(invocation: Invocation) -> Context:
    function = invocation.function
    return Context(
        aws_request_id=invocation.request_id,
        function_name=function.name,
        memory_limit_in_mb=function.memory,
        invoked_function_arn=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function.name}",
        deadline=time.monotonic() + function.timeout,
        log_group_name=f"/aws/lambda/{function.name}",
    )
