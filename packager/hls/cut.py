"""A cut: the packets of one part of a segment of one rendition, or of all of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from media.units import Packet


@dataclass(frozen=True, slots=True)
class Cut:
    """Complete and in dts order.

    Attributes:
        sequence: of the segment.
        packets: at least one.
        end_dts: where the last packet ends, in the track's timescale.
        end: where a part ends that more of its segment follows, nominally, in 1/90000 s; None when
            the segment is complete with it.
    """

    sequence: int
    packets: Sequence[Packet]
    end_dts: int
    end: int | None = None
