"""The composition root: what is built once a process, on first use."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING

from tollgate.config import settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from tollgate.ai.failover import Failover
    from tollgate.ai.provider import Provider
    from tollgate.payments.gateway import Gateway
    from tollgate.post import Post


class WrongKeyError(RuntimeError):
    """A test key where real money is taken, or a live key anywhere else. Nothing that needs it starts."""


@cache
def gateway() -> Gateway:
    """Razorpay, for the configured key. Raises WrongKeyError where the key is not one for this stage."""
    from tollgate.payments.gateway import Gateway  # noqa: PLC0415 -- on first use

    made = Gateway(settings().razorpay)
    wanted = "live" if settings().stage == "prod" else "test"
    if made.mode != wanted:
        raise WrongKeyError(f"stage {settings().stage} needs a {wanted} key of Razorpay's")
    return made


@cache
def ai() -> Failover:
    """The AI providers behind their services, and the breaker they share. Their SDKs load when one is first asked."""
    from tollgate import clock  # noqa: PLC0415 -- on first use
    from tollgate.ai.breaker import Breaker  # noqa: PLC0415 -- on first use
    from tollgate.ai.failover import Failover  # noqa: PLC0415 -- on first use
    from tollgate.ai.openai import OpenAI  # noqa: PLC0415 -- on first use

    configured = settings().ai
    openai = OpenAI(configured.openai_api_key, configured.openai_base_url)
    return Failover(providers={"gpt4o": openai, "gemini": _gemini()}, breaker=Breaker(), clock=clock.now)


def build_ai() -> None:
    """Load what the first call of each provider would load: while a function starts it has a whole processor, later a share."""
    for provider in ai().providers.values():
        # Stand-ins of tests have nothing to load.
        prepare: Callable[[], None] | None = getattr(provider, "prepare", None)
        with suppress(Exception):  # a provider that cannot be built fails its calls, for which there is the other one
            if prepare:
                prepare()


def _gemini() -> Provider:
    configured = settings().ai
    if configured.gemini_client == "rest":
        from tollgate.ai.gemini_rest import GeminiRest  # noqa: PLC0415 -- on first use

        return GeminiRest(configured.gemini_api_key, configured.gemini_base_url)
    from tollgate.ai.gemini import Gemini  # noqa: PLC0415 -- on first use

    return Gemini(configured.gemini_api_key, configured.gemini_base_url)


@cache
def post() -> Post:
    """SES. Its SDK loads when the first mail goes out."""
    from tollgate.post import Post  # noqa: PLC0415 -- on first use

    return Post(settings().mail.sender)
