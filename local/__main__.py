"""`python -m local`: serve the whole API on this machine until Ctrl-C."""

import asyncio
import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from local import clock, control, database, settings, stack, tables
from local.settings import Settings
from local.stack import Stack

_USER = "asha"
_RESUME = (
    '{"text": "Asha Rao\\nasha.rao@example.com\\n+91 98450 00000\\n\\nExperience\\n'
    "Senior Engineer, Example Labs, 2021 - present\\n- Cut page load time by 40%\\n\\n"
    'Skills\\nPython, AWS, DynamoDB"}'
)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def banner(running: Stack, chosen: Settings) -> str:
    """What a newcomer needs: where everything is, a token, and commands to try."""
    token = control.token(chosen.values["JWT_SECRET"], running.clock(), user=_USER, email="asha.rao@example.com")
    lines = [
        "Tollgate is running. Ctrl-C stops it.",
        "",
        f"  API        {running.url}",
        f"  Browser    {running.url}/_local/checkout   buy a plan, parse a resume",
        f"  Mail       {running.url}/_local/mail/view   what users were sent",
        f"  Database   {_database(running, chosen)}",
        *(f"  {name:<10} {_provider(name.upper(), running)}" for name in ("Razorpay", "OpenAI", "Gemini")),
        f"  Log        {running.log}   (LOG=1 shows it here)",
        *_moved(running),
        "",
        "First commands to try:",
        "",
        f"  curl -s {running.url}/api/subscription/pricing",
        f"  TOKEN={token}",
        f'  curl -s {running.url}/api/subscription/status -H "Authorization: Bearer $TOKEN"',
        f'  curl -s {running.url}/api/ai/parse-resume -H "Authorization: Bearer $TOKEN" \\',
        f"    -H 'Content-Type: application/json' -d {shlex.quote(_RESUME)}",
        "",
    ]
    return "\n".join(lines)


def _database(running: Stack, chosen: Settings) -> str:
    engine = running.database
    if chosen.database is not None:
        return f"{engine.endpoint} (from AWS_ENDPOINT_URL_DYNAMODB)"
    lacks = f"   fallback without dynoxide: {engine.lacks}" if engine.lacks else ""
    return f"{engine.engine} on {engine.endpoint}, data in {chosen.data}{lacks}"


def _provider(provider: str, running: Stack) -> str:
    if provider in running.simulators:
        return f"{running.simulators[provider]}   simulator"
    return f"the real service or your own address: {provider}_* is set"


def _moved(running: Stack) -> list[str]:
    if abs(running.clock.offset.total_seconds()) < 1:
        return []
    return [f"  Clock      {clock.written(running.clock())}   moved by an earlier run; POST /_local/clock"]


async def _live(template: Path) -> None:
    chosen = settings.read()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with stack.running(chosen, path=template, report=_say) as running:
        _say(banner(running, chosen))
        await stop.wait()
        _say("\nStopping.")


def main(arguments: Sequence[str]) -> int:
    """Run until told to stop; the exit status of the command. The template to serve may be named."""
    try:
        asyncio.run(_live(Path(arguments[0]) if arguments else settings.ROOT / "template.yaml"))
    except (settings.Unusable, stack.PortTaken, database.Unavailable, tables.Outdated) as why:
        sys.stderr.write(f"Tollgate cannot start: {why}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
