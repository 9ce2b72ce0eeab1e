"""Cuts one audio rendition where video is cut: at the first frame at or after a boundary."""

from bisect import bisect_left

from media.units import VIDEO_TIMESCALE, Packet
from packager.hls.boundaries import Boundaries
from packager.hls.bounds import LIVE, Bounds
from packager.hls.cut import Cut
from packager.hls.irregularities import Irregularities, Irregularity
from packager.interval import Interval

# AAC; only used for a frame that nothing follows.
_FRAME_SAMPLES = 1024


class AudioCutter:
    """Holds frames until the boundary after them is known, which video says and may say late."""

    def __init__(
        self,
        boundaries: Boundaries,
        timescale: int,
        irregularities: Irregularities,
        bounds: Bounds = LIVE,
    ) -> None:
        self._boundaries = boundaries
        self._timescale = timescale
        self._irregularities = irregularities
        self._bounds = bounds
        self._sequence = boundaries.epoch_sequence
        self._frames: list[Packet] = []
        self._bytes = 0
        self._last_dts: int | None = None
        self._started = False

    def push(self, packet: Packet) -> None:
        """Take the next frame. `cut` then says what is complete."""
        if self._last_dts is not None and packet.dts <= self._last_dts:
            self._irregularities.count(Irregularity.OUT_OF_ORDER)
            return
        if (
            len(self._frames) >= self._bounds.audio_frames
            or self._bytes + len(packet.data) > self._bounds.audio_bytes
        ):
            self._irregularities.count(Irregularity.AUDIO_AHEAD)
            return
        self._last_dts = packet.dts
        self._bytes += len(packet.data)
        self._frames.append(packet)

    def start(self, packet: Packet) -> int:
        """A frame's start in 1/90000 s, rounded down."""
        return packet.pts * VIDEO_TIMESCALE // self._timescale

    def media_end(self) -> int | None:
        """Where the newest frame ends, in 1/90000 s."""
        if not self._frames:
            return None
        end = self._frames[-1].pts + _frame_duration(self._frames, len(self._frames) - 1)
        return end * VIDEO_TIMESCALE // self._timescale

    def cut(self, *, finishing: bool = False) -> Cut | None:
        """The next complete segment; to be called until it returns None.

        Args:
            finishing: no more frames come, so what is there is complete.
        """
        while (interval := self._boundaries.interval(self._sequence)) is not None:
            if not (finishing or self._reached(interval) or self._behind(interval)):
                return None
            self._sequence += 1
            done = self._take(interval)
            if done is not None:
                return done
        return None

    def _reached(self, interval: Interval) -> bool:
        return bool(self._frames) and self._frames[-1].pts >= self._ticks(interval.end)

    def _behind(self, interval: Interval) -> bool:
        newest, behind_max = self._boundaries.open_start, self._bounds.audio_behind
        if newest is None or behind_max is None:
            return False
        return newest - interval.end > behind_max

    def _ticks(self, time: int) -> int:
        """The first tick of the track at or after a time in 1/90000 s."""
        return -(-time * self._timescale // VIDEO_TIMESCALE)

    def _take(self, interval: Interval) -> Cut | None:
        """The frames that start within the interval; earlier ones belong to no segment."""
        frames = self._frames
        first = bisect_left(frames, self._ticks(interval.start), key=_pts)
        last = bisect_left(frames, self._ticks(interval.end), key=_pts)
        # An encoder's first frame comes before the first picture.
        kind = Irregularity.OUTSIDE_SEGMENT if self._started else Irregularity.BEFORE_BOUNDARY
        self._irregularities.count(kind, first)
        self._started = True
        self._frames = frames[last:]
        self._bytes = sum(len(frame.data) for frame in self._frames)
        if first == last:
            return None
        end = frames[last - 1].dts + _frame_duration(frames, last - 1)
        return Cut(interval.sequence, frames[first:last], end)


def _pts(packet: Packet) -> int:
    return packet.pts


def _frame_duration(frames: list[Packet], index: int) -> int:
    """Until the next frame, unless frames are missing there: a hole belongs to no frame."""
    nominal = frames[index].duration or _FRAME_SAMPLES
    if index + 1 < len(frames):
        until_next = frames[index + 1].dts - frames[index].dts
        return until_next if until_next < 2 * nominal else nominal
    return nominal
