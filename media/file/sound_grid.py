"""Where copied AAC frames lie, on a grid of samples without holes."""

from dataclasses import dataclass

from media.timeline import TIMELINE_START
from media.units import VIDEO_TIMESCALE
from media.wire.aac import FRAME_SAMPLES

# Containers round stamps to milliseconds and muxers let them wander; 32 ms at 48 kHz is not heard.
_TOLERANCE = FRAME_SAMPLES * 3 // 2


@dataclass(frozen=True, slots=True)
class GridPlace:
    """A frame's time in samples, after so many silent frames; None to leave it out."""

    silent: int
    dts: int | None


class SoundGrid:
    """Gives each frame the time where the one before ends, as long as that is near its own.

    Holes are filled with silent frames, and frames that overlap others are left out, so that sound
    never leaves its pictures by more than the tolerance.
    """

    def __init__(self, sample_rate: int) -> None:
        self._sample_rate = sample_rate
        self.next: int | None = None

    def place(self, pts: int) -> GridPlace:
        """Place the next frame, which is meant for `pts` (1/90000 s)."""
        stamp = self._samples(pts)
        if self.next is None:
            silent = max(0, stamp - self._samples(TIMELINE_START)) // FRAME_SAMPLES
            return self._go_on(stamp - silent * FRAME_SAMPLES, silent)
        ahead = stamp - self.next
        if ahead < -_TOLERANCE:
            return GridPlace(0, None)
        return self._go_on(self.next, round(ahead / FRAME_SAMPLES) if ahead > _TOLERANCE else 0)

    def _go_on(self, start: int, silent: int) -> GridPlace:
        dts = start + silent * FRAME_SAMPLES
        self.next = dts + FRAME_SAMPLES
        return GridPlace(silent, dts)

    def rest(self, end: int) -> int:
        """How many silent frames are missing until `end` (1/90000 s)."""
        if self.next is None:
            return 0
        return max(0, (self._samples(end) - self.next) // FRAME_SAMPLES)

    def _samples(self, time: int) -> int:
        return time * self._sample_rate // VIDEO_TIMESCALE
