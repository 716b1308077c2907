"""The provider's SDK alone, with the body that our adapter sends: what any caller of that SDK pays."""

from __future__ import annotations

import openai

from bench.peers import loop


def main() -> None:
    """Serve rounds."""
    told = loop.job()
    client = openai.OpenAI(api_key="bench", base_url=f"{told['upstream']}/v1", max_retries=0)
    loop.serve(lambda: client.chat.completions.create(**told["body"]), told["calls"])


if __name__ == "__main__":
    main()
