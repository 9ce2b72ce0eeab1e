"""Time as the publisher tells it, repaired into one timeline that never jumps."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from config.limits import (
    AUDIO_GRID_TOLERANCE_MS,
    COMPOSITION_OFFSET_MS_MAX,
    TIMELINE_BACKWARD_MS_MAX,
    TIMELINE_GAP_MS_MAX,
    TIMELINE_START_SKEW_MS_MAX,
)
from media.units import VIDEO_TIMESCALE, MediaKind, Packet

TIMELINE_START = 10 * VIDEO_TIMESCALE
"""Where a timeline begins, so that B-frames, encoder priming and early audio stay positive."""

_TICKS_PER_MS = VIDEO_TIMESCALE // 1000
_GAP_MAX = TIMELINE_GAP_MS_MAX * _TICKS_PER_MS
_BACKWARD_MAX = TIMELINE_BACKWARD_MS_MAX * _TICKS_PER_MS
_START_SKEW_MAX = TIMELINE_START_SKEW_MS_MAX * _TICKS_PER_MS
_COMPOSITION_OFFSET_MAX = COMPOSITION_OFFSET_MS_MAX * _TICKS_PER_MS

_AAC_FRAME_SAMPLES = 1024  # ISO 14496-3, 4.5.1.1
# What a change of units may cost; after a jump more than that is the sound's own offset.
_ROUNDING_MS = 2
_FRAME_TICKS_UNKNOWN = VIDEO_TIMESCALE // 30
# Frames further apart than this are a hole rather than a slow frame rate.
_FRAME_TICKS_MAX = VIDEO_TIMESCALE // 4


Lane = tuple[MediaKind, int]
"""A track's kind and number."""


@dataclass(slots=True)
class _Lane:
    """How far one track has come; times in ticks of the timeline (90 kHz).

    Attributes:
        correction: what is added to the source's time; None before the first packet.
        last: dts of the newest packet.
        end: where the newest packet ends.
        shown: where the last picture ends on screen; that of sound is its `end`.
        step: how long a packet lasts, as far as known.
        timescale, next_sample: the sample grid that audio runs on.
        moved: the correction changed, so the grid has to be laid anew.
    """

    correction: int | None = None
    last: int = 0
    end: int = 0
    shown: int = 0
    step: int = _FRAME_TICKS_UNKNOWN
    timescale: int = 0
    next_sample: int = 0
    moved: bool = True

    def correction_after(self, packet: Packet, timescale: int) -> int:
        """What places the first packet of another clock behind all that was there."""
        dts = packet.dts * VIDEO_TIMESCALE // timescale
        pts = packet.pts * VIDEO_TIMESCALE // timescale
        return max(self.end - dts, self.shown - pts)


class Timeline:
    """Places packets of one source on its asset's timeline.

    The first packet comes to lie at `TIMELINE_START`. Within a lane dts only ever grows. When the
    source's clock jumps (a reconnect, a wrap, a hole that is too long) the packet continues where
    the stream had ended; all lanes then get the same correction, so that they stay in step.

    Attributes:
        jumps: how often the source's clock was overruled.
        dropped: audio packets left out because they overlapped what was there.
    """

    def __init__(self) -> None:
        self._lanes: dict[Lane, _Lane] = {}
        self._newest_correction: int | None = None
        self._frontier = TIMELINE_START
        self.jumps = 0
        self.dropped = 0

    def place(
        self, kind: MediaKind, packet: Packet, timescale: int, number: int = 0
    ) -> Packet | None:
        """Stamp `packet` (times in `timescale`, unwrapped) with timeline time in that timescale.

        Returns None for audio that overlaps earlier audio.
        """
        lane = self._lanes.setdefault((kind, number), _Lane())
        source = packet.dts * VIDEO_TIMESCALE // timescale
        if not self._follows_default(kind, number, lane, source):
            self._correct(lane, source)
        if kind is MediaKind.VIDEO:
            placed: Packet | None = _place_video(lane, packet)
        else:
            placed = _place_audio(lane, packet, timescale)
        if placed is None:
            self.dropped += 1
        self._frontier = max(self._frontier, lane.end)
        return placed

    @property
    def end(self) -> int:
        """Where what was placed ends, in 1/90000 s."""
        return self._frontier

    def resume(self, starts: Mapping[Lane, tuple[Packet, int]]) -> None:
        """Continue where the stream had ended: what follows is of another clock.

        No track then overlaps what was there of it, and the one that had come furthest, or that
        begins first, has no hole.

        Args:
            starts: the first packet of each track, at least of one, and its timescale.
        """
        corrections = [
            lane.correction_after(packet, timescale)
            for key, (packet, timescale) in starts.items()
            if (lane := self._lanes.get(key)) is not None
        ]
        if not corrections:
            source = min(packet.dts * VIDEO_TIMESCALE // scale for packet, scale in starts.values())
            corrections = [self._frontier - source]
        self._newest_correction = max(corrections)
        for lane in self._lanes.values():
            lane.correction, lane.moved = self._newest_correction, True

    def _follows_default(self, kind: MediaKind, number: int, lane: _Lane, source: int) -> bool:
        """Whether a further video track has the time of the default one, which it is cut with."""
        default = self._lanes.get((kind, 0))
        if kind is not MediaKind.VIDEO or number == 0 or default is None:
            return False
        if default.correction is None or not self._continues(lane, source + default.correction):
            return False
        lane.correction = default.correction
        return True

    def _correct(self, lane: _Lane, source: int) -> None:
        """Choose the correction under which this packet continues its lane best, or a new one."""
        candidates = {lane.correction, self._newest_correction} - {None}
        fitting = [c for c in candidates if c is not None and self._continues(lane, source + c)]
        if fitting:
            expected = self._frontier if lane.correction is None else lane.end
            chosen = min(fitting, key=lambda c: abs(source + c - expected))
        else:
            chosen = self._frontier - source
            self.jumps += self._newest_correction is not None
            self._newest_correction = chosen
        lane.moved = lane.moved or chosen != lane.correction
        lane.correction = chosen

    def _continues(self, lane: _Lane, placed: int) -> bool:
        if placed > self._frontier + _GAP_MAX:
            return False
        if lane.correction is None:
            return placed >= self._frontier - _START_SKEW_MAX and placed >= 0
        return placed >= lane.last - _BACKWARD_MAX


def _place_video(lane: _Lane, packet: Packet) -> Packet:
    assert lane.correction is not None
    placed = packet.dts + lane.correction
    dts = max(placed, lane.last + 1) if lane.end else placed
    offset = packet.pts - packet.dts
    if abs(offset) > _COMPOSITION_OFFSET_MAX:
        offset = 0
    if packet.duration > 0:
        lane.step = packet.duration
    elif lane.end and 1 < dts - lane.last <= _FRAME_TICKS_MAX:
        lane.step = dts - lane.last
    pts = max(placed + offset, dts)
    lane.last, lane.end = dts, dts + lane.step
    lane.shown = max(lane.shown, pts + lane.step)
    return replace(packet, dts=dts, pts=pts)


def _place_audio(lane: _Lane, packet: Packet, timescale: int) -> Packet | None:
    """Rebuild dts on the sample grid: RTMP's milliseconds are too coarse for samples."""
    assert lane.correction is not None
    if timescale != lane.timescale:
        lane.timescale = timescale
        lane.next_sample = -(-lane.end * timescale // VIDEO_TIMESCALE)
    samples = packet.duration or _AAC_FRAME_SAMPLES
    stamped = packet.dts + lane.correction * timescale // VIDEO_TIMESCALE
    tolerance = (_ROUNDING_MS if lane.moved else AUDIO_GRID_TOLERANCE_MS) * timescale // 1000
    if stamped < lane.next_sample - tolerance:
        return None
    dts = lane.next_sample if stamped <= lane.next_sample + tolerance else stamped
    lane.moved = False
    lane.next_sample = dts + samples
    lane.last = dts * VIDEO_TIMESCALE // timescale
    lane.end = lane.shown = lane.next_sample * VIDEO_TIMESCALE // timescale
    return replace(packet, dts=dts, pts=dts, duration=samples)
