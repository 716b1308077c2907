"""What every adapter shares: usage, the check of an answer, deadlines."""

from __future__ import annotations

import subprocess
import sys
import threading

import pydantic
import pytest

from tollgate.ai.provider import (
    MAX_ANSWER_BYTES,
    ErrorKind,
    Kept,
    ProviderError,
    Reply,
    Usage,
    checked,
    kind_of_status,
    reported,
    seconds,
)
from tollgate.deadlines import DeadlineExceededError, within


class Answer(pydantic.BaseModel):
    text: str


USAGE = Usage(10, 0, 0, 5, 0)


def replied(text: str, usage: Usage | None = USAGE, *, model: str = "gpt-4o") -> Reply:
    return Reply(text, usage, model, "req_1")


def test_a_good_answer_comes_back_as_the_schema_with_its_usage() -> None:
    completion = checked(replied('{"text": "hello"}'), Answer)
    assert completion.output == Answer(text="hello")
    assert (completion.usage, completion.served_model, completion.provider_request_id) == (USAGE, "gpt-4o", "req_1")


def test_a_fence_around_the_answer_is_taken_off() -> None:
    assert checked(replied('```json\n{"text": "hello"}\n```'), Answer).output == Answer(text="hello")


@pytest.mark.parametrize(
    "reply",
    [
        replied("no json"),
        replied('{"other": 1}'),
        replied(""),
        replied('{"text": "hello"}', None),
        replied('{"text": "hello"}', model=""),
        replied(f'{{"text": "{"x" * MAX_ANSWER_BYTES}"}}'),
    ],
)
def test_an_unusable_answer_is_invalid_and_says_no_word_of_it(reply: Reply) -> None:
    with pytest.raises(ProviderError) as caught:
        checked(reply, Answer)
    assert caught.value.kind is ErrorKind.INVALID_OUTPUT
    assert caught.value.billed == reply.usage
    assert caught.value.__context__ is None
    assert str(caught.value) == "invalid_output (HTTP 200)"


def test_odd_counts_of_a_provider_become_plausible_ones() -> None:
    assert reported(prompt=10, cached=99, cache_write=5, output=-3, thinking="many") == Usage(10, 10, 0, 0, 0)
    assert reported(prompt=None, cached=1, cache_write=1, output=2.5, thinking=[]) == Usage(0, 0, 0, 0, 0)


@pytest.mark.parametrize("counts", [(-1, 0, 0, 0, 0), (1, 2, 0, 0, 0), (3, 2, 2, 0, 0)])
def test_impossible_usage_does_not_construct(counts: tuple[int, int, int, int, int]) -> None:
    with pytest.raises(ValueError, match=r"token"):
        Usage(*counts)


def test_the_total_counts_every_token_once() -> None:
    usage = Usage(100, 60, 20, 30, 7)
    assert (usage.total, usage.billed_output) == (137, 37)


@pytest.mark.parametrize(
    ("error", "billing"),
    [
        (ProviderError(ErrorKind.TIMEOUT), "unknown"),
        (ProviderError(ErrorKind.TIMEOUT, unsent=True), "no"),
        (ProviderError(ErrorKind.CONNECTION), "unknown"),
        (ProviderError(ErrorKind.UNAVAILABLE, status=503), "no"),
        (ProviderError(ErrorKind.UNAVAILABLE, status=504), "unknown"),
        (ProviderError(ErrorKind.RATE_LIMITED, status=429), "no"),
        (ProviderError(ErrorKind.INVALID_OUTPUT, status=200), "unknown"),
        (ProviderError(ErrorKind.INVALID_OUTPUT, status=200, billed=USAGE), "yes"),
        (ProviderError(ErrorKind.REFUSED, status=200, billed=Usage(0, 0, 0, 0, 0)), "no"),
    ],
)
def test_whether_a_failure_is_billed(error: ProviderError, billing: str) -> None:
    assert error.billing == billing


@pytest.mark.parametrize(
    ("text", "wait"),
    [("17s", 17), ("1.5", 1.5), ("0", 0), (None, None), ("soon", None), ("-3", None), ("nan", None), ("inf", None)],
)
def test_a_waiting_time_is_read_or_ignored(text: object, wait: float | None) -> None:
    assert seconds(text) == wait


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (307, ErrorKind.MISCONFIGURED),
        (400, ErrorKind.BAD_REQUEST),
        (401, ErrorKind.MISCONFIGURED),
        (402, ErrorKind.QUOTA_EXHAUSTED),
        (408, ErrorKind.UNAVAILABLE),
        (429, ErrorKind.RATE_LIMITED),
        (500, ErrorKind.UNAVAILABLE),
        (529, ErrorKind.UNAVAILABLE),
    ],
)
def test_a_bare_status_has_a_meaning(status: int, kind: ErrorKind) -> None:
    assert kind_of_status(status) is kind


def test_blocking_work_that_takes_too_long_is_left_alone() -> None:
    never = threading.Event()
    with pytest.raises(DeadlineExceededError):
        within(0.01, never.wait)
    never.set()


def test_an_error_of_blocking_work_is_raised_where_it_is_waited_for() -> None:
    with pytest.raises(ZeroDivisionError):
        within(5, lambda: 1 // 0)


def test_a_client_is_built_once_for_all_threads_and_anew_after_it_was_closed() -> None:
    built: list[object] = []
    closed: list[object] = []

    def build() -> object:
        built.append(object())
        return built[-1]

    kept = Kept(build, closed.append)
    threads = [threading.Thread(target=kept.get) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(built) == 1
    kept.close()
    kept.close()
    assert closed == built
    assert kept.get() is built[1]


def test_failover_and_adapters_load_no_sdk_until_they_are_used() -> None:
    code = (
        "import sys, tollgate.ai.failover, tollgate.ai.openai, tollgate.ai.gemini, tollgate.ai.gemini_rest\n"
        "heavy = {'openai', 'google.generativeai', 'httpx2', 'requests', 'grpc', 'boto3', 'asyncio'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    paths = [path for path in sys.path if path.endswith("layers/shared")]
    ran = subprocess.run(  # noqa: S603 -- our own interpreter and our own code
        [sys.executable, "-c", f"import sys; sys.path[:0] = {paths!r}\n{code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.strip() == "[]"
