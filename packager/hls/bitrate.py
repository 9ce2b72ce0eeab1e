"""Measured bit rates of a rendition (RFC 8216, 4.3.4.2)."""

from collections import deque

from media.units import VIDEO_TIMESCALE


class MeasuredBitrate:
    """Peak and average over all segments so far.

    The peak is the largest rate of any run of segments that together last between 0.5 and 1.5
    target durations; before there is such a run, of all there is.
    """

    def __init__(self, duration_target: int) -> None:
        """`duration_target` in 1/90000 s."""
        self._run_min = duration_target // 2
        self._run_max = duration_target * 3 // 2
        self._recent: deque[tuple[int, int]] = deque()
        self._recent_duration = 0
        self._peak = 0
        self._bytes = 0
        self._duration = 0

    def add(self, size: int, duration: int) -> None:
        """Count a segment of `size` bytes and `duration` in 1/90000 s."""
        self._bytes += size
        self._duration += duration
        self._recent.append((size, duration))
        self._recent_duration += duration
        while len(self._recent) > 1 and self._recent_duration > self._run_max:
            self._recent_duration -= self._recent.popleft()[1]
        size = duration = 0
        for segment_size, segment_duration in reversed(self._recent):
            size += segment_size
            duration += segment_duration
            if duration >= self._run_min:
                self._peak = max(self._peak, _rate(size, duration))

    @property
    def peak(self) -> int:
        """Bits a second; 0 before the first segment."""
        return self._peak or self.average

    @property
    def average(self) -> int:
        """Bits a second; 0 before the first segment."""
        return _rate(self._bytes, self._duration) if self._duration else 0


def _rate(size: int, duration: int) -> int:
    """Rounded up: a player may rely on the figure."""
    return -(-size * 8 * VIDEO_TIMESCALE // duration)
