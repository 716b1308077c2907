"""The worker processes behind the front door: one request at a time each, started when a request has to wait.

Processes and not threads, because that is what Lambda gives a function, and Powertools' resolvers rely on it. They are
forked from a server process that has imported the big libraries already, so that a new one costs little.
"""

import asyncio
import multiprocessing
import os
import time
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from local import worker
from local.worker import Invocation, Outcome

LIMIT = 64
KEPT = 2  # idle workers that are never let go
IDLE_SECONDS = 60.0
_START_SECONDS = 30.0
_STALL_SECONDS = 0.02  # all busy for so long, and another is started
_LOOK_SECONDS = 1.0  # how often the sources are looked at for edits
# Libraries only: code of ours would be frozen at its state when the stack was started.
PRELOADED = ("local.worker", "local.preload")


class Crashed(Exception):  # noqa: N818 -- reads as what happened
    """The worker died during the call."""


class TimedOut(Exception):  # noqa: N818 -- reads as what happened
    """The call took longer than its function may take; its worker was killed."""


class Worker:
    """The parent's end of one process."""

    def __init__(self, log: Path, environment: Mapping[str, str], paths: tuple[str, ...]) -> None:
        # macOS would stop a forked process that looks up the system's proxies, as HTTP libraries do.
        os.environ.setdefault("OBJC_DISABLE_INITIALIZE_FORK_SAFETY", "YES")
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(PRELOADED))
        self._connection, theirs = context.Pipe()
        self._process = context.Process(
            target=worker.serve, args=(theirs, log, dict(environment), paths), daemon=True, name="tollgate-worker"
        )
        self._process.start()
        theirs.close()
        self.born = self.idle_since = time.monotonic()
        self.alive = True
        if not self._connection.poll(_START_SECONDS):
            self.kill()
            raise TimedOut("a worker did not start")
        self._connection.recv()

    def call(self, invocation: Invocation) -> Outcome:
        """Run it to its end, or to the end of its time."""
        try:
            self._connection.send(invocation)
            if not self._connection.poll(invocation.function.timeout):
                self.kill()
                raise TimedOut(f"{invocation.function.name} ran longer than {invocation.function.timeout:g} s")
            outcome: Outcome = self._connection.recv()
        except (EOFError, OSError) as error:
            self.kill()
            raise Crashed(f"{invocation.function.name} ended its process") from error
        return outcome

    def interrupt(self) -> None:
        """Make a call that is running fail; its own thread then clears up."""
        if self.alive:
            self._process.kill()

    def kill(self) -> None:
        """End the process at once."""
        if self.alive:
            self.alive = False
            self._process.kill()
            self._process.join()
            self._process.close()
            self._connection.close()


class Pool:
    """Runs invocations, each in a process of its own; what finds none free waits its turn."""

    def __init__(
        self,
        *,
        log: Path,
        environment: Mapping[str, str],
        paths: Sequence[str] = (),
        sources: Sequence[Path] = (),
        limit: int = LIMIT,
        kept: int = KEPT,
    ) -> None:
        self._make = (log, dict(environment), tuple(paths))
        self._sources = tuple(sources)
        self._limit = limit
        self._kept = kept
        self._workers: set[Worker] = set()
        self._idle: list[Worker] = []
        self._waiting: deque[asyncio.Future[Worker]] = deque()
        self._growing: asyncio.Task[None] | None = None
        self._reaping: asyncio.Task[None] | None = None
        self._threads = ThreadPoolExecutor(limit + 1, thread_name_prefix="worker")
        self._closed = False
        self._newest = 0.0
        self._looked = self._fresh_since = self._freed = 0.0

    @property
    def size(self) -> int:
        """How many processes there are."""
        return len(self._workers)

    async def start(self) -> None:
        """Have the first workers ready before the first request comes."""
        self._renew()
        for _ in range(self._kept):
            self._give(await self._start_one())
        self._reaping = asyncio.create_task(self._reap())

    async def acquire(self) -> Worker:
        """A worker for one call; hand it to `run`, which gives it back."""
        self._renew()
        if self._idle:
            return self._idle.pop()
        waiter: asyncio.Future[Worker] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        self._grow()
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self._give(waiter.result())
            raise

    async def run(self, taken: Worker, invocation: Invocation) -> Outcome:
        """The outcome of the call. Raises TimedOut or Crashed."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, taken.call, invocation)
        finally:
            self._give(taken)

    async def close(self) -> None:
        """End every process; calls still running fail."""
        self._closed = True
        for task in (self._growing, self._reaping):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        for waiter in self._waiting:
            waiter.cancel()
        for each in list(self._workers):
            each.interrupt()
        await asyncio.to_thread(self._threads.shutdown)
        for each in list(self._workers):
            self._drop(each)

    def _give(self, free: Worker) -> None:
        if not free.alive or self._closed or free.born < self._fresh_since:
            self._drop(free)
            self._grow()
            return
        self._freed = free.idle_since = time.monotonic()
        if self._somebody_waits():
            self._waiting.popleft().set_result(free)
        else:
            self._idle.append(free)

    def _drop(self, gone: Worker) -> None:
        self._workers.discard(gone)
        gone.kill()

    def _grow(self) -> None:
        if self._waiting and self._growing is None and not self._closed:
            self._growing = asyncio.create_task(self._grow_while_stalled())

    async def _grow_while_stalled(self) -> None:
        """Start more, one after the other, while somebody waits and nobody gets free.

        Short calls are served quickest by few processes: more would only take the processor from each other. Calls that
        themselves wait, for an AI provider say, keep everybody busy, and get a process each.
        """
        try:
            while self._somebody_waits() and len(self._workers) < self._limit:
                if self._workers:
                    await asyncio.sleep(_STALL_SECONDS)
                if not self._workers or time.monotonic() - self._freed >= _STALL_SECONDS:
                    self._give(await self._start_one())
        finally:
            self._growing = None

    def _somebody_waits(self) -> bool:
        while self._waiting and self._waiting[0].done():
            self._waiting.popleft()
        return bool(self._waiting)

    async def _start_one(self) -> Worker:
        new = await asyncio.get_running_loop().run_in_executor(self._threads, Worker, *self._make)
        self._workers.add(new)
        return new

    async def _reap(self) -> None:
        while True:
            await asyncio.sleep(IDLE_SECONDS / 4)
            long_ago = time.monotonic() - IDLE_SECONDS
            for each in [idle for idle in self._idle if idle.idle_since < long_ago]:
                if len(self._workers) > self._kept:
                    self._idle.remove(each)
                    self._drop(each)

    def _renew(self) -> None:
        """Let workers go that loaded code which has been edited since."""
        if time.monotonic() - self._looked < _LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        files = (file for root in self._sources for file in root.rglob("*.py"))
        newest = max((file.stat().st_mtime for file in files), default=0.0)
        if newest > self._newest:
            self._newest, self._fresh_since = newest, time.monotonic()
            while self._idle:
                self._drop(self._idle.pop())
