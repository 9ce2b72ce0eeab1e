"""The package of an asset that is not live: everything that the archive has of it."""

import asyncio

from packager.archive import Archive
from packager.hls.layout import Layout, lay_out
from packager.naming import init_name
from packager.package import Segment, UnknownAsset, UnknownRendition, UnknownSegment
from packager.segment_cache import SegmentCache


class OnDemandPackage:
    """A `Package` that never changes; segments come from the archive through the cache."""

    live = False

    def __init__(
        self,
        asset_id: str,
        layout: Layout,
        inits: dict[tuple[str, str], bytes],
        cache: SegmentCache,
    ) -> None:
        """`inits` by rendition and name."""
        self._asset_id = asset_id
        self._layout = layout
        self._inits = inits
        self._cache = cache

    @classmethod
    async def open(cls, archive: Archive, cache: SegmentCache, asset_id: str) -> "OnDemandPackage":
        """Read an asset's index and init segments.

        Raises:
            UnknownAsset: nothing of it is archived, or nothing that can be played.
        """
        index = await archive.read_index(asset_id)
        if index is None:
            raise UnknownAsset(asset_id)
        layout = await asyncio.to_thread(lay_out, index)
        inits = {}
        for rendition, epoch in layout.inits:
            init = await archive.read_init(asset_id, rendition, epoch)
            if init is not None:
                inits[rendition, init_name(epoch)] = init
        return cls(asset_id, layout, inits, cache)

    @property
    def duration(self) -> int:
        """Of all segments, in 1/90000 s."""
        return self._layout.duration

    @property
    def segments_count(self) -> int:
        """In all renditions; what an opened package costs in memory."""
        return sum(map(len, self._layout.segments.values()))

    def multivariant(self) -> bytes:
        return self._layout.multivariant

    def media_playlist(self, rendition: str) -> bytes:
        """Raises: UnknownRendition."""
        playlist = self._layout.playlists.get(rendition)
        if playlist is None:
            raise UnknownRendition(rendition)
        return playlist

    def init(self, rendition: str, name: str) -> bytes:
        """Raises: UnknownRendition, UnknownSegment."""
        init = self._inits.get((rendition, name))
        if init is not None:
            return init
        if rendition not in self._layout.segments:
            raise UnknownRendition(rendition)
        raise UnknownSegment(f"{rendition}/{name}")

    async def segment(self, rendition: str, sequence: int) -> Segment:
        """Raises: UnknownRendition, UnknownSegment, NotReady when the disk does not answer."""
        records = self._layout.segments.get(rendition)
        if records is None:
            raise UnknownRendition(rendition)
        record = records.get(sequence)
        if record is None:
            raise UnknownSegment(f"{rendition}/{sequence}")
        body = await self._cache.read(self._asset_id, rendition, sequence, record.sha256)
        return Segment(body, sequence, record.start, record.end)
