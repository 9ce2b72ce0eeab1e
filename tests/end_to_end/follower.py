"""A viewer that follows a live to its end and decodes all that was shown."""

import asyncio
import io
from dataclasses import dataclass, field
from urllib.parse import urljoin

import av
import m3u8

from tests.end_to_end.viewer import Viewer

_POLL_SECONDS = 0.5


@dataclass
class Shown:
    """One rendition as it came: what its decoder needs first, then all segments."""

    data: bytearray = field(default_factory=bytearray)
    known: set[str] = field(default_factory=set)
    discontinuities: int = 0

    def pictures(self) -> list[av.VideoFrame]:
        """All of them in the order in which they are shown."""
        with av.open(io.BytesIO(bytes(self.data)), mode="r", format="mp4") as container:
            return list(container.decode(video=0))

    def sound_seconds(self) -> float:
        """How long all decoded sound lasts."""
        with av.open(io.BytesIO(bytes(self.data)), mode="r", format="mp4") as container:
            lasting = [frame.samples / frame.sample_rate for frame in container.decode(audio=0)]
            return float(sum(lasting))


async def follow(viewer: Viewer) -> dict[str, Shown]:
    """Everything of every rendition, by its name; returns when the live has ended."""
    shown: dict[str, Shown] = {}
    while True:
        playlists = await viewer.media_playlists()
        for url, playlist in playlists.items():
            await _fetch(viewer, url, playlist, shown.setdefault(url.split("/")[-2], Shown()))
        if all(playlist.is_endlist for playlist in playlists.values()):
            return shown
        await asyncio.sleep(_POLL_SECONDS)


async def _fetch(viewer: Viewer, url: str, playlist: m3u8.M3U8, shown: Shown) -> None:
    """What is new in a playlist."""
    for segment in playlist.segments:
        assert segment.init_section is not None
        for uri in (segment.init_section.uri, segment.uri):
            if uri not in shown.known:
                shown.data += await viewer.body(urljoin(url, uri))
                shown.known.add(uri)
                shown.discontinuities += uri == segment.uri and segment.discontinuity
