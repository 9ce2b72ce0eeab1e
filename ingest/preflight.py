"""The preflight report of one publication: what its encoder sends, and what to do about it.

It is complete four seconds after the publisher was let in, and goes on after that: what changes is
told when it has lasted.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from config.limits import (
    PREFLIGHT_JUDGE_MS,
    PREFLIGHT_MEDIA_MS,
    PREFLIGHT_MS,
    PREFLIGHT_NAME_CHARACTERS_MAX,
    PREFLIGHT_SKIPPED_MAX,
    PREFLIGHT_TRACKS_MAX,
    PREFLIGHT_YOUNG_MS,
)
from ingest.preflight_facts import Facts
from ingest.preflight_finding import Finding, Severity
from ingest.preflight_gauge import Gauge
from ingest.preflight_line import (
    DriftGauge,
    bitrate,
    burst_ms,
    lateness_ms,
    punctual_delay_ms,
    speed_percent,
)
from ingest.preflight_rules import judge, worst_first
from ingest.preflight_steady import Steady
from media.units import MediaKind, Packet, Track
from media.wire.amf0 import Value

__all__ = ["Facts", "Finding", "Preflight", "Report", "Severity"]

_MARK_MS = 1_000
_MARKS_A_JUDGEMENT = PREFLIGHT_JUDGE_MS // _MARK_MS
_DATA_RATES = ("videodatarate", "audiodatarate")
_DATA_RATE_MAX = 1_000_000
_NOTHING_YET = Facts()


@dataclass(frozen=True, slots=True)
class Report:
    """Attributes: complete: enough was seen to judge; there are no findings before that."""

    complete: bool = False
    findings: tuple[Finding, ...] = ()
    facts: Facts = _NOTHING_YET


class Preflight:
    """Watches one publication. `packet` is called for each of its packets."""

    def __init__(self, began_ms: int) -> None:
        """`began_ms`: when the publisher was let in, of the clock that `now_ms` is of."""
        self._began_ms = began_ms
        self._next_mark_ms = began_ms + PREFLIGHT_MS % _MARK_MS
        self._next_judgement_ms = began_ms + PREFLIGHT_MS
        self._next_look_ms = began_ms + PREFLIGHT_JUDGE_MS
        self._videos: dict[int, Gauge] = {}
        self._sounds: dict[int, Gauge] = {}
        self._skipped: dict[str, None] = {}
        self._encoder = ""
        self._bitrate_declared = 0
        self._steady = Steady()
        self._findings: tuple[Finding, ...] = ()
        self._is_complete = self._is_told = False
        self._drift = DriftGauge()
        self._report: Report | None = None

    def track(self, track: Track, number: int) -> None:
        """A track was announced, or its parameters changed."""
        gauges = self._videos if track.kind is MediaKind.VIDEO else self._sounds
        if number in gauges and gauges[number].track.timescale == track.timescale:
            gauges[number].track = track
        elif number in gauges or len(gauges) < PREFLIGHT_TRACKS_MAX:
            gauges[number] = Gauge(track, number)

    def metadata(self, fields: Mapping[str, Value]) -> None:
        """The publisher said what it is about to send (`onMetaData`)."""
        encoder = fields.get("encoder")
        if isinstance(encoder, str):
            self._encoder = encoder[:PREFLIGHT_NAME_CHARACTERS_MAX]
        self._bitrate_declared = sum(_data_rate(fields.get(name)) for name in _DATA_RATES)

    def packet(self, kind: MediaKind, number: int, packet: Packet, now_ms: int) -> None:
        """Count a packet that came at `now_ms`; those of tracks never announced are left out."""
        gauge = (self._videos if kind is MediaKind.VIDEO else self._sounds).get(number)
        if gauge is not None:
            gauge.add(packet, now_ms)
        if now_ms >= self._next_mark_ms:
            self._mark(now_ms)

    def keyframe_unusable(self, number: int) -> None:
        """A picture of this video track was marked as a keyframe and has no IDR picture."""
        if number in self._videos:
            self._videos[number].keyframe_unusable()

    def skipped(self, what: str) -> None:
        """Something came that cannot be used; `what` names it, e.g. `video codec vvc1`."""
        if len(self._skipped) < PREFLIGHT_SKIPPED_MAX:
            self._skipped[what[:PREFLIGHT_NAME_CHARACTERS_MAX]] = None

    def report(self, now_ms: int) -> Report:
        """The report as of now; the same one until a second has passed."""
        if now_ms >= self._next_mark_ms:
            self._mark(now_ms)
        if self._report is None:
            self._report = Report(self._is_complete, self._findings, self._facts())
        return self._report

    def completed(self, now_ms: int) -> Report | None:
        """The report when it is complete, once: for the log line of whoever asks."""
        if self._is_told:
            return None
        report = self.report(now_ms)
        self._is_told = report.complete
        return report if report.complete else None

    def _mark(self, now_ms: int) -> None:
        """A second is over; judge when it is time."""
        self._next_mark_ms = max(self._next_mark_ms + _MARK_MS, now_ms + _MARK_MS // 2)
        self._report = None
        if not self._is_complete and self._has_enough(now_ms):
            self._is_complete = True
            for gauge in self._gauges():
                gauge.settle()
        for gauge in self._gauges():
            gauge.mark(now_ms)
        if now_ms >= self._next_look_ms:
            self._next_look_ms = now_ms + PREFLIGHT_JUDGE_MS
            self._watch_clock(now_ms)
        if self._is_complete and now_ms >= self._next_judgement_ms:
            is_young = now_ms - self._began_ms < PREFLIGHT_YOUNG_MS
            self._next_judgement_ms = now_ms + (_MARK_MS // 2 if is_young else PREFLIGHT_JUDGE_MS)
            found = self._steady.judged(judge(self._facts()), now_ms)
            self._findings = worst_first(found)

    def _has_enough(self, now_ms: int) -> bool:
        """Whether it is time for the report, or a second after that."""
        age_ms = now_ms - self._began_ms
        media_ms = max((gauge.media_ms for gauge in self._gauges()), default=0)
        return age_ms >= PREFLIGHT_MS + (_MARK_MS if media_ms < PREFLIGHT_MEDIA_MS else 0)

    def _watch_clock(self, now_ms: int) -> None:
        for gauge in self._running()[:1]:
            if gauge.jumps and now_ms - gauge.jumps[-1][0] <= PREFLIGHT_JUDGE_MS:
                self._drift.start_again()
            delay_ms = punctual_delay_ms(gauge, _MARKS_A_JUDGEMENT)
            if delay_ms is not None:
                self._drift.add(now_ms, delay_ms)

    def _gauges(self) -> list[Gauge]:
        """All of them, the one that is looked at first at the front."""
        return [kind[number] for kind in (self._videos, self._sounds) for number in sorted(kind)]

    def _running(self) -> list[Gauge]:
        """Those of which something has come."""
        return [gauge for gauge in self._gauges() if gauge.marks]

    def _facts(self) -> Facts:
        facts = Facts(
            tracks=tuple(gauge.facts() for gauge in self._gauges()),
            encoder=self._encoder,
            bitrate_declared=self._bitrate_declared,
            skipped=tuple(self._skipped),
        )
        running = self._running()
        if not running:
            return facts
        first, jumps = running[0], max((gauge.jumps for gauge in running), key=len)
        return replace(
            facts,
            bitrate=bitrate(running),
            bitrate_peak=sum(gauge.bitrate_peak() for gauge in running),
            speed_percent=speed_percent(first),
            burst_ms=burst_ms(first),
            sound_late_ms=lateness_ms(running),
            drift_ms_per_minute=self._drift.per_minute(),
            jumps=len(jumps),
            jump_ms=max((abs(step) for _, step in jumps), default=0),
        )


def _data_rate(value: Value) -> int:
    """Bits a second of a metadata field in thousands of them; 0 of anything else."""
    if isinstance(value, float) and 0 < value < _DATA_RATE_MAX:
        return int(value * 1000)
    return 0
