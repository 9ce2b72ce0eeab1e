"""The loop that takes what is due, tells owners what they should know, and divides what is ripe."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

import structlog

from config.clock import Clock
from config.limits import SUBSCRIPTION_LOOK_SECONDS, SUBSCRIPTION_LOOKS_MAX
from config.postgres import UNAVAILABLE, PostgresError
from config.tasks import happens, spawn
from metering.ledger.ledger import WouldOverdraw
from metering.subscriptions.store import ChangedMeanwhile, Due, SubscriptionStore
from metering.subscriptions.subscription import look

log = structlog.get_logger(__name__)


class Pools(Protocol):
    """Whoever divides the fees of months that are over."""

    async def divide_ripe(self, now: datetime) -> object:
        """Do it now. May raise one of `config.postgres.UNAVAILABLE`."""


class Renewals:
    """Several may run on one store: each month is paid once.

    Args:
        changed: told whose balance, and in which asset, became less.
    """

    def __init__(
        self,
        store: SubscriptionStore,
        pools: Pools,
        clock: Clock,
        changed: Callable[[str, str], None],
    ) -> None:
        self._store = store
        self._pools = pools
        self._clock = clock
        self._changed = changed
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = spawn(self._run(), "renewals")

    async def stop(self) -> None:
        """End after the look under way."""
        self._stopping.set()
        if self._task is not None:
            await asyncio.wait({self._task})

    async def run_once(self) -> None:
        """Look at what is due.

        Raises:
            One of `config.postgres.UNAVAILABLE`: what was done by then stays so.
        """
        now = self._now()
        for due in await self._store.due(now, SUBSCRIPTION_LOOKS_MAX):
            await self._look(due, now)
        await self._pools.divide_ripe(now)

    async def _look(self, due: Due, now: datetime) -> None:
        kept, balance = due
        seen = look(kept.subscription, now, balance)
        try:
            await self._store.advance(kept, seen, now)
        except ChangedMeanwhile:
            return  # Its owner or another process did something; it is looked at again.
        except WouldOverdraw:
            # Something was spent since its balance was read.
            await self._look(Due(kept, 0), now)
            return
        if seen.fee:
            self._changed(kept.subscription.account, seen.after.plan.asset)

    async def _run(self) -> None:
        well = True
        while not self._stopping.is_set():
            try:
                await self.run_once()
                well = True
            except (*UNAVAILABLE, PostgresError) as error:
                if well:
                    log.warning("subscriptions cannot be looked at", reason=str(error))
                well = False
            await happens(self._stopping, SUBSCRIPTION_LOOK_SECONDS)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.wall_ms() / 1000, UTC)
