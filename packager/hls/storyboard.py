"""Which tile of which sheet shows a moment of an asset, as WebVTT for players' seek bars."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise

from media.pictures import PictureKind
from media.units import VIDEO_TIMESCALE
from packager.archive_record import PictureRecord
from packager.interval import Interval
from packager.naming import picture_name

_TICKS_A_MS = VIDEO_TIMESCALE // 1000


def render_storyboard(
    pictures: Iterable[PictureRecord], intervals: Sequence[Interval]
) -> bytes | None:
    """One cue a tile, from the first moment of the intervals to the last; None without tiles.

    A player's time counts what is played only, so holes between intervals are taken out. Each tile
    is shown until the next one, the first also before its own time. Tiles of other moments, which a
    clip has on its first and last sheet, are only shown when there are no others.

    Args:
        pictures: those that are no sheets are left out.
    """
    timeline = _PlayedTime(intervals)
    shown = [
        (pts, _reference(sheet, index))
        for sheet in pictures
        if sheet.kind is PictureKind.SHEET
        for index, pts in enumerate(sheet.times)
    ]
    inside = [tile for tile in shown if timeline.has(tile[0])]
    tiles = {timeline.of(pts) // _TICKS_A_MS: reference for pts, reference in inside or shown}
    end_ms = timeline.duration // _TICKS_A_MS
    moments = sorted(moment for moment in tiles if moment < end_ms)
    if not moments:
        return None
    spans = pairwise([0, *moments[1:], end_ms])
    lines = ["WEBVTT"]
    for moment, (start_ms, stop_ms) in zip(moments, spans, strict=True):
        lines += ["", f"{_timestamp(start_ms)} --> {_timestamp(stop_ms)}", tiles[moment]]
    return ("\n".join(lines) + "\n").encode()


class _PlayedTime:
    """Converts pts to time since the start of playback, both in 1/90000 s."""

    def __init__(self, intervals: Sequence[Interval]) -> None:
        self._intervals = intervals
        self._starts = [each.start for each in intervals]
        self._played = list(accumulate((each.duration for each in intervals), initial=0))

    @property
    def duration(self) -> int:
        return self._played[-1]

    def has(self, pts: int) -> bool:
        """Whether it is between the first moment and the last."""
        return bool(self._starts) and self._starts[0] <= pts < self._intervals[-1].end

    def of(self, pts: int) -> int:
        """In a hole: where playback goes on after it."""
        index = bisect_right(self._starts, pts) - 1
        if index < 0:
            return 0
        interval = self._intervals[index]
        if index + 1 == len(self._intervals):
            return self._played[index] + pts - interval.start
        return self._played[index] + min(pts - interval.start, interval.duration)


def _reference(sheet: PictureRecord, index: int) -> str:
    """A media fragment (Media Fragments URI 1.0, 4.2.2), relative to the storyboard."""
    row, column = divmod(index, sheet.columns)
    x, y = column * sheet.tile_width, row * sheet.tile_height
    name = picture_name(sheet.kind, sheet.number)
    return f"{name}#xywh={x},{y},{sheet.tile_width},{sheet.tile_height}"


def _timestamp(time_ms: int) -> str:
    """WebVTT 1, 4.1: `hh:mm:ss.mmm`."""
    seconds, millisecond = divmod(time_ms, 1000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02}:{minute:02}:{second:02}.{millisecond:03}"
