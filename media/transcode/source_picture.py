"""A video packet of the source, with what is known of it beyond its times."""

from dataclasses import dataclass

from media.units import Packet


@dataclass(frozen=True, slots=True)
class SourcePicture:
    """One access unit as the publisher sent it.

    Attributes:
        refresh: it holds an IDR picture, where a decoder can start afresh (ITU-T H.264, 3.69).
        number: of its track.
    """

    packet: Packet
    refresh: bool
    number: int = 0
