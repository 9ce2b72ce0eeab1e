"""HLS playlists as text (RFC 8216 and draft-pantos-hls-rfc8216bis): frozen values in, bytes out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from media.units import VIDEO_TIMESCALE
from packager.hls.protection import Protection
from packager.interval import Interval
from packager.naming import (
    iframe_name,
    init_name,
    segment_name,
)
from packager.playlist_text import PlaylistText, opened_by_token, token_group

# EXT-X-GAP needs version 8 (rfc8216bis, 8).
VERSION = 8
INDEPENDENT = "#EXT-X-INDEPENDENT-SEGMENTS"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class PlaylistSegment:
    """One line of a media playlist.

    Attributes:
        gap: the rendition lacks it.
        rendition: whose folder its bytes are in.
        independent: it starts with a keyframe.
    """

    interval: Interval
    gap: bool
    independent: bool
    rendition: str


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
        rendition: whose playlist it is.
        target_duration: whole seconds.
        ended: nothing will be added.
        iframes: it names the first picture of each segment alone (rfc8216bis, 4.4.3.6), which lasts
            as long as the segment; it has a gap for one that does not begin with a keyframe.
        protection: how its segments are encrypted, and so public.
        begin: where a viewer begins, in 1/90000 s from the first moment, if not there.
    """

    rendition: str
    target_duration: int
    segments: Sequence[PlaylistSegment]
    type: PlaylistType
    ended: bool
    iframes: bool = False
    protection: Protection | None = None
    begin: int = 0


def render_media_playlist(playlist: MediaPlaylist) -> PlaylistText:
    """At least one segment is needed: there is no playlist of nothing."""
    first, last = playlist.segments[0].interval, playlist.segments[-1].interval
    lines = [(token_group(first.sequence), line) for line in head_lines(playlist)]
    lines += _segment_lines(playlist)
    if playlist.ended:
        lines.append((token_group(last.sequence), "#EXT-X-ENDLIST"))
    return PlaylistText.of(lines)


def head_lines(playlist: MediaPlaylist) -> Iterator[str]:
    """What stands before the first segment."""
    first = playlist.segments[0].interval
    yield "#EXTM3U"
    yield f"#EXT-X-VERSION:{VERSION}"
    yield f"#EXT-X-TARGETDURATION:{playlist.target_duration}"
    yield f"#EXT-X-MEDIA-SEQUENCE:{first.sequence}"
    # The first segment's own tag is not counted here while it is printed below.
    yield f"#EXT-X-DISCONTINUITY-SEQUENCE:{first.discontinuities - first.discontinuity}"
    if playlist.iframes:
        yield "#EXT-X-I-FRAMES-ONLY"
    if playlist.type is not PlaylistType.LIVE:
        yield f"#EXT-X-PLAYLIST-TYPE:{playlist.type.value}"
    if playlist.type is PlaylistType.EVENT:
        # Without this a player begins near the end, as if it were live.
        yield "#EXT-X-START:TIME-OFFSET=0"
    elif all(segment.independent for segment in playlist.segments):
        # An event cannot promise it of what is to come, nor take it back.
        yield INDEPENDENT
    if playlist.begin:
        yield f"#EXT-X-START:TIME-OFFSET={seconds(playlist.begin)},PRECISE=YES"


def _segment_lines(playlist: MediaPlaylist) -> Iterator[tuple[int, str]]:
    in_force = InForce(playlist.protection)
    for index, segment in enumerate(playlist.segments):
        group = token_group(segment.interval.sequence)
        tags, in_force = segment_tags(playlist.rendition, segment, in_force, first=index == 0)
        for line in tags:
            yield group, line
        yield group, extinf(segment.interval.duration)
        yield group, segment_uri(segment, playlist.protection, iframes=playlist.iframes)


@dataclass(frozen=True, slots=True)
class InForce:
    """What earlier tags say of the next segment as well.

    Attributes:
        protection: of the playlist; it never changes.
        period: whose key was told last.
    """

    protection: Protection | None = None
    init: str | None = None
    period: int | None = None


def segment_tags(
    rendition: str, segment: PlaylistSegment, in_force: InForce, *, first: bool
) -> tuple[list[str], InForce]:
    """What stands before a segment's first part and its EXTINF, and is in force after it.

    Args:
        rendition: whose playlist it is.
        first: nothing is before it in the playlist.
    """
    interval = segment.interval
    lines = ["#EXT-X-DISCONTINUITY"] if interval.discontinuity else []
    if interval.wall_ms and (interval.discontinuity or first):
        lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{date_time(interval.wall_ms)}")
    # A gap may lack its init segment as well: nothing is loaded for it.
    init = in_force.init if segment.gap else _init_uri(rendition, segment, in_force.protection)
    map_tag = f'#EXT-X-MAP:URI="{init}"' if init != in_force.init else None
    opening, in_force = _opening_tags(map_tag, interval.sequence, in_force)
    lines += opening
    if segment.gap:
        lines.append("#EXT-X-GAP")
    return lines, replace(in_force, init=init)


def _opening_tags(
    map_tag: str | None, sequence: int, in_force: InForce
) -> tuple[list[str], InForce]:
    """EXT-X-MAP and EXT-X-KEY, where they change.

    A key is for init segments as well that follow it (rfc8216bis, 4.4.4.4). Those that are clear
    need a place without one, and those that name their key need that one.
    """
    maps = [] if map_tag is None else [map_tag]
    protection, before = in_force.protection, in_force.period
    if protection is None:
        return maps, in_force
    period = protection.period(sequence)
    keys = [] if period == before else [protection.key_tag(period)]
    if not protection.init_is_clear:
        return keys + maps, replace(in_force, period=period)
    if maps:
        opened = [] if before is None else ["#EXT-X-KEY:METHOD=NONE"]
        keys = [*opened, *maps, protection.key_tag(period)]
    return keys, replace(in_force, period=period)


def _init_uri(rendition: str, segment: PlaylistSegment, protection: Protection | None) -> str:
    interval = segment.interval
    if protection is not None:
        return protection.init_uri(segment.rendition, interval.epoch, interval.sequence)
    name = init_name(interval.epoch)
    own = segment.rendition == rendition
    return name if own else f"../{segment.rendition}/{name}"


def extinf(duration: int) -> str:
    """`duration` in 1/90000 s."""
    return f"#EXTINF:{seconds(duration)},"


def segment_uri(segment: PlaylistSegment, protection: Protection | None, *, iframes: bool) -> str:
    """Relative to the playlist, or public; with a hole for a token unless it is public."""
    if protection is not None:
        return protection.segment_uri(segment.rendition, segment.interval.sequence)
    name = iframe_name if iframes else segment_name
    return opened_by_token(f"{segment.rendition}/{name(segment.interval.sequence)}")


def seconds(ticks: int) -> str:
    """Microseconds, rounded down: finer than a tick of 1/90000 s."""
    return decimal(ticks * 1_000_000 // VIDEO_TIMESCALE, 6)


def decimal(number: int, places: int) -> str:
    """A number of so many decimal places, given in units of the last."""
    whole, fraction = divmod(number, 10**places)
    return f"{whole}.{fraction:0{places}d}"


def date_time(wall_ms: int) -> str:
    """RFC 3339, in UTC."""
    moment = _EPOCH + timedelta(milliseconds=wall_ms)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
