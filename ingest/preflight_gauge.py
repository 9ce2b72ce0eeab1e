"""The running figures of one track of a publication, for its preflight report."""

from collections import deque
from itertools import pairwise
from statistics import median_low
from typing import NamedTuple

from config.limits import (
    PREFLIGHT_JUMP_KEPT_MS,
    PREFLIGHT_JUMP_MS,
    PREFLIGHT_JUMPS_MAX,
    PREFLIGHT_KEYFRAMES_MAX,
    PREFLIGHT_MARKS_MAX,
    PREFLIGHT_STEPS_MAX,
)
from ingest.preflight_facts import TrackFacts
from media.units import MediaKind, Packet, Track

# Before the first packet, so that its step is none that any packet takes.
_NEVER_MS = -(1 << 62)


class Mark(NamedTuple):
    """A second's end: what had come until then, in all.

    Attributes:
        at_ms: of arrival; `media_ms` of the latest packet's decoding time.
        delay_ms_min, delay_ms_max: arrival time less media time of that second's packets, whose
            zero point means nothing.
    """

    at_ms: int
    media_ms: int
    packets: int
    bytes: int
    uneven: int
    delay_ms_min: int
    delay_ms_max: int


class Gauge:
    """Counts packets of one track; `add` is called for each, everything else once a second."""

    def __init__(self, track: Track, number: int) -> None:
        self.track = track
        self.marks: deque[Mark] = deque(maxlen=PREFLIGHT_MARKS_MAX)
        self.jumps: deque[tuple[int, int]] = deque(maxlen=PREFLIGHT_JUMPS_MAX)
        self._number = number
        self._is_video = track.kind is MediaKind.VIDEO
        self._packets = self._bytes = self._uneven = 0
        self._at_ms, self._media_ms = 0, _NEVER_MS
        self._delay_ms_min, self._delay_ms_max = -_NEVER_MS, _NEVER_MS
        self._steps: list[int] = []
        self._step_ms_max = PREFLIGHT_JUMP_MS
        self._is_settled = False
        self._keyframe_ms: int | None = None
        self._keyframe_steps: deque[int] = deque(maxlen=PREFLIGHT_KEYFRAMES_MAX)
        self._keyframes_unusable = 0
        self._pts_max: int | None = None
        self._b_frames = self._b_frames_max = 0

    def add(self, packet: Packet, timescale: int, now_ms: int) -> None:
        """Count a packet that came at `now_ms`."""
        media_ms = packet.dts * 1000 // timescale
        self._packets += 1
        self._bytes += len(packet.data)
        step_ms = media_ms - self._media_ms
        if not 0 <= step_ms <= self._step_ms_max:
            self._step_strangely(step_ms, media_ms, now_ms)
        delay_ms = now_ms - media_ms
        if delay_ms < self._delay_ms_min:
            self._delay_ms_min = delay_ms
        if delay_ms > self._delay_ms_max:
            self._delay_ms_max = delay_ms
        self._at_ms = now_ms
        self._media_ms = media_ms
        if self._is_video:
            self._add_picture(packet, media_ms, step_ms)

    @property
    def media_ms(self) -> int:
        """How much has come; 0 again after its clock has jumped."""
        return self._media_ms - self.marks[0].media_ms if self.marks else 0

    def keyframe_unusable(self) -> None:
        """Count a picture that was marked as a keyframe and is none."""
        self._keyframes_unusable += 1

    def mark(self, now_ms: int) -> None:
        """End a second; nothing before the first packet."""
        if self._packets == 0:
            return
        if self._delay_ms_max < self._delay_ms_min:  # nothing came, and it is at least so late
            self._delay_ms_min = self._delay_ms_max = now_ms - self._media_ms
        self._append_mark(now_ms, self._media_ms, self._delay_ms_min, self._delay_ms_max)
        self._delay_ms_min, self._delay_ms_max = -_NEVER_MS, _NEVER_MS
        while self.jumps and now_ms - self.jumps[0][0] > PREFLIGHT_JUMP_KEPT_MS:
            self.jumps.popleft()

    def settle(self) -> None:
        """Know the typical distance of two frames from now on, by those that have come so far.

        Those that were uneven before that are counted as well.
        """
        if not self._steps:
            return
        self._is_settled = True
        self._step_ms_max = median_low(self._steps) * 3 // 2 + 1
        self._uneven += sum(step > self._step_ms_max for step in self._steps)
        self._steps.clear()

    def facts(self) -> TrackFacts:
        """The figures of the last marks."""
        if not self.marks:
            return TrackFacts(self._number, self.track)
        first, last = self.marks[0], self.marks[-1]
        media_ms = last.media_ms - first.media_ms
        packets = last.packets - first.packets
        steps = self._keyframe_steps
        open_ms = None if self._keyframe_ms is None else self._media_ms - self._keyframe_ms
        return TrackFacts(
            self._number,
            self.track,
            packets=self._packets,
            bitrate=(last.bytes - first.bytes) * 8000 // media_ms if media_ms > 0 else 0,
            frames_per_1000_s=packets * 1_000_000 // media_ms if media_ms > 0 else 0,
            uneven_percent=(last.uneven - first.uneven) * 100 // packets if packets else 0,
            keyframe_ms=median_low(steps) if steps else None,
            keyframe_ms_max=max(*steps, open_ms or 0) if steps else open_ms or 0,
            keyframe_ms_open=open_ms,
            keyframes_unusable=self._keyframes_unusable,
            b_frames=self._b_frames_max,
        )

    def bitrate_peak(self) -> int:
        """Bits a second of the last marks' busiest second."""
        rates = (
            (later.bytes - earlier.bytes) * 8000 // max(1000, later.at_ms - earlier.at_ms)
            for earlier, later in pairwise(self.marks)
        )
        return max(rates, default=0)

    def _add_picture(self, packet: Packet, media_ms: int, step_ms: int) -> None:
        if (
            not self._is_settled
            and 0 < step_ms <= PREFLIGHT_JUMP_MS
            and len(self._steps) < PREFLIGHT_STEPS_MAX
        ):
            self._steps.append(step_ms)
        if packet.keyframe:
            if self._keyframe_ms is not None:
                self._keyframe_steps.append(media_ms - self._keyframe_ms)
            self._keyframe_ms = media_ms
        if self._pts_max is not None and packet.pts < self._pts_max:
            self._b_frames += 1
            if self._b_frames > self._b_frames_max:
                self._b_frames_max = self._b_frames
        else:
            self._pts_max = packet.pts
            self._b_frames = 0

    def _step_strangely(self, step_ms: int, media_ms: int, now_ms: int) -> None:
        """A frame that is late is uneven; a step that the clock on the wall did not make jumps."""
        waited_ms = now_ms - self._at_ms
        if -PREFLIGHT_JUMP_MS <= step_ms <= waited_ms + PREFLIGHT_JUMP_MS:
            self._uneven += 1
            return
        if self._packets > 1:
            self.jumps.append((now_ms, step_ms))
        self.marks.clear()
        self._append_mark(now_ms, media_ms, now_ms - media_ms, now_ms - media_ms)
        self._delay_ms_min, self._delay_ms_max = -_NEVER_MS, _NEVER_MS
        self._keyframe_ms = self._pts_max = None

    def _append_mark(self, now_ms: int, media_ms: int, low_ms: int, high_ms: int) -> None:
        self.marks.append(
            Mark(now_ms, media_ms, self._packets, self._bytes, self._uneven, low_ms, high_ms)
        )
