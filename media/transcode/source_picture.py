"""A video packet of the source, with what is known of it beyond its times."""

from dataclasses import dataclass

from media.units import Coding, Packet
from media.wire.nal import contains_idr


@dataclass(frozen=True, slots=True)
class SourcePicture:
    """One access unit as the publisher sent it.

    Attributes:
        refresh: a decoder can start afresh here.
        number: of its track.
    """

    packet: Packet
    refresh: bool
    number: int = 0


def starts_afresh(packet: Packet, coding: Coding) -> bool:
    """Whether a decoder can start with this packet.

    H.264 calls more a keyframe than its IDR pictures (ITU-T H.264, 3.69), after which nothing
    refers to what came before. What is encoded again in any case may start with any keyframe.

    Raises:
        MalformedAccessUnit: it cannot be told.
    """
    return contains_idr(packet.data) if coding is Coding.H264 else packet.keyframe
