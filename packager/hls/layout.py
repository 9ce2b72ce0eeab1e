"""Lays out the playlists of an archived asset from its index."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from media.units import VIDEO_TIMESCALE, Track
from media.wire.fmp4_iframe import IFRAME_HEADER_BYTES
from packager.archive_index import AssetIndex
from packager.archive_record import PictureRecord, SegmentRecord
from packager.choices import AudioRendition, audio_choices
from packager.hls.bitrate import MeasuredBitrate
from packager.hls.captions import CaptionLayout, lay_out_captions
from packager.hls.multivariant import IFrameVariant, render_multivariant
from packager.hls.playlist import (
    MediaPlaylist,
    PlaylistSegment,
    PlaylistType,
    render_media_playlist,
)
from packager.hls.protection import Protection
from packager.hls.recording import Recording, recording_of, smallest_video
from packager.hls.storyboard import render_storyboard
from packager.hls.variants import Measured, multivariant
from packager.interval import Interval
from packager.naming import IFramePath
from packager.playlist_text import PlaylistText


@dataclass(frozen=True, slots=True)
class IFrames:
    """The I-frames that are offered: those of the smallest rendition, since they cost nothing.

    Attributes:
        shown: whose they are: rendition and sequence number.
    """

    variant: IFrameVariant
    playlist: PlaylistText
    shown: frozenset[tuple[str, int]]

    def is_of(self, rendition: str | None) -> bool:
        return rendition == self.variant.name

    def has(self, path: IFramePath) -> bool:
        return (path.rendition, path.sequence) in self.shown


@dataclass(frozen=True, slots=True)
class Layout:
    """Finished playlists, and what they name.

    Attributes:
        playlists: by rendition; those that are offered.
        audio: as the multivariant playlist names the tracks of sound.
        iframes: None when the index says of none how large it is, or segments are encrypted.
        intervals: that are shown, by sequence number.
        segments: by rendition and sequence number; also of renditions that only stand in.
        inits: (rendition, epoch) of every init segment.
        heights: of the pictures of each rendition by their shorter side, by (rendition, epoch).
        pictures: by name.
        storyboard: WebVTT; None when there are no sheets.
        duration: in 1/90000 s.
        growing: whether time is still added.
        settled: whether nothing at all is added any more.
        by_content: how segments are named on disk.
    """

    multivariant: bytes
    playlists: dict[str, PlaylistText]
    audio: tuple[AudioRendition, ...]
    captions: CaptionLayout
    iframes: IFrames | None
    intervals: dict[int, Interval]
    segments: dict[str, dict[int, SegmentRecord]]
    inits: tuple[tuple[str, int], ...]
    heights: dict[tuple[str, int], int]
    pictures: dict[str, PictureRecord]
    storyboard: bytes | None
    duration: int
    growing: bool
    settled: bool
    by_content: bool


def lay_out(index: AssetIndex, protection: Protection | None = None) -> Layout:
    """Playlists of all that is offered of an asset.

    Args:
        protection: as the index asks for it.

    Raises:
        UnknownAsset: no segment can be played, or not yet.
    """
    recording = recording_of(index)
    intervals = recording.intervals
    playlists: dict[str, PlaylistText] = {}
    measured: list[Measured] = []
    for name, track in recording.offered.items():
        chosen = recording.shown(name)
        segments = [_segment(name, *each) for each in zip(intervals, chosen, strict=True)]
        playlists[name] = _playlist(name, index, segments, protection=protection)
        measured.append(_measure(name, track, chosen, index.target_duration))
    iframes = _iframes(recording) if protection is None else None
    captions = lay_out_captions(index, intervals)
    listed = replace(
        multivariant(measured, captions.choices), iframes=iframes.variant if iframes else None
    )
    named = {name for epoch in index.epochs for name, _ in epoch.renditions}
    return Layout(
        multivariant=render_multivariant(listed),
        playlists=playlists,
        audio=tuple(audio_choices(recording.sound())),
        captions=captions,
        iframes=iframes,
        intervals={each.sequence: each for each in intervals},
        # A copy, since the index may be read on.
        segments={name: dict(index.segments.get(name, {})) for name in named},
        inits=tuple((name, each.epoch) for each in index.epochs for name, _ in each.renditions),
        heights={
            (name, each.epoch): track.short_side
            for each in index.epochs
            for name, track in each.renditions
        },
        pictures=dict(index.pictures),
        storyboard=render_storyboard(index.pictures.values(), intervals),
        duration=recording.duration,
        growing=index.growing,
        settled=index.settled,
        by_content=index.from_file,
    )


def _segment(name: str, interval: Interval, record: SegmentRecord | None) -> PlaylistSegment:
    if record is None:
        return PlaylistSegment(interval, gap=True, independent=True, rendition=name)
    return PlaylistSegment(interval, False, record.independent, record.rendition)


def _playlist(
    name: str,
    index: AssetIndex,
    segments: list[PlaylistSegment],
    *,
    iframes: bool = False,
    protection: Protection | None = None,
) -> PlaylistText:
    kind = PlaylistType.EVENT if index.growing else PlaylistType.VOD
    return render_media_playlist(
        MediaPlaylist(
            name,
            index.target_duration,
            segments,
            kind,
            ended=not index.growing,
            iframes=iframes,
            protection=protection,
            begin=index.begin,
        )
    )


def _measure(
    name: str, track: Track, chosen: list[SegmentRecord | None], target_duration: int
) -> Measured:
    records = [record for record in chosen if record is not None]
    bitrate = _bitrate(target_duration, ((each.size, each) for each in records))
    independent = all(record.independent for record in records)
    return Measured(name, track, bitrate.peak, bitrate.average, independent)


def _bitrate(target_duration: int, files: Iterable[tuple[int, SegmentRecord]]) -> MeasuredBitrate:
    """Of files by their size, each as long as its segment."""
    bitrate = MeasuredBitrate(target_duration * VIDEO_TIMESCALE)
    for size, record in files:
        bitrate.add(size, record.end - record.start)
    return bitrate


def _iframes(recording: Recording) -> IFrames | None:
    """Of the smallest rendition."""
    name = smallest_video(recording.offered)
    if name is None:
        return None
    index, track = recording.index, recording.offered[name]
    chosen = [each if each and each.iframe_bytes else None for each in recording.shown(name)]
    files = [(each.iframe_bytes + IFRAME_HEADER_BYTES, each) for each in chosen if each]
    if not files:
        return None
    bitrate = _bitrate(index.target_duration, files)
    segments = [_segment(name, *each) for each in zip(recording.intervals, chosen, strict=True)]
    return IFrames(
        IFrameVariant(name, bitrate.peak, bitrate.average, track.codec, track.width, track.height),
        _playlist(name, index, segments, iframes=True),
        frozenset((each.rendition, each.sequence) for each in chosen if each),
    )
