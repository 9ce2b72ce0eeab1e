"""What of a recording is in a clip of it: whole segments, and the lines of an index that say so."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from config.limits import CLIP_SECONDS_MAX
from media.pictures import PictureKind
from media.units import VIDEO_TIMESCALE
from packager.archive_index import AssetIndex
from packager.archive_record import (
    AssetRecord,
    EpochRecord,
    PictureRecord,
    RetiredRecord,
    SegmentRecord,
)
from packager.hls.recorded import recorded_intervals
from packager.interval import Interval

_TICKS_MAX = CLIP_SECONDS_MAX * VIDEO_TIMESCALE
_SLACK = VIDEO_TIMESCALE

type ClipRecord = AssetRecord | EpochRecord | SegmentRecord | RetiredRecord | PictureRecord


class OutsideRecording(Exception):
    """A clip was asked for of what is not there, or not yet.

    Attributes:
        duration: of what is there, in 1/90000 s.
    """

    def __init__(self, duration: int) -> None:
        super().__init__(f"{duration} ticks")
        self.duration = duration


class ClipTooLong(Exception):
    """A clip was asked for that is longer than one may be."""


@dataclass(frozen=True, slots=True)
class ClipRange:
    """Times in the original as it is played, in 1/90000 s.

    Attributes:
        start, end: of the clip's media.
        begin: where what was asked for begins; in the first segment.
    """

    start: int
    end: int
    begin: int

    @property
    def duration(self) -> int:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class ClipPlan:
    """A clip that can be cut; `records` are the lines of its index in order, but for its end."""

    range: ClipRange
    records: tuple[ClipRecord, ...]


def plan_clip(index: AssetIndex, start: int, end: int | None, *, live: bool) -> ClipPlan:
    """The segments that touch a range, of all renditions, with their own numbers and times.

    Args:
        index: of an asset that is not made any more, or is live.
        start, end: in the original as it is played, in 1/90000 s. A negative start counts from the
            end; without an end it goes to what is newest. Nobody knows exactly where a live is, or
            how long something lasts that is shown in whole seconds.

    Raises:
        OutsideRecording: the range is not in the original.
        ClipTooLong: there is more in it than a clip may have.
    """
    assert live or index.settled, "what is still made gets better"
    intervals = _complete(index) if live else recorded_intervals(index)
    played = list(accumulate((each.duration for each in intervals), initial=0))
    if start < 0:
        start = max(0, played[-1] + start)
    if end is None or (live and end > played[-1]) or 0 < end - played[-1] <= _SLACK:
        end = played[-1]
    if end > played[-1]:
        raise OutsideRecording(played[-1])
    touched = [at for at, _ in enumerate(intervals) if played[at] < end and played[at + 1] > start]
    if not touched:
        raise OutsideRecording(played[-1])
    first, behind = touched[0], touched[-1] + 1
    clipped = ClipRange(played[first], played[behind], max(start, played[first]))
    if min(clipped.duration, end - start) > _TICKS_MAX:
        raise ClipTooLong
    return ClipPlan(clipped, tuple(_records(index, intervals[first:behind], clipped)))


def _complete(index: AssetIndex) -> list[Interval]:
    """Those of a live that every rendition has, or has passed over."""
    if not index.epochs:
        return []
    newest = index.epochs[-1]
    ends = [
        max((n for n, each in records.items() if each.epoch == newest.epoch), default=-1)
        for name, _ in newest.renditions
        if (newest.epoch, name) not in index.retired
        for records in [index.segments.get(name, {})]
    ]
    last = min(ends, default=-1)
    return [
        each
        for each in recorded_intervals(index)
        if each.epoch != newest.epoch or each.sequence <= last
    ]


def _records(
    index: AssetIndex, intervals: Sequence[Interval], clipped: ClipRange
) -> Iterator[ClipRecord]:
    yield AssetRecord(
        target_duration=index.target_duration,
        from_file=index.from_file,
        encryption=index.encryption,
        key_segments=index.key_segments,
        begin=clipped.begin - clipped.start,
    )
    for epoch in index.epochs:
        of_epoch = [each for each in intervals if each.epoch == epoch.epoch]
        yield from _epoch_records(index, epoch, of_epoch)
    yield from _pictures(index, intervals)


def _epoch_records(
    index: AssetIndex, epoch: EpochRecord, intervals: Sequence[Interval]
) -> Iterator[ClipRecord]:
    """Renditions with a segment here. One that was given up later has not been so far."""
    segments = {
        name: [
            record
            for each in intervals
            if (record := index.segments.get(name, {}).get(each.sequence)) is not None
            and record.epoch == epoch.epoch
        ]
        for name, _ in epoch.renditions
    }
    renditions = tuple((name, track) for name, track in epoch.renditions if segments[name])
    if not renditions:
        return
    yield EpochRecord(epoch.epoch, renditions)
    for records in segments.values():
        yield from records
    for name, _ in renditions:
        is_whole = segments[name][-1].sequence == intervals[-1].sequence
        if (epoch.epoch, name) in index.retired and not is_whole:
            yield RetiredRecord(name, "ended before the clip")


def _pictures(index: AssetIndex, intervals: Sequence[Interval]) -> Iterator[PictureRecord]:
    """Those that show something of these intervals."""
    start, end = intervals[0].start, intervals[-1].end
    for picture in index.pictures.values():
        is_inside = any(start <= time < end for time in picture.times)
        if is_inside and (picture.kind is PictureKind.SHEET or len(picture.times) == 1):
            yield picture
