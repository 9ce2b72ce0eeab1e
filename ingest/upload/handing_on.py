"""Hands complete uploads on, each until somebody has taken it on."""

import asyncio
from pathlib import Path
from typing import Protocol

import structlog

from config.limits import UPLOAD_TAKEOVER_SECONDS_MAX
from config.tasks import cancel, spawn
from config.telemetry import counter
from ingest.upload.disk import UploadDisk
from ingest.upload.end import End, forget
from ingest.upload.store import UploadStore
from ingest.upload.upload import Upload, UploadBusy, UploadState
from media.file.container import Container
from media.file.refusal import Refused
from media.file.sniff import sniff

log = structlog.get_logger(__name__)

_accepted = counter("uploads_accepted_total", "Uploads that became content")


class Completed(Protocol):
    """Takes on a complete upload: makes the asset and what else there is to be made of it."""

    async def __call__(self, upload: Upload, file: Path, container: Container) -> None:
        """Called again for the same upload when it failed, or the process ended before it did."""


class HandingOn:
    """Complete uploads on their way to whoever takes them on, one task each.

    A task does not end with the request that began it: the client may have gone by then.
    """

    def __init__(self, store: UploadStore, disk: UploadDisk, completed: Completed) -> None:
        self._store = store
        self._disk = disk
        self._completed = completed
        self._tasks: dict[str, asyncio.Task[Refused | UploadBusy | None]] = {}

    async def stop(self) -> None:
        await cancel(*self._tasks.values())

    def start(self, upload_id: str) -> asyncio.Task[Refused | UploadBusy | None]:
        """Begin, or join what has begun; the task tells why it could not be, if so."""
        task = self._tasks.get(upload_id)
        if task is None:
            task = spawn(self._run(upload_id), name=f"hand on {upload_id}")
            self._tasks[upload_id] = task
            task.add_done_callback(lambda _: self._tasks.pop(upload_id))
        return task

    async def hand_on(self, upload_id: str) -> None:
        """Begin, and return when it has been taken on.

        Raises:
            Refused: it is no media file; the upload is gone.
            UploadBusy: another process works on it.
        """
        failure = await asyncio.shield(self.start(upload_id))
        if failure is not None:
            raise failure

    async def wait(self, upload_id: str) -> None:
        """Return when the upload is not being handed on.

        Raises:
            UploadBusy: that takes too long.
        """
        task = self._tasks.get(upload_id)
        if task is not None:
            await asyncio.wait([task], timeout=UPLOAD_TAKEOVER_SECONDS_MAX)
            if not task.done():
                raise UploadBusy

    async def _run(self, upload_id: str) -> Refused | UploadBusy | None:
        upload = await self._store.get(upload_id)
        if upload is None or upload.state not in (UploadState.RECEIVING, UploadState.RECEIVED):
            return None
        try:
            length, head = await self._disk.finished(upload_id)
        except UploadBusy as busy:
            return busy
        if length != upload.size:
            log.error("upload has lost its bytes", upload=upload_id, length=length)
            return None
        try:
            container = sniff(head)
        except Refused as refusal:
            await forget(self._store, self._disk, upload, End.REFUSED)
            return refusal
        await self._store.advance(upload_id, UploadState.RECEIVED)
        await self._completed(upload, self._disk.path(upload_id), container)
        await self._store.advance(upload_id, UploadState.ACCEPTED)
        _accepted.inc()
        log.info("upload is complete", upload=upload_id, asset=upload.asset_id, bytes=length)
        return None
