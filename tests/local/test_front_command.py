"""`python -m local` as a person uses it: started, read, stopped."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx2
import jwt

from local import database, settings

NOWHERE = {f"{provider}_BASE_URL": "http://127.0.0.1:9" for provider in ("RAZORPAY", "OPENAI", "GEMINI")}
TEMPLATE = Path(__file__).parent / "fixtures" / "template.yaml"
SECRET = "a secret for tests, long enough for HS256"


@contextmanager
def command(data: Path, **given: str) -> Iterator[subprocess.Popen[str]]:
    variables = {**os.environ, **NOWHERE, "DATA_DIR": str(data), "JWT_SECRET": SECRET, "PORT": "0", **given}
    with subprocess.Popen(  # noqa: S603 -- this Python, our own module
        [sys.executable, "-m", "local", str(TEMPLATE)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=settings.ROOT,
        env=variables,
        start_new_session=True,  # a group of its own, as a shell gives to what a person starts
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def read_banner(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    lines: list[str] = []
    while not lines or "parse-resume" not in lines[-1]:
        lines.append(process.stdout.readline())
        assert lines[-1], "it ended before it was up"
    return "".join(lines)


def address(banner: str) -> str:
    return str(re.findall(r"API +(http://127\.0\.0\.1:\d+)", banner)[0])


def port_of_database(banner: str) -> int:
    return int(re.findall(r"Database +\w+ on http://127\.0\.0\.1:(\d+)", banner)[0])


def test_the_banner_gives_addresses_and_a_token_that_work(tmp_path: Path) -> None:
    with command(tmp_path) as process:
        banner = read_banner(process)
        assert httpx2.get(f"{address(banner)}/_local/health", trust_env=False).json()["status"] == "ok"
        token = re.findall(r"TOKEN=(\S+)", banner)[0]
        assert jwt.decode(token, SECRET, algorithms=["HS256"])["sub"] == "asha"


def test_ctrl_c_stops_everything(tmp_path: Path, eventually: Callable[[Callable[[], bool]], None]) -> None:
    with command(tmp_path) as process:
        banner = read_banner(process)
        worker = httpx2.get(f"{address(banner)}/echo", trust_env=False).json()["pid"]
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(20) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""
    port = port_of_database(banner)
    eventually(lambda: database.free_port(port) == port)
    eventually(lambda: not is_alive(worker))


def test_a_request_under_way_is_answered_before_the_stack_stops(tmp_path: Path) -> None:
    with command(tmp_path) as process, ThreadPoolExecutor(1) as caller:
        url = address(read_banner(process))
        body = {"sleep": 1, "return": "in time", "say": "begun"}
        under_way = caller.submit(httpx2.post, f"{url}/answers", json=body, trust_env=False, timeout=20)
        log = tmp_path / "functions.log"
        while "begun" not in log.read_text(encoding="utf-8"):
            assert not under_way.done()
        os.killpg(process.pid, signal.SIGINT)
        assert under_way.result().text == "in time"
        assert process.wait(20) == 0


def test_nothing_outlives_a_stack_that_was_killed(
    tmp_path: Path, eventually: Callable[[Callable[[], bool]], None]
) -> None:
    with command(tmp_path) as process:
        banner = read_banner(process)
        worker = httpx2.get(f"{address(banner)}/echo", trust_env=False).json()["pid"]
        process.kill()
    port = port_of_database(banner)
    eventually(lambda: database.free_port(port) == port)
    eventually(lambda: not is_alive(worker))


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_port_that_is_taken_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with command(tmp_path, PORT=str(port)) as process:
            _, complaint = process.communicate(timeout=20)
    assert process.returncode == 1
    assert complaint.startswith(f"Tollgate cannot start: port {port} is in use")
    assert len(complaint.splitlines()) == 1


def test_a_port_that_is_no_number_is_said_in_one_line(tmp_path: Path) -> None:
    with command(tmp_path, PORT="http") as process:
        _, complaint = process.communicate(timeout=20)
    assert (process.returncode, complaint) == (1, "Tollgate cannot start: PORT must be a number from 0 to 65535\n")


def test_ones_own_database_is_used_and_none_is_started(tmp_path: Path) -> None:
    with database.running() as mine, command(tmp_path, AWS_ENDPOINT_URL_DYNAMODB=mine.endpoint) as process:
        banner = read_banner(process)
        assert f"{mine.endpoint} (from AWS_ENDPOINT_URL_DYNAMODB)" in banner
        told = httpx2.get(f"{address(banner)}/echo", trust_env=False).json()
    assert told["environment"]["AWS_ENDPOINT_URL_DYNAMODB"] == mine.endpoint
    assert not (tmp_path / "dynamodb.sqlite").exists()
