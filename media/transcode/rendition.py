"""What transcode hands to the packager: renditions, and the sink that takes their packets."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from media.pictures import Picture
from media.units import Packet, Track


@dataclass(frozen=True, slots=True)
class Rendition:
    """One encoding of an asset.

    Attributes:
        name: `360p`, `720p`, `1080p`, `audio`, or `source` for video passed through.
        track: with `extradata` filled in.
        bitrate_max: declared ceiling in bits a second (the encoder's maxrate, or the publisher's
            own figure); 0 while unknown.
        passed_through: the publisher's own packets, never decoded.
    """

    name: str
    track: Track
    bitrate_max: int
    passed_through: bool


class RenditionSink(Protocol):
    """Takes one asset's packets. All renditions share a timeline and segment boundaries."""

    def begin(self, renditions: Sequence[Rendition]) -> None:
        """Start an epoch: exactly these renditions follow.

        Called first, and again when codec parameters changed, which makes a discontinuity.
        """

    def packet(self, rendition: str, packet: Packet) -> None:
        """Take the next packet of a rendition, in dts order.

        `packet.boundary` is true on the first packet of each segment of a video rendition: a
        keyframe whose pts all video renditions share. Audio never carries it: the packager cuts
        audio at the first frame that starts at or after the boundary.
        """

    def picture(self, picture: Picture) -> None:
        """Take a poster or a sheet, which may replace an earlier one; not before `begin`."""

    def retire(self, rendition: str, reason: str) -> None:
        """Stop expecting packets of a rendition, which was shed."""

    def lost(self, start: int, end: int) -> None:
        """Say that between these times (1/90000 s) pictures or sound are missing that the publisher
        has sent: in what follows, or in what has just come.
        """

    def end(self) -> None:
        """Close what is open: nothing more comes."""
