"""The captions of one opened asset, as files that a player asks for."""

from packager.archive_record import CaptionRecord
from packager.hls.caption_cache import CaptionCache
from packager.hls.captions import CaptionLayout, CaptionSpan, CaptionTrack
from packager.naming import VTT, CaptionPath
from packager.package import MediaFile, UnknownRendition, UnknownSegment


class CaptionFiles:
    """Cuts segments out of captions that are parsed once; nothing is billed for them."""

    def __init__(self, asset_id: str, layout: CaptionLayout, cache: CaptionCache) -> None:
        self._asset_id = asset_id
        self._layout = layout
        self._cache = cache

    def at_hand(self, path: CaptionPath) -> MediaFile | None:
        """A segment of captions that are in memory."""
        record, span = (
            self._layout.records.get(path.rendition),
            self._layout.spans.get(path.sequence),
        )
        if record is None or span is None:
            return None
        track = self._cache.at_hand(self._asset_id, record)
        return None if track is None else _media_file(track, span)

    async def file(self, path: CaptionPath) -> MediaFile:
        """Raises: UnknownRendition, UnknownSegment, NotReady when the disk does not answer."""
        record, span = self._find(path)
        return _media_file(await self._cache.read(self._asset_id, record), span)

    def _find(self, path: CaptionPath) -> tuple[CaptionRecord, CaptionSpan]:
        record = self._layout.records.get(path.rendition)
        if record is None:
            raise UnknownRendition(path.rendition)
        span = self._layout.spans.get(path.sequence)
        if span is None:
            raise UnknownSegment(str(path))
        return record, span


def _media_file(track: CaptionTrack, span: CaptionSpan) -> MediaFile:
    return MediaFile(track.segment(span), VTT)
