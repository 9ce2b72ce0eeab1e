"""HLS playlists as text (RFC 8216 and draft-pantos-hls-rfc8216bis): frozen values in, bytes out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from media.units import VIDEO_TIMESCALE
from packager.interval import Interval
from packager.naming import init_name, playlist_path, segment_name

# EXT-X-GAP needs version 8 (rfc8216bis, 8).
_VERSION = 8
_INDEPENDENT = "#EXT-X-INDEPENDENT-SEGMENTS"
_AUDIO_GROUP = "audio"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class PlaylistSegment:
    """One line of a media playlist.

    Attributes:
        gap: the rendition lacks it.
        folder: where its bytes are, relative to the playlist; "" is the rendition's own folder.
        independent: it starts with a keyframe.
    """

    interval: Interval
    gap: bool
    independent: bool
    folder: str = ""


class PlaylistType(StrEnum):
    """What a playlist promises (RFC 8216, 4.3.3.5)."""

    LIVE = ""
    """A window that slides."""
    EVENT = "EVENT"
    """Lines are only ever added."""
    VOD = "VOD"
    """Nothing changes any more."""


@dataclass(frozen=True, slots=True)
class MediaPlaylist:
    """One rendition's segments.

    Attributes:
        target_duration: whole seconds.
        ended: nothing will be added.
    """

    target_duration: int
    segments: Sequence[PlaylistSegment]
    type: PlaylistType
    ended: bool


@dataclass(frozen=True, slots=True)
class AudioRendition:
    """An entry of the audio group."""

    name: str
    channels: int


@dataclass(frozen=True, slots=True)
class Variant:
    """A rendition to choose, with what it plays together with.

    Attributes:
        bandwidth, average_bandwidth: bits a second, audio included.
        codecs: RFC 6381 names, audio included.
        width, height: 0 without video.
        frame_rate: (numerator, denominator); (0, 1) when unknown.
        with_audio: whether the audio group belongs to it.
    """

    name: str
    bandwidth: int
    average_bandwidth: int
    codecs: Sequence[str]
    width: int
    height: int
    frame_rate: tuple[int, int]
    with_audio: bool


@dataclass(frozen=True, slots=True)
class Multivariant:
    """An asset's renditions; `independent` when every segment of each starts with a keyframe."""

    variants: Sequence[Variant]
    audio: Sequence[AudioRendition]
    independent: bool


def render_multivariant(playlist: Multivariant) -> bytes:
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{_VERSION}"]
    if playlist.independent:
        lines.append(_INDEPENDENT)
    lines += [_audio_line(audio, index == 0) for index, audio in enumerate(playlist.audio)]
    for variant in playlist.variants:
        lines.append(_variant_line(variant))
        lines.append(playlist_path(variant.name))
    return _text(lines)


def _audio_line(audio: AudioRendition, default: bool) -> str:
    return (
        f'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="{_AUDIO_GROUP}",NAME="{audio.name}",'
        f"DEFAULT={'YES' if default else 'NO'},AUTOSELECT=YES,"
        f'CHANNELS="{audio.channels}",URI="{playlist_path(audio.name)}"'
    )


def _variant_line(variant: Variant) -> str:
    attributes = [
        f"BANDWIDTH={variant.bandwidth}",
        f"AVERAGE-BANDWIDTH={variant.average_bandwidth}",
        f'CODECS="{",".join(variant.codecs)}"',
    ]
    if variant.width:
        attributes.append(f"RESOLUTION={variant.width}x{variant.height}")
    frames, seconds = variant.frame_rate
    if frames:
        attributes.append(f"FRAME-RATE={_decimal(frames * 1000 // seconds, 3)}")
    if variant.with_audio:
        attributes.append(f'AUDIO="{_AUDIO_GROUP}"')
    return f"#EXT-X-STREAM-INF:{','.join(attributes)}"


def render_media_playlist(playlist: MediaPlaylist) -> bytes:
    """At least one segment is needed: there is no playlist of nothing."""
    first = playlist.segments[0].interval
    lines = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{_VERSION}",
        f"#EXT-X-TARGETDURATION:{playlist.target_duration}",
        f"#EXT-X-MEDIA-SEQUENCE:{first.sequence}",
        # The first segment's own tag is not counted here while it is printed below.
        f"#EXT-X-DISCONTINUITY-SEQUENCE:{first.discontinuities - first.discontinuity}",
    ]
    if playlist.type is not PlaylistType.LIVE:
        lines.append(f"#EXT-X-PLAYLIST-TYPE:{playlist.type.value}")
    if playlist.type is PlaylistType.EVENT:
        # Without this a player begins near the end, as if it were live.
        lines.append("#EXT-X-START:TIME-OFFSET=0")
    elif all(segment.independent for segment in playlist.segments):
        # An event cannot promise it of what is to come, nor take it back.
        lines.append(_INDEPENDENT)
    lines += _segment_lines(playlist.segments)
    if playlist.ended:
        lines.append("#EXT-X-ENDLIST")
    return _text(lines)


def _segment_lines(segments: Sequence[PlaylistSegment]) -> Iterator[str]:
    init = None
    for index, segment in enumerate(segments):
        interval = segment.interval
        if interval.discontinuity:
            yield "#EXT-X-DISCONTINUITY"
        if interval.wall_ms and (interval.discontinuity or index == 0):
            yield f"#EXT-X-PROGRAM-DATE-TIME:{_date_time(interval.wall_ms)}"
        # A gap may lack its init segment as well: nothing is loaded for it.
        needed = segment.folder + init_name(interval.epoch)
        if not segment.gap and needed != init:
            init = needed
            yield f'#EXT-X-MAP:URI="{init}"'
        if segment.gap:
            yield "#EXT-X-GAP"
        yield f"#EXTINF:{_seconds(interval.duration)},"
        yield segment.folder + segment_name(interval.sequence)


def _seconds(ticks: int) -> str:
    """Microseconds, rounded down: finer than a tick of 1/90000 s."""
    return _decimal(ticks * 1_000_000 // VIDEO_TIMESCALE, 6)


def _decimal(number: int, places: int) -> str:
    whole, fraction = divmod(number, 10**places)
    return f"{whole}.{fraction:0{places}d}"


def _date_time(wall_ms: int) -> str:
    moment = _EPOCH + timedelta(milliseconds=wall_ms)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _text(lines: Sequence[str]) -> bytes:
    return ("\n".join(lines) + "\n").encode()
