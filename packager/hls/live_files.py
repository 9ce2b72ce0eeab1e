"""Init segments, segments, parts and I-frames of a live asset."""

import asyncio

from config.limits import HLS_BLOCK_TARGETS_MAX, LIVE_FILES_KNOWN_MAX
from packager.arrival import Arrival
from packager.hls.assembly import Assembly
from packager.hls.iframe_file import iframe_file
from packager.hls.live_rendition import LiveRendition
from packager.interval import Interval
from packager.naming import (
    MP4,
    FilePath,
    IFramePath,
    InitPath,
    PartPath,
    SegmentPath,
    segment_name,
)
from packager.package import Charge, MediaFile, NotReady, UnknownRendition, UnknownSegment
from packager.segment_cache import SegmentCache


class LiveFiles:
    """What is new comes from memory, and what has long left it from the archive."""

    def __init__(
        self, asset_id: str, assembly: Assembly, cache: SegmentCache, target_duration: int
    ) -> None:
        """`target_duration` in whole seconds."""
        self._asset_id = asset_id
        self._assembly = assembly
        self._cache = cache
        self._target_duration = target_duration
        self._known: dict[FilePath, MediaFile] = {}

    def at_hand(self, path: FilePath) -> MediaFile | None:
        """At the live edge all ask for the same few at about the same time, which never change."""
        known = self._known.get(path)
        if known is None:
            known = self._in_memory(path)
            if known is not None and isinstance(path, PartPath | SegmentPath):
                if len(self._known) >= LIVE_FILES_KNOWN_MAX:
                    del self._known[next(iter(self._known))]
                self._known[path] = known
        return known

    def _in_memory(self, path: FilePath) -> MediaFile | None:
        live = self._assembly.renditions.get(path.rendition)
        if live is None:
            return None
        match path:
            case InitPath():
                init = live.init(path.name)
                return None if init is None else MediaFile(init, MP4)
            case PartPath():
                return self._part(live, path)
            case SegmentPath() | IFramePath():
                kept = live.body(path.sequence)
                return None if kept is None else self._file(path, *kept)
            case _:
                return None

    def _part(self, live: LiveRendition, path: PartPath) -> MediaFile | None:
        kept = live.part(path.sequence, path.part)
        if kept is None:
            return None
        part, body = kept
        waived = self._assembly.boundaries.flaws.touch(part.start, part.end)
        height = live.rendition.track.short_side
        charge = Charge(path.sequence, part.start, part.end, True, waived, height)
        return MediaFile(body, MP4, charge)

    async def get(self, path: FilePath) -> MediaFile:
        """Raises: UnknownRendition, UnknownSegment, NotReady."""
        live = self._assembly.renditions.get(path.rendition)
        if live is None:
            raise UnknownRendition(path.rendition)
        if isinstance(path, PartPath):
            await self._hinted(live, path)
        kept = self.at_hand(path)
        if kept is not None:
            return kept
        if not isinstance(path, SegmentPath | IFramePath):
            raise UnknownSegment(str(path))
        past = self._assembly.boundaries.interval(path.sequence)
        if past is None or path.sequence > live.newest:
            raise UnknownSegment(str(path))
        name = segment_name(path.sequence)
        body = await self._cache.read(self._asset_id, path.rendition, name, None)
        file = self._file(path, past, body)
        if file is None:
            raise UnknownSegment(str(path))
        return file

    async def _hinted(self, live: LiveRendition, path: PartPath) -> None:
        """Return when there is nothing, or no longer anything, to wait for."""
        place = path.sequence, path.part
        if live.retired or place != live.hint:
            return
        arrival = live.arrival(*place)
        seconds = HLS_BLOCK_TARGETS_MAX * self._target_duration
        if arrival is not None and not await _has_come(arrival, seconds):
            raise NotReady(f"{path} has not come")

    def _file(
        self, path: SegmentPath | IFramePath, interval: Interval, body: bytes
    ) -> MediaFile | None:
        """None for an I-frame that is not there, or not offered."""
        if isinstance(path, SegmentPath):
            start, end = interval.start, interval.end
            height = self._assembly.renditions[path.rendition].rendition.track.short_side
            charge = Charge(interval.sequence, start, end, waived=interval.flawed, height=height)
            return MediaFile(body, MP4, charge)
        offered = self._assembly.iframe_rendition()
        if offered is None or offered.rendition.name != path.rendition:
            return None
        return iframe_file(path, body, interval.duration)


async def _has_come(arrival: Arrival, seconds: float) -> bool:
    """Wait for it; False when it did not come in time."""
    came = asyncio.get_running_loop().create_future()

    def tell() -> None:
        if not came.done():
            came.set_result(None)

    arrival.then(tell)
    try:
        async with asyncio.timeout(seconds):
            await came
    except TimeoutError:
        return False
    finally:
        arrival.forget(tell)
    return True
