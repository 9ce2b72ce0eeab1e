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
    """Holds frames until the boundary after them is known, which video says and may say late.

    A part needs no boundary, only to know that none comes before its end. It has as many frames as
    fit into the target, and ends nominally where the frame after it starts.
    """

    def __init__(
        self,
        boundaries: Boundaries,
        timescale: int,
        irregularities: Irregularities,
        bounds: Bounds = LIVE,
        part_target: int | None = None,
    ) -> None:
        """`part_target` in 1/90000 s; without it, only whole segments are cut."""
        self._boundaries = boundaries
        self._timescale = timescale
        self._irregularities = irregularities
        self._bounds = bounds
        self._part_target = part_target
        self._part_end: int | None = None
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

    def cut(self, until: int = 0, *, finishing: bool = False) -> Cut | None:
        """The next part, or complete segment; to be called until it returns None.

        Args:
            until: no boundary that is not there yet comes before this time, in 1/90000 s.
            finishing: no more frames come, so what is there is complete.
        """
        while (interval := self._boundaries.interval(self._sequence)) is not None:
            part = self._part(interval.start, interval.end)
            if part is not None:
                return part
            if not (finishing or self._reached(interval) or self._behind(interval)):
                return None
            self._sequence += 1
            self._part_end = None
            done = self._take(interval)
            if done is not None:
                return done
        start = self._boundaries.start(self._sequence)
        return None if start is None else self._part(start, until)

    def _part(self, start: int, until: int) -> Cut | None:
        """The next part of the segment that begins at `start`, of frames before `until`."""
        if self._part_target is None:
            return None
        self._leave_out(bisect_left(self._frames, self._ticks(start), key=_pts))
        frames, before = self._frames, start if self._part_end is None else self._part_end
        longest = before + self._part_target
        # Most often there is not enough yet.
        if not frames or self._end(frames[-1]) <= longest:
            return None
        limit = self._ticks(until)
        for count in range(1, len(frames)):
            if frames[count].pts >= limit:
                return None
            if self.start(frames[count]) > before and self._end(frames[count]) > longest:
                return self._cut_part(self._fitting(count, longest))
        return None

    def _end(self, frame: Packet) -> int:
        """Where a frame ends, in 1/90000 s, rounded up or a tick more."""
        duration = _nominal_duration(frame) * VIDEO_TIMESCALE
        return self.start(frame) - (-duration // self._timescale)

    def _fitting(self, count: int, longest: int) -> int:
        """One frame less, where the next one comes so late that the part would be too long."""
        fits = self.start(self._frames[count]) <= longest
        return count if fits or count == 1 else count - 1

    def _cut_part(self, count: int) -> Cut:
        frames, self._frames = self._frames[:count], self._frames[count:]
        self._bytes -= sum(len(frame.data) for frame in frames)
        self._started = True
        self._part_end = self.start(self._frames[0])
        end_dts = frames[-1].dts + _frame_duration([*frames, self._frames[0]], count - 1)
        return Cut(self._sequence, frames, end_dts, self._part_end)

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
        self._leave_out(first)
        self._started = True
        self._frames = frames[last:]
        self._bytes = sum(len(frame.data) for frame in self._frames)
        if first == last:
            return None
        end = frames[last - 1].dts + _frame_duration(frames, last - 1)
        return Cut(interval.sequence, frames[first:last], end)

    def _leave_out(self, count: int) -> None:
        """The first frames, which belong to no segment."""
        # An encoder's first frame comes before the first picture.
        kind = Irregularity.OUTSIDE_SEGMENT if self._started else Irregularity.BEFORE_BOUNDARY
        if count == 0:
            return
        self._irregularities.count(kind, count)
        self._bytes -= sum(len(frame.data) for frame in self._frames[:count])
        self._frames = self._frames[count:]


def _pts(packet: Packet) -> int:
    return packet.pts


def _nominal_duration(frame: Packet) -> int:
    return frame.duration or _FRAME_SAMPLES


def _frame_duration(frames: list[Packet], index: int) -> int:
    """Until the next frame, unless frames are missing there: a hole belongs to no frame."""
    nominal = _nominal_duration(frames[index])
    if index + 1 < len(frames):
        until_next = frames[index + 1].dts - frames[index].dts
        return until_next if until_next < 2 * nominal else nominal
    return nominal
