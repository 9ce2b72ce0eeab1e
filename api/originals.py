"""Uploaded files whose jobs ended without deleting them: failed for good, cancelled, forgotten."""

import asyncio

import structlog

from config.job_store import JobStore
from config.jobs import JobState
from config.limits import ORIGINALS_SWEEP_SECONDS
from config.postgres import UNAVAILABLE
from config.tasks import cancel, spawn
from ingest.upload.uploads import Uploads

log = structlog.get_logger(__name__)

_UNDER_WAY = frozenset({JobState.QUEUED, JobState.RUNNING})


class Originals:
    """Deletes them, at the start and now and then."""

    def __init__(self, uploads: Uploads, jobs: JobStore) -> None:
        self._uploads = uploads
        self._jobs = jobs
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = spawn(self._run(), name="originals")

    async def stop(self) -> None:
        await cancel(self._task)

    async def sweep(self) -> None:
        for upload in await self._uploads.accepted():
            job = await self._jobs.newest_of_subject(upload.asset_id)
            if job is None or job.state not in _UNDER_WAY:
                await self._uploads.discard(upload.id)

    async def _run(self) -> None:
        while True:
            try:
                await self.sweep()
            except UNAVAILABLE as error:
                log.warning("originals were not swept", reason=str(error) or type(error).__name__)
            await asyncio.sleep(ORIGINALS_SWEEP_SECONDS)
