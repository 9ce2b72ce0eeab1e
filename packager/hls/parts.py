"""The parts of a segment that is still open in its rendition."""

from dataclasses import dataclass

from media.units import VIDEO_TIMESCALE
from packager.hls.playlist import decimal
from packager.interval import Interval
from packager.naming import part_name
from packager.playlist_text import opened_by_token


@dataclass(frozen=True, slots=True)
class Part:
    """Where a part is in its segment's bytes, and what it is of.

    Attributes:
        start, end: nominal, in 1/90000 s.
        missing: it has no bytes, and never will.
    """

    start: int
    end: int
    offset: int
    size: int
    missing: bool = False


class OpenSegment:
    """Parts as they come, which divide the segment's nominal time among them without a rest.

    Attributes:
        lines: what the playlist says of them, with holes for tokens.
        independent: whether the first one begins with a keyframe.
    """

    def __init__(self, rendition: str, interval: Interval, target: int | None) -> None:
        """`interval` may not be complete yet; `target` is the longest they may be."""
        self.interval = interval
        self.parts: list[Part] = []
        self.lines: list[str] = []
        self.independent = True
        self._rendition = rendition
        self._target = target
        self._bodies: list[bytes] = []
        self._size = 0

    @property
    def sequence(self) -> int:
        return self.interval.sequence

    @property
    def end(self) -> int:
        """Where the last part ends."""
        return self.parts[-1].end if self.parts else self.interval.start

    def body(self) -> bytes:
        """Of all parts so far."""
        return b"".join(self._bodies)

    def part_body(self, number: int) -> bytes | None:
        return self._bodies[number] if number < len(self._bodies) else None

    def add(self, body: bytes, end: int, *, independent: bool) -> None:
        """The next part, up to a nominal time."""
        if not self.parts:
            self.independent = independent
        self._list(end, "INDEPENDENT=YES" if independent else None)
        self.parts.append(Part(self.end, end, self._size, len(body)))
        self._bodies.append(body)
        self._size += len(body)

    def miss_rest(self, end: int) -> None:
        """The segment ends at a nominal time, and what is missing up to there never comes.

        EXT-X-GAP of a segment comes after the first such part (rfc8216bis, 4.4.4.7).
        """
        assert self._target is not None, "only parts can be there while others are missing"
        first = len(self.lines) + 1
        while self.end < end:
            part_end = min(end, self.end + self._target)
            self._list(part_end, "GAP=YES")
            self.parts.append(Part(self.end, part_end, self._size, 0, missing=True))
        self.lines.insert(first, "#EXT-X-GAP")

    def _list(self, end: int, attribute: str | None) -> None:
        uri = opened_by_token(
            f"{self._rendition}/{part_name(self.interval.sequence, len(self.parts))}"
        )
        listed = f'#EXT-X-PART:DURATION={self._duration(end)},URI="{uri}"'
        self.lines.append(listed if attribute is None else f"{listed},{attribute}")

    def _duration(self, end: int) -> str:
        """So that the durations of all parts are together that of the segment, to the last digit.

        A picture that stands for longer than any part may last has a part of the longest duration.
        """
        microseconds = self._microseconds(end) - self._microseconds(self.end)
        if self._target is not None:
            microseconds = min(microseconds, self._target * 1_000_000 // VIDEO_TIMESCALE)
        return decimal(microseconds, 6)

    def _microseconds(self, time: int) -> int:
        return (time - self.interval.start) * 1_000_000 // VIDEO_TIMESCALE
