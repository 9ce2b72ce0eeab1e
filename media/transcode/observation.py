"""What a source turns out to be, from its first packets."""

from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from statistics import median_low

from config.limits import KEYFRAME_WAIT_MS_MAX, OBSERVED_PACKETS_MAX, TRACK_WAIT_MS_MAX
from media.ladder import why_not_passed_through
from media.units import VIDEO_TIMESCALE, Packet, Track
from media.wire.nal import (
    MalformedConfiguration,
    parse_avc_configuration,
    parse_sequence_parameter_set,
)

_TICKS_PER_MS = VIDEO_TIMESCALE // 1000
_TRACK_WAIT = TRACK_WAIT_MS_MAX * _TICKS_PER_MS
_KEYFRAME_WAIT = KEYFRAME_WAIT_MS_MAX * _TICKS_PER_MS

# Rates that cameras and encoders use; a measured one this near (1 %) to one of them is that one.
_USUAL_RATES = tuple(
    Fraction(rate)
    for rate in ("24000/1001", "24", "25", "30000/1001", "30", "48", "50", "60000/1001", "60")
)
_RATE_TOLERANCE = Fraction(1, 100)
_FRAME_RATE_MAX = 240


@dataclass(frozen=True, slots=True)
class SourcePicture:
    """What is known of a video packet beyond its times.

    Attributes:
        refresh: it holds an IDR picture, where a decoder can start afresh (ITU-T H.264, 3.69).
    """

    packet: Packet
    refresh: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the source's own packets become a rendition; `reason` says why not."""

    passed_through: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be made of a source. `verdict` is None when there is no video."""

    video: Track | None
    audio: Track | None
    verdict: Verdict | None


class Observation:
    """Holds a source's packets until it is clear what to make of them.

    Video before its first keyframe is left out: nobody can decode it.
    """

    def __init__(self, segment_ticks: int, verdict: Verdict | None = None) -> None:
        """Start to observe.

        Args:
            segment_ticks: keyframes have to come at least about as often to be passed through.
            verdict: known from earlier packets of the same track.
        """
        self._segment_ticks = segment_ticks
        self._verdict = verdict
        self._oldest: int | None = None
        self._newest = 0
        self._pictures: list[SourcePicture] = []
        self.held: list[SourcePicture | Packet] = []

    def video(self, picture: SourcePicture) -> None:
        self._measure(picture.packet.dts)
        if self._pictures or picture.packet.keyframe:
            self._pictures.append(picture)
            self.held.append(picture)

    def audio(self, packet: Packet, timescale: int) -> None:
        self._measure(packet.dts * VIDEO_TIMESCALE // timescale)
        self.held.append(packet)

    def decide(
        self, video: Track | None, audio: Track | None, *, ended: bool = False
    ) -> Decision | None:
        """What to make of the source, with the tracks known so far; None to observe on.

        Args:
            video, audio: what was announced.
            ended: there is nothing more to observe.
        """
        span = 0 if self._oldest is None else self._newest - self._oldest
        ended = ended or len(self.held) >= OBSERVED_PACKETS_MAX
        waited = ended or span >= _TRACK_WAIT
        if video is None or not self._pictures:
            patience = _TRACK_WAIT if video is None else _KEYFRAME_WAIT
            alone = audio is not None and (ended or span >= patience)
            return Decision(None, audio, None) if alone else None
        if audio is None and not waited:
            return None
        video = replace(video, frame_rate=self._frame_rate(video))
        verdict = self._verdict or self._judge(video, ended=ended)
        return None if verdict is None else Decision(video, audio, verdict)

    def _measure(self, time: int) -> None:
        self._oldest = time if self._oldest is None else min(self._oldest, time)
        self._newest = max(self._newest, time)

    def _judge(self, video: Track, *, ended: bool) -> Verdict | None:
        reason = _why_not(video)
        if reason is None and not self._pictures[0].refresh:
            reason = "its keyframes are not places where a player can start"
        if reason is not None:
            return Verdict(passed_through=False, reason=reason)
        refreshed = [one.packet.pts for one in self._pictures if one.refresh]
        longest = keyframe_interval_max(self._segment_ticks)
        newest = max(one.packet.pts for one in self._pictures)
        pairs = zip(refreshed, [*refreshed[1:], newest], strict=True)
        if any(later - earlier > longest for earlier, later in pairs):
            return Verdict(passed_through=False, reason=keyframes_too_rare(self._segment_ticks))
        return Verdict(passed_through=True) if len(refreshed) > 1 or ended else None

    def _frame_rate(self, video: Track) -> tuple[int, int]:
        """The rate that the track declares when it is a sane one, else the observed one."""
        numerator, denominator = video.frame_rate
        if 0 < numerator <= _FRAME_RATE_MAX * denominator:
            return video.frame_rate
        times = sorted(one.packet.pts for one in self._pictures)
        steps = [later - earlier for earlier, later in pairwise(times) if later > earlier]
        if not steps:
            return (0, 1)
        mean = Fraction(sum(steps), len(steps))
        typical = mean if abs(mean - median_low(steps)) < mean / 4 else median_low(steps)
        return usual_rate(VIDEO_TIMESCALE / Fraction(typical))


def keyframe_interval_max(segment_ticks: int) -> int:
    """How far apart keyframes of a source that is passed through may be."""
    return segment_ticks * 5 // 4


def keyframes_too_rare(segment_ticks: int) -> str:
    """Tell a creator why the source has to be encoded again."""
    seconds = segment_ticks // VIDEO_TIMESCALE
    return f"set the keyframe interval to {seconds} s, and your own picture is passed through"


def _why_not(video: Track) -> str | None:
    try:
        configuration = parse_avc_configuration(video.extradata)
        sequence = parse_sequence_parameter_set(configuration.sequence_sets[0])
    except MalformedConfiguration as reason:
        return f"its configuration cannot be read: {reason}"
    return why_not_passed_through(sequence)


def usual_rate(measured: Fraction) -> tuple[int, int]:
    """The rate that cameras and encoders use next to a measured one, else a whole number."""
    nearest = min(_USUAL_RATES, key=lambda rate: abs(rate - measured))
    if abs(nearest - measured) <= measured * _RATE_TOLERANCE:
        return nearest.as_integer_ratio()
    return (max(1, round(measured)), 1)
