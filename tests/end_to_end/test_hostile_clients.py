"""Garbage, truncation and half-open herds cost the others nothing."""

import asyncio
import contextlib
import json
import os
import signal
from pathlib import Path

import aiohttp
import pytest

from tests.end_to_end.publisher import publishing
from tests.end_to_end.running_server import RunningServer, client_of, eventually, guest_of
from tests.end_to_end.viewer import Viewer, watch

pytestmark = [pytest.mark.end_to_end, pytest.mark.alone, pytest.mark.peer]

HALF_OPEN = 200


def address(url: str) -> tuple[str, int]:
    host, _, port = url.split("/")[2].partition(":")
    return host, int(port)


async def closed_by_server(host: str, port: int, data: bytes) -> bytes:
    """Send bytes and return what comes back until the server closes or answers."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        with contextlib.suppress(ConnectionError):
            writer.write(data)
            await writer.drain()
        async with asyncio.timeout(60):
            with contextlib.suppress(ConnectionError):
                return await reader.read(65_536)
        return b""
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def newest_sequence(viewer: Viewer) -> int:
    playlists = await viewer.media_playlists()
    newest: int = min(p.media_sequence + len(p.segments) for p in playlists.values())
    return newest


async def goes_on(viewer: Viewer) -> None:
    """New segments keep coming on every rendition."""
    before = await newest_sequence(viewer)

    async def advanced() -> bool | None:
        return True if await newest_sequence(viewer) >= before + 2 else None

    await eventually(advanced, 60, "the stream goes on")


async def test_hostile_connections_leave_a_running_stream_alone(server: RunningServer) -> None:
    key = server.announced["stream_key"]
    rtmp, http = address(server.rtmp_url), address(server.http_url)
    async with guest_of(server) as guest, publishing(f"{server.rtmp_url}/{key}"):
        viewer = await watch(guest, "main")
        half_open = [await asyncio.open_connection(*rtmp) for _ in range(HALF_OPEN)]
        half_open += [await asyncio.open_connection(*http) for _ in range(HALF_OPEN)]
        for _, writer in half_open[HALF_OPEN:]:
            writer.write(b"GET /hls/ HTTP/1.1\r\nX-Slow: ")

        await closed_by_server(*rtmp, os.urandom(20_000))
        await closed_by_server(*rtmp, b"\x03" + bytes(1536) + bytes(1536) + b"\xff" * 4096)
        await closed_by_server(*rtmp, b"GET / HTTP/1.1\r\n\r\n" + bytes(4000))
        answer = await closed_by_server(*http, b"\x16\x03\x01" + os.urandom(2000))
        assert answer == b"" or b" 400 " in answer
        answer = await closed_by_server(*http, b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n")
        assert answer == b"" or b" 400 " in answer or b" 414 " in answer

        await goes_on(viewer)
        async with client_of(server) as anybody:
            assert (await anybody.get("/ready"))["status"] == "ready"
        for _, writer in half_open:
            writer.close()


async def test_a_wrong_key_is_refused_in_words(server: RunningServer) -> None:
    async with publishing(f"{server.rtmp_url}/not-a-key") as ffmpeg:
        _, errors = await ffmpeg.communicate()
    assert ffmpeg.returncode != 0
    assert b"NetStream.Publish.Denied" in errors or b"stream key" in errors.lower()


async def reconnecting(events: aiohttp.ClientResponse, name: str) -> None:
    """Until the publisher of this source is waited for."""
    async with asyncio.timeout(60):
        async for line in events.content:
            if line.startswith(b"data: "):
                sources = json.loads(line.removeprefix(b"data: "))["items"]
                if (name, "reconnecting") in [(one["name"], one["state"]) for one in sources]:
                    return
    raise AssertionError("the events ended")


async def test_a_publisher_that_is_cut_off_leaves_a_recording(server: RunningServer) -> None:
    """The live waits for it to come back as long as its source says, and then ends."""
    async with guest_of(server) as guest, client_of(server, **server.creator) as creator:
        body = {"name": "cut", "title": "Cut", "reconnectSeconds": 3}
        key = (await creator.post("/api/v1/sources", body, status=201))["streamKey"]
        async with publishing(f"{server.rtmp_url}/{key}") as ffmpeg:
            viewer = await watch(guest, "cut")
            await goes_on(viewer)
            # Events tell it: who asks may come when those three seconds are over.
            async with creator.http.get("/api/v1/sources/events") as events:
                ffmpeg.kill()
                await reconnecting(events, "cut")

        async def ended() -> bool | None:
            playlists = await viewer.media_playlists()
            return True if all(p.is_endlist for p in playlists.values()) else None

        await eventually(ended, 60, "the recording is complete")


async def test_a_killed_worker_costs_its_source_no_segment(server: RunningServer) -> None:
    key = server.announced["stream_key"]
    async with guest_of(server) as guest, publishing(f"{server.rtmp_url}/{key}"):
        viewer = await watch(guest, "main")
        for pid in server.descendants():
            if b"media.transcode.av_worker" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)
        await goes_on(viewer)
        for playlist in (await viewer.media_playlists()).values():
            assert "#EXT-X-GAP" not in playlist.dumps()
            assert not any(segment.discontinuity for segment in playlist.segments)
