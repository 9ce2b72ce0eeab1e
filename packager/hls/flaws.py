"""Where pictures or sound of a live asset are missing by our own fault: nobody pays for that.

A loss is told before the media that lies around it is complete, so that it can be taken off the
bill before it is on it. What a publisher never sent is no flaw: it is not there at all.
"""

from collections import deque

from config.limits import FLAW_MS_MIN, FLAWS_KEPT_MAX
from media.units import VIDEO_TIMESCALE

_FLAW_MIN = FLAW_MS_MIN * VIDEO_TIMESCALE // 1000


class Flaws:
    """The newest flaws; times are 1/90000 s."""

    def __init__(self) -> None:
        self._flaws: deque[tuple[int, int]] = deque(maxlen=FLAWS_KEPT_MAX)

    def add(self, start: int, end: int) -> bool:
        """Note what is missing; false when nobody would notice."""
        if end - start < _FLAW_MIN:
            return False
        self._flaws.append((start, end))
        return True

    def touch(self, start: int, end: int) -> bool:
        """Whether anything is missing between two times."""
        return any(lo < end and start < hi for lo, hi in self._flaws)
