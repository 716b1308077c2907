"""Many histories, one after the other in as many processes as there are cores; and one again, cut down, where it broke."""

from __future__ import annotations

import argparse
import gc
import io
import os
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from itertools import count
from multiprocessing import get_context

from tests.simulation import oracle
from tests.simulation.ground import begin, ground
from tests.simulation.history import Plan
from tests.simulation.plans import plan
from tests.simulation.shrink import shrunk

CHUNK = 50


@dataclass(slots=True)
class Tally:
    """What a number of seeds came to. `broken` are seeds and why; `cpu` is seconds of one core."""

    lived: int = 0
    cpu: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    themes: Counter[str] = field(default_factory=Counter)
    broken: list[tuple[int, str]] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.lived += other.lived
        self.cpu += other.cpu
        self.faults += other.faults
        self.themes += other.themes
        self.broken += other.broken

    def __str__(self) -> str:
        themes = ", ".join(f"{number} {theme}" for theme, number in sorted(self.themes.items()))
        faults = ", ".join(f"{number} {kind}" for kind, number in sorted(self.faults.items()))
        pace = self.lived / self.cpu if self.cpu else 0.0
        return f"{self.lived} histories ({themes}); faults: {faults}; {pace:.0f} histories/s/core; {len(self.broken)} broken"


def live(wanted: Plan) -> tuple[str, list[str]]:
    """Live a history: why it broke, empty where all held, and what happened. What the handlers log goes nowhere."""
    life = begin(wanted)
    try:
        with redirect_stdout(io.StringIO()):
            oracle.live(life) if wanted.theme == "oracle" else life.live()
    except Exception as error:  # noqa: BLE001 -- whatever it is, the history broke
        known = isinstance(error, AssertionError)
        why = str(error) if known else f"S0 {type(error).__name__} {error} {traceback.format_exc(limit=-3)}"
        return why or type(error).__name__, life.log
    return "", life.log


def chunk(seeds: Sequence[int]) -> Tally:
    """Live these."""
    sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 -- the SDK prints that a connection failed
    baton = ground().baton
    if not gc.get_freeze_count():
        gc.freeze()  # what a process has imported stays, and need not be looked through; later, garbage would stay too
    baton.counts.clear()
    begun, tally = time.process_time(), Tally()
    for seed in seeds:
        wanted = plan(seed)
        why, _ = live(wanted)
        tally.lived += 1
        tally.themes[wanted.theme] += 1
        if why:
            tally.broken.append((seed, why))
    tally.faults = baton.counts.copy()
    tally.cpu = time.process_time() - begun
    return tally


def chunks(start: int, number: int | None) -> Iterator[range]:
    for begun in count(start, CHUNK):
        end = begun + CHUNK if number is None else min(begun + CHUNK, start + number)
        if begun >= end:
            return
        yield range(begun, end)


def many(wanted: Iterable[Sequence[int]], jobs: int, seconds: float | None, *, first: bool) -> Tally:
    """Live these, in that many processes. Ends at the first that breaks, if so wished, or when the time is over."""
    total, begun, told = Tally(), time.monotonic(), 0.0
    with get_context("spawn").Pool(jobs) as pool:
        for done in pool.imap_unordered(chunk, wanted):
            total.add(done)
            for seed, why in done.broken:  # at once: a long run may be ended before it tells
                print(f"seed {seed}: {why.splitlines()[0]}", file=sys.stderr, flush=True)  # noqa: T201 -- a command
            spent = time.monotonic() - begun
            if spent - told > 15:
                told = spent
                print(f"{spent:5.0f} s  {total}", file=sys.stderr, flush=True)  # noqa: T201 -- a command
            if (first and total.broken) or (seconds is not None and spent > seconds):
                pool.terminate()
                break
    return total


def show(seed: int) -> bool:
    """Replay a seed; where it breaks, what is left of it when everything is cut off that does not matter."""
    wanted = plan(seed)
    why, log = live(wanted)
    if not why:
        print(wanted, *log, "it holds", sep="\n")  # noqa: T201 -- a command
        return True
    kind = why.split()[0]
    small = shrunk(wanted, lambda each: live(each)[0].split()[:1] == [kind])
    why, log = live(small)
    print(f"\nseed {seed} breaks: {why}\n\n{small}\n")  # noqa: T201 -- a command
    print(*(f"  {line}" for line in log), f"\npython -m tests.simulation --replay {seed}", sep="\n")  # noqa: T201 -- a command
    return False


def main(arguments: list[str]) -> int:
    """The command; not 0 where something broke."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("what", nargs="?", choices=["seeds", "year"], default="seeds")
    parser.add_argument("--seeds", type=int, help="so many; without --minutes 1000")
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--minutes", type=float, help="no longer than this, however many they are")
    parser.add_argument("--replay", type=int)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--first", action="store_true", help="end at the first that breaks")
    given = parser.parse_args(arguments)
    if given.replay is not None:
        return 0 if show(given.replay) else 1
    if given.what == "year":
        from tests.simulation import year  # noqa: PLC0415 -- only then

        return year.main()
    begun = time.monotonic()
    wanted = given.seeds or (None if given.minutes else 1000)
    seeds = chunks(given.start, wanted)
    found = many(seeds, given.jobs, given.minutes and given.minutes * 60, first=given.first)
    print(f"seeds from {given.start}: {found}; {time.monotonic() - begun:.0f} s, {given.jobs} at once")  # noqa: T201 -- a command
    if wanted and found.lived < wanted and not found.broken:
        print(f"{found.lived} of {wanted} were lived: the time was over")  # noqa: T201 -- a command
    found.broken.sort()
    for seed, why in found.broken[:5]:
        print(f"seed {seed}: {why.splitlines()[0]}\n  python -m tests.simulation --replay {seed}")  # noqa: T201 -- a command
    if found.broken and not given.first:
        show(found.broken[0][0])
    return 1 if found.broken else 0
