"""The package of an asset that is not live: everything that the archive has of it."""

import asyncio
from dataclasses import dataclass
from itertools import pairwise

from media.units import MediaKind, Track
from packager.archive import Archive
from packager.archive_index import AssetIndex, SegmentRecord
from packager.hls.bitrate import MeasuredBitrate
from packager.hls.boundaries import Interval
from packager.hls.playlist import (
    MediaPlaylist,
    PlaylistSegment,
    render_media_playlist,
    render_multivariant,
)
from packager.hls.variants import Measured, multivariant
from packager.naming import init_name
from packager.package import Segment, UnknownAsset, UnknownRendition, UnknownSegment
from packager.segment_cache import SegmentCache


@dataclass(frozen=True, slots=True)
class OnDemandContents:
    """What the index amounts to: finished playlists, and where the segments are."""

    multivariant: bytes
    playlists: dict[str, bytes]
    segments: dict[str, dict[int, SegmentRecord]]
    epochs: dict[str, list[int]]
    duration: int


def contents_of(index: AssetIndex) -> OnDemandContents:
    """Lay out the playlists of an archived asset.

    Renditions are those that were there to the last; where one misses a segment that another has,
    its playlist has a gap, so that all playlists have the same lines.

    Raises:
        UnknownAsset: no segment can be played.
    """
    tracks = _tracks(index)
    if not tracks:
        raise UnknownAsset("no segment is archived")
    segments = {name: index.segments[name] for name in tracks}
    intervals = _intervals(segments)
    playlists = {
        name: render_media_playlist(
            MediaPlaylist(
                index.target_duration,
                [PlaylistSegment(each, each.sequence not in records) for each in intervals],
                ended=True,
                complete=True,
            )
        )
        for name, records in segments.items()
    }
    measured = [_measure(name, tracks[name], index) for name in tracks]
    return OnDemandContents(
        multivariant=render_multivariant(multivariant(measured)),
        playlists=playlists,
        segments=segments,
        epochs={name: _epochs_of(name, index) for name in tracks},
        duration=sum(interval.duration for interval in intervals),
    )


def _tracks(index: AssetIndex) -> dict[str, Track]:
    """Renditions to offer, as they were in the last epoch that has segments.

    Video that was retired is offered only where nothing else is left.
    """
    candidates: dict[str, Track] = {}
    for epoch in index.epochs:
        present = {name: track for name, track in epoch.renditions if index.segments.get(name)}
        candidates = present or candidates
    kept = {name: track for name, track in candidates.items() if name not in index.retired}
    had_video = any(track.kind is MediaKind.VIDEO for track in candidates.values())
    has_video = any(track.kind is MediaKind.VIDEO for track in kept.values())
    return kept if has_video or not had_video else candidates


def _intervals(segments: dict[str, dict[int, SegmentRecord]]) -> list[Interval]:
    """The shared timeline, rebuilt from the segments that are there."""
    merged: dict[int, SegmentRecord] = {}
    for records in segments.values():
        merged |= records
    intervals: list[Interval] = []
    for sequence in sorted(merged):
        record = merged[sequence]
        before = intervals[-1] if intervals else None
        breaks = before is not None and (before.epoch, before.end) != (record.epoch, record.start)
        intervals.append(
            Interval(
                sequence=sequence,
                epoch=record.epoch,
                start=record.start,
                end=record.end,
                wall_ms=record.wall_ms,
                discontinuity=breaks,
                discontinuities=(before.discontinuities if before else 0) + breaks,
            )
        )
    assert all(a.sequence < b.sequence for a, b in pairwise(intervals))
    return intervals


def _measure(name: str, track: Track, index: AssetIndex) -> Measured:
    bitrate = MeasuredBitrate(index.target_duration * 90_000)
    for record in index.segments[name].values():
        bitrate.add(record.size, record.end - record.start)
    return Measured(name, track, bitrate.peak, bitrate.average)


def _epochs_of(name: str, index: AssetIndex) -> list[int]:
    return [each.epoch for each in index.epochs if name in dict(each.renditions)]


class OnDemandPackage:
    """A `Package` that never changes; segments come from the archive through the cache."""

    live = False

    def __init__(
        self,
        asset_id: str,
        contents: OnDemandContents,
        inits: dict[tuple[str, str], bytes],
        cache: SegmentCache,
    ) -> None:
        """`inits` by rendition and name."""
        self._asset_id = asset_id
        self._contents = contents
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
        contents = await asyncio.to_thread(contents_of, index)
        inits = {}
        for rendition, epochs in contents.epochs.items():
            for epoch in epochs:
                init = await archive.read_init(asset_id, rendition, epoch)
                if init is not None:
                    inits[rendition, init_name(epoch)] = init
        return cls(asset_id, contents, inits, cache)

    @property
    def duration(self) -> int:
        """Of all segments, in 1/90000 s."""
        return self._contents.duration

    @property
    def segments_count(self) -> int:
        """In all renditions; what an opened package costs in memory."""
        return sum(map(len, self._contents.segments.values()))

    def multivariant(self) -> bytes:
        return self._contents.multivariant

    def media_playlist(self, rendition: str) -> bytes:
        """Raises: UnknownRendition."""
        playlist = self._contents.playlists.get(rendition)
        if playlist is None:
            raise UnknownRendition(rendition)
        return playlist

    def init(self, rendition: str, name: str) -> bytes:
        """Raises: UnknownRendition, UnknownSegment."""
        if rendition not in self._contents.playlists:
            raise UnknownRendition(rendition)
        init = self._inits.get((rendition, name))
        if init is None:
            raise UnknownSegment(f"{rendition}/{name}")
        return init

    async def segment(self, rendition: str, sequence: int) -> Segment:
        """Raises: UnknownRendition, UnknownSegment, NotReady when the disk does not answer."""
        records = self._contents.segments.get(rendition)
        if records is None:
            raise UnknownRendition(rendition)
        record = records.get(sequence)
        if record is None:
            raise UnknownSegment(f"{rendition}/{sequence}")
        body = await self._cache.read(self._asset_id, rendition, sequence, record.sha256)
        return Segment(body, sequence, record.start, record.end)
