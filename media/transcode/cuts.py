"""Which decoded pictures are encoded, at what time, and which of them start a segment."""

from collections import deque
from dataclasses import dataclass
from typing import Protocol

from media.segmenter import Segmenter


@dataclass(frozen=True, slots=True)
class Placed:
    """A picture's time in 1/90000 s, and whether every rung starts a segment with it."""

    pts: int
    boundary: bool


class Cuts(Protocol):
    """Takes packets in decoding order and pictures in presentation order.

    Attributes:
        due: when the next segment should begin, as far as known.
    """

    @property
    def due(self) -> int | None: ...

    def packet(self, pts: int, boundary: bool) -> None:
        """A packet is about to be decoded."""

    def place(self, pts: int) -> Placed | None:
        """Decide on the next picture; None to leave it out."""


class NamedCuts:
    """Boundaries are what packets say, because the source's own packets are a rendition too.

    When the picture of a boundary is lost, the next one takes its place and time, so that
    renditions stay aligned. A boundary without any picture before the next one is missed.
    """

    def __init__(self) -> None:
        self._expected: deque[int] = deque()
        self._last: int | None = None
        self.displaced = 0

    @property
    def due(self) -> int | None:
        return self._expected[0] if self._expected else None

    def packet(self, pts: int, boundary: bool) -> None:
        if boundary:
            self._expected.append(pts)

    def place(self, pts: int) -> Placed | None:
        reached = None
        while self._expected and self._expected[0] <= pts:
            reached = self._expected.popleft()
        if reached is not None:
            self._last = pts
            return Placed(reached, boundary=True)
        if self._last is None:
            return None
        if pts <= self._last:
            self.displaced += 1
            return None
        self._last = pts
        return Placed(pts, boundary=False)


class MeasuredCuts:
    """Boundaries are the first pictures that reach the segment duration.

    A packet that names one has the segment before it end early: there another publication begins.
    """

    def __init__(self, segment_ticks: int, start: int | None) -> None:
        self._segmenter = Segmenter(segment_ticks)
        self._start = start
        self._named: int | None = None
        self._last: int | None = None
        self.displaced = 0

    @property
    def due(self) -> int | None:
        return self._segmenter.due

    def packet(self, pts: int, boundary: bool) -> None:
        if boundary:
            self._named = pts

    def place(self, pts: int) -> Placed | None:
        if self._start is not None and pts < self._start:
            return None
        if self._last is not None and pts <= self._last:
            self.displaced += 1
            return None
        self._last = pts
        if self._named is not None and pts >= self._named:
            self._named = None
            return Placed(pts, boundary=self._segmenter.cut_early(pts))
        return Placed(pts, boundary=self._segmenter.cut(pts))
