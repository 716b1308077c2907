"""The embedded DynamoDB: dynoxide where its binary could be fetched, ministack's DynamoDB from pip elsewhere."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from local import dynoxide

_START_SECONDS = 20.0
# A shell between us and the engine: when this process goes away, however it goes, its pipe ends and the engine with it.
_LEASH = '"$@" </dev/null & engine=$!; read -r _; kill "$engine" 2>/dev/null; wait "$engine"'


class Unavailable(Exception):  # noqa: N818 -- reads as what happened
    """No engine could be started; the message says why, for people."""


@dataclass(frozen=True, slots=True)
class Database:
    """A running engine: where it listens, which it is, and what it lacks (empty if nothing that matters)."""

    endpoint: str
    engine: str
    lacks: str = ""


def free_port(wanted: int = 0) -> int:
    """`wanted` if nobody listens there, else a port the system picks."""
    for port in (wanted, 0):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)) as probe:
            return int(probe.getsockname()[1])
    raise Unavailable("there is no free port on 127.0.0.1")


@contextlib.contextmanager
def running(
    path: Path | None = None, *, port: int = 0, log: Path | None = None, fallback: bool = False
) -> Iterator[Database]:
    """An engine, stopped at the end; it keeps its data in `path` (None: in memory).

    `port` is a wish. `fallback` takes ministack although dynoxide is there.
    """
    port = free_port(port)
    binary = None if fallback else dynoxide.binary()
    with contextlib.ExitStack() as stack:
        out: int | BinaryIO = stack.enter_context(log.open("ab")) if log is not None else subprocess.DEVNULL
        if binary is not None:
            process = _start([str(binary), *_dynoxide(port, path)], {}, out)
            database = Database(f"http://127.0.0.1:{port}", "dynoxide")
        else:
            process = _start([sys.executable, "-m", "ministack"], _ministack(port, path), out)
            lacks = "index queries are slow, and data survives a clean stop but no crash"
            database = Database(f"http://127.0.0.1:{port}", "ministack", lacks)
        stack.callback(_stop, process)
        _wait(process, port)
        yield database


def _dynoxide(port: int, path: Path | None) -> list[str]:
    place = [] if path is None else ["--db-path", str(path)]
    return ["serve", "--host", "127.0.0.1", "--port", str(port), *place]


def _ministack(port: int, path: Path | None) -> dict[str, str]:
    kept = {} if path is None else {"PERSIST_STATE": "1", "STATE_DIR": str(path.parent / "ministack")}
    return {
        "BIND_HOST": "127.0.0.1",
        "IOT_MTLS_ENABLED": "0",
        "GATEWAY_PORT": str(port),
        "MINISTACK_REGION": "ap-south-1",
        **kept,
    }


def _start(command: list[str], variables: Mapping[str, str], out: int | BinaryIO) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 -- the shell runs our own line, the engine's arguments are passed apart
        ["/bin/sh", "-c", _LEASH, "sh", *command],
        stdin=subprocess.PIPE,
        stdout=out,
        stderr=out,
        env={**os.environ, **variables},
        start_new_session=True,  # Ctrl-C is ours to handle: the engine must outlive the last request
    )


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Let go of the leash; the shell ends the engine and then itself."""
    process.communicate()


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/",
        data=b"{}",
        headers={
            "X-Amz-Target": "DynamoDB_20120810.ListTables",
            "Content-Type": "application/x-amz-json-1.0",
            "Authorization": "AWS4-HMAC-SHA256 Credential=local/20260101/ap-south-1/dynamodb/aws4_request, "
            "SignedHeaders=host, Signature=0",
        },
    )
    end = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < end:
        try:
            with urllib.request.urlopen(request, timeout=2):  # noqa: S310 -- a loopback address of ours
                return
        except urllib.error.HTTPError as refusal:
            refusal.close()
            return  # it listens and speaks; how it likes an unsigned request is no matter
        except OSError:
            time.sleep(0.02)
    raise Unavailable("the embedded DynamoDB did not start")
