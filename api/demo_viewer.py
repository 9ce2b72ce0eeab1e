"""A paying viewer for the demo: an HTTP client like any other, without a screen."""

import asyncio
from dataclasses import dataclass
from urllib.parse import urljoin

import aiohttp
import m3u8
import structlog

from config.limits import DEMO_VIEWER_RETRY_SECONDS, DEMO_VIEWER_SEGMENTS_MAX

log = structlog.get_logger(__name__)


class _Interrupted(Exception):
    """The session or the content ended; begin again."""


@dataclass(frozen=True, slots=True)
class DemoViewer:
    """Watches one piece of content for ever: a guest with play money at the smallest rendition."""

    base_url: str
    content: str

    async def run(self) -> None:
        async with aiohttp.ClientSession(self.base_url) as http:
            token = (await _json(await http.post("/api/v1/guests")))["token"]
            http.headers["Authorization"] = f"Bearer {token}"
            while True:
                try:
                    await self._watch(http)
                except (_Interrupted, aiohttp.ClientError, TimeoutError) as error:
                    log.debug("demo viewer begins again", reason=str(error))
                await asyncio.sleep(DEMO_VIEWER_RETRY_SECONDS)

    async def _watch(self, http: aiohttp.ClientSession) -> None:
        await _json(await http.post("/api/v1/sandbox/fund"))
        started = await _json(
            await http.post("/api/v1/streaming/start", json={"contentId": self.content})
        )
        try:
            playlists = await _smallest(http, started["playbackUrl"])
            seen: dict[str, set[str]] = {}
            while True:
                wait_s = 1.0
                for playlist in playlists:
                    wait_s = await _fetch_new(http, playlist, seen)
                await asyncio.sleep(wait_s)
        finally:
            body = {"sessionId": started["sessionId"]}
            await asyncio.shield(_stop(http, body))


async def _stop(http: aiohttp.ClientSession, body: dict[str, str]) -> None:
    async with http.post("/api/v1/streaming/stop", json=body) as answer:
        await answer.read()


async def _smallest(http: aiohttp.ClientSession, url: str) -> list[str]:
    """The media playlists to follow: the cheapest video rendition and its audio."""
    multivariant = m3u8.loads(await _text(await http.get(url)))
    variants = sorted(multivariant.playlists, key=lambda v: v.stream_info.bandwidth)
    if not variants:
        raise _Interrupted("no rendition")
    audio = [media.uri for media in variants[0].media if media.uri]
    return [urljoin(url, uri) for uri in (variants[0].uri, *audio)]


async def _fetch_new(http: aiohttp.ClientSession, url: str, seen: dict[str, set[str]]) -> float:
    """Fetch what a playlist names and was not fetched yet; returns seconds until the next look."""
    playlist = m3u8.loads(await _text(await http.get(url)))
    # The last one may have parts only, as yet.
    addresses = [urljoin(url, segment.uri) for segment in playlist.segments if segment.uri]
    fresh = [address for address in addresses if address not in seen.get(url, ())]
    if url not in seen:
        # Join like a player: three segments from the live edge.
        fresh = fresh[-DEMO_VIEWER_SEGMENTS_MAX:]
    for address in fresh:
        await _bytes(await http.get(address))
    seen[url] = set(addresses)
    if playlist.is_endlist:
        raise _Interrupted("the stream ended")
    return (playlist.target_duration or 2) / 2


async def _json(answer: aiohttp.ClientResponse) -> dict[str, str]:
    async with answer:
        if answer.status >= 400:
            raise _Interrupted(f"{answer.status} {(await answer.text())[:200]}")
        document: dict[str, str] = await answer.json()
        return document


async def _text(answer: aiohttp.ClientResponse) -> str:
    return (await _bytes(answer)).decode()


async def _bytes(answer: aiohttp.ClientResponse) -> bytes:
    async with answer:
        if answer.status >= 400:
            raise _Interrupted(f"{answer.status} for {answer.url.path.rsplit('/', 1)[-1]}")
        return await answer.read()
