"""Small real H.264 and AAC streams for tests, encoded by PyAV on the packager's timeline."""

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from io import BytesIO
from typing import Any

import av
import numpy

from media.units import VIDEO_TIMESCALE, Packet, Track
from media.wire.aac import track_from_audio_specific_config
from media.wire.nal import (
    annex_b_to_length_prefixed,
    avc_configuration_from_annex_b,
    track_from_avc_configuration,
)

type Encoded = av.Packet[Any]

START_S = 10
"""Where the timeline of a test starts, as in the program."""


@dataclass(frozen=True)
class Clip:
    track: Track
    packets: tuple[Packet, ...]


@cache
def video_clip(
    width: int = 64,
    height: int = 48,
    *,
    seconds: int = 8,
    rate: int = 25,
    keyframe_every: int = 50,
    b_frames: int = 0,
) -> Clip:
    """Every keyframe is a boundary."""
    context = av.CodecContext.create("libx264", "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.framerate, context.time_base = Fraction(rate), Fraction(1, VIDEO_TIMESCALE)
    context.flags |= av.codec.context.Flags.global_header
    context.options = {
        "preset": "ultrafast",
        "g": str(keyframe_every),
        "sc_threshold": "0",
        "bf": str(b_frames),
        "threads": "1",
    }
    encoded: list[Encoded] = []
    ticks = VIDEO_TIMESCALE // rate
    for index in range(seconds * rate):
        picture = numpy.full((height, width, 3), index * 3 % 256, dtype=numpy.uint8)
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
        frame.pts = START_S * VIDEO_TIMESCALE + index * ticks
        frame.time_base = Fraction(1, VIDEO_TIMESCALE)
        encoded += context.encode(frame)
    encoded += context.encode(None)
    assert context.extradata is not None
    track = track_from_avc_configuration(avc_configuration_from_annex_b(context.extradata))
    return Clip(
        replace(track, frame_rate=(rate, 1)), tuple(_video_packet(packet) for packet in encoded)
    )


def _video_packet(packet: Encoded) -> Packet:
    assert packet.dts is not None
    assert packet.pts is not None
    return Packet(
        dts=packet.dts,
        pts=packet.pts,
        duration=0,
        keyframe=packet.is_keyframe,
        data=annex_b_to_length_prefixed(bytes(packet)),
        boundary=packet.is_keyframe,
    )


@cache
def audio_clip(*, seconds: int = 8, sample_rate: int = 48_000, channels: int = 2) -> Clip:
    """A tone; the first frame starts one frame before `START_S`, as encoders do."""
    context = av.CodecContext.create("aac", "w")
    assert isinstance(context, av.AudioCodecContext)
    layout = "stereo" if channels == 2 else "mono"
    context.layout, context.sample_rate, context.format = layout, sample_rate, "fltp"
    context.time_base = Fraction(1, sample_rate)
    context.flags |= av.codec.context.Flags.global_header
    encoded: list[Encoded] = []
    for index in range(seconds * sample_rate // 1024):
        times = numpy.arange(1024) + index * 1024
        tone = numpy.sin(times * (440 * 2 * numpy.pi / sample_rate)).astype(numpy.float32)
        frame = av.AudioFrame.from_ndarray(
            numpy.tile(tone, (channels, 1)), format="fltp", layout=layout
        )
        frame.sample_rate, frame.time_base = sample_rate, Fraction(1, sample_rate)
        frame.pts = START_S * sample_rate + index * 1024
        encoded += context.encode(frame)
    encoded += context.encode(None)
    assert context.extradata is not None
    track = track_from_audio_specific_config(context.extradata)
    return Clip(track, tuple(_audio_packet(packet) for packet in encoded))


def _audio_packet(packet: Encoded) -> Packet:
    assert packet.dts is not None
    return Packet(packet.dts, packet.dts, 1024, keyframe=True, data=bytes(packet))


def shifted(packets: tuple[Packet, ...], ticks: int) -> tuple[Packet, ...]:
    """The same packets later."""
    return tuple(replace(each, dts=each.dts + ticks, pts=each.pts + ticks) for each in packets)


@dataclass(frozen=True)
class Decoded:
    """What an independent reader finds in a file.

    Attributes:
        times: of the packets, (dts, pts) in the track's timescale, in file order.
        frames: presentation times that came out of the decoder.
    """

    timescale: int
    times: list[tuple[int, int]]
    keyframes: list[bool]
    frames: list[int]


def decode(file: bytes) -> Decoded:
    """Read a fragmented file of one track with PyAV."""
    with av.open(BytesIO(file), "r", format="mp4") as container:
        stream = container.streams[0]
        assert stream.time_base is not None
        packets = [packet for packet in container.demux(stream) if packet.dts is not None]
        times = [(packet.dts or 0, packet.pts or 0) for packet in packets]
        keyframes = [packet.is_keyframe for packet in packets]
        timescale = int(1 / stream.time_base)
    with av.open(BytesIO(file), "r", format="mp4") as container:
        frames = [frame.pts for frame in container.decode(container.streams[0])]
    return Decoded(timescale, times, keyframes, [pts for pts in frames if pts is not None])
