"""Plain pictures and a storyboard whose tiles can be told apart by their colour."""

import struct
import zlib
from collections.abc import Sequence

Colour = tuple[int, int, int]

TILE_COLOURS: Sequence[Colour] = (
    *((200, 40, 40), (40, 160, 60), (50, 90, 210), (210, 180, 40)),
    *((150, 60, 190), (40, 170, 180), (230, 120, 30), (110, 110, 120)),
)
TILE_WIDTH, TILE_HEIGHT, COLUMNS = 160, 90, 4


def png(width: int, height: int, colour_at: Sequence[Sequence[Colour]]) -> bytes:
    """A picture made of equal boxes, given row by row."""
    rows, columns = len(colour_at), len(colour_at[0])
    lines = bytearray()
    for y in range(height):
        colours = colour_at[y * rows // height]
        line = b"".join(bytes(colour) * (width // columns) for colour in colours)
        lines += b"\x00" + line
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(bytes(lines)))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def sheet() -> bytes:
    """All tiles of the storyboard, four in a row."""
    rows = [TILE_COLOURS[at : at + COLUMNS] for at in range(0, len(TILE_COLOURS), COLUMNS)]
    return png(TILE_WIDTH * COLUMNS, TILE_HEIGHT * len(rows), rows)


def storyboard(tiles: int, seconds_each: int) -> str:
    """WebVTT for the first so many tiles."""
    lines = ["WEBVTT", ""]
    for index in range(tiles):
        x, y = index % COLUMNS * TILE_WIDTH, index // COLUMNS * TILE_HEIGHT
        start, end = index * seconds_each, (index + 1) * seconds_each
        lines += [
            f"{_timestamp(start)} --> {_timestamp(end)}",
            f"storyboard-0.jpg#xywh={x},{y},{TILE_WIDTH},{TILE_HEIGHT}",
            "",
        ]
    return "\n".join(lines)


def _timestamp(seconds: int) -> str:
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.000"
