"""What the main process and a serving process say to each other.

A serving process asks; an `id` of its choice tells which question an answer is to. Questions come
first here, answers after them.
"""

from typing import NamedTuple

from packager.package import MediaFile
from packager.playlist_text import PlaylistText


class Ready(NamedTuple):
    """The serving process accepts connections."""


class Ask(NamedTuple):
    """May media be sent? `Done` or `Refused` follows, `Finish` has to follow that `Done`.

    Attributes:
        start, end: in 1/90000 s.
        height: of its pictures; 0 for none.
        client: who asks, as `api.auth.client` has it.
    """

    id: int
    session_id: str
    sequence: int
    start: int
    end: int
    prompt: bool
    height: int
    client: int


class Finish(NamedTuple):
    """What was asked for is sent, or not. Before an answer it takes the question back.

    Attributes:
        taken: how many thousandths of the file, when its viewer left.
    """

    id: int
    complete: bool
    taken: int = 0


class Waive(NamedTuple):
    """Media between these times (1/90000 s) was sent for nothing."""

    session_id: str
    start: int
    end: int


class Look(NamedTuple):
    """Is the session open? `Done` or `Refused` follows.

    Attributes:
        present: its player is there, though it may ask for no media.
    """

    id: int
    session_id: str
    present: bool


class FindAsset(NamedTuple):
    """Can anything of it be played? `AssetIs` or `Refused` follows."""

    id: int
    asset_id: str


class ReadPlaylist(NamedTuple):
    """`PlaylistIs`, `Refused`, or `Done` when it still is the known one.

    Attributes:
        path: relative, as `packager.naming` reads it.
        known: the version that the serving process has; 0 for none.
    """

    id: int
    asset_id: str
    path: str
    skip: bool
    known: int


class Await(NamedTuple):
    """Tell when this is there: `Came` follows, after `Waits` when not at once; or `Refused`.

    Attributes:
        plain, skip: which playlists of the rendition are to come along.
    """

    id: int
    asset_id: str
    rendition: str
    sequence: int
    part: int | None
    plain: bool
    skip: bool


class ReadFile(NamedTuple):
    """`FileIs` or `Refused` follows. The path is relative, as `packager.naming` reads it."""

    id: int
    asset_id: str
    path: str


class Count(NamedTuple):
    """By how much counters have grown: name, values of labels, amount."""

    grown: tuple[tuple[str, tuple[str, ...], float], ...]


class Welcome(NamedTuple):
    """First message to a serving process: what it has to know, as `api.serving.brief` writes it."""

    brief: bytes


class Done(NamedTuple):
    id: int


class Refused(NamedTuple):
    """The answer is an error.

    Attributes:
        reason: its place in the table of `api.serving.refusals`.
        numbers, text: what it is made of.
    """

    id: int
    reason: int
    numbers: tuple[int, int]
    text: str


class AssetIs(NamedTuple):
    """What is to be known of an asset that can be played.

    Attributes:
        stable: what a name names stays so; not while it is made from a file.
        whole: every server that reads the archive has the same of it.
    """

    id: int
    stable: bool
    whole: bool


class Version(NamedTuple):
    """A playlist as it was at some time.

    Attributes:
        number: a hash of the text; 0 of none.
        settled: no media is added to its asset; it changes with captions at most.
    """

    number: int
    settled: bool
    text: PlaylistText


class PlaylistIs(NamedTuple):
    id: int
    version: Version


class Waits(NamedTuple):
    """It is not there yet; `Came` follows when it is."""

    id: int


class Came(NamedTuple):
    """It is there, and so are the playlists that say so, as far as they were asked for."""

    id: int
    plain: Version | None
    skip: Version | None


class FileIs(NamedTuple):
    id: int
    file: MediaFile


class Stop(NamedTuple):
    """Accept no more connections, end those that there are, and end."""


type Asked = Ask | Look | FindAsset | ReadPlaylist | Await | ReadFile
type Told = Finish | Waive
type Question = Asked | Told | Ready | Count
type Answer = Welcome | Done | Refused | AssetIs | PlaylistIs | Waits | Came | FileIs | Stop
type Message = Question | Answer
