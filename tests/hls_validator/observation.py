"""What was seen of an asset: playlists and when they came, files, and answers to odd requests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.hls_validator.playlist import MediaPlaylist
from tests.hls_validator.rule import Rule


@dataclass(frozen=True, slots=True)
class Reload:
    """The delivery directives of a request (rfc8216bis, 6.2.5)."""

    sequence: int | None = None
    part: int | None = None
    skip: bool = False

    @property
    def blocks(self) -> bool:
        return self.sequence is not None

    def query(self) -> dict[str, str]:
        found = {"_HLS_msn": self.sequence, "_HLS_part": self.part}
        query = {name: str(value) for name, value in found.items() if value is not None}
        return {**query, "_HLS_skip": "YES"} if self.skip else query


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One answer to a request for a media playlist; times are in seconds, of any clock."""

    asked: float
    answered: float
    status: int
    text: str
    reload: Reload = Reload()


@dataclass(frozen=True, slots=True)
class Loaded:
    """A snapshot as a value, made whole when it was a delta update."""

    name: str
    url: str
    asked: float
    answered: float
    playlist: MediaPlaylist


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that some playlist names."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Probe:
    """An odd request, and the statuses of which one has to be its answer by a rule."""

    what: str
    expected: tuple[int, ...]
    status: int
    rule: Rule = Rule.REFUSED_AS_TOLD


@dataclass(slots=True)
class Observation:
    """All that a recorder has seen.

    Attributes:
        url: of the multivariant playlist, or of the only media playlist.
        multivariant: its text; empty when there is none.
        snapshots: of each media playlist, in the order of their answers, by URL.
        files: by URL and, of a piece of a file, its EXT-X-BYTERANGE.
    """

    url: str
    multivariant: str = ""
    snapshots: dict[str, list[Snapshot]] = field(default_factory=dict)
    files: dict[tuple[str, str], Fetched] = field(default_factory=dict)
    probes: list[Probe] = field(default_factory=list)


def names(urls: Sequence[str]) -> Mapping[str, str]:
    """What to call playlists: the shortest ends of their paths that tell them apart."""
    paths = {url: url.partition("?")[0].split("/") for url in urls}
    for count in range(1, 8):
        found = {url: "/".join(path[-count:]) for url, path in paths.items()}
        if len(set(found.values())) == len(found):
            return {
                url: name.removesuffix("/index.m3u8") if "/" in name else name
                for url, name in found.items()
            }
    return {url: url for url in urls}
