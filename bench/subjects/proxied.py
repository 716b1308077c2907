"""LiteLLM's proxy, one worker and no database, asked by one caller or several at once. Runs in the peers' environment.

The CPU is the server's, not its callers'.

The proxy stays on the one core that it was started on; whoever asks it moves to the others.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any

from bench.peers import loop

KEY = "sk-bench-7f3a9c51e2d84b60"
START_SECONDS = 300.0  # half a minute where nobody else uses the machine
_TICK = os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Start the proxy beside this process, then serve rounds."""
    told = loop.job()
    with tempfile.TemporaryDirectory() as folder, proxy(told["upstream"], Path(folder)) as (process, port):
        _leave_the_core()
        callers: int = told["callers"]
        connections = [http.client.HTTPConnection("127.0.0.1", port, timeout=60) for _ in range(callers)]
        raw = json.dumps({**told["body"], "model": "resume"}).encode()

        def share(connection: http.client.HTTPConnection) -> list[float]:
            return [_took(connection, raw) for _ in range(told["calls"])]

        def one() -> dict[str, float]:
            spent = cpu_of(process.pid)
            with ThreadPoolExecutor(callers) as pool:
                took = [each for times in pool.map(share, connections) for each in times]
            return {"cpu": (cpu_of(process.pid) - spent) / len(took), "wall": sorted(took)[len(took) // 2]}

        loop.answer(one)


def _took(connection: http.client.HTTPConnection, raw: bytes) -> float:
    begun = time.perf_counter()
    _call(connection, raw)
    return time.perf_counter() - begun


def _call(connection: http.client.HTTPConnection, raw: bytes) -> None:
    headers = {"content-type": "application/json", "authorization": f"Bearer {KEY}"}
    for attempt in range(2):  # it hangs up while others have their round
        try:
            connection.request("POST", "/v1/chat/completions", raw, headers)
            answer = connection.getresponse()
            said = answer.read()
        except (ConnectionError, http.client.HTTPException):
            connection.close()
            if attempt:
                raise
            continue
        if answer.status != HTTPStatus.OK:
            raise RuntimeError(said.decode())
        return


@contextmanager
def proxy(upstream: str, folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The proxy with one worker and no database, once it answers."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    settings: dict[str, Any] = {
        "model_list": loop.deployments(upstream),
        "router_settings": {"num_retries": 1},
        "general_settings": {"master_key": KEY},
    }
    config = folder / "config.yaml"  # JSON is YAML too
    config.write_text(json.dumps(settings))
    command = [str(Path(sys.executable).with_name("litellm")), "--config", str(config), "--port", str(port)]
    server = subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--num_workers", "1"],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_TELEMETRY": "False"},
    )
    try:
        _answers(port)
        yield server, port
    finally:
        server.terminate()
        with suppress(subprocess.TimeoutExpired):
            server.wait(20)
        server.kill()


def _answers(port: int) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            connection.request("GET", "/health/liveliness")
            connection.getresponse().read()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.3)
        else:
            return
        finally:
            connection.close()


def _leave_the_core() -> None:
    if hasattr(os, "sched_setaffinity"):
        everywhere = set(range(os.cpu_count() or 1))
        os.sched_setaffinity(0, (everywhere - os.sched_getaffinity(0)) or everywhere)


def cpu_of(pid: int) -> float:
    """CPU seconds of the process and of those it started, as the kernel counts them: in hundredths."""
    parents: dict[int, list[int]] = {}
    spent: dict[int, float] = {}
    for each in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = each.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        own = int(each.parent.name)
        parents.setdefault(int(fields[1]), []).append(own)
        spent[own] = sum(map(int, fields[11:15])) / _TICK
    family, found = [pid], 0.0
    while family:
        own = family.pop()
        found += spent.get(own, 0.0)
        family += parents.get(own, [])
    return found


if __name__ == "__main__":
    main()
