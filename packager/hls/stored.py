"""Segments of one live rendition that are in memory, and their parts."""

from dataclasses import dataclass

from packager.hls.parts import Part
from packager.interval import Interval


@dataclass(frozen=True, slots=True)
class StoredSegment:
    """A complete segment, or what there will ever be of it.

    Attributes:
        parts: none where it was not cut into any.
        independent: it begins with a keyframe.
        lost: some of them are missing, so it is not served whole.
    """

    interval: Interval
    body: bytes
    parts: tuple[Part, ...] = ()
    independent: bool = True
    lost: bool = False

    def part(self, number: int) -> tuple[Part, bytes] | None:
        if number >= len(self.parts) or self.parts[number].missing:
            return None
        part = self.parts[number]
        return part, self.body[part.offset : part.offset + part.size]


class StoredSegments:
    """The newest of them, as many as players at the live edge may ask for."""

    def __init__(self, segments_min: int, duration: int, bytes_max: int) -> None:
        """It forgets what players need no more, and what is too much anyway.

        Args:
            segments_min: what a playlist shows at least, if that lasts for `duration`.
            duration: in 1/90000 s; also how long they are kept that are shown no more.
            bytes_max: of all; the newest stays.
        """
        self._segments_min = segments_min
        self._needed = duration
        self._bytes_max = bytes_max
        self._stored: dict[int, StoredSegment] = {}
        self._bytes = 0
        self._duration = 0

    def get(self, sequence: int) -> StoredSegment | None:
        return self._stored.get(sequence)

    def add(self, segment: StoredSegment) -> None:
        """The newest."""
        self._stored[segment.interval.sequence] = segment
        self._bytes += len(segment.body)
        self._duration += segment.interval.duration
        while len(self._stored) > 1 and self._may_forget():
            oldest = self._stored.pop(next(iter(self._stored)))
            self._bytes -= len(oldest.body)
            self._duration -= oldest.interval.duration

    def _may_forget(self) -> bool:
        if self._bytes > self._bytes_max:
            return True
        durations = [stored.interval.duration for stored in self._stored.values()]
        behind = sum(durations[1 : -self._segments_min])
        return behind >= self._needed and self._duration - durations[0] >= 2 * self._needed
