"""The timeline of an archived asset, rebuilt from the segments that are there."""

from packager.archive_index import AssetIndex
from packager.archive_record import EpochRecord, SegmentRecord
from packager.interval import Interval


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
                flawed=record.flawed,
            )
        )
    return intervals


def shared_intervals(index: AssetIndex, epoch: EpochRecord) -> list[Interval]:
    """The first intervals, up to one that a rendition of the epoch may still get a segment of.

    What they show of the asset therefore never changes while it grows: a rendition writes its
    segments in order, so it has passed over what it lacks before its newest one.
    """
    newest = [
        max(index.segments.get(name, ()), default=-1)
        for name, _ in epoch.renditions
        if (epoch.epoch, name) not in index.retired
    ]
    last = min(newest, default=-1)
    return [each for each in recorded_intervals(index) if each.sequence <= last]
