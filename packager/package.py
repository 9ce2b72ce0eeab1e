"""What can be served of one asset, live or on demand."""

from dataclasses import dataclass
from typing import Protocol


class NotReady(Exception):
    """Nothing is complete enough to be played yet; ask again in a second."""


class UnknownAsset(Exception):
    """Nothing that can be played is known of the asset."""


class UnknownRendition(Exception):
    """The asset has no such rendition, or no longer."""


class UnknownSegment(Exception):
    """The rendition has no such segment, or its bytes are lost."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment of one rendition.

    Attributes:
        start, end: nominal times in 1/90000 s, the same in all renditions; this is what is billed.
    """

    body: bytes
    sequence: int
    start: int
    end: int


class Package(Protocol):
    """Playlists and segments of an asset. URIs in the playlists are relative."""

    @property
    def live(self) -> bool: ...

    @property
    def duration(self) -> int:
        """Of all complete segments, in 1/90000 s."""

    def multivariant(self) -> bytes:
        """Raises: NotReady."""

    def media_playlist(self, rendition: str) -> bytes:
        """Raises: UnknownRendition, NotReady."""

    def init(self, rendition: str, name: str) -> bytes:
        """Raises: UnknownRendition, UnknownSegment."""

    async def segment(self, rendition: str, sequence: int) -> Segment:
        """Raises: UnknownRendition, UnknownSegment."""
