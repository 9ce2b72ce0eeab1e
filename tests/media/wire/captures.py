"""What FFmpeg's FLV muxer wrote of each coding (scripts/enhanced_captures.py made the files)."""

from functools import cache
from pathlib import Path

from media.wire.rtmp_chunk import AUDIO, VIDEO
from media.wire.rtmp_message import Audio, Video

DIRECTORY = Path(__file__).parent.parent.parent / "data" / "enhanced"
NAMES = sorted(path.stem for path in DIRECTORY.glob("*.flv"))

# FLV 10.1, annex E.2 and E.4.1.
_FILE_HEADER_BYTES = 9
_PREVIOUS_TAG_SIZE_BYTES = 4
_TAG_HEADER_BYTES = 11


def path_of(name: str) -> Path:
    return DIRECTORY / f"{name}.flv"


@cache
def capture(name: str) -> list[Video | Audio]:
    """The messages that a publisher of this file sends, without metadata."""
    data = path_of(name).read_bytes()
    messages: list[Video | Audio] = []
    position = _FILE_HEADER_BYTES + _PREVIOUS_TAG_SIZE_BYTES
    while position < len(data):
        kind = data[position]
        size = int.from_bytes(data[position + 1 : position + 4], "big")
        time = int.from_bytes(data[position + 4 : position + 7], "big") | data[position + 7] << 24
        start = position + _TAG_HEADER_BYTES
        if kind == VIDEO:
            messages.append(Video(time, 1, data[start : start + size]))
        elif kind == AUDIO:
            messages.append(Audio(time, 1, data[start : start + size]))
        position = start + size + _PREVIOUS_TAG_SIZE_BYTES
    return messages
