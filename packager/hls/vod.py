"""The package of an asset that is not live: what the archive has of it."""

from media.pictures import PictureKind
from packager.archive import Archive
from packager.archive_disk import picture_file, segment_file
from packager.hls.layout import Layout
from packager.naming import PICTURES_FOLDER, init_name, picture_name
from packager.package import (
    NotReady,
    Segment,
    UnknownPicture,
    UnknownRendition,
    UnknownSegment,
)
from packager.segment_cache import SegmentCache

_POSTER = picture_name(PictureKind.POSTER, 0)


class OnDemandPackage:
    """A `Package` that never changes; segments come from the archive through the cache.

    Of an asset that is still being made it shows what was there when it was opened.
    """

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
    async def open(
        cls, archive: Archive, cache: SegmentCache, asset_id: str, layout: Layout
    ) -> "OnDemandPackage":
        """Read an asset's init segments."""
        inits = {}
        for rendition, epoch in layout.inits:
            init = await archive.read_init(asset_id, rendition, epoch)
            if init is not None:
                inits[rendition, init_name(epoch)] = init
        return cls(asset_id, layout, inits, cache)

    @property
    def growing(self) -> bool:
        return self._layout.growing

    @property
    def settled(self) -> bool:
        return self._layout.settled

    @property
    def duration(self) -> int:
        """Of all segments, in 1/90000 s."""
        return self._layout.duration

    @property
    def has_poster(self) -> bool:
        return _POSTER in self._layout.pictures

    def renditions(self) -> tuple[str, ...]:
        return tuple(self._layout.playlists)

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
        name = segment_file(record, by_content=self._layout.by_content)
        body = await self._read(rendition, name, record.sha256)
        return Segment(body, sequence, record.start, record.end)

    async def read_picture(self, name: str) -> bytes:
        """Raises: UnknownPicture, NotReady when the disk does not answer."""
        record = self._layout.pictures.get(name)
        if record is None:
            raise UnknownPicture(name)
        try:
            return await self._read(PICTURES_FOLDER, picture_file(record), record.sha256 or None)
        except UnknownSegment:
            raise UnknownPicture(name) from None

    def storyboard(self) -> bytes | None:
        return self._layout.storyboard

    async def _read(self, folder: str, name: str, sha256: str | None) -> bytes:
        try:
            return await self._cache.read(self._asset_id, folder, name, sha256)
        except UnknownSegment:
            if self._layout.settled:
                raise
            # Another attempt's file has taken its place since this package was opened.
            raise NotReady(f"{folder}/{name} is being replaced") from None
