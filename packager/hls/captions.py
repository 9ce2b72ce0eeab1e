"""Captions of an archived asset as renditions: their playlists, and segments cut where media is.

Nothing is billed for them: they are some hundred bytes of text for what is paid for as picture or
sound, and nobody watches captions alone.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

from media.captions.cue import Cue
from media.captions.webvtt import render_webvtt
from media.units import VIDEO_TIMESCALE
from packager.archive_index import AssetIndex
from packager.archive_record import CaptionRecord
from packager.choices import CaptionRendition, caption_choices
from packager.hls.playlist import (
    MediaPlaylist,
    PlaylistSegment,
    PlaylistType,
    date_time,
    extinf,
    head_lines,
)
from packager.interval import Interval
from packager.naming import caption_name, captions_folder
from packager.playlist_text import PlaylistText, opened_by_token, token_group

_TICKS_A_MS = VIDEO_TIMESCALE // 1000
# Cues have the times of the media's `tfdt`, so that this is what players assume without it
# (rfc8216bis, 3.1.4); ffmpeg does not even look. hls.js 1.7.4 (`parseWebVTT`) needs it.
_TIMESTAMP_MAP = "X-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0"


@dataclass(frozen=True, slots=True)
class CaptionSpan:
    """What of the captions is shown during a segment; times in milliseconds of what is played.

    Attributes:
        start_ms, end_ms: of the segment.
        whole_start_ms, whole_end_ms: between the discontinuities around it: beyond, media has other
            times.
        ahead_ms: how much later media times are than played ones.
    """

    start_ms: int
    end_ms: int
    whole_start_ms: int
    whole_end_ms: int
    ahead_ms: int


@dataclass(frozen=True, slots=True)
class CaptionLayout:
    """All captions of an asset.

    Attributes:
        choices: as the multivariant playlist names them.
        records, playlists: by folder.
        spans: by sequence number.
    """

    choices: tuple[CaptionRendition, ...]
    records: dict[str, CaptionRecord]
    playlists: dict[str, PlaylistText]
    spans: dict[int, CaptionSpan]


def lay_out_captions(index: AssetIndex, intervals: Sequence[Interval]) -> CaptionLayout:
    """Captions in the order of their keys, over the intervals that media is shown in."""
    records = {
        captions_folder(key): record
        for key, record in sorted(index.captions.items())
        if record.sha256
    }
    choices = caption_choices(
        [
            CaptionRendition(folder, each.label, each.language, each.default, each.forced)
            for folder, each in records.items()
        ]
    )
    playlists = {folder: _playlist(folder, index, intervals) for folder in records}
    spans = dict(_spans(intervals)) if records else {}
    return CaptionLayout(tuple(choices), records, playlists, spans)


def _playlist(folder: str, index: AssetIndex, intervals: Sequence[Interval]) -> PlaylistText:
    """The same lines as those of media, with the same numbers; captions need no EXT-X-MAP."""
    kind = PlaylistType.EVENT if index.growing else PlaylistType.VOD
    segments = [PlaylistSegment(each, False, True, folder) for each in intervals]
    playlist = MediaPlaylist(folder, index.target_duration, segments, kind, not index.growing)
    first, last = intervals[0], intervals[-1]
    lines = [(token_group(first.sequence), line) for line in head_lines(playlist)]
    for interval in intervals:
        group = token_group(interval.sequence)
        lines += [(group, line) for line in _lines(folder, interval, first=interval is first)]
    if playlist.ended:
        lines.append((token_group(last.sequence), "#EXT-X-ENDLIST"))
    return PlaylistText.of(lines)


def _lines(folder: str, interval: Interval, *, first: bool) -> Iterator[str]:
    if interval.discontinuity:
        yield "#EXT-X-DISCONTINUITY"
    if interval.wall_ms and (interval.discontinuity or first):
        yield f"#EXT-X-PROGRAM-DATE-TIME:{date_time(interval.wall_ms)}"
    yield extinf(interval.duration)
    yield opened_by_token(f"{folder}/{caption_name(interval.sequence)}")


def _spans(intervals: Sequence[Interval]) -> Iterator[tuple[int, CaptionSpan]]:
    played = [*accumulate((each.duration for each in intervals), initial=0)]
    breaks = [at for at, each in enumerate(intervals) if at == 0 or each.discontinuity]
    for first, behind in pairwise([*breaks, len(intervals)]):
        for at in range(first, behind):
            yield (
                intervals[at].sequence,
                CaptionSpan(
                    start_ms=played[at] // _TICKS_A_MS,
                    end_ms=played[at + 1] // _TICKS_A_MS,
                    whole_start_ms=played[first] // _TICKS_A_MS,
                    whole_end_ms=played[behind] // _TICKS_A_MS,
                    ahead_ms=(intervals[at].start - played[at]) // _TICKS_A_MS,
                ),
            )


class CaptionTrack:
    """The cues of one set of captions; `size` is about what they take in memory."""

    def __init__(self, cues: Sequence[Cue]) -> None:
        self._cues = cues
        # When all cues so far have ended: where those of a segment begin at the earliest.
        self._over = list(accumulate((cue.end_ms for cue in cues), max))
        self.size = sum(len(cue.text) + 250 for cue in cues)

    def segment(self, span: CaptionSpan) -> bytes:
        """What is shown during a segment; cues that began before it or end after it are whole.

        The empty line at the end keeps segments apart that a player puts together (ffmpeg).
        """
        return render_webvtt(self._shown(span), (_TIMESTAMP_MAP,)) + b"\n"

    def _shown(self, span: CaptionSpan) -> Iterator[Cue]:
        for cue in self._cues[bisect_right(self._over, span.start_ms) :]:
            if cue.start_ms >= span.end_ms:
                return
            if cue.end_ms > span.start_ms:
                yield replace(
                    cue,
                    start_ms=max(cue.start_ms, span.whole_start_ms) + span.ahead_ms,
                    end_ms=min(cue.end_ms, span.whole_end_ms) + span.ahead_ms,
                )
