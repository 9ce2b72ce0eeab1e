"""Small real sources of pictures that are not H.264, and what renditions show of them."""

from fractions import Fraction
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import av
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from media.units import VIDEO_TIMESCALE, Coding, Packet, Track
from media.wire.av1 import sequence_unit, track_from_av1_sequence
from media.wire.hevc import track_from_hevc_configuration
from media.wire.vp9 import parse_key_frame, track_from_vp9
from tests.media.file.film_maker import make
from tests.media.transcode.synthetic import START, Source

# In child processes of ffmpeg: SVT-AV1 would change how this one is scheduled.
_HEVC = "log-level=error:keyint=30:min-keyint=30:scenecut=0:bframes=2"
_ENCODERS = {
    Coding.HEVC: ("-c:v", "libx265", "-preset", "ultrafast", "-tag:v", "hvc1"),
    Coding.VP9: ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-g", "30"),
    Coding.AV1: ("-c:v", "libaom-av1", "-usage", "realtime", "-cpu-used", "8", "-g", "30"),
}
_DECODERS = {Coding.HEVC: "hevc", Coding.VP9: "vp9", Coding.AV1: "libdav1d", Coding.H264: "h264"}
# Profile, level, bit depth with chroma and range; colours that are not specified; no more.
_VP9_RECORD = bytes((0, 10, 8 << 4 | 1 << 1, 2, 2, 2, 0, 0))
_PIECES = {"8": "yuv420p", "10": "yuv420p10le"}


@cache
def coded_source(
    coding: Coding, *, size: str = "320x180", bits: int = 8, seconds: int = 4, more: str = ""
) -> Source:
    """A moving test picture at 15 frames a second, with a keyframe every two seconds.

    Args:
        more: parameters for x265.
    """
    picture = f"testsrc2=s={size}:r=15:d={seconds}"
    return filmed_source(coding, picture, _PIECES[str(bits)], more)


@cache
def filmed_source(coding: Coding, picture: str, pixels: str, more: str = "") -> Source:
    """What ffmpeg makes of a description of pictures."""
    arguments = ("-f", "lavfi", "-i", picture, *_ENCODERS[coding], "-pix_fmt", pixels)
    if coding is Coding.HEVC:
        arguments += ("-x265-params", f"{_HEVC}:{more}" if more else _HEVC)
    with TemporaryDirectory() as folder:
        film = make(Path(folder) / "film.mp4", *arguments)
        with av.open(str(film)) as container:
            stream = container.streams.video[0]
            record = bytes(stream.codec_context.extradata or b"")
            packets = tuple(_packet(one) for one in container.demux(stream) if one.size)
    return Source(_track(coding, record, packets[0].data), packets)


def shown(track: Track, packets: "tuple[Packet, ...] | list[Packet]") -> list[VideoFrame]:
    """What an independent decoder shows, in order of presentation; it must not complain."""
    context = av.CodecContext.create(_DECODERS[track.coding], "r")
    assert isinstance(context, av.VideoCodecContext)
    context.extradata = track.extradata
    frames: list[VideoFrame] = []
    for packet in packets:
        made: av.Packet[Any] = av.Packet(packet.data)
        made.pts, made.dts, made.time_base = packet.pts, packet.dts, Fraction(1, VIDEO_TIMESCALE)
        frames += context.decode(made)
    return [*frames, *context.decode(None)]


def difference(one: VideoFrame, other: VideoFrame) -> float:
    """The mean difference of all samples of two pictures, of 255."""
    mine, theirs = _samples(one, other), _samples(other, other)
    return float(np.abs(mine - theirs).mean())


def _samples(frame: VideoFrame, like: VideoFrame) -> "NDArray[np.int16]":
    alike = frame.reformat(width=like.width, height=like.height, format="yuv420p")
    return alike.to_ndarray().astype(np.int16)


def _track(coding: Coding, record: bytes, first: bytes) -> Track:
    match coding:
        case Coding.HEVC:
            return track_from_hevc_configuration(record)
        case Coding.AV1:
            return track_from_av1_sequence(sequence_unit(record))
        case _:
            frame = parse_key_frame(first)
            assert frame is not None
            return track_from_vp9(_VP9_RECORD, frame)


def _packet(packet: "av.Packet[Any]") -> Packet:
    assert packet.pts is not None
    assert packet.dts is not None
    scale = packet.time_base * VIDEO_TIMESCALE
    dts, pts = (START + int(time * scale) for time in (packet.dts, packet.pts))
    return Packet(dts, pts, 0, packet.is_keyframe, bytes(packet))
