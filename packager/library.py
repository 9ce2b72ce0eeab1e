"""All packages of this process by asset id, live or opened from the archive."""

import asyncio
from dataclasses import replace

import structlog

from config.clock import Clock
from config.limits import ARCHIVE_FLUSH_SECONDS_MAX
from config.tasks import spawn
from packager.archive import Archive, AssetAlreadyArchived
from packager.archive_record import CaptionRecord
from packager.asset_terms import AssetTerms
from packager.events import AssetEnded, Observers
from packager.hls.origin import HlsSettings, Origin
from packager.package import (
    MediaFile,
    NotReady,
    Package,
    UnknownAsset,
    UnknownPicture,
    UnknownRendition,
    UnknownSegment,
)
from packager.publication import Publication
from packager.segment_cache import SegmentCache
from packager.shelf import Shelf

__all__ = [
    "AssetAlreadyArchived",
    "AssetTerms",
    "HlsSettings",
    "Library",
    "MediaFile",
    "NotReady",
    "Package",
    "UnknownAsset",
    "UnknownPicture",
    "UnknownRendition",
    "UnknownSegment",
]

_PLAIN = AssetTerms()

log = structlog.get_logger(__name__)


class Library:
    """Live origins, and the on-demand packages that were asked for last, growing ones among them.

    An asset keeps its id: when its origin ends and its last segment is on disk, `get` returns the
    on-demand package instead.
    """

    def __init__(
        self,
        archive: Archive,
        clock: Clock,
        settings: HlsSettings,
        observers: Observers | None = None,
    ) -> None:
        self._archive = archive
        self._clock = clock
        self._settings = settings
        self._observers = observers or Observers()
        self._cache = SegmentCache(archive)
        self._live: dict[str, Origin] = {}
        self._shown: dict[str, Package] = {}
        self._publication = Publication(settings.protections)
        self._settling: dict[str, asyncio.Task[None]] = {}
        self._shelf = Shelf(archive, self._cache, clock, self._publication)

    async def start(self) -> None:
        await self._archive.start()

    async def stop(self) -> None:
        """End what is live, and return when it is on disk."""
        for origin in list(self._live.values()):
            origin.end()
        if self._settling:
            await asyncio.wait(self._settling.values())
        await self._archive.stop()

    def start_live(self, asset_id: str, terms: AssetTerms = _PLAIN) -> Origin:
        """Begin a new asset; its sink takes packets at once.

        Raises:
            AssetAlreadyArchived: this id was used before.
        """
        if asset_id in self._live:
            raise AssetAlreadyArchived(asset_id)
        origin = Origin(
            asset_id,
            self._cache,
            self._clock,
            self._settings,
            replace(self._observers, ended=self._origin_ended),
            terms,
        )
        self._live[asset_id] = origin
        self._shown[asset_id] = self._publication.show(origin, origin.protection)
        return origin

    def at_hand(self, asset_id: str) -> Package | None:
        """An asset's package, when it is in memory and as the disk is now."""
        return self._shown.get(asset_id) or self._shelf.at_hand(asset_id)

    async def get(self, asset_id: str) -> Package | None:
        """An asset's package; None when nothing of it can be played, or not yet."""
        return self._shown.get(asset_id) or await self._shelf.get(asset_id)

    async def remove(self, asset_id: str) -> None:
        """Delete an asset that is not live. An attempt to make it that goes on writes nothing more.

        Segments that are in memory may be served until they are forgotten.
        """
        assert asset_id not in self._live, "a live asset is not removed"
        await self._archive.remove(asset_id)
        self._shelf.forget(asset_id)

    async def put_captions(self, asset_id: str, record: CaptionRecord, body: bytes) -> bool:
        """Give an asset that is not live captions; as `archive_captions.put_captions`.

        Other processes show them within `SETTLED_RECHECK_MS`.
        """
        is_new = await self._archive.put_captions(asset_id, record, body)
        self._shelf.forget(asset_id)
        return is_new

    async def remove_captions(self, asset_id: str, key: str) -> None:
        """As `archive_captions.remove_captions`."""
        await self._archive.remove_captions(asset_id, key)
        self._shelf.forget(asset_id)

    async def read_captions(self, asset_id: str, key: str) -> bytes:
        """The WebVTT file. Raises: UnknownCaptions."""
        return await self._archive.read_captions(asset_id, key)

    async def settle(self, asset_id: str) -> None:
        """After `end`: return when the asset is served from the archive."""
        settling = self._settling.get(asset_id)
        if settling is not None:
            await asyncio.shield(settling)

    def _origin_ended(self, event: AssetEnded) -> None:
        asset_id = event.asset_id
        self._settling[asset_id] = spawn(self._settle(asset_id), name=f"settle {asset_id}")
        self._observers.ended(event)

    async def _settle(self, asset_id: str) -> None:
        """Until all is written, the origin still answers with what it has in memory."""
        try:
            async with asyncio.timeout(ARCHIVE_FLUSH_SECONDS_MAX):
                await self._archive.flush()
        except TimeoutError:
            log.error("asset is on demand before all of it was archived", asset=asset_id)
        try:
            self._shelf.forget(asset_id)
            await self._shelf.get(asset_id)
        finally:
            del self._live[asset_id], self._shown[asset_id]
            del self._settling[asset_id]
