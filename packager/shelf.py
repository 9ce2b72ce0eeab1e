"""Opened on-demand packages: kept while they are asked for, renewed while their asset grows."""

import asyncio
from dataclasses import dataclass

from config.clock import Clock
from config.limits import ON_DEMAND_RECHECK_MS, ON_DEMAND_SEGMENTS_MAX, SETTLED_RECHECK_MS
from config.tasks import spawn
from packager.archive import Archive
from packager.archive_disk import IndexReader
from packager.hls.caption_cache import CaptionCache
from packager.hls.layout import Layout, lay_out
from packager.hls.protection import Protection, Protections
from packager.hls.vod import OnDemandPackage
from packager.least_recent import LeastRecent
from packager.package import Package, UnknownAsset
from packager.publication import Publication
from packager.segment_cache import SegmentCache


@dataclass(frozen=True, slots=True)
class _Entry:
    """An asset's index as far as it was read, and the package of that; None before it plays."""

    reader: IndexReader
    checked_ms: int
    package: Package | None

    @property
    def settled(self) -> bool:
        return self.reader.index.settled

    @property
    def weight(self) -> int:
        return 1 + sum(map(len, self.reader.index.segments.values()))


class Shelf:
    """Reads an index once for however many ask, and again when it has grown, at our own pace."""

    def __init__(
        self,
        archive: Archive,
        cache: SegmentCache,
        clock: Clock,
        publication: Publication | None = None,
    ) -> None:
        self._archive = archive
        self._cache = cache
        self._captions = CaptionCache(cache)
        self._clock = clock
        self._publication = publication or Publication(Protections())
        self._entries: LeastRecent[str, _Entry] = LeastRecent(ON_DEMAND_SEGMENTS_MAX)
        self._reading: dict[str, asyncio.Task[Package | None]] = {}

    def at_hand(self, asset_id: str) -> Package | None:
        """An asset's package, when that is known without looking at the disk."""
        entry = self._entries.get(asset_id)
        return entry.package if entry is not None and self._is_fresh(entry) else None

    async def get(self, asset_id: str) -> Package | None:
        """An asset's package; None when nothing of it can be played, or not yet."""
        entry = self._entries.get(asset_id)
        if entry is not None and self._is_fresh(entry):
            return entry.package
        reading = self._reading.get(asset_id)
        if reading is None:
            reading = spawn(self._read(asset_id, entry), name=f"open {asset_id}")
            self._reading[asset_id] = reading
        return await asyncio.shield(reading)

    def _is_fresh(self, entry: _Entry) -> bool:
        """Of what is settled another process may still change the captions."""
        recheck_ms = SETTLED_RECHECK_MS if entry.settled else ON_DEMAND_RECHECK_MS
        return self._clock.monotonic_ms() - entry.checked_ms < recheck_ms

    def forget(self, asset_id: str) -> None:
        """Look at the disk when it is asked for next."""
        self._entries.drop(asset_id)
        self._reading.pop(asset_id, None)

    async def _read(self, asset_id: str, entry: _Entry | None) -> Package | None:
        # Kept again only when all went well: the reader may be further than the package.
        self._entries.drop(asset_id)
        task = asyncio.current_task()
        try:
            entry = await self._renewed(asset_id, entry)
            if entry is not None and self._reading.get(asset_id) is task:
                self._keep(asset_id, entry)
        finally:
            if self._reading.get(asset_id) is task:
                del self._reading[asset_id]
        return None if entry is None else entry.package

    async def _renewed(self, asset_id: str, entry: _Entry | None) -> _Entry | None:
        """The entry, or a new one, as the disk is now; None when there is no index."""
        reader = self._archive.follow(asset_id) if entry is None else entry.reader
        if reader is None:
            return None
        now_ms = self._clock.monotonic_ms()
        try:
            changed, layout, protection = await asyncio.to_thread(self._read_on, asset_id, reader)
        except FileNotFoundError:
            return None
        package = None if entry is None else entry.package
        if changed and layout is not None:
            clear = await OnDemandPackage.open(
                self._archive, self._cache, self._captions, asset_id, layout
            )
            package = self._publication.show(clear, protection)
        return _Entry(reader, now_ms, package)

    def _keep(self, asset_id: str, entry: _Entry) -> None:
        """What is settled and cannot be played costs nothing to find out again."""
        if entry.package is not None or not entry.settled:
            self._entries.put(asset_id, entry, entry.weight)

    def _read_on(
        self, asset_id: str, reader: IndexReader
    ) -> tuple[bool, Layout | None, Protection | None]:
        """Whether the index has grown, and what it says then if anything can be played."""
        if not reader.read():
            return False, None, None
        index = reader.index
        protection = self._publication.protections.of(
            asset_id, index.encryption, index.key_segments
        )
        try:
            return True, lay_out(index, protection), protection
        except UnknownAsset:
            return True, None, None
