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


class Mark(NamedTuple):
    """A second's end: what had come until then, in all.

    Attributes:
        at_ms: of this machine's clock; `media_ms` of the latest packet's decoding time.
        delay_ms: arrival time less media time of the latest packet, whose zero point means nothing;
            when none came in this second, how late the next one is at least.
    """

    at_ms: int
    media_ms: int
    packets: int
    bytes: int
    uneven: int
    delay_ms: int


class Gauge:
    """Counts packets of one track; `add` is called for each, everything else once a second.

    Until it is settled it looks at each picture; then an encoder's settings are known, and `add`
    does as little as it can.
    """

    def __init__(self, track: Track, number: int) -> None:
        self.track = track
        self.marks: deque[Mark] = deque(maxlen=PREFLIGHT_MARKS_MAX)
        self.jumps: deque[tuple[int, int]] = deque(maxlen=PREFLIGHT_JUMPS_MAX)
        self._number = number
        self._is_video = track.kind is MediaKind.VIDEO
        self._is_settled = not self._is_video
        self._packets = self._bytes = self._uneven = 0
        self._at_ms = self._dts = 0
        self._step_max = -1  # there is none before the first packet
        self._steps: list[int] = []
        self._key_dts: int | None = None
        self._key_steps_ms: deque[int] = deque(maxlen=PREFLIGHT_KEYFRAMES_MAX)
        self._keyframes_unusable = 0
        self._pts_max: int | None = None
        self._b_frames = self._b_frames_max = 0

    def add(self, packet: Packet, now_ms: int) -> None:
        """Count a packet that came at `now_ms`."""
        dts = packet.dts
        self._packets += 1
        self._bytes += len(packet.data)
        step = dts - self._dts
        if not 0 <= step <= self._step_max:
            self._step_strangely(step, dts, now_ms)
        self._dts = dts
        self._at_ms = now_ms
        if self._is_video:
            if packet.keyframe:
                self._add_keyframe(dts)
            if not self._is_settled:
                self._look_at_picture(packet, step)

    def keyframe_unusable(self) -> None:
        """Count a picture that was marked as a keyframe and is none."""
        self._keyframes_unusable += 1

    @property
    def media_ms(self) -> int:
        """How much has come; 0 again after its clock has jumped."""
        return self._milliseconds(self._dts) - self.marks[0].media_ms if self.marks else 0

    def mark(self, now_ms: int) -> None:
        """End a second; nothing before the first packet."""
        if self._packets == 0:
            return
        is_silent = self._packets == self.marks[-1].packets
        self._append_mark(now_ms, now_ms if is_silent else self._at_ms, self._dts)
        while self.jumps and now_ms - self.jumps[0][0] > PREFLIGHT_JUMP_KEPT_MS:
            self.jumps.popleft()

    def settle(self) -> None:
        """Know the typical distance of two frames from now on, by those that have come so far.

        Those that were uneven before that are counted as well.
        """
        if self._is_settled or not self._steps:
            return
        self._is_settled = True
        self._step_max = median_low(self._steps) * 3 // 2
        self._uneven += sum(step > self._step_max for step in self._steps)
        self._steps.clear()

    def facts(self) -> TrackFacts:
        """The figures of the last marks."""
        if not self.marks:
            return TrackFacts(self._number, self.track)
        first, last = self.marks[0], self.marks[-1]
        media_ms = last.media_ms - first.media_ms
        packets = last.packets - first.packets
        steps = self._key_steps_ms
        key = self._key_dts
        open_ms = None if key is None else self._milliseconds(self._dts - key)
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

    def _add_keyframe(self, dts: int) -> None:
        if self._key_dts is not None:
            self._key_steps_ms.append(self._milliseconds(dts - self._key_dts))
        self._key_dts = dts

    def _look_at_picture(self, packet: Packet, step: int) -> None:
        if 0 < step <= self._step_max and len(self._steps) < PREFLIGHT_STEPS_MAX:
            self._steps.append(step)
        if self._pts_max is not None and packet.pts < self._pts_max:
            self._b_frames += 1
            self._b_frames_max = max(self._b_frames_max, self._b_frames)
        else:
            self._pts_max = packet.pts
            self._b_frames = 0

    def _step_strangely(self, step: int, dts: int, now_ms: int) -> None:
        """A frame that is late is uneven; a step that the clock on the wall did not make jumps."""
        step_ms, waited_ms = self._milliseconds(step), now_ms - self._at_ms
        if self._packets == 1:
            self._step_max = PREFLIGHT_JUMP_MS * self.track.timescale // 1000
        elif -PREFLIGHT_JUMP_MS <= step_ms <= waited_ms + PREFLIGHT_JUMP_MS:
            self._uneven += 1
            return
        else:
            self.jumps.append((now_ms, step_ms))
        self.marks.clear()
        self._append_mark(now_ms, now_ms, dts)
        self._key_dts = self._pts_max = None

    def _append_mark(self, now_ms: int, at_ms: int, dts: int) -> None:
        media_ms = self._milliseconds(dts)
        self.marks.append(
            Mark(now_ms, media_ms, self._packets, self._bytes, self._uneven, at_ms - media_ms)
        )

    def _milliseconds(self, ticks: int) -> int:
        return ticks * 1000 // self.track.timescale
