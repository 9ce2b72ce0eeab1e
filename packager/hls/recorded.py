"""The timeline of an archived asset, rebuilt from the segments that are there."""

from itertools import takewhile

from config.limits import HLS_AUDIO_BEHIND_MS_MAX
from media.units import VIDEO_TIMESCALE
from packager.archive_index import AssetIndex
from packager.archive_record import EpochRecord, SegmentRecord
from packager.interval import Interval

_BEHIND_MAX = HLS_AUDIO_BEHIND_MS_MAX * VIDEO_TIMESCALE // 1000


def recorded_intervals(index: AssetIndex) -> list[Interval]:
    """All intervals that a rendition has a segment of, in order; of named renditions only."""
    merged: dict[int, SegmentRecord] = {}
    for epoch in index.epochs:
        for rendition, _ in epoch.renditions:
            merged |= index.segments.get(rendition, {})
    known = {each.epoch for each in index.epochs}
    intervals: list[Interval] = []
    for sequence in sorted(merged):
        record = merged[sequence]
        if record.epoch not in known:
            continue
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
    return intervals


def shared_intervals(index: AssetIndex, epoch: EpochRecord) -> list[Interval]:
    """The first intervals, up to one that a rendition of the epoch may still get a segment of.

    What they show of the asset therefore never changes while it grows. A rendition writes its
    segments in order, so it has passed over what it lacks before its newest one; and what is too
    far behind the others is given up by the cutter.
    """
    names = [name for name, _ in epoch.renditions if (epoch.epoch, name) not in index.retired]
    newest = {name: max(index.segments.get(name, ()), default=-1) for name in names}
    intervals = recorded_intervals(index)
    # The newest segment's line comes before those that its boundary completes elsewhere.
    frontier = intervals[-1].start if intervals else 0
    return list(
        takewhile(
            lambda each: (
                each.sequence <= min(newest.values(), default=-1)
                or frontier - each.end > _BEHIND_MAX
            ),
            intervals,
        )
    )
