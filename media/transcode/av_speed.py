"""How fast x264 is on this machine."""

import time
from fractions import Fraction

import av
from av.video.frame import PictureType, VideoFrame

from media.transcode.preset import USUAL

_WIDTH, _HEIGHT, _COUNT = 640, 360, 12
"""About 25 ms of work on a common core."""

_STEP = 3
_ROWS_A_BAND = 4
_TIME_BASE = Fraction(1, 30)


def pixel_picoseconds() -> int:
    """The CPU time that x264 takes for a pixel with its usual preset, on one core.

    It is the time of this thread, so that other work on the machine does not count.
    """
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = _WIDTH, _HEIGHT, "yuv420p"
    encoder.time_base = _TIME_BASE
    encoder.options = {"preset": USUAL, "crf": "23", "threads": "1", "bf": "0"}
    encoder.open()
    pictures = [_picture(number) for number in range(_COUNT)]
    before_ns = time.thread_time_ns()
    for picture in pictures:
        encoder.encode(picture)
    took_ns = time.thread_time_ns() - before_ns
    return 1000 * took_ns // (_WIDTH * _HEIGHT * _COUNT)


def _picture(number: int) -> VideoFrame:
    """Bands of soft noise that move, so that there is motion to find and something left to say."""
    frame = VideoFrame(_WIDTH, _HEIGHT, "yuv420p")
    luma, *chroma = frame.planes
    starts = ((131 * band + _STEP * number) % _PERIOD for band in range(_HEIGHT // _ROWS_A_BAND))
    luma.update(b"".join(_NOISE[at : at + luma.line_size] * _ROWS_A_BAND for at in starts))
    for plane in chroma:
        plane.update(bytes([128]) * plane.buffer_size)
    frame.pts, frame.time_base, frame.pict_type = number, _TIME_BASE, PictureType.NONE
    return frame


def _noise(count: int) -> bytes:
    """Samples from 0 to 31 that change by a few from one to the next."""
    state, sample, samples = 1, 16, bytearray()
    for _ in range(count):
        state = (state * 1_103_515_245 + 12_345) & 0x7FFFFFFF
        sample = min(31, max(0, sample + (state >> 16) % 15 - 7))
        samples.append(sample)
    return bytes(samples)


_PERIOD = 2 * _WIDTH
_NOISE = _noise(2 * _PERIOD)
