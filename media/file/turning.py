"""How pictures are turned before they are shown, from a display matrix."""

from math import atan2, degrees
from struct import Struct

# ISO 14496-12, 6.2.2 as libavutil/display.h has it: nine integers of the machine's byte order.
_MATRIX = Struct("=9i")


def turn_of(matrix: bytes) -> tuple[int, bool]:
    """Degrees clockwise (0, 90, 180, 270), and whether left and right are swapped before that.

    Angles in between are rounded: nobody means them.
    """
    if len(matrix) != _MATRIX.size:
        return 0, False
    a, b, _, c, d, *_ = _MATRIX.unpack(matrix)
    mirrored = a * d - b * c < 0
    if mirrored:
        a, b = -a, -b
    return round(degrees(atan2(b, a)) / 90) % 4 * 90, mirrored
