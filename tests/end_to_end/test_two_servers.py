"""Two servers on one database behind a balancer that knows nothing of sessions.

A viewer's requests go to one and the other in turn. The one that meters the session is killed, the
other one goes on with it, and the first comes back: no second is charged twice, none is refused.
"""

import asyncio
import itertools
import random
import socket
import sys
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import aiohttp
import m3u8
import pytest

from metering.localnet import PASSPHRASE
from tests.end_to_end.films import made, make_film, upload
from tests.end_to_end.running_server import (
    Client,
    RunningServer,
    client_of,
    eventually,
    guest_of,
    start_server,
)

pytestmark = [pytest.mark.end_to_end, pytest.mark.process, pytest.mark.timeout(180)]

# What both need of one data directory (`database.url` in tollcast.toml).
_SHARED = ("media", "secrets", "uploads")
_GO_ON_SECONDS_MAX = 60
SEGMENT_SECONDS = 2


def _quiet_port() -> int:
    """One that nobody is given who asks for any (ip_local_port_range begins at 32768)."""
    while True:
        port = random.randrange(15_000, 30_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class Place:
    """Where one of the servers is: its data, its address and its flags."""

    def __init__(self, data: Path, database_url: str) -> None:
        data.mkdir(mode=0o700, parents=True)
        self.data, self.port = data, _quiet_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._flags = (f"--database.url={database_url}", f"--http.server_url={self.url}")

    async def start(self, *flags: str) -> RunningServer:
        return await start_server(self.data, f"--http.port={self.port}", *self._flags, *flags)


class Balanced:
    """A player behind a balancer: each request goes to the next server, and again to the other one
    when it is not answered or told to come back.
    """

    def __init__(self, http: aiohttp.ClientSession, places: list[Place]) -> None:
        self._http = http
        self._turns = itertools.cycle([place.url for place in places])
        self.answered: set[str] = set()

    async def get(self, path: str) -> bytes:
        async with asyncio.timeout(_GO_ON_SECONDS_MAX):
            while True:
                body = await self._ask(urljoin(next(self._turns), path))
                if body is not None:
                    return body

    async def _ask(self, url: str) -> bytes | None:
        try:
            async with self._http.get(url) as answer:
                body = await answer.read()
        except aiohttp.ClientConnectionError:
            return None
        if answer.status == HTTPStatus.SERVICE_UNAVAILABLE:
            await asyncio.sleep(0.2)  # less than it says: a test's time is dear
            return None
        assert answer.status == HTTPStatus.OK, f"{answer.status} {body[:200]!r}"
        self.answered.add(str(answer.url.origin()))
        return body


async def segments_of(player: Balanced, path: str) -> list[str]:
    """The paths of all segments of the first rendition, found as a player does."""
    multivariant = m3u8.loads((await player.get(path)).decode())
    playlist = urljoin(path, multivariant.playlists[0].uri)
    segments = m3u8.loads((await player.get(playlist)).decode()).segments
    return [urljoin(playlist, each.uri) for each in segments]


def two_places(folder: Path, database_url: str) -> list[Place]:
    """With all that servers have in common on one disk."""
    one, two = (Place(folder / name / "data", database_url) for name in ("one", "two"))
    for shared in _SHARED:
        (one.data / shared).mkdir(mode=0o700)
        (two.data / shared).symlink_to(one.data / shared)
    return [one, two]


async def run(*arguments: str) -> str:
    """A command of ours, which succeeds; what it says."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "api.cli", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    return said.decode()


async def billed(client: Client, session_id: str, seconds: int) -> Any:
    """The session's document when so many seconds are billed."""

    async def enough() -> Any:
        document = await client.get(f"/api/v1/streaming/sessions/{session_id}")
        return document if document["secondsBilled"] >= seconds else None

    return await eventually(enough, 30, f"{seconds} s are billed")


async def sent_to(client: Client, path: str) -> str:
    """Where one server sends a player to."""
    async with client.http.get(path, allow_redirects=False) as answer:
        assert answer.status == HTTPStatus.TEMPORARY_REDIRECT, await answer.text()
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        return answer.headers["Location"]


async def receipt_of(client: Client, session_id: str, file: Path) -> Path:
    """A closed session's, as soon as it is made."""

    async def written() -> Path | None:
        path = f"/api/v1/streaming/sessions/{session_id}/receipt"
        async with client.http.get(path) as answer:
            if answer.status != HTTPStatus.OK:
                return None
            file.write_bytes(await answer.read())
            return file

    return await eventually(written, 30, "there is a receipt")


async def test_a_viewer_goes_on_at_another_server_when_the_first_one_is_killed(
    tmp_path: Path, postgres_url: str
) -> None:
    places = two_places(tmp_path, postgres_url)
    film, first = await asyncio.gather(
        make_film(tmp_path / "film.mp4", 40, size="320x180", rate=5, keyframes=10),
        places[0].start(),
    )
    # The local network is the first one's; the second has it as one has a real one.
    network = f"--stellar.rpc_url={first.announced['network_url']}"
    second = await places[1].start(network, f"--stellar.network_passphrase={PASSPHRASE}")
    try:
        receipt = await _watched(places, first, second, film)
        folder = f"--data_directory={places[1].data}"
        _, said = await asyncio.gather(
            run("verify", str(receipt)),
            run("ledger", "verify", f"--database.url={postgres_url}", folder),
        )
        assert "The books are right." in said
    finally:
        await second.stop()


async def _watched(
    places: list[Place], first: RunningServer, second: RunningServer, film: Path
) -> Path:
    """The receipt of who watched."""
    one, two = places
    async with (
        aiohttp.ClientSession() as http,
        client_of(first, **first.creator) as creator,
        guest_of(first) as guest,
        client_of(second, **headers_of(guest)) as there,
    ):
        player = Balanced(http, places)
        wish = {"contentId": (await upload(creator, film, title="film"))["id"]}
        await made(creator, wish["contentId"])
        session = await guest.post("/api/v1/streaming/start", wish, status=201)
        segments = await segments_of(player, session["playbackUrl"])
        assert await sent_to(there, segments[0]) == one.url + segments[0]
        for path in segments[:2] * 2:
            await player.get(path)
        # What is opened at the second belongs where its viewer is, and is ended from anywhere.
        other = await there.post("/api/v1/streaming/start", wish, status=201)
        (path, *_) = await segments_of(player, other["playbackUrl"])
        assert await sent_to(there, path) == one.url + path
        ended = await there.post("/api/v1/streaming/stop", {"sessionId": other["sessionId"]})
        assert ended["secondsBilled"] == 0
        document = await billed(there, session["sessionId"], 2 * SEGMENT_SECONDS)
        assert document["secondsBilled"] == 2 * SEGMENT_SECONDS

        await first.kill()
        for path in segments[:4]:
            await player.get(path)
        assert player.answered == {one.url, two.url}
        document = await billed(there, session["sessionId"], 4 * SEGMENT_SECONDS)
        assert document["secondsBilled"] == 4 * SEGMENT_SECONDS

        again = await one.start()
        try:
            await _came_back(places, again, wish, segments[4], player)
            async with client_of(again, **headers_of(guest)) as back:
                ended = await back.post(
                    "/api/v1/streaming/stop", {"sessionId": session["sessionId"]}
                )
        finally:
            await again.stop()
        assert ended["secondsBilled"] == 4 * SEGMENT_SECONDS
        return await receipt_of(there, session["sessionId"], two.data.parent / "receipt.json")


def headers_of(client: Client) -> dict[str, str]:
    return {"Authorization": client.http.headers["Authorization"]}


async def _came_back(
    places: list[Place],
    again: RunningServer,
    wish: dict[str, str],
    segment: str,
    player: Balanced,
) -> None:
    """It has nothing of what it had, and sessions that are opened there are its own."""
    one, two = places
    async with client_of(again) as back:
        assert await sent_to(back, segment) == two.url + segment
    async with guest_of(again) as newcomer, aiohttp.ClientSession(two.url) as http:
        session = await newcomer.post("/api/v1/streaming/start", wish, status=201)
        (path, *_) = await segments_of(player, session["playbackUrl"])
        assert await sent_to(Client(http), path) == one.url + path
