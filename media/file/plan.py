"""What one pass through a file makes of it."""

import json
from dataclasses import asdict, dataclass, replace
from math import gcd
from typing import Any

from config.limits import FILE_AUDIO_COPY_BITS_MAX
from media.file.caption_plan import CaptionPlan, plan_captions
from media.file.description import AudioDescription, FileDescription, VideoDescription
from media.ladder import Rung, bitrate_max, encoded_rungs, why_not_passed_through
from media.timeline import TIMELINE_START
from media.transcode.colours import is_wide, shown_appearance
from media.transcode.observation import keyframe_interval_max, keyframes_too_rare
from media.transcode.picture_plan import PicturePlan, file_pictures
from media.transcode.plan import SEGMENT_TICKS, EncoderSettings
from media.transcode.protocol import Appearance
from media.units import VIDEO_TIMESCALE
from media.wire.nal import (
    MalformedConfiguration,
    parse_avc_configuration,
    parse_sequence_parameter_set,
)

SOURCE = "source"
AUDIO = "audio"

_FRAME_RATE_MAX = 60
# A rate is measured, so it may be a little above what it is meant to be.
_FRAME_RATE_TOLERANCE = 61
# A source that takes so many times the bits of a rung is encoded, or few could watch it.
_COPY_BITRATE_FACTOR = 3
_LONG_SIDE_MAX = 4096
# An aspect ratio beyond this is a slip.
_ASPECT_MAX = 4

FILE_ENCODER = EncoderSettings(preset="veryfast", b_frames=3)
"""Nobody waits for a file's pictures as they do for a live stream's."""

_SAMPLE_RATES = (48_000, 44_100)
_BITS_PER_CHANNEL = 80_000
_BITS_MONO = 96_000


class MalformedFilePlan(ValueError):
    """The bytes are no plan."""


@dataclass(frozen=True, slots=True)
class SoundPlan:
    """A track of sound to make: the file's own packets, or AAC in `channels` at `bit_rate`.

    Attributes:
        track: which of the description's sounds it is made of.
    """

    copied: bool
    sample_rate: int
    channels: int
    bit_rate: int
    track: int = 0
    language: str = ""
    label: str = ""

    @property
    def name(self) -> str:
        """Of the rendition."""
        return sound_name(self.track)


def sound_name(track: int) -> str:
    """The rendition that a file's sound becomes: `audio`, then `audio-2`."""
    return f"{AUDIO}-{track + 1}" if track else AUDIO


@dataclass(frozen=True, slots=True)
class FilePlan:
    """One pass: one decode, and what is made of it.

    Attributes:
        rungs: to encode, highest first.
        copies_video: the file's own packets become the rendition `source`, and its keyframes are
            where segments begin.
        sounds: those to make.
        captions: how those are called that are to be told; none in later passes.
        boundaries: where segments begin, as an earlier pass left it; None to measure or take them
            from the copied video.
        stride: of so many pictures one is encoded.
        wide: colours have to be mapped to those of an ordinary screen.
        appearance: of what is encoded.
        end: nothing is made of what comes after, in 1/90000 s.
        pictures: poster and sheets to make; None for none.
    """

    rungs: tuple[Rung, ...]
    copies_video: bool
    sounds: tuple[SoundPlan, ...]
    boundaries: tuple[int, ...] | None
    segment_ticks: int
    frame_rate: tuple[int, int]
    stride: int
    wide: bool
    appearance: Appearance
    end: int
    encoder: EncoderSettings
    pictures: PicturePlan | None
    captions: tuple[CaptionPlan, ...] = ()

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of what is made, in the order in which the worker counts them."""
        names = [rung.name for rung in self.rungs]
        if self.copies_video:
            names.append(SOURCE)
        names += [sound.name for sound in self.sounds]
        return tuple(names)


@dataclass(frozen=True, slots=True)
class FileSettings:
    """How files are transcoded.

    Attributes:
        segment_ticks: segment duration to aim at, in 1/90000 s.
        jail_minimum: the least of `media.jail.level.Level` that is accepted.
        short_ticks: files up to this are done in one pass.
        pass_through: hand on the file's own packets where players can take them.
    """

    segment_ticks: int = SEGMENT_TICKS
    encoder: EncoderSettings = FILE_ENCODER
    jail_minimum: int = 0
    short_ticks: int = 60 * VIDEO_TIMESCALE
    pass_through: bool = True


@dataclass(frozen=True, slots=True)
class Resume:
    """What earlier passes left: where their segments begin, and which renditions they made."""

    boundaries: tuple[int, ...]
    renditions: tuple[str, ...]


def why_encoded(video: VideoDescription, settings: FileSettings) -> str | None:
    """Why the file's own pictures do not become a rendition; None when they do."""
    if not settings.pass_through:
        return "sources are never passed through"
    if not video.configuration:
        return f"{video.codec} does not play everywhere"
    return video.copy_flaw or _why_not_as_packets(video, settings)


def _why_not_as_packets(video: VideoDescription, settings: FileSettings) -> str | None:
    if video.turn or video.mirrored:
        return "its pictures have to be turned"
    if _stride(video.frame_rate) > 1:
        return "it has more pictures a second than screens show"
    if video.refresh_interval > keyframe_interval_max(settings.segment_ticks):
        return keyframes_too_rare(settings.segment_ticks)
    bits = video.size * 8 * VIDEO_TIMESCALE // max(1, video.end - video.start)
    if bits > _COPY_BITRATE_FACTOR * bitrate_max(video.width, video.height, video.frame_rate):
        return f"its {bits // 1000} kbit/s are too many for most viewers"
    return _why_not_by_configuration(video)


def _why_not_by_configuration(video: VideoDescription) -> str | None:
    try:
        configuration = parse_avc_configuration(video.configuration)
        sequence = parse_sequence_parameter_set(configuration.sequence_sets[0])
    except MalformedConfiguration as reason:
        return f"its configuration cannot be read: {reason}"
    if video.interlaced or not sequence.progressive:
        return "its pictures are interlaced"
    square = sequence.sample_aspect_ratio == (1, 1) and _aspect(video.appearance) == (1, 1)
    if not square:
        return "its pixels are not square"
    return why_not_passed_through(sequence)


def display_size(video: VideoDescription) -> tuple[int, int]:
    """Width and height in square pixels, turned as it is to be shown."""
    across, down = _aspect(video.appearance)
    width, height = max(1, video.width * across // down), video.height
    longest = max(width, height)
    if longest > _LONG_SIDE_MAX:
        width = max(1, width * _LONG_SIDE_MAX // longest)
        height = max(1, height * _LONG_SIDE_MAX // longest)
    return (height, width) if video.turn in (90, 270) else (width, height)


def all_rungs(video: VideoDescription, settings: FileSettings) -> tuple[Rung, ...]:
    """The rungs that a file deserves beside its own packets, highest first."""
    width, height = display_size(video)
    numerator, denominator = video.frame_rate
    rate = (numerator, denominator * _stride(video.frame_rate))
    passed_through = why_encoded(video, settings) is None
    return encoded_rungs(width, height, rate, passed_through=passed_through)


def all_outputs(description: FileDescription, settings: FileSettings, end: int) -> tuple[str, ...]:
    """Names of all that is made of a file in the end.

    Args:
        end: as for `plan_pass`.
    """
    names: list[str] = []
    if description.video is not None:
        names += [rung.name for rung in all_rungs(description.video, settings)]
        if why_encoded(description.video, settings) is None:
            names.append(SOURCE)
    names += [sound.name for sound in plan_sounds(description, end)]
    return tuple(names)


def plan_pass(
    description: FileDescription, settings: FileSettings, resume: Resume | None, end: int
) -> FilePlan:
    """What the next pass makes.

    The first pass through a long file makes what can be watched soonest: sound, the file's own
    pictures where they need no encoder, and the smallest rung.

    Args:
        resume: what earlier passes left; None for the first one.
        end: nothing may be made of what comes after, in 1/90000 s.
    """
    video, done = description.video, () if resume is None else resume.renditions
    rungs: tuple[Rung, ...] = ()
    copied = False
    if video is not None:
        rungs = tuple(one for one in all_rungs(video, settings) if one.name not in done)
        copied = SOURCE not in done and why_encoded(video, settings) is None
        if resume is None and description.end - TIMELINE_START > settings.short_ticks:
            rungs = rungs[-1:]
    first = resume is None
    return FilePlan(
        rungs=rungs,
        copies_video=copied,
        sounds=tuple(one for one in plan_sounds(description, end) if one.name not in done),
        boundaries=None if resume is None else resume.boundaries,
        segment_ticks=settings.segment_ticks,
        frame_rate=_halved(video) if video else (0, 1),
        stride=_stride(video.frame_rate) if video else 1,
        wide=video is not None and is_wide(video.appearance),
        appearance=shown_appearance(video.appearance) if video else Appearance(),
        end=min(end, description.end),
        encoder=settings.encoder,
        pictures=file_pictures(description.end - TIMELINE_START) if first and video else None,
        captions=plan_captions(description.texts) if first else (),
    )


def plan_sounds(description: FileDescription, end: int) -> tuple[SoundPlan, ...]:
    """What becomes of each track of sound; of one that begins only after `end` nothing does."""
    return tuple(
        replace(
            plan_sound(audio), track=index, language=audio.language, label=audio.label
        )
        for index, audio in enumerate(description.sounds)
        if audio.start < end
    )  # fmt: skip


def plan_sound(audio: AudioDescription) -> SoundPlan:
    """Copy clean AAC, encode the rest in stereo or mono."""
    seconds_bits = audio.size * 8 * VIDEO_TIMESCALE
    clean = len(audio.configuration) > 0 and not audio.copy_flaw
    if clean and seconds_bits <= FILE_AUDIO_COPY_BITS_MAX * max(1, audio.end - audio.start):
        return SoundPlan(True, audio.sample_rate, audio.channels, 0)
    channels = min(audio.channels, 2)
    rate = audio.sample_rate if audio.sample_rate in _SAMPLE_RATES else _SAMPLE_RATES[0]
    bits = _BITS_MONO if channels == 1 else channels * _BITS_PER_CHANNEL
    return SoundPlan(False, rate, channels, bits)


def plan_to_bytes(plan: FilePlan) -> bytes:
    """A plan as JSON."""
    return json.dumps(asdict(plan)).encode()


def plan_from_bytes(data: bytes) -> FilePlan:
    """The plan that `plan_to_bytes` wrote.

    Raises:
        MalformedFilePlan: something is missing, unknown or of another shape.
    """
    try:
        fields: dict[str, Any] = json.loads(data)
        numerator, denominator = fields.pop("frame_rate")
        pictures, boundaries = fields.pop("pictures"), fields.pop("boundaries")
        return FilePlan(
            rungs=tuple(Rung(**rung) for rung in fields.pop("rungs")),
            sounds=tuple(SoundPlan(**sound) for sound in fields.pop("sounds")),
            captions=tuple(CaptionPlan(**one) for one in fields.pop("captions")),
            boundaries=None if boundaries is None else tuple(boundaries),
            frame_rate=(numerator, denominator),
            appearance=Appearance(**fields.pop("appearance")),
            encoder=EncoderSettings(**fields.pop("encoder")),
            pictures=None if pictures is None else PicturePlan(**pictures),
            **fields,
        )
    except (ValueError, TypeError, KeyError, AttributeError) as reason:
        raise MalformedFilePlan(str(reason)) from reason


def _aspect(appearance: Appearance) -> tuple[int, int]:
    """Shape of a pixel, reduced; (1, 1) for one that cannot be meant."""
    across, down = appearance.aspect_width, appearance.aspect_height
    if across > _ASPECT_MAX * down or down > _ASPECT_MAX * across:
        return 1, 1
    divisor = gcd(across, down)
    return across // divisor, down // divisor


def _stride(frame_rate: tuple[int, int]) -> int:
    numerator, denominator = frame_rate
    if numerator <= _FRAME_RATE_TOLERANCE * denominator:
        return 1
    return -(-numerator // (_FRAME_RATE_MAX * denominator))


def _halved(video: VideoDescription) -> tuple[int, int]:
    numerator, denominator = video.frame_rate
    return numerator, denominator * _stride(video.frame_rate)
