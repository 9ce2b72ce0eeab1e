"""What of an archived asset is shown: its timeline, its renditions, and their segments."""

from dataclasses import dataclass

from media.units import MediaKind, Track
from packager.archive_index import AssetIndex
from packager.archive_record import EpochRecord, SegmentRecord
from packager.hls.recorded import recorded_intervals, shared_intervals
from packager.interval import Interval
from packager.package import UnknownAsset


@dataclass(frozen=True, slots=True)
class Recording:
    """An index as viewers see it.

    Attributes:
        main: the longest epoch, whose renditions are offered over the whole asset.
        intervals: in order; at least one.
        offered: tracks by rendition.
    """

    index: AssetIndex
    main: EpochRecord
    intervals: list[Interval]
    offered: dict[str, Track]

    @property
    def duration(self) -> int:
        """In 1/90000 s."""
        return sum(interval.duration for interval in self.intervals)

    def sound(self) -> list[tuple[str, Track]]:
        """The tracks of sound that are offered, by rendition."""
        return [each for each in self.offered.items() if each[1].kind is MediaKind.AUDIO]

    def shown(self, rendition: str) -> list[SegmentRecord | None]:
        """The segment that an offered rendition shows in each interval; None for a gap.

        In epochs that lack the rendition, the nearest in language or height stands in: there is a
        discontinuity between epochs anyway. Where only single segments are missing there is a gap,
        so that all renditions have the same intervals.
        """
        track = self.offered[rendition]
        by_epoch = {
            each.epoch: self._stand_in(each, rendition, track) for each in self.index.epochs
        }
        return [by_epoch[each.epoch].get(each.sequence) for each in self.intervals]

    def _stand_in(self, epoch: EpochRecord, name: str, track: Track) -> dict[int, SegmentRecord]:
        filled = _filled(self.index, epoch.epoch)
        ranked = [
            (
                (epoch.epoch, other) in self.index.retired,
                other != name,
                like.language != track.language,
                abs(like.height - track.height),
                other,
            )
            for other, like in epoch.renditions
            if like.kind is track.kind and other in filled
        ]
        return self.index.segments[min(ranked)[-1]] if ranked else {}


def recording_of(index: AssetIndex) -> Recording:
    """What is offered of an archived asset now.

    Raises:
        UnknownAsset: no segment can be played, or not yet.
    """
    main = _longest_epoch(index)
    if main is None:
        raise UnknownAsset("no segment is archived")
    intervals = _grown(index, main) if index.growing else recorded_intervals(index)
    if not intervals:
        raise UnknownAsset("no segment is complete in all renditions")
    return Recording(index, main, intervals, _offered(main, index))


def _grown(index: AssetIndex, main: EpochRecord) -> list[Interval]:
    """What there is in whole key periods: a key is billed once, for all that it opens."""
    intervals = shared_intervals(index, main)
    complete = (intervals[-1].sequence + 1) // index.key_segments if intervals else 0
    return [each for each in intervals if each.sequence < complete * index.key_segments]


def _longest_epoch(index: AssetIndex) -> EpochRecord | None:
    durations: dict[int, int] = {}
    for records in index.segments.values():
        for record in records.values():
            durations[record.epoch] = durations.get(record.epoch, 0) + record.end - record.start
    known = [each for each in index.epochs if each.epoch in durations]
    return max(known, key=lambda each: durations[each.epoch], default=None)


def _offered(epoch: EpochRecord, index: AssetIndex) -> dict[str, Track]:
    """Renditions that were there to the epoch's end; those that were not, if nothing else is."""
    filled = _filled(index, epoch.epoch)
    present = {name: track for name, track in epoch.renditions if name in filled}
    lasting = {
        name: track for name, track in present.items() if (epoch.epoch, name) not in index.retired
    }
    kinds = {track.kind for track in present.values()}
    return lasting if {track.kind for track in lasting.values()} == kinds else present


def _filled(index: AssetIndex, epoch: int) -> set[str]:
    """Renditions with a segment of the epoch."""
    return {
        name
        for name, records in index.segments.items()
        if any(record.epoch == epoch for record in records.values())
    }


def smallest_video(offered: dict[str, Track]) -> str | None:
    """The rendition whose pictures have the fewest pixels; None when there are no pictures."""
    video = {name: track for name, track in offered.items() if track.kind is MediaKind.VIDEO}
    return min(video, key=lambda name: (video[name].width * video[name].height, name), default=None)
