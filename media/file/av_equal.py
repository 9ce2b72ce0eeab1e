"""Compares decoded pictures."""

import ctypes

from av.video.frame import VideoFrame
from av.video.plane import VideoPlane

_compare = ctypes.CDLL(None).memcmp
_compare.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
_compare.restype = ctypes.c_int


def equal(one: VideoFrame, other: VideoFrame) -> bool:
    """Whether two pictures are the same to the bit.

    Moving pictures mostly differ in their middle row already, which costs microseconds.
    """
    if (one.width, one.height) != (other.width, other.height):
        return False
    if one.format.name != other.format.name:
        return False
    # All decoders that are used give planes of one component each.
    sample_bytes = (one.format.components[0].bits + 7) // 8
    pairs = list(zip(one.planes, other.planes, strict=True))
    if any(mine.line_size != theirs.line_size or mine.line_size <= 0 for mine, theirs in pairs):
        return False
    luma, luma_of_other = pairs[0]
    if not _rows_equal(
        luma, luma_of_other, range(luma.height // 2, luma.height // 2 + 1), sample_bytes
    ):
        return False
    return all(_planes_equal(mine, theirs, sample_bytes) for mine, theirs in pairs)


def _planes_equal(one: VideoPlane, other: VideoPlane, sample_bytes: int) -> bool:
    """As a whole first; what pads rows in memory may differ, so then row by row."""
    if _rows_equal(one, other, range(one.height), sample_bytes):
        return True
    return all(
        _rows_equal(one, other, range(row, row + 1), sample_bytes) for row in range(one.height)
    )


def _rows_equal(one: VideoPlane, other: VideoPlane, rows: range, sample_bytes: int) -> bool:
    offset = rows.start * one.line_size
    size = (len(rows) - 1) * one.line_size + one.width * sample_bytes
    return bool(_compare(one.buffer_ptr + offset, other.buffer_ptr + offset, size) == 0)
