"""The baton: many threads of which one runs. Whoever holds it gives it back at each I/O, and a seed says who goes on.

There is no wall clock in here and nothing sleeps. A task that crashes at an I/O is unwound by an exception that the product does
not catch, and every I/O that it tries on its way out fails in the same manner.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

from aws_lambda_powertools.event_handler.api_gateway import BaseRouter

TICK = 0.02  # seconds that an I/O takes


def drawn(seed: int) -> Random:
    """What a seed draws, the same every time."""
    return Random(seed)  # noqa: S311 -- a history, not a secret


class Died(BaseException):
    """The process is gone. Nothing after this happens."""


@dataclass(slots=True)
class Task:
    """One invocation of one function in an environment of its own. `faults` are by the number of the I/O they strike at."""

    name: str
    work: Callable[[], Any]
    faults: Mapping[int, str] = field(default_factory=dict)
    skew: float = 0.0  # seconds that this environment's clock is off
    seconds: float = 29.0
    request_id: str = ""
    app: Any = None  # the resolver that all invocations of the function share, of which each has a state of its own
    user: str = ""  # who asked for it, where that was one person
    reads_own: bool = False  # nobody else's rows are to be read either
    began: float = 0.0
    made: int = 0  # I/O so far
    dead: bool = False
    done: bool = False
    parked: bool = False  # frozen until the next round
    replayed: bool = False  # it got the reply of an earlier one
    late: bool = False  # was frozen for longer than any function runs
    result: Any = None
    error: BaseException | None = None
    struck: list[str] = field(default_factory=list)
    thread: Worker | None = None
    state: tuple[Any, Any, Any] = (None, None, None)

    def work_off(self) -> None:
        """Do it, to its end or its death."""
        try:
            self.result = self.work()
        except BaseException as error:  # noqa: BLE001 -- whoever started it looks at it
            self.error = error
        self.done = True


class Worker(threading.Thread):
    """A thread that runs one task after the other, each when it is given the baton."""

    def __init__(self, baton: Baton) -> None:
        super().__init__(daemon=True)
        self.baton = baton
        self.task: Task | None = None
        self.go = threading.Lock()
        self.go.acquire()

    def run(self) -> None:
        while True:
            self.go.acquire()
            task = self.task
            if task is None:
                return
            self.baton.resume(task)
            task.work_off()
            self.task = None
            self.baton.idle.append(self)
            self.baton.pass_on(task)


class Baton:
    """Who runs next. `seconds` is the time of the simulated world, in seconds since 1970."""

    def __init__(self) -> None:
        self.random = drawn(0)
        self.seconds = 0.0
        self.tasks: list[Task] = []
        self.current: Task | None = None
        self.idle: list[Worker] = []
        self.counts: Counter[str] = Counter()
        self._home = threading.Lock()
        self._home.acquire()

    # The thread that holds all the strings

    def start(self, task: Task) -> None:
        """Have a task take part from now on."""
        task.began = self.seconds
        if task.app is not None:
            task.state = (None, None, {})
        self.tasks.append(task)

    def _hired(self) -> Worker:
        made = Worker(self)
        made.start()
        return made

    def run(self) -> list[Task]:
        """Let all that can run do so until nothing more happens; those that ended."""
        able = [each for each in self.tasks if not each.done and not each.parked]
        if len(able) == 1 and able[0].thread is None and "frozen" not in able[0].faults.values():
            self._run_here(able[0])
        elif able:
            for each in able:
                if each.thread is None:
                    each.thread = self.idle.pop() if self.idle else self._hired()
                    each.thread.task = each
            self._hand(self._next())
            self._home.acquire()
        ended = [each for each in self.tasks if each.done]
        self.tasks = [each for each in self.tasks if not each.done]
        return ended

    def _run_here(self, task: Task) -> None:
        """Run what nobody can come before, without a thread of its own."""
        self.current = task
        self.resume(task)
        task.work_off()
        self.current = None

    def thaw(self) -> None:
        """Those that were frozen may go on."""
        for each in self.tasks:
            each.parked = False

    def _next(self) -> Task | None:
        able = [each for each in self.tasks if not each.done and not each.parked]
        if not able:
            return None
        return able[0] if len(able) == 1 else self.random.choice(able)

    def _hand(self, task: Task | None) -> None:
        self.current = task
        if task and task.thread:
            task.thread.go.release()

    # The threads of tasks

    def resume(self, task: Task) -> None:
        """Put the task's own state where the library keeps it for the whole process."""
        if task.app is not None:
            BaseRouter.current_event, BaseRouter.lambda_context, task.app.context = task.state

    def pass_on(self, task: Task) -> None:
        """Somebody else's turn; comes back when it is the task's own again, at once if it was done."""
        following = self._next()
        if following is task:
            return
        if task.app is not None:
            shared: Any = BaseRouter
            task.state = (
                getattr(shared, "current_event", None),
                getattr(shared, "lambda_context", None),
                task.app.context,
            )
        if following is None:
            self.current = None
            self._home.release()
        else:
            self._hand(following)
        if not task.done and task.thread:
            task.thread.go.acquire()
            self.current = task
            self.resume(task)

    def io(self, name: str, act: Callable[[], Any], failure: Callable[[str], Exception]) -> Any:  # noqa: ANN401 -- the act's own
        """An I/O of whoever runs: others may come first, and what is fated happens. Outside of tasks it is just done."""
        self.seconds += TICK
        task = self.current
        if task is None:
            return act()
        if task.dead:
            raise Died(name)
        if self.seconds - task.began > task.seconds and not task.late:
            task.dead = True  # as Lambda ends what takes too long
            raise Died(name)
        task.made += 1
        fault = task.faults.get(task.made, "")
        if fault:
            task.struck.append(f"{fault} at {task.made} {name}")
            self.counts[fault] += 1
        if fault == "frozen":  # with its environment, and thawed later: its time does not run out meanwhile
            task.parked = task.late = True
        if fault == "slow":
            self.seconds += self.random.choice((1.0, 3.0, 8.0))
        self.pass_on(task)
        self._die(task, fault, "dies before", name)
        if fault in {"", "slow", "frozen", "dies after", "unheard", "twice"}:
            answer = self._done(task, act, fault)
            self._die(task, fault, "dies after", name)
            if fault != "unheard":
                return answer
        raise failure(fault)

    def _done(self, task: Task, act: Callable[[], Any], fault: str) -> Any:  # noqa: ANN401 -- the act's own
        if fault == "twice":  # the answer was lost on the way, and whoever carries requests sent it again
            with suppress(Exception):  # the second answer is the one that arrives
                act()
            self.pass_on(task)
        return act()

    def _die(self, task: Task, fault: str, doom: str, name: str) -> None:
        if fault == doom:
            task.dead = True
            raise Died(name)

    def sleep(self, seconds: float) -> None:
        """Waiting of the product's own."""
        task = self.current
        if task is None or not task.dead:
            self.seconds += seconds
        if task is not None and not task.dead:
            self.pass_on(task)
