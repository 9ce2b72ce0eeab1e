"""The database of a running server freezes, is killed, and comes back, under a viewer of a live."""

import asyncio
import os
import signal
from typing import Any
from urllib.parse import urljoin

import pytest

from tests.end_to_end.publisher import publishing
from tests.end_to_end.running_server import (
    RunningServer,
    client_of,
    descendants,
    eventually,
    guest_of,
)
from tests.end_to_end.viewer import Viewer, watch

pytestmark = [pytest.mark.end_to_end, pytest.mark.alone, pytest.mark.peer, pytest.mark.timeout(180)]

# Half of what hls.js gives a request; the server's own patience with the database is a second.
ANSWER_SECONDS_MAX = 5


def postgres(server: RunningServer) -> list[int]:
    """The embedded server's processes, the postmaster first."""
    master = int((server.data / "postgres/data/postmaster.pid").read_text().split()[0])
    return [master, *descendants(master)]


async def watch_on(viewer: Viewer, segments: int) -> None:
    """Follow the live edge of all renditions for so many new segments, none of which may fail."""
    wanted = len(viewer.fetched) + segments

    async def more() -> bool | None:
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            playlists = await viewer.media_playlists()
        for url, playlist in playlists.items():
            for segment in playlist.segments:
                address = urljoin(url, segment.uri)
                if address not in viewer.fetched:
                    async with asyncio.timeout(ANSWER_SECONDS_MAX):
                        await viewer.body(address)
        return True if len(viewer.fetched) >= wanted else None

    await eventually(more, 60, f"{segments} segments more")


async def refused(client: Any) -> None:
    """Somebody new is told to come back; it takes no longer than the database may."""
    async with client.http.post("/api/v1/streaming/start", json={"contentId": "main"}) as answer:
        assert answer.status == 503, await answer.text()
        assert int(answer.headers["Retry-After"]) >= 1


async def test_a_viewer_of_a_live_notices_neither_a_frozen_nor_a_killed_database(
    start: Any,
) -> None:
    server: RunningServer = await start(
        "--media.part_milliseconds=0", "--media.segment_milliseconds=1000"
    )
    address = f"{server.rtmp_url}/{server.announced['stream_key']}"
    async with guest_of(server) as guest, guest_of(server) as late, publishing(address):
        viewer = await watch(guest, "main")
        await watch_on(viewer, 2)

        frozen = postgres(server)
        for process in frozen:
            os.kill(process, signal.SIGSTOP)
        await watch_on(viewer, 4)
        await refused(late)
        for process in frozen:
            os.kill(process, signal.SIGCONT)
        await watch_on(viewer, 2)

        for process in postgres(server):
            os.kill(process, signal.SIGKILL)
        await watch_on(viewer, 4)

        async def let_in() -> Viewer | None:
            async with late.http.post(
                "/api/v1/streaming/start", json={"contentId": "main"}
            ) as answer:
                assert answer.status in (201, 503), await answer.text()
                return Viewer(late, await answer.json()) if answer.status == 201 else None

        other = await eventually(let_in, 60, "somebody new is let in again")
        await watch_on(other, 1)
        media = len(viewer.fetched)

        async def billed() -> int | None:
            summary = await viewer.summary()
            return summary["secondsBilled"] if summary["held"] == "0.0000000" else None

        seconds = await eventually(billed, 60, "all of it is charged")
    assert 4 <= seconds <= media + 1
    async with client_of(server, **server.creator) as creator:
        assert (await creator.get("/ready"))["status"] == "ready"
