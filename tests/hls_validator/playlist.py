"""A media playlist and a multivariant playlist as values."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Part:
    uri: str
    duration: Decimal
    independent: bool
    gap: bool


@dataclass(frozen=True, slots=True)
class Key:
    """`uri` is empty when the method is NONE."""

    method: str
    uri: str
    iv: str | None
    format: str


@dataclass(frozen=True, slots=True)
class Map:
    """`key` is what applies where the tag stands."""

    uri: str
    key: Key | None


@dataclass(frozen=True, slots=True)
class Segment:
    """One that is complete.

    Attributes:
        duration: seconds.
        discontinuities: before it, counted from the beginning of the stream.
        byte_range: as it is written, of a piece of a file.
        tags_late: some tag of it came after its first part.
    """

    sequence: int
    uri: str
    duration: Decimal
    discontinuity: bool
    discontinuities: int
    gap: bool
    date: datetime | None
    map: Map | None
    key: Key | None
    byte_range: str
    parts: tuple[Part, ...]
    tags_late: bool


@dataclass(frozen=True, slots=True)
class Hint:
    type: str
    uri: str


@dataclass(frozen=True, slots=True)
class Report:
    uri: str
    sequence: int
    part: int | None


@dataclass(frozen=True, slots=True)
class Control:
    """What the server offers, in seconds."""

    can_skip_until: Decimal | None = None
    hold_back: Decimal | None = None
    part_hold_back: Decimal | None = None
    can_block: bool = False


@dataclass(frozen=True, slots=True)
class MediaPlaylist:
    """`parts` are those of the segment that is not complete; `skipped` of a delta update."""

    version: int
    target_duration: int
    media_sequence: int
    type: str
    ended: bool
    iframes_only: bool
    independent: bool
    start: Decimal | None
    control: Control
    part_target: Decimal | None
    skipped: int
    segments: tuple[Segment, ...]
    parts: tuple[Part, ...]
    hints: tuple[Hint, ...]
    reports: tuple[Report, ...]

    @property
    def next_sequence(self) -> int:
        """Of the segment that is not complete."""
        return self.media_sequence + self.skipped + len(self.segments)

    @property
    def last(self) -> tuple[int, int]:
        """The newest segment and part of it; -1 where nothing is known of parts."""
        if self.parts:
            return self.next_sequence, len(self.parts) - 1
        if self.segments:
            return self.segments[-1].sequence, len(self.segments[-1].parts) - 1
        return self.next_sequence - 1, -1

    def parts_of(self, sequence: int) -> tuple[Part, ...]:
        """The listed parts of a segment, complete or not."""
        if sequence == self.next_sequence:
            return self.parts
        index = sequence - self.media_sequence - self.skipped
        return self.segments[index].parts if 0 <= index < len(self.segments) else ()

    def hint(self, type_: str = "PART") -> Hint | None:
        return next((hint for hint in self.hints if hint.type == type_), None)


@dataclass(frozen=True, slots=True)
class Entry:
    """A tag of a multivariant playlist, and the URI that follows or is in it."""

    attributes: dict[str, str]
    uri: str

    def get(self, name: str) -> str:
        """Without quotes; empty when it is not there."""
        return self.attributes.get(name, "").strip('"')


@dataclass(frozen=True, slots=True)
class Multivariant:
    version: int = 1
    independent: bool = False
    variants: list[Entry] = field(default_factory=list)
    iframes: list[Entry] = field(default_factory=list)
    media: list[Entry] = field(default_factory=list)

    def uris(self) -> list[str]:
        """Of all media playlists, each once, in the order of the playlist."""
        entries = [*self.variants, *self.media, *self.iframes]
        return list(dict.fromkeys(entry.uri for entry in entries if entry.uri))
