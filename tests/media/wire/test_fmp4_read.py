"""Boxes that we wrote are found again; what is damaged is named."""

import pytest

from media.wire.fmp4_box import box
from media.wire.fmp4_read import MalformedBoxes, boxes, find_box

FILE = box(b"ftyp", b"iso6") + box(b"moov", box(b"trak", b"first"), box(b"trak", b"second"))


def test_boxes_come_in_order_with_their_places() -> None:
    assert [each.kind for each in boxes(FILE)] == [b"ftyp", b"moov"]
    movie = find_box(FILE, None, b"moov")
    assert [FILE[each.content : each.end] for each in boxes(FILE, movie.content, movie.end)] == [
        b"first",
        b"second",
    ]
    track = find_box(FILE, movie, b"trak")
    assert FILE[track.start : track.end] == box(b"trak", b"first")
    assert find_box(memoryview(FILE), None, b"moov", b"trak") == track


@pytest.mark.parametrize("file", [FILE[:-1], FILE + b"\0", b"\0\0\0\7free" + FILE, FILE[:20]])
def test_what_is_damaged_is_named(file: bytes) -> None:
    with pytest.raises(MalformedBoxes):
        list(boxes(file))


def test_what_is_missing_is_named() -> None:
    with pytest.raises(MalformedBoxes, match="mdat"):
        find_box(FILE, None, b"mdat")
