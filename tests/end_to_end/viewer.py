"""A viewer without a screen: follows playlists with the m3u8 package and fetches segments."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

import m3u8

from tests.end_to_end.running_server import Client, eventually


@dataclass
class Viewer:
    """One playback session of a client."""

    client: Client
    session: dict[str, Any]
    fetched: list[str] = field(default_factory=list)

    @property
    def session_id(self) -> str:
        return str(self.session["sessionId"])

    async def multivariant(self) -> m3u8.M3U8:
        return m3u8.loads(await self.text(self.session["playbackUrl"]))

    async def media_playlists(self) -> dict[str, m3u8.M3U8]:
        """By URL: one for each rendition."""
        url = self.session["playbackUrl"]
        multivariant = await self.multivariant()
        uris = [p.uri for p in multivariant.playlists]
        uris += [media.uri for media in multivariant.media if media.uri]
        return {urljoin(url, uri): await self._whole_segments(urljoin(url, uri)) for uri in uris}

    async def _whole_segments(self, url: str) -> m3u8.M3U8:
        """A playlist without the parts of the segment that is being made."""
        playlist = m3u8.loads(await self.text(url))
        if playlist.segments and playlist.segments[-1].uri is None:
            playlist.segments.pop()
        return playlist

    async def text(self, url: str) -> str:
        async with self.client.http.get(url) as answer:
            body = await answer.text()
            assert answer.status == 200, f"{answer.status} {body[:200]}"
            return body

    async def body(self, url: str) -> bytes:
        async with self.client.http.get(url) as answer:
            body = await answer.read()
            assert answer.status == 200, f"{answer.status} {body[:200]!r}"
            self.fetched.append(url)
            return body

    async def summary(self) -> dict[str, Any]:
        answer: dict[str, Any] = await self.client.get(
            f"/api/v1/streaming/sessions/{self.session_id}"
        )
        return answer

    async def stop(self) -> dict[str, Any]:
        answer: dict[str, Any] = await self.client.post(
            "/api/v1/streaming/stop", {"sessionId": self.session_id}
        )
        return answer


async def watch(client: Client, content: str, seconds: float = 60) -> Viewer:
    """Open a session as soon as the content is live and its first segment is there."""

    async def playable() -> dict[str, Any] | None:
        document: dict[str, Any] = await client.get(f"/api/v1/content/{content}")
        return None if document["state"] == "waiting" else document

    await eventually(playable, seconds, f"{content} can be watched")
    session = await client.post("/api/v1/streaming/start", {"contentId": content}, status=201)
    return Viewer(client, session)


def files(playlist: m3u8.M3U8) -> dict[str, str]:
    """URIs by the name of the file, which is the same in all renditions."""
    return {uri.rpartition("/")[2]: uri for uri in (each.uri for each in playlist.segments)}
