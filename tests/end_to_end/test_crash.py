"""`kill -9` in the middle: nothing acknowledged is lost, nothing is charged twice."""

from typing import Any
from urllib.parse import urljoin

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
)
from tests.end_to_end.viewer import Viewer, watch

pytestmark = [pytest.mark.end_to_end, pytest.mark.peer, pytest.mark.timeout(180)]


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


async def test_a_killed_server_forgets_no_second_and_bills_none_twice(start: Any) -> None:
    flags = ("--settlement.interval_seconds=1", "--settlement.minimum_stroops=1")
    first: RunningServer = await start(*flags)
    async with guest_of(first) as guest, client_of(first, **first.creator) as creator:
        balance = (await guest.get("/api/v1/payments/balance"))["balance"]
        async with publishing(f"{first.rtmp_url}/{first.announced['stream_key']}"):
            viewer = await watch(guest, "main")
            before = await billed(viewer, 3)
            await first.kill()
        token = guest.http.headers["Authorization"]
        del creator

    second: RunningServer = await start(*flags)
    async with (
        client_of(second, Authorization=token) as guest,
        client_of(second, **second.creator) as creator,
    ):
        viewer = Viewer(guest, viewer.session)
        assert (await viewer.summary())["secondsBilled"] >= before
        # The cut-off asset is on demand now, under the same session and address.
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
