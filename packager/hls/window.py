"""The segments that a live playlist of one rendition shows."""

from collections import deque

from packager.hls.boundaries import Boundaries
from packager.hls.playlist import PlaylistSegment
from packager.interval import Interval


class Window:
    """The newest complete segments, gaps where the rendition missed one.

    It slides when it holds more than `segments` and the rest still lasts three target durations
    (RFC 8216, 6.2.2).
    """

    def __init__(self, rendition: str, boundaries: Boundaries, segments: int) -> None:
        self._rendition = rendition
        self._boundaries = boundaries
        self._segments_max = segments
        self._shown: deque[PlaylistSegment] = deque()
        self._duration = 0
        self._newest = -1

    @property
    def newest(self) -> int:
        """The newest sequence number; -1 before the first."""
        return self._newest

    @property
    def oldest_start(self) -> int:
        """Where the window begins, in 1/90000 s; 0 before the first segment."""
        return self._shown[0].interval.start if self._shown else 0

    def shown(self) -> tuple[PlaylistSegment, ...]:
        return tuple(self._shown)

    def push(self, interval: Interval, *, independent: bool) -> None:
        """Show a complete segment, newer than all before."""
        assert interval.sequence > self._newest, "segments are published in order"
        if self._newest >= 0:
            for sequence in range(self._newest + 1, interval.sequence):
                missed = self._boundaries.interval(sequence)
                if missed is not None:
                    self._append(PlaylistSegment(missed, True, True, self._rendition))
        self._append(PlaylistSegment(interval, False, independent, self._rendition))
        self._newest = interval.sequence

    def _append(self, segment: PlaylistSegment) -> None:
        self._shown.append(segment)
        self._duration += segment.interval.duration
        while len(self._shown) > self._segments_max and self._enough_without_oldest():
            self._duration -= self._shown.popleft().interval.duration

    def _enough_without_oldest(self) -> bool:
        rest = self._duration - self._shown[0].interval.duration
        return rest >= 3 * self._boundaries.duration_target
