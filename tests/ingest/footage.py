"""Two seconds of real H.264 and AAC as an encoder would send them."""

from dataclasses import dataclass, field
from fractions import Fraction

import av
import numpy

from media.wire.flv import AudioFrame, VideoFrame
from media.wire.nal import annex_b_to_length_prefixed, avc_configuration_from_annex_b

FRAME_MS = 40


@dataclass
class Footage:
    """Two seconds of H.264 with B-frames at 25 fps, and as much AAC at 48 kHz."""

    record: bytes = b""
    frames: list[tuple[int, VideoFrame]] = field(default_factory=list)
    config: bytes = b""
    audio: list[tuple[int, AudioFrame]] = field(default_factory=list)


def make_footage() -> Footage:
    result = Footage()
    _encode_video(result)
    _encode_audio(result)
    return result


def _encode_video(result: Footage) -> None:
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = 320, 180, "yuv420p"
    encoder.framerate, encoder.time_base, encoder.gop_size = Fraction(25), Fraction(1, 25), 25
    encoder.flags |= av.codec.context.Flags.global_header
    encoder.options = {"preset": "veryfast", "bf": "2", "threads": "1"}
    packets = []
    for index in range(50):
        picture = numpy.full((180, 320, 3), index * 5, dtype=numpy.uint8)
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
        frame.pts = index
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    assert encoder.extradata is not None
    result.record = avc_configuration_from_annex_b(encoder.extradata)
    for packet in packets:
        assert packet.dts is not None
        assert packet.pts is not None
        data = annex_b_to_length_prefixed(bytes(packet))
        composition_ms = (packet.pts - packet.dts) * FRAME_MS
        # B-frames make decoding times begin below zero; encoders move them up.
        time = (packet.dts + 2) * FRAME_MS
        result.frames.append((time, VideoFrame(packet.is_keyframe, composition_ms, data)))


def _encode_audio(result: Footage) -> None:
    encoder = av.CodecContext.create("aac", "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "stereo", "fltp"
    encoder.flags |= av.codec.context.Flags.global_header
    encoder.open()
    assert encoder.extradata is not None
    result.config = encoder.extradata
    for index in range(94):
        frame = av.AudioFrame.from_ndarray(
            numpy.zeros((2, 1024), dtype=numpy.float32), format="fltp", layout="stereo"
        )
        frame.sample_rate, frame.pts = 48_000, index * 1024
        for packet in encoder.encode(frame):
            time = len(result.audio) * 1024 * 1000 // 48_000
            result.audio.append((time, AudioFrame(bytes(packet))))
