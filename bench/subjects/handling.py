"""A handler called with one event again and again: CPU seconds a call."""

from __future__ import annotations

import importlib

from bench.subjects import work


def main() -> None:
    """Serve rounds."""
    job = work.told()
    module, _, attribute = job["handler"].rpartition(".")
    handler, event, context = getattr(importlib.import_module(module), attribute), job["event"], work.Context()

    def call() -> None:
        reply = handler(event, context)
        if reply["statusCode"] != 200 or job["answers"] not in reply["body"]:  # noqa: PLR2004 -- anything else is no measurement
            raise RuntimeError(str(reply))

    work.serve(lambda: work.spent(call, job["calls"]))


if __name__ == "__main__":
    main()
