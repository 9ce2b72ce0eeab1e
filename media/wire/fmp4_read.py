"""Reads boxes of the files that this program has written (ISO 14496-12, 4.2)."""

from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

_HEADER = Struct(">I4s")


class MalformedBoxes(ValueError):
    """A file of ours is not as we write them: it was damaged."""


class PlacedBox(NamedTuple):
    """A box within a file; `content` is where its content starts."""

    kind: bytes
    start: int
    content: int
    end: int


def boxes(file: bytes | memoryview, start: int = 0, end: int | None = None) -> Iterator[PlacedBox]:
    """The boxes of a file, or of a part of it that holds whole ones.

    Raises:
        MalformedBoxes: they do not fill it.
    """
    end = len(file) if end is None else end
    while start < end:
        if start + _HEADER.size > end:
            raise MalformedBoxes("a box is cut off")
        size, kind = _HEADER.unpack_from(file, start)
        if size < _HEADER.size or start + size > end:
            raise MalformedBoxes(f"a box has {size} bytes")
        yield PlacedBox(kind, start, start + _HEADER.size, start + size)
        start += size


def find_box(file: bytes | memoryview, within: PlacedBox | None, *path: bytes) -> PlacedBox:
    """The first box at the end of a path of kinds, within a box or the file.

    Raises:
        MalformedBoxes: there is none.
    """
    found = within
    for kind in path:
        inside = boxes(file) if found is None else boxes(file, found.content, found.end)
        found = next((each for each in inside if each.kind == kind), None)
        if found is None:
            raise MalformedBoxes(f"there is no {kind!r}")
    assert found is not None, "a path has an end"
    return found
