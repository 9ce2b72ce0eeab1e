"""Clears away what clients and crashes leave behind."""

import asyncio
from datetime import UTC, datetime

import structlog

from config.clock import Clock
from config.limits import UPLOAD_SWEEP_SECONDS, UPLOAD_TAKEOVER_SECONDS_MAX
from config.postgres import UNAVAILABLE
from ingest.upload.disk import UploadDisk
from ingest.upload.end import End, forget
from ingest.upload.handing_on import HandingOn
from ingest.upload.store import UploadStore
from ingest.upload.turns import Turns
from ingest.upload.upload import UploadBusy, UploadState

log = structlog.get_logger(__name__)


class Sweep:
    """Looks through all uploads that nobody is working on."""

    def __init__(
        self,
        store: UploadStore,
        disk: UploadDisk,
        turns: Turns,
        handing_on: HandingOn,
        clock: Clock,
    ) -> None:
        self._store = store
        self._disk = disk
        self._turns = turns
        self._handing_on = handing_on
        self._clock = clock

    async def run(self) -> None:
        """Sweep now and then, for ever."""
        while True:
            await asyncio.sleep(UPLOAD_SWEEP_SECONDS)
            try:
                await self.once()
            except UNAVAILABLE as error:
                log.warning("uploads were not swept", reason=str(error) or type(error).__name__)

    async def once(self) -> None:
        """Give up what expired, then hand on what is complete and was not."""
        now = datetime.fromtimestamp(self._clock.wall_ms() / 1000, UTC)
        for upload in await self._store.expired(now):
            if upload.state is UploadState.DISCARDED:
                await self._store.remove(upload.id)
            elif not self._turns.taken(upload.id):
                await forget(self._store, self._disk, upload, End.EXPIRED)
        tasks = [self._handing_on.start(upload_id) for upload_id in await self._complete()]
        if tasks:
            await asyncio.wait(tasks, timeout=UPLOAD_TAKEOVER_SECONDS_MAX)

    async def _complete(self) -> list[str]:
        """Those whose last bytes came with a request that was cut, or that nobody could take on."""
        received = [each.id for each in await self._store.in_state(UploadState.RECEIVED)]
        coming = await self._store.in_state(UploadState.RECEIVING)
        lengths, _ = await self._disk.room(each.id for each in coming)
        whole = [each.id for each in coming if lengths[each.id] == each.size]
        return received + [each for each in whole if not self._turns.taken(each)]

    async def abort_forms(self) -> None:
        """Forms end with their process; their files cannot be gone on with."""
        for upload in await self._store.in_state(UploadState.RECEIVING):
            if not upload.resumable and not await self._is_held_elsewhere(upload.id):
                await forget(self._store, self._disk, upload, End.ABORTED)

    async def _is_held_elsewhere(self, upload_id: str) -> bool:
        try:
            await self._disk.length(upload_id)
        except UploadBusy:
            return True
        return False
