"""Says what an open file's tracks are, from what libav knows and what was read of them."""

from fractions import Fraction

from av.audio.codeccontext import AudioCodecContext
from av.rational import AVRational
from av.stream import Disposition, Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from media.file.copying import audio_flaw
from media.file.description import AudioDescription, TextDescription
from media.file.placement import PlacedTrack
from media.transcode.observation import usual_rate
from media.transcode.protocol import Appearance
from media.units import VIDEO_TIMESCALE

_ASPECT_PART_MAX = 0xFFFF
_BYTE_MAX = 0xFF
_FULL_RANGE = 2  # AVCOL_RANGE_JPEG
# Of a title; more is not shown.
_SAID_MAX = 200


def sound_description(
    stream: Stream, track: PlacedTrack, size: int, largest: int
) -> AudioDescription:
    """A track of sound whose packets have `size` bytes together, the largest of them `largest`."""
    context = stream.codec_context
    assert isinstance(context, AudioCodecContext)
    extradata = context.extradata or b""
    flaw = audio_flaw(context.name, extradata, context.sample_rate, largest)
    return AudioDescription(
        codec=context.name,
        sample_rate=context.sample_rate,
        channels=context.channels,
        start=track.start,
        end=track.end,
        size=size,
        configuration=b"" if flaw else extradata,
        copy_flaw=flaw[:200],
        language=_said(stream, "language"),
        label=_said(stream, "title", "name"),
    )


def text_description(stream: Stream) -> TextDescription:
    """A track of captions."""
    return TextDescription(
        language=_said(stream, "language"),
        label=_said(stream, "title", "name"),
        default=bool(stream.disposition & Disposition.default),
        forced=bool(stream.disposition & Disposition.forced),
    )


def _said(stream: Stream, *names: str) -> str:
    """What the file says of a track, by the first of these names."""
    said = (stream.metadata.get(name, "") for name in names)
    return next(filter(None, said), "")[:_SAID_MAX]


def ticks_of(stream: Stream) -> Fraction:
    """So many of 1/90000 s is one of the track's own; 0 when unknown."""
    return _fraction(stream.time_base) * VIDEO_TIMESCALE


def _fraction(ratio: "AVRational | None") -> Fraction:
    """0 for what is unknown."""
    return (
        Fraction(ratio.numerator, ratio.denominator) if ratio and ratio.denominator else Fraction()
    )


def picture_rate(stream: VideoStream, packets: int, track: PlacedTrack) -> tuple[int, int]:
    """What the track claims if that is about what is there, else what is there."""
    duration = track.end - track.start
    if packets < 2 or duration <= 0:
        return (0, 1)
    measured = Fraction(packets * VIDEO_TIMESCALE, duration)
    claimed = _fraction(stream.average_rate)
    if claimed and abs(claimed - measured) * 50 <= measured:
        return usual_rate(claimed)
    return usual_rate(measured)


def appearance_of(stream: VideoStream, frame: VideoFrame) -> Appearance:
    """How pictures are to be shown, by one of them."""
    aspect = (_fraction(stream.sample_aspect_ratio) or Fraction(1)).limit_denominator(
        _ASPECT_PART_MAX
    )
    fits = 0 < aspect.numerator <= _ASPECT_PART_MAX
    full = frame.format.name.startswith("yuvj")
    return Appearance(
        color_range=_FULL_RANGE if full else frame.color_range,
        primaries=frame.color_primaries & _BYTE_MAX,
        transfer=frame.color_trc & _BYTE_MAX,
        matrix=frame.colorspace & _BYTE_MAX,
        aspect_width=aspect.numerator if fits else 1,
        aspect_height=aspect.denominator if fits else 1,
    )
