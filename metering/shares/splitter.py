"""Shares out what was earned under splits: about once a minute, and before each payout."""

import asyncio

import structlog

from config.limits import SPLIT_SECONDS, SPLITS_AT_ONCE
from config.postgres import UNAVAILABLE, PostgresError
from config.tasks import happens, spawn
from metering.shares.store import SplitStore

log = structlog.get_logger(__name__)


class Splitter:
    """Several may run on one store: what waits is shared out by one of them."""

    def __init__(self, store: SplitStore) -> None:
        self._store = store
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = spawn(self._run(), "splitter")

    async def stop(self) -> None:
        """Share out what is there, and end."""
        self._stopping.set()
        if self._task is not None:
            await asyncio.wait({self._task})

    async def share_out(self) -> None:
        """Share out what was earned by now, under a bounded number of splits.

        Raises:
            What the store raises; what was shared out by then stays so.
        """
        for split_id, asset in await self._store.unsplit(SPLITS_AT_ONCE):
            await self._store.share_out(split_id, asset)

    async def _run(self) -> None:
        well = True
        ending = False
        while not ending:
            ending = await happens(self._stopping, SPLIT_SECONDS)
            try:
                await self.share_out()
            except (*UNAVAILABLE, PostgresError) as error:
                if well:
                    log.warning("earnings cannot be shared out", reason=str(error))
                well = False
            else:
                well = True
