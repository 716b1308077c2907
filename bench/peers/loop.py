"""The rounds of one process. Only the standard library: it also runs where nothing of ours is installed."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time
from typing import Any


def job() -> dict[str, Any]:
    """What this process is told: the upstream's address, the request's body, how many calls a round has."""
    told: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    return told


def serve(
    call: Callable[[], object],
    calls: int,
    cpu: Callable[[], float] = process_time,
    facts: Callable[[], dict[str, float]] = dict,
) -> None:
    """A round for each line that comes in; its CPU and wall time, in seconds a call, for each line that goes out.

    The first round is not counted by whoever asks for it. `cpu` is the clock of whatever does the work; `facts` are told beside.
    """

    def one() -> dict[str, float]:
        spent, waited = cpu(), []
        for _ in range(calls):
            begun = perf_counter()
            call()
            waited.append(perf_counter() - begun)
        return {"cpu": (cpu() - spent) / calls, "wall": sorted(waited)[calls // 2]} | facts()

    answer(one)


def answer(one: Callable[[], object]) -> None:
    """A round for each line that comes in, and what it found for each line that goes out. What is printed goes nowhere."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    for _ in sys.stdin:
        answers.write(json.dumps(one()) + "\n")
        answers.flush()


def deployments(upstream: str) -> list[dict[str, Any]]:
    """LiteLLM's list of models: the mix of the hybrid plans."""
    return [
        {
            "model_name": "resume",
            "litellm_params": {
                "model": f"openai/{name}",
                "api_base": f"{upstream}/v1",
                "api_key": "bench",
                "weight": weight,
            },
        }
        for name, weight in (("gemini-2.5-flash", 7), ("gpt-4o", 3))
    ]
