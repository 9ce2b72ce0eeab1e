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
from media.wire.elementary_video import elementary_video
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
_PIXELS = {8: "yuv420p", 10: "yuv420p10le"}


@cache
def coded_source(
    coding: Coding, *, size: str = "320x180", bits: int = 8, frames: int = 60
) -> Source:
    """A moving test picture at 15 frames a second, with a keyframe every two seconds."""
    picture = f"testsrc2=s={size}:r=15,trim=end_frame={frames}"
    return filmed_source(coding, picture, _PIXELS[bits])


@cache
def filmed_source(coding: Coding, picture: str, pixels: str, more: str = "") -> Source:
    """What ffmpeg makes of a description of pictures.

    Args:
        more: parameters for x265.
    """
    arguments = ("-f", "lavfi", "-i", picture, *_ENCODERS[coding], "-pix_fmt", pixels)
    if coding is Coding.HEVC:
        arguments += ("-x265-params", f"{_HEVC}:{more}" if more else _HEVC)
    with TemporaryDirectory() as folder:
        film = make(Path(folder) / "film.mp4", *arguments)
        with av.open(str(film)) as container:
            stream = container.streams.video[0]
            record = bytes(stream.codec_context.extradata or b"")
            packets = [one for one in container.demux(stream) if one.size]
    return _source(coding, record, packets)


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


def _source(coding: Coding, record: bytes, packets: "list[av.Packet[Any]]") -> Source:
    """As if it had come from the wire."""
    video = elementary_video(coding)
    video.configure(record or _VP9_RECORD)
    made = [_packet(one, *video.take(bytes(one))) for one in packets]
    assert video.track is not None
    return Source(video.track, tuple(made))


def _packet(packet: "av.Packet[Any]", data: bytes, keyframe: bool) -> Packet:
    assert packet.pts is not None
    assert packet.dts is not None
    scale = packet.time_base * VIDEO_TIMESCALE
    dts, pts = (START + int(time * scale) for time in (packet.dts, packet.pts))
    return Packet(dts, pts, 0, keyframe, data)
