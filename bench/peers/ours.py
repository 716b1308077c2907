"""Our path: a real handler, the real database client, the real provider SDKs."""

from __future__ import annotations

from itertools import cycle

from bench.ground import Context, handler
from bench.peers import loop
from bench.warm_process import Replay, thin
from tollgate.store import dynamodb


def main() -> None:
    """Serve rounds."""
    told = loop.job()
    subject, events = handler(told["handler"]), cycle(told["events"])
    if told["stubbed"]:
        subject = Replay(thin(dynamodb.engine()), subject, next(events), 200)

    def call() -> None:
        reply = subject(next(events), Context())
        if reply["statusCode"] != 200:  # noqa: PLR2004 -- anything else is no measurement
            raise RuntimeError(reply["body"])

    loop.serve(call, told["calls"])


if __name__ == "__main__":
    main()
