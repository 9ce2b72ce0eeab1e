"""Which pictures show nothing new, so that they need not be encoded again.

Encoders of a still picture go on changing single samples by a step or two, so copies are rarely
equal to the bit. A picture is taken for a repeat when two things say so: its packet is so small
that there is hardly more in it than "as before", and seen from afar, each sample the mean of
8x8, it is the picture that was encoded last. A mouse that moves and a letter that is typed are
more than that; what is less is shown with the next picture that has to be encoded anyway.
"""

from config.limits import REPEAT_PACKETS_MAX
from media.wire.nal import MalformedAccessUnit, iterate_length_prefixed

# An H.264 picture of 1080p in which every block is skipped takes 80 bytes, one with a few touches
# up to 2 kB; a person who talks takes more than 5 kB.
_PIXELS_A_BYTE_MIN = 1000
# One mean in so many may be off by one: its rounding fell the other way.
_MEANS_A_CHANGE_MIN = 50
# Equal stretches are compared at once.
_STRETCH = 128
_FILLER_NAL_TYPE = 12  # ITU-T H.264, table 7-1


class Repeats:
    """Remembers the sizes of packets on their way, and what was encoded last."""

    def __init__(self) -> None:
        self._sizes: dict[int, int] = {}
        self._shown: bytes | None = None
        self._asked: bytes | None = None

    def packet(self, pts: int, size: int) -> None:
        """A packet of so many bytes is about to be decoded."""
        self._sizes[pts] = size
        if len(self._sizes) > REPEAT_PACKETS_MAX:
            del self._sizes[next(iter(self._sizes))]

    def is_candidate(self, pts: int | None, pixels: int) -> bool:
        """Whether the picture of this pts came in a packet that says hardly anything."""
        size = None if pts is None else self._sizes.pop(pts, None)
        return size is not None and size * _PIXELS_A_BYTE_MIN <= pixels

    def is_same(self, afar: bytes | None, *, candidate: bool) -> bool:
        """Whether a picture shows what the one that was encoded last shows.

        Args:
            afar: means of its samples; None for a picture that others are not compared with.
        """
        self._asked = afar
        if not candidate or afar is None or self._shown is None:
            return False
        return _alike(self._shown, afar)

    def encoded(self) -> None:
        """The picture that was asked about last is encoded, and what others are compared with."""
        self._shown = self._asked


def coded_bytes(data: bytes) -> int:
    """The size of an H.264 access unit (`media.units.Packet`) without what pads a fixed bitrate."""
    try:
        units = list(iterate_length_prefixed(data))
    except MalformedAccessUnit:
        return len(data)
    return sum(len(unit) for unit in units if unit and unit[0] & 0x1F != _FILLER_NAL_TYPE)


def _alike(one: bytes, other: bytes) -> bool:
    if len(one) != len(other):
        return False
    changes_left = len(one) // _MEANS_A_CHANGE_MIN
    for start in range(0, len(one), _STRETCH):
        mine, theirs = one[start : start + _STRETCH], other[start : start + _STRETCH]
        if mine != theirs:
            changes = [a - b for a, b in zip(mine, theirs, strict=True) if a != b]
            changes_left -= len(changes)
            if changes_left < 0 or max(changes) > 1 or min(changes) < -1:
                return False
    return True
