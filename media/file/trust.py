"""Checks everything that a file's worker says, which a hostile file may have taken over."""

from dataclasses import asdict, dataclass, replace

from config.limits import (
    COMPOSITION_OFFSET_MS_MAX,
    FILE_DISTRUST_STEP_MS_MAX,
    FILE_FRAMES_PER_SECOND_MAX,
    FILE_TICKS_PER_BYTE,
)
from media.captions.captions import Captions
from media.captions.cue import MalformedCaptions
from media.captions.reading import read_captions
from media.file.plan import SOURCE, FilePlan, SoundPlan
from media.ladder import Rung
from media.pictures import Picture, why_unfit
from media.timeline import TIMELINE_START
from media.transcode.protocol import Captioned, Encoded, Opened
from media.transcode.rendition import Rendition
from media.units import VIDEO_TIMESCALE, MediaKind, Packet, Track
from media.wire.bits import MalformedConfiguration
from media.wire.nal import (
    MalformedAccessUnit,
    contains_idr,
    track_from_audio_specific_config,
    track_from_avc_configuration,
)

_TICKS_PER_MS = VIDEO_TIMESCALE // 1000
_STEP_MAX = FILE_DISTRUST_STEP_MS_MAX * _TICKS_PER_MS
_REORDER_MAX = COMPOSITION_OFFSET_MS_MAX * _TICKS_PER_MS
# Before the beginning of the timeline lies only what B-frames and encoders' priming need.
_EARLIEST = TIMELINE_START - _REORDER_MAX - VIDEO_TIMESCALE


class Untrustworthy(ValueError):
    """A worker says what cannot be."""


def longest_end(size: int) -> int:
    """When the media of a file of so many bytes has to be over, in 1/90000 s.

    One second, and what the bytes hold at 1 kbit/s.
    """
    return TIMELINE_START + VIDEO_TIMESCALE + size * FILE_TICKS_PER_BYTE


@dataclass(slots=True)
class _Output:
    """What one output has said so far."""

    name: str
    rendition: Rendition | None = None
    last_dts: int | None = None
    packets: int = 0
    segments: int = 0


class Examiner:
    """Turns what a worker says into what a sink may have."""

    def __init__(self, plan: FilePlan) -> None:
        self._plan = plan
        self._outputs = [_Output(name) for name in plan.outputs]
        self._boundaries = list(plan.boundaries or ())
        self._opened = False
        self._pictures = plan.pictures
        self._sounds = {sound.name: sound for sound in plan.sounds}
        self._captions = dict(enumerate(plan.captions))
        self.progress: dict[str, int] = dict.fromkeys(plan.outputs, 0)

    def opened(self, message: Opened) -> tuple[Rendition, ...]:
        """The renditions that follow.

        Raises:
            Untrustworthy: they are not those of the plan.
        """
        if self._opened or len(message.configurations) != len(self._outputs):
            raise Untrustworthy("it opens something else")
        self._opened = True
        rungs = {rung.name: rung for rung in self._plan.rungs}
        for output, configuration in zip(self._outputs, message.configurations, strict=True):
            output.rendition = self._rendition(output.name, configuration, rungs.get(output.name))
        return tuple(one.rendition for one in self._outputs if one.rendition is not None)

    def packet(self, message: Encoded) -> tuple[str, Packet] | None:
        """A packet of a rendition; None for one that lies beyond the end.

        Raises:
            Untrustworthy: it is not what can come next.
        """
        if not self._opened or message.rung >= len(self._outputs):
            raise Untrustworthy("it sends packets of something unknown")
        output = self._outputs[message.rung]
        assert output.rendition is not None
        timescale = output.rendition.track.timescale
        pts, dts = (time * VIDEO_TIMESCALE // timescale for time in (message.pts, message.dts))
        if pts >= self._plan.end:
            return None
        self._check_times(output, dts, pts)
        self._check_pace(output, dts)
        if output.rendition.track.kind is MediaKind.VIDEO:
            self._check_segment(output, message)
        elif message.boundary:
            raise Untrustworthy("sound begins no segments")
        output.last_dts = dts
        self.progress[output.name] = max(self.progress[output.name], pts)
        return output.name, Packet(
            dts=message.dts,
            pts=message.pts,
            duration=message.duration,
            keyframe=message.keyframe,
            data=message.data,
            boundary=message.boundary,
        )

    def picture(self, picture: Picture) -> Picture:
        """A poster or a sheet.

        Raises:
            Untrustworthy: it is none, or not the next.
        """
        if self._pictures is None or not self._opened:
            raise Untrustworthy("no pictures are asked for")
        flaw = why_unfit(picture) or self._pictures.why_foreign(picture, self._plan.end)
        if flaw is not None:
            raise Untrustworthy(flaw)
        self._pictures = self._pictures.after(picture)
        return picture

    def captions(self, message: Captioned) -> Captions:
        """Captions of the file, with the cues that begin before its end.

        Raises:
            Untrustworthy: they are not asked for, or no captions.
        """
        plan = self._captions.pop(message.number, None)
        if plan is None or not self._opened:
            raise Untrustworthy("no such captions are asked for")
        try:
            cues = read_captions(message.body)
        except MalformedCaptions as reason:
            raise Untrustworthy(f"captions {plan.key}: {reason}") from reason
        end_ms = (self._plan.end - TIMELINE_START) // _TICKS_PER_MS
        return Captions(**asdict(plan), cues=tuple(one for one in cues if one.start_ms < end_ms))

    def _rendition(self, name: str, configuration: bytes, rung: Rung | None) -> Rendition:
        try:
            if name in self._sounds:
                return _sound(self._sounds[name], track_from_audio_specific_config(configuration))
            track = track_from_avc_configuration(configuration)
        except MalformedConfiguration as reason:
            raise Untrustworthy(f"{name}: {reason}") from reason
        track = replace(track, frame_rate=self._plan.frame_rate)
        if rung is None:
            return Rendition(SOURCE, track, 0, passed_through=True)
        if (track.width, track.height) != (rung.width, rung.height):
            raise Untrustworthy(f"{name} has {track.width}x{track.height} pixels")
        return Rendition(name, track, rung.bitrate_max, passed_through=False)

    def _check_times(self, output: _Output, dts: int, pts: int) -> None:
        if not _EARLIEST <= dts <= pts <= dts + _REORDER_MAX + _STEP_MAX:
            raise Untrustworthy(f"{output.name} has a packet for {pts}, to be decoded at {dts}")
        last = TIMELINE_START if output.last_dts is None else output.last_dts
        if output.last_dts is not None and dts <= last:
            raise Untrustworthy(f"{output.name} goes back in time")
        if dts > last + _STEP_MAX:
            raise Untrustworthy(f"{output.name} leaves out {dts - last} ticks")

    def _check_pace(self, output: _Output, dts: int) -> None:
        """Twice as many packets as there can be are too many."""
        output.packets += 1
        seconds = max(0, dts - TIMELINE_START) // VIDEO_TIMESCALE + 2
        if output.packets > 2 * FILE_FRAMES_PER_SECOND_MAX * seconds:
            raise Untrustworthy(f"{output.name} has too many packets")

    def _check_segment(self, output: _Output, message: Encoded) -> None:
        """All video begins its segments at the same times, with pictures to start at."""
        if not message.boundary:
            if output.segments == 0:
                raise Untrustworthy(f"{output.name} begins outside of a segment")
            return
        if not message.keyframe or not _is_refresh(message.data):
            raise Untrustworthy(f"{output.name} begins a segment where nobody can start")
        number = output.segments
        output.segments += 1
        if number < len(self._boundaries):
            if self._boundaries[number] != message.pts:
                raise Untrustworthy(f"{output.name} begins a segment at {message.pts}")
        elif self._plan.boundaries is not None:
            raise Untrustworthy(f"{output.name} has more segments than there are")
        elif self._boundaries and message.pts <= self._boundaries[-1]:
            raise Untrustworthy(f"{output.name} goes back in time")
        else:
            self._boundaries.append(message.pts)


def _sound(plan: SoundPlan, track: Track) -> Rendition:
    if track.sample_rate != plan.sample_rate or track.channels != plan.channels:
        raise Untrustworthy("its sound is not what was asked for")
    track = replace(track, language=plan.language, label=plan.label)
    return Rendition(plan.name, track, plan.bit_rate, passed_through=plan.copied)


def _is_refresh(data: bytes) -> bool:
    try:
        return contains_idr(data)
    except MalformedAccessUnit:
        return False
