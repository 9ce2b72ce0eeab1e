"""When a segment plays: the nominal time that all renditions share."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interval:
    """Nominal time of one segment in every rendition.

    Attributes:
        wall_ms: when its start was received, continued by media time between discontinuities;
            0 for media out of a file, which comes at no time of day.
        discontinuity: whether it does not continue the one before.
        discontinuities: how many there were in the asset up to its start, this one included.
        flawed: something is missing in it by our own fault, so that nobody pays for it.
    """

    sequence: int
    epoch: int
    start: int
    end: int
    wall_ms: int
    discontinuity: bool
    discontinuities: int
    flawed: bool = False

    @property
    def duration(self) -> int:
        return self.end - self.start
