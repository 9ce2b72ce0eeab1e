"""Keeps every closed segment on local disk, without ever making the live path wait."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

import structlog

from config.clock import Clock
from config.limits import (
    ARCHIVE_BATCH_JOBS_MAX,
    ARCHIVE_FLUSH_SECONDS_MAX,
    ARCHIVE_QUEUE_BYTES_MAX,
    ARCHIVE_QUEUE_JOBS_MAX,
    REPORT_INTERVAL_MS,
)
from config.tasks import cancel, spawn
from media.pictures import Picture
from media.units import Track
from media.wire.fmp4_iframe import iframe_bytes
from packager.archive_captions import put_captions, read_captions_file, remove_captions
from packager.archive_disk import (
    INDEX_NAME,
    ArchivedFile,
    ArchiveJob,
    FailedJob,
    IndexReader,
    read_file,
    read_index,
    remove_asset,
    remove_leftovers,
    write_jobs,
)
from packager.archive_index import AssetIndex
from packager.archive_record import (
    AssetRecord,
    CaptionRecord,
    EndRecord,
    EpochRecord,
    PictureRecord,
    RetiredRecord,
    SegmentRecord,
    picture_record,
)
from packager.asset_terms import Encryption
from packager.interval import Interval
from packager.naming import PICTURES_FOLDER, init_name, is_name, picture_name, segment_name

log = structlog.get_logger(__name__)

_DISPENSABLE = SegmentRecord | PictureRecord


class AssetAlreadyArchived(Exception):
    """An asset is written once, from its first segment to its last."""


class Archive:
    """One directory of assets; one task writes to it, in order, through a bounded queue.

    When the disk is behind or full, segments are left out of the archive (`dropped` counts them)
    and the live package goes on.
    """

    def __init__(
        self, root: Path, clock: Clock, queue_bytes_max: int = ARCHIVE_QUEUE_BYTES_MAX
    ) -> None:
        self._root = root
        self._queue_bytes_max = queue_bytes_max
        self._clock = clock
        self._queue: deque[ArchiveJob] = deque()
        self._queue_bytes = 0
        self._ready = asyncio.Event()
        self._written = asyncio.Condition()
        self._accepted_count = 0
        self._written_count = 0
        self._spoiled: set[str] = set()
        self._worker: asyncio.Task[None] | None = None
        self._reported_ms: int | None = None
        self.dropped = 0

    async def start(self) -> None:
        await asyncio.to_thread(self._root.mkdir, parents=True, exist_ok=True)
        await asyncio.to_thread(remove_leftovers, self._root)
        self._worker = spawn(self._run(), name="archive")

    async def stop(self) -> None:
        """Write what is queued, within a deadline, then end the task."""
        try:
            async with asyncio.timeout(ARCHIVE_FLUSH_SECONDS_MAX):
                await self.flush()
        except TimeoutError:
            log.warning("archive stopped before all was written", jobs=len(self._queue))
        await cancel(self._worker)

    def create(
        self,
        asset_id: str,
        target_duration: int,
        encryption: Encryption = Encryption.NONE,
    ) -> None:
        """Begin an asset.

        Raises:
            AssetAlreadyArchived: there is one of this id.
        """
        assert is_name(asset_id), "asset ids are safe in paths"
        if (self._root / asset_id / INDEX_NAME).exists():
            raise AssetAlreadyArchived(asset_id)
        self._put(ArchiveJob(asset_id, (), AssetRecord(target_duration, encryption=encryption)))

    def write_epoch(
        self, asset_id: str, epoch: int, tracks: Mapping[str, Track], inits: Sequence[bytes]
    ) -> None:
        """`tracks` by rendition; `inits` in the same order."""
        files = tuple(
            ArchivedFile(rendition, init_name(epoch), init)
            for rendition, init in zip(tracks, inits, strict=True)
        )
        self._put(ArchiveJob(asset_id, files, EpochRecord(epoch, tuple(tracks.items()))))

    def write_segment(
        self,
        asset_id: str,
        rendition: str,
        interval: Interval,
        body: bytes,
        *,
        independent: bool,
    ) -> None:
        record = SegmentRecord(
            rendition=rendition,
            sequence=interval.sequence,
            epoch=interval.epoch,
            start=interval.start,
            end=interval.end,
            wall_ms=interval.wall_ms,
            size=len(body),
            sha256="",
            independent=independent,
            iframe_bytes=iframe_bytes(body),
            flawed=interval.flawed,
        )
        file = ArchivedFile(rendition, segment_name(interval.sequence), body)
        self._put(ArchiveJob(asset_id, (file,), record))

    def write_picture(self, asset_id: str, picture: Picture) -> None:
        """One of the same kind and number is overwritten."""
        record = picture_record(picture)
        file = ArchivedFile(
            PICTURES_FOLDER, picture_name(picture.kind, picture.number), picture.data
        )
        self._put(ArchiveJob(asset_id, (file,), record))

    def write_retired(self, asset_id: str, rendition: str, reason: str) -> None:
        self._put(ArchiveJob(asset_id, (), RetiredRecord(rendition, reason)))

    def write_end(self, asset_id: str) -> None:
        self._put(ArchiveJob(asset_id, (), EndRecord()))

    def _put(self, job: ArchiveJob) -> None:
        if isinstance(job.record, _DISPENSABLE) and self._is_behind():
            self._drop(job, "the disk is behind")
            return
        self._queue.append(job)
        self._queue_bytes += job.size
        self._accepted_count += 1
        self._ready.set()

    def _is_behind(self) -> bool:
        """Only media is refused: the few other lines make it playable."""
        return (
            self._queue_bytes > self._queue_bytes_max or len(self._queue) > ARCHIVE_QUEUE_JOBS_MAX
        )

    def _drop(self, job: ArchiveJob, reason: str) -> None:
        self.dropped += 1
        now_ms = self._clock.monotonic_ms()
        if self._reported_ms is None or now_ms - self._reported_ms >= REPORT_INTERVAL_MS:
            self._reported_ms = now_ms
            log.error("not archived", asset=job.asset_id, reason=reason, dropped=self.dropped)

    async def flush(self) -> None:
        """Return when all that was given so far is on disk or was dropped."""
        goal = self._accepted_count
        async with self._written:
            await self._written.wait_for(lambda: self._written_count >= goal)

    async def _run(self) -> None:
        while True:
            await self._ready.wait()
            jobs = [self._queue.popleft() for _ in range(self._batch_size())]
            if not self._queue:
                self._ready.clear()
            wanted = [job for job in jobs if job.asset_id not in self._spoiled]
            failed = await asyncio.to_thread(write_jobs, self._root, wanted)
            self._queue_bytes -= sum(job.size for job in jobs)
            self._note_failed(failed)
            self._forget_ended(jobs)
            async with self._written:
                self._written_count += len(jobs)
                self._written.notify_all()

    def _batch_size(self) -> int:
        return min(len(self._queue), ARCHIVE_BATCH_JOBS_MAX)

    def _note_failed(self, failed: list[FailedJob]) -> None:
        """Segments after a lost epoch line could not be played: nothing more is written then."""
        for each in failed:
            if not isinstance(each.job.record, _DISPENSABLE):
                self._spoiled.add(each.job.asset_id)
            self._drop(each.job, str(each.error))

    def _forget_ended(self, jobs: list[ArchiveJob]) -> None:
        for job in jobs:
            if isinstance(job.record, EndRecord):
                self._spoiled.discard(job.asset_id)

    async def remove(self, asset_id: str) -> None:
        """Delete all files of an asset that nobody plays or makes any more."""
        if is_name(asset_id):
            await asyncio.to_thread(remove_asset, self._root, asset_id)

    async def put_captions(self, asset_id: str, record: CaptionRecord, body: bytes) -> bool:
        """Of an asset that is not live; as `archive_captions.put_captions`."""
        assert is_name(asset_id), "asset ids are safe in paths"
        return await asyncio.to_thread(put_captions, self._root, asset_id, record, body)

    async def remove_captions(self, asset_id: str, key: str) -> None:
        """As `archive_captions.remove_captions`."""
        assert is_name(asset_id), "asset ids are safe in paths"
        await asyncio.to_thread(remove_captions, self._root, asset_id, key)

    async def read_captions(self, asset_id: str, key: str) -> bytes:
        """The WebVTT file. Raises: UnknownCaptions."""
        assert is_name(asset_id), "asset ids are safe in paths"
        return await asyncio.to_thread(read_captions_file, self._root, asset_id, key)

    async def read_index(self, asset_id: str) -> AssetIndex | None:
        """What is archived of an asset; None when nothing is."""
        if not is_name(asset_id):
            return None
        return await asyncio.to_thread(read_index, self._root, asset_id)

    def follow(self, asset_id: str) -> IndexReader | None:
        """Reads an asset's index again and again, in a thread; None for what is no id."""
        return IndexReader(self._root, asset_id) if is_name(asset_id) else None

    async def read_init(self, asset_id: str, rendition: str, epoch: int) -> bytes | None:
        """None when it is lost."""
        return await self.read_file(asset_id, rendition, init_name(epoch), None)

    async def read_file(
        self, asset_id: str, folder: str, name: str, sha256: str | None
    ) -> bytes | None:
        """A file's bytes, checked when `sha256` is given; None when they are lost or damaged."""
        assert is_name(asset_id), "asset ids are safe in paths"
        path = self._root / asset_id / folder / name
        return await asyncio.to_thread(read_file, path, sha256)
