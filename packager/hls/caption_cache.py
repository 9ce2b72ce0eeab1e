"""Captions that are being watched: read and parsed once for however many ask at the same time."""

import asyncio

from config.limits import CAPTION_CACHE_BYTES_MAX
from config.tasks import spawn
from media.captions.cue import MalformedCaptions
from media.captions.reading import read_captions
from packager.archive_disk import caption_file
from packager.archive_record import CaptionRecord
from packager.hls.captions import CaptionTrack
from packager.least_recent import LeastRecent
from packager.naming import CAPTIONS_FOLDER
from packager.package import UnknownSegment
from packager.segment_cache import SegmentCache

type _Key = tuple[str, str]


class CaptionCache:
    """Keeps what was asked for last; a file's name changes with its content."""

    def __init__(self, files: SegmentCache, bytes_max: int = CAPTION_CACHE_BYTES_MAX) -> None:
        self._files = files
        self._tracks: LeastRecent[_Key, CaptionTrack] = LeastRecent(bytes_max)
        self._parsing: dict[_Key, asyncio.Task[CaptionTrack | None]] = {}

    def at_hand(self, asset_id: str, record: CaptionRecord) -> CaptionTrack | None:
        """Captions that are in memory."""
        return self._tracks.get((asset_id, caption_file(record)))

    async def read(self, asset_id: str, record: CaptionRecord) -> CaptionTrack:
        """An asset's captions.

        Raises:
            UnknownSegment: they are not there, or not what they were.
            NotReady: the disk does not answer in time.
        """
        key = asset_id, caption_file(record)
        track = self._tracks.get(key)
        if track is not None:
            return track
        body = await self._files.read(asset_id, CAPTIONS_FOLDER, key[1], record.sha256)
        track = await asyncio.shield(self._parsing.get(key) or self._start(key, body))
        if track is None:
            raise UnknownSegment(f"captions {'/'.join(key)} cannot be read")
        return track

    def _start(self, key: _Key, body: bytes) -> asyncio.Task[CaptionTrack | None]:
        task = spawn(self._parse(key, body), name=f"captions {'/'.join(key)}")
        self._parsing[key] = task
        return task

    async def _parse(self, key: _Key, body: bytes) -> CaptionTrack | None:
        try:
            track = await asyncio.to_thread(_parsed, body)
        finally:
            del self._parsing[key]
        if track is not None:
            self._tracks.put(key, track, track.size)
        return track


def _parsed(body: bytes) -> CaptionTrack | None:
    """Takes half a second for the longest; None for what no version of ours has written."""
    try:
        return CaptionTrack(read_captions(body))
    except MalformedCaptions:
        return None
