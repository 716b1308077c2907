"""Starts everything `make run` serves, in one process beside the database and the workers, and stops it again."""

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Mount
from starlette.types import ASGIApp

from local import database, streams, tables, template
from local.clock import Clock
from local.control import Control, Facts, refused
from local.database import Database
from local.front import Front, Lambda, Report
from local.mail import Outbox
from local.pool import Pool
from local.settings import ROOT, Settings
from local.template import ACCOUNT, REGION, Template

PROVIDERS = ("RAZORPAY", "OPENAI", "GEMINI")
_DATABASE_PORT = 8000
_START_SECONDS = 20.0
_STOP_SECONDS = 2


class PortTaken(Exception):  # noqa: N818 -- reads as what happened
    """Somebody listens on the API's port already."""


@dataclass(frozen=True, slots=True)
class Stack:
    """What is running, and where."""

    url: str
    database: Database
    simulators: Mapping[str, str]
    clock: Clock
    log: Path


class _Server(uvicorn.Server):
    """A server that leaves Ctrl-C to whoever started the stack: there are several of them in one process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def running(settings: Settings, *, path: Path = ROOT / "template.yaml", report: Report) -> AsyncIterator[Stack]:
    """The whole stack, until the block is left. Raises PortTaken, database.Unavailable or tables.Outdated."""
    read = template.read(path)
    settings.data.mkdir(parents=True, exist_ok=True)
    log = settings.data / "functions.log"
    log.write_bytes(b"")
    clock = Clock(settings.data / "clock")
    async with contextlib.AsyncExitStack() as stack:
        door = _listen(settings.port)
        stack.callback(door.close)
        url = f"http://127.0.0.1:{door.getsockname()[1]}"
        engine = await _database(settings, stack)
        await asyncio.to_thread(tables.create, engine.endpoint, read)
        simulators = {
            provider: await _simulator(provider, at, settings, clock, url, stack)
            for at, provider in enumerate(PROVIDERS, start=1)
            if settings.simulated(provider)
        }
        pool = Pool(
            log=log,
            environment=variables(settings, read, engine.endpoint, simulators, url),
            paths=sorted({str(function.code) for function in read.functions} | {str(ROOT / "layers" / "shared")}),
            sources=(path.parent / "functions", ROOT / "layers"),
        )
        stack.push_async_callback(pool.close)
        await pool.start()
        functions = Lambda(pool, clock)
        facts = Facts(
            secret=settings.values["JWT_SECRET"],
            razorpay=simulators.get("RAZORPAY", "https://checkout.razorpay.com"),
            health={"database": engine.engine, "simulators": simulators},
        )
        control = Control(read, functions, clock, Outbox(settings.data / "mail.jsonl"), facts)
        tail = asyncio.create_task(_follow(log, _shown(settings, report)))
        stack.push_async_callback(_cancelled, tail)
        app = Starlette(
            routes=[
                Mount("/_local", routes=control.routes()),
                Mount("/", app=Front(read, functions, clock, report)),
            ],
            exception_handlers={HTTPException: refused},
        )
        await _serve(app, door, stack)
        kept = settings.data / "streams.json"
        for feeder in streams.feeders(read, engine.endpoint, functions, clock, kept, report):
            stack.push_async_callback(_cancelled, asyncio.create_task(feeder.run()))
        yield Stack(url, engine, simulators, clock, log)


@contextlib.contextmanager
def started(settings: Settings, *, path: Path = ROOT / "template.yaml", report: Report = print) -> Iterator[Stack]:
    """The whole stack on a thread of its own, for callers that are not asynchronous."""
    ready: list[Stack] = []
    failed: list[BaseException] = []
    up, stop = threading.Event(), threading.Event()

    async def live() -> None:
        async with running(settings, path=path, report=report) as stack:
            ready.append(stack)
            up.set()
            await asyncio.to_thread(stop.wait)

    def run() -> None:
        try:
            asyncio.run(live())
        except BaseException as error:  # noqa: BLE001 -- handed to the thread that waits
            failed.append(error)
        finally:
            up.set()

    thread = threading.Thread(target=run, name="stack")
    thread.start()
    try:
        up.wait()
        if failed:
            raise failed[0]
        yield ready[0]
    finally:
        stop.set()
        thread.join()


def variables(
    settings: Settings, read: Template, endpoint: str, simulators: Mapping[str, str], url: str
) -> dict[str, str]:
    """What every function finds in its environment: the template's variables, then what is local about them."""
    declared = {
        name: value
        for function in read.functions
        for name, value in function.environment.items()
        if not value.startswith("{{resolve:")  # the cloud fills these in at deployment; here they have no value
    }
    chosen = settings.for_functions(name for function in read.functions for name in function.environment)
    if settings.database is None:
        credentials = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "local")
    else:
        credentials = {name: value for name, value in settings.values.items() if name.startswith("AWS_")}
    return {
        **settings.passed_on(),
        **declared,
        **chosen,
        **{f"{provider}_BASE_URL": _base(provider, address) for provider, address in simulators.items()},
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCOUNT_ID": ACCOUNT,
        "AWS_EC2_METADATA_DISABLED": "true",
        **credentials,
        "AWS_ENDPOINT_URL_DYNAMODB": endpoint,
        "AWS_ENDPOINT_URL_SESV2": f"{url}/_local/ses",
        "POWERTOOLS_TRACE_DISABLED": "true",
        "STAGE": "local",
        "TZ": "UTC",
    }


def _base(provider: str, address: str) -> str:
    return f"{address}/v1" if provider == "OPENAI" else address


def _listen(port: int) -> socket.socket:
    # The protocol is named because asyncio sends small answers without delay only on sockets that name it.
    door = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        door.bind(("127.0.0.1", port))
        door.listen(512)
    except OSError as error:
        door.close()
        raise PortTaken(f"port {port} is in use: stop what listens there, or choose another with PORT=...") from error
    return door


async def _database(settings: Settings, stack: contextlib.AsyncExitStack) -> Database:
    if settings.database is not None:
        return Database(settings.database, "AWS_ENDPOINT_URL_DYNAMODB")
    opened = database.running(
        settings.data / "dynamodb.sqlite", port=_DATABASE_PORT, log=settings.data / "database.log"
    )
    engine = await asyncio.to_thread(opened.__enter__)
    stack.push(opened.__exit__)
    return engine


async def _simulator(
    provider: str, at: int, settings: Settings, clock: Clock, url: str, stack: contextlib.AsyncExitStack
) -> str:
    door = _listen(database.free_port(settings.port + at if settings.port else 0))
    stack.callback(door.close)
    address = f"http://127.0.0.1:{door.getsockname()[1]}"
    await _serve(_application(provider, settings, clock, url, address), door, stack)
    return address


def _application(provider: str, settings: Settings, clock: Clock, url: str, address: str) -> ASGIApp:
    if provider == "OPENAI":
        from local.simulators import openai  # noqa: PLC0415 -- only what is wanted is loaded

        return openai.create(clock=clock)
    if provider == "GEMINI":
        from local.simulators import gemini  # noqa: PLC0415 -- as above

        return gemini.create(clock=clock)
    from local.simulators import razorpay  # noqa: PLC0415 -- as above

    return razorpay.create(
        clock=clock,
        settings=razorpay.Settings(
            key_id=settings.values["RAZORPAY_KEY_ID"],
            key_secret=settings.values["RAZORPAY_KEY_SECRET"],
            webhook_secret=settings.values["RAZORPAY_WEBHOOK_SECRET"],
            webhook_url=f"{url}/api/subscription/webhook",
            public_url=address,
        ),
    )


async def _serve(app: ASGIApp, door: socket.socket, stack: contextlib.AsyncExitStack) -> None:
    config = uvicorn.Config(
        app, log_config=None, access_log=False, ws="none", timeout_graceful_shutdown=_STOP_SECONDS, server_header=False
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[door]))

    async def stop() -> None:
        server.should_exit = True
        await serving

    stack.push_async_callback(stop)
    async with asyncio.timeout(_START_SECONDS):
        while not server.started:
            if serving.done():
                await serving
            await asyncio.sleep(0.005)


def _shown(settings: Settings, report: Report) -> Callable[[str], None]:
    def show(line: str) -> None:
        if settings.chatty or _serious(line):
            report(line)

    return show


def _serious(line: str) -> bool:
    """Whether a line of the functions' log is an error: a structured one, or part of a Python traceback."""
    try:
        entry = json.loads(line)
    except ValueError:
        return bool(line.strip())
    return isinstance(entry, dict) and entry.get("level") in {"ERROR", "CRITICAL"}


async def _follow(log: Path, show: Callable[[str], None]) -> None:
    with log.open(encoding="utf-8", errors="replace") as lines:
        rest = ""
        while True:
            *whole, rest = (rest + lines.read()).split("\n")
            for line in whole:
                show(line)
            await asyncio.sleep(0.25)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
