"""Writes the renditions of a file into the archive, as whole segments and at the disk's pace."""

import asyncio
from collections import deque
from collections.abc import Sequence
from pathlib import Path

import structlog

from config.clock import Clock
from config.limits import (
    ARCHIVE_BATCH_JOBS_MAX,
    KEY_SEGMENTS_OF_FILES,
    ON_DEMAND_QUEUE_BYTES_MAX,
    SHEETS_MAX,
)
from config.tasks import spawn
from media.captions.captions import Captions
from media.pictures import Picture, why_unfit
from media.transcode.rendition import Rendition
from media.units import Packet
from media.wire.fmp4_iframe import iframe_bytes
from media.wire.fmp4_init import init_segment
from packager.archive import AssetAlreadyArchived
from packager.archive_captions import caption_record
from packager.archive_disk import (
    ArchivedFile,
    ArchiveJob,
    AssetRemoved,
    StorageFull,
    leave_room,
    read_index,
    sweep_asset,
    sync_asset,
    sync_index,
    write_all,
)
from packager.archive_index import AssetIndex
from packager.archive_record import (
    AssetRecord,
    EndRecord,
    EpochRecord,
    Record,
    RetiredRecord,
    SegmentRecord,
    picture_record,
)
from packager.asset_terms import Encryption
from packager.hls.assembly import AssembledSegment, Assembly
from packager.hls.boundaries import target_duration_s
from packager.hls.bounds import ON_DEMAND
from packager.hls.irregularities import Irregularity
from packager.hls.irregularity_report import IrregularityReport
from packager.hls.origin import HlsSettings
from packager.hls.playlist_terms import PlaylistTerms
from packager.hls.recorded import recorded_intervals
from packager.interval import Interval
from packager.naming import PICTURES_FOLDER, init_name, is_name, picture_name, segment_name

__all__ = ["AssetRemoved", "OnDemandWriter", "StorageFull", "TimesDiffer"]

log = structlog.get_logger(__name__)

_EPOCH = 0


class TimesDiffer(Exception):
    """A later pass through a file has other segment times than the first."""


class OnDemandWriter:
    """One pass of one attempt; several may write to the same asset, and only the last line counts.

    Renditions of the first pass can be played while they grow. Those of a later pass appear when it
    ends, since a player that chooses one wants it to the end.
    """

    def __init__(
        self, root: Path, asset_id: str, index: AssetIndex, settings: HlsSettings, clock: Clock
    ) -> None:
        self._root = root
        self._asset_id = asset_id
        self._first_pass = index.growing
        self._offered = {name for epoch in index.epochs for name, _ in epoch.renditions}
        self._known = _gapless(recorded_intervals(index))
        self._assembly = Assembly(
            settings.segment_target_ms,
            PlaylistTerms(index.target_duration, window_segments=1),
            known=self._known,
            bounds=ON_DEMAND,
        )
        self._report = IrregularityReport(asset_id, self._assembly.irregularities, clock)
        self._epoch_job: ArchiveJob | None = None
        self._queue: deque[ArchiveJob] = deque()
        self._queue_bytes = 0
        self._room = asyncio.Event()
        self._room.set()
        self._writing: asyncio.Task[None] | None = None
        self._failure: OSError | TimesDiffer | None = None

    @classmethod
    async def open(
        cls,
        root: Path,
        asset_id: str,
        settings: HlsSettings,
        clock: Clock,
        encryption: Encryption = Encryption.NONE,
    ) -> "OnDemandWriter":
        """Begin an asset, or go on with it: its first pass again from the start, or a later one.

        Args:
            encryption: of a new asset, when it is served.

        Raises:
            AssetAlreadyArchived: it is the recording of a live.
            StorageFull: there is no room to begin.
        """
        assert is_name(asset_id), "asset ids are safe in paths"
        record = AssetRecord(
            target_duration_s(settings.segment_target_ms),
            from_file=True,
            encryption=encryption,
            key_segments=1 if encryption is Encryption.NONE else KEY_SEGMENTS_OF_FILES,
        )
        index = await asyncio.to_thread(_opened_index, root, asset_id, record)
        return cls(root, asset_id, index, settings, clock)

    @property
    def boundaries(self) -> tuple[int, ...]:
        """Where segments start, in 1/90000 s; empty until a first pass has ended."""
        return () if self._first_pass else tuple(each.start for each in self._known)

    @property
    def renditions(self) -> tuple[str, ...]:
        """What complete passes have made; empty until a first pass has ended."""
        return () if self._first_pass else tuple(sorted(self._offered))

    # --- FileSink --------------------------------------------------------------------------------

    def begin(self, renditions: Sequence[Rendition]) -> None:
        """These follow, in this pass.

        Raises:
            UnsupportedTrack: a rendition cannot be packaged.
        """
        assert self._epoch_job is None, "a pass begins once"
        assert all(is_name(each.name) for each in renditions), "names are safe in paths and URLs"
        inits = [init_segment(rendition.track) for rendition in renditions]
        self._assembly.begin(renditions, inits)
        files = tuple(
            ArchivedFile(rendition.name, init_name(_EPOCH), init)
            for rendition, init in zip(renditions, inits, strict=True)
        )
        tracks = tuple((rendition.name, rendition.track) for rendition in renditions)
        self._epoch_job = self._job(EpochRecord(_EPOCH, tracks), files)
        if self._first_pass:
            self._put(self._epoch_job)
            self._retire_others({rendition.name for rendition in renditions})

    def _retire_others(self, names: set[str]) -> None:
        """An earlier attempt, by another version of the program, began what is not made now."""
        for name in sorted(self._offered - names):
            self._put(self._job(RetiredRecord(name, "made no more")))

    def packet(self, rendition: str, packet: Packet) -> None:
        """Take the next packet of a rendition; those of all renditions come about together."""
        for each in self._assembly.packet(rendition, packet, wall_ms=0):
            self._put_segment(each)
        self._report.look()

    def picture(self, picture: Picture) -> None:
        """Take a poster or a sheet; it replaces the one of the same number."""
        unfit = why_unfit(picture)
        if unfit is not None or picture.number >= SHEETS_MAX:
            log.warning("picture left out", asset=self._asset_id, reason=unfit or "too many")
            return
        name = picture_name(picture.kind, picture.number)
        file = ArchivedFile(PICTURES_FOLDER, name, picture.data)
        self._put(self._job(picture_record(picture), (file,)))

    def captions(self, captions: Captions) -> None:
        """Take captions that came in the file; those that somebody put in their place stay."""
        if captions.cues:
            self._put(self._job(*caption_record(captions)))

    async def drained(self) -> None:
        """Return when there is room for more; to be awaited after every few packets.

        Raises:
            StorageFull, AssetRemoved, OSError: not everything could be written.
            TimesDiffer: this pass does not fit the first.
        """
        await self._room.wait()
        if self._failure is not None:
            raise self._failure

    async def written(self) -> None:
        """Return when all that was taken is on disk. Raises: as `drained`."""
        if self._writing is not None:
            await asyncio.shield(self._writing)
        if self._failure is not None:
            raise self._failure

    async def finish(self, *, last_pass: bool) -> int:
        """End the pass: return the asset's duration in 1/90000 s when all is safely on disk.

        The file may be deleted after the last pass. Without `begin`, the asset is ended as it is.

        Raises:
            StorageFull, AssetRemoved, OSError, TimesDiffer: as `drained`.
        """
        if self._epoch_job is not None:
            for each in self._assembly.finish():
                self._put_segment(each)
        await self.written()
        published = self._published()
        end = self._job(EndRecord(passes_follow=not last_pass))
        await asyncio.to_thread(_conclude, self._root, self._asset_id, published, end)
        log.info("pass is packaged", asset=self._asset_id, **self._report.counts())
        return self._assembly.boundaries.duration_total

    async def abort(self) -> None:
        """Leave off: return when nothing is written any more. Another attempt can go on."""
        self._queue.clear()
        if self._writing is not None:
            await asyncio.shield(self._writing)

    # ---------------------------------------------------------------------------------------------

    def _published(self) -> list[ArchiveJob]:
        """What makes the renditions of a later pass appear: those that have segments."""
        if self._first_pass or self._epoch_job is None:
            return []
        live = self._assembly.renditions
        job = self._epoch_job
        assert isinstance(job.record, EpochRecord)
        filled = tuple((name, t) for name, t in job.record.renditions if live[name].has_segments)
        unknown = Irregularity.UNKNOWN_BOUNDARY in self._assembly.irregularities.counts()
        if unknown or not filled:
            raise TimesDiffer(f"{self._asset_id} has no such segments")
        names = {name for name, _ in filled}
        files = tuple(file for file in job.files if file.folder in names)
        return [self._job(EpochRecord(_EPOCH, filled), files)]

    def _put_segment(self, segment: AssembledSegment) -> None:
        interval = segment.interval
        if not self._first_pass and interval.sequence >= len(self._known):
            self._fail(TimesDiffer(f"{self._asset_id} ended before segment {interval.sequence}"))
            return
        record = SegmentRecord(
            rendition=segment.rendition,
            sequence=interval.sequence,
            epoch=interval.epoch,
            start=interval.start,
            end=interval.end,
            wall_ms=0,
            size=len(segment.body),
            sha256="",
            independent=segment.independent,
            iframe_bytes=iframe_bytes(segment.body),
        )
        name = segment_name(interval.sequence)
        self._put(self._job(record, (ArchivedFile(segment.rendition, name, segment.body),)))

    def _job(self, record: Record, files: tuple[ArchivedFile, ...] = ()) -> ArchiveJob:
        return ArchiveJob(self._asset_id, files, record, shared=True)

    def _put(self, job: ArchiveJob) -> None:
        if self._failure is not None:
            return
        self._queue.append(job)
        self._queue_bytes += job.size
        if self._queue_bytes > ON_DEMAND_QUEUE_BYTES_MAX:
            self._room.clear()
        if self._writing is None:
            self._writing = spawn(self._write(), name=f"write {self._asset_id}")

    async def _write(self) -> None:
        """Lives while something is queued."""
        try:
            while self._queue:
                count = min(len(self._queue), ARCHIVE_BATCH_JOBS_MAX)
                jobs = [self._queue.popleft() for _ in range(count)]
                await asyncio.to_thread(write_all, self._root, jobs)
                self._queue_bytes -= sum(job.size for job in jobs)
                if self._queue_bytes <= ON_DEMAND_QUEUE_BYTES_MAX:
                    self._room.set()
        except OSError as error:
            self._fail(error)
        finally:
            self._writing = None

    def _fail(self, failure: OSError | TimesDiffer) -> None:
        """Whoever waits for room is told."""
        self._failure = self._failure or failure
        self._queue.clear()
        self._room.set()


def _opened_index(root: Path, asset_id: str, record: AssetRecord) -> AssetIndex:
    index = read_index(root, asset_id)
    if index is None or not index.target_duration:
        root.mkdir(parents=True, exist_ok=True)
        leave_room(root, 0)
        write_all(root, [ArchiveJob(asset_id, (), record, shared=True)])
        index = read_index(root, asset_id)
    if index is None:
        raise AssetRemoved(asset_id)
    if not index.from_file:
        raise AssetAlreadyArchived(asset_id)
    return index


def _gapless(intervals: Sequence[Interval]) -> list[Interval]:
    """Those whose numbers follow each other from the first: the others cannot be relied on."""
    return [each for number, each in enumerate(intervals) if each.sequence == number]


def _conclude(root: Path, asset_id: str, published: list[ArchiveJob], end: ArchiveJob) -> None:
    """Bytes are safe before the line that lets their origin be deleted."""
    write_all(root, published)
    sync_asset(root, asset_id)
    write_all(root, [end])
    sync_index(root, asset_id)
    if end.record == EndRecord(passes_follow=False):
        sweep_asset(root, asset_id)
