"""Display matrices are read as libav writes them."""

from math import cos, radians, sin
from struct import pack

import pytest

from media.file.turning import turn_of


def matrix(turn: float, *, mirrored: bool = False) -> bytes:
    """`av_display_rotation_set(-turn)`, then `av_display_matrix_flip` of x (libavutil)."""
    c, s = round(cos(radians(turn)) * 65536), round(sin(radians(turn)) * 65536)
    a, b = (-c, -s) if mirrored else (c, s)
    return pack("=9i", a, b, 0, -s, c, 0, 0, 0, 1 << 30)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_quarter_turns_and_mirrors_are_told(turn: int, mirrored: bool) -> None:
    assert turn_of(matrix(turn, mirrored=mirrored)) == (turn, mirrored)


def test_what_lies_in_between_is_rounded_and_nonsense_turns_nothing() -> None:
    assert turn_of(matrix(80)) == (90, False)
    assert turn_of(b"") == (0, False)
    assert turn_of(bytes(36)) == (0, False)
