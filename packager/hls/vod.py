"""The package of an asset that is not live: what the archive has of it."""

from media.pictures import PictureKind
from packager.archive import Archive
from packager.archive_disk import picture_file, segment_file
from packager.archive_record import SegmentRecord
from packager.choices import AudioRendition, CaptionRendition
from packager.hls.caption_cache import CaptionCache
from packager.hls.caption_files import CaptionFiles
from packager.hls.iframe_file import iframe_file
from packager.hls.layout import Layout
from packager.interval import Interval
from packager.naming import (
    MP4,
    PICTURES_FOLDER,
    CaptionPath,
    FilePath,
    IFramePath,
    InitPath,
    PlaylistPath,
    SegmentPath,
    init_name,
    picture_name,
)
from packager.package import (
    Charge,
    MediaFile,
    NotReady,
    UnknownPicture,
    UnknownRendition,
    UnknownSegment,
)
from packager.playlist_text import PlaylistText
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
        captions: CaptionCache,
    ) -> None:
        """`inits` by rendition and name."""
        self._asset_id = asset_id
        self._layout = layout
        self._inits = inits
        self._cache = cache
        self._captions = CaptionFiles(asset_id, layout.captions, captions)

    @classmethod
    async def open(
        cls,
        archive: Archive,
        cache: SegmentCache,
        captions: CaptionCache,
        asset_id: str,
        layout: Layout,
    ) -> "OnDemandPackage":
        """Read an asset's init segments."""
        inits = {}
        for rendition, epoch in layout.inits:
            init = await archive.read_init(asset_id, rendition, epoch)
            if init is not None:
                inits[rendition, init_name(epoch)] = init
        return cls(asset_id, layout, inits, cache, captions)

    @property
    def growing(self) -> bool:
        return self._layout.growing

    @property
    def settled(self) -> bool:
        return self._layout.settled

    @property
    def whole(self) -> bool:
        return self._layout.settled and self._layout.by_content

    @property
    def duration(self) -> int:
        """Of all segments, in 1/90000 s."""
        return self._layout.duration

    @property
    def has_poster(self) -> bool:
        return _POSTER in self._layout.pictures

    def renditions(self) -> tuple[str, ...]:
        return tuple(self._layout.playlists)

    @property
    def audio(self) -> tuple[AudioRendition, ...]:
        return self._layout.audio

    @property
    def captions(self) -> tuple[CaptionRendition, ...]:
        return self._layout.captions.choices

    def multivariant(self) -> bytes:
        return self._layout.multivariant

    def playlist(self, path: PlaylistPath, *, skip: bool = False) -> PlaylistText:  # noqa: ARG002
        """Whole, whatever is asked to be skipped. Raises: UnknownRendition."""
        name = path.rendition or ""
        playlist = self._layout.playlists.get(name) or self._layout.captions.playlists.get(name)
        if path.iframes:
            iframes = self._layout.iframes
            playlist = iframes.playlist if iframes and iframes.is_of(path.rendition) else None
        if playlist is None:
            raise UnknownRendition(path.rendition)
        return playlist

    def interval(self, sequence: int) -> Interval | None:
        """The nominal time of a segment that is shown."""
        return self._layout.intervals.get(sequence)

    def arrival(self, rendition: str, sequence: int, part: int | None) -> None:  # noqa: ARG002
        """Nobody is kept waiting."""
        return

    def file_at_hand(self, path: FilePath) -> MediaFile | None:
        if isinstance(path, InitPath):
            init = self._inits.get((path.rendition, path.name))
            return None if init is None else MediaFile(init, MP4)
        if isinstance(path, CaptionPath):
            return self._captions.at_hand(path)
        record = self._record(path)
        if record is None:
            return None
        name = segment_file(record, by_content=self._layout.by_content)
        body = self._cache.at_hand(self._asset_id, path.rendition, name)
        return None if body is None else _media_file(path, record, body, self._height(record))

    async def file(self, path: FilePath) -> MediaFile:
        """Raises: UnknownRendition, UnknownSegment, NotReady when the disk does not answer."""
        kept = self.file_at_hand(path)
        if kept is not None:
            return kept
        if isinstance(path, CaptionPath):
            return await self._captions.file(path)
        if path.rendition not in self._layout.segments:
            raise UnknownRendition(path.rendition)
        record = self._record(path)
        if record is None:
            raise UnknownSegment(str(path))
        name = segment_file(record, by_content=self._layout.by_content)
        body = await self._read(path.rendition, name, record.sha256)
        file = _media_file(path, record, body, self._height(record))
        if file is None:
            raise UnknownSegment(str(path))
        return file

    def _height(self, record: SegmentRecord) -> int:
        return self._layout.heights.get((record.rendition, record.epoch), 0)

    def _record(self, path: FilePath) -> SegmentRecord | None:
        """The segment whose file, or first picture, is asked for."""
        if not isinstance(path, SegmentPath | IFramePath):
            return None
        iframes = self._layout.iframes
        if isinstance(path, IFramePath) and not (iframes and iframes.has(path)):
            return None
        return self._layout.segments.get(path.rendition, {}).get(path.sequence)

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


def _media_file(
    path: FilePath, record: SegmentRecord, body: bytes, height: int
) -> MediaFile | None:
    if isinstance(path, IFramePath):
        return iframe_file(path, body, record.end - record.start)
    charge = Charge(record.sequence, record.start, record.end, waived=record.flawed, height=height)
    return MediaFile(body, MP4, charge)
