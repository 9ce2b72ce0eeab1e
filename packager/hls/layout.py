"""Lays out the playlists of an archived asset from its index."""

from dataclasses import dataclass

from media.units import VIDEO_TIMESCALE, Track
from packager.archive_index import AssetIndex
from packager.archive_record import EpochRecord, PictureRecord, SegmentRecord
from packager.hls.bitrate import MeasuredBitrate
from packager.hls.multivariant import render_multivariant
from packager.hls.playlist import (
    MediaPlaylist,
    PlaylistSegment,
    PlaylistType,
    render_media_playlist,
)
from packager.hls.recorded import recorded_intervals, shared_intervals
from packager.hls.storyboard import render_storyboard
from packager.hls.variants import Measured, multivariant
from packager.interval import Interval
from packager.package import UnknownAsset
from packager.playlist_text import PlaylistText


@dataclass(frozen=True, slots=True)
class Layout:
    """Finished playlists, and what they name.

    Attributes:
        playlists: by rendition; those that are offered.
        segments: by rendition and sequence number; also of renditions that only stand in.
        inits: (rendition, epoch) of every init segment.
        pictures: by name.
        storyboard: WebVTT; None when there are no sheets.
        duration: in 1/90000 s.
        growing: whether time is still added.
        settled: whether nothing at all is added any more.
        by_content: how segments are named on disk.
    """

    multivariant: bytes
    playlists: dict[str, PlaylistText]
    segments: dict[str, dict[int, SegmentRecord]]
    inits: tuple[tuple[str, int], ...]
    pictures: dict[str, PictureRecord]
    storyboard: bytes | None
    duration: int
    growing: bool
    settled: bool
    by_content: bool


def lay_out(index: AssetIndex) -> Layout:
    """Offer the renditions of the longest epoch, over the whole asset.

    In epochs that lack one of them, the nearest in height stands in: there is a discontinuity
    between epochs anyway. Where only single segments are missing, the playlist has a gap, so that
    all playlists have the same lines.

    Raises:
        UnknownAsset: no segment can be played, or not yet.
    """
    main = _longest_epoch(index)
    if main is None:
        raise UnknownAsset("no segment is archived")
    intervals = shared_intervals(index, main) if index.growing else recorded_intervals(index)
    if not intervals:
        raise UnknownAsset("no segment is complete in all renditions")
    playlists: dict[str, PlaylistText] = {}
    measured: list[Measured] = []
    for name, track in _offered(main, index).items():
        chosen = _choose(name, track, intervals, index)
        segments = [_segment(name, *each) for each in zip(intervals, chosen, strict=True)]
        playlists[name] = _playlist(name, index, segments)
        measured.append(_measure(name, track, chosen, index.target_duration))
    named = {name for epoch in index.epochs for name, _ in epoch.renditions}
    return Layout(
        multivariant=render_multivariant(multivariant(measured)),
        playlists=playlists,
        # A copy, since the index may be read on.
        segments={name: dict(index.segments.get(name, {})) for name in named},
        inits=tuple((name, each.epoch) for each in index.epochs for name, _ in each.renditions),
        pictures=dict(index.pictures),
        storyboard=render_storyboard(index.pictures.values(), intervals),
        duration=sum(interval.duration for interval in intervals),
        growing=index.growing,
        settled=index.settled,
        by_content=index.from_file,
    )


def _longest_epoch(index: AssetIndex) -> EpochRecord | None:
    durations: dict[int, int] = {}
    for records in index.segments.values():
        for record in records.values():
            durations[record.epoch] = durations.get(record.epoch, 0) + record.end - record.start
    known = [each for each in index.epochs if each.epoch in durations]
    return max(known, key=lambda each: durations[each.epoch], default=None)


def _offered(epoch: EpochRecord, index: AssetIndex) -> dict[str, Track]:
    """Renditions that were there to the epoch's end; those that were not, if nothing else is."""
    filled = {
        name
        for name, records in index.segments.items()
        if any(record.epoch == epoch.epoch for record in records.values())
    }
    present = {name: track for name, track in epoch.renditions if name in filled}
    lasting = {
        name: track for name, track in present.items() if (epoch.epoch, name) not in index.retired
    }
    kinds = {track.kind for track in present.values()}
    return lasting if {track.kind for track in lasting.values()} == kinds else present


def _choose(
    name: str, track: Track, intervals: list[Interval], index: AssetIndex
) -> list[SegmentRecord | None]:
    """The segment that a rendition's playlist shows in each interval; None for a gap."""
    filled = {
        (record.epoch, rendition)
        for rendition, records in index.segments.items()
        for record in records.values()
    }
    chosen: dict[int, dict[int, SegmentRecord]] = {}
    for epoch in index.epochs:
        ranked = [
            (
                (epoch.epoch, other) in index.retired,
                other != name,
                abs(like.height - track.height),
                other,
            )
            for other, like in epoch.renditions
            if like.kind is track.kind and (epoch.epoch, other) in filled
        ]
        chosen[epoch.epoch] = index.segments[min(ranked)[-1]] if ranked else {}
    return [chosen[interval.epoch].get(interval.sequence) for interval in intervals]


def _segment(name: str, interval: Interval, record: SegmentRecord | None) -> PlaylistSegment:
    if record is None:
        return PlaylistSegment(interval, gap=True, independent=True, rendition=name)
    return PlaylistSegment(interval, False, record.independent, record.rendition)


def _playlist(name: str, index: AssetIndex, segments: list[PlaylistSegment]) -> PlaylistText:
    kind = PlaylistType.EVENT if index.growing else PlaylistType.VOD
    return render_media_playlist(
        MediaPlaylist(name, index.target_duration, segments, kind, ended=not index.growing)
    )


def _measure(
    name: str, track: Track, chosen: list[SegmentRecord | None], target_duration: int
) -> Measured:
    bitrate = MeasuredBitrate(target_duration * VIDEO_TIMESCALE)
    records = [record for record in chosen if record is not None]
    for record in records:
        bitrate.add(record.size, record.end - record.start)
    independent = all(record.independent for record in records)
    return Measured(name, track, bitrate.peak, bitrate.average, independent)
