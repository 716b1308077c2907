"""LiteLLM's Router in this process: two deployments 70/30, one retry on the other. Runs in LiteLLM's own environment."""

from __future__ import annotations

import importlib
from typing import Any

from bench.peers import loop


def main() -> None:
    """Serve rounds."""
    told = loop.job()
    litellm: Any = importlib.import_module("litellm")
    router = litellm.Router(model_list=loop.deployments(told["upstream"]), num_retries=1)
    body = {**told["body"], "model": "resume"}
    loop.serve(lambda: router.completion(**body), told["calls"])


if __name__ == "__main__":
    main()
