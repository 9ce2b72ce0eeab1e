"""A player without a screen that plays every rendition at once, and notes what it is answered."""

import asyncio
import contextlib
from collections.abc import Iterable
from urllib.parse import urljoin, urlsplit, urlunsplit

import aiohttp
from yarl import URL

from tests.hls_validator.lines import is_multivariant
from tests.hls_validator.observation import Fetched, Observation, Probe, Reload, Snapshot
from tests.hls_validator.playlist import MediaPlaylist, Segment
from tests.hls_validator.reading import read_media_playlist, read_multivariant
from tests.hls_validator.reload import merged
from tests.hls_validator.rule import Rule

# Who joins a live begins near its end, as players do.
_SEGMENTS_AT_FIRST = 2
_REQUEST_SECONDS_MAX = 30
_AGAIN_SECONDS = 0.5
# "Not yet" and "not so fast": what is metered is given out as fast as it can be watched.
_COME_AGAIN = frozenset((425, 429, 503))
_FAR_AHEAD = 50

Request = tuple[str, str]


class Recorder:
    """Plays one asset once."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http = http
        self._loop = asyncio.get_running_loop()
        self._known: set[Request] = set()
        self._probed: set[str] = set()
        self.observation = Observation(url)

    async def run(self, seconds: float) -> Observation:
        """Follow all playlists until they end, or for so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._play()
        return self.observation

    async def _play(self) -> None:
        found = self.observation
        text = await self._text(found.url)
        if is_multivariant(text):
            found.multivariant = text
            uris = read_multivariant(text, "")[0].uris()
            urls = [urljoin(found.url, uri) for uri in uris]
        else:
            urls = [found.url]
        async with asyncio.TaskGroup() as group:
            for url in urls:
                found.snapshots[url] = []
                group.create_task(self._follow(url))

    async def _text(self, url: str) -> str:
        while True:
            snapshot = await self._load(url, Reload())
            if snapshot.status == 200:
                return snapshot.text
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _follow(self, url: str) -> None:
        """One playlist until its end; its segments in order, its parts at once."""
        queue: asyncio.Queue[Request | None] = asyncio.Queue()
        before: MediaPlaylist | None = None
        reload = Reload()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._fetch_all(queue))
            while before is None or not before.ended:
                snapshot = await self._load(url, reload)
                if snapshot.status != 200 and not self.observation.snapshots[url]:
                    await asyncio.sleep(_AGAIN_SECONDS)  # nothing is there yet
                    continue
                self.observation.snapshots[url].append(snapshot)
                if snapshot.status == 200:
                    sent, _ = read_media_playlist(snapshot.text, "")
                    playlist = merged(sent, before, "", [])
                    self._want(url, playlist, before, queue, group)
                    self._probe_once(url, playlist, group)
                    before, reload = playlist, _next(playlist, was_delta=reload.skip)
                if not reload.blocks and before is not None and not before.ended:
                    await asyncio.sleep(before.target_duration / 2)
            queue.put_nowait(None)

    async def _load(self, url: str, reload: Reload) -> Snapshot:
        asked = self._loop.time()
        status, body = await self._get(str(URL(url).update_query(reload.query())))
        return Snapshot(asked, self._loop.time(), status, body.decode(), reload)

    async def _get(self, url: str, byte_range: str = "", method: str = "GET") -> tuple[int, bytes]:
        length, _, offset = byte_range.partition("@")
        first = int(offset or 0)
        headers = {"Range": f"bytes={first}-{first + int(length) - 1}"} if length else {}
        timeout = aiohttp.ClientTimeout(total=_REQUEST_SECONDS_MAX)
        request = self._http.request(
            method, URL(url, encoded=True), headers=headers, timeout=timeout
        )
        async with request as answer:
            return answer.status, await answer.read()

    def _want(
        self,
        url: str,
        playlist: MediaPlaylist,
        before: MediaPlaylist | None,
        queue: asyncio.Queue[Request | None],
        group: asyncio.TaskGroup,
    ) -> None:
        """Have everything fetched that is new."""
        segments = playlist.segments
        if before is None and not playlist.ended and playlist.type != "EVENT":
            segments = segments[-_SEGMENTS_AT_FIRST:]
        for segment in segments:
            if segment.gap or (before and segment.sequence < before.media_sequence):
                continue
            needed = [segment.map.uri] if segment.map else []
            needed += [segment.key.uri] if segment.key else []
            for uri in needed:
                self._queue((urljoin(url, uri), ""), queue)
            self._queue((urljoin(url, segment.uri), segment.byte_range), queue)
        if before is not None:
            if before.segments and playlist.media_sequence > before.media_sequence:
                group.create_task(self._probe_removed(url, before.segments[0]))
            hint = playlist.hint()
            hinted = [hint.uri] if hint else []
            for uri in [*(part.uri for part in playlist.parts if not part.gap), *hinted]:
                self._fetch_soon((urljoin(url, uri), ""), group)

    def _queue(self, request: Request, queue: asyncio.Queue[Request | None]) -> None:
        if request not in self._known:
            self._known.add(request)
            queue.put_nowait(request)

    def _fetch_soon(self, request: Request, group: asyncio.TaskGroup) -> None:
        if request not in self._known:
            self._known.add(request)
            group.create_task(self._fetch(request))

    async def _fetch_all(self, queue: asyncio.Queue[Request | None]) -> None:
        while (request := await queue.get()) is not None:
            await self._fetch(request)

    async def _fetch(self, request: Request) -> None:
        while True:
            status, body = await self._get(*request)
            if status not in _COME_AGAIN:
                self.observation.files[request] = Fetched(status, body)
                return
            await asyncio.sleep(_AGAIN_SECONDS)

    def _probe_once(self, url: str, playlist: MediaPlaylist, group: asyncio.TaskGroup) -> None:
        if url not in self._probed and playlist.control.can_block and not playlist.ended:
            self._probed.add(url)
            group.create_task(self._probe(url, playlist))

    async def _probe(self, url: str, playlist: MediaPlaylist) -> None:
        """Requests that no player makes (6.2.5.2)."""
        far = playlist.next_sequence + _FAR_AHEAD
        await self._ask("a part of no segment", url, "_HLS_part=0", (400,))
        await self._ask("a segment that is far ahead", url, f"_HLS_msn={far}", (400,))
        if playlist.part_target is not None:
            # Not of the open segment: that may end meanwhile, and then its next part is another's.
            query = f"_HLS_msn={playlist.next_sequence + 1}&_HLS_part={_FAR_AHEAD}"
            await self._ask("a part that is far ahead", url, query, (400,))
        if playlist.segments:
            name = playlist.segments[-1].uri
            unknown = urljoin(url, name.replace(f"{playlist.segments[-1].sequence}.", f"{far}."))
            if unknown != urljoin(url, name):
                await self._ask("a segment that nothing hints at", unknown, "", (404,))

    async def _probe_removed(self, url: str, segment: Segment) -> None:
        """Players that were told of it may still be on their way to it."""
        if not segment.gap:
            status, _ = await self._get(urljoin(url, segment.uri), method="HEAD")
            what = f"segment {segment.sequence} after its removal"
            self.observation.probes.append(Probe(what, (200,), status, Rule.REMOVED_KEPT))

    async def _ask(self, what: str, url: str, query: str, expected: Iterable[int]) -> None:
        parts = urlsplit(url)
        whole = urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, query)))))
        status, _ = await self._get(whole)
        self.observation.probes.append(Probe(what, tuple(expected), status))


def _next(playlist: MediaPlaylist, *, was_delta: bool) -> Reload:
    """The request for what is not there yet; every second one for a delta update."""
    if not playlist.control.can_block:
        return Reload()
    part = None if playlist.part_target is None else len(playlist.parts)
    skip = playlist.control.can_skip_until is not None and not was_delta
    return Reload(playlist.next_sequence, part, skip)
