"""The worker processes: how many, for how long, and with which code."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from local.clock import Clock
from local.front import Front, Lambda
from local.pool import Pool
from local.template import Function, Route, Template

ANSWERS = Path(__file__).parent / "fixtures" / "functions"


def a_function(code: Path = ANSWERS, handler: str = "shop.answers.handler", timeout: float = 10) -> Function:
    return Function("F", handler, code, timeout, 128, {}, ())


@asynccontextmanager
async def a_pool(folder: Path, *, kept: int = 2, limit: int = 8, sources: Sequence[Path] = ()) -> AsyncIterator[Pool]:
    pool = Pool(log=folder / "log", environment={"PATH": os.defpath}, kept=kept, limit=limit, sources=sources)
    await pool.start()
    try:
        yield pool
    finally:
        await pool.close()


def asking(**wish: object) -> dict[str, Any]:
    return {"body": json.dumps(wish)}


async def call(functions: Lambda, **wish: object) -> Any:  # noqa: ANN401 -- whatever the function returned
    outcome = await functions.invoke(a_function(), asking(**wish), patience=30)
    assert outcome.error is None
    return outcome.loaded()


def test_calls_that_wait_get_a_process_each(tmp_path: Path) -> None:
    async def scenario() -> int:
        async with a_pool(tmp_path, kept=1, limit=8) as pool:
            functions = Lambda(pool, Clock())
            told = await asyncio.gather(*(call(functions, pid=True, sleep=2) for _ in range(5)))
            return len({each["pid"] for each in told})

    assert asyncio.run(scenario()) == 5


def test_there_are_never_more_processes_than_allowed(tmp_path: Path) -> None:
    async def scenario() -> tuple[int, int]:
        async with a_pool(tmp_path, kept=1, limit=2) as pool:
            functions = Lambda(pool, Clock())
            told = await asyncio.gather(*(call(functions, pid=True, sleep=0.2) for _ in range(8)))
            return len({each["pid"] for each in told}), pool.size

    assert asyncio.run(scenario()) == (2, 2)


def test_who_gives_up_waiting_takes_no_process_along(tmp_path: Path) -> None:
    async def scenario() -> object:
        async with a_pool(tmp_path, kept=1, limit=1) as pool:
            functions = Lambda(pool, Clock())
            busy = asyncio.create_task(call(functions, sleep=1))
            await asyncio.sleep(0.1)
            for _ in range(3):
                with pytest.raises(TimeoutError):
                    await functions.invoke(a_function(), asking(), patience=0.05)
            await busy
            return await call(functions, **{"return": "still here"})

    assert asyncio.run(scenario()) == "still here"


def test_a_call_goes_on_when_the_gateway_stops_waiting(tmp_path: Path) -> None:
    async def scenario() -> tuple[httpx2.Response, object]:
        async with a_pool(tmp_path, kept=1, limit=1) as pool:
            functions = Lambda(pool, Clock())
            template = Template((), (Route("POST", "/slow", a_function()),), (), None)
            front = Front(template, functions, Clock(), reports.append, patience=0.3)
            async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=front), base_url="http://front") as client:
                slow = await client.post("/slow", json={"sleep": 2, "say": "it went on"})
            with pytest.raises(TimeoutError):  # the only process is busy with it
                async with asyncio.timeout(0.1):
                    await pool.acquire()
            return slow, await call(functions, **{"return": "and the process lived"})

    reports: list[str] = []
    slow, after = asyncio.run(scenario())
    assert (slow.status_code, slow.json()) == (503, {"message": "Service Unavailable"})
    assert after == "and the process lived"
    assert "it went on" in (tmp_path / "log").read_text(encoding="utf-8")
    assert reports == ["POST /slow: no answer within 0.3 s"]


def test_a_call_beyond_its_functions_time_is_killed_and_the_next_is_served(tmp_path: Path) -> None:
    async def scenario() -> tuple[str | None, object]:
        async with a_pool(tmp_path, kept=1, limit=1) as pool:
            functions = Lambda(pool, Clock())
            killed = await functions.invoke(a_function(timeout=0.3), asking(sleep=30), patience=30)
            return killed.error, await call(functions, **{"return": 1})

    assert asyncio.run(scenario()) == ("F ran longer than 0.3 s", 1)


def test_edited_code_is_what_the_next_request_gets(tmp_path: Path) -> None:
    code = tmp_path / "functions"
    code.mkdir()

    def write(answer: str, when: int) -> None:
        file = code / "edited.py"
        file.write_text(f"def handler(event, context):\n    return {answer!r}\n", encoding="utf-8")
        os.utime(file, (when, when))

    async def scenario() -> list[object]:
        async with a_pool(tmp_path, sources=(code,)) as pool:
            functions = Lambda(pool, Clock())
            answers: list[object] = []
            for at, text in enumerate(("old", "new")):
                write(text, 1_900_000_000 + at)
                await asyncio.sleep(1.1)  # the sources are looked at once a second
                outcome = await functions.invoke(a_function(code, "edited.handler"), {}, patience=30)
                answers.append(outcome.loaded())
            return answers

    assert asyncio.run(scenario()) == ["old", "new"]


def test_a_handler_that_cannot_be_loaded_is_an_error_with_its_reason(tmp_path: Path) -> None:
    async def scenario() -> str | None:
        async with a_pool(tmp_path) as pool:
            outcome = await Lambda(pool, Clock()).invoke(a_function(handler="no.such.handler"), {}, patience=30)
            return outcome.error

    assert asyncio.run(scenario()) == "ModuleNotFoundError: No module named 'no'"
