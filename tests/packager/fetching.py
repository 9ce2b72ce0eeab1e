"""What a player gets of a package, without HTTP and tokens."""

import m3u8

from packager.naming import (
    InitPath,
    PlaylistPath,
    SegmentPath,
    parse_path,
)
from packager.package import Charge, MediaFile, Package
from packager.playlist_text import PlaylistText


def beside(text: PlaylistText, rendition: str) -> str:
    """A playlist of a rendition, with URIs as if there were no tokens."""
    filled = text.fill(lambda _: b"-").decode()
    return filled.replace(f"../../-/{rendition}/", "").replace("../../-/", "../")


def media_playlist(package: Package, rendition: str, *, iframes: bool = False) -> str:
    return beside(package.playlist(PlaylistPath(rendition, iframes)), rendition)


def complete(playlist: str) -> m3u8.M3U8:
    """A playlist without the segment that only has parts yet."""
    lines = playlist.splitlines()
    ended = "#EXT-X-ENDLIST" in lines
    last = max((i for i, line in enumerate(lines) if not line.startswith("#")), default=0)
    return m3u8.loads(playlist if ended else "\n".join(lines[: last + 1]))


async def segment(package: Package, rendition: str, sequence: int) -> MediaFile:
    return await package.file(SegmentPath(rendition, sequence))


async def charge(package: Package, rendition: str, sequence: int) -> Charge:
    """What is billed for a segment."""
    found = (await segment(package, rendition, sequence)).charge
    assert found is not None
    return found


async def init(package: Package, rendition: str, name: str) -> bytes:
    return (await package.file(InitPath(rendition, name))).body


async def fetch(package: Package, path: str) -> bytes:
    """What the HTTP interface does with a path below the prefix."""
    match parse_path(path):
        case PlaylistPath(None):
            return package.multivariant()
        case PlaylistPath(rendition, iframes):
            assert rendition is not None
            return media_playlist(package, rendition, iframes=iframes).encode()
        case None:
            raise AssertionError(f"a playlist names {path}, which is nothing")
        case file:
            return (await package.file(file)).body
