"""Whatever a player does, its viewer pays for the media that there was time to watch.

Real players with habits of all kinds, at once, each in a session of its own. What they are charged
has to lie between what they have shown and the time that they were there (with the two seconds
that are charged as soon as they are delivered), and can never be more than they have fetched.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest

from metering.rules import UNITS_PER_SECOND, MeterRules
from tests.end_to_end.browser_players import BrowserPlayer, Players, browser_players
from tests.end_to_end.conftest import StartServer
from tests.end_to_end.films import made, make_film, upload
from tests.end_to_end.publisher import publishing
from tests.end_to_end.running_server import Client, RunningServer, client_of, guest_of
from tests.end_to_end.viewer import Viewer, files, watch

pytestmark = [pytest.mark.end_to_end, pytest.mark.alone, pytest.mark.peer, pytest.mark.timeout(180)]

STARTUP_SECONDS = MeterRules().startup_units // UNITS_PER_SECOND
LEAD_SECONDS = MeterRules().lead_max_units // UNITS_PER_SECOND
VOID_SECONDS = MeterRules().void_units_max // UNITS_PER_SECOND
SEGMENT_SECONDS = 2
# A tick ends with a whole second, and what is shown is not told to the millisecond.
ROUNDING_SECONDS = 1
PLAY_SECONDS_MAX = 60.0
# Long enough to run away with twice what the void budget forgives.
FILM_SECONDS = 2 * VOID_SECONDS + 60
JUMP_SECONDS = 6


@dataclass(frozen=True)
class Stage:
    """Where the players play.

    Attributes:
        film: long, of one quality.
        ladder: short, of several qualities.
    """

    server: RunningServer
    players: Players
    film: str
    ladder: str

    @asynccontextmanager
    async def session(self, content: str) -> AsyncIterator[Viewer]:
        async with guest_of(self.server) as guest:
            yield await watch(guest, content)

    def address(self, viewer: Viewer) -> str:
        return urljoin(self.server.http_url, str(viewer.session["playbackUrl"]))


async def test_players_of_all_habits_pay_for_what_they_had_time_to_watch(
    start: StartServer, tmp_path: Path
) -> None:
    film, ladder, server = await asyncio.gather(
        make_film(tmp_path / "film.mp4", FILM_SECONDS, size="320x180", rate=5, keyframes=10),
        make_film(tmp_path / "ladder.mp4", 40, size="854x480", rate=10, keyframes=20),
        start(),
    )
    async with (
        client_of(server, **server.creator) as creator,
        publishing(f"{server.rtmp_url}/{server.announced['stream_key']}"),
        browser_players() as players,
    ):
        contents = await asyncio.gather(*(on_demand(creator, each) for each in (film, ladder)))
        stage = Stage(server, players, *contents)
        results = await asyncio.gather(*(habit(stage) for habit in HABITS), return_exceptions=True)
    failures = [repr(result) for result in results if isinstance(result, BaseException)]
    assert not failures, "\n".join(failures)


async def on_demand(creator: Client, film: Path) -> str:
    uploaded = await upload(creator, film, title=film.stem)
    return str((await made(creator, uploaded["id"]))["id"])


async def in_browser(
    stage: Stage,
    content: str,
    act: Callable[[BrowserPlayer], Awaitable[None]],
    **settings: Any,
) -> tuple[int, float]:
    """Let hls.js do something with a content; the seconds charged and the seconds shown.

    Whatever it did, the time that it took is the most that is charged, and what it has shown the
    least.
    """
    loop = asyncio.get_running_loop()
    async with stage.session(content) as viewer:
        began = loop.time()
        async with stage.players.playing("hls.js", stage.address(viewer), **settings) as player:
            await act(player)
            shown = (await player.state()).played
            asked = await player.call("asked")
        charged = int((await viewer.stop())["secondsBilled"])
        present = loop.time() - began
    told = f"{act.__name__}: {charged} s charged, {shown:.1f} s shown in {present:.1f} s"
    there = present + STARTUP_SECONDS + ROUNDING_SECONDS
    assert shown - ROUNDING_SECONDS <= charged <= there, told
    assert charged <= seconds_of(asked) + ROUNDING_SECONDS, told
    return charged, shown


def seconds_of(asked: list[str]) -> int:
    """How much media files are of, whole or in parts, in whatever rendition."""
    found = {match[1] for each in asked if (match := re.search(r"/(\d+)(?:\.\d+)?\.m4s", each))}
    return SEGMENT_SECONDS * len(found)


async def plays(stage: Stage) -> None:
    async def plainly(player: BrowserPlayer) -> None:
        await player.shows(15, PLAY_SECONDS_MAX)

    await in_browser(stage, stage.film, plainly)


async def plays_live(stage: Stage) -> None:
    """In parts of 200 ms, some twenty requests a second."""

    async def live(player: BrowserPlayer) -> None:
        await player.shows(15, PLAY_SECONDS_MAX)

    await in_browser(stage, "main", live)


async def seeks(stage: Stage) -> None:
    """Four times, and once to where it was before: what was fetched ahead is given back."""

    async def seeking(player: BrowserPlayer) -> None:
        for position in (0, 60, 120, 180, 62):
            await player.seek(position)
            await player.shows(3, PLAY_SECONDS_MAX)

    charged, shown = await in_browser(stage, stage.film, seeking)
    assert charged <= shown + 5 * STARTUP_SECONDS + LEAD_SECONDS


async def pauses(stage: Stage) -> None:
    """What is buffered may be charged while the picture stands, and is never charged again."""

    async def pausing(player: BrowserPlayer) -> None:
        await player.shows(4, PLAY_SECONDS_MAX)
        await player.call("pause")
        await asyncio.sleep(8)
        await player.call("resume")
        await player.shows(6, PLAY_SECONDS_MAX)

    await in_browser(stage, stage.film, pausing)


async def prefetches(stage: Stage) -> None:
    """A player that wants ten minutes ahead is given twenty seconds, and pays for none of them."""
    loop = asyncio.get_running_loop()
    began = loop.time()

    async def greedily(player: BrowserPlayer) -> None:
        state = await player.shows(14, PLAY_SECONDS_MAX)
        waited = loop.time() - began - state.played
        lead = state.buffered - state.time - waited
        assert lead <= LEAD_SECONDS + STARTUP_SECONDS + SEGMENT_SECONDS, f"{lead:.1f} s ahead"

    settings = {"maxBufferLength": 600, "maxMaxBufferLength": 600, "maxBufferSize": 10**9}
    await in_browser(stage, stage.film, greedily, **settings)


async def flaps(stage: Stage) -> None:
    """Every two seconds another quality, of what was fetched already: media counts once."""

    async def flapping(player: BrowserPlayer) -> None:
        await player.shows(2, PLAY_SECONDS_MAX)
        for level in range(6):
            assert await player.call("chooseLevel", level) > 1, "there are several"
            await player.shows(1.5, PLAY_SECONDS_MAX)

    await in_browser(stage, stage.ladder, flapping)


async def shares(stage: Stage) -> None:
    """Two players on one token, each at its own place: each turn is a jump, and soon all costs."""
    async with stage.session(stage.film) as viewer:
        url = stage.address(viewer)
        async with (
            stage.players.playing("hls.js", url) as one,
            stage.players.playing("hls.js", url) as other,
        ):
            await other.seek(150)
            await asyncio.sleep(15)
            shown = (await one.state()).played + (await other.state()).played
            fetched = seconds_of([*await one.call("asked"), *await other.call("asked")])
        charged = int((await viewer.stop())["secondsBilled"])
    told = f"{charged} s charged, {shown:.1f} s shown together of {fetched} s fetched"
    # A request that waits when all ends was never answered.
    assert fetched - VOID_SECONDS - LEAD_SECONDS <= charged <= fetched, told


async def fetches_and_runs(stage: Stage) -> None:
    """Fetch what is given at once, jump on, and do so again: the budget ends, and then it costs."""
    fetched = 0
    async with stage.session(stage.film) as viewer:
        (playlist,) = [
            (url, one)
            for url, one in (await viewer.media_playlists()).items()
            if "audio" not in url
        ]
        url, names = playlist[0], list(files(playlist[1]).values())
        per_jump = JUMP_SECONDS // SEGMENT_SECONDS
        jumps = range(0, len(names) - per_jump, 2 * per_jump)
        for first in (*jumps, *(jump + per_jump for jump in jumps)):
            for name in names[first : first + per_jump]:
                await viewer.body(urljoin(url, name))
                fetched += SEGMENT_SECONDS
        charged = int((await viewer.stop())["secondsBilled"])
    told = f"{charged} s charged of {fetched} s fetched"
    assert fetched - VOID_SECONDS - SEGMENT_SECONDS <= charged <= fetched, told


HABITS = (plays, plays_live, seeks, pauses, prefetches, flaps, shares, fetches_and_runs)
