"""`kill -9` in the middle: nothing acknowledged is lost, nothing is charged twice."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import aiohttp
import pytest

from metering.money import parse_amount
from tests.end_to_end.publisher import publishing
from tests.end_to_end.running_server import (
    Client,
    RunningServer,
    client_of,
    eventually,
    guest_of,
    settled,
    waited_for_a_core,
)
from tests.end_to_end.viewer import Viewer, watch

pytestmark = [pytest.mark.end_to_end, pytest.mark.alone, pytest.mark.peer, pytest.mark.timeout(180)]

FLAGS = ("--settlement.interval_seconds=1", "--settlement.minimum_stroops=1")

SERVING_AGAIN_SECONDS_MAX = 3.0


async def fetch_all(viewer: Viewer) -> set[str]:
    """Every segment of every rendition that the playlists name; returns the addresses."""
    addresses = {
        urljoin(url, segment.uri)
        for url, playlist in (await viewer.media_playlists()).items()
        for segment in playlist.segments
    }
    for address in sorted(addresses):
        await viewer.body(address)
    return addresses


async def billed(viewer: Viewer, at_least: int) -> int:
    """Watch until so many seconds were billed; returns how many were."""

    async def enough() -> int | None:
        for url, playlist in (await viewer.media_playlists()).items():
            for segment in playlist.segments:
                address = urljoin(url, segment.uri)
                if address not in viewer.fetched:
                    await viewer.body(address)
        seconds: int = (await viewer.summary())["secondsBilled"]
        return seconds if seconds >= at_least else None

    return await eventually(enough, 20, f"{at_least} s are billed")


@dataclass
class Supervised:
    """A server that is started again as soon as it has ended, as a supervisor does."""

    start: Callable[..., Awaitable[RunningServer]]
    server: RunningServer

    async def kill(self, viewer: Viewer, address: str) -> float:
        """`kill -9`, also of what its children are about to do.

        Returns:
            After how many seconds a viewer was served again who asked for `address` all the time,
            without those in which other programs had the cores.
        """
        port = urlsplit(self.server.http_url).port
        killed_at = time.monotonic()
        self.server.process.kill()
        await self.server.process.wait()
        starting = self.start(*FLAGS, f"--http.port={port}")
        self.server, served_at = await asyncio.gather(starting, _served(viewer, address))
        return served_at - killed_at - waited_for_a_core(self.server.process.pid)


async def _served(viewer: Viewer, address: str) -> float:
    """When it was; until then connections are lost or refused, and nothing else is answered."""

    async def asked() -> float | None:
        try:
            await viewer.body(address)
        except aiohttp.ClientConnectionError:
            return None
        return time.monotonic()

    return await eventually(asked, 30, "a viewer is served again")


async def test_a_killed_server_is_back_soon_forgets_no_second_and_bills_none_twice(
    start: Any,
) -> None:
    supervised = Supervised(start, await start(*FLAGS))
    first = supervised.server
    async with guest_of(first) as guest, client_of(first, **first.creator) as creator:
        balance = (await guest.get("/api/v1/payments/balance"))["balance"]
        async with publishing(f"{first.rtmp_url}/{first.announced['stream_key']}"):
            viewer = await watch(guest, "main")
            before = await billed(viewer, 3)
            began_with = viewer.fetched[0]
            assert await supervised.kill(viewer, began_with) <= SERVING_AGAIN_SECONDS_MAX

        assert (await viewer.summary())["secondsBilled"] >= before
        # The cut-off asset is on demand now, under the same session and address.
        await fetch_all(viewer)
        before = (await viewer.summary())["secondsBilled"]
        assert await supervised.kill(viewer, began_with) <= SERVING_AGAIN_SECONDS_MAX

        await fetch_all(viewer)
        await fetch_all(viewer)
        result = await viewer.stop()
        media = max(p.media_sequence + len(p.segments) for p in await _playlists(creator, viewer))
        assert before <= result["secondsBilled"] <= 2 * media + 1

        earnings = await eventually(lambda: settled(creator), 30, "everything is settled")
        assert earnings["settled"] == result["amount"]
        left = (await guest.get("/api/v1/payments/balance"))["balance"]
        assert parse_amount(balance) - parse_amount(left) == parse_amount(result["amount"])


async def _playlists(creator: Client, viewer: Viewer) -> list[Any]:
    """Seen by the owner, whose preview costs nothing, since the viewer's session is closed."""
    content = viewer.session["playbackUrl"].split("/")[2]
    session = await creator.post("/api/v1/streaming/start", {"contentId": content}, status=201)
    return list((await Viewer(creator, session).media_playlists()).values())
