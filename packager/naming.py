"""Names of playlists, init segments, segments and parts below an asset's URL prefix.

`master.m3u8` is the multivariant playlist; each rendition is a folder with `index.m3u8`,
`init-0.mp4` (one per epoch), `41.m4s` (one per sequence number) and `41.3.m4s` (its parts). One
rendition also has `iframes.m3u8` and `41.iframe.m4s`: the picture that a segment begins with.
Captions have a folder as well, with `index.m3u8` and `41.vtt`. Where segments are encrypted, the
folder `keys` has `41.key` for the segments from 41 on that share it, and `init-0.41.mp4` may be the
init segment for those.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from media.pictures import PictureKind

MULTIVARIANT_NAME = "master.m3u8"
PLAYLIST_NAME = "index.m3u8"
IFRAME_PLAYLIST_NAME = "iframes.m3u8"
MP4 = "video/mp4"
"""Media type of init segments, segments and parts, of pictures and of sound."""
VTT = "text/vtt"
"""Media type of captions."""
KEY = "application/octet-stream"
"""Media type of keys."""
# No rendition can be called so.
PICTURES_FOLDER, CAPTIONS_FOLDER = "_pictures", "_captions"
_CAPTIONS_PREFIX = "captions-"
# One of a rendition may: it has no keys in it.
KEYS_FOLDER = "keys"

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_INIT = re.compile(r"init-(\d{1,9})(?:\.(\d{1,18}))?\.mp4", re.ASCII)
_PATH = re.compile(
    rf"({_NAME.pattern})/(?:((?:index|iframes)\.m3u8)|(init-\d{{1,9}}(?:\.\d{{1,18}})?\.mp4)"
    r"|(\d{1,18})(?:\.(\d{1,4}|iframe))?\.m4s|(\d{1,18})\.(vtt|key))"
)


@dataclass(frozen=True, slots=True)
class PlaylistPath:
    """A media playlist, or the multivariant playlist when `rendition` is None.

    Attributes:
        iframes: of the rendition's I-frames alone.
    """

    rendition: str | None
    iframes: bool = False


@dataclass(frozen=True, slots=True)
class InitPath:
    rendition: str
    name: str


@dataclass(frozen=True, slots=True)
class SegmentPath:
    rendition: str
    sequence: int


@dataclass(frozen=True, slots=True)
class PartPath:
    """A piece of a segment, counted from 0."""

    rendition: str
    sequence: int
    part: int


@dataclass(frozen=True, slots=True)
class IFramePath:
    """The picture that a segment begins with."""

    rendition: str
    sequence: int


@dataclass(frozen=True, slots=True)
class CaptionPath:
    """What captions show during a segment; `rendition` is the folder of the captions."""

    rendition: str
    sequence: int


@dataclass(frozen=True, slots=True)
class KeyPath:
    """The key of an encrypted segment and of those behind it that share it."""

    sequence: int
    rendition: ClassVar[str] = KEYS_FOLDER


FilePath = InitPath | SegmentPath | PartPath | IFramePath | CaptionPath | KeyPath
Path = PlaylistPath | FilePath


def parse_path(path: str) -> Path | None:
    """What a path below the prefix names; None when nothing can have this name."""
    if path == MULTIVARIANT_NAME:
        return PlaylistPath(None)
    match = _PATH.fullmatch(path)
    if match is None or not path.isascii():
        return None
    rendition, playlist, init, digits, part, other, kind = match.groups()
    if playlist is not None:
        return PlaylistPath(rendition, iframes=playlist == IFRAME_PLAYLIST_NAME)
    if init is not None:
        return InitPath(rendition, init)
    if other is not None:
        return _other(rendition, other, kind)
    return _piece(rendition, digits, part)


def _piece(rendition: str, digits: str, part: str | None) -> FilePath | None:
    if not _is_plain(digits):
        return None
    if part is None:
        return SegmentPath(rendition, int(digits))
    if part == "iframe":
        return IFramePath(rendition, int(digits))
    return PartPath(rendition, int(digits), int(part)) if _is_plain(part) else None


def _other(folder: str, digits: str, kind: str) -> FilePath | None:
    if not _is_plain(digits):
        return None
    if kind == "vtt":
        return CaptionPath(folder, int(digits))
    return KeyPath(int(digits)) if folder == KEYS_FOLDER else None


def _is_plain(digits: str) -> bool:
    """One name per file, so that caches and logs see one: no leading zeros."""
    return digits == str(int(digits))


def path_text(path: Path) -> str:
    """What `parse_path` reads as this path."""
    if path == PlaylistPath(None):
        return MULTIVARIANT_NAME
    return f"{path.rendition}/{_file_name(path)}"


def _file_name(path: Path) -> str:
    match path:
        case PlaylistPath(_, iframes):
            return IFRAME_PLAYLIST_NAME if iframes else PLAYLIST_NAME
        case InitPath(_, name):
            return name
        case PartPath(_, sequence, part):
            return part_name(sequence, part)
        case _:
            return _NAMES[type(path)](path.sequence)


def playlist_path(rendition: str) -> str:
    """Relative to the multivariant playlist."""
    return f"{rendition}/{PLAYLIST_NAME}"


def iframe_playlist_path(rendition: str) -> str:
    """Relative to the multivariant playlist."""
    return f"{rendition}/{IFRAME_PLAYLIST_NAME}"


def init_name(epoch: int, period: int | None = None) -> str:
    """Relative to the rendition's playlist; `period` for one that names the key of that period."""
    return f"init-{epoch}.mp4" if period is None else f"init-{epoch}.{period}.mp4"


def parse_init_name(name: str) -> tuple[int, int | None] | None:
    """The epoch and the period of what `init_name` makes."""
    match = _INIT.fullmatch(name)
    if match is None:
        return None
    period = None if match[2] is None else int(match[2])
    return (int(match[1]), period) if name == init_name(int(match[1]), period) else None


def segment_name(sequence: int) -> str:
    """Relative to the rendition's playlist."""
    return f"{sequence}.m4s"


def part_name(sequence: int, part: int) -> str:
    """Relative to the rendition's playlist."""
    return f"{sequence}.{part}.m4s"


def iframe_name(sequence: int) -> str:
    """Relative to the rendition's playlist."""
    return f"{sequence}.iframe.m4s"


def caption_name(sequence: int) -> str:
    """Relative to the playlist of the captions."""
    return f"{sequence}.vtt"


def key_name(sequence: int) -> str:
    """Relative to the folder of keys."""
    return f"{sequence}.key"


_NAMES: dict[type[FilePath], Callable[[int], str]] = {
    SegmentPath: segment_name,
    IFramePath: iframe_name,
    CaptionPath: caption_name,
    KeyPath: key_name,
}


def captions_folder(key: str) -> str:
    """The folder of captions by what the API calls them: mostly their language."""
    return f"{_CAPTIONS_PREFIX}{key.lower()}"


def captions_key(folder: str) -> str:
    """What the API calls captions, by their folder."""
    return folder.removeprefix(_CAPTIONS_PREFIX)


def picture_name(kind: PictureKind, number: int) -> str:
    """As served, and on disk in `PICTURES_FOLDER`."""
    return "poster.jpg" if kind is PictureKind.POSTER else f"storyboard-{number}.jpg"


def content_name(name: str, sha256: str) -> str:
    """On disk, of a file that several attempts may write: `41-<16 hexadecimal digits>.m4s`."""
    stem, dot, suffix = name.rpartition(".")
    return f"{stem}-{sha256[:16]}{dot}{suffix}"


def is_name(text: str) -> bool:
    """Whether an asset or rendition of this name can exist: it is safe in a path and a URL."""
    return _NAME.fullmatch(text) is not None
