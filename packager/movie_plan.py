"""Which segments of a recording make up one MP4, and when each of them plays in it.

One MP4 has one configuration for each track. An asset that went on with others has several parts,
each an MP4 of its own.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from media.units import MediaKind
from packager.archive_record import SegmentRecord
from packager.choices import audio_choices
from packager.hls.recording import Recording
from packager.interval import Interval
from packager.package import UnknownRendition

type Configuration = Callable[[SegmentRecord], bytes | None]
"""What a decoder must know of a segment: samples with equal ones may follow each other. None when
that is lost; then it is a gap."""


@dataclass(frozen=True, slots=True)
class PlannedSegment:
    """One segment of one track.

    Attributes:
        track: counted from 0.
        shift: what its times are ahead of the movie's, in 1/90000 s: where it was recorded, and
            holes before it, which nobody plays.
    """

    track: int
    record: SegmentRecord
    shift: int


@dataclass(frozen=True, slots=True)
class MoviePart:
    """What one MP4 can hold.

    Attributes:
        start, end: in the asset as it is played, in 1/90000 s.
        segments: in the order of the file.
    """

    start: int
    end: int
    segments: tuple[PlannedSegment, ...]

    def first_of(self, track: int) -> SegmentRecord | None:
        """None when the track has nothing in this part."""
        return next((each.record for each in self.segments if each.track == track), None)


def movie_renditions(recording: Recording, rendition: str | None) -> tuple[str, ...]:
    """Which renditions a movie has: pictures with their default sound, or sound alone.

    Args:
        rendition: None: the one with the largest pictures.

    Raises:
        UnknownRendition: it is not offered.
    """
    offered = recording.offered
    if rendition is not None and rendition not in offered:
        raise UnknownRendition(rendition)
    pictures = [name for name, track in offered.items() if track.kind is MediaKind.VIDEO]
    sound = audio_choices(
        (name, track) for name, track in offered.items() if track.kind is MediaKind.AUDIO
    )
    default = [each.name for each in sound if each.default][:1]
    if rendition is None and pictures:
        rendition = max(pictures, key=lambda name: (offered[name].height, name))
    if rendition is None or rendition not in pictures:
        return (rendition or default[0],)
    return (rendition, *default)


def movie_parts(
    recording: Recording, renditions: Sequence[str], configuration: Configuration
) -> list[MoviePart]:
    """The parts of a recording in order; at least one."""
    columns = [recording.shown(name) for name in renditions]
    parts: list[MoviePart] = []
    growing = _Growing(0)
    for interval, *records in zip(recording.intervals, *columns, strict=True):
        wanted = [None if each is None else configuration(each) for each in records]
        if not growing.takes(wanted):
            parts.append(growing.part())
            growing = _Growing(growing.end)
        growing.add(interval, records, wanted)
    return [*parts, growing.part()]


class _Growing:
    """A part that is put together."""

    def __init__(self, start: int) -> None:
        self._start = start
        self.end = start
        self._configurations: dict[int, bytes] = {}
        self._segments: list[PlannedSegment] = []

    def takes(self, wanted: Iterable[bytes | None]) -> bool:
        """Where a track has a gap, or has not begun, it stands in nobody's way."""
        return all(
            each is None or self._configurations.get(track, each) == each
            for track, each in enumerate(wanted)
        )

    def add(
        self,
        interval: Interval,
        records: Iterable[SegmentRecord | None],
        wanted: Iterable[bytes | None],
    ) -> None:
        shift = interval.start - (self.end - self._start)
        for track, (record, configuration) in enumerate(zip(records, wanted, strict=True)):
            if record is not None and configuration is not None:
                self._configurations[track] = configuration
                self._segments.append(PlannedSegment(track, record, shift))
        self.end += interval.duration

    def part(self) -> MoviePart:
        return MoviePart(self._start, self.end, tuple(self._segments))
