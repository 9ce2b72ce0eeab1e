"""A still source is told from one in which something small moves, after a real encoder."""

from collections.abc import Iterator
from fractions import Fraction

import av
import pytest
from av.video.frame import PictureType, VideoFrame

from media.transcode.av_repeats import RepeatFinder

WIDTH, HEIGHT, COUNT = 640, 352, 30


def picture(number: int, *, cursor: bool) -> VideoFrame:
    """A grey page with lines of text, on which a cursor may move."""
    frame = VideoFrame(WIDTH, HEIGHT, "yuv420p")
    for plane, level in zip(frame.planes, (180, 128, 128), strict=True):
        plane.update(bytes([level]) * plane.buffer_size)
    luma = memoryview(frame.planes[0])
    stride = frame.planes[0].line_size
    for row in range(20, HEIGHT - 20, 3):
        luma[row * stride + 30 : row * stride + 600] = bytes(x * row % 120 for x in range(570))
    if cursor:
        for row in range(100, 116):
            place = row * stride + 100 + 4 * number
            luma[place : place + 10] = bytes([16]) * 10
    frame.pts, frame.time_base, frame.pict_type = number, Fraction(1, 30), PictureType.NONE
    return frame


def through_an_encoder(frames: Iterator[VideoFrame]) -> tuple[bytes, list[tuple[int, bytes]]]:
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    encoder.time_base = Fraction(1, 30)
    encoder.options = {"preset": "veryfast", "crf": "20"}
    packets = [packet for frame in frames for packet in encoder.encode(frame)]
    packets += encoder.encode(None)
    return bytes(encoder.extradata or b""), [(p.pts or 0, bytes(p)) for p in packets]


@pytest.mark.parametrize("cursor", [False, True])
def test_only_pictures_in_which_nothing_moves_repeat(cursor: bool) -> None:
    pictures = (picture(number, cursor=cursor) for number in range(COUNT))
    configuration, packets = through_an_encoder(pictures)
    decoder = av.CodecContext.create("h264", "r")
    decoder.extradata = configuration
    finder = RepeatFinder()
    repeated = []
    for pts, data in [*packets, (0, b"")]:
        finder.packet(pts, len(data))
        packet = av.Packet(data) if data else None
        if packet is not None:
            packet.pts = packet.dts = pts
        for frame in decoder.decode(packet):
            repeated.append(finder.is_same(frame))
            if not repeated[-1]:
                finder.encoded()
    assert len(repeated) == COUNT
    assert sum(repeated) > 20 if not cursor else not any(repeated)
