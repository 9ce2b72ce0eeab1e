"""What can be served of one asset, live or on demand."""

from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from packager.arrival import Arrival
from packager.choices import AudioRendition, CaptionRendition
from packager.naming import FilePath, PlaylistPath
from packager.playlist_text import PlaylistText


class NotReady(Exception):
    """Nothing is complete enough to be played yet; ask again in a second."""


class BadReload(Exception):
    """A playlist was asked for as it will not be for long, or never (rfc8216bis, 6.2.5.2)."""


class UnknownAsset(Exception):
    """Nothing that can be played is known of the asset."""


class UnknownRendition(Exception):
    """The asset has no such rendition, or no longer."""


class UnknownSegment(Exception):
    """The rendition has no such segment, or its bytes are lost."""


class UnknownPicture(Exception):
    """The asset has no such picture, or its bytes are lost."""


class Charge(NamedTuple):
    """The media that a file holds: what is billed for it.

    Attributes:
        sequence: of the segment that it is of.
        start, end: nominal times in 1/90000 s, the same in all renditions.
        prompt: a piece so small and urgent that it may be sent before what it costs is durable.
        waived: nothing is billed, since something is missing in it by our own fault.
        height: of its pictures, since better ones may cost more, by their shorter side; 0 for sound
            and keys.
    """

    sequence: int
    start: int
    end: int
    prompt: bool = False
    waived: bool = False
    height: int = 0


@dataclass(slots=True)
class MediaFile:
    """Bytes that a playlist names; nothing is billed for a file without a charge.

    Attributes:
        public: for everybody, and for good: encrypted, or an init segment of what is.
        answer: what whoever sends it has worked out of it, once for all who ask.
    """

    body: bytes
    media_type: str
    charge: Charge | None = None
    public: bool = False
    answer: object = field(default=None, compare=False, repr=False)


class Package(Protocol):
    """Playlists and files of an asset. URIs in the playlists are relative."""

    @property
    def live(self) -> bool: ...

    @property
    def growing(self) -> bool:
        """Whether it is made from a file whose first pass goes on."""

    @property
    def settled(self) -> bool:
        """Whether nothing at all is added any more; never of a recording that was cut off."""

    @property
    def whole(self) -> bool:
        """Whether all of a file was made: then whoever reads the archive has the same of it. What
        is live elsewhere looks as if it were over.
        """

    @property
    def has_poster(self) -> bool:
        """Whether there is a picture called `poster.jpg`."""

    @property
    def duration(self) -> int:
        """Of all complete segments, in 1/90000 s."""

    def renditions(self) -> tuple[str, ...]:
        """What a viewer can choose from now."""

    @property
    def audio(self) -> tuple[AudioRendition, ...]:
        """The tracks of sound now; the first is the default."""

    @property
    def captions(self) -> tuple[CaptionRendition, ...]:
        """What captions there are; none while it is live."""

    def multivariant(self) -> bytes:
        """Raises: NotReady."""

    def playlist(self, path: PlaylistPath, *, skip: bool = False) -> PlaylistText:
        """The playlist of a rendition as it is now.

        Args:
            path: with a rendition.
            skip: leave out what the player has (`_HLS_skip=YES`), where that is offered.

        Raises: UnknownRendition, NotReady.
        """

    def arrival(self, rendition: str, sequence: int, part: int | None) -> Arrival | None:
        """What a player waits for that wants a playlist with a segment, or with a part of it.

        Returns:
            None when it is there, or when nothing will be added any more.

        Raises:
            BadReload: it is not the next, nor soon.
            UnknownRendition: there is none of this name.
        """

    def file_at_hand(self, path: FilePath) -> MediaFile | None:
        """A file that is in memory; None when it is not, or does not exist."""

    async def file(self, path: FilePath) -> MediaFile:
        """Raises: UnknownRendition, UnknownSegment, NotReady when it cannot be read in time."""

    async def read_picture(self, name: str) -> bytes:
        """A JPEG: `poster.jpg`, or a sheet that the storyboard names. Raises: UnknownPicture."""

    def storyboard(self) -> bytes | None:
        """WebVTT whose cues name tiles of sheets; None when there are none, or while live."""
