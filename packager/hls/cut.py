"""A cut: the packets of one complete segment of one rendition."""

from collections.abc import Sequence
from dataclasses import dataclass

from media.units import Packet


@dataclass(frozen=True, slots=True)
class Cut:
    """Complete and in dts order.

    Attributes:
        end_dts: where the last packet ends, in the track's timescale.
    """

    sequence: int
    packets: Sequence[Packet]
    end_dts: int
