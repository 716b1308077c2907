"""`python -m bench load [--minutes 10] [--warm-up 5] [--callers 8]`: the local stack under parallel load, faults all the way.

Buyers pay and close the tab or not, crowds fight for the last units of one account, Razorpay and the models fail and stall, and
webhooks come twice and backwards. Afterwards the faults stop, the reconciler runs, and every user's records are held against
`tollgate.invariants`. The exit status says whether anything was lost, oversold, or answered 500.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from random import Random
from statistics import median, quantiles
from threading import Event, Lock, Thread
from typing import Any

import httpx2

from bench.report import load as load_average
from bench.report import progress, say
from local import control, database, tables
from local.settings import LOCAL_VALUES, ROOT
from tests.functions import bookkeeping
from tests.functions.harness import World
from tests.simulation.baton import drawn
from tollgate import invariants

CROWD = 25  # calls that fight for one account's units
SETTLE = timedelta(hours=2)  # of the local clock, until whoever was not told has looked
PATIENCE = 180  # seconds for the stack to start or to end, on a machine that has much else to do
FLAT = 0.05  # by how much of itself the last third's median may be above the middle third's
FEWEST = 30  # samples, for that to mean something
RESUME = {"text": "Asha Rao\nasha@example.com\nEngineer, Example Labs, 2021 - present\nSkills\nPython, AWS"}
AI_FAULTS = ("500", "429-rate", "503", "badjson", "wrong-shape", "reset-mid-body", "length", "no-usage")
RAZORPAY_FAULTS = ("500", "429", "502", "drop", "drop_before", "empty", "html")


# A connection for each request: a server closes one that nobody has used for a while, maybe just when it is used again.
ANEW = httpx2.Limits(max_keepalive_connections=0)


@dataclass(slots=True)
class Site:
    """The running stack, and what is known of it from outside."""

    process: subprocess.Popen[bytes]
    api: str
    database: str
    simulators: dict[str, str]


@dataclass(slots=True)
class Seen:
    """What the callers saw."""

    lock: Lock = field(default_factory=Lock)
    statuses: Counter[str] = field(default_factory=Counter)
    millis: dict[str, list[float]] = field(default_factory=dict)
    buyers: list[str] = field(default_factory=list)
    crowds: Counter[str] = field(default_factory=Counter)  # delivered units, by account
    memory: list[tuple[float, dict[str, int]]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)  # what was said with each 500

    def note(self, name: str, status: int, millis: float) -> None:
        with self.lock:
            self.statuses[f"{name} {status}"] += 1
            self.millis.setdefault(name, []).append(millis)


@contextmanager
def site(scratch: Path) -> Iterator[Site]:
    """A stack of its own, on free ports, until the block is left."""
    log = (scratch / "stack.log").open("wb")
    environment = {**os.environ, "PORT": str(database.free_port(0)), "DATA_DIR": str(scratch / "data")}
    with (
        log,
        subprocess.Popen([sys.executable, "-m", "local"], cwd=ROOT, env=environment, stdout=log, stderr=log) as process,
    ):
        try:
            yield _found(process, scratch / "stack.log")
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()


def _found(process: subprocess.Popen[bytes], log: Path) -> Site:
    """The addresses, as the stack's own banner tells them."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        text = log.read_text(encoding="utf-8")
        if "First commands" in text:
            said = dict(re.findall(r"^  (API|Database|Razorpay|OpenAI|Gemini) .*?(http://[\d.:]+)", text, re.MULTILINE))
            return Site(process, said.pop("API"), said.pop("Database"), said)
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise RuntimeError(f"the stack did not start:\n{log.read_text(encoding='utf-8')}")


class Caller:
    """One of those who call at the same time."""

    def __init__(self, site: Site, seen: Seen, number: int) -> None:
        self.site, self.seen = site, seen
        self.rng = drawn(number)
        self.http = httpx2.Client(base_url=site.api, trust_env=False, timeout=PATIENCE, limits=ANEW)
        self.number, self.users = number, 0

    def until(self, over: Event) -> None:
        """Call and call. What the caller did not expect is a problem too."""
        with self.http:
            while not over.is_set():
                try:
                    self.rng.choice([self.buy, self.buy, self.crowd, self.crowd, self.crowd, self.look])()
                except (httpx2.HTTPError, ValueError, KeyError) as error:
                    self.seen.broken.append(f"caller {self.number}: {error!r}")

    def ask(self, name: str, method: str, path: str, user: str, body: object = None) -> httpx2.Response | None:
        """A request, timed and counted; None where the connection broke."""
        token = control.token(LOCAL_VALUES["JWT_SECRET"], datetime.now(UTC), user=user, email=f"{user}@example.com")
        begun = time.perf_counter()
        try:
            reply = self.http.request(method, path, json=body, headers={"authorization": f"Bearer {token}"})
        except httpx2.HTTPError:
            self.seen.note(name, 0, (time.perf_counter() - begun) * 1000)
            return None
        self.seen.note(name, reply.status_code, (time.perf_counter() - begun) * 1000)
        if reply.status_code == HTTPStatus.INTERNAL_SERVER_ERROR:
            self.seen.broken.append(f"{name}: {reply.text}")
        return reply

    def buy(self) -> None:
        """Order, pay, and tell about it once, twice or never."""
        self.users += 1
        user = f"buyer-{self.number}-{self.users}"
        tier, plan = self.rng.choice([("pro", "monthly"), ("premium", "yearly"), ("one-time", "one-time")])
        made = self.ask("order", "POST", "/api/subscription/create-order", user, {"tier": tier, "plan": plan})
        if made is None or made.status_code != HTTPStatus.OK:
            return
        with self.seen.lock:
            self.seen.buyers.append(user)
        paid = httpx2.post(
            f"{self.site.simulators['Razorpay']}/_sim/orders/{made.json()['orderId']}/pay",
            json={},
            trust_env=False,
            timeout=PATIENCE,
        ).json()
        proof = {name: value for name, value in paid.items() if name.startswith("razorpay_")}
        for _ in range(self.rng.choice([0, 1, 1, 2])):
            self.ask("verify", "POST", "/api/subscription/verify-payment", user, proof)

    def crowd(self) -> None:
        """One call of many for the units of an account that has few of them."""
        user = f"crowd-{self._crowd()}"
        reply = self.ask("parse", "POST", "/api/ai/parse-resume", user, RESUME)
        if reply is not None and reply.status_code == HTTPStatus.OK:
            with self.seen.lock:
                self.seen.crowds[user] += 1

    def _crowd(self) -> int:
        with self.seen.lock:
            return sum(count for name, count in self.seen.statuses.items() if name.startswith("parse")) // CROWD

    def look(self) -> None:
        """What people do in between."""
        user = f"buyer-{self.number}-{max(self.users, 1)}"
        self.ask("status", "GET", "/api/subscription/status", user)
        self.ask("pricing", "GET", "/api/subscription/pricing", user)


def disturb(site: Site, seen: Seen, over: Event) -> None:
    """Let something fail, all the time."""
    rng = drawn(0)
    with httpx2.Client(trust_env=False, timeout=PATIENCE, limits=ANEW) as http:
        while not over.wait(0.5):
            try:
                _plant(site, http, rng)
            except httpx2.HTTPError as error:
                seen.broken.append(f"faults: {error!r}")


def _plant(site: Site, http: httpx2.Client, rng: Random) -> None:
    razorpay = site.simulators["Razorpay"]
    http.post(f"{razorpay}/_sim/faults", json={"kind": rng.choice(RAZORPAY_FAULTS), "times": rng.randint(1, 2)})
    http.post(f"{razorpay}/_sim/faults", json={"kind": "latency", "seconds": 0.3})
    http.post(f"{razorpay}/_sim/webhooks/duplicate", json={"copies": rng.choice([1, 2, 3])})
    http.post(f"{razorpay}/_sim/webhooks/reorder", json={"reversed": rng.choice([True, False])})
    for name in ("OpenAI", "Gemini"):
        scripts = [{"script": rng.choice(AI_FAULTS)}, {"script": "slow", "ms": 200}]
        http.post(f"{site.simulators[name]}/_sim/faults", json=scripts)


def calm(site: Site) -> None:
    """Nothing fails any more."""
    with httpx2.Client(trust_env=False, timeout=PATIENCE) as http:
        http.delete(f"{site.simulators['Razorpay']}/_sim/faults")
        http.post(f"{site.simulators['Razorpay']}/_sim/webhooks/duplicate", json={"copies": 1})


def watch(site: Site, seen: Seen, over: Event, begun: float, warm_up: float) -> None:
    """The memory of the stack's processes, again and again, once processes are started and caches filled."""
    if over.wait(warm_up):
        return
    while not over.wait(2):
        seen.memory.append((time.monotonic() - begun, memory(site.process.pid)))


def memory(root: int) -> dict[str, int]:
    """The resident bytes of a process, of the database below it, and on average of those that run functions; and their number."""
    parents: dict[int, int] = {}
    sizes: dict[int, int] = {}
    names: dict[int, str] = {}
    for each in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(each.name)] = int((each / "stat").read_text().rpartition(")")[2].split()[1])
            sizes[int(each.name)] = int((each / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            names[int(each.name)] = (each / "cmdline").read_text().replace("\0", " ")
        except (OSError, IndexError):
            continue  # it has ended meanwhile
    servers = {pid for pid, name in names.items() if parents[pid] == root and "forkserver" in name}
    engines = [
        sizes[pid] for pid, name in names.items() if parents.get(parents[pid]) == root and "dynoxide serve" in name
    ]
    workers = [sizes[pid] for pid in names if parents[pid] in servers]
    return {
        "front and simulators": sizes.get(root, 0),
        "database": sum(engines),
        "a worker": sum(workers) // max(len(workers), 1),
        "workers": len(workers),
    }


def reconciled(site: Site) -> None:
    """Let time pass, and the job look for what nobody told."""
    with httpx2.Client(base_url=site.api, trust_env=False, timeout=PATIENCE) as http:
        http.post("/_local/clock", json={"advance": f"PT{int(SETTLE.total_seconds() // 3600)}H"}).raise_for_status()
        for _ in range(20):
            runs = http.post("/_local/jobs/reconcile_payments").json()["runs"]
            if not any((each.get("result") or {}).get("looked") for each in runs):
                break


def judged(site: Site, seen: Seen) -> list[str]:
    """Every user's records against the invariants, and what the crowds got against what they had."""
    raw = tables.client(site.database)
    razorpay, openai, gemini = (
        httpx2.Client(base_url=site.simulators[name], trust_env=False, timeout=PATIENCE)
        for name in ("Razorpay", "OpenAI", "Gemini")
    )
    world = World(razorpay=razorpay, openai=openai, gemini=gemini, raw=raw)
    world.now = datetime.now(UTC) + SETTLE
    found = []
    for user in [*seen.buyers, *seen.crowds]:
        world.user = user
        facts = bookkeeping.facts(world)
        found += [f"{user}: {each}" for each in invariants.broken(facts, at_rest=user.startswith("buyer"))]
        logged = sum(1 for row in facts.usage if row["success"])
        if seen.crowds[user] > logged:
            found.append(f"{user}: {seen.crowds[user]} answers, {logged} in the log")
    for each in (raw, razorpay, openai, gemini):
        each.close()
    return found


def told(seen: Seen, seconds: float) -> None:
    """The figures, for people."""
    total = sum(len(each) for each in seen.millis.values())
    say(f"{total:,} requests in {seconds:.0f} s: {total / seconds:.1f} a second, load average {load_average()}")
    for name, millis in sorted(seen.millis.items()):
        cuts = quantiles(millis, n=100) if len(millis) > 1 else millis * 99
        by_status = {
            each.rpartition(" ")[2]: count
            for each, count in sorted(seen.statuses.items())
            if each.startswith(f"{name} ")
        }
        say(f"  {name:8} {len(millis):7,}   p50 {cuts[49]:7.1f} ms   p99 {cuts[98]:7.1f} ms   {by_status}")
    every = seen.memory[:: max(len(seen.memory) // 10, 1)]
    say("  memory, MB  " + "".join(f"{at:6.0f}s" for at, _ in every))
    for name in PROCESSES:
        middle, last = grown(seen, name)
        series = "".join(f"{sizes[name] / 2**20:7.1f}" for _, sizes in every)
        say(f"  {name:22}{series}   {middle / 2**20:.1f} -> {last / 2**20:.1f}")
    say(f"  {'workers, number':22}" + "".join(f"{sizes['workers']:7}" for _, sizes in every))


PROCESSES = ("front and simulators", "database", "a worker")
HELD = ("database", "a worker")  # the simulators keep every order and request they ever got, so theirs grows with them


def grown(seen: Seen, name: str) -> tuple[int, int]:
    """The medians of the middle and of the last third of what was seen, in bytes."""
    third = max(len(seen.memory) // 3, 1)
    sizes = [each[name] for _, each in seen.memory]
    return int(median(sizes[third : 2 * third] or [0])), int(median(sizes[-third:] or [0]))


def main(arguments: Sequence[str]) -> int:
    """Load the stack for so long, and judge what is left."""
    parser = argparse.ArgumentParser(prog="python -m bench load", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument(
        "--warm-up",
        type=float,
        default=5,
        help="minutes of the same load before those, in which memory is not looked at",
    )
    parser.add_argument("--callers", type=int, default=8)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="tollgate-load-") as scratch, site(Path(scratch)) as running:
        seen, over, begun = Seen(), Event(), time.monotonic()
        work: list[tuple[Any, ...]] = [(Caller(running, seen, number).until, over) for number in range(given.callers)]
        warm_up, lasting = given.warm_up * 60, (given.warm_up + given.minutes) * 60
        work += [(disturb, running, seen, over), (watch, running, seen, over, begun, warm_up)]
        threads = [Thread(target=each[0], args=each[1:]) for each in work]
        for thread in threads:
            thread.start()
        while (left := lasting - (time.monotonic() - begun)) > 0:
            time.sleep(min(left, 30))
            progress(f"{time.monotonic() - begun:.0f} s, {sum(seen.statuses.values()):,} requests")
        over.set()
        for thread in threads:
            thread.join()
        told(seen, time.monotonic() - begun)
        calm(running)
        time.sleep(3)  # the last webhooks
        reconciled(running)
        problems = judged(running, seen) + unwell(seen)
    say(
        f"{len(seen.buyers):,} buyers, {len(seen.crowds):,} crowds: "
        + ("nothing lost, nothing oversold" if not problems else "PROBLEMS")
    )
    for each in problems[:50]:
        say(f"  {each}")
    return 1 if problems else 0


def unwell(seen: Seen) -> list[str]:
    """Answers that nobody should get, and memory that grows."""
    found = [f"{count} x {each}" for each, count in seen.statuses.items() if each.endswith((" 500", " 0"))]
    found += seen.broken
    for name in HELD if len(seen.memory) >= FEWEST else ():
        middle, last = grown(seen, name)
        if last > (1 + FLAT) * middle:
            found.append(f"{name} grew from {middle >> 20} to {last >> 20} MB")
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
