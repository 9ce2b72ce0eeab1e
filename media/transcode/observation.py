"""What a source turns out to be, from its first packets."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from statistics import median_low

from config.limits import KEYFRAME_WAIT_MS_MAX, OBSERVED_PACKETS_MAX, TRACK_WAIT_MS_MAX
from media.ladder import why_track_is_not_passed_through
from media.transcode.decoding import why_not_decoded
from media.transcode.keyframes import are_too_rare, keyframe_interval_max, keyframes_too_rare
from media.transcode.sent_ladder import (
    LadderVerdict,
    SentTrack,
    first_common_keyframe,
    from_keyframe,
    judge_ladder,
    sent_tracks,
)
from media.transcode.sent_sound import SentSound, SourceSound, sent_sounds
from media.transcode.source_picture import SourcePicture
from media.units import VIDEO_TIMESCALE, Track

__all__ = [
    "Decision",
    "Observation",
    "SourcePicture",
    "Verdict",
    "frame_rate",
    "keyframe_interval_max",
    "keyframes_too_rare",
    "usual_rate",
]

_TICKS_PER_MS = VIDEO_TIMESCALE // 1000
# Pictures that tell their rate, where nothing else has to be found out.
_PRESUMED_PICTURES_MIN = 6
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
class Verdict:
    """Whether the source's own packets become renditions; `reason` says why not.

    Attributes:
        ladder: all video tracks do, each one rendition.
    """

    passed_through: bool
    reason: str = ""
    ladder: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be made of a source.

    Attributes:
        video: the track that is shown, the default one of a ladder.
        sounds: the tracks of sound that are heard, the default one first.
        verdict: None when there is no video.
        number: of the track that is shown.
        ladder: all video tracks, when the encoder sends a ladder that is passed through.
    """

    video: Track | None
    sounds: tuple[SentSound, ...]
    verdict: Verdict | None
    number: int = 0
    ladder: tuple[SentTrack, ...] = ()

    @property
    def audio(self) -> Track | None:
        """The default track of sound."""
        return self.sounds[0].track if self.sounds else None


class Observation:
    """Holds a source's packets until it is clear what to make of them.

    Video before its first keyframe is left out: nobody can decode it.

    Attributes:
        held: packets in the order in which they came; with a decision, only those that it needs.
    """

    def __init__(
        self, segment_ticks: int, verdict: Verdict | None = None, *, presumed: bool = False
    ) -> None:
        """Start to observe.

        Args:
            segment_ticks: keyframes have to come at least about as often to be passed through.
            verdict: known from earlier packets of the same tracks.
            presumed: keyframes of the track before came often enough, so these are taken to as
                well: its viewers wait, and are not to wait for the next keyframe.
        """
        self._segment_ticks = segment_ticks
        self._verdict = verdict
        self._presumed = presumed
        self._oldest: int | None = None
        self._newest = 0
        self._pictures: dict[int, list[SourcePicture]] = {}
        self.held: list[SourcePicture | SourceSound] = []

    def video(self, picture: SourcePicture) -> None:
        self._measure(picture.packet.dts)
        if picture.number in self._pictures or picture.packet.keyframe:
            self._pictures.setdefault(picture.number, []).append(picture)
            self.held.append(picture)

    def audio(self, sound: SourceSound, timescale: int) -> None:
        self._measure(sound.packet.dts * VIDEO_TIMESCALE // timescale)
        self.held.append(sound)

    def forget(self, number: int, verdict: Verdict | None) -> None:
        """A video track is new or has changed: what was held of it is of no use.

        Args:
            verdict: what is known of the tracks now.
        """
        self._verdict = verdict
        self._pictures.pop(number, None)
        self._keep(lambda one: one.number != number)

    def decide(
        self, videos: Mapping[int, Track], sounds: Mapping[int, Track], *, ended: bool = False
    ) -> Decision | None:
        """What to make of the source, with the tracks known so far; None to observe on.

        Args:
            videos, sounds: what was announced, by number.
            ended: there is nothing more to observe.
        """
        audio = sent_sounds(sounds)
        span = 0 if self._oldest is None else self._newest - self._oldest
        full = len(self.held) >= OBSERVED_PACKETS_MAX * max(1, len(videos))
        waited = ended or full or span >= _TRACK_WAIT
        shown = {number: track for number, track in videos.items() if number in self._pictures}
        if not shown:
            patience = _KEYFRAME_WAIT if videos else _TRACK_WAIT
            alone = bool(audio) and (ended or full or span >= patience)
            return Decision(None, audio, None) if alone else None
        if not audio and not waited:
            return None
        if len(videos) == 1:
            return self._decide_on_one(min(shown), shown, audio, ended=ended or full)
        if not waited and self._verdict is None:
            return None
        overdue = full or span >= _KEYFRAME_WAIT
        if len(shown) < len(videos) and not (ended or overdue):
            return None
        return self._decide_on_many(shown, audio, ended=ended, overdue=overdue)

    def _decide_on_one(
        self,
        number: int,
        shown: Mapping[int, Track],
        audio: tuple[SentSound, ...],
        *,
        ended: bool,
        why: str = "",
    ) -> Decision | None:
        """Go on with one track; `why` says why not with the others."""
        pictures = self._pictures[number]
        known = ended or (self._presumed and len(pictures) >= _PRESUMED_PICTURES_MIN)
        verdict = self._verdict or _judge(shown[number], pictures, self._segment_ticks, ended=known)
        if verdict is None:
            return None
        if why:
            reason = "; ".join(filter(None, (why, verdict.reason)))
            verdict = replace(verdict, reason=reason)
        self._keep(lambda one: one.number == number)
        video = replace(shown[number], frame_rate=frame_rate(shown[number], pictures))
        return Decision(video, audio, replace(verdict, ladder=False), number)

    def _decide_on_many(
        self,
        shown: Mapping[int, Track],
        audio: tuple[SentSound, ...],
        *,
        ended: bool,
        overdue: bool,
    ) -> Decision | None:
        """All of them as they are, or else the largest alone."""
        largest = _largest(shown)
        if len(shown) == 1 or (self._verdict is not None and not self._verdict.ladder):
            return self._decide_on_one(largest, shown, audio, ended=ended or overdue)
        pictures = {number: self._pictures[number] for number in shown}
        verdict = self._judge_ladder(shown, pictures, ended=ended, overdue=overdue)
        if verdict is None:
            return None
        if verdict.reason:
            self._verdict = None
            size = f"{shown[largest].width}x{shown[largest].height}"
            why = f"only video track {largest} ({size}) is used, because {verdict.reason}"
            return self._decide_on_one(largest, shown, audio, ended=ended or overdue, why=why)
        kept = {id(one) for each in pictures.values() for one in from_keyframe(each, verdict.start)}
        self._keep(lambda one: id(one) in kept)
        tracks = {
            number: replace(track, frame_rate=frame_rate(track, pictures[number]))
            for number, track in shown.items()
        }
        default = min(tracks)
        passed = Verdict(passed_through=True, ladder=True)
        return Decision(tracks[default], audio, passed, default, sent_tracks(tracks))

    def _judge_ladder(
        self,
        shown: Mapping[int, Track],
        pictures: Mapping[int, Sequence[SourcePicture]],
        *,
        ended: bool,
        overdue: bool,
    ) -> LadderVerdict | None:
        if self._verdict is not None:
            # Known from before the epoch was renewed: they only have to begin together.
            start = first_common_keyframe(pictures)
            if start is not None:
                return LadderVerdict(start)
        return judge_ladder(shown, pictures, self._segment_ticks, ended=ended, overdue=overdue)

    def _keep(self, wanted: Callable[[SourcePicture], bool]) -> None:
        """Forget pictures that nobody wants."""
        self.held = [one for one in self.held if isinstance(one, SourceSound) or wanted(one)]

    def _measure(self, time: int) -> None:
        self._oldest = time if self._oldest is None else min(self._oldest, time)
        self._newest = max(self._newest, time)


def _largest(tracks: Mapping[int, Track]) -> int:
    """The number of the largest track of those that can be encoded again, if any can."""

    def rank(number: int) -> tuple[bool, int, int]:
        width, height = tracks[number].width, tracks[number].height
        return why_not_decoded(width, height) is not None, -width * height, number

    return min(tracks, key=rank)


def _judge(
    video: Track, pictures: Sequence[SourcePicture], segment_ticks: int, *, ended: bool
) -> Verdict | None:
    reason = why_track_is_not_passed_through(video)
    if reason is None and not pictures[0].refresh:
        reason = "its keyframes are not places where a player can start"
    if reason is not None:
        return _encoded(video, f"{reason}, so it is encoded again")
    refreshed = [one.packet.pts for one in pictures if one.refresh]
    newest = max(one.packet.pts for one in pictures)
    if are_too_rare(refreshed, newest, segment_ticks):
        return _encoded(video, keyframes_too_rare(segment_ticks))
    return Verdict(passed_through=True) if len(refreshed) > 1 or ended else None


def _encoded(video: Track, reason: str) -> Verdict:
    too_large = why_not_decoded(video.width, video.height)
    return Verdict(passed_through=False, reason=too_large or reason)


def frame_rate(video: Track, pictures: Sequence[SourcePicture]) -> tuple[int, int]:
    """The rate that the track declares when it is a sane one, else the observed one."""
    numerator, denominator = video.frame_rate
    if 0 < numerator <= _FRAME_RATE_MAX * denominator:
        return video.frame_rate
    # Later ones may still lack neighbours that refer to them.
    complete = max((one.packet.dts for one in pictures), default=0)
    times = sorted(one.packet.pts for one in pictures if one.packet.pts <= complete)
    steps = [later - earlier for earlier, later in pairwise(times) if later > earlier]
    if not steps:
        return (0, 1)
    mean = Fraction(sum(steps), len(steps))
    typical = mean if abs(mean - median_low(steps)) < mean / 4 else median_low(steps)
    return usual_rate(VIDEO_TIMESCALE / Fraction(typical))


def usual_rate(measured: Fraction) -> tuple[int, int]:
    """The rate that cameras and encoders use next to a measured one, else a whole number."""
    nearest = min(_USUAL_RATES, key=lambda rate: abs(rate - measured))
    if abs(nearest - measured) <= measured * _RATE_TOLERANCE:
        return nearest.as_integer_ratio()
    return (max(1, round(measured)), 1)
