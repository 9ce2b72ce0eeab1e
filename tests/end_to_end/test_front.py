"""Three serving processes behind Debian's nginx and Caddy, as we ship their configurations."""

import asyncio
import os
import re
import signal
import socket
import ssl
import time
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import aiohttp
import pytest

from config.limits import REGISTRATIONS_PER_MINUTE_MAX
from tests.end_to_end.films import make_film, upload
from tests.end_to_end.front import Front, caddy, nginx
from tests.end_to_end.publisher import publishing
from tests.end_to_end.running_server import (
    Client,
    RunningServer,
    client_of,
    eventually,
    guest_of,
)
from tests.end_to_end.viewer import Viewer, watch
from tests.programs import program

pytestmark = [pytest.mark.end_to_end, pytest.mark.peer, pytest.mark.timeout(180)]

_SECONDS_MAX = 60
_WATCHED_SECONDS, _BILLED_SECONDS = 8, 5
# Charged when they are delivered; what follows is charged as time passes.
_STARTUP_SECONDS = 2
# Less than the server holds a playlist back for what does not come.
_BLOCKED_SECONDS_MAX = 8
# A front that gathers waits for so much.
_GATHERED_BYTES = 4096


async def curl(front: Front, *arguments: str) -> str:
    """HTTP/2 on one connection; what curl prints."""
    process = await asyncio.create_subprocess_exec(
        *(program("curl"), "--silent", "--show-error", "--http2", "--fail"),
        *("--cacert", str(front.certificate), "--max-time", str(_SECONDS_MAX), *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, (process.returncode, output[:300])
    return output.decode()


async def test_media_uploads_and_events_through_fronts_while_a_serving_process_dies(
    start: Any, tmp_path: Path
) -> None:
    server = await start(
        *("--http.processes=3", "--http.trusted_proxies=127.0.0.1"),
        *("--price.stroops=10000000", "--price.seconds=3600"),
    )
    key = server.announced["stream_key"]
    port = int(server.http_url.rpartition(":")[2])
    async with (
        guest_of(server) as guest,
        client_of(server, **server.creator) as creator,
        publishing(f"{server.rtmp_url}/{key}"),
        nginx(port, tmp_path / "nginx") as first,
        caddy(port, tmp_path / "caddy") as second,
    ):
        await eventually(lambda: _all_serve(creator), 60, "all processes serve")
        viewer = await watch(guest, "main")
        await asyncio.gather(
            _watched_while_a_process_dies(server, viewer),
            *(_passes_everything_on(front, viewer, server) for front in (first, second)),
            _counted_by_who_asks(server, first, second),
        )
        await eventually(lambda: _all_serve(creator), 60, "the dead process was replaced")
        assert "tollcast_serving_restarts_total 1.0" in await creator.get("/metrics")
    await server.kill()  # fails when it leaves a process behind


async def _all_serve(creator: Client) -> bool | None:
    ready = await creator.get("/ready")
    told = {each["name"]: each["detail"] for each in ready["dependencies"]}
    return True if told["serving"].startswith("2 of 2 ") else None


async def _watched_while_a_process_dies(server: RunningServer, viewer: Viewer) -> None:
    """A connection for each request, so that they are everybody's; half way one is killed."""
    sequences: set[int] = set()
    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(server.http_url, connector=connector) as http:
        player = Viewer(Client(http), viewer.session)
        began = time.monotonic()
        victims = [pid for pid in server.descendants() if _is_serving(pid)]
        assert len(victims) == 2
        billed = 0
        while (passed := time.monotonic() - began) < _WATCHED_SECONDS or billed < _BILLED_SECONDS:
            if passed > _WATCHED_SECONDS / 2 and victims:
                os.kill(victims.pop(), signal.SIGKILL)
                victims.clear()
            assert passed < _SECONDS_MAX, f"{billed} s are billed"
            await _fetch_new(player, sequences)
            await asyncio.sleep(0.3)
            billed = (await viewer.summary())["secondsBilled"]
    result = await viewer.stop()
    # Whole seconds of time and media: what it could watch, and no more than it was given.
    assert result["secondsBilled"] <= time.monotonic() - began + _STARTUP_SECONDS + 1
    assert result["secondsBilled"] <= 2 * len(sequences)
    assert result["ticks"] == result["secondsBilled"]


async def _fetch_new(player: Viewer, sequences: set[int]) -> None:
    """What the playlists name now; a connection that breaks is tried again, as players do."""
    try:
        for url, playlist in (await player.media_playlists()).items():
            # The last one may have parts only.
            for uri in [each.uri for each in playlist.segments if each.uri][-2:]:
                address = urljoin(url, uri)
                if address not in player.fetched:
                    await player.body(address)
                    sequences.add(int(uri.rpartition("/")[2].removesuffix(".m4s")))
    except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError):
        pass


def _is_serving(pid: int) -> bool:
    return b"api.serving" in Path(f"/proc/{pid}/cmdline").read_bytes()


async def _passes_everything_on(front: Front, viewer: Viewer, server: RunningServer) -> None:
    await asyncio.gather(
        _blocked_on_one_connection(front, viewer),
        _uploaded(front, server),
        _told_as_it_happens(front, server),
        _talked(front, server),
        _plain_http_is_sent_on(front),
    )


async def _blocked_on_one_connection(front: Front, viewer: Viewer) -> None:
    """Twenty players' playlists that wait for the same part of one segment."""
    rendition = (await viewer.multivariant()).playlists[0].uri
    url = front.url + urljoin(viewer.session["playbackUrl"], rendition)
    playlist = await curl(front, url)
    parts = re.findall(r"/(\d+)\.(\d+)\.m4s", playlist)
    assert parts, "it has parts"
    sequence, part = max((int(sequence), int(part)) for sequence, part in parts)
    told = await curl(
        front,
        *("--parallel", "--parallel-max", "20", "--output", str(front.folder / "blocked_#1")),
        *("--write-out", "%{http_version} %{num_connects} %{time_total}\n"),
        f"{url}?_HLS_msn={sequence}&_HLS_part={part + 2}&player=[1-20]",
    )
    lines = [line.split() for line in told.splitlines()]
    assert [version for version, _, _ in lines] == ["2"] * 20
    assert sum(int(connects) for _, connects, _ in lines) == 1
    assert max(float(seconds) for _, _, seconds in lines) < _BLOCKED_SECONDS_MAX
    texts = {(front.folder / f"blocked_{number}").read_text() for number in range(1, 21)}
    for text in texts:
        newest = max((int(a), int(b)) for a, b in re.findall(r"/(\d+)\.(\d+)\.m4s", text))
        assert newest >= (sequence, part + 2) or newest[0] > sequence


def _client(front: Front, server: RunningServer, **options: Any) -> aiohttp.ClientSession:
    trusting = ssl.create_default_context(cafile=str(front.certificate))
    connector = aiohttp.TCPConnector(ssl=trusting, **options)
    return aiohttp.ClientSession(front.url, connector=connector, headers=server.creator)


async def _uploaded(front: Front, server: RunningServer) -> None:
    """A form goes through as it comes."""
    film = await make_film(front.folder / "film.mp4", 2)
    async with _client(front, server) as http:
        document = await upload(Client(http), film, title="through the front")
        assert document["title"] == "through the front"


async def _talked(front: Front, server: RunningServer) -> None:
    """A socket opens, and says whose it is."""
    async with (
        asyncio.timeout(_SECONDS_MAX),
        _client(front, server) as http,
        http.ws_connect("/api/v1/streaming/ws", protocols=["tollcast.v1"]) as talk,
    ):
        assert (await talk.receive_json())["type"] == "connected"


async def _told_as_it_happens(front: Front, server: RunningServer) -> None:
    """Three events come a second apart: nothing gathers them."""
    process = await asyncio.create_subprocess_exec(
        *(program("curl"), "--silent", "--no-buffer", "--http2", "--max-time", str(_SECONDS_MAX)),
        *("--cacert", str(front.certificate)),
        *("--header", f"Authorization: {server.creator['Authorization']}"),
        f"{front.url}/api/v1/earnings/events",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    told = b""
    while told.count(b"data:") < 3:
        more = await process.stdout.read(1 << 16)
        assert more, "the stream goes on"
        told += more
    process.terminate()
    await process.wait()
    assert len(told) < _GATHERED_BYTES


async def _plain_http_is_sent_on(front: Front) -> None:
    told = await curl(
        front,
        *("--output", "/dev/null", "--write-out", "%{http_code} %{redirect_url}"),
        f"http://localhost:{front.http_port}/watch/main?x=1",
    )
    assert told == f"{front.sends_on} https://localhost/watch/main?x=1"


async def _counted_by_who_asks(server: RunningServer, *fronts: Front) -> None:
    """Who registers too often is refused, whomever they say they ask for; their neighbours are not.

    It is too often within one minute even if another one begins meanwhile.
    """
    strangers = [f"192.0.2.{number}" for number in range(2 * REGISTRATIONS_PER_MINUTE_MAX + 1)]
    for number, front in enumerate(fronts, 2):
        fields = [{"X-Forwarded-For": each, "Forwarded": f"for={each}"} for each in strangers]
        told = await _registers(front, server, f"127.0.0.{number}", fields)
        assert set(told) == {400, 429}, (front.name, told)
        assert await _registers(front, server, f"127.0.0.{number + 10}", [{}]) == [400], front.name


async def _registers(
    front: Front, server: RunningServer, address: str, fields: list[dict[str, str]]
) -> list[int]:
    """What somebody at this address is answered who wants to, and says nothing more."""
    statuses = []
    async with _client(front, server, local_addr=(address, 0), family=socket.AF_INET) as http:
        for each in fields:
            async with http.post("/api/v1/auth/register", json={}, headers=each) as answer:
                statuses.append(answer.status)
    return statuses
