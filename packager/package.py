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


class UnknownPicture(Exception):
    """The asset has no such picture, or its bytes are lost."""


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
    def growing(self) -> bool:
        """Whether it is made from a file whose first pass goes on."""

    @property
    def settled(self) -> bool:
        """Whether nothing at all is added any more; never of a recording that was cut off."""

    @property
    def has_poster(self) -> bool:
        """Whether there is a picture called `poster.jpg`."""

    @property
    def duration(self) -> int:
        """Of all complete segments, in 1/90000 s."""

    def renditions(self) -> tuple[str, ...]:
        """What a viewer can choose from now."""

    def multivariant(self) -> bytes:
        """Raises: NotReady."""

    def media_playlist(self, rendition: str) -> bytes:
        """Raises: UnknownRendition, NotReady."""

    def init(self, rendition: str, name: str) -> bytes:
        """Raises: UnknownRendition, UnknownSegment."""

    async def segment(self, rendition: str, sequence: int) -> Segment:
        """Raises: UnknownRendition, UnknownSegment."""

    async def read_picture(self, name: str) -> bytes:
        """A JPEG: `poster.jpg`, or a sheet that the storyboard names. Raises: UnknownPicture."""

    def storyboard(self) -> bytes | None:
        """WebVTT whose cues name tiles of sheets; None when there are none, or while live."""
