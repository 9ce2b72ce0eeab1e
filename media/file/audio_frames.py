"""Recognises sound that has no container: MP3 and ADTS frames, and the ID3v2 tags before them."""

from collections.abc import Callable
from itertools import pairwise

from media.wire.mpeg_audio import parse_mp3_frame

ID3V2_HEADER_BYTES = 10

_ADTS_HEADER_BYTES = 7
_ADTS_SAMPLE_RATES = 13  # ISO/IEC 14496-3, table 1.18: the indices above are reserved

# Two in a row at the very start; a recording that was cut out of a broadcast begins within a frame,
# and there three in a row are no coincidence.
_FRAMES_AT_START = 2
_FRAMES_LATER = 3

type FrameSize = Callable[[bytes, int], int]
"""Bytes of the frame whose header is at an offset; 0 when there is none."""


def id3v2_bytes(head: bytes) -> int:
    """How long the ID3v2 tag at the start is, 0 without one (ID3v2.4, 3.1)."""
    if len(head) < ID3V2_HEADER_BYTES or not head.startswith(b"ID3"):
        return 0
    if 0xFF in head[3:5] or any(byte & 0x80 for byte in head[6:10]):
        return 0
    size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
    footer = ID3V2_HEADER_BYTES if head[3] == 4 and head[5] & 0x10 else 0
    return ID3V2_HEADER_BYTES + size + footer


def is_mp3(data: bytes) -> bool:
    """Frames of MPEG audio layer III follow each other."""
    return _has_frames(data, _mp3_frame_bytes)


def is_adts(data: bytes) -> bool:
    """Frames of AAC in ADTS follow each other."""
    return _has_frames(data, _adts_frame_bytes)


def _has_frames(data: bytes, frame_bytes: FrameSize) -> bool:
    if _are_frames(data, 0, _FRAMES_AT_START, frame_bytes):
        return True
    start = data.find(0xFF, 1)
    while start >= 0:
        if _are_frames(data, start, _FRAMES_LATER, frame_bytes):
            return True
        start = data.find(0xFF, start + 1)
    return False


def _are_frames(data: bytes, start: int, count: int, frame_bytes: FrameSize) -> bool:
    starts = [start]
    while len(starts) <= count:
        size = frame_bytes(data, starts[-1])
        if size == 0:
            break
        starts.append(starts[-1] + size)
    headers = starts[:-1]
    return len(headers) >= count and all(
        _same_stream(data, one, other) for one, other in pairwise(headers)
    )


def _same_stream(data: bytes, one: int, other: int) -> bool:
    """Version, layer and sample rate stay; the bit rate and padding may change."""
    return data[one + 1] == data[other + 1] and data[one + 2] & 0x0C == data[other + 2] & 0x0C


def _mp3_frame_bytes(data: bytes, start: int) -> int:
    frame = parse_mp3_frame(data, start)
    return 0 if frame is None else frame.size


def _adts_frame_bytes(data: bytes, start: int) -> int:
    """ISO/IEC 14496-3, 1.A.2.2."""
    if len(data) < start + _ADTS_HEADER_BYTES or data[start] != 0xFF:
        return 0
    if data[start + 1] & 0xF6 != 0xF0 or data[start + 2] >> 2 & 15 >= _ADTS_SAMPLE_RATES:
        return 0
    size = (data[start + 3] & 3) << 11 | data[start + 4] << 3 | data[start + 5] >> 5
    return size if size > _ADTS_HEADER_BYTES else 0
