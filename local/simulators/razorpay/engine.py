"""The running simulator: two accounts, one agenda, and the beat that keeps it on time."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from local.simulators.razorpay.account import Account
from local.simulators.razorpay.agenda import Agenda
from local.simulators.razorpay.faults import Faults
from local.simulators.razorpay.settings import Settings, Switches
from local.simulators.razorpay.webhooks import Post

logger = logging.getLogger(__name__)
BEAT = 0.05  # real seconds between two looks at the clock, so that leaps in time are noticed at once


class Engine:
    """Everything the simulator knows. It belongs to one event loop; every act on it is without an await."""

    def __init__(self, clock: Callable[[], datetime], settings: Settings) -> None:
        self.clock, self.settings = clock, settings
        self.switches = Switches()
        self.agenda = Agenda()
        self.faults = Faults()
        self.account, self._other = self._accounts()
        self._beating: asyncio.Task[None] | None = None

    def _accounts(self) -> tuple[Account, Account]:
        """Ours, and one that has other keys and no webhook."""
        own, silent = self.settings, Settings(webhook_url=None)
        keys = ((own.key_id, own.key_secret, own), (own.other_key_id, own.other_key_secret, silent))
        first, second = (
            Account(key_id, secret, own, self.switches, self.agenda, Post(post, self.switches, self.agenda, self.clock))
            for key_id, secret, post in keys
        )
        return first, second

    def account_of(self, key_id: str, secret: str) -> Account | None:
        """The account these keys open."""
        both = (self.account, self._other)
        return next((one for one in both if (one.key_id, one.key_secret) == (key_id, secret)), None)

    def now(self) -> datetime:
        """The present, after everything due by then has been done."""
        now = self.clock()
        self.agenda.run(now)
        return now

    def start(self) -> None:
        """Start the beat on the running loop; once is enough."""
        if self._beating is None:
            self._beating = asyncio.get_running_loop().create_task(self._beat())

    async def _beat(self) -> None:
        while True:
            try:
                self.now()
            except Exception:
                logger.exception("an act on the agenda failed")  # and the others go on
            await asyncio.sleep(BEAT)

    async def reset(self) -> None:
        """Forget everything but the settings."""
        await self.account.post.close()
        self.agenda.clear()
        self.faults.clear()
        self.switches = Switches()
        self.account, self._other = self._accounts()

    async def stop(self) -> None:
        if self._beating is not None:
            self._beating.cancel()
            with suppress(asyncio.CancelledError):
                await self._beating
            self._beating = None
        await self.account.post.close()
