"""LiteLLM's proxy: one worker, no database, the same two deployments. The CPU is the server's, not this client's."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.peers import loop

KEY = "sk-bench-7f3a9c51e2d84b60"
START_SECONDS = 300.0  # half a minute where nobody else uses the machine
_TICK = os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Start the proxy beside this process, then serve rounds."""
    told = loop.job()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.yaml"  # JSON is YAML too
        settings = {"master_key": KEY}
        models = loop.deployments(told["upstream"])
        config.write_text(
            json.dumps({"model_list": models, "router_settings": {"num_retries": 1}, "general_settings": settings})
        )
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
            _serve(told, server.pid, port)
        finally:
            server.terminate()
            server.wait(20)


def _serve(told: dict[str, object], pid: int, port: int) -> None:
    raw = json.dumps({**told["body"], "model": "resume"})  # type: ignore[dict-item]  # -- a body is an object
    headers = {"content-type": "application/json", "authorization": f"Bearer {KEY}"}
    connection = _connected(port)

    def ask() -> None:
        connection.request("POST", "/v1/chat/completions", raw, headers)
        answer = connection.getresponse()
        said = answer.read()
        if answer.status != 200:  # noqa: PLR2004 -- anything else is no measurement
            raise RuntimeError(said.decode())

    def call() -> None:
        try:
            ask()
        except (ConnectionError, http.client.HTTPException):  # it hangs up while others have their round
            connection.close()
            ask()

    loop.serve(call, int(str(told["calls"])), lambda: _cpu_of(pid))


def _connected(port: int) -> http.client.HTTPConnection:
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
            return connection


def _cpu_of(pid: int) -> float:
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
