"""An AI provider that costs nothing: answers every request with the reply it was given, as fast as Python can.

`python -m bench.peers.upstream <file of replies>` prints its port. Speaks OpenAI's and Gemini's paths.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any, cast

type Replies = dict[str, bytes]


class Connection(asyncio.Protocol):
    """One connection, kept alive; requests come one after the other and carry their length."""

    def __init__(self, replies: Replies) -> None:
        self._replies = replies
        self._got = b""
        self._out: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._out = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, separator, body = self._got.partition(b"\r\n\r\n")
        if not separator or len(body) < _length(head):
            return
        self._got = body[_length(head) :]
        kind = "gemini" if b":generateContent" in head.partition(b"\r\n")[0] else "openai"
        if self._out is not None:
            self._out.write(self._replies[kind])


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    return 0


def _response(body: dict[str, Any]) -> bytes:
    raw = json.dumps(body).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: req_1\r\ncontent-length: {len(raw)}\r\n\r\n"
    return head.encode() + raw


def replies(text: str) -> Replies:
    """The answer in both providers' forms."""
    openai = {
        "id": "chatcmpl-bench",
        "object": "chat.completion",
        "created": 1_800_000_000,
        "model": "gpt-4o-2024-08-06",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 900, "completion_tokens": 600, "total_tokens": 1500},
    }
    gemini = {
        "candidates": [{"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {"promptTokenCount": 900, "candidatesTokenCount": 600, "totalTokenCount": 1500},
        "modelVersion": "gemini-2.5-flash",
        "responseId": "bench",
    }
    return {"openai": _response(openai), "gemini": _response(gemini)}


async def main(told: Replies) -> None:
    """Serve until killed."""
    server = await asyncio.get_running_loop().create_server(lambda: Connection(told), "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(replies(Path(sys.argv[1]).read_text(encoding="utf-8"))))
