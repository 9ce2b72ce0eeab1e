"""What the packager tells the rest of the program about an asset."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SegmentClosed:
    """A segment is complete, in the playlist and on its way to the archive.

    Attributes:
        start, end: nominal times in 1/90000 s.
        body: `moof` and `mdat`; of the init segment that the epoch's `init_name` names.
    """

    asset_id: str
    rendition: str
    sequence: int
    start: int
    end: int
    epoch: int
    body: bytes


@dataclass(frozen=True, slots=True)
class AssetEnded:
    """A live asset takes no more packets.

    Attributes:
        duration: of all its segments, in 1/90000 s.
    """

    asset_id: str
    duration: int


def _ignore(_: SegmentClosed | AssetEnded) -> None:
    """Nobody listens."""


@dataclass(frozen=True, slots=True)
class Observers:
    """Who is told; called on the event loop, where they must not wait."""

    segment_closed: Callable[[SegmentClosed], None] = _ignore
    ended: Callable[[AssetEnded], None] = _ignore
